//! What becomes known of keys and fields that the server itself removes because their time has come.

use super::effects::Effect;
use super::notify::Event;
use super::state::Engine;
use crate::keyspace::{Access, Expired, ExpiredThing, LockMode, Overdue, OwnedKey};
use crate::stats::Counter;

/// Tells those who watch, track or wait for a key, and appends the removal of it or of a field of it to
/// the log of effects; called under its shard's lock. `from` is the worker for one of whose commands it
/// is removed.
pub(super) fn record_removal(engine: &Engine, from: Option<usize>, db: u32, expired: Expired<'_>) {
    let (Expired::Key(key) | Expired::Field { key, .. } | Expired::LastField { key }) = expired
    else {
        return;
    };
    engine.tell_of_removal(from, (db, key));
    if matches!(expired, Expired::Key(_)) && engine.waiters.waiter_count() > 0 {
        let key = OwnedKey::from(&engine.keyspace.key(db, key));
        if engine.waiters.waits_for_removal(&key) {
            engine.pause.hold_back(&key);
        }
    }
    if !engine.effects.is_listening() {
        return;
    }
    let effect = match expired {
        Expired::Key(key) => Effect::new(db, [b"DEL".as_slice(), key].into_iter()),
        // Whoever repeats the removal of its fields removes the key as well.
        Expired::LastField { .. } | Expired::AllFields { .. } => return,
        Expired::Field { key, field } => {
            Effect::new(db, [b"HDEL".as_slice(), key, field].into_iter())
        }
    };
    engine.effects.append(&[effect]);
}

/// Counts and records what a command found expired and removed; called under the locks.
#[cold]
pub(super) fn record_expired(engine: &Engine, worker: usize, expired: &[ExpiredThing]) {
    let mut field_count = 0;
    for ExpiredThing { db, key, field } in expired {
        field_count += u64::from(field.is_some());
        let expired = match field {
            Some(field) => Expired::Field { key, field },
            None => Expired::Key(key),
        };
        record_removal(engine, Some(worker), *db, expired);
    }
    let count = expired.len() as u64;
    if count == 0 {
        return;
    }
    engine.stats.worker(worker).add(Counter::ExpiredKeys, count - field_count);
    engine.stats.worker(worker).add(Counter::ExpiredSubkeys, field_count);
    engine.count_changes(count);
}

/// Removes what a reader saw expired; called without locks. What somebody holds for a while stays: it reads
/// as absent, and who comes upon it next removes it.
#[cold]
pub(super) fn remove_overdue(engine: &Engine, worker: usize, access: &Access, overdue: &[Overdue]) {
    for seen in overdue {
        if let Some(key) = seen.missed() {
            let wanted = engine.config.keyspace_events();
            engine.notify(Some(worker), wanted, Event::KEY_MISS, (key.db, &key.bytes));
            continue;
        }
        let place = seen.place();
        let keys = engine.keyspace.lock_one_soon(place, LockMode::Exclusive, access);
        let Some(mut keys) = keys else { continue };
        keys.remove_overdue(seen);
        record_expired(engine, worker, &keys.take_expired());
        engine.announce(Some(worker), &mut keys);
    }
}
