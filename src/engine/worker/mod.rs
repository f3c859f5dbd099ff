//! A worker: runs batches of commands for the connections of one thread.
//!
//! Per command: the gates, the locks its keys need, the handler, the effects (still under the locks),
//! then the statistics. Figures that are only summed are kept aside and added once per batch.

mod answers;
mod row;

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::Args;
use super::ahead::Ahead;
use super::batch::{Batch, ROW_COMMANDS_MIN};
use super::beside::Standing;
use super::clients::{Gauges, Peer};
use super::command::{Flags, InTransaction};
use super::context::Context;
use super::effects::Effects;
use super::error::CommandError;
use super::gates::{self, Candidate, Verdict};
use super::locking::{self, Declared, lock};
use super::logs::{Ended, STALE_CLOCK_NS, record_event};
use super::memory::{Room, make_room};
use super::notify::{self, Event};
use super::refusals::{self, Misfit};
use super::removal::{record_expired, record_removal, remove_overdue};
use super::serve::Server;
use super::session::{Flow, ReplyMode, Session};
use super::state::Engine;
use super::table::{KeyPlan, Known};
use super::tuning::Tuning;
use super::turn::{Nobody, Turn};
use super::waiting::{self, Deadlines};
use crate::base::clock::{self, Ticker};
use crate::base::patience::while_waiting;
use crate::keyspace::{
    Access, Evictor, Expired, Overdue, OwnedKey, Sweep, SweepOutcome, data_bytes, publish_bytes,
};
use crate::resp::ReplyBuffer;
use crate::stats::{Counter, WorkerStats};
use answers::{queue, refuse, refuse_misfit};

/// Time one slice of active expiry may take.
const SWEEP_SLICE: Duration = Duration::from_micros(50);

/// Time for which the wall clock, once read, is right enough for the batches that follow.
const FRESH_CLOCK_NS: u64 = 20_000;

/// Time after which a batch lets others have their turn, where that is cheap.
const BATCH_NS_MAX: u64 = 100_000;

/// What a batch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Commands that ran, from the first on.
    pub command_count: usize,
    pub flow: Flow,
}

/// Sums of a batch on their way into the statistics.
#[derive(Default)]
struct Sums {
    commands: u64,
    hits: u64,
    misses: u64,
    changes: u64,
    /// Number of the last command plus one; 0 before the first one.
    last_command: u64,
}

/// What a worker needs besides the engine; apart, so that both can be borrowed at once.
struct Scratch {
    index: usize,
    tuning: Tuning,
    ticker: Ticker,
    /// When the clock was read last, by the ticker.
    renewed_at: u64,
    evictor: Evictor,
    effects: Effects,
    declared: Declared,
    redacted: Vec<usize>,
    sums: Sums,
    now_ms: u64,
    access: Access,
    /// Expired keys that commands saw, to be removed when nothing is locked.
    overdue: Vec<Overdue>,
    /// When clients of this worker that wait give up; its stand-in has the same. Only this thread locks it.
    deadlines: Arc<Mutex<Deadlines>>,
    /// The command that ran last waits.
    is_waiting: bool,
    /// Whether commands may come to the keyspace.
    standing: Standing,
    /// Nothing could be evicted for the command that runs.
    is_out_of_memory: bool,
}

/// One thread's executor.
pub struct Worker {
    engine: Arc<Engine>,
    scratch: Scratch,
    sweep: Sweep,
    /// It stands in for a worker of this thread that is in the middle of a command that takes long: it
    /// neither enters the gate nor leaves it.
    is_aside: bool,
}

impl Worker {
    /// Creates the worker of a number below the engine's worker count.
    pub fn new(engine: Arc<Engine>, index: usize) -> Self {
        let tuning = Tuning::read(&engine.config);
        let now_ms = clock::unix_ms();
        let scratch = Scratch {
            index,
            tuning,
            ticker: Ticker::default(),
            renewed_at: 0,
            evictor: Evictor::default(),
            effects: Effects::default(),
            declared: Declared::default(),
            redacted: Vec::new(),
            sums: Sums::default(),
            now_ms,
            access: access(&tuning, now_ms),
            overdue: Vec::new(),
            deadlines: Arc::default(),
            is_waiting: false,
            standing: Standing::Inside,
            is_out_of_memory: false,
        };
        let sweep = Sweep::new(index, engine.worker_count());
        let weak = Arc::downgrade(&engine);
        while_waiting(Rc::new(move || {
            weak.upgrade().is_none_or(|engine| engine.gate.give_way(index))
        }));
        Self { engine, scratch, sweep, is_aside: false }
    }

