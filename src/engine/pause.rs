//! CLIENT PAUSE: until when which commands wait.
//!
//! While a pause is in force no data changes: keys whose time has come read as absent but stay, nothing
//! is evicted, and clients that wait for a key are served when it is over.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::keyspace::OwnedKey;

/// Which commands a pause holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseKind {
    /// Commands that may write.
    Writes,
    /// All commands.
    All,
}

#[derive(Clone, Copy, Default)]
struct Ends {
    writes_ms: u64,
    all_ms: u64,
}

/// The pause in force, if any.
#[derive(Default)]
pub struct Pause {
    is_possible: AtomicBool,
    ends: Mutex<Ends>,
    /// Keys that are ready for clients who wait for them, when the pause is over.
    held_back: Mutex<Vec<OwnedKey>>,
    has_held_back: AtomicBool,
}

impl Pause {
    /// Begins or prolongs a pause until `end_ms` (wall clock); a shorter one never cuts a longer one.
    /// A pause of all commands that is not over yet stays one when writes are paused.
    pub fn begin(&self, kind: PauseKind, end_ms: u64) {
        let mut ends = self.ends.lock();
        match kind {
            PauseKind::Writes => ends.writes_ms = ends.writes_ms.max(end_ms),
            PauseKind::All => ends.all_ms = ends.all_ms.max(end_ms),
        }
        // Relaxed: a command that runs at this moment may run before or after the pause.
        self.is_possible.store(true, Ordering::Relaxed);
    }

    /// Ends all pauses.
    pub fn end(&self) {
        let mut ends = self.ends.lock();
        *ends = Ends::default();
        self.is_possible.store(false, Ordering::Relaxed);
    }

    /// Returns the kind of pause in force, with its end; costs one load while there is none.
    #[inline]
    pub fn current(&self, now_ms: u64) -> Option<(PauseKind, u64)> {
        if !self.is_possible.load(Ordering::Relaxed) {
            return None;
        }
        let ends = self.ends.lock();
        if ends.all_ms > now_ms {
            return Some((PauseKind::All, ends.all_ms));
        }
        if ends.writes_ms > now_ms {
            return Some((PauseKind::Writes, ends.writes_ms));
        }
        // They are over: the next one who asks need not look. Still under the lock, so that no pause
        // that begins now is missed.
        self.is_possible.store(false, Ordering::Relaxed);
        None
    }

    /// Says whether a command has to wait; `may_write` says whether it may change data.
    #[inline]
    pub fn holds_back(&self, now_ms: u64, may_write: impl FnOnce() -> bool) -> bool {
        match self.current(now_ms) {
            None => false,
            Some((PauseKind::All, _)) => true,
            Some((PauseKind::Writes, _)) => may_write(),
        }
    }

    /// Notes a key whose waiters are to be served soon: when the pause is over, or, there being none,
    /// because the key has gone, or what serving them needs was not to be had.
    pub(super) fn hold_back(&self, key: &OwnedKey) {
        let mut keys = self.held_back.lock();
        if !keys.contains(key) {
            keys.push(key.clone());
        }
        // Relaxed, here and below: a hint; the list has its lock.
        self.has_held_back.store(true, Ordering::Relaxed);
    }

    /// Returns the keys noted since the last call.
    #[inline]
    pub(super) fn take_held_back(&self) -> Vec<OwnedKey> {
        if !self.has_held_back.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut keys = self.held_back.lock();
        self.has_held_back.store(false, Ordering::Relaxed);
        std::mem::take(&mut *keys)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pause, PauseKind};

    #[test]
    fn a_shorter_pause_never_cuts_a_longer_one() {
        let pause = Pause::default();
        assert_eq!(pause.current(0), None);
        pause.begin(PauseKind::All, 100);
        pause.begin(PauseKind::All, 50);
        pause.begin(PauseKind::Writes, 200);
        assert_eq!(pause.current(60), Some((PauseKind::All, 100)));
        assert_eq!(pause.current(150), Some((PauseKind::Writes, 200)));
        assert_eq!(pause.current(200), None);
        assert_eq!(pause.current(150), None, "over once, over for good");
        pause.begin(PauseKind::All, 300);
        pause.end();
        assert_eq!(pause.current(250), None);
    }
}
