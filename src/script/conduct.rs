//! Which keys a program uses: what its code says, and what it has been seen to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::analysis::Call;

/// What is known of a program. Functions of a library share what the library's code says.
#[derive(Debug, Default)]
pub struct Conduct {
    /// Where its code runs commands, if the code is understood.
    calls: Option<Arc<[Call]>>,
    keeps_to_keys: OnceLock<bool>,
    touches_undeclared: AtomicBool,
}

impl Conduct {
    pub(super) fn new(calls: Option<Arc<[Call]>>) -> Self {
        Self { calls, ..Self::default() }
    }

    /// Says whether none of its commands can use a key that is not given to it. Whether a place in the
    /// code keeps to the keys is asked once, and is always the same.
    #[inline]
    pub fn keeps_to_keys(&self, keeps: impl Fn(&Call) -> bool) -> bool {
        let judge = || self.calls.as_ref().is_some_and(|calls| calls.iter().all(keeps));
        *self.keeps_to_keys.get_or_init(judge)
    }

    /// Notes that it has used a key that was not given to it.
    pub fn note_undeclared(&self) {
        // Relaxed, here and below: who does not know it yet finds out.
        self.touches_undeclared.store(true, Ordering::Relaxed);
    }

    /// Says whether it has used a key that was not given to it.
    pub fn has_touched_undeclared(&self) -> bool {
        self.touches_undeclared.load(Ordering::Relaxed)
    }
}
