//! Eviction by sampling: a few entries of a random shard are looked at, the best candidates are kept
//! in a small pool between calls, and the best of the pool goes.
//!
//! Source of the pool: the approximated LRU that Redis has documented since 3.0.

use super::access::{LRU_STEP_MS, LruClock, frequency, idle_ms};
use super::database::Keyspace;
use super::entry::Entry;
use super::shard::{Database, SHARD_COUNT, TableView};

/// Candidates kept between calls.
const POOL_COUNT: usize = 16;
/// Buckets looked at for one round of samples at most.
const BUCKETS_PER_ROUND_MAX: usize = 256;
/// Rounds of sampling without any candidate after which there is nothing to evict.
const EMPTY_ROUNDS_MAX: usize = 8;

/// Which keys may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victims {
    All,
    /// Only keys with a deadline.
    Volatile,
}

/// Which of them goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VictimOrder {
    LeastRecentlyUsed,
    LeastFrequentlyUsed { decay_minutes: u32 },
    Random,
    SoonestDeadline,
}

/// A key that was evicted.
pub struct Evicted {
    pub db: u32,
    pub entry: Entry,
}

struct Candidate {
    /// The higher, the sooner it goes. Using the key lowers it.
    score: u64,
    db: u32,
    key: Vec<u8>,
}

/// One worker's sampler with its pool.
#[derive(Default)]
pub struct Evictor {
    /// Ascending by score.
    pool: Vec<Candidate>,
    random: fastrand::Rng,
}

impl Evictor {
    /// Removes one key by the policy; `None` when no key may go. `on_evicted` is called under the
    /// shard's lock. Cost: `sample_count` look-ups or a little more.
    pub fn evict(
        &mut self,
        keyspace: &Keyspace,
        (victims, order): (Victims, VictimOrder),
        sample_count: usize,
        now_ms: u64,
        on_evicted: &mut dyn FnMut(u32, &[u8]),
    ) -> Option<Evicted> {
        for _ in 0..EMPTY_ROUNDS_MAX {
            let sampled = self.sample(keyspace, (victims, order), sample_count, now_ms);
            while let Some(candidate) = self.pool.pop() {
                let removed = remove(keyspace, &candidate, (victims, order), now_ms, on_evicted);
                if let Some(entry) = removed {
                    return Some(Evicted { db: candidate.db, entry });
                }
            }
            if !sampled {
                return None;
            }
        }
        None
    }

    /// Forgets candidates whose scores were given under another policy.
    pub fn policy_changed(&mut self) {
        self.pool.clear();
    }

    /// Looks at the entries of one random place; says whether any key may go at all.
    fn sample(
        &mut self,
        keyspace: &Keyspace,
        (victims, order): (Victims, VictimOrder),
        sample_count: usize,
        now_ms: u64,
    ) -> bool {
        let Some((db, database)) = self.pick_database(keyspace, victims) else { return false };
        // A random order needs no comparison: one sample is as good as several.
        let wanted = if order == VictimOrder::Random { 1 } else { sample_count.max(1) };
        let mut found = 0;
        let mut start = self.random.usize(..SHARD_COUNT);
        // Small databases have a key or none in a shard: go on with the next ones.
        for _ in 0..wanted {
            let Some(shard) = next_shard(database, victims, start) else { return found > 0 };
            start = (shard + 1) % SHARD_COUNT;
            // What somebody is at work on is hardly the best to go.
            let Some(locked) = database.try_read(shard) else { continue };
            let view = locked.table();
            found += self.sample_shard(&view, (victims, order), wanted - found, (db, now_ms));
            if found >= wanted {
                break;
            }
        }
        true
    }

    /// Offers up to `wanted` entries from a random place of a shard's table on; returns how many.
    fn sample_shard(
        &mut self,
        table: &TableView<'_>,
        (victims, order): (Victims, VictimOrder),
        wanted: usize,
        (db, now_ms): (u32, u64),
    ) -> usize {
        let bucket_count = table.bucket_count();
        let start = self.random.usize(..bucket_count.max(1));
        let mut found = 0;
        for step in 0..bucket_count.min(BUCKETS_PER_ROUND_MAX) {
            let Some(entry) = table.at((start + step) % bucket_count) else { continue };
            if victims == Victims::Volatile && !entry.is_volatile() {
                continue;
            }
            self.offer(score(entry, order, now_ms), db, entry.key());
            found += 1;
            if found == wanted {
                break;
            }
        }
        found
    }

    fn pick_database<'k>(
        &mut self,
        keyspace: &'k Keyspace,
        victims: Victims,
    ) -> Option<(u32, &'k Database)> {
        let count = |database: &Database| match victims {
            Victims::All => database.key_count(),
            Victims::Volatile => database.volatile_count(),
        };
        let total: u64 = keyspace.existing().map(|(_, database)| count(database)).sum();
        if total == 0 {
            return None;
        }
        let mut position = self.random.u64(..total);
        keyspace.existing().find(|(_, database)| {
            let keys = count(database);
            let is_here = position < keys;
            position = position.saturating_sub(keys);
            is_here
        })
    }

    /// Keeps a candidate if it is among the best.
    fn offer(&mut self, score: u64, db: u32, key: &[u8]) {
        let known = self.pool.iter().position(|known| known.db == db && known.key == key);
        if let Some(index) = known {
            // It may have been used since.
            self.pool.remove(index);
        }
        let mut place = self.pool.partition_point(|known| known.score < score);
        let mut bytes = Vec::new();
        if self.pool.len() == POOL_COUNT {
            if place == 0 {
                return;
            }
            bytes = self.pool.remove(0).key;
            place -= 1;
        }
        bytes.clear();
        bytes.extend_from_slice(key);
        self.pool.insert(place, Candidate { score, db, key: bytes });
    }
}

