//! A mailbox: many threads post, one thread takes everything at once.
//!
//! Posting to an empty mailbox wakes its owner through the waker given at construction; posting to
//! one that already holds letters does not, since the owner has been woken and will take them all.

use super::primitives::{Arc, Mutex, lock};

/// Wakes the thread that owns a mailbox; called outside the mailbox's lock.
pub type Wake = Box<dyn Fn() + Send + Sync>;

struct Inner<T> {
    letters: Mutex<Letters<T>>,
    wake: Wake,
}

struct Letters<T> {
    waiting: Vec<T>,
    /// Letters taken so far.
    taken_count: usize,
}

/// A handle to a mailbox; clones reach the same one.
pub struct Mailbox<T> {
    inner: Arc<Inner<T>>,
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> Mailbox<T> {
    /// Creates an empty mailbox whose owner is woken by `wake`.
    pub fn new(wake: Wake) -> Self {
        let letters = Mutex::new(Letters { waiting: Vec::new(), taken_count: 0 });
        Self { inner: Arc::new(Inner { letters, wake }) }
    }

    /// Adds a letter and wakes the owner if the mailbox was empty.
    pub fn post(&self, letter: T) {
        if self.put(letter) {
            (self.inner.wake)();
        }
    }

    /// Adds a letter of the owner's own, who takes the letters before it sleeps.
    pub fn post_own(&self, letter: T) {
        self.put(letter);
    }

    /// Adds a letter; says whether it is the only one.
    fn put(&self, letter: T) -> bool {
        let mut letters = lock(&self.inner.letters);
        letters.waiting.push(letter);
        letters.waiting.len() == 1
    }

    /// Moves all letters, oldest first, behind what `into` already holds.
    pub fn take(&self, into: &mut Vec<T>) {
        let mut letters = lock(&self.inner.letters);
        letters.taken_count += letters.waiting.len();
        into.append(&mut letters.waiting);
    }

    /// Shows those that nobody has taken, oldest first, and leaves them there; not the first
    /// `seen_count` of all that ever came. Returns how many have come by now.
    pub fn look_through(&self, seen_count: usize, each: impl FnMut(&mut T)) -> usize {
        let mut letters = lock(&self.inner.letters);
        let skipped = seen_count.saturating_sub(letters.taken_count);
        letters.waiting.iter_mut().skip(skipped).for_each(each);
        letters.taken_count + letters.waiting.len()
    }
}
