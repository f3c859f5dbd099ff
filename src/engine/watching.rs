//! Watched keys: whoever changes one marks the clients that watch it, under the lock of its shard.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::removal::record_expired;
use super::state::Engine;
use crate::base::clock;
use crate::keyspace::{Key, OwnedKey};

/// The keys one client watches until its next transaction.
#[derive(Default)]
pub struct WatchSet {
    keys: Vec<WatchedKey>,
    name_bytes: usize,
    mark: Arc<AtomicBool>,
}

struct WatchedKey {
    key: OwnedKey,
    /// It has been there though its time was over since it began to be watched, or since it took the
    /// place of nothing: its removal is no change.
    was_expired: Arc<AtomicBool>,
}

/// One client that watches a key.
struct Watcher {
    mark: Arc<AtomicBool>,
    was_expired: Arc<AtomicBool>,
}

/// All watched keys and the marks of those who watch them.
#[derive(Default)]
pub struct Watches {
    marks: Mutex<HashMap<OwnedKey, Vec<Watcher>>>,
    client_count: AtomicU64,
}

impl Watches {
    /// Says whether anybody watches anything.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // Relaxed: who adds a key holds its shard's lock, and who asks for its sake holds it later.
        self.client_count.load(Ordering::Relaxed) == 0
    }

    /// Returns the number of clients that watch keys, and of the keys.
    pub fn counts(&self) -> (u64, usize) {
        (self.client_count.load(Ordering::Relaxed), self.marks.lock().len())
    }

    /// Marks all who watch a key. Its shard is locked.
    pub fn mark(&self, key: &OwnedKey) {
        for watcher in self.marks.lock().get(key).into_iter().flatten() {
            // Relaxed: the shard's lock orders it.
            watcher.mark.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the watched keys of a database, each as often as it is watched.
    pub fn keys_of(&self, db: u32) -> Vec<(OwnedKey, usize)> {
        let marks = self.marks.lock();
        let own = marks.iter().filter(|(key, _)| key.db == db);
        own.map(|(key, watchers)| (key.clone(), watchers.len())).collect()
    }

    fn add(&self, key: &OwnedKey, watcher: Watcher) {
        self.marks.lock().entry(key.clone()).or_default().push(watcher);
    }

    /// Marks those who watch a key that is about to go or to be another one; `is_expired` says of the
    /// entry that is there whether its time is over. The gate is closed.
    fn mark_if_there(&self, key: &OwnedKey, is_expired: Option<bool>) {
        for watcher in self.marks.lock().get(key).into_iter().flatten() {
            let was_expired = watcher.was_expired.swap(false, Ordering::Relaxed);
            if is_expired.is_some_and(|is_expired| !(is_expired && was_expired)) {
                watcher.mark.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Notes that what has come to the place of a key is there only though its time is over.
    fn note_expired(&self, key: &OwnedKey) {
        for watcher in self.marks.lock().get(key).into_iter().flatten() {
            watcher.was_expired.store(true, Ordering::Relaxed);
        }
    }

    fn remove(&self, key: &OwnedKey, mark: &Arc<AtomicBool>) {
        let mut marks = self.marks.lock();
        let Some(watchers) = marks.get_mut(key) else { return };
        watchers.retain(|other| !Arc::ptr_eq(&other.mark, mark));
        if watchers.is_empty() {
            marks.remove(key);
        }
    }
}

impl WatchSet {
    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns the bytes that watching takes.
    pub(super) fn bytes(&self) -> usize {
        /// Of a key here and in the list of all watched keys, without its name.
        const KEY_BYTES: usize = size_of::<WatchedKey>() + size_of::<(OwnedKey, Vec<()>)>();
        2 * self.name_bytes + KEY_BYTES * self.keys.len()
    }

    /// Says whether nothing is watched.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        self.keys.iter().map(|watched| watched.key.key())
    }

    /// Says whether a watched key has changed. The shards of all of them are locked in `keys`.
    pub(super) fn has_changed(&self, keys: &mut crate::keyspace::Keys<'_>) -> bool {
        // Relaxed: the shards' locks order it.
        self.mark.load(Ordering::Relaxed)
            || self.keys.iter().any(|watched| {
                let key = watched.key.key();
                let is_expired = keys.holds_expired(&key);
                is_expired && !watched.was_expired.load(Ordering::Relaxed)
            })
    }
}

impl super::Context<'_> {
    /// Begins to watch a key, which the command has locked exclusively.
    pub fn watch(&mut self, key: &Key<'_>) {
        let owned = OwnedKey::from(key);
        let set = &mut self.session.watches;
        if set.keys.iter().any(|watched| watched.key == owned) {
            return;
        }
        let watches = &self.engine.watches;
        if set.keys.is_empty() {
            watches.client_count.fetch_add(1, Ordering::Relaxed);
        }
        self.keys.remove_if_expired(key);
        // Told now, while nobody of this client's hears of it: it is no change for them.
        record_expired(self.engine, self.worker, &self.keys.take_expired());
        self.keys.observe(key);
        // It is still there only while nothing expires.
        let was_expired = Arc::new(AtomicBool::new(self.keys.holds_expired(key)));
        let mark = Arc::clone(&set.mark);
        watches.add(&owned, Watcher { mark, was_expired: Arc::clone(&was_expired) });
        set.name_bytes += key.bytes.len();
        set.keys.push(WatchedKey { key: owned, was_expired });
    }
}

impl Engine {
    /// Ends the watching of all keys of a client.
    pub fn unwatch(&self, set: &mut WatchSet) {
        let set = std::mem::take(set);
        if set.keys.is_empty() {
            return;
        }
        for watched in &set.keys {
            self.watches.remove(&watched.key, &set.mark);
            self.keyspace.end_observation(&watched.key.key());
        }
        self.watches.client_count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Marks those who watch keys of a database that are there: they are about to go, or to be others.
    /// The gate is closed.
    pub fn mark_watched(&self, db: u32) {
        let now_ms = clock::unix_ms();
        for (key, _) in self.watches.keys_of(db) {
            self.watches.mark_if_there(&key, self.keyspace.is_expired(&key.key(), now_ms));
        }
    }

    /// Marks those who watch keys of a database that have come to be there.
    fn mark_arrived(&self, db: u32) {
        let now_ms = clock::unix_ms();
        for (key, _) in self.watches.keys_of(db) {
            match self.keyspace.is_expired(&key.key(), now_ms) {
                None => {}
                Some(false) => self.watches.mark(&key),
                Some(true) => self.watches.note_expired(&key),
            }
        }
    }

    /// Exchanges two databases, and lets those who wait for keys of them or watch them know. The gate
    /// is closed. Returns the keys that somebody waits for and that may be there now.
    pub fn swap_databases(&self, first: u32, second: u32) -> Vec<OwnedKey> {
        let databases = [first, second];
        let observed: Vec<(OwnedKey, usize)> = databases
            .iter()
            .flat_map(|&db| [self.watches.keys_of(db), self.waiters.waits_of(db)].concat())
            .collect();
        databases.iter().for_each(|&db| self.mark_watched(db));
        for (key, count) in &observed {
            (0..*count).for_each(|_| self.keyspace.end_observation(&key.key()));
        }
        self.keyspace.swap(first, second);
        for (key, count) in &observed {
            (0..*count).for_each(|_| self.keyspace.begin_observation(&key.key()));
        }
        databases.iter().for_each(|&db| self.mark_arrived(db));
        databases.iter().flat_map(|&db| self.waiters.keys_of(db)).collect()
    }
}
