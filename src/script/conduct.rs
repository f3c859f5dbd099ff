//! Which keys a program uses: what its code says, and what it has been seen to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::analysis::Call;

/// What is known of a program. Functions of a library share what the library's code says.
#[derive(Debug, Default)]
pub struct Conduct {
    /// Where its code runs commands, if the code is understood.
    calls: Option<Arc<[Call]>>,
    keeping: OnceLock<Keeping>,
    touches_undeclared: AtomicBool,
}

/// Whether a program uses no keys but those that are given to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    Certain,
    /// That depends on its arguments (`redis.call(ARGV[1], KEYS[1])`).
    Depends,
    Uncertain,
}

impl Conduct {
    pub(super) fn new(calls: Option<Arc<[Call]>>) -> Self {
        Self { calls, ..Self::default() }
    }

    /// Says whether none of its commands can use a key that is not given to it, when these are its
    /// arguments. Of a place in the code `keeps` says whether it is so; that is asked once, or, if it
    /// depends on the arguments, each time.
    #[inline]
    pub fn keeps_to_keys(&self, given: &[&[u8]], keeps: impl Fn(&Call, &[&[u8]]) -> bool) -> bool {
        match self.keeping.get_or_init(|| self.judge(&keeps)) {
            Keeping::Certain => true,
            Keeping::Depends => self.calls().iter().all(|call| keeps(call, given)),
            Keeping::Uncertain => false,
        }
    }

    fn calls(&self) -> &[Call] {
        self.calls.as_deref().unwrap_or_default()
    }

    #[cold]
    fn judge(&self, keeps: impl Fn(&Call, &[&[u8]]) -> bool) -> Keeping {
        if self.calls.is_none() {
            return Keeping::Uncertain;
        }
        let mut others = self.calls().iter().filter(|call| !keeps(call, &[])).peekable();
        if others.peek().is_none() {
            return Keeping::Certain;
        }
        if others.all(Call::depends_on_given) { Keeping::Depends } else { Keeping::Uncertain }
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
