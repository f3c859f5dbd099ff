//! The prefixes clients follow in broadcasting mode, and the keys under them that have changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::table::Tracker;

/// Followers of one prefix, and what they are still to be told.
struct Prefix<C> {
    followers: Vec<Arc<Tracker<C>>>,
    /// Changed keys, each with the id of the client that changed it first.
    changed: BTreeMap<Box<[u8]>, u64>,
}

/// Followers of one prefix with the keys that have changed, in order, and who changed each.
pub struct Gathered<C> {
    pub followers: Vec<Arc<Tracker<C>>>,
    pub changed: Vec<(Box<[u8]>, u64)>,
}

/// All followed prefixes.
pub struct Prefixes<C> {
    by_name: Mutex<BTreeMap<Box<[u8]>, Prefix<C>>>,
    count: AtomicUsize,
    has_changes: AtomicBool,
}

impl<C> Default for Prefixes<C> {
    fn default() -> Self {
        Self {
            by_name: Mutex::default(),
            count: AtomicUsize::new(0),
            has_changes: AtomicBool::new(false),
        }
    }
}

impl<C> Prefixes<C> {
    /// Has a client follow a prefix.
    pub fn follow(&self, tracker: &Arc<Tracker<C>>, name: &[u8]) {
        let mut by_name = self.by_name.lock();
        let new = || Prefix { followers: Vec::new(), changed: BTreeMap::new() };
        let followers = &mut by_name.entry(name.into()).or_insert_with(new).followers;
        if !followers.iter().any(|other| Arc::ptr_eq(other, tracker)) {
            followers.push(Arc::clone(tracker));
        }
        self.count.store(by_name.len(), Ordering::Relaxed);
    }

    /// Ends all following of a client.
    pub fn leave(&self, tracker: &Arc<Tracker<C>>) {
        let mut by_name = self.by_name.lock();
        by_name.retain(|_, prefix| {
            prefix.followers.retain(|other| !Arc::ptr_eq(other, tracker));
            !prefix.followers.is_empty()
        });
        self.count.store(by_name.len(), Ordering::Relaxed);
    }

    /// Returns the number of prefixes.
    #[inline]
    pub fn len(&self) -> usize {
        // Relaxed: who begins to follow has the gate closed once before it is told so.
        self.count.load(Ordering::Relaxed)
    }

    /// Says whether nobody follows anything.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Notes that a client (0: the server itself) has changed a key. Cost: O(prefixes).
    pub fn note(&self, key: &[u8], client_id: u64) {
        let mut by_name = self.by_name.lock();
        let concerned = by_name.iter_mut().filter(|(name, _)| key.starts_with(name));
        for (_, prefix) in concerned {
            prefix.changed.entry(key.into()).or_insert(client_id);
            // Relaxed: a hint; a missed one is seen at the end of the next round.
            self.has_changes.store(true, Ordering::Relaxed);
        }
    }

    /// Takes what has gathered since the last call.
    #[inline]
    pub fn take(&self) -> Vec<Gathered<C>> {
        if !self.has_changes.load(Ordering::Relaxed) {
            return Vec::new();
        }
        self.take_changes()
    }

    #[cold]
    fn take_changes(&self) -> Vec<Gathered<C>> {
        let mut by_name = self.by_name.lock();
        self.has_changes.store(false, Ordering::Relaxed);
        let with_changes = by_name.values_mut().filter(|prefix| !prefix.changed.is_empty());
        with_changes
            .map(|prefix| Gathered {
                followers: prefix.followers.clone(),
                changed: std::mem::take(&mut prefix.changed).into_iter().collect(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Prefixes;
    use crate::tracking::Tracker;

    #[test]
    fn changes_gather_under_every_prefix_of_their_key() {
        let prefixes = Prefixes::default();
        let [all, users] = [0, 1].map(|client| Arc::new(Tracker::new(client)));
        prefixes.follow(&all, b"");
        prefixes.follow(&users, b"user:");
        prefixes.follow(&users, b"user:");
        assert_eq!(prefixes.len(), 2);
        for (key, client_id) in [("user:2", 7), ("user:1", 0), ("user:2", 9), ("other", 7)] {
            prefixes.note(key.as_bytes(), client_id);
        }
        let gathered = prefixes.take();
        let seen = |client: usize| -> Vec<(&[u8], u64)> {
            let of_client = gathered.iter().filter(|one| one.followers[0].client == client);
            of_client.flat_map(|one| one.changed.iter().map(|(key, id)| (&**key, *id))).collect()
        };
        assert_eq!(gathered.len(), 2);
        assert_eq!(seen(0), [(&b"other"[..], 7), (b"user:1", 0), (b"user:2", 7)]);
        assert_eq!(seen(1), [(&b"user:1"[..], 0), (b"user:2", 7)]);
        assert!(prefixes.take().is_empty(), "told once");
    }

    #[test]
    fn nothing_is_left_of_followers_that_leave() {
        let prefixes = Prefixes::default();
        let [first, second] = [0, 1].map(|client| Arc::new(Tracker::new(client)));
        for tracker in [&first, &second] {
            prefixes.follow(tracker, b"a");
        }
        prefixes.follow(&first, b"b");
        prefixes.leave(&first);
        assert_eq!(prefixes.len(), 1);
        prefixes.leave(&second);
        prefixes.note(b"a1", 1);
        assert!(prefixes.is_empty() && prefixes.take().is_empty());
    }
}
