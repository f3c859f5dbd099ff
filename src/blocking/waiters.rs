//! All clients that wait, by key.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::waiter::Waiter;
use crate::keyspace::OwnedKey;

type Queue<T> = VecDeque<Arc<Waiter<T>>>;

/// The queues of all keys that somebody waits for; the oldest waiter stands first.
///
/// One mutex suffices: it is held for a few steps, and only by commands that found nothing or meet a
/// shard somebody waits for.
pub struct Waiters<T> {
    queues: Mutex<HashMap<OwnedKey, Queue<T>>>,
    waiter_count: AtomicU64,
}

impl<T> Default for Waiters<T> {
    fn default() -> Self {
        Self { queues: Mutex::new(HashMap::new()), waiter_count: AtomicU64::new(0) }
    }
}

impl<T> Waiters<T> {
    /// Adds a waiter to the queues of its keys, whose shards the caller has locked.
    pub fn park(&self, waiter: &Arc<Waiter<T>>) {
        let mut queues = self.queues.lock();
        for key in waiter.keys() {
            queues.entry(key.clone()).or_default().push_back(Arc::clone(waiter));
        }
        // Relaxed: a statistic, and a hint to those who hold the shards' locks afterwards.
        self.waiter_count.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a waiter whose wait has ended out of the queues; once. Cost: a search in each queue.
    pub fn leave(&self, waiter: &Arc<Waiter<T>>) {
        let mut queues = self.queues.lock();
        for key in waiter.keys() {
            let Some(queue) = queues.get_mut(key) else { continue };
            if let Some(at) = queue.iter().position(|other| Arc::ptr_eq(other, waiter)) {
                queue.remove(at);
            }
            if queue.is_empty() {
                queues.remove(key);
            }
        }
        self.waiter_count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns up to `count` waiters of a key behind the first `skipped`, in order of arrival.
    pub fn queue(&self, key: &OwnedKey, skipped: usize, count: usize) -> Vec<Arc<Waiter<T>>> {
        let queues = self.queues.lock();
        let queue = queues.get(key).into_iter().flatten();
        queue.skip(skipped).take(count).map(Arc::clone).collect()
    }

    /// Says whether somebody waits for a key who is to hear of its removal.
    pub fn waits_for_removal(&self, key: &OwnedKey) -> bool {
        let queues = self.queues.lock();
        queues.get(key).is_some_and(|queue| queue.iter().any(|waiter| waiter.hears_of_removal()))
    }

    /// Returns the keys of a database that somebody waits for.
    pub fn keys_of(&self, db: u32) -> Vec<OwnedKey> {
        self.queues.lock().keys().filter(|key| key.db == db).cloned().collect()
    }

    /// Returns how many times keys of a database are waited for, key by key.
    pub fn waits_of(&self, db: u32) -> Vec<(OwnedKey, usize)> {
        let queues = self.queues.lock();
        let own = queues.iter().filter(|(key, _)| key.db == db);
        own.map(|(key, queue)| (key.clone(), queue.len())).collect()
    }

    /// Returns the number of clients that wait.
    pub fn waiter_count(&self) -> u64 {
        self.waiter_count.load(Ordering::Relaxed)
    }

    /// Returns how many keys are waited for, and how many of them also for their removal.
    pub fn key_counts(&self) -> (usize, usize) {
        let queues = self.queues.lock();
        let for_removal = |queue: &&Queue<T>| queue.iter().any(|waiter| waiter.hears_of_removal());
        (queues.len(), queues.values().filter(for_removal).count())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Waiter, Waiters};
    use crate::keyspace::{Key, OwnedKey};

    fn keys(names: &[&str]) -> Vec<OwnedKey> {
        names.iter().map(|name| OwnedKey::from(&Key::with_hash(name.as_bytes(), 0, 0))).collect()
    }

    #[test]
    fn the_oldest_waiter_stands_first_in_every_queue() {
        let waiters = Waiters::default();
        let first = Arc::new(Waiter::new(keys(&["a", "b", "a"]), None, false, 1));
        let second = Arc::new(Waiter::new(keys(&["b"]), None, true, 2));
        waiters.park(&first);
        waiters.park(&second);
        let order = |key: &str, skipped| -> Vec<i32> {
            let queue = waiters.queue(&keys(&[key])[0], skipped, 10);
            queue.iter().map(|waiter| waiter.detail).collect()
        };
        assert_eq!((order("a", 0), order("b", 0), order("b", 1)), (vec![1], vec![1, 2], vec![2]));
        assert_eq!(waiters.key_counts(), (2, 1));
        let waits = ["a", "b"].map(|key| waiters.waits_for_removal(&keys(&[key])[0]));
        assert_eq!(waits, [false, true]);
        assert!(first.end());
        waiters.leave(&first);
        assert_eq!((order("a", 0), order("b", 0)), (vec![], vec![2]));
        assert_eq!((waiters.key_counts(), waiters.waiter_count()), ((1, 1), 1));
    }

    #[test]
    fn a_wait_ends_once() {
        let waiter = Waiter::new(keys(&["a"]), Some(5), false, ());
        assert!(!waiter.attempt(|| false), "nothing was there for it");
        assert!(waiter.attempt(|| true));
        assert!(!waiter.end());
        assert!(!waiter.attempt(|| unreachable!("it has ended")));
    }
}
