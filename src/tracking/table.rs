//! The keys that clients have read, each with those who are to hear when it changes.
//!
//! The table is split by hash into parts with a lock each. Their maps keep the keys in a row, so that one
//! of them can be chosen by chance when there are too many.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use indexmap::IndexMap;
use indexmap::map::Entry;
use parking_lot::Mutex;
use smallvec::SmallVec;

/// Parts of the table; so many that workers rarely meet in one.
const PART_COUNT: usize = 64;
const _: () = assert!(PART_COUNT.is_power_of_two(), "a part is picked by masking");

type State = foldhash::quality::RandomState;
type Keys<C> = IndexMap<Arc<[u8]>, Trackers<C>, State>;

/// A part of the table.
struct Part<C> {
    keys: Keys<C>,
    /// Pairs of a key and a client that has read it.
    item_count: usize,
}

impl<C> Default for Part<C> {
    fn default() -> Self {
        Self { keys: Keys::default(), item_count: 0 }
    }
}

/// Those who have read one key; most often one.
pub type Trackers<C> = SmallVec<[Arc<Tracker<C>>; 1]>;

/// A client that tracks the keys it reads.
pub struct Tracker<C> {
    pub client: C,
    /// What it has read and has not been told to forget.
    keys: Mutex<HashSet<Arc<[u8]>, State>>,
    /// It wants to hear of nothing any more.
    has_left: AtomicBool,
}

impl<C> Tracker<C> {
    /// Makes a tracker that has read nothing.
    pub fn new(client: C) -> Self {
        Self { client, keys: Mutex::default(), has_left: AtomicBool::new(false) }
    }

    /// Returns the number of keys it has read.
    pub fn key_count(&self) -> usize {
        self.keys.lock().len()
    }
}

/// All tracked keys.
pub struct TrackingTable<C> {
    parts: Box<[CachePadded<Mutex<Part<C>>>]>,
    hasher: State,
    key_count: AtomicU64,
}

/// What a table has forgotten as a whole.
#[must_use = "the trackers still hold the keys"]
pub struct Forgotten<C>(Vec<Keys<C>>);

impl<C> Default for TrackingTable<C> {
    fn default() -> Self {
        Self {
            parts: (0..PART_COUNT).map(|_| CachePadded::default()).collect(),
            hasher: State::default(),
            key_count: AtomicU64::new(0),
        }
    }
}

impl<C> TrackingTable<C> {
    fn part(&self, key: &[u8]) -> &Mutex<Part<C>> {
        let mut state = self.hasher.build_hasher();
        state.write(key);
        let bits = state.finish().to_le_bytes();
        &self.parts[usize::from(bits[0]) & (PART_COUNT - 1)]
    }

    /// Notes that a client has read a key. Called on the client's own thread, or while it waits.
    pub fn remember(&self, tracker: &Arc<Tracker<C>>, key: &[u8]) {
        let mut part = self.part(key).lock();
        let Part { keys, item_count } = &mut *part;
        let (index, is_new) = match keys.get_index_of(key) {
            Some(index) => (index, false),
            None => (keys.insert_full(key.into(), Trackers::new()).0, true),
        };
        let Some((shared, trackers)) = keys.get_index_mut(index) else { return };
        if trackers.iter().any(|other| Arc::ptr_eq(other, tracker)) {
            return;
        }
        trackers.push(Arc::clone(tracker));
        // In place of an equal one that was forgotten with its whole table.
        tracker.keys.lock().replace(Arc::clone(shared));
        *item_count += 1;
        // Relaxed, here and below: the count is a statistic.
        self.key_count.fetch_add(u64::from(is_new), Ordering::Relaxed);
    }

    /// Forgets a key and returns who is to be told. Cost: O(1), plus one per tracker.
    pub fn forget(&self, key: &[u8]) -> Trackers<C> {
        let mut part = self.part(key).lock();
        let Some(mut trackers) = part.keys.swap_remove(key) else { return Trackers::new() };
        // Taken from the trackers while the part is locked: who reads the key again waits.
        for tracker in &trackers {
            tracker.keys.lock().remove(key);
        }
        part.item_count -= trackers.len();
        drop(part);
        self.key_count.fetch_sub(1, Ordering::Relaxed);
        // Relaxed: who leaves while he is told does not listen.
        trackers.retain(|tracker| !tracker.has_left.load(Ordering::Relaxed));
        trackers
    }

    /// Returns a key chosen by chance if there are more than `limit`, to be forgotten.
    pub fn surplus(&self, limit: u64) -> Option<Arc<[u8]>> {
        if self.key_count() <= limit {
            return None;
        }
        let first = fastrand::usize(..PART_COUNT);
        let chosen = |step: usize| {
            let part = self.parts[(first + step) % PART_COUNT].lock();
            let (key, _) = part.keys.get_index(fastrand::usize(..part.keys.len().max(1)))?;
            Some(Arc::clone(key))
        };
        (0..PART_COUNT).find_map(chosen)
    }

    /// Has a client hear of nothing any more. What it has read is still there, for [`Self::clean_up`].
    pub fn leave(&self, tracker: &Tracker<C>) {
        tracker.has_left.store(true, Ordering::Relaxed);
    }

