//! Those who are put off because a script takes a while, and how they get their turn.
//!
//! What wants all keys or all workers at once (KEYS, a flush, a script that runs alone) does not wait for a
//! script that holds some of them, because everybody would have to wait with it: it is put off and tries
//! again soon. Scripts that follow each other could keep it out for ever. So once it has been put off
//! for long enough it asks for quiet: then no script begins, until those that run have ended and it has had
//! its turn. A wish fades by itself if nobody repeats it, because whoever had it may have gone.

use std::sync::atomic::{AtomicU64, Ordering};

use super::context::Context;
use super::state::Engine;
use crate::base::clock;

/// Time for which somebody is put off before no further script begins.
const PATIENCE_NS: u64 = 100_000_000;
/// Time for which a wish holds that is not repeated: that of many tries, even where the CPU is scarce.
const WISH_US: u64 = 250_000;

/// What a session remembers of a command that is put off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PutOff {
    /// When it was put off first, as [`clock::raw`] counts.
    since: Option<u64>,
    /// It is one for which scripts are held back.
    wants_quiet: bool,
    /// Those who monitor have seen it.
    is_shown: bool,
}

impl PutOff {
    /// Notes that the command was put off.
    #[cold]
    pub(super) fn note(&mut self) {
        self.since.get_or_insert_with(clock::raw);
    }

    /// Says whether there is something to forget when the command has run.
    #[inline]
    pub(super) fn is_noted(self) -> bool {
        self.since.is_some() || self.is_shown
    }

    /// Notes that those who monitor see it; false if they have seen it before.
    pub(super) fn note_shown(&mut self) -> bool {
        !std::mem::replace(&mut self.is_shown, true)
    }

    /// Forgets the command, which has run, and ends the wish it had.
    #[cold]
    pub(super) fn settle(&mut self, quiet: &Quiet) {
        let put_off = std::mem::take(self);
        if put_off.wants_quiet && put_off.is_impatient() {
            // Somebody else's wish is repeated at his next try.
            quiet.until_us.store(0, Ordering::Relaxed);
        }
    }

    fn is_impatient(self) -> bool {
        self.since.is_some_and(|since| clock::elapsed_ns(since) >= PATIENCE_NS)
    }

    /// Says whether it is one for which scripts are held back.
    pub(super) fn wants_quiet(self) -> bool {
        self.wants_quiet
    }
}

/// The wish that no script begins.
#[derive(Debug, Default)]
pub struct Quiet {
    /// Until when, by the monotonic clock; 0 for nobody's.
    until_us: AtomicU64,
}

impl Quiet {
    /// Says whether scripts are held back.
    pub(super) fn is_wanted(&self) -> bool {
        // Relaxed, here and below: whoever does not see it yet begins a little too late or too early.
        let until_us = self.until_us.load(Ordering::Relaxed);
        if until_us == 0 {
            return false;
        }
        let holds = clock::monotonic_us() < until_us;
        if !holds {
            let (old, new) = (until_us, 0);
            let _ = self.until_us.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
        }
        holds
    }
}

/// No script begins while this lives.
pub struct Wish<'a> {
    quiet: &'a Quiet,
}

impl<'a> Wish<'a> {
    fn new(quiet: &'a Quiet) -> Self {
        quiet.until_us.store(u64::MAX, Ordering::Relaxed);
        Self { quiet }
    }
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        self.quiet.until_us.store(clock::monotonic_us() + WISH_US, Ordering::Relaxed);
    }
}

impl<'a> Context<'a> {
    /// Has no script begin until the result is dropped, if the command has been put off for long: it is
    /// about to try again to get all keys, or all workers.
    pub fn ask_for_quiet(&mut self) -> Option<Wish<'a>> {
        let engine: &'a Engine = self.engine;
        let put_off = &mut self.session.put_off;
        put_off.since?;
        put_off.wants_quiet = true;
        put_off.is_impatient().then(|| Wish::new(&engine.quiet))
    }

    /// Says whether the command runs again if it ends with [`super::CommandError::NotNow`].
    pub fn may_be_put_off(&self) -> bool {
        !self.is_nested
    }

    /// Returns since when the command has been put off, as [`clock::raw`] counts; now, if it has not been.
    pub fn wanted_since(&self) -> u64 {
        self.session.put_off.since.unwrap_or_else(clock::raw)
    }
}

#[cfg(test)]
mod tests {
    use super::{PutOff, Quiet, Wish};

    #[test]
    fn a_wish_outlives_the_try_it_is_for() {
        let quiet = Quiet::default();
        assert!(!quiet.is_wanted());
        let wish = Wish::new(&quiet);
        assert!(quiet.is_wanted());
        drop(wish);
        assert!(quiet.is_wanted(), "until it has had time for another try");
    }

    #[test]
    fn a_wish_ends_with_the_command_that_had_it() {
        let quiet = Quiet::default();
        drop(Wish::new(&quiet));
        PutOff { since: Some(0), wants_quiet: false, is_shown: true }.settle(&quiet);
        assert!(quiet.is_wanted(), "it was another one's");
        PutOff { since: Some(0), wants_quiet: true, is_shown: true }.settle(&quiet);
        assert!(!quiet.is_wanted());
    }
}
