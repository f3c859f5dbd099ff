//! Transactions: commands queued by a client, then run as one.
//!
//! All keys of the queue, and the watched ones, are locked together in the common order; each command
//! borrows the shards it declares. If one of the commands looks beyond declared keys (KEYS, a flush, a
//! script), the whole transaction runs behind the closed gate instead. Effects are appended once, as
//! one transaction, before the locks are gone.

use super::args::Args;
use super::command::Flags;
use super::context::Context;
use super::effects::Targets;
use super::error::CommandError;
use super::locking::{Declared, add_places};
use super::nested::{self, Outer, Sums};
use super::serve::Server;
use super::session::ReplyMode;
use super::table::Known;
use super::watching::WatchSet;
use crate::keyspace::{KeyPlace, Keys, LockMode};
use crate::resp::Span;

/// Commands a client has queued since it began a transaction.
pub struct Transaction {
    queue: Vec<QueuedCommand>,
    bytes: usize,
    /// A command could not be queued; nothing is going to run.
    pub is_aborted: bool,
    /// Flags that at least one of the commands has.
    pub flags_of_any: Flags,
    /// At least one of the commands runs a script.
    pub(super) runs_script: bool,
    /// All of them keep to the shards of their keys.
    pub(super) keeps_to_shards: bool,
}

/// A command with its arguments.
struct QueuedCommand {
    id: usize,
    buffer: Vec<u8>,
    spans: Vec<Span>,
}

impl QueuedCommand {
    fn args(&self) -> Args<'_> {
        Args::new(&self.buffer, &self.spans)
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self {
            queue: Vec::new(),
            bytes: 0,
            is_aborted: false,
            flags_of_any: Flags::NONE,
            runs_script: false,
            keeps_to_shards: true,
        }
    }
}

impl Transaction {
    /// Adds a command that behaves like this.
    pub(super) fn push(&mut self, known: &Known, args: Args<'_>, flags: Flags) {
        let mut buffer = Vec::with_capacity(args.total_bytes());
        let mut spans = Vec::with_capacity(args.len());
        for argument in args.iter() {
            spans.push(Span { start: buffer.len(), len: argument.len() });
            buffer.extend_from_slice(argument);
        }
        self.bytes += buffer.len() + size_of::<Span>() * spans.len() + size_of::<QueuedCommand>();
        self.flags_of_any = self.flags_of_any.and(flags);
        self.runs_script |= known.runs_script;
        self.keeps_to_shards &= known.keeps_to_shards();
        self.queue.push(QueuedCommand { id: known.id, buffer, spans });
    }

    /// Returns the number of commands queued.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Says whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns the bytes the queue takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Context<'_> {
    /// Runs a transaction and replies with the replies of its commands; with nothing if a watched
    /// key has changed. The watched keys are no longer watched.
    ///
    /// # Errors
    /// A script that takes long holds what the transaction wants.
    pub fn execute(&mut self, transaction: Box<Transaction>) -> Result<(), CommandError> {
        let mut watches = std::mem::take(&mut self.session.watches);
        // Its commands see how many they are, and that nothing is watched any more.
        self.session.show_as_queued(Some(&transaction));
        let outcome = self.execute_unless_changed(&transaction, &watches);
        if outcome == Err(CommandError::NotNow) {
            self.session.watches = watches;
            self.session.transaction = Some(transaction);
        } else {
            self.engine.unwatch(&mut watches);
        }
        self.session.show_transaction();
        outcome
    }

    fn execute_unless_changed(
        &mut self,
        transaction: &Transaction,
        watches: &WatchSet,
    ) -> Result<(), CommandError> {
        let (mut places, looks_beyond) = self.places_of(transaction);
        places.extend(watches.keys().map(|key| key.place()));
        let closed = if looks_beyond { self.stop_the_world()? } else { None };
        let is_alone = self.is_alone || looks_beyond;
        let (engine, access) = (self.engine, self.keys.access());
        if is_alone {
            let mut watched: Vec<KeyPlace> = watches.keys().map(|key| key.place()).collect();
            let mut keys = engine.keyspace.lock(&mut watched, LockMode::Exclusive, access);
            let has_changed = watches.has_changed(&mut keys);
            drop(keys);
            if has_changed {
                self.reply.null_array();
                return Ok(());
            }
            let sums = self.run_queue(transaction, None);
            self.settle(sums, None);
        } else {
            let mode = LockMode::Exclusive;
            let locked = engine.keyspace.lock_soon(&mut places, mode, access);
            let mut keys = locked.ok_or_else(|| engine.refusal_for(&places))?;
            if watches.has_changed(&mut keys) {
                self.reply.null_array();
                return Ok(());
            }
            let sums = self.run_queue(transaction, Some(&mut keys));
            self.settle(sums, Some(keys));
        }
        drop(closed);
        Ok(())
    }

