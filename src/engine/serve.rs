//! Serving clients that wait: done by whoever changed a key, right behind the command, under its locks.
//!
//! The waiters of a key are tried in the order they came. A waiter that also needs another shard (the
//! destination of a move) is served under these locks if they include it. Else that key's queue is
//! finished after they are gone, one waiter at a time, with the shards it needs locked in the common
//! order: nobody waits for a lock while holding another out of order.

use std::collections::VecDeque;
use std::sync::Arc;

use super::clients::Gauges;
use super::command::Flags;
use super::context::Context;
use super::effects::Effects;
use super::error::CommandError;
use super::logs::Ended;
use super::removal::record_expired;
use super::session::Session;
use super::state::Engine;
use super::tuning::Tuning;
use super::turn::Nobody;
use super::waiting::{Parked, Waiter, key_at};
use super::worker::append_effects;
use crate::base::clock;
use crate::keyspace::{Access, Entry, Key, KeyPlace, Keys, LockMode, OwnedKey, ShardBusy};
use crate::resp::ReplyBuffer;

/// Waiters looked at together.
const PORTION: usize = 16;

/// What trying a waiter came to.
enum Tried {
    Served,
    NothingThere,
    /// Another shard is needed that is not locked.
    LacksLock,
}

/// What there may be for a waiter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prospect {
    Something,
    Nothing,
    /// A key that holds something of another type, which its command does not pass by.
    WrongType,
}

/// Who serves, and for what circumstances.
pub(super) struct Server<'a> {
    pub(super) engine: &'a Engine,
    pub(super) access: &'a Access,
    pub(super) tuning: &'a Tuning,
    /// Number of the worker.
    pub(super) index: usize,
    pub(super) now_ms: u64,
    /// Changes made so far.
    pub(super) change_count: u64,
}

