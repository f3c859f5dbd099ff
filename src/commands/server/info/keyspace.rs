//! INFO keyspace: the databases that hold keys.

use super::section::Fields;
use crate::base::clock;
use crate::engine::Engine;
use crate::stats::KeyspaceSample;

/// Keys looked at for the mean time to live.
const TTL_SAMPLE_COUNT: usize = 64;

pub(super) fn fill(engine: &Engine, fields: &mut Fields) {
    for database in samples(engine) {
        let text = format!(
            "keys={},expires={},avg_ttl={},subexpiry={agenda},keys_with_volatile_items={agenda}",
            database.key_count,
            database.expiring_key_count,
            database.average_ttl_ms,
            agenda = agenda_count(engine, database.database),
        );
        fields.text(format!("db{}", database.database), text);
    }
}

/// Returns the number of hashes in which fields have deadlines.
fn agenda_count(engine: &Engine, database: usize) -> u64 {
    let mut existing = engine.keyspace.existing();
    existing.find(|(db, _)| *db as usize == database).map_or(0, |(_, found)| found.agenda_count())
}

/// Returns the figures of all databases that hold keys.
pub(super) fn samples(engine: &Engine) -> Vec<KeyspaceSample> {
    let filled = engine.keyspace.existing().filter(|(_, database)| database.key_count() > 0);
    filled
        .map(|(db, database)| KeyspaceSample {
            database: db as usize,
            key_count: database.key_count(),
            expiring_key_count: database.volatile_count(),
            average_ttl_ms: match database.volatile_count() {
                0 => 0,
                _ => average_ttl_ms(engine, db),
            },
        })
        .collect()
}

/// Returns the mean time to live of a few keys; 0 if none of them expires. Keys lie in the order of
/// a keyed hash, so the first ones are as good a sample as any.
fn average_ttl_ms(engine: &Engine, db: u32) -> u64 {
    let now_ms = clock::unix_ms();
    let (mut sum_ms, mut count) = (0_u64, 0_u64);
    // What a slow script holds is left out.
    let _ = engine.keyspace.scan(db, 0, TTL_SAMPLE_COUNT, &mut |entry| {
        if let Some(left_ms) = entry.deadline_ms().and_then(|at| at.checked_sub(now_ms)) {
            sum_ms = sum_ms.saturating_add(left_ms);
            count += 1;
        }
    });
    sum_ms.checked_div(count).unwrap_or(0)
}