    /// Creates a stand-in for this worker, to run commands on its thread while one takes long, and where
    /// nothing is waited for ([`crate::base::patience::without_waiting`]).
    pub fn stand_in(&self) -> Self {
        let mut other = Self::new(Arc::clone(&self.engine), self.scratch.index);
        other.is_aside = true;
        other.scratch.deadlines = Arc::clone(&self.scratch.deadlines);
        other
    }

    /// Returns what this worker shares with the others.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Returns the cells this worker counts in.
    pub fn stats(&self) -> &WorkerStats {
        self.engine.stats.worker(self.scratch.index)
    }

    /// Registers a new connection.
    pub fn open(&self, peer: Peer) -> Session {
        self.stats().add(Counter::ConnectionsReceived, 1);
        let cell = self.engine.clients.open(self.scratch.index, peer, clock::unix_ms());
        Session::new(cell, !self.engine.requires_password())
    }

    /// Forgets a connection.
    pub fn close(&self, session: &mut Session) {
        self.engine.clients.set_postponed(&session.cell, false);
        self.engine.abandon_wait(session);
        self.engine.unwatch(&mut session.watches);
        self.engine.untrack(session);
        self.engine.end_subscriptions(session);
        self.engine.end_monitoring(session);
        self.engine.clients.close(&session.cell);
    }

    /// Looks up the commands of a batch from number `first` on, all of the same client, and begins to
    /// fetch what they will touch. Says whether a script may run with them, which may take long.
    pub fn look_up(
        &self,
        session: &Session,
        buffer: &[u8],
        batch: &mut Batch,
        first: usize,
    ) -> bool {
        let parts = (&self.engine.table, &self.engine.keyspace);
        let runs_script = batch.look_up(parts, session.db, buffer, first);
        runs_script || session.transaction.as_ref().is_some_and(|queue| queue.runs_script)
    }

    /// Fetches what the commands of a batch will touch. They have been looked up.
    pub fn fetch(&self, batch: &Batch) {
        let (gate, index) = (&self.engine.gate, self.scratch.index);
        if self.is_aside || !gate.enter(index) {
            return;
        }
        batch.fetch(&self.engine.keyspace);
        gate.leave(index);
    }

    /// Looks up, fetches and runs the commands of a batch, all of the same client.
    pub fn run(
        &mut self,
        session: &mut Session,
        buffer: &[u8],
        batch: &mut Batch,
        reply: &mut ReplyBuffer,
    ) -> Ran {
        self.look_up(session, buffer, batch, 0);
        self.fetch(batch);
        let mut command_count = 0;
        loop {
            let range = command_count..batch.len();
            let ran = self.run_range(session, buffer, batch, range, (reply, &mut Nobody));
            command_count += ran.command_count;
            if ran.flow != Flow::Yield {
                return Ran { command_count, flow: ran.flow };
            }
        }
    }

