//! A counter many threads change at once: each adds to a stripe of its own, a reader sums them.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

const STRIPE_COUNT: usize = 16;
const _: () = assert!(STRIPE_COUNT.is_power_of_two(), "a stripe is picked by masking");

static NEXT_STRIPE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static STRIPE: Cell<usize> = Cell::new(
        // Relaxed: any spread of threads over stripes is correct.
        NEXT_STRIPE.fetch_add(1, Ordering::Relaxed) & (STRIPE_COUNT - 1),
    );
}

/// A signed counter; adding costs one uncontended atomic, reading sums all stripes.
#[derive(Default)]
pub struct Striped {
    stripes: [CachePadded<AtomicI64>; STRIPE_COUNT],
}

impl Striped {
    /// Adds `amount`, which may be negative.
    #[inline]
    pub fn add(&self, amount: i64) {
        // Relaxed: the sum is a statistic; nothing else is published through it.
        self.stripes[STRIPE.get()].fetch_add(amount, Ordering::Relaxed);
    }

    /// Takes the sum away, so that the total is zero unless somebody adds meanwhile.
    pub fn reset(&self) {
        let sum: i64 = self.stripes.iter().map(|stripe| stripe.load(Ordering::Relaxed)).sum();
        self.add(-sum);
    }

    /// Returns the sum; exact when nobody adds meanwhile, never below zero.
    pub fn total(&self) -> u64 {
        let sum: i64 = self.stripes.iter().map(|stripe| stripe.load(Ordering::Relaxed)).sum();
        sum.max(0).unsigned_abs()
    }
}
