//! Active expiry: removes keys soon after their time, without an index of deadlines.
//!
//! Every shard's summary holds a time before which none of its keys is due. A sweep visits the shards
//! whose time has come and reads their tables: the coarse deadline in each handle tells which entries
//! can be due, so entries that are not are never touched. A visit ends by noting the earliest time
//! anything left can be due. Workers divide the shards among themselves by number.

use std::time::{Duration, Instant};

use super::database::Keyspace;
use super::entry::Entry;
use super::shard::{Database, SHARD_COUNT};

/// Keys removed in one hold of a shard's lock at most.
const REMOVED_PER_HOLD_MAX: usize = 256;
/// Summaries looked at between two looks at the clock.
const SHARDS_PER_CHECK: usize = 64;

/// What was removed because its time had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired<'a> {
    Key(&'a [u8]),
    /// A field of the hash that a key holds; the key goes with its last field.
    Field {
        key: &'a [u8],
        field: &'a [u8],
    },
    /// All fields of one hash that go at once were named.
    AllFields {
        key: &'a [u8],
    },
    /// A key whose hash has lost its last field that way; the fields were named before.
    LastField {
        key: &'a [u8],
    },
}

/// One worker's place in its share of the shards.
pub struct Sweep {
    worker: usize,
    worker_count: usize,
    db: u32,
    shard: usize,
    removed: Vec<Entry>,
}

/// What a slice of sweeping did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepOutcome {
    /// Keys removed.
    pub expired_count: u64,
    /// Fields of hashes removed.
    pub field_count: u64,
    /// True when the time ran out before the round was through.
    pub has_more: bool,
}

impl Sweep {
    /// Creates the sweep of worker number `worker` of `worker_count`.
    pub fn new(worker: usize, worker_count: usize) -> Self {
        Self { worker, worker_count, db: 0, shard: worker, removed: Vec::new() }
    }

