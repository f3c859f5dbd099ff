//! Those who observe all keys (clients that track what they read): as long as there is one, every shard
//! of every database is marked, and writers note which keys they touch.

use std::sync::OnceLock;
use std::sync::atomic::{Ordering, fence};

use parking_lot::Mutex;

use super::database::Keyspace;
use super::shard::Database;

/// How many observe all keys. The lock is held while shards are marked, so that nobody goes on before
/// all of them are.
#[derive(Default)]
pub(super) struct Everybody(Mutex<usize>);

impl Keyspace {
    /// Notes that somebody more observes all keys. What he reads from now on, he reads under locks that
    /// writers take later, so they see the marks; hence none is taken here.
    /// Cost: for the first one a walk over all shards of all databases that exist, else nothing.
    pub fn observe_everything(&self) {
        let mut count = self.everybody.0.lock();
        if *count == 0 {
            self.all_databases().for_each(|database| database.mark_all(true));
        }
        *count += 1;
    }

    /// Takes back one call of [`Self::observe_everything`]. Cost: as there.
    pub fn end_observing_everything(&self) {
        let mut count = self.everybody.0.lock();
        *count -= 1;
        if *count == 0 {
            self.all_databases().for_each(|database| database.mark_all(false));
        }
    }

    /// Creates a database, marked if need be, unless somebody was quicker.
    #[cold]
    pub(super) fn create<'a>(&self, slot: &'a OnceLock<Database>) -> &'a Database {
        // Held until the new one can be seen by those who mark all.
        let count = self.everybody.0.lock();
        let database = slot.get_or_init(|| {
            let database = self.new_database();
            database.mark_all(*count > 0);
            database
        });
        drop(count);
        // SeqCst: who found no database notes that, and then looks again; this one has created it, and
        // then looks for such notes. One of them sees the other.
        fence(Ordering::SeqCst);
        database
    }

    /// Says whether a database has been created since somebody found none; he has noted that.
    pub fn has_come(&self, db: u32) -> bool {
        // SeqCst: as above.
        fence(Ordering::SeqCst);
        self.database(db).is_some()
    }
}

#[cfg(test)]
mod tests {
    use crate::keyspace::{Access, Aging, Keyspace, LockMode, LruClock, Noted};
    use crate::types::StringValue;

    /// Says whether a writer notes that it touches a key.
    fn is_noted(keyspace: &Keyspace, db: u32) -> bool {
        let access = Access {
            now_ms: 1,
            aging: Aging::Lru(LruClock::at(1)),
            touches: true,
            removes_expired: true,
            noted: Noted::NOTHING,
        };
        let key = keyspace.key(db, b"key");
        let mut keys = keyspace.lock_one(key.place(), LockMode::Exclusive, &access);
        keys.set(&key, StringValue::Integer(1), None);
        !keys.take_touched().is_empty()
    }

    #[test]
    fn writers_note_what_they_touch_while_anybody_observes_everything() {
        let keyspace = Keyspace::new(3);
        assert!(!is_noted(&keyspace, 0));
        keyspace.observe_everything();
        keyspace.observe_everything();
        assert!(is_noted(&keyspace, 0));
        assert!(is_noted(&keyspace, 1), "a database that came later");
        keyspace.end_observing_everything();
        assert!(is_noted(&keyspace, 0));
        keyspace.end_observing_everything();
        assert!((0..3).all(|db| !is_noted(&keyspace, db)));
    }

    #[test]
    fn observers_of_a_key_stay_when_those_of_everything_go() {
        let keyspace = Keyspace::new(1);
        let key = keyspace.key(0, b"key");
        keyspace.begin_observation(&key);
        keyspace.observe_everything();
        keyspace.end_observing_everything();
        assert!(is_noted(&keyspace, 0));
        keyspace.end_observation(&key);
        assert!(!is_noted(&keyspace, 0));
    }
}