    /// Runs some commands of a batch in order, appending their replies. Stops early when a command
    /// ends or postpones the connection, or when its time is over. They have been looked up.
    pub fn run_range(
        &mut self,
        session: &mut Session,
        buffer: &[u8],
        batch: &Batch,
        range: Range<usize>,
        (reply, turn): (&mut ReplyBuffer, &mut dyn Turn),
    ) -> Ran {
        let engine = &*self.engine;
        let scratch = &mut self.scratch;
        let mut tick = scratch.ticker.raw();
        let began = tick;
        scratch.renew_unless_fresh(engine, tick);
        scratch.standing = match self.is_aside {
            true => Standing::of_stand_in(engine, scratch.index),
            false if engine.gate.enter(scratch.index) => Standing::Inside,
            false => Standing::ShutOut,
        };
        let aside = self.is_aside.then(|| engine.keep_nothing_aside(scratch.index));
        let mut ran = Ran { command_count: 0, flow: Flow::Continue };
        let Range { start, end } = range;
        let mut ahead = (range.len() >= ROW_COMMANDS_MIN).then(Ahead::default);
        while start + ran.command_count < end {
            let index = start + ran.command_count;
            let is_late = scratch.ticker.elapsed_ns(began, tick) > BATCH_NS_MAX;
            if is_late && ran.command_count > 0 && batch.is_cheap_to_keep(buffer, index) {
                ran.flow = Flow::Yield;
                break;
            }
            if let Some(ahead) = &mut ahead {
                scratch.look_ahead(engine, session, batch, index..end, ahead);
                if !ahead.is_used_up() {
                    let (block, queued) = (ahead.block(), (batch, buffer));
                    let (held_count, block) = (block.len(), (block, index));
                    let count =
                        scratch.run_block(engine, session, queued, block, (reply, turn), &mut tick);
                    ran.command_count += count;
                    if count < held_count {
                        // What is held belongs to the commands behind those that have not run, or
                        // relies on a lock that was let go.
                        ahead.clear();
                    }
                    continue;
                }
            }
            let queued = (batch, buffer, index);
            ran.flow = scratch.run_one(engine, session, queued, (reply, turn), &mut tick);
            if ran.flow != Flow::Postpone {
                ran.command_count += 1;
            }
            if ran.flow != Flow::Continue {
                break;
            }
        }
        drop(ahead);
        scratch.remove_overdue(engine);
        match aside {
            Some(before) => engine.end_keeping_aside(scratch.index, before),
            None => engine.gate.leave(scratch.index),
        }
        scratch.settle(engine, session, ran.command_count);
        let is_postponed = ran.flow == Flow::Postpone;
        // Relaxed: only this thread writes the flag.
        if is_postponed != session.cell.is_postponed.load(std::sync::atomic::Ordering::Relaxed) {
            engine.clients.set_postponed(&session.cell, is_postponed);
        }
        ran
    }

    /// Says of a stand-in whether commands that were put off may be answered now: they run, or somebody
    /// keeps them from it for long.
    pub fn may_answer(&self) -> bool {
        Standing::of_stand_in(&self.engine, self.scratch.index) != Standing::Later
    }

