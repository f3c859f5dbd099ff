//! Commands that wait: what a handler asks for, and what is kept of a client while it waits.
//!
//! A handler that found nothing asks to wait ([`super::Context::wait`]) and replies nothing. The worker
//! parks the client while the command's shards are still locked. Whoever changes one of the keys later
//! runs the waiter's [`Serve`] function under the lock of that key (see `serve`), and the finished
//! reply travels to the client's worker as a message.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};

use super::args::Args;
use super::clients::ClientCell;
use super::context::Context;
use super::error::CommandError;
use super::session::Session;
use super::state::{Engine, WorkerMessage};
use super::tracking::{Tracker, tracker_of_reads};
use crate::blocking;
#[cfg(doc)]
use crate::keyspace::Keys;
use crate::keyspace::{Key, OwnedKey};
use crate::pubsub::Message;
use crate::resp::{Protocol, ReplyBuffer, Span};
use crate::types::ValueType;

/// Tries to serve a waiter from the key at an argument's position: replies and returns true, or
/// leaves everything as it is and returns false. An error is a reply, too. Of the others only the one
/// named by [`WaitRequest::also`] is sure to be locked; see [`Keys::covers`].
pub type Serve = fn(&mut Context<'_>, usize) -> Result<bool, CommandError>;

/// A handler's wish to wait.
pub struct WaitRequest {
    /// Positions of the keys among the arguments, in the order they are to be looked at.
    pub keys: Vec<usize>,
    /// Position of a key that serving needs as well (the destination of a move).
    pub also: Option<usize>,
    /// When to give up, in milliseconds since 1970; `None` waits for ever.
    pub deadline_ms: Option<u64>,
    pub serve: Serve,
    /// Writes the reply of a wait that was in vain.
    pub in_vain: fn(&mut ReplyBuffer),
    /// What its keys are to hold.
    pub value_type: ValueType,
    /// It minds what all its keys hold, not only those before the one that serves it.
    pub minds_all_keys: bool,
    /// Serve the waiter also when a key is gone or has become something else.
    pub hears_of_removal: bool,
    /// Try to serve the waiter every now and then, too: time alone may make something ready for it.
    pub is_polled: bool,
    /// The arguments to go on with, where they are not those that came (XREAD's `$`).
    pub args: Option<Vec<Vec<u8>>>,
}

/// What is kept of a client while it waits.
pub struct Parked {
    pub(super) cell: Arc<ClientCell>,
    pub(super) protocol: Protocol,
    /// Number of the command in the table.
    pub(super) command_id: usize,
    buffer: Vec<u8>,
    spans: Vec<Span>,
    keys: Vec<usize>,
    pub(super) also: Option<usize>,
    pub(super) value_type: ValueType,
    pub(super) minds_all_keys: bool,
    pub(super) serve: Serve,
    in_vain: fn(&mut ReplyBuffer),
    pub(super) db: u32,
    pub(super) no_touch: bool,
    /// Who is noted as a reader of the keys when the client is served.
    pub(super) tracker: Option<Arc<Tracker>>,
}

/// A client that waits.
pub type Waiter = blocking::Waiter<Parked>;

impl Parked {
    /// Returns the command's arguments.
    pub(super) fn args(&self) -> Args<'_> {
        Args::new(&self.buffer, &self.spans)
    }

    /// Returns the position of a key among the arguments.
    pub(super) fn position_of(&self, key: &OwnedKey) -> Option<usize> {
        self.keys.iter().copied().find(|&index| self.args().at(index) == &*key.bytes)
    }
}

/// Parks a client. The shards of its keys are locked exclusively.
pub(super) fn park(context: &mut Context<'_>, request: WaitRequest) -> Arc<Waiter> {
    let (buffer, spans) = match &request.args {
        Some(arguments) => packed(arguments.iter().map(Vec::as_slice)),
        None => packed(context.args.iter()),
    };
    let db = context.session.db;
    let keys: Vec<OwnedKey> =
        request.keys.iter().map(|&index| OwnedKey::from(&context.key(index))).collect();
    let parked = Parked {
        cell: Arc::clone(&context.session.cell),
        protocol: context.reply.protocol(),
        command_id: context.known.id,
        buffer,
        spans,
        keys: request.keys,
        also: request.also,
        value_type: request.value_type,
        minds_all_keys: request.minds_all_keys,
        serve: request.serve,
        in_vain: request.in_vain,
        db,
        no_touch: context.session.no_touch,
        tracker: tracker_of_reads(context.session, context.known).cloned(),
    };
    let waiter = blocking::Waiter::new(keys, request.deadline_ms, request.hears_of_removal, parked);
    let waiter = Arc::new(waiter);
    for key in waiter.keys() {
        context.keys.observe(&key.key());
    }
    context.engine.waiters.park(&waiter);
    *context.session.cell.waiting.lock() = Some(Arc::clone(&waiter));
    waiter
}

