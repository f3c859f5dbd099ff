//! The keys that clients have read, each with those who are to hear when it changes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use parking_lot::Mutex;
use smallvec::SmallVec;

/// Those who have read one key; most often one.
pub type Trackers<C> = SmallVec<[Arc<Tracker<C>>; 1]>;

/// A client that tracks the keys it reads.
pub struct Tracker<C> {
    pub client: C,
    /// What it has read and has not been told to forget.
    keys: Mutex<HashSet<Arc<[u8]>>>,
}

impl<C> Tracker<C> {
    /// Makes a tracker that has read nothing.
    pub fn new(client: C) -> Self {
        Self { client, keys: Mutex::default() }
    }

    /// Returns the number of keys it has read.
    pub fn key_count(&self) -> usize {
        self.keys.lock().len()
    }
}

/// All tracked keys.
pub struct TrackingTable<C> {
    keys: DashMap<Arc<[u8]>, Trackers<C>>,
    key_count: AtomicU64,
    item_count: AtomicU64,
}

impl<C> Default for TrackingTable<C> {
    fn default() -> Self {
        Self { keys: DashMap::new(), key_count: AtomicU64::new(0), item_count: AtomicU64::new(0) }
    }
}

impl<C> TrackingTable<C> {
    /// Notes that a client has read a key. Called on the client's own thread.
    pub fn remember(&self, tracker: &Arc<Tracker<C>>, key: &[u8]) {
        if self.has(tracker, key) {
            return;
        }
        let shared: Arc<[u8]> = key.into();
        // Relaxed, here and below: the counts are statistics.
        let mut trackers = match self.keys.entry(Arc::clone(&shared)) {
            Entry::Occupied(entry) => entry.into_ref(),
            Entry::Vacant(entry) => {
                self.key_count.fetch_add(1, Ordering::Relaxed);
                entry.insert(Trackers::new())
            }
        };
        if !trackers.iter().any(|other| Arc::ptr_eq(other, tracker)) {
            trackers.push(Arc::clone(tracker));
            self.item_count.fetch_add(1, Ordering::Relaxed);
        }
        tracker.keys.lock().insert(shared);
    }

    fn has(&self, tracker: &Arc<Tracker<C>>, key: &[u8]) -> bool {
        let trackers = self.keys.get(key);
        trackers.is_some_and(|all| all.iter().any(|other| Arc::ptr_eq(other, tracker)))
    }

    /// Forgets a key and returns who is to be told. Cost: O(1), plus one per tracker.
    pub fn forget(&self, key: &[u8]) -> Trackers<C> {
        let Entry::Occupied(entry) = self.keys.entry(key.into()) else { return Trackers::new() };
        // Removed from the trackers while the table's shard is locked: who reads the key again waits.
        for tracker in entry.get() {
            tracker.keys.lock().remove(key);
        }
        let trackers = entry.remove();
        self.count_out(trackers.len());
        trackers
    }

    fn count_out(&self, item_count: usize) {
        self.key_count.fetch_sub(1, Ordering::Relaxed);
        self.item_count.fetch_sub(item_count as u64, Ordering::Relaxed);
    }

    /// Returns some key if there are more than `limit`, to be forgotten.
    pub fn surplus(&self, limit: u64) -> Option<Arc<[u8]>> {
        if self.key_count() <= limit {
            return None;
        }
        // Whichever comes first from a place chosen by chance.
        let skipped_count = fastrand::usize(..8);
        let found = self.keys.iter().nth(skipped_count).map(|item| Arc::clone(item.key()));
        found.or_else(|| self.keys.iter().next().map(|item| Arc::clone(item.key())))
    }

    /// Forgets everything a client has read. Cost: O(1) per key.
    pub fn leave(&self, tracker: &Arc<Tracker<C>>) {
        let keys = std::mem::take(&mut *tracker.keys.lock());
        for key in keys {
            let Entry::Occupied(mut entry) = self.keys.entry(key) else { continue };
            let trackers = entry.get_mut();
            let before = trackers.len();
            trackers.retain(|other| !Arc::ptr_eq(other, tracker));
            self.item_count.fetch_sub((before - trackers.len()) as u64, Ordering::Relaxed);
            if trackers.is_empty() {
                entry.remove();
                self.count_out(0);
            }
        }
    }

    /// Forgets all keys. Nobody reads or changes any meanwhile (the gate is closed).
    pub fn clear(&self) {
        self.keys.retain(|_, trackers| {
            trackers.iter().for_each(|tracker| tracker.keys.lock().clear());
            self.count_out(trackers.len());
            false
        });
    }

    /// Returns the number of keys.
    pub fn key_count(&self) -> u64 {
        self.key_count.load(Ordering::Relaxed)
    }

    /// Returns the number of pairs of a key and a client that has read it.
    pub fn item_count(&self) -> u64 {
        self.item_count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!((table.key_count(), table.item_count()), (50, 50));
        table.leave(&second);
        assert_eq!((table.key_count(), table.item_count()), (0, 0));
        assert!(table.keys.is_empty());
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
        table.clear();
        assert_eq!((table.key_count(), table.item_count(), tracker.key_count()), (0, 0, 0));
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
        all.iter().for_each(|tracker| table.leave(tracker));
        assert_eq!((table.key_count(), table.item_count()), (0, 0));
        assert!(all.iter().all(|tracker| tracker.key_count() == 0));
    }
}
