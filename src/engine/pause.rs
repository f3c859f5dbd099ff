//! CLIENT PAUSE: until when which commands wait.
//!
//! While a pause is in force no data changes: keys whose time has come read as absent but stay, nothing
//! is evicted, and clients that wait for a key are served when it is over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

/// The pause that began last.
#[derive(Clone, Copy)]
struct Last {
    kind: PauseKind,
    end_ms: u64,
}

/// The pause in force, if any.
pub struct Pause {
    is_possible: AtomicBool,
    last: Mutex<Last>,
    /// Pauses that have begun while none was in force.
    count: AtomicU64,
    /// Keys that are ready for clients who wait for them, when the pause is over.
    held_back: Mutex<Vec<OwnedKey>>,
    has_held_back: AtomicBool,
}

impl Default for Pause {
    fn default() -> Self {
        Self {
            is_possible: AtomicBool::new(false),
            last: Mutex::new(Last { kind: PauseKind::Writes, end_ms: 0 }),
            count: AtomicU64::new(0),
            held_back: Mutex::default(),
            has_held_back: AtomicBool::new(false),
        }
    }
}

impl Pause {
    /// Begins a pause until `end_ms` (wall clock), or has the one in force last until then if it would
    /// end earlier, and hold back all commands from now on if one of the two does.
    pub fn begin(&self, kind: PauseKind, now_ms: u64, end_ms: u64) {
        let mut last = self.last.lock();
        if last.end_ms > now_ms {
            *last = Last { kind: last.kind.max(kind), end_ms: last.end_ms.max(end_ms) };
        } else {
            *last = Last { kind, end_ms };
            // Relaxed, here and below: a command that runs at this moment may run before or after the
            // pause.
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        self.is_possible.store(true, Ordering::Relaxed);
    }

    /// Returns how many pauses have begun while none was in force: whoever waits since another number
    /// may have been let go meanwhile.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Ends the pause.
    pub fn end(&self) {
        let mut last = self.last.lock();
        last.end_ms = 0;
        self.is_possible.store(false, Ordering::Relaxed);
    }

    /// Returns the kind of pause in force, with its end; costs one load while there is none.
    #[inline]
    pub fn current(&self, now_ms: u64) -> Option<(PauseKind, u64)> {
        if !self.is_possible.load(Ordering::Relaxed) {
            return None;
        }
        let last = self.last.lock();
        if last.end_ms > now_ms {
            return Some((last.kind, last.end_ms));
        }
        // It is over: the next one who asks need not look. Still under the lock, so that no pause that
        // begins now is missed.
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
    fn a_pause_within_a_pause_makes_it_longer_or_stricter_only() {
        let pause = Pause::default();
        assert_eq!(pause.current(0), None);
        pause.begin(PauseKind::Writes, 0, 100);
        pause.begin(PauseKind::Writes, 10, 50);
        assert_eq!(pause.current(60), Some((PauseKind::Writes, 100)));
        pause.begin(PauseKind::All, 60, 60);
        assert_eq!(pause.current(60), Some((PauseKind::All, 100)));
        pause.begin(PauseKind::Writes, 60, 200);
        assert_eq!(pause.current(199), Some((PauseKind::All, 200)));
        assert_eq!((pause.count(), pause.current(200)), (1, None));
        assert_eq!(pause.current(150), None, "over once, over for good");
        pause.begin(PauseKind::Writes, 200, 300);
        assert_eq!((pause.count(), pause.current(250)), (2, Some((PauseKind::Writes, 300))));
        pause.end();
        assert_eq!(pause.current(250), None);
        pause.begin(PauseKind::All, 260, 270);
        assert_eq!(pause.current(260), Some((PauseKind::All, 270)));
    }
}
