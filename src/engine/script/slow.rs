//! The scripts that take long: who may end them, and what those read whom they hold up; and those that may
//! come to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use crate::base::clock;
use crate::engine::error::CommandError;

const RUNNING: u8 = 0;
const HAS_WRITTEN: u8 = 1;
const IS_KILLED: u8 = 2;

/// What kind of program a script is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramKind {
    /// Of EVAL and its like.
    Script,
    /// Of FCALL.
    Function,
}

/// A script that takes long.
#[derive(Debug)]
pub struct SlowScript {
    pub kind: ProgramKind,
    pub name: String,
    /// The command that runs it.
    pub command: Vec<Vec<u8>>,
    began_us: u64,
    /// It can be ended as long as it has written nothing, and one that was ended writes nothing.
    state: AtomicU8,
}

impl SlowScript {
    pub(super) fn new(
        kind: ProgramKind,
        name: &str,
        command: Vec<Vec<u8>>,
        (began_us, has_written): (u64, bool),
    ) -> Self {
        let state = AtomicU8::new(if has_written { HAS_WRITTEN } else { RUNNING });
        Self { kind, name: name.to_owned(), command, began_us, state }
    }

    /// Returns for how long it has been running.
    pub fn duration_ms(&self) -> u64 {
        clock::monotonic_us().saturating_sub(self.began_us) / 1000
    }

    pub(super) fn is_killed(&self) -> bool {
        // Relaxed, here and below: nothing else depends on it.
        self.state.load(Ordering::Relaxed) == IS_KILLED
    }

    fn has_written(&self) -> bool {
        self.state.load(Ordering::Relaxed) == HAS_WRITTEN
    }

    /// Notes that it is about to write; false when it was ended before.
    pub(super) fn may_write(&self) -> bool {
        let written = self.change(HAS_WRITTEN);
        written.is_ok() || written == Err(HAS_WRITTEN)
    }

    fn change(&self, to: u8) -> Result<u8, u8> {
        self.state.compare_exchange(RUNNING, to, Ordering::Relaxed, Ordering::Relaxed)
    }
}

/// What an attempt to end scripts came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillOutcome {
    Killed,
    /// None takes long.
    NotBusy,
    /// It has written.
    Unkillable,
    /// Those that take long are of this other kind.
    IsA(ProgramKind),
}

/// All scripts that take long.
#[derive(Debug)]
pub struct SlowScripts {
    list: Mutex<Vec<Arc<SlowScript>>>,
    /// By worker: when the script began that it runs, slow or not, as [`clock::raw`] counts; 0 for none.
    running: Box<[CachePadded<AtomicU64>]>,
}

/// A script is noted as the one that its worker runs, as long as this lives.
pub(super) struct Running<'a>(&'a AtomicU64);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl SlowScripts {
    /// Returns an empty list for workers numbered below `worker_count`.
    pub fn new(worker_count: usize) -> Self {
        Self {
            list: Mutex::default(),
            running: (0..worker_count).map(|_| Default::default()).collect(),
        }
    }

    pub(super) fn add(&self, script: &Arc<SlowScript>) {
        self.list.lock().push(Arc::clone(script));
    }

    pub(super) fn remove(&self, script: &Arc<SlowScript>) {
        self.list.lock().retain(|other| !Arc::ptr_eq(other, script));
    }

    /// Notes that a worker runs one, which began at a time as [`clock::raw`] counts.
    #[inline]
    pub(super) fn note_running(&self, worker: usize, began: u64) -> Running<'_> {
        let place = &self.running[worker];
        // Relaxed: who asks a moment too early could have come a moment earlier.
        place.store(began.max(1), Ordering::Relaxed);
        Running(place)
    }

    /// Says whether one runs that had begun by a time as [`clock::raw`] counts, and may become slow.
    pub fn runs_since(&self, before: u64) -> bool {
        let running = self.running.iter().map(|place| place.load(Ordering::Relaxed));
        running.into_iter().any(|began| (1..=before).contains(&began))
    }

    /// Returns the one that has been running for the longest time.
    pub fn first(&self) -> Option<Arc<SlowScript>> {
        self.list.lock().first().map(Arc::clone)
    }

    /// Ends all of a kind that have written nothing.
    pub fn kill(&self, kind: ProgramKind) -> KillOutcome {
        let list = self.list.lock();
        let mut outcome = match list.first() {
            None => KillOutcome::NotBusy,
            Some(script) if script.has_written() => KillOutcome::Unkillable,
            Some(script) => KillOutcome::IsA(script.kind),
        };
        for script in list.iter().filter(|script| script.kind == kind) {
            match script.change(IS_KILLED) {
                Ok(_) | Err(IS_KILLED) => outcome = KillOutcome::Killed,
                Err(_) if outcome != KillOutcome::Killed => outcome = KillOutcome::Unkillable,
                Err(_) => {}
            }
        }
        outcome
    }

    /// Returns what those read who are held up.
    pub fn refusal(&self) -> CommandError {
        let kind = self.first().map_or(ProgramKind::Script, |script| script.kind);
        CommandError::busy(kind)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{KillOutcome, ProgramKind, SlowScript, SlowScripts};

    fn script(kind: ProgramKind) -> Arc<SlowScript> {
        Arc::new(SlowScript::new(kind, "x", Vec::new(), (0, false)))
    }

    #[test]
    fn only_what_has_written_nothing_is_ended() {
        let slow = SlowScripts::new(1);
        assert_eq!(slow.kill(ProgramKind::Script), KillOutcome::NotBusy);
        let (first, second) = (script(ProgramKind::Script), script(ProgramKind::Script));
        slow.add(&first);
        assert_eq!(slow.kill(ProgramKind::Function), KillOutcome::IsA(ProgramKind::Script));
        assert!(first.may_write());
        assert_eq!(slow.kill(ProgramKind::Script), KillOutcome::Unkillable);
        assert_eq!(slow.kill(ProgramKind::Function), KillOutcome::Unkillable);
        slow.add(&second);
        assert_eq!(slow.kill(ProgramKind::Script), KillOutcome::Killed);
        assert!(second.is_killed() && !second.may_write() && !first.is_killed());
    }

    #[test]
    fn those_that_began_later_do_not_count() {
        let slow = SlowScripts::new(3);
        let (first, _second) = (slow.note_running(0, 10), slow.note_running(2, 20));
        assert!(!slow.runs_since(9) && slow.runs_since(10));
        drop(first);
        assert!(!slow.runs_since(19) && slow.runs_since(20));
    }
}