    /// Forgets everything that a client has read that has left. Cost: O(1) per key.
    pub fn clean_up(&self, tracker: &Arc<Tracker<C>>) {
        let keys = std::mem::take(&mut *tracker.keys.lock());
        for key in keys {
            let mut part = self.part(&key).lock();
            let Part { keys, item_count } = &mut *part;
            let Entry::Occupied(mut entry) = keys.entry(key) else { continue };
            let trackers = entry.get_mut();
            let before = trackers.len();
            trackers.retain(|other| !Arc::ptr_eq(other, tracker));
            *item_count -= before - trackers.len();
            if trackers.is_empty() {
                entry.swap_remove();
                self.key_count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Forgets all keys, in no time. Nobody reads or changes any meanwhile (the gate is closed).
    pub fn clear(&self) -> Forgotten<C> {
        let take = |part: &CachePadded<Mutex<Part<C>>>| {
            // Whoever cleans up meanwhile does so under the same lock.
            let keys = std::mem::take(&mut *part.lock()).keys;
            self.key_count.fetch_sub(keys.len() as u64, Ordering::Relaxed);
            keys
        };
        Forgotten(self.parts.iter().map(take).collect())
    }

    /// Returns the number of keys.
    pub fn key_count(&self) -> u64 {
        self.key_count.load(Ordering::Relaxed)
    }

    /// Returns the number of pairs of a key and a client that has read it. Cost: a few dozen locks.
    pub fn item_count(&self) -> u64 {
        self.parts.iter().map(|part| part.lock().item_count as u64).sum()
    }
}

impl<C> Forgotten<C> {
    /// Returns the number of keys.
    pub fn key_count(&self) -> usize {
        self.0.iter().map(IndexMap::len).sum()
    }

    /// Has those who have read the keys forget them, unless they have read them again. Cost: O(1) per
    /// key and tracker.
    pub fn settle(self) {
        for (key, trackers) in self.0.into_iter().flatten() {
            for tracker in trackers {
                let mut keys = tracker.keys.lock();
                if keys.get(&key).is_some_and(|own| Arc::ptr_eq(own, &key)) {
                    keys.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::thread;

    use super::{Tracker, TrackingTable};

    fn trackers<const COUNT: usize>() -> [Arc<Tracker<usize>>; COUNT] {
        std::array::from_fn(|client| Arc::new(Tracker::new(client)))
    }

    #[test]
    fn whoever_changes_a_key_learns_who_has_read_it_once() {
        let table = TrackingTable::default();
        let [first, second] = trackers();
        for tracker in [&first, &second, &first] {
            table.remember(tracker, b"key");
        }
        table.remember(&first, b"other");
        assert_eq!((table.key_count(), table.item_count()), (2, 3));
        let told: Vec<usize> = table.forget(b"key").iter().map(|tracker| tracker.client).collect();
        assert_eq!(told, [0, 1]);
        assert!(table.forget(b"key").is_empty(), "told once");
        assert_eq!((first.key_count(), second.key_count()), (1, 0));
        table.remember(&second, b"key");
        assert_eq!(table.forget(b"key").len(), 1, "read again, told again");
    }

    #[test]
    fn a_client_that_leaves_leaves_nothing_behind() {
        let table = TrackingTable::default();
        let [first, second] = trackers();
        for number in 0..100_u32 {
            table.remember(&first, &number.to_le_bytes());
            table.remember(&second, &(number % 50).to_le_bytes());
        }
        table.leave(&first);
        assert_eq!(table.forget(&0_u32.to_le_bytes()).len(), 1, "who has left is not told");
        table.clean_up(&first);
        assert_eq!((table.key_count(), table.item_count()), (49, 49));
        table.clean_up(&second);
        assert_eq!((table.key_count(), table.item_count()), (0, 0));
        assert!(table.parts.iter().all(|part| part.lock().keys.is_empty()));
    }

    #[test]
    fn a_full_table_names_a_key_to_forget() {
        let table = TrackingTable::default();
        let [tracker] = trackers();
        for number in 0..20_u32 {
            table.remember(&tracker, &number.to_le_bytes());
        }
        while let Some(key) = table.surplus(5) {
            assert_eq!(table.forget(&key).len(), 1);
        }
        assert_eq!((table.key_count(), tracker.key_count()), (5, 5));
    }

    #[test]
    fn every_key_may_be_the_one_to_forget() {
        let table = TrackingTable::default();
        let [tracker] = trackers();
        for number in 0..200_u32 {
            table.remember(&tracker, &number.to_le_bytes());
        }
        let chosen: HashSet<_> = (0..10_000).filter_map(|_| table.surplus(199)).collect();
        assert_eq!(chosen.len(), 200);
    }

    #[test]
    fn what_is_read_again_after_all_was_forgotten_stays() {
        let table = TrackingTable::default();
        let [first, second] = trackers();
        for tracker in [&first, &second] {
            table.remember(tracker, b"a");
            table.remember(tracker, b"b");
        }
        let forgotten = table.clear();
        assert_eq!((table.key_count(), table.item_count(), forgotten.key_count()), (0, 0, 2));
        table.remember(&first, b"a");
        forgotten.settle();
        assert_eq!((first.key_count(), second.key_count()), (1, 0));
        table.clean_up(&first);
        assert_eq!((table.key_count(), table.item_count()), (0, 0));
    }

    #[test]
    fn counts_stay_exact_when_readers_and_writers_race() {
        let table = TrackingTable::default();
        let all: [_; 3] = trackers();
        thread::scope(|scope| {
            for tracker in &all {
                let table = &table;
                scope.spawn(move || {
                    for round in 0..2000_u32 {
                        table.remember(tracker, &(round % 7).to_le_bytes());
                    }
                });
            }
            scope.spawn(|| {
                (0..2000_u32).for_each(|key| drop(table.forget(&(key % 7).to_le_bytes())))
            });
        });
        all.iter().for_each(|tracker| table.clean_up(tracker));
        assert_eq!((table.key_count(), table.item_count()), (0, 0));
        assert!(all.iter().all(|tracker| tracker.key_count() == 0));
    }
}
