//! Waiting for a lock that is usually free again within a microsecond: first in a short loop, then
//! leaving the core to others, then asleep for a little longer each time.
//!
//! A thread that runs clients' commands says what it does between two tries ([`while_waiting`]): it may
//! have to let others go first, and it hears when the wait is going to take long. The function belongs
//! to the thread, so that whoever waits need not know for whom.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Steps of looping, then of leaving the core to others.
const SPIN_STEPS: u32 = 6;
const YIELD_STEPS: u32 = 24;
/// How long a sleep is at first, and at most.
const SLEEP_US_MIN: u64 = 20;
const SLEEP_US_MAX: u64 = 500;

type Between = Rc<dyn Fn() -> bool>;

thread_local! {
    static BETWEEN: RefCell<Option<Between>> = const { RefCell::new(None) };
}

/// Says what this thread does between two tries; false: there is no use in waiting now.
pub fn while_waiting(between: Between) {
    BETWEEN.set(Some(between));
}

/// How long somebody has waited.
#[derive(Default)]
pub struct Patience {
    step: u32,
}

impl Patience {
    /// Waits a little. Returns false when there is no use in waiting now.
    pub fn pause(&mut self) -> bool {
        self.rest();
        let between = BETWEEN.with_borrow(Clone::clone);
        between.is_none_or(|between| between())
    }

    fn rest(&mut self) {
        self.step += 1;
        if self.step <= SPIN_STEPS {
            (0..1 << self.step).for_each(|_| std::hint::spin_loop());
        } else if self.step <= YIELD_STEPS {
            std::thread::yield_now();
        } else {
            let factor = u64::from((self.step - YIELD_STEPS).div_ceil(4));
            let sleep_us = (factor * SLEEP_US_MIN).min(SLEEP_US_MAX);
            std::thread::sleep(Duration::from_micros(sleep_us));
        }
    }
}

/// Tries again for a moment, without anything in between.
#[cold]
pub fn try_for_a_moment<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let mut patience = Patience::default();
    while patience.step < YIELD_STEPS {
        patience.rest();
        if let Some(done) = attempt() {
            return Some(done);
        }
    }
    None
}

/// Waits until a try succeeds.
#[cold]
pub fn wait_for<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let mut patience = Patience::default();
    loop {
        if patience.pause()
            && let Some(done) = attempt()
        {
            return done;
        }
    }
}
