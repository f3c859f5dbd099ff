//! The prefixes clients follow in broadcasting mode, and the keys under them that have changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::table::Tracker;

/// Followers of one prefix, and what they are still to be told.
struct Prefix<C> {
    followers: Vec<Arc<Tracker<C>>>,
    /// Changed keys, each with the id of the client that changed it; 0 if there were several.
    changed: BTreeMap<Box<[u8]>, u64>,
}

/// Followers of one prefix with the keys that have changed, in order. With each key stands the id of the
/// client that alone has changed it; 0 for several, or the server itself.
pub struct Gathered<C> {
    pub followers: Vec<Arc<Tracker<C>>>,
    pub changed: Vec<(Box<[u8]>, u64)>,
}

/// All followed prefixes.
pub struct Prefixes<C> {
    by_name: Mutex<BTreeMap<Box<[u8]>, Prefix<C>>>,
    count: AtomicUsize,
    /// Changed keys that have not been told of, as many as there are prefixes of each.
    untold_count: AtomicUsize,
    /// Held by whoever tells of changes.
    telling: Mutex<()>,
}

impl<C> Default for Prefixes<C> {
    fn default() -> Self {
        Self {
            by_name: Mutex::default(),
            count: AtomicUsize::new(0),
            untold_count: AtomicUsize::new(0),
            telling: Mutex::default(),
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
            let is_followed = !prefix.followers.is_empty();
            if !is_followed {
                self.untold_count.fetch_sub(prefix.changed.len(), Ordering::Relaxed);
            }
            is_followed
        });
        self.count.store(by_name.len(), Ordering::Relaxed);
    }

    /// Returns the number of prefixes.
    #[inline]
    pub fn len(&self) -> usize {
        // Relaxed: who begins to follow has done so before whatever it caches is read under its lock.
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
            match prefix.changed.entry(key.into()) {
                Entry::Occupied(entry) if *entry.get() == client_id => {}
                // Whoever does not want to hear of its own changes wants to hear of the others'.
                Entry::Occupied(mut entry) => *entry.get_mut() = 0,
                Entry::Vacant(entry) => {
                    entry.insert(client_id);
                    // Relaxed: this thread sees it before it replies.
                    self.untold_count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Says whether changes have been noted that have not been told of; never denies those that this
    /// thread has noted.
    #[inline]
    pub fn has_news(&self) -> bool {
        // Acquire: what others have told of is told when this says that there is no more.
        self.untold_count.load(Ordering::Acquire) > 0
    }

    /// Has `tell` tell of what has gathered since the last call. Afterwards everything is told that was
    /// noted before, by this thread or by another one.
    #[cold]
    pub fn tell_all(&self, tell: impl Fn(Gathered<C>)) {
        let _turn = self.telling.lock();
        let all = self.take();
        let key_count: usize = all.iter().map(|gathered| gathered.changed.len()).sum();
        all.into_iter().for_each(tell);
        // Release: see `has_news`.
        self.untold_count.fetch_sub(key_count, Ordering::Release);
    }

    fn take(&self) -> Vec<Gathered<C>> {
        let mut by_name = self.by_name.lock();
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
    use std::cell::RefCell;
    use std::sync::Arc;

    use super::{Gathered, Prefixes};
    use crate::tracking::Tracker;

    fn take(prefixes: &Prefixes<usize>) -> Vec<Gathered<usize>> {
        let all: RefCell<Vec<Gathered<usize>>> = RefCell::default();
        prefixes.tell_all(|gathered| all.borrow_mut().push(gathered));
        assert!(!prefixes.has_news());
        all.into_inner()
    }

    #[test]
    fn changes_gather_under_every_prefix_of_their_key() {
        let prefixes = Prefixes::default();
        let [all, users] = [0, 1].map(|client| Arc::new(Tracker::new(client)));
        prefixes.follow(&all, b"");
        prefixes.follow(&users, b"user:");
        prefixes.follow(&users, b"user:");
        assert_eq!(prefixes.len(), 2);
        for (key, client_id) in [("user:2", 7), ("user:1", 3), ("user:2", 7), ("other", 7)] {
            prefixes.note(key.as_bytes(), client_id);
        }
        assert!(prefixes.has_news());
        let gathered = take(&prefixes);
        let seen = |client: usize| -> Vec<(&[u8], u64)> {
            let of_client = gathered.iter().filter(|one| one.followers[0].client == client);
            of_client.flat_map(|one| one.changed.iter().map(|(key, id)| (&**key, *id))).collect()
        };
        assert_eq!(gathered.len(), 2);
        assert_eq!(seen(0), [(&b"other"[..], 7), (b"user:1", 3), (b"user:2", 7)]);
        assert_eq!(seen(1), [(&b"user:1"[..], 3), (b"user:2", 7)]);
        assert!(take(&prefixes).is_empty(), "told once");
    }

    #[test]
    fn a_key_that_several_have_changed_is_nobodys_own() {
        let prefixes = Prefixes::default();
        prefixes.follow(&Arc::new(Tracker::new(0)), b"");
        for changers in [&[7, 9][..], &[9, 7, 7], &[7, 0], &[0, 7]] {
            changers.iter().for_each(|&id| prefixes.note(b"key", id));
            let gathered = take(&prefixes);
            assert_eq!(gathered[0].changed, [(b"key"[..].into(), 0)], "{changers:?}");
        }
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
        prefixes.note(b"a1", 1);
        prefixes.leave(&second);
        prefixes.note(b"a1", 1);
        assert!(prefixes.is_empty() && !prefixes.has_news() && take(&prefixes).is_empty());
    }
}
