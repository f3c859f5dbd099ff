//! The server as a running script sees it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::run::Program;
use super::slow::{ProgramKind, Running, SlowScript};
use crate::base::patience::Patience;
use crate::base::{clock, gate, log};
use crate::config::Setting;
use crate::engine::args::Args;
use crate::engine::command::{Flags, KeyFlags};
use crate::engine::context::Context;
use crate::engine::effects::Targets;
use crate::engine::error::CommandError;
use crate::engine::locking::{Declared, add_places};
use crate::engine::nested::{self, Outer, Sums};
use crate::engine::refusals::{self, Misfit};
use crate::engine::state::Engine;
use crate::engine::table::{KeyPlan, Known};
use crate::keyspace::{self, Key, KeyPlace, LockMode};
use crate::resp::{Protocol, ReplyBuffer, Span};
use crate::script::{self, Conduct, Host, LogLevel, Meanwhile};

/// Bytes of arguments whose buffer is kept from one script to the next.
const KEPT_BYTES_MAX: usize = 64 * 1024;
/// The same for their number.
const KEPT_COUNT_MAX: usize = 1024;

/// For how long a script has its thread to itself.
const ALONE_US: u64 = 2000;
/// How long it runs at least between two turns of others, unless it is slow.
const TURN_PAUSE_NS: u64 = 1_000_000;

const ARGUMENTS: &str = "ERR Wrong number of args calling Redis command from script";
const UNKNOWN: &str = "ERR Unknown Redis command called from script";
const NOT_ALLOWED: &str = "ERR This Redis command is not allowed from script";
const READ_ONLY: &str = "ERR Write commands are not allowed from read-only scripts.";
const KILLED: &str = "ERR Script killed by user with SCRIPT KILL...";
/// Its code says that it cannot come to this.
const MISJUDGED: &str = "ERR The script has not declared this key";

/// How the shards of a nested command are had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Footing {
    /// They are among those of the script.
    Lent,
    /// The script runs alone and holds none.
    Own,
}

/// A script takes long; dropping it takes that back.
struct Slow<'a> {
    engine: &'a Engine,
    script: Arc<SlowScript>,
    _shards: keyspace::HeldForLong<'a>,
    _gate: gate::HeldForLong<'a>,
}

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        self.engine.slow.remove(&self.script);
    }
}

/// A script takes a while; dropping it takes that back.
struct Lasting<'a> {
    _shards: keyspace::HeldForLong<'a>,
    _gate: gate::Stay<'a>,
}

/// Where commands of a script are put together.
#[derive(Default)]
struct Desk {
    buffer: Vec<u8>,
    spans: Vec<Span>,
    declared: Declared,
}

thread_local! {
    /// What the last script of this thread has left.
    static DESK: Cell<Desk> = Cell::default();
}

impl Desk {
    fn keep(self) {
        if self.buffer.capacity() <= KEPT_BYTES_MAX && self.spans.capacity() <= KEPT_COUNT_MAX {
            DESK.set(self);
        }
    }
}

/// The server for the time of one run.
pub(super) struct ScriptHost<'h, 'c> {
    context: &'h mut Context<'c>,
    kind: ProgramKind,
    name: &'h str,
    conduct: &'h Conduct,
    is_read_only: bool,
    /// Nothing is refused for want of memory.
    allows_oom: bool,
    protocol: Protocol,
    /// Who repeats what it does from now on.
    targets: Targets,
    sums: Sums,
    has_written: bool,
    /// It has done something that others can see.
    has_acted: bool,
    /// There is an error within its reply.
    has_failed: bool,
    /// It was ended while it waited for others to leave: no command runs any more.
    is_over: bool,
    /// Why it was, if that was not because somebody wanted it.
    refusal: Option<CommandError>,
    within: Option<gate::ClosedFromWithin<'c>>,
    /// What lets it close the gate.
    reservation: Option<gate::Reservation<'c>>,
    /// When, as [`clock::raw`] counts.
    began: u64,
    /// When, counted like that, others have been served last, and how long that took.
    turn_ended: u64,
    turn_ns: u64,
    slow: Option<Slow<'c>>,
    lasting: Option<Lasting<'c>>,
    _running: Running<'c>,
    desk: Desk,
}

