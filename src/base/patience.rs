//! Waiting for a lock that is usually free again within a microsecond: first in a short loop, then
//! leaving the core to others, then asleep for a little longer each time.
//!
//! A thread that runs clients' commands says what it does between two tries ([`while_waiting`]): it may
//! have to let others go first, and it hears when the wait is going to take long. The function belongs
//! to the thread, so that whoever waits need not know for whom.
//!
//! A thread that does something beside what it is in the middle of may hold what it would wait for. So
//! it waits for nothing meanwhile ([`without_waiting`]).

use std::cell::{Cell, RefCell};
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
    static WAITS: Cell<bool> = const { Cell::new(true) };
}

/// Says what this thread does between two tries; false: there is no use in waiting now.
pub fn while_waiting(between: Between) {
    BETWEEN.set(Some(between));
}

/// Does something for which this thread waits neither for a shard nor for the gate: what is not to be
/// had at once is not to be had.
pub fn without_waiting<T>(act: impl FnOnce() -> T) -> T {
    let waits = WAITS.replace(false);
    let done = act();
    WAITS.set(waits);
    done
}

/// Says whether this thread may wait now.
pub fn may_wait() -> bool {
    WAITS.get()
}

/// How long somebody has waited.
#[derive(Default)]
pub struct Patience {
    step: u32,
}

impl Patience {
    /// Waits a little. Returns false when there is no use in waiting now.
    pub fn pause(&mut self) -> bool {
        if !may_wait() {
            return false;
        }
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
    while may_wait() && patience.step < YIELD_STEPS {
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
    debug_assert!(may_wait(), "what waits does not run where it may not");
    let mut patience = Patience::default();
    loop {
        if (patience.pause() || !may_wait())
            && let Some(done) = attempt()
        {
            return done;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Patience, may_wait, try_for_a_moment, without_waiting};

    #[test]
    fn nothing_is_tried_again_by_a_thread_that_does_not_wait() {
        assert!(without_waiting(|| !Patience::default().pause() && !may_wait()));
        assert_eq!(without_waiting(|| try_for_a_moment(|| Some(1))), None);
        assert_eq!(try_for_a_moment(|| Some(1)), Some(1));
        assert!(Patience::default().pause() && may_wait());
    }
}
