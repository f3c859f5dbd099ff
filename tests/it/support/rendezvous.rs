//! A place where threads wait for each other, again and again, so that they race from there on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// Unlike a barrier of the standard library it ends the test when a thread never comes.
pub(crate) struct Rendezvous {
    thread_count: usize,
    arrived_count: AtomicUsize,
}

impl Rendezvous {
    /// Makes one for so many threads.
    pub(crate) fn new(thread_count: usize) -> Self {
        Self { thread_count, arrived_count: AtomicUsize::new(0) }
    }

    /// Waits until all threads have come here as often as this one.
    #[track_caller]
    pub(crate) fn meet(&self) {
        let before = self.arrived_count.fetch_add(1, Ordering::SeqCst);
        let expected = (before / self.thread_count + 1) * self.thread_count;
        let deadline = Instant::now() + PATIENCE;
        while self.arrived_count.load(Ordering::SeqCst) < expected {
            assert!(Instant::now() < deadline, "another thread never came");
            thread::yield_now();
        }
    }
}