    /// Returns when the next client that waits gives up, in milliseconds since 1970.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.scratch.deadlines.lock().next_ms()
    }

    /// Ends the waits whose time is over.
    pub fn end_overdue_waits(&mut self) {
        self.scratch.deadlines.lock().end_overdue(&self.engine, clock::unix_ms());
    }

    /// Does what is due without a client asking: expires and evicts. Returns true when more is due
    /// right away. Cost: bounded to a fraction of a millisecond.
    pub fn tick(&mut self) -> bool {
        let engine = &*self.engine;
        self.scratch.renew(engine);
        let now_ms = self.scratch.now_ms;
        // Relaxed: a switch for tests.
        let is_stopped = engine.is_upkeep_paused.load(std::sync::atomic::Ordering::Relaxed);
        // However little there is: a limit of one byte is one, too.
        publish_bytes();
        if self.is_aside || is_stopped || engine.pause.current(now_ms).is_some() {
            return false;
        }
        if !engine.gate.enter(self.scratch.index) {
            return false;
        }
        let swept = self.sweep_slice();
        let engine = &*self.engine;
        let evicts = self.scratch.relieve(engine) == Room::Later;
        let mut ready = engine.pause.take_held_back();
        ready.append(&mut self.scratch.deadlines.lock().polled_keys());
        self.scratch.serve(engine, ready);
        engine.gate.leave(self.scratch.index);
        swept.has_more || evicts
    }

    /// Takes away what is above a limit, keys and tracked keys, so that clients that track keys hear of
    /// it before their next replies.
    #[cold]
    pub fn shed(&mut self) {
        let engine = &*self.engine;
        self.scratch.renew(engine);
        engine.shed_tracked_keys(Some(self.scratch.index));
        if self.scratch.is_above_limit() && !self.is_aside && engine.gate.enter(self.scratch.index)
        {
            self.scratch.relieve(engine);
            engine.gate.leave(self.scratch.index);
        }
    }

    fn sweep_slice(&mut self) -> SweepOutcome {
        let engine = &*self.engine;
        // Relaxed: a switch for tests.
        if !engine.expires_actively.load(std::sync::atomic::Ordering::Relaxed) {
            return SweepOutcome::default();
        }
        let from = self.scratch.ticker.raw();
        let events = self.scratch.tuning.events;
        let mut fields: Vec<Box<[u8]>> = Vec::new();
        let mut expired = |db: u32, expired: Expired<'_>| {
            record_removal(engine, None, db, expired);
            match expired {
                Expired::Key(key) => engine.notify(None, events, Event::EXPIRED, (db, key)),
                Expired::Field { field, .. } if events.include_fields() => {
                    fields.push(field.into())
                }
                Expired::Field { .. } => {}
                // Once for all of them.
                Expired::AllFields { key } => {
                    let named: Vec<&[u8]> = fields.iter().map(|field| &**field).collect();
                    engine.notify_fields(None, events, Event::HEXPIRED, (db, key), &named);
                    fields.clear();
                }
                Expired::LastField { key } => engine.notify(None, events, Event::DEL, (db, key)),
            }
        };
        let now_ms = self.scratch.now_ms;
        let outcome = self.sweep.run(&engine.keyspace, now_ms, SWEEP_SLICE, &mut expired);
        let removed_count = outcome.expired_count + outcome.field_count;
        if removed_count == 0 && !outcome.has_more {
            return outcome;
        }
        let elapsed_ns = self.scratch.ticker.elapsed_ns(from, self.scratch.ticker.raw());
        let stats = self.stats();
        stats.add(Counter::ExpiredKeys, outcome.expired_count);
        stats.add(Counter::ExpiredSubkeys, outcome.field_count);
        stats.add(Counter::ExpireCycleUs, elapsed_ns / 1000);
        if outcome.has_more {
            stats.add(Counter::ExpiredTimeCapReached, 1);
        }
        engine.count_changes(removed_count);
        record_event(engine, &self.scratch.tuning, "expire-cycle", elapsed_ns);
        outcome
    }
}

/// Appends what a command did to the log; called under the locks of what it changed.
pub(super) fn append_effects(engine: &Engine, db: u32, args: Args<'_>, effects: &Effects) {
    if effects.is_rewritten {
        engine.effects.append(&effects.list);
    } else {
        engine.effects.append(&[effects.of_command(db, args)]);
    }
}

fn access(tuning: &Tuning, now_ms: u64) -> Access {
    Access {
        now_ms,
        aging: tuning.aging(now_ms),
        touches: true,
        removes_expired: true,
        noted: notify::noted(tuning.events),
    }
}

impl Scratch {
    /// Looks at the clock and, when they have changed, at the settings.
    #[inline]
    fn renew(&mut self, engine: &Engine) {
        self.renewed_at = self.ticker.raw();
        self.now_ms = clock::unix_ms();
        if engine.config.generation() != self.tuning.generation {
            // A new limit may be so small that what each thread still has by itself matters.
            publish_bytes();
            let old = self.tuning.policy;
            self.tuning = Tuning::read(&engine.config);
            if old != self.tuning.policy {
                self.evictor.policy_changed();
            }
        }
        self.access = access(&self.tuning, self.now_ms);
    }

    /// The same, unless that was a moment before `tick`: batches of one command each would spend much of
    /// their time on it.
    #[inline]
    fn renew_unless_fresh(&mut self, engine: &Engine, tick: u64) {
        let is_fresh = self.ticker.elapsed_ns(self.renewed_at, tick) < FRESH_CLOCK_NS
            && engine.config.generation() == self.tuning.generation;
        // Unit tests move the clock by hand.
        if !is_fresh || cfg!(test) {
            self.renew(engine);
        }
    }

