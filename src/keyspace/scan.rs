//! Walks over whole databases: SCAN's cursor, random keys, every key shard by shard.
//!
//! A cursor names a place in an order that no growth, shrinking or deletion changes: the shard, then
//! the tag of the key's hash, then nine further bits of it. A key that is there throughout is returned
//! exactly once. One call looks at one tag at a time: a pass over the shard's control bytes,
//! 1/128 of the shard's entries.

use super::Access;
use super::database::Keyspace;
use super::entry::Entry;
use super::key::{Key, KeyPlace};
use super::locks::LockMode;
use super::shard::{Database, ReadShard, SHARD_COUNT};

const TAG_COUNT: u64 = 128;
const FINE_BITS: u32 = 9;
const FINE_COUNT: u64 = 1 << FINE_BITS;
/// Bits of the hash below the shard's.
const FINE_SHIFT: u32 = 30;
const PLACES_PER_SHARD: u64 = TAG_COUNT * FINE_COUNT;
/// Cursors are below this; the first one is 0.
const PLACE_COUNT: u64 = PLACES_PER_SHARD * SHARD_COUNT as u64;
/// Shards with more keys than this are walked by the fine places, so that one step stays short.
const COARSE_KEYS_MAX: usize = 16_384;
/// Empty shards skipped in one call at most.
const SKIPPED_SHARDS_MAX: usize = SHARD_COUNT;

/// Random shards tried before RANDOMKEY looks at every shard.
const RANDOM_TRIES: usize = 128;

/// Somebody (a script) holds this shard for a while, so nobody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardBusy(pub KeyPlace);