/// Returns the first shard from `start` on that has a key that may go.
fn next_shard(database: &Database, victims: Victims, start: usize) -> Option<usize> {
    (0..SHARD_COUNT).map(|step| (start + step) % SHARD_COUNT).find(|&shard| {
        let summary = database.summary(shard);
        match victims {
            Victims::All => summary.key_count() > 0,
            Victims::Volatile => summary.volatile_count() > 0,
        }
    })
}

/// Returns how soon an entry should go; scores given at different times compare.
fn score(entry: &Entry, order: VictimOrder, now_ms: u64) -> u64 {
    match order {
        VictimOrder::LeastRecentlyUsed => {
            let now_ms = now_ms - now_ms % LRU_STEP_MS;
            u64::MAX - now_ms.saturating_sub(idle_ms(entry, LruClock::at(now_ms)))
        }
        VictimOrder::LeastFrequentlyUsed { decay_minutes } => {
            u64::from(u8::MAX - frequency(entry, now_ms, decay_minutes))
        }
        VictimOrder::Random => 0,
        VictimOrder::SoonestDeadline => u64::MAX - entry.deadline_ms().unwrap_or(u64::MAX),
    }
}

/// Removes a candidate if it still may go and was not used since it was looked at.
fn remove(
    keyspace: &Keyspace,
    candidate: &Candidate,
    (victims, order): (Victims, VictimOrder),
    now_ms: u64,
    on_evicted: &mut dyn FnMut(u32, &[u8]),
) -> Option<Entry> {
    let key = keyspace.key(candidate.db, &candidate.key);
    let database = keyspace.database(key.place.db)?;
    let mut shard = database.try_write(super::shard::shard_of(key.hash))?;
    let entry = shard.find(key.hash, key.bytes)?;
    let is_out = victims == Victims::Volatile && !entry.is_volatile();
    if is_out || score(entry, order, now_ms) < candidate.score {
        return None;
    }
    let entry = shard.remove(key.hash, key.bytes)?;
    shard.shrink_if_sparse();
    on_evicted(key.place.db, key.bytes);
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::{Evictor, VictimOrder, Victims};
    use crate::keyspace::{Access, Aging, Keyspace, LockMode, Noted};
    use crate::types::StringValue;

    fn put(keyspace: &Keyspace, number: u64, now_ms: u64, deadline_ms: Option<u64>) {
        let aging = Aging::new(false, now_ms, 10, 1);
        let access = Access {
            now_ms: 0,
            aging,
            touches: true,
            removes_expired: true,
            noted: Noted::NOTHING,
        };
        let name = number.to_le_bytes();
        let key = keyspace.key(0, &name);
        let mut keys = keyspace.lock_one(key.place(), LockMode::Exclusive, &access);
        keys.set(&key, StringValue::Integer(1), deadline_ms);
    }

    #[test]
    fn old_keys_go_before_young_ones() {
        let keyspace = Keyspace::new(1);
        for number in 0..10_000 {
            put(&keyspace, number, 1_000_000 + number * 1_000, None);
        }
        let mut evictor = Evictor::default();
        let policy = (Victims::All, VictimOrder::LeastRecentlyUsed);
        let mut ages = 0;
        for _ in 0..5_000 {
            let evicted = evictor
                .evict(&keyspace, policy, 5, 1_000_000 + 10_000_000, &mut |_, _| {})
                .expect("keys are left");
            let name: [u8; 8] = evicted.entry.key().try_into().expect("eight bytes");
            ages += u64::from_le_bytes(name);
        }
        // Exact LRU would give 2,500 on average, chance 5,000.
        assert!(ages / 5_000 < 3_100, "{}", ages / 5_000);
    }

    #[test]
    fn a_candidate_used_meanwhile_stays() {
        let keyspace = Keyspace::new(1);
        let (first, second) = (1_u64, 2_u64);
        put(&keyspace, first, 1_000_000, None);
        put(&keyspace, second, 2_000_000, None);
        let mut evictor = Evictor::default();
        let policy = (Victims::All, VictimOrder::LeastRecentlyUsed);
        assert!(evictor.sample(&keyspace, policy, 5, 3_000_000));
        put(&keyspace, first, 3_000_000, None);
        let evicted = evictor.evict(&keyspace, policy, 5, 4_000_000, &mut |_, _| {});
        let evicted = evicted.expect("keys are left").entry;
        assert_eq!(evicted.key(), second.to_le_bytes());
    }

    #[test]
    fn volatile_policies_leave_persistent_keys_alone() {
        let keyspace = Keyspace::new(2);
        for number in 0..100 {
            let deadline_ms = (number % 2 == 0).then_some(u64::MAX / 2 - number);
            put(&keyspace, number, 0, deadline_ms);
        }
        let mut evictor = Evictor::default();
        let policy = (Victims::Volatile, VictimOrder::SoonestDeadline);
        let mut count = 0;
        while evictor.evict(&keyspace, policy, 5, 0, &mut |_, _| {}).is_some() {
            count += 1;
        }
        assert_eq!(count, 50);
        assert_eq!(keyspace.key_count(0), 50);
    }
}
