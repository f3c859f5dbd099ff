//! Breaks of threads whose work nobody waits for.
//!
//! Where all CPUs are wanted, the scheduler lets such a thread run for milliseconds while a worker that
//! a client waits for stands behind it. A lower priority makes that rarer, but has a worker wait even
//! longer once the thread has lost its CPU with one of the allocator's locks in hand. So the thread
//! offers its CPU to others of its own accord, often, and where it holds no lock.

use std::thread;
use std::time::{Duration, Instant};

/// How long a thread works before it offers its CPU.
const STRETCH: Duration = Duration::from_micros(100);

/// Knows when the last break was.
#[derive(Debug)]
pub struct Breaks {
    ended: Instant,
}

impl Breaks {
    /// Begins to work.
    pub fn new() -> Self {
        Self { ended: Instant::now() }
    }

    /// Lets others have the CPU if a break is due; to be called often. Cost: a look at the clock.
    pub fn pause(&mut self) {
        if self.is_due(Instant::now()) {
            thread::yield_now();
            self.ended = Instant::now();
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        now.duration_since(self.ended) >= STRETCH
    }
}

impl Default for Breaks {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaks, STRETCH};

    #[test]
    fn a_break_is_due_after_a_stretch_of_work() {
        let breaks = Breaks::new();
        assert!(!breaks.is_due(breaks.ended + STRETCH / 2));
        assert!(breaks.is_due(breaks.ended + STRETCH));
    }
}