impl Keyspace {
    /// Visits about `count` entries from the cursor on, expired ones included, and returns the next
    /// cursor, 0 after the last. Locks one shard at a time, shared.
    ///
    /// # Errors
    /// [`ShardBusy`]; some entries may have been visited.
    pub fn scan(
        &self,
        db: u32,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&Entry),
    ) -> Result<u64, ShardBusy> {
        let Some(database) = self.database(db) else { return Ok(0) };
        if cursor >= PLACE_COUNT {
            return Ok(0);
        }
        let mut place = cursor;
        let mut visited = 0;
        let mut skipped = 0;
        while place < PLACE_COUNT && visited < count && skipped < SKIPPED_SHARDS_MAX {
            let shard = usize::try_from(place / PLACES_PER_SHARD).expect("below the shard count");
            if database.summary(shard).key_count() == 0 {
                place = (place / PLACES_PER_SHARD + 1) * PLACES_PER_SHARD;
                skipped += 1;
                continue;
            }
            let wanted = count - visited;
            let locked = self.read_soon(database, db, shard)?;
            place = self.scan_shard(&locked, place, wanted, &mut |entry| {
                visited += 1;
                visit(entry);
            });
        }
        Ok(if place < PLACE_COUNT { place } else { 0 })
    }

    /// Visits entries of one shard, until `wanted` are seen or the shard ends; returns the next place.
    fn scan_shard(
        &self,
        locked: &ReadShard<'_>,
        mut place: u64,
        wanted: usize,
        visit: &mut dyn FnMut(&Entry),
    ) -> u64 {
        let table = locked.table();
        let shard_end = (place / PLACES_PER_SHARD + 1) * PLACES_PER_SHARD;
        if place.is_multiple_of(PLACES_PER_SHARD) && table.len() <= wanted {
            table.for_each(visit);
            return shard_end;
        }
        let mut visited = 0;
        while place < shard_end && visited < wanted {
            let tag = (place / FINE_COUNT % TAG_COUNT) as u8;
            let from = place % FINE_COUNT;
            let until = if table.len() > COARSE_KEYS_MAX { from + 1 } else { FINE_COUNT };
            table.for_each_tagged(tag, |entry| {
                let fine = self.hash(entry.key()) >> FINE_SHIFT & (FINE_COUNT - 1);
                if (from..until).contains(&fine) {
                    visited += 1;
                    visit(entry);
                }
            });
            place += until - from;
        }
        place
    }

    /// Locks a shard that has keys for readers, unless somebody holds it for a while.
    fn read_soon<'a>(
        &'a self,
        database: &'a Database,
        db: u32,
        shard: usize,
    ) -> Result<ReadShard<'a>, ShardBusy> {
        let place = KeyPlace { db, shard: u32::try_from(shard).expect("below the shard count") };
        let locked = database.try_read(shard).or_else(|| self.wait_to_read(database, place));
        locked.ok_or(ShardBusy(place))
    }

    /// Visits every entry of a database, one shard's lock at a time. Waits as long as it takes.
    pub fn for_each(&self, db: u32, visit: &mut dyn FnMut(&Entry)) {
        let Some(database) = self.database(db) else { return };
        for shard in 0..SHARD_COUNT {
            if database.summary(shard).key_count() > 0 {
                database.read(shard).table().for_each(&mut *visit);
            }
        }
    }

    /// The same, but it does not wait for what somebody holds for a while.
    ///
    /// # Errors
    /// [`ShardBusy`]; some entries may have been visited, but not if it was known before.
    pub fn for_each_soon(&self, db: u32, visit: &mut dyn FnMut(&Entry)) -> Result<(), ShardBusy> {
        let Some(database) = self.database(db) else { return Ok(()) };
        self.taken
            .places_of(db)
            .into_iter()
            .try_for_each(|place| self.read_soon(database, db, place.shard as usize).map(drop))?;
        for shard in 0..SHARD_COUNT {
            if database.summary(shard).key_count() > 0 {
                self.read_soon(database, db, shard)?.table().for_each(&mut *visit);
            }
        }
        Ok(())
    }

    /// Returns a random key that has not expired; every key is about equally likely.
    ///
    /// # Errors
    /// [`ShardBusy`].
    pub fn random_key(&self, db: u32, access: &Access) -> Result<Option<Vec<u8>>, ShardBusy> {
        let Some(database) = self.database(db) else { return Ok(None) };
        let live = |entry: &Entry| !entry.is_expired(access.now_ms);
        let counts = database.summaries().iter().map(super::shard::Summary::key_count);
        let largest = counts.max().unwrap_or(0);
        for _ in 0..RANDOM_TRIES {
            let shard = fastrand::usize(..SHARD_COUNT);
            let locked = self.read_soon(database, db, shard)?;
            let table = locked.table();
            // Smaller shards are refused in proportion, so that their keys are not favoured.
            let position = fastrand::usize(..largest.max(1));
            if position < table.len() {
                let mut entries = Vec::with_capacity(table.len());
                table.for_each(|entry| entries.push(entry));
                if live(entries[position]) {
                    return Ok(Some(entries[position].key().to_vec()));
                }
            }
        }
        self.random_key_of_all(db, &live)
    }

    /// Chooses among all keys in one pass (reservoir sampling, Vitter, 1985).
    fn random_key_of_all(
        &self,
        db: u32,
        live: &dyn Fn(&Entry) -> bool,
    ) -> Result<Option<Vec<u8>>, ShardBusy> {
        let mut chosen = None;
        let mut seen = 0_u64;
        self.for_each_soon(db, &mut |entry| {
            if live(entry) {
                seen += 1;
                if fastrand::u64(..seen) == 0 {
                    chosen = Some(entry.key().to_vec());
                }
            }
        })?;
        Ok(chosen)
    }

    /// Says whether a key exists, without a trace.
    ///
    /// # Errors
    /// [`ShardBusy`].
    pub fn contains(&self, key: &Key<'_>, access: &Access) -> Result<bool, ShardBusy> {
        let locked = self.lock_one_soon(key.place(), LockMode::Shared, access);
        Ok(locked.ok_or(ShardBusy(key.place()))?.peek(key).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::keyspace::{Access, Aging, Keyspace, LockMode, Noted};
    use crate::types::StringValue;

    fn access() -> Access {
        let aging = Aging::new(false, 0, 10, 1);
        Access { now_ms: 0, aging, touches: true, removes_expired: true, noted: Noted::NOTHING }
    }

    fn put(keyspace: &Keyspace, name: &str) {
        let key = keyspace.key(0, name.as_bytes());
        let access = access();
        let mut keys = keyspace.lock_one(key.place(), LockMode::Exclusive, &access);
        keys.set(&key, StringValue::Integer(1), None);
    }

    fn delete(keyspace: &Keyspace, name: &str) {
        let key = keyspace.key(0, name.as_bytes());
        let access = access();
        keyspace.lock_one(key.place(), LockMode::Exclusive, &access).remove(&key);
    }

    #[test]
    fn every_key_there_throughout_is_returned_once() {
        let keyspace = Keyspace::new(1);
        for number in 0..3_000 {
            put(&keyspace, &format!("stays:{number}"));
            put(&keyspace, &format!("goes:{number}"));
        }
        let mut seen: HashMap<String, u32> = HashMap::new();
        let (mut cursor, mut step) = (0, 0);
        loop {
            let step_taken = keyspace.scan(0, cursor, 10, &mut |entry| {
                let name = String::from_utf8(entry.key().to_vec()).expect("names are ASCII");
                *seen.entry(name).or_default() += 1;
            });
            cursor = step_taken.expect("nobody holds a shard");
            if cursor == 0 {
                break;
            }
            for number in step..step + 20 {
                put(&keyspace, &format!("comes:{number}"));
                if number < 3_000 {
                    delete(&keyspace, &format!("goes:{number}"));
                }
            }
            step += 20;
        }
        for number in 0..3_000 {
            assert_eq!(seen.get(&format!("stays:{number}")), Some(&1));
        }
    }

    #[test]
    fn a_random_key_comes_from_the_live_ones() {
        let keyspace = Keyspace::new(1);
        assert_eq!(keyspace.random_key(0, &access()), Ok(None));
        put(&keyspace, "only");
        assert_eq!(keyspace.random_key(0, &access()), Ok(Some(b"only".to_vec())));
    }
}