impl<'h, 'c> ScriptHost<'h, 'c> {
    pub(super) fn new(
        context: &'h mut Context<'c>,
        program: Program<'h>,
        reservation: Option<gate::Reservation<'c>>,
    ) -> Self {
        let flags = program.flags;
        let began = clock::raw();
        Self {
            kind: program.kind,
            name: program.name,
            conduct: program.conduct,
            is_read_only: program.only_reads(),
            allows_oom: !context.is_out_of_memory
                || flags.has_shebang && (flags.allow_oom || flags.no_writes),
            protocol: Protocol::Resp2,
            targets: Targets::ALL,
            sums: Sums::default(),
            has_written: false,
            has_acted: false,
            has_failed: false,
            is_over: false,
            refusal: None,
            within: None,
            reservation,
            began,
            turn_ended: began,
            turn_ns: 0,
            slow: None,
            lasting: None,
            _running: context.engine.slow.note_running(context.worker, began),
            desk: DESK.take(),
            context,
        }
    }

    /// Hands what the script did to the command that runs it, still under all locks. Returns what the
    /// client reads if it was ended before it had done anything.
    pub(super) fn settle(self) -> Option<CommandError> {
        let Self { context, mut sums, within, reservation, slow, refusal, desk, .. } = self;
        desk.keep();
        drop(slow);
        let engine = context.engine;
        if sums.changes > 0 {
            sums.touched.iter().for_each(|key| engine.watches.mark(key));
        }
        if context.is_nested && !sums.effects.is_empty() {
            context.effects.repeat();
            context.effects.list.extend(sums.effects);
        } else if !sums.effects.is_empty() {
            engine.effects.append_transaction(&sums.effects);
        }
        context.effects.changed(sums.changes);
        context.effects.rewrite();
        sums.touched.append(&mut sums.readable);
        context.keys.note_changed(sums.touched);
        context.keys.note_all_overdue(sums.overdue);
        if within.is_some() {
            context.is_alone = false;
        }
        drop(within);
        drop(reservation);
        refusal
    }

    /// Copies arguments to where the engine reads them.
    fn pack(&mut self, args: &[&[u8]]) -> (Vec<u8>, Vec<Span>) {
        let mut buffer = std::mem::take(&mut self.desk.buffer);
        let mut spans = std::mem::take(&mut self.desk.spans);
        buffer.clear();
        spans.clear();
        for argument in args {
            spans.push(Span { start: buffer.len(), len: argument.len() });
            buffer.extend_from_slice(argument);
        }
        (buffer, spans)
    }

    /// Returns the command a script means, if it may call it.
    fn admit(&mut self, args: Args<'_>) -> Result<&'c Known, &'static str> {
        let engine = self.context.engine;
        let id = engine.table.find(args.at(0)).map(|known| known.id);
        let known = refusals::resolve(&engine.table, id, args).map_err(|misfit| match misfit {
            Misfit::Browser | Misfit::Unknown(_) => UNKNOWN,
            Misfit::Arity { id, .. } => {
                self.context.stats().record_rejected(id);
                ARGUMENTS
            }
        })?;
        self.permit(known).inspect_err(|_| self.context.stats().record_rejected(known.id))?;
        Ok(known)
    }