    /// Holds shards for the commands of a range if none is held for the first of them, unless
    /// something has them run one by one.
    fn look_ahead<'k>(
        &mut self,
        engine: &'k Engine,
        session: &Session,
        batch: &Batch,
        range: Range<usize>,
        ahead: &mut Ahead<'k>,
    ) {
        // What has others run one by one may take locks of its own (eviction does): then nothing may
        // be held.
        if !self.may_run_rows(engine, session) {
            ahead.clear();
            self.remove_overdue(engine);
        } else if ahead.is_used_up() {
            if !ahead.turn() {
                self.remove_overdue(engine);
            }
            ahead.hold(engine, session.db, batch, range);
        }
    }

    /// Runs one command of the batch up to its statistics. Nothing is locked.
    #[inline(always)]
    fn run_one(
        &mut self,
        engine: &Engine,
        session: &mut Session,
        (batch, buffer, index): (&Batch, &[u8], usize),
        (reply, turn): (&mut ReplyBuffer, &mut dyn Turn),
        tick: &mut u64,
    ) -> Flow {
        let args = batch.args(buffer, index);
        let queued = &batch.commands[index];
        let stats = engine.stats.worker(self.index);
        let known = match refusals::resolve(&engine.table, queued.id(), args) {
            Ok(known) => known,
            Err(misfit) => {
                if let Misfit::Arity { id, .. } = misfit {
                    self.sums.last_command = id as u64 + 1;
                }
                return refuse_misfit(engine, stats, session, reply, misfit);
            }
        };
        self.sums.last_command = known.id as u64 + 1;
        match self.ask_gates(engine, session, (known, args)) {
            Verdict::Pass => {}
            Verdict::Postpone => return Flow::Postpone,
            Verdict::Refuse(error) => {
                stats.record_rejected(known.id);
                refuse(engine, stats, session, reply, (known, error));
                // Those who monitor have seen the beginning of the transaction.
                if known.command.in_transaction == InTransaction::RunsQueue {
                    self.tell(engine, session, known, (args, 0, 0));
                }
                return Flow::Continue;
            }
        }
        if session.transaction.is_some() && known.command.in_transaction == InTransaction::Queued {
            queue(engine, stats, session, reply, (known, args));
            return Flow::Continue;
        }
        let before = reply.len();
        let checkpoint = (session.reply_mode != ReplyMode::On).then(|| reply.checkpoint());
        let hash = queued.known_hash();
        let tracks = session.keep_own_news();
        let kept_before = engine.keep_own_messages(self.index, session, known);
        let own = (tracks, kept_before);
        let outcome = self.call(engine, session, known, (args, hash), (reply, turn));
        self.remove_overdue(engine);
        if let Err(error) = &outcome {
            if *error == CommandError::NotNow {
                return self.put_off(engine, session, (reply, checkpoint), own);
            }
            error.count(stats, known.id);
            reply.error_bytes(&error.bytes());
        }
        if session.put_off.is_noted() {
            session.put_off.settle(&engine.quiet);
        }
        if session.transaction.is_none()
            && let Some(tracking) = &mut session.tracking
        {
            tracking.command_ended(known);
        }
        let reply_bytes = reply.len() - before;
        // Messages are never left out.
        let checkpoint = checkpoint.filter(|_| !known.command.replies_by_messages());
        self.mind_reply_mode(session, reply, checkpoint);
        self.tell_own(engine, session, own, reply);
        let now = self.ticker.raw();
        let elapsed_ns = self.ticker.elapsed_ns(*tick, now);
        *tick = now;
        stats.record_command(known.id, elapsed_ns);
        self.sums.commands += 1;
        self.tell(engine, session, known, (args, elapsed_ns, reply_bytes));
        let may_set = known.command.flags.has(Flags::ADMIN)
            || known.command.in_transaction == InTransaction::RunsQueue;
        if may_set && engine.config.generation() != self.tuning.generation {
            self.renew(engine);
        }
        match (session.closes, std::mem::take(&mut self.is_waiting)) {
            (true, _) => Flow::Close,
            (false, true) => Flow::Wait,
            (false, false) => Flow::Continue,
        }
    }

    #[inline]
    fn ask_gates(
        &mut self,
        engine: &Engine,
        session: &Session,
        (known, args): (&Known, Args<'_>),
    ) -> Verdict {
        // The gate may have been opened and closed again by a command of this batch.
        let is_inside = engine.gate.is_inside(self.index);
        let standing = match self.standing {
            Standing::Inside if !is_inside => Standing::ShutOut,
            standing => standing,
        };
        let is_out_of_memory = standing.may_lock() && self.relieve(engine) == Room::None;
        self.is_out_of_memory = is_out_of_memory;
        let now_ms = self.now_ms;
        gates::ask(&Candidate { engine, session, known, args, now_ms, is_out_of_memory, standing })
    }

    #[inline]
    fn is_above_limit(&self) -> bool {
        let limit = self.tuning.maxmemory_bytes;
        limit != 0 && data_bytes() > limit
    }

    /// Removes the expired keys that commands saw. Nothing may be locked.
    #[inline]
    fn remove_overdue(&mut self, engine: &Engine) {
        if !self.overdue.is_empty() {
            remove_overdue(engine, self.index, &self.access, &std::mem::take(&mut self.overdue));
        }
    }

    /// Evicts if memory is above its limit.
    #[inline]
    fn relieve(&mut self, engine: &Engine) -> Room {
        if !self.is_above_limit() || engine.pause.current(self.now_ms).is_some() {
            return Room::Enough;
        }
        let stats = engine.stats.worker(self.index);
        make_room(engine, &self.tuning, &mut self.evictor, self.now_ms, stats)
    }

    /// Serves those who wait for keys that became ready during a pause.
    fn serve(&mut self, engine: &Engine, ready: Vec<OwnedKey>) {
        if ready.is_empty() {
            return;
        }
        let Self { access, tuning, index, now_ms, .. } = &*self;
        let (index, now_ms) = (*index, *now_ms);
        let mut server = Server { engine, access, tuning, index, now_ms, change_count: 0 };
        server.serve_deferred(ready);
        engine.count_changes(server.change_count);
    }

    /// Locks the keys, runs the handler, appends the effects, unlocks.
    #[inline(always)]
    fn call(
        &mut self,
        engine: &Engine,
        session: &mut Session,
        known: &Known,
        (args, hash): (Args<'_>, Option<u64>),
        (reply, turn): (&mut ReplyBuffer, &mut dyn Turn),
    ) -> Result<(), CommandError> {
        self.access.touches = !session.no_touch;
        self.access.removes_expired = engine.pause.current(self.now_ms).is_none();
        self.effects.is_recording = engine.effects.is_listening();
        let (db, index, now_ms) = (session.db, self.index, self.now_ms);
        let client_id = session.id();
        let Self { access, effects, tuning, redacted, declared, sums, .. } = self;
        let (deadlines, is_waiting) = (&self.deadlines, &mut self.is_waiting);
        let overdue = &mut self.overdue;
        let access = &*access;
        let request = (args, hash);
        let Some((keys, first_key)) = lock(engine, db, known, request, declared, access) else {
            return Err(locking::refusal(engine, db, known, args, declared));
        };
        let mut context = Context {
            engine,
            session,
            args,
            reply,
            keys,
            effects,
            tuning,
            known,
            now_ms,
            worker: index,
            first_key,
            redacted,
            wait: None,
            turn,
            is_alone: false,
            is_nested: false,
            is_out_of_memory: self.is_out_of_memory,
        };
        let outcome = (known.command.run)(&mut context);
        if let Some(request) = context.wait.take() {
            let is_polled = request.is_polled;
            let waiter = waiting::park(&mut context, *request);
            let mut deadlines = deadlines.lock();
            deadlines.add(&waiter);
            if is_polled {
                deadlines.poll(&waiter);
            }
            *is_waiting = true;
        }
        let mut touched = Vec::new();
        if context.keys.has_news() {
            overdue.append(&mut context.keys.settle_overdue());
            record_expired(engine, index, &context.keys.take_expired());
            engine.announce(Some(index), &mut context.keys);
            touched = context.keys.take_touched();
        }
        if context.session.tracking.is_some() {
            engine.remember_reads(index, context.session, (known, args), &context.keys);
        }
        let changes = context.effects.change_count;
        if context.effects.is_recording && context.effects.are_repeated() {
            append_effects(engine, db, args, context.effects);
        }
        sums.changes += changes;
        let (hits, misses) = context.keys.hits_and_misses();
        sums.hits += hits;
        sums.misses += misses;
        context.effects.clear();
        // Unlocked where they are: moving them would cost as much as locking.
        let keys = &mut context.keys;
        // A command without keys that names some has changed whole databases.
        let has_changed = changes > 0 || matches!(known.plan, KeyPlan::None);
        // Of a script, each command that it calls has told.
        let is_told = known.runs_script || known.command.is_unobserved;
        if has_changed && !touched.is_empty() && !is_told {
            engine.tell_of_changes(Some(index), &touched, client_id);
        }
        let wakes = has_changed && !known.command.wakes_nobody;
        if wakes && !touched.is_empty() && engine.waiters.waiter_count() > 0 {
            let mut server = Server { engine, access, tuning, index, now_ms, change_count: 0 };
            let deferred = server.serve_waiters(keys, touched);
            keys.unlock();
            server.serve_deferred(deferred);
            sums.changes += server.change_count;
        }
        outcome
    }

    #[inline]
    fn mind_reply_mode(
        &self,
        session: &mut Session,
        reply: &mut ReplyBuffer,
        checkpoint: Option<crate::resp::Mark>,
    ) {
        if session.reply_mode == ReplyMode::On {
            return;
        }
        // CLIENT REPLY OFF and SKIP themselves are answered by nothing, so nothing has to be undone
        // when the mode was still `On` before. A transaction has minded it command by command.
        let has_minded = std::mem::take(&mut session.has_minded_reply_mode);
        if let Some(checkpoint) = checkpoint.filter(|_| !has_minded) {
            reply.truncate(checkpoint);
        }
        session.reply_mode = match session.reply_mode {
            ReplyMode::SkipNext => ReplyMode::SkipThis,
            // The reply that is left out has yet to come.
            ReplyMode::SkipThis if self.is_waiting => ReplyMode::SkipThis,
            ReplyMode::SkipThis => ReplyMode::On,
            mode => mode,
        };
    }

    /// Tells of a command that has ended whoever wants to hear of it.
    #[inline]
    fn tell(
        &mut self,
        engine: &Engine,
        session: &Session,
        known: &Known,
        (args, elapsed_ns, reply_bytes): (Args<'_>, u64, usize),
    ) {
        let (tuning, redacted) = (&self.tuning, self.redacted.as_slice());
        let ended =
            Ended { engine, tuning, session, known, args, redacted, elapsed_ns, reply_bytes };
        // One that waits is logged when it is served.
        if !self.is_waiting {
            ended.log();
        }
        if let Some(line) = ended.line() {
            engine.show(self.index, line);
        }
        self.redacted.clear();
        if elapsed_ns >= STALE_CLOCK_NS {
            self.now_ms = clock::unix_ms();
            self.access.now_ms = self.now_ms;
        }
    }

    /// Adds the batch's sums to the statistics.
    fn settle(&mut self, engine: &Engine, session: &Session, command_count: usize) {
        let stats = engine.stats.worker(self.index);
        let sums = std::mem::take(&mut self.sums);
        stats.add(Counter::CommandsProcessed, sums.commands);
        if sums.hits > 0 {
            stats.add(Counter::KeyspaceHits, sums.hits);
        }
        if sums.misses > 0 {
            stats.add(Counter::KeyspaceMisses, sums.misses);
        }
        if sums.changes > 0 {
            engine.count_changes(sums.changes);
        }
        let gauges = &session.cell.gauges;
        Gauges::set(&gauges.last_active_ms, self.now_ms);
        if sums.last_command > 0 {
            Gauges::set(&gauges.last_command, sums.last_command);
        }
        session.show_transaction();
        // Relaxed: only this thread writes the client's gauges.
        let count = gauges.command_count.load(std::sync::atomic::Ordering::Relaxed);
        Gauges::set(&gauges.command_count, count + command_count as u64);
    }
}
