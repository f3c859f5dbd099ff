//! The run of a script from its admission to the settling of what it did.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::host::ScriptHost;
use super::slow::ProgramKind;
use crate::base::gate::Reservation;
use crate::base::patience::Patience;
use crate::engine::context::Context;
use crate::engine::error::CommandError;
use crate::engine::state::Engine;
use crate::keyspace::LockMode;
use crate::resp::ReplyBuffer;
use crate::script::{Conduct, Host, Machine, Script, ScriptError, ScriptFlags};

/// Runs a program; replies, unless it fails.
pub type Run<'r> = dyn FnMut(&mut dyn Host, &mut ReplyBuffer) -> Result<(), ScriptError> + 'r;

/// A script or function that is about to run.
#[derive(Clone, Copy)]
pub struct Program<'p> {
    pub kind: ProgramKind,
    /// What others are told that runs.
    pub name: &'p str,
    pub flags: ScriptFlags,
    /// The command that runs it promises that it only reads.
    pub is_read_only: bool,
    /// Which keys it uses.
    pub conduct: &'p Conduct,
    /// Its arguments beside its keys.
    pub arguments: &'p [&'p [u8]],
}

impl Program<'_> {
    /// Says whether it is not to write.
    pub(super) fn only_reads(&self) -> bool {
        self.is_read_only || self.flags.has_shebang && self.flags.no_writes
    }
}

thread_local! {
    static MACHINE: RefCell<Option<Machine>> = const { RefCell::new(None) };
}

pub(super) const NESTED: CommandError = CommandError::refused("ERR A script can not run a script");

/// Runs a script of EVAL on this thread's machine.
///
/// # Errors
/// What the client reads when the script may not run, or fails.
pub fn evaluate(
    context: &mut Context<'_>,
    script: &Arc<Script>,
    (keys, args): (&[&[u8]], &[&[u8]]),
    is_read_only: bool,
) -> Result<(), CommandError> {
    if context.session.is_in_script {
        return Err(NESTED);
    }
    let generation = context.engine.scripts.generation();
    let gauge = &context.engine.script_memory[context.worker];
    MACHINE.with_borrow_mut(|place| {
        let mut machine = match place.take_if(|machine| machine.generation() == generation) {
            Some(machine) => machine,
            None => Machine::new(generation).map_err(refused)?,
        };
        let program = Program {
            kind: ProgramKind::Script,
            name: script.sha_text(),
            flags: script.flags,
            is_read_only,
            conduct: &script.conduct,
            arguments: args,
        };
        let outcome = context
            .run_program(&program, &mut |host, reply| machine.run(script, keys, args, host, reply));
        // Relaxed: a statistic.
        gauge.store(machine.memory_bytes(), Ordering::Relaxed);
        *place = Some(machine);
        outcome
    })
}

/// Drops this thread's machine if all its scripts are forgotten; not while it runs one: then the next
/// script does. Cost: that of freeing the scripts.
pub fn drop_forgotten_scripts(engine: &Engine, worker: usize) {
    MACHINE.with(|place| {
        let Ok(mut place) = place.try_borrow_mut() else { return };
        let generation = engine.scripts.generation();
        if place.take_if(|machine| machine.generation() != generation).is_some() {
            // Relaxed: a statistic.
            engine.script_memory[worker].store(0, Ordering::Relaxed);
        }
    });
}

pub(super) fn refused(error: ScriptError) -> CommandError {
    let text = error.text().to_vec();
    if error.is_counted() { CommandError::Counted(text) } else { CommandError::Quoting(text) }
}