impl Server<'_> {
    /// Serves those who wait for the keys that a command has touched. Returns the keys whose waiters need
    /// other locks.
    #[cold]
    pub(super) fn serve_waiters(
        &mut self,
        keys: &mut Keys<'_>,
        touched: Vec<OwnedKey>,
    ) -> Vec<OwnedKey> {
        let mut ready = VecDeque::from(touched);
        let mut deferred = Vec::new();
        while let Some(key) = ready.pop_front() {
            if deferred.contains(&key) {
                continue;
            }
            if !self.serve_queue(keys, &key, &mut ready) {
                deferred.push(key);
            }
        }
        deferred
    }

    /// Serves the waiters of one key as long as there is something for them. Returns false when one
    /// needs other locks first.
    fn serve_queue(
        &mut self,
        keys: &mut Keys<'_>,
        key: &OwnedKey,
        ready: &mut VecDeque<OwnedKey>,
    ) -> bool {
        if !keys.covers(&key.key()) {
            return false;
        }
        let mut skipped = 0;
        loop {
            let portion = self.engine.waiters.queue(key, skipped, PORTION);
            if portion.is_empty() {
                return true;
            }
            for waiter in &portion {
                if !waiter.hears_of_removal() && !is_there(keys, key) {
                    skipped += 1;
                    continue;
                }
                match self.try_waiter(keys, key, waiter, ready) {
                    Tried::Served => {}
                    Tried::NothingThere => skipped += 1,
                    Tried::LacksLock => return false,
                }
            }
        }
    }

    fn try_waiter(
        &mut self,
        keys: &mut Keys<'_>,
        key: &OwnedKey,
        waiter: &Arc<Waiter>,
        ready: &mut VecDeque<OwnedKey>,
    ) -> Tried {
        let (engine, parked) = (self.engine, &waiter.detail);
        let known = engine.table.by_id(parked.command_id);
        let may_write = || known.command.flags.has_any(Flags::WRITE.and(Flags::MAY_REPLICATE));
        if engine.pause.holds_back(self.now_ms, may_write) {
            engine.pause.hold_back(key);
            return Tried::NothingThere;
        }
        let is_misled = match self.prospect(keys, key, waiter) {
            Ok(Prospect::Nothing) => return Tried::NothingThere,
            Ok(prospect) => prospect == Prospect::WrongType,
            Err(ShardBusy(_)) => return Tried::LacksLock,
        };
        let (positions, places) = ways_to_serve(engine, waiter, |key| keys.covers(key));
        let Some(lent) = keys.lend(&places, LockMode::Exclusive, self.access) else {
            return Tried::LacksLock;
        };
        let mut reply = ReplyBuffer::with_protocol(parked.protocol);
        let mut session = Session::stand_in(parked);
        let mut effects =
            Effects { is_recording: engine.effects.is_listening(), ..Effects::default() };
        let mut redacted = Vec::new();
        let context = Context {
            engine,
            session: &mut session,
            args: parked.args(),
            reply: &mut reply,
            keys: lent,
            effects: &mut effects,
            tuning: self.tuning,
            known,
            now_ms: self.now_ms,
            worker: self.index,
            first_key: None,
            redacted: &mut redacted,
            wait: None,
            turn: &mut Nobody,
            is_alone: false,
            is_nested: true,
            is_out_of_memory: false,
        };
        let ready_count = ready.len();
        let began_ns = clock::monotonic_ns();
        engine.keep_for_served(self.index, &parked.cell);
        let is_served = self.attempt(context, waiter, (&positions, is_misled), ready);
        if !is_served {
            engine.give_up_serving(self.index, &parked.cell);
            return Tried::NothingThere;
        }
        Ended {
            engine,
            tuning: self.tuning,
            session: &session,
            known,
            args: parked.args(),
            redacted: &[],
            elapsed_ns: clock::monotonic_ns().saturating_sub(began_ns),
            reply_bytes: reply.len(),
        }
        .log();
        if effects.change_count > 0 {
            if effects.is_recording {
                append_effects(engine, parked.db, parked.args(), &effects);
            }
            self.change_count += effects.change_count;
        }
        Gauges::set(&parked.cell.gauges.last_active_ms, self.now_ms);
        engine.finish_wait(waiter, Some((reply, engine.end_serving(self.index))));
        if parked.tracker.is_some() {
            engine.shed_tracked_keys(Some(self.index));
        }
        // Behind its reply: the client may track what it has changed.
        if engine.tracking.is_on() && !known.command.is_unobserved {
            let touched: Vec<OwnedKey> = ready.range(ready_count..).cloned().collect();
            engine.invalidate(Some(self.index), &touched, parked.cell.id);
        }
        Tried::Served
    }

    /// Says what a waiter's command would come upon, were it run now that this key has changed. Keys that
    /// are not locked are looked at without waiting.
    ///
    /// # Errors
    /// Somebody is at work on one of them.
    fn prospect(
        &self,
        keys: &Keys<'_>,
        changed: &OwnedKey,
        waiter: &Waiter,
    ) -> Result<Prospect, ShardBusy> {
        let Parked { value_type, minds_all_keys, .. } = waiter.detail;
        let holds = |key: &OwnedKey| {
            if keys.covers(&key.key()) {
                return Ok(keys.peek(&key.key()).map(Entry::value_type));
            }
            self.engine.keyspace.peek_type(&key.key(), self.now_ms)
        };
        if waiter.keys().len() < 2 {
            return Ok(Prospect::Something);
        }
        if holds(changed)? != Some(value_type) {
            let hears_of_it = waiter.hears_of_removal();
            return Ok(if hears_of_it { Prospect::Something } else { Prospect::Nothing });
        }
        for key in waiter.keys() {
            match holds(key)? {
                Some(other) if other != value_type => return Ok(Prospect::WrongType),
                // It is served from this one.
                Some(_) if !minds_all_keys => break,
                _ => {}
            }
        }
        Ok(Prospect::Something)
    }

    /// Has a waiter's command try again with those of its keys that are locked, in their order, and
    /// settles what that came upon. If it is misled, it fails.
    fn attempt(
        &self,
        mut context: Context<'_>,
        waiter: &Waiter,
        (positions, is_misled): (&[usize], bool),
        ready: &mut VecDeque<OwnedKey>,
    ) -> bool {
        let (engine, index) = (self.engine, self.index);
        let serve = |context: &mut Context<'_>, position: usize| match is_misled {
            true => Err(CommandError::WrongType),
            false => (waiter.detail.serve)(context, position),
        };
        let mut serve = |position: usize| match serve(&mut context, position) {
            Ok(is_served) => is_served,
            Err(error) => {
                let text = error.bytes();
                let stats = engine.stats.worker(index);
                stats.record_failed(waiter.detail.command_id);
                stats.record_error(&text);
                context.reply.error_bytes(&text);
                true
            }
        };
        let is_served = waiter.attempt(|| {
            let is_served = positions.iter().any(|&position| serve(position));
            if is_served {
                engine.remember_late_reads(waiter);
            }
            is_served
        });
        if context.keys.has_news() {
            context.keys.settle_overdue();
            record_expired(engine, index, &context.keys.take_expired());
            engine.announce(Some(index), &mut context.keys);
            let touched = context.keys.take_touched();
            // A waiter that only looked makes nothing ready: else two of them would go on for ever.
            if context.effects.change_count > 0 {
                if !context.known.command.is_unobserved {
                    touched.iter().for_each(|key| engine.watches.mark(key));
                }
                ready.extend(touched);
            }
        }
        is_served
    }

    /// Serves the waiters of keys that need locks of several shards; called without locks. Those for whom
    /// somebody holds a shard for a while are served later.
    #[cold]
    pub(super) fn serve_deferred(&mut self, deferred: Vec<OwnedKey>) {
        let engine = self.engine;
        let mut deferred = VecDeque::from(deferred);
        while let Some(key) = deferred.pop_front() {
            let mut skipped = 0;
            while let Some(waiter) = engine.waiters.queue(&key, skipped, 1).pop() {
                let (_, mut places) = ways_to_serve(engine, &waiter, |_| true);
                let mode = LockMode::Exclusive;
                let keys = engine.keyspace.lock_soon(&mut places, mode, self.access);
                let Some(mut keys) = keys else {
                    engine.pause.hold_back(&key);
                    break;
                };
                if !is_there(&keys, &key) && !waiter.hears_of_removal() {
                    break;
                }
                let mut ready = VecDeque::new();
                let tried = self.try_waiter(&mut keys, &key, &waiter, &mut ready);
                if !matches!(tried, Tried::Served) {
                    skipped += 1;
                }
                ready.retain(|other| *other != key);
                let more = self.serve_waiters(&mut keys, ready.into());
                deferred.extend(more);
            }
        }
    }
}

fn is_there(keys: &Keys<'_>, key: &OwnedKey) -> bool {
    keys.peek(&key.key()).is_some()
}

/// Returns the positions of those of a waiter's keys that may be used, in the order they are to be looked
/// at, and the places that serving it from them needs, in ascending order.
///
/// One command may have changed several of the keys, and not in the waiter's order.
fn ways_to_serve(
    engine: &Engine,
    waiter: &Waiter,
    may_use: impl Fn(&Key<'_>) -> bool,
) -> (Vec<usize>, Vec<KeyPlace>) {
    let parked = &waiter.detail;
    let (mut positions, mut places) = (Vec::new(), Vec::new());
    for key in waiter.keys() {
        if may_use(&key.key()) {
            positions.extend(parked.position_of(key));
            places.push(key.key().place());
        }
    }
    if let Some(index) = parked.also {
        places.push(key_at(engine, parked, index).place());
    }
    places.sort_unstable();
    (positions, places)
}
