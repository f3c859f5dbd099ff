//! One client that waits.

use parking_lot::Mutex;

use crate::keyspace::OwnedKey;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Ended,
}

/// A client that waits for one of several keys; `T` is what its server needs to know of it.
pub struct Waiter<T> {
    keys: Vec<OwnedKey>,
    deadline_ms: Option<u64>,
    /// It also wants to hear that a key is gone.
    hears_of_removal: bool,
    state: Mutex<State>,
    pub detail: T,
}

impl<T> Waiter<T> {
    /// Makes a waiter. `deadline_ms` is when it gives up, in milliseconds since 1970.
    pub fn new(
        mut keys: Vec<OwnedKey>,
        deadline_ms: Option<u64>,
        hears_of_removal: bool,
        detail: T,
    ) -> Self {
        // One place in each queue, even if a key is named twice.
        let mut index = 0;
        while index < keys.len() {
            if keys[..index].contains(&keys[index]) {
                keys.remove(index);
            } else {
                index += 1;
            }
        }
        Self { keys, deadline_ms, hears_of_removal, state: Mutex::new(State::Waiting), detail }
    }

    /// Returns the keys it waits for, each once.
    pub fn keys(&self) -> &[OwnedKey] {
        &self.keys
    }

    /// Returns when it gives up, in milliseconds since 1970.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    /// Says whether it also wants to hear that a key is gone.
    pub fn hears_of_removal(&self) -> bool {
        self.hears_of_removal
    }

    /// Runs `serve` unless the wait has ended; it ends if `serve` returns true. Says whether it ended
    /// here. Whoever ends it takes it out of the queues next.
    pub fn attempt(&self, serve: impl FnOnce() -> bool) -> bool {
        let mut state = self.state.lock();
        let ends = *state == State::Waiting && serve();
        if ends {
            *state = State::Ended;
        }
        ends
    }

    /// Ends the wait; says whether it had not ended before.
    pub fn end(&self) -> bool {
        self.attempt(|| true)
    }
}