/// Copies arguments into one buffer.
fn packed<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<Span>) {
    let (mut buffer, mut spans) = (Vec::new(), Vec::new());
    for argument in arguments {
        spans.push(Span { start: buffer.len(), len: argument.len() });
        buffer.extend_from_slice(argument);
    }
    (buffer, spans)
}

impl Engine {
    /// Takes a waiter whose wait has ended out of everything, and sends its reply, if any, with the messages
    /// that stand behind it.
    pub(super) fn finish_wait(
        &self,
        waiter: &Arc<Waiter>,
        reply: Option<(ReplyBuffer, Vec<Message>)>,
    ) {
        self.waiters.leave(waiter);
        for key in waiter.keys() {
            self.keyspace.end_observation(&key.key());
        }
        let cell = &waiter.detail.cell;
        *cell.waiting.lock() = None;
        if let Some((reply, messages)) = reply {
            let message = WorkerMessage::Deliver { client: Arc::clone(cell), reply, messages };
            self.tell(cell.worker, message);
        }
    }

    /// Ends a client's wait as if its time were over. Says whether it waited.
    pub fn end_wait(&self, cell: &ClientCell) -> bool {
        let waiter = cell.waiting.lock().clone();
        waiter.is_some_and(|waiter| {
            let mut reply = ReplyBuffer::with_protocol(waiter.detail.protocol);
            (waiter.detail.in_vain)(&mut reply);
            self.end_with(&waiter, Some(reply))
        })
    }

    /// Ends a client's wait with an error. Says whether it waited.
    pub fn break_wait(&self, cell: &ClientCell, error: &CommandError) -> bool {
        let waiter = cell.waiting.lock().clone();
        waiter.is_some_and(|waiter| {
            let mut reply = ReplyBuffer::with_protocol(waiter.detail.protocol);
            reply.error_bytes(&error.bytes());
            self.end_with(&waiter, Some(reply))
        })
    }

    fn end_with(&self, waiter: &Arc<Waiter>, reply: Option<ReplyBuffer>) -> bool {
        let ends = waiter.end();
        if ends {
            self.finish_wait(waiter, reply.map(|reply| (reply, Vec::new())));
        }
        ends
    }

    /// Forgets that a client waits: its connection is gone.
    pub(super) fn abandon_wait(&self, session: &Session) {
        let waiter = session.cell.waiting.lock().clone();
        if let Some(waiter) = waiter {
            self.end_with(&waiter, None);
        }
    }
}

/// The deadlines of a worker's waiting clients, and those of them that are polled.
#[derive(Default)]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<Deadline>>,
    polled: Vec<Weak<Waiter>>,
}

struct Deadline {
    at_ms: u64,
    waiter: Weak<Waiter>,
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at_ms == other.at_ms
    }
}

impl Eq for Deadline {}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at_ms.cmp(&other.at_ms)
    }
}

impl Deadlines {
    /// Adds a waiter, if it gives up at all.
    pub(super) fn add(&mut self, waiter: &Arc<Waiter>) {
        if let Some(at_ms) = waiter.deadline_ms() {
            self.heap.push(Reverse(Deadline { at_ms, waiter: Arc::downgrade(waiter) }));
        }
    }

    /// Adds a waiter to those who are polled until their waits end.
    pub(super) fn poll(&mut self, waiter: &Arc<Waiter>) {
        self.polled.push(Arc::downgrade(waiter));
    }

    /// Returns the keys that polled clients wait for.
    #[inline]
    pub(super) fn polled_keys(&mut self) -> Vec<OwnedKey> {
        let mut keys = Vec::new();
        self.polled.retain(|waiter| {
            let waiter = waiter.upgrade();
            keys.extend(waiter.iter().flat_map(|waiter| waiter.keys()).cloned());
            waiter.is_some()
        });
        keys
    }

    /// Returns the next deadline, in milliseconds since 1970.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.heap.peek().map(|deadline| deadline.0.at_ms)
    }

    /// Ends the waits whose time is over.
    pub(super) fn end_overdue(&mut self, engine: &Engine, now_ms: u64) {
        while self.next_ms().is_some_and(|at_ms| at_ms <= now_ms) {
            let deadline = self.heap.pop();
            if let Some(waiter) = deadline.and_then(|deadline| deadline.0.waiter.upgrade()) {
                let mut reply = ReplyBuffer::with_protocol(waiter.detail.protocol);
                (waiter.detail.in_vain)(&mut reply);
                engine.end_with(&waiter, Some(reply));
            }
        }
    }
}

/// Returns the key at a position of a parked command.
pub(super) fn key_at<'a>(engine: &Engine, parked: &'a Parked, index: usize) -> Key<'a> {
    engine.keyspace.key(parked.db, parked.args().at(index))
}