    fn permit(&mut self, known: &Known) -> Result<(), &'static str> {
        const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";
        let flags = known.command.flags;
        // Relaxed: a switch for tests.
        let denies = !self.context.engine.allows_denied_commands.load(Ordering::Relaxed);
        if denies && flags.has(Flags::NOSCRIPT) {
            return Err(NOT_ALLOWED);
        }
        if self.is_read_only && flags.has_any(Flags::WRITE.and(Flags::MAY_REPLICATE)) {
            return Err(READ_ONLY);
        }
        if !self.allows_oom && !self.has_written && flags.has(Flags::DENYOOM) {
            return Err(OUT_OF_MEMORY);
        }
        let is_killed = |slow: &Slow<'_>| {
            slow.script.is_killed() || flags.has(Flags::WRITE) && !slow.script.may_write()
        };
        if self.slow.as_ref().is_some_and(is_killed) { Err(KILLED) } else { Ok(()) }
    }

    /// Runs a command that the script may call; an error if its keys are not to be had.
    fn perform(
        &mut self,
        known: &Known,
        args: Args<'_>,
        reply: &mut ReplyBuffer,
    ) -> Result<(), &'static str> {
        let engine = self.context.engine;
        let (mut places, first_key) = self.places(known, args);
        let mode = mode_of(known);
        let footing = self.footing(known, &places, mode)?;
        let visible = Flags::WRITE.and(Flags::MAY_REPLICATE).and(Flags::PUBSUB).and(Flags::ADMIN);
        self.has_written |= known.command.flags.has(Flags::WRITE);
        self.has_acted |= known.command.flags.has_any(visible);
        let context = &mut *self.context;
        let access = context.keys.access();
        let keys = match footing {
            Footing::Own => engine.keyspace.lock(&mut places, LockMode::Exclusive, access),
            Footing::Lent => context.keys.lend(&places, mode, access).ok_or(MISJUDGED)?,
        };
        let outer = Outer {
            engine,
            session: &mut *context.session,
            tuning: context.tuning,
            turn: &mut *context.turn,
            now_ms: context.now_ms,
            worker: context.worker,
            is_alone: context.is_alone,
            is_out_of_memory: context.is_out_of_memory,
            targets: self.targets,
        };
        nested::run(outer, (known, args, first_key), keys, reply, &mut self.sums);
        self.desk.declared.places = places;
        self.sums.show(engine, self.context.worker);
        Ok(())
    }

    /// Returns the places of a command's keys in ascending order, and its key if it has but one.
    fn places<'k>(
        &mut self,
        known: &Known,
        args: Args<'k>,
    ) -> (Vec<KeyPlace>, Option<(usize, Key<'k>)>) {
        let (engine, db) = (self.context.engine, self.context.session.db);
        let declared = &mut self.desk.declared;
        declared.clear();
        let only_key = only_key(known, args).map(|(at, key)| (at, engine.keyspace.key(db, key)));
        match &only_key {
            Some((_, key)) => declared.places.push(key.place()),
            None => add_places(engine, db, known, args, declared),
        }
        let mut places = std::mem::take(&mut declared.places);
        places.sort_unstable();
        (places, only_key)
    }

    /// Says how the shards of a command are had, and sees to it that they can be.
    fn footing(
        &mut self,
        known: &Known,
        places: &[KeyPlace],
        mode: LockMode,
    ) -> Result<Footing, &'static str> {
        let command = known.command;
        if self.context.is_alone {
            return Ok(Footing::Own);
        }
        let looks_beyond =
            command.looks_beyond || places.is_empty() && !command.flags.has(Flags::FAST);
        if !looks_beyond && self.context.keys.covers_all(places, mode) {
            return Ok(Footing::Lent);
        }
        self.conduct.note_undeclared();
        self.isolate()?;
        Ok(Footing::Own)
    }

    /// Has the script go on alone.
    fn isolate(&mut self) -> Result<(), &'static str> {
        let closed = self.reservation.as_ref().map(gate::Reservation::close);
        debug_assert!(closed.is_some(), "its code says that it keeps to its keys");
        self.within = Some(closed.ok_or(MISJUDGED)?);
        self.context.is_alone = true;
        self.enter_as_slow_again();
        self.wait_for_others()?;
        self.context.keys.unlock();
        self.lasting = None;
        self.enter_as_slow_again();
        Ok(())
    }

    /// Waits until nobody else is inside the gate, which is closed. Meanwhile this one may become slow.
    /// If another one stays there, it ends as if it had come later, unless it has done something: then, if
    /// the other is slow, it is slow at once, too, so that nobody waits for the two of them.
    fn wait_for_others(&mut self) -> Result<(), &'static str> {
        let mut patience = Patience::default();
        while let Some(closed) = &self.within
            && !closed.is_alone()
        {
            let held = closed.waits_for();
            if let Some(refusal) = held.and_then(|held| self.refusal_to_wait(held)) {
                self.refusal = Some(refusal);
                self.is_over = true;
                return Err(KILLED);
            }
            if held == Some(gate::Held::ForLong) && self.slow.is_none() {
                self.become_slow();
            }
            if self.meanwhile() != Meanwhile::GoOn {
                self.is_over = true;
                return Err(KILLED);
            }
            patience.pause();
        }
        Ok(())
    }

    /// Returns what becomes of it if it need not wait for one that stays inside, because it has done nothing.
    fn refusal_to_wait(&self, held: gate::Held) -> Option<CommandError> {
        match held {
            _ if self.has_acted => None,
            gate::Held::ForLong => Some(self.context.engine.slow.refusal()),
            // Functions may have variables that outlive them, and would change them twice.
            gate::Held::ForAWhile if self.kind == ProgramKind::Function => None,
            gate::Held::ForAWhile => Some(CommandError::NotNow),
        }
    }

    /// Tells others anew what it holds, if it is slow.
    fn enter_as_slow_again(&mut self) {
        if let Some(slow) = self.slow.take() {
            let script = Arc::clone(&slow.script);
            drop(slow);
            self.slow = Some(self.enter_as_slow(script));
        }
    }

    fn enter_as_slow(&self, script: Arc<SlowScript>) -> Slow<'c> {
        let Context { engine, keys, worker, is_alone, .. } = &*self.context;
        let engine: &'c Engine = engine;
        // One that declares nothing may want anything.
        let shuts_out = *is_alone || keys.places().is_empty();
        engine.slow.add(&script);
        Slow {
            engine,
            script,
            _shards: keys.hold_for_long(&engine.keyspace),
            _gate: engine.gate.hold_for_long(*worker, shuts_out),
        }
    }

    /// Lets others know that they are not to wait for what it holds, if they can come back.
    fn last(&mut self) {
        let Context { engine, keys, worker, .. } = &*self.context;
        let engine: &'c Engine = engine;
        self.lasting = Some(Lasting {
            _shards: keys.hold_for_a_while(&engine.keyspace),
            _gate: engine.gate.stay(*worker),
        });
    }

    fn become_slow(&mut self) {
        let command = self.context.args.iter().map(<[u8]>::to_vec).collect();
        let began_us = clock::monotonic_us().saturating_sub(self.elapsed_us());
        let past = (began_us, self.has_written);
        let script = SlowScript::new(self.kind, self.name, command, past);
        log::warning(format_args!(
            "Slow script detected: still in execution after {} milliseconds. You can try killing the \
             script using the {} command. Script name is: {}.",
            script.duration_ms(),
            if self.kind == ProgramKind::Script { "SCRIPT KILL" } else { "FUNCTION KILL" },
            self.name
        ));
        self.slow = Some(self.enter_as_slow(Arc::new(script)));
    }

    /// Has the worker serve others, for no longer than the script has run since it did so last.
    fn give_turn(&mut self) {
        let ran_ns = clock::elapsed_ns(self.turn_ended);
        let pause_ns = if self.slow.is_some() { 0 } else { TURN_PAUSE_NS };
        if ran_ns < self.turn_ns.max(pause_ns) {
            return;
        }
        let began = clock::raw();
        self.context.turn.meanwhile();
        self.turn_ns = clock::elapsed_ns(began);
        self.turn_ended = clock::raw();
    }

    fn is_overdue(&self) -> bool {
        let threshold_ms = self.context.engine.config.number(Setting::BusyReplyThreshold);
        let elapsed_ms = self.elapsed_us() / 1000;
        threshold_ms > 0 && elapsed_ms >= threshold_ms.unsigned_abs()
    }

    fn elapsed_us(&self) -> u64 {
        clock::elapsed_ns(self.began) / 1000
    }
}

