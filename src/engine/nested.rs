//! Commands that run inside another one: those of a transaction's queue, and those a script calls.
//!
//! They run under locks that the outer command holds, or, behind the closed gate, under their own. What
//! they did beyond their replies is summed up, for the outer command to settle as one.

use super::args::Args;
use super::context::Context;
use super::effects::{Effect, Effects, Targets};
use super::logs::Ended;
use super::removal::record_expired;
use super::session::Session;
use super::state::Engine;
use super::table::{KeyPlan, Known};
use super::tuning::Tuning;
use super::turn::Turn;
use crate::base::clock;
use crate::keyspace::{Key, Keys, Overdue, OwnedKey};
use crate::resp::ReplyBuffer;
use crate::stats::Counter;

/// What nested commands came to, beyond their replies.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) changes: u64,
    pub(super) effects: Vec<Effect>,
    pub(super) touched: Vec<OwnedKey>,
    /// Touched in ways that only those who wait for the key care about.
    pub(super) readable: Vec<OwnedKey>,
    /// Seen expired where it could not be removed.
    pub(super) overdue: Vec<Overdue>,
    /// What those who monitor are to see.
    pub(super) lines: Vec<Vec<u8>>,
}

/// The circumstances of the outer command that the nested one shares.
pub(super) struct Outer<'a> {
    pub(super) engine: &'a Engine,
    pub(super) session: &'a mut Session,
    pub(super) tuning: &'a Tuning,
    pub(super) turn: &'a mut (dyn Turn + 'a),
    pub(super) now_ms: u64,
    pub(super) worker: usize,
    pub(super) is_alone: bool,
    pub(super) is_out_of_memory: bool,
    /// Who repeats what it does, if anybody listens.
    pub(super) targets: Targets,
}

impl Sums {
    /// Shows what was run so far to those who monitor.
    #[inline]
    pub(super) fn show(&mut self, engine: &Engine, worker: usize) {
        for line in self.lines.drain(..) {
            engine.show(worker, line);
        }
    }
}

/// Runs a command under the locks of `keys` and appends its reply, an error too. `first_key` is the one
/// at a position of its arguments, if it is known already.
pub(super) fn run<'a>(
    outer: Outer<'a>,
    (known, args, first_key): (&'a Known, Args<'a>, Option<(usize, Key<'a>)>),
    keys: Keys<'a>,
    reply: &mut ReplyBuffer,
    sums: &mut Sums,
) {
    let (engine, db, worker) = (outer.engine, outer.session.db, outer.worker);
    let targets = outer.targets;
    let is_recording = targets != Targets::NONE && engine.effects.is_listening();
    let mut effects = Effects { is_recording, targets, ..Effects::default() };
    let mut redacted = Vec::new();
    let before = reply.len();
    let began = clock::raw();
    let mut context = Context {
        engine,
        session: &mut *outer.session,
        args,
        reply: &mut *reply,
        keys,
        effects: &mut effects,
        tuning: outer.tuning,
        known,
        now_ms: outer.now_ms,
        worker,
        first_key,
        redacted: &mut redacted,
        wait: None,
        turn: outer.turn,
        is_alone: outer.is_alone,
        is_nested: true,
        is_out_of_memory: outer.is_out_of_memory,
    };
    let outcome = (known.command.run)(&mut context);
    let (hits, misses) = context.keys.hits_and_misses();
    if context.keys.has_news() {
        sums.overdue.append(&mut context.keys.settle_overdue());
        record_expired(engine, worker, &context.keys.take_expired());
        engine.announce(Some(worker), &mut context.keys);
        let mut touched = context.keys.take_touched();
        // What was only opened for changes is the same as before. A command without keys that names some
        // has changed whole databases.
        if context.effects.change_count == 0 && !matches!(known.plan, KeyPlan::None) {
            touched.clear();
        }
        if known.command.is_unobserved {
            let waited_for = std::mem::take(&mut touched);
            sums.readable.extend(waited_for.into_iter().filter(|_| !known.command.wakes_nobody));
        }
        if engine.tracking.is_on() && !known.runs_script {
            engine.invalidate(Some(worker), &touched, context.session.id());
        }
        if known.command.wakes_nobody {
            touched.iter().for_each(|key| engine.watches.mark(key));
        } else {
            sums.touched.extend(touched);
        }
    }
    if context.session.tracking.is_some() {
        engine.remember_reads(worker, context.session, (known, args), &context.keys);
    }
    drop(context);
    let stats = engine.stats.worker(worker);
    if let Err(error) = &outcome {
        error.count(stats, known.id);
        reply.error_bytes(&error.bytes());
    }
    let elapsed_ns = clock::elapsed_ns(began);
    stats.record_command(known.id, elapsed_ns);
    stats.add(Counter::CommandsProcessed, 1);
    stats.add(Counter::KeyspaceHits, hits);
    stats.add(Counter::KeyspaceMisses, misses);
    let (tuning, session) = (outer.tuning, &*outer.session);
    let (redacted, reply_bytes) = (redacted.as_slice(), reply.len().saturating_sub(before));
    let ended = Ended { engine, tuning, session, known, args, redacted, elapsed_ns, reply_bytes };
    ended.log();
    sums.lines.extend(ended.line());
    sums.changes += effects.change_count;
    if effects.is_recording && effects.are_repeated() {
        sums.effects.extend(effects.into_effects(db, args));
    }
}
