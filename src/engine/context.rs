//! What a handler sees while it runs: its arguments, its locked keys, the reply, the server.

use super::args::Args;
use super::effects::{Effect, Effects};
use super::error::CommandError;
use super::session::Session;
use super::state::Engine;
use super::table::Known;
use super::tuning::Tuning;
use super::turn::Turn;
use super::waiting::WaitRequest;
use crate::base::gate::{Closed, Held};
use crate::base::patience::may_wait;
use crate::base::text;
use crate::keyspace::{Key, Keys};
use crate::resp::ReplyBuffer;
use crate::stats::WorkerStats;

/// The circumstances of one command.
pub struct Context<'a> {
    pub engine: &'a Engine,
    pub session: &'a mut Session,
    pub args: Args<'a>,
    pub reply: &'a mut ReplyBuffer,
    /// The keys the command declares, locked.
    pub keys: Keys<'a>,
    pub effects: &'a mut Effects,
    pub tuning: &'a Tuning,
    pub known: &'a Known,
    /// The wall clock, in milliseconds; the same for the whole command.
    pub now_ms: u64,
    pub(super) worker: usize,
    pub(super) first_key: Option<(usize, Key<'a>)>,
    pub(super) redacted: &'a mut Vec<usize>,
    pub(super) wait: Option<Box<WaitRequest>>,
    /// What the thread does for others while the command takes long.
    pub(super) turn: &'a mut (dyn Turn + 'a),
    /// The gate is closed already: no other worker runs.
    pub(super) is_alone: bool,
    /// It runs inside another command.
    pub(super) is_nested: bool,
    /// Memory is above its limit, and nothing could be evicted.
    pub(super) is_out_of_memory: bool,
}

impl<'a> Context<'a> {
    /// Returns the key at an argument's position.
    #[inline(always)]
    pub fn key(&self, index: usize) -> Key<'a> {
        match self.first_key {
            Some((first, key)) if first == index => key,
            _ => self.engine.keyspace.key(self.session.db, self.args.at(index)),
        }
    }

    /// Returns the command's name, `client|list` for a subcommand.
    pub fn command_name(&self) -> &'a str {
        &self.known.full_name
    }

    /// Says whether the command runs within a transaction or a script.
    pub fn is_nested(&self) -> bool {
        self.is_nested
    }

    /// Returns the cells this worker counts in.
    pub fn stats(&self) -> &'a WorkerStats {
        self.engine.stats.worker(self.worker)
    }

    /// Returns the number of the worker that runs the command.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// Keeps every other worker out of the keyspace until the result is dropped; `None` if they are
    /// kept out anyway. Nothing may be locked: commands that declare keys unlock them first.
    ///
    /// # Errors
    /// A script is at work that takes long, or a while, or the command runs beside one.
    pub fn stop_the_world(&mut self) -> Result<Option<Closed<'a>>, CommandError> {
        if self.is_alone {
            return Ok(None);
        }
        if !may_wait() {
            return Err(self.engine.refusal_beside(self.worker));
        }
        let engine: &'a Engine = self.engine;
        let _wish = self.ask_for_quiet();
        match engine.gate.close_soon(self.worker) {
            Ok(closed) => Ok(Some(closed)),
            Err(Held::ForLong) => Err(engine.slow.refusal()),
            Err(Held::ForAWhile) => Err(CommandError::NotNow),
        }
    }

    /// Puts the command itself into the log of effects. Called while the gate is closed: otherwise
    /// another worker's effects could come between the change and its place in the log.
    pub fn append_whole_command(&mut self) {
        if self.is_alone {
            // Part of a transaction, whose effects are appended together.
            return self.effects.changed(1);
        }
        let log = &self.engine.effects;
        if log.is_listening() {
            log.append(&[Effect::new(self.session.db, self.args.iter())]);
        }
    }

    /// Says whether the gate is closed already, so that no other worker runs.
    pub fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Has the client wait instead of getting a reply now. The command's flags say that it may block,
    /// the session that it may wait.
    pub fn wait(&mut self, request: WaitRequest) {
        debug_assert!(self.session.may_wait());
        self.wait = Some(Box::new(request));
    }

    /// Keeps an argument (a password) out of the logs.
    pub fn redact(&mut self, index: usize) {
        self.redacted.push(index);
    }

    /// Returns the integer an argument spells.
    ///
    /// # Errors
    /// [`CommandError::NotAnInteger`].
    pub fn integer(&self, index: usize) -> Result<i64, CommandError> {
        text::parse_i64(self.args.at(index)).ok_or(CommandError::NotAnInteger)
    }

    /// Returns the database number an argument spells.
    ///
    /// # Errors
    /// Not an integer, not one of 32 bits, or no such database.
    pub fn database(&self, index: usize) -> Result<u32, CommandError> {
        let number = i32::try_from(self.integer(index)?).map_err(|_| {
            CommandError::refused(
                "ERR value is out of range, value must between -2147483648 and 2147483647",
            )
        })?;
        u32::try_from(number)
            .ok()
            .filter(|&db| db < self.engine.keyspace.database_count())
            .ok_or(CommandError::DatabaseOutOfRange)
    }

    /// Returns the refusal of a wrong number of arguments.
    pub fn wrong_arity(&self) -> CommandError {
        CommandError::wrong_arity(self.command_name())
    }
}