    /// Sweeps until the round is through or `budget` is used up; the next call goes on where this one
    /// stopped. `on_expired` is called for every removed key under its shard's lock.
    pub fn run(
        &mut self,
        keyspace: &Keyspace,
        now_ms: u64,
        budget: Duration,
        on_expired: &mut dyn FnMut(u32, Expired<'_>),
    ) -> SweepOutcome {
        let started = Instant::now();
        let mut outcome = SweepOutcome::default();
        while self.db < keyspace.database_count() {
            if let Some(database) = keyspace.database(self.db)
                && (database.volatile_count() > 0 || database.agenda_count() > 0)
                && !self.run_database(database, now_ms, (started, budget), on_expired, &mut outcome)
            {
                outcome.has_more = true;
                return outcome;
            }
            self.db += 1;
            self.shard = self.worker;
        }
        self.db = 0;
        outcome
    }

    /// Sweeps the rest of one database; says whether it got through.
    fn run_database(
        &mut self,
        database: &Database,
        now_ms: u64,
        (started, budget): (Instant, Duration),
        on_expired: &mut dyn FnMut(u32, Expired<'_>),
        outcome: &mut SweepOutcome,
    ) -> bool {
        let mut unchecked = 0;
        while self.shard < SHARD_COUNT {
            unchecked += 1;
            let db = self.db;
            let mut expired = |what: Expired<'_>| on_expired(db, what);
            if database.agenda().due_ms(self.shard) <= now_ms {
                let removed = &mut self.removed;
                let (count, is_done) =
                    expire_fields(database, self.shard, now_ms, removed, &mut expired);
                outcome.field_count += count as u64;
                removed.clear();
                unchecked = SHARDS_PER_CHECK;
                if !is_done {
                    if started.elapsed() >= budget {
                        return false;
                    }
                    continue;
                }
            }
            if database.summary(self.shard).due_ms() <= now_ms {
                let count =
                    expire_shard(database, self.shard, now_ms, &mut self.removed, &mut expired);
                outcome.expired_count += count as u64;
                self.removed.clear();
                unchecked = SHARDS_PER_CHECK;
                if count == REMOVED_PER_HOLD_MAX {
                    if started.elapsed() >= budget {
                        return false;
                    }
                    continue;
                }
            }
            self.shard += self.worker_count;
            if unchecked >= SHARDS_PER_CHECK {
                unchecked = 0;
                if started.elapsed() >= budget {
                    return false;
                }
            }
        }
        true
    }
}

/// Removes the due fields of one shard, [`REMOVED_PER_HOLD_MAX`] at most; says how many, and whether
/// no more are due. Entries left empty go into `removed`.
fn expire_fields(
    database: &Database,
    shard: usize,
    now_ms: u64,
    removed: &mut Vec<Entry>,
    on_expired: &mut dyn FnMut(Expired<'_>),
) -> (usize, bool) {
    // Whoever is at work there may take long; the next round comes soon.
    let Some(mut locked) = database.try_write(shard) else { return (0, true) };
    let mut count = 0;
    while count < REMOVED_PER_HOLD_MAX {
        let limit = REMOVED_PER_HOLD_MAX - count;
        match locked.expire_elements(now_ms, limit, removed, on_expired) {
            Some(more) => count += more,
            None => return (count, true),
        }
    }
    (count, false)
}

/// Removes the due keys of one shard, [`REMOVED_PER_HOLD_MAX`] at most, into `removed`.
fn expire_shard(
    database: &Database,
    shard: usize,
    now_ms: u64,
    removed: &mut Vec<Entry>,
    on_expired: &mut dyn FnMut(Expired<'_>),
) -> usize {
    let Some(mut locked) = database.try_write(shard) else { return 0 };
    let since_ms = database.summary(shard).due_ms();
    let mut next_due_ms = u64::MAX;
    let mut due = Vec::new();
    {
        let table = locked.table();
        for index in 0..table.bucket_count() {
            let Some(entry) = table.at(index) else { continue };
            if !entry.may_be_due(since_ms, now_ms) {
                next_due_ms = next_due_ms.min(entry.due_ms_at_least(now_ms));
            } else if due.len() == REMOVED_PER_HOLD_MAX {
                next_due_ms = next_due_ms.min(since_ms);
            } else if entry.is_expired(now_ms) {
                due.push(index);
            } else {
                next_due_ms = next_due_ms.min(entry.deadline_ms().unwrap_or(u64::MAX));
            }
        }
    }
    for &index in &due {
        if let Some(entry) = locked.remove_at(index) {
            on_expired(Expired::Key(entry.key()));
            removed.push(entry);
        }
    }
    locked.set_due_ms(next_due_ms);
    locked.shrink_if_sparse();
    due.len()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Sweep;
    use crate::keyspace::{Access, Aging, Keyspace, LockMode, Noted};
    use crate::types::StringValue;

    const START_MS: u64 = 1_800_000_000_123;

    fn put(keyspace: &Keyspace, name: &[u8], deadline_ms: Option<u64>) {
        let access = Access {
            now_ms: 0,
            aging: Aging::new(false, START_MS, 10, 1),
            touches: true,
            removes_expired: true,
            noted: Noted::NOTHING,
        };
        let key = keyspace.key(0, name);
        let mut keys = keyspace.lock_one(key.place(), LockMode::Exclusive, &access);
        keys.set(&key, StringValue::Integer(1), deadline_ms);
    }

    fn sweep_all(keyspace: &Keyspace, now_ms: u64) -> u64 {
        let mut sweep = Sweep::new(0, 1);
        let mut count = 0;
        loop {
            let outcome =
                sweep.run(keyspace, now_ms, Duration::from_secs(1), &mut |_, _| count += 1);
            if !outcome.has_more {
                return count;
            }
        }
    }

    #[test]
    fn keys_go_at_their_time_and_not_before() {
        let keyspace = Keyspace::new(1);
        let mut random = fastrand::Rng::with_seed(3);
        let mut deadlines = Vec::new();
        for number in 0..5_000_u32 {
            let hours = random.u64(0..20);
            let deadline_ms = START_MS + hours * 3_600_000 + random.u64(0..3_600_000);
            put(&keyspace, &number.to_le_bytes(), Some(deadline_ms));
            deadlines.push(deadline_ms);
        }
        put(&keyspace, b"stays", None);
        let mut now_ms = START_MS;
        let mut gone = 0;
        while gone < deadlines.len() {
            now_ms += 600_000;
            sweep_all(&keyspace, now_ms);
            gone = deadlines.iter().filter(|&&deadline_ms| deadline_ms <= now_ms).count();
            assert_eq!(keyspace.key_count(0), (deadlines.len() - gone + 1) as u64);
        }
        assert_eq!(keyspace.database(0).map(super::Database::volatile_count), Some(0));
    }

    #[test]
    fn a_long_pause_loses_nothing() {
        let keyspace = Keyspace::new(1);
        for number in 0..1_000_u64 {
            put(&keyspace, &number.to_le_bytes(), Some(START_MS + number * 10_000));
        }
        assert_eq!(sweep_all(&keyspace, START_MS + 400 * 86_400_000), 1_000);
    }
}
