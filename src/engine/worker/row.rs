//! Rows: plain commands of one client that follow each other, run with their shards held already (see
//! [`super::Ahead`]). What they have in common is asked and built once for a block of them: most of what
//! a GET costs besides its look-up is that.

use std::sync::atomic::Ordering;

use super::super::ahead::Block;
use super::super::batch::Batch;
use super::super::context::Context;
use super::super::error::CommandError;
use super::super::logs::Ended;
use super::super::members::fetch_members;
use super::super::removal::record_expired;
use super::super::session::{ReplyMode, Session};
use super::super::state::Engine;
use super::super::table::KeyPlan;
use super::super::turn::Turn;
use super::{BATCH_NS_MAX, Scratch, append_effects};
use crate::base::clock;
use crate::keyspace::{Key, Keys, Overdue};
use crate::resp::ReplyBuffer;

impl Scratch {
    /// Says whether every plain command of a client passes all gates and nobody wants to hear of it
    /// before it is over, so that it may run in a row. What the gates ask of one command alone, plain
    /// ones meet: they need little memory, and nothing is evicted for them.
    #[inline]
    pub(super) fn may_run_rows(&self, engine: &Engine, session: &Session) -> bool {
        let may_enter = session.is_authenticated || !engine.requires_password();
        // Relaxed: this thread wrote it.
        let may_call = session.subscriptions.is_empty()
            || session.cell.is_resp3.load(Ordering::Relaxed) && self.tuning.events.is_empty();
        let is_ordinary = session.transaction.is_none()
            && session.tracking.is_none()
            && session.monitors.is_none()
            && session.reply_mode == ReplyMode::On;
        may_enter
            && may_call
            && is_ordinary
            && self.standing.may_lock()
            && engine.gate.is_inside(self.index)
            && !engine.persistence.is_loading()
            && !engine.monitors.is_watched()
            && engine.pause.current(self.now_ms).is_none()
            && !self.is_above_limit()
    }

    /// Runs the commands of a block, of which the next is number `first` of the batch. Returns how many
    /// it has run: fewer than there are when a pause has begun, or a command took so long that what
    /// was asked before may be different now. Then the caller lets go of all that is held.
    #[inline(never)]
    pub(super) fn run_block<'k>(
        &mut self,
        engine: &'k Engine,
        session: &mut Session,
        (batch, buffer): (&Batch, &[u8]),
        (block, first): (&mut Block<'k>, usize),
        (reply, turn): (&mut ReplyBuffer, &mut dyn Turn),
        tick: &mut u64,
    ) -> usize {
        let stats = engine.stats.worker(self.index);
        self.access.touches = !session.no_touch;
        self.access.removes_expired = true;
        self.effects.is_recording = engine.effects.is_listening();
        let (db, now_ms) = (session.db, self.now_ms);
        let Self { access, effects, tuning, redacted, overdue, ticker, index, sums, .. } = self;
        let (access, tuning, index) = (&*access, &*tuning, *index);
        let (mut count, mut last_id) = (0, 0);
        let mut is_late = false;
        let mut context = Context {
            engine,
            session,
            args: batch.args(buffer, first),
            reply,
            keys: Keys::none(access),
            effects,
            tuning,
            known: engine.table.by_id(0),
            now_ms,
            worker: index,
            first_key: None,
            redacted,
            wait: None,
            turn,
            is_alone: false,
            is_nested: false,
            is_out_of_memory: false,
        };
        while !is_late
            && engine.pause.current(now_ms).is_none()
            && let Some((known, shard)) = block.take()
        {
            let (args, hash) = batch.args_and_hash(buffer, first + count);
            if let KeyPlan::One(at) = known.plan {
                context.first_key = Some((at, Key::with_hash(args.at(at), hash, db)));
            }
            (context.args, context.known) = (args, known);
            if !shard.is_empty() {
                context.keys.hold(shard);
                if let Some((_, key)) = &context.first_key {
                    let queued = (batch, buffer);
                    fetch_members(&context.keys, key, known, queued, first + count);
                }
            } else if context.keys.is_unlocked() {
                // The command before has let its shard go early.
                break;
            }
            let before = context.reply.len();
            let outcome = (known.command.run)(&mut context);
            if context.keys.has_news() {
                tell_news(&mut context, overdue);
            } else if context.effects.is_recording && context.effects.are_repeated() {
                append_effects(engine, db, args, context.effects);
            }
            sums.changes += context.effects.change_count;
            context.effects.clear();
            if let Err(error) = &outcome {
                fail(&mut context, error);
            }
            let now = ticker.raw();
            let elapsed_ns = ticker.elapsed_ns(*tick, now);
            *tick = now;
            stats.record_command(known.id, elapsed_ns);
            let reply_bytes = context.reply.len() - before;
            let is_logged = (elapsed_ns >= tuning.slow_log_ns)
                | (reply_bytes >= tuning.large_reply_bytes)
                | (args.extent_bytes() >= tuning.large_request_bytes)
                | (elapsed_ns >= BATCH_NS_MAX);
            if is_logged {
                log(&context, elapsed_ns, reply_bytes);
                is_late = elapsed_ns >= BATCH_NS_MAX;
            }
            count += 1;
            last_id = known.id;
        }
        let (hits, misses) = context.keys.hits_and_misses();
        drop(context);
        sums.hits += hits;
        sums.misses += misses;
        sums.commands += count as u64;
        if count > 0 {
            sums.last_command = last_id as u64 + 1;
        }
        self.redacted.clear();
        if is_late {
            self.now_ms = clock::unix_ms();
            self.access.now_ms = self.now_ms;
        }
        count
    }
}

/// Tells of what befell keys while a command ran, which is still to be put into the log of effects.
#[cold]
fn tell_news(context: &mut Context<'_>, overdue: &mut Vec<Overdue>) {
    let (engine, worker) = (context.engine, Some(context.worker));
    overdue.append(&mut context.keys.settle_overdue());
    record_expired(engine, context.worker, &context.keys.take_expired());
    engine.announce(worker, &mut context.keys);
    if context.effects.is_recording && context.effects.are_repeated() {
        append_effects(engine, context.session.db, context.args, context.effects);
    }
    // Nobody waits for a key of a shard that is held ahead.
    let touched = context.keys.take_touched();
    let is_told = context.known.command.is_unobserved;
    if context.effects.change_count > 0 && !touched.is_empty() && !is_told {
        engine.tell_of_changes(worker, &touched, context.session.id());
    }
    context.keys.forget_news();
}

#[cold]
fn fail(context: &mut Context<'_>, error: &CommandError) {
    error.count(context.stats(), context.known.id);
    context.reply.error_bytes(&error.bytes());
}

#[cold]
fn log(context: &Context<'_>, elapsed_ns: u64, reply_bytes: usize) {
    let Context { engine, tuning, ref session, known, args, ref redacted, .. } = *context;
    Ended { engine, tuning, session, known, args, redacted, elapsed_ns, reply_bytes }.log();
}