impl<'c> Context<'c> {
    /// Runs a script or function under the locks of this command, or alone.
    ///
    /// # Errors
    /// What the client reads when it may not run, or fails.
    pub fn run_program(
        &mut self,
        program: &Program<'_>,
        run: &mut Run<'_>,
    ) -> Result<(), CommandError> {
        if self.session.is_in_script {
            return Err(NESTED);
        }
        self.admit(program)?;
        let may_wait = std::mem::replace(&mut self.session.refuses_to_wait, true);
        self.session.is_in_script = true;
        let outcome = self.run_isolated(program, run);
        self.session.refuses_to_wait = may_wait;
        self.session.is_in_script = false;
        outcome
    }

    fn admit(&self, program: &Program<'_>) -> Result<(), CommandError> {
        const WRITES: CommandError = CommandError::refused(
            "ERR Can not execute a script with write flag using *_ro command.",
        );
        let flags = program.flags;
        if !flags.has_shebang || flags.no_writes {
            return Ok(());
        }
        if self.is_out_of_memory && !flags.allow_oom {
            return Err(CommandError::OutOfMemory);
        }
        if program.is_read_only { Err(WRITES) } else { Ok(()) }
    }

    /// Runs a program as far apart from others as it needs to be.
    fn run_isolated(
        &mut self,
        program: &Program<'_>,
        run: &mut Run<'_>,
    ) -> Result<(), CommandError> {
        if self.is_alone {
            self.keys.unlock();
            return self.attempt(program, None, run);
        }
        if self.is_nested || self.engine.table.keeps_to_keys(program.conduct, program.arguments) {
            return self.attempt(program, None, run);
        }
        if program.conduct.has_touched_undeclared() {
            return self.run_alone(program, run);
        }
        let reservation = self.reserve(program)?;
        self.attempt(program, Some(reservation), run)
    }

    /// Gets the right to close the gate from within. Nobody waits for it who holds a shard: the one who
    /// has it may be waiting for that.
    fn reserve(&mut self, program: &Program<'_>) -> Result<Reservation<'c>, CommandError> {
        let (engine, worker) = (self.engine, self.worker);
        if let Some(reservation) = engine.gate.try_reserve(worker) {
            return Ok(reservation);
        }
        let mut places = self.keys.places();
        self.keys.unlock();
        let _wish = self.ask_for_quiet();
        let mut patience = Patience::default();
        let reservation = loop {
            if engine.gate.is_reserved_for_long() || !patience.pause() {
                return Err(engine.slow.refusal());
            }
            if engine.gate.is_reserved_for_a_while() {
                return Err(CommandError::NotNow);
            }
            if let Some(reservation) = engine.gate.try_reserve(worker) {
                break reservation;
            }
        };
        let mode = if program.only_reads() { LockMode::Shared } else { LockMode::Exclusive };
        let is_locked = self.keys.relock_soon(&engine.keyspace, &mut places, mode);
        if is_locked { Ok(reservation) } else { Err(engine.refusal_for(&places)) }
    }

    /// Runs a program under the locks as they are.
    fn attempt(
        &mut self,
        program: &Program<'_>,
        reservation: Option<Reservation<'c>>,
        run: &mut Run<'_>,
    ) -> Result<(), CommandError> {
        let mark = self.reply.checkpoint();
        let protocol = self.reply.protocol();
        let mut reply = std::mem::take(self.reply);
        let db = self.session.db;
        let mut host = ScriptHost::new(self, *program, reservation);
        let outcome = run(&mut host, &mut reply);
        let refusal = host.settle();
        if self.session.db != db {
            self.session.select(db);
        }
        reply.set_protocol(protocol);
        *self.reply = reply;
        let outcome = match refusal {
            Some(busy) => Err(busy),
            None => outcome.map_err(refused),
        };
        outcome.inspect_err(|_| self.reply.truncate(mark))
    }

    fn run_alone(&mut self, program: &Program<'_>, run: &mut Run<'_>) -> Result<(), CommandError> {
        self.keys.unlock();
        let closed = self.stop_the_world()?;
        self.is_alone = true;
        let outcome = self.attempt(program, None, run);
        self.is_alone = closed.is_none();
        drop(closed);
        outcome
    }
}