    /// Returns the places of all keys the commands declare, and whether one of them looks beyond.
    fn places_of(&self, transaction: &Transaction) -> (Vec<KeyPlace>, bool) {
        let mut declared = Declared::default();
        let (mut db, mut looks_beyond) = (self.session.db, false);
        for queued in &transaction.queue {
            let known = self.engine.table.by_id(queued.id);
            let before = declared.places.len();
            add_places(self.engine, db, known, queued.args(), &mut declared);
            let command = known.command;
            let has_none = declared.places.len() == before;
            let keeps_to_keys = command.script_keeps_to_keys;
            looks_beyond |= match keeps_to_keys {
                Some(keeps_to_keys) => !keeps_to_keys(self.engine, queued.args()),
                None => command.looks_beyond || has_none && !command.flags.has(Flags::FAST),
            };
            let chosen = command.selects.and_then(|selects| selects(queued.args()));
            // A choice that will be refused leaves the client where it is.
            db = chosen.filter(|&db| db < self.engine.keyspace.database_count()).unwrap_or(db);
        }
        (declared.places, looks_beyond)
    }

    fn run_queue(&mut self, transaction: &Transaction, mut keys: Option<&mut Keys<'_>>) -> Sums {
        let mut sums = Sums::default();
        let may_wait = std::mem::replace(&mut self.session.refuses_to_wait, true);
        if !self.session.reply_mode.is_mute() {
            self.reply.array(transaction.len());
        }
        for queued in &transaction.queue {
            let known = self.engine.table.by_id(queued.id);
            let is_mute = self.session.reply_mode.is_mute();
            let mark = is_mute.then(|| self.reply.checkpoint());
            self.run_nested(known, queued.args(), keys.as_deref_mut(), &mut sums);
            // As in the originals, the array has fewer replies then than it says.
            let is_left_out =
                self.session.reply_mode.is_mute() && !known.command.replies_by_messages();
            if let Some(mark) = mark.filter(|_| is_left_out) {
                self.reply.truncate(mark);
            }
        }
        self.session.has_minded_reply_mode = self.session.reply_mode != ReplyMode::On;
        self.session.refuses_to_wait = may_wait;
        sums
    }

    /// Runs one command under these locks, or, without any, under its own behind the closed gate.
    fn run_nested(
        &mut self,
        known: &Known,
        args: Args<'_>,
        keys: Option<&mut Keys<'_>>,
        sums: &mut Sums,
    ) {
        let engine = self.engine;
        let access = self.keys.access();
        let mut declared = Declared::default();
        add_places(engine, self.session.db, known, args, &mut declared);
        let mut places = declared.places;
        let is_alone = keys.is_none();
        let own = match keys {
            None => engine.keyspace.lock(&mut places, LockMode::Exclusive, access),
            // A script may want keys that others of the queue have declared.
            Some(keys) if known.runs_script => keys.lend_all(access),
            Some(keys) => {
                places.sort_unstable();
                let lent = keys.lend(&places, LockMode::Exclusive, access);
                lent.expect("the places of all commands were locked")
            }
        };
        let outer = Outer {
            engine,
            session: &mut *self.session,
            tuning: self.tuning,
            turn: &mut *self.turn,
            now_ms: self.now_ms,
            worker: self.worker,
            is_alone,
            is_out_of_memory: self.is_out_of_memory,
            targets: Targets::ALL,
        };
        nested::run(outer, (known, args, None), own, self.reply, sums);
        sums.show(engine, self.worker);
    }

    /// Appends the effects and serves those who wait, then unlocks.
    fn settle(&mut self, mut sums: Sums, keys: Option<Keys<'_>>) {
        let engine = self.engine;
        if !sums.effects.is_empty() {
            engine.effects.append_transaction(&sums.effects);
        }
        self.effects.changed(sums.changes);
        self.effects.is_rewritten = true;
        self.keys.note_all_overdue(std::mem::take(&mut sums.overdue));
        // Who tracks keys was told by each command.
        for key in &sums.touched {
            engine.watches.mark(key);
        }
        sums.touched.append(&mut sums.readable);
        if sums.touched.is_empty() || engine.waiters.waiter_count() == 0 {
            return;
        }
        let mut server = Server {
            engine,
            access: self.keys.access(),
            tuning: self.tuning,
            index: self.worker,
            now_ms: self.now_ms,
            change_count: 0,
        };
        let deferred = match keys {
            Some(mut keys) => server.serve_waiters(&mut keys, sums.touched),
            None => sums.touched,
        };
        server.serve_deferred(deferred);
        self.effects.changed(server.change_count);
    }
}
