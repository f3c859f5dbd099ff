//! Running commands beside one that takes long (a script), on its worker's thread.
//!
//! The script stays inside the gate and keeps its shards. What runs beside it is inside by that, too, and
//! takes whatever shards are free at once: it waits for nothing, because it might wait for the script
//! beneath it ([`without_waiting`](crate::base::patience::without_waiting)). What is held by somebody who
//! lets go soon is tried again later; so is, as long as the script is not known to be slow, what the
//! script itself holds. Of a slow script's shards, and of commands that would look beyond their keys or
//! run a script of their own, clients read BUSY.

use super::command::{Flags, Group, InTransaction};
use super::error::CommandError;
use super::gates::Candidate;
use super::state::Engine;
use super::table::{KeyPlan, Known};
use crate::base::gate::Beside;
use crate::keyspace::KeyPlace;

/// How a worker stands to the keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is inside the gate.
    Inside,
    /// It stands in for one that is inside with a command that takes long.
    Beside { is_slow: bool },
    /// The same, while the gate is being closed or opened.
    Later,
    /// It is kept out of the keyspace for long, and must not wait to get in.
    ShutOut,
}

impl Standing {
    /// Says how a stand-in for a worker stands.
    pub(super) fn of_stand_in(engine: &Engine, worker: usize) -> Self {
        match engine.gate.beside(worker) {
            Beside::Free => Self::Beside { is_slow: engine.gate.is_slow(worker) },
            Beside::Later => Self::Later,
            Beside::ShutOut => Self::ShutOut,
        }
    }

    /// Says whether shards may be locked.
    pub(super) fn may_lock(self) -> bool {
        matches!(self, Self::Inside | Self::Beside { .. })
    }
}

impl Known {
    /// Says whether it needs nothing of the keyspace but the shards of its keys.
    pub(super) fn keeps_to_shards(&self) -> bool {
        let Self { command, plan, runs_script, .. } = self;
        let looks_beyond = match plan {
            // What administrators want to know of a key may concern all of them.
            KeyPlan::One(_) | KeyPlan::Many => command.flags.has(Flags::ADMIN),
            KeyPlan::None => !command.flags.has(Flags::FAST),
        };
        !(*runs_script || command.looks_beyond || looks_beyond)
    }

    /// Says whether it has nothing to do with keys. `is_slow` says of the command beside which it would
    /// run that everybody knows of it, so that what concerns the server as a whole is not misled.
    fn minds_no_keys(&self, is_slow: bool) -> bool {
        let is_plain = match self.command.group {
            Group::Connection | Group::PubSub => true,
            Group::Server => is_slow,
            _ => false,
        };
        is_plain && matches!(self.plan, KeyPlan::None) && !self.command.looks_beyond
    }
}

/// Says whether a command may run beside another one that takes long.
pub(super) fn may_run(candidate: &Candidate<'_>, is_slow: bool) -> bool {
    let Candidate { known, session, .. } = candidate;
    match &session.transaction {
        Some(transaction) if known.command.in_transaction == InTransaction::RunsQueue => {
            transaction.keeps_to_shards
        }
        _ => known.keeps_to_shards() || known.minds_no_keys(is_slow),
    }
}

impl Engine {
    /// Returns what becomes of a command for which some shards could not be had: it has done nothing yet,
    /// and runs again if nobody holds them for long. If it is kept out of the gate meanwhile, it reads BUSY when it comes back.
    #[cold]
    pub fn refusal_for(&self, places: &[KeyPlace]) -> CommandError {
        if self.keyspace.is_held_for_long(places) {
            self.slow.refusal()
        } else {
            CommandError::NotNow
        }
    }

    /// Returns what becomes of a command that would stop everybody, but runs beside another one.
    #[cold]
    pub(super) fn refusal_beside(&self, worker: usize) -> CommandError {
        if self.gate.is_slow(worker) { self.slow.refusal() } else { CommandError::NotNow }
    }
}