/// Returns the one key of a command that cannot have others.
fn only_key<'k>(known: &Known, args: Args<'k>) -> Option<(usize, &'k [u8])> {
    let KeyPlan::One(at) = known.plan else { return None };
    let is_no_key = known.command.keys.iter().any(|spec| spec.flags.has(KeyFlags::NOT_KEY));
    if is_no_key { None } else { Some((at, args.get(at)?)) }
}

/// Returns how a nested command has its shards locked: it never waits, so that those who could may read
/// with others.
fn mode_of(known: &Known) -> LockMode {
    let flags = known.command.flags;
    let only_waits = flags.has(Flags::BLOCKING) && !flags.has(Flags::WRITE);
    if only_waits { LockMode::Shared } else { known.mode }
}

impl Host for ScriptHost<'_, '_> {
    fn call(&mut self, args: &[&[u8]], reply: &mut ReplyBuffer) {
        // Between two commands that take long there are few instructions.
        let is_due = clock::elapsed_ns(self.turn_ended) >= TURN_PAUSE_NS;
        if self.is_over || is_due && self.meanwhile() != Meanwhile::GoOn {
            return reply.error(KILLED);
        }
        reply.set_protocol(self.protocol);
        let (buffer, spans) = self.pack(args);
        let args = Args::new(&buffer, &spans);
        let outcome = match self.admit(args) {
            Ok(known) => self.perform(known, args, reply),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = outcome {
            if self.refusal.is_none() {
                self.context.stats().record_error(refusal.as_bytes());
            }
            reply.error(refusal);
        }
        self.desk.buffer = buffer;
        self.desk.spans = spans;
    }

    fn set_resp3(&mut self, on: bool) {
        self.protocol = if on { Protocol::Resp3 } else { Protocol::Resp2 };
    }

    fn set_replication(&mut self, bits: u8) {
        self.targets = Targets::of_bits(bits);
    }

    fn log(&mut self, level: LogLevel, text: &[u8]) {
        self.has_acted = true;
        level.write(text);
    }

    fn count_error(&mut self, text: &[u8]) {
        let stats = self.context.stats();
        stats.record_error(text);
        if !std::mem::replace(&mut self.has_failed, true) {
            stats.record_failed(self.context.known.id);
        }
    }

    fn may_run(&mut self, args: &[&[u8]]) -> Result<bool, String> {
        const INVALID: &str = "ERR Invalid command passed to redis.acl_check_cmd()";
        let (buffer, spans) = self.pack(args);
        let args = Args::new(&buffer, &spans);
        let is_known = self.context.engine.table.resolve(args).is_some();
        self.desk.buffer = buffer;
        self.desk.spans = spans;
        if is_known { Ok(true) } else { Err(INVALID.into()) }
    }

    fn meanwhile(&mut self) -> Meanwhile {
        if self.is_over || self.context.engine.is_stopping() {
            return Meanwhile::Kill(script::KILLED);
        }
        if self.slow.is_none() && self.is_overdue() {
            self.become_slow();
        }
        if self.slow.is_some() || self.elapsed_us() >= ALONE_US {
            if self.lasting.is_none() {
                self.last();
            }
            self.give_turn();
        }
        let is_killed = self.slow.as_ref().is_some_and(|slow| slow.script.is_killed());
        if is_killed { Meanwhile::Kill(script::KILLED) } else { Meanwhile::GoOn }
    }
}

impl CommandError {
    /// The refusal of a command that a script of a kind holds up.
    pub fn busy(kind: ProgramKind) -> Self {
        Self::refused(match kind {
            ProgramKind::Script => {
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
            }
            ProgramKind::Function => {
                "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
            }
        })
    }
}
