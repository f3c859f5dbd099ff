//! What a client publishes to itself stands right behind the reply of the command that published it.
//!
//! Messages come to subscribers by letters to their workers, which are read between the turns of
//! connections. One's own messages would come so behind the replies of all that was sent with their
//! command, or, if that ends the subscription, not at all. So while a command of a client that listens
//! runs, what it publishes (PUBLISH, events of keys, within transactions and scripts, too) is kept for it,
//! and the letter leaves it out. What others have published before, and is on its way in a letter, is kept
//! first: all messages that concern a key come in one order. For the same reason the letters that are read
//! while a command takes long are kept for its client here.
//!
//! A client that waits is answered by a letter. What serving it tells itself goes with that.
//!
//! Only the thread of a worker uses what is here for it.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::clients::ClientCell;
use super::command::InTransaction;
use super::session::Session;
use super::state::{Engine, WorkerMessage};
use super::table::Known;
use crate::base::mailbox::Mailbox;
use crate::pubsub::{Broadcast, Message, Subscriber};
use crate::resp::ReplyBuffer;

/// The messages kept for the client whose command a worker runs.
#[derive(Default)]
pub(super) struct OwnMessages {
    /// The client that listens; 0 while messages of nobody are kept. Relaxed: one thread's.
    client_id: AtomicU64,
    kept: Mutex<Kept>,
    /// The client that listens and is served, because what it waited for is there; 0 for none. Relaxed, too.
    served_id: AtomicU64,
    for_served: Mutex<Vec<Message>>,
}

#[derive(Default)]
struct Kept {
    /// Each with whether it is its client's own one.
    messages: Vec<(Message, bool)>,
    /// So many letters of the worker have been looked through for this client.
    seen_count: usize,
    seen_for: u64,
}

/// What was kept before a command began: for whom, and how many messages. It is another client's where one
/// is served while a command of the other takes long.
#[derive(Clone, Copy)]
pub(super) struct KeptBefore {
    client_id: u64,
    count: usize,
}

impl OwnMessages {
    #[cold]
    fn begin(&self, client_id: u64) -> KeptBefore {
        let count = self.kept.lock().messages.len();
        KeptBefore { client_id: self.client_id.swap(client_id, Ordering::Relaxed), count }
    }

    #[cold]
    fn end(&self, before: KeptBefore) -> Vec<(Message, bool)> {
        self.client_id.store(before.client_id, Ordering::Relaxed);
        self.kept.lock().messages.split_off(before.count)
    }

    /// Keeps a message if it is for the client whose command runs, or that is served, which then is left
    /// out of the letter. `letters` are those of the worker, if it
    /// gets any, where the message is for clients of it.
    #[inline]
    pub(super) fn keep(
        &self,
        broadcast: &mut Broadcast,
        letters: Option<Option<&Mailbox<WorkerMessage>>>,
    ) {
        let client_id = self.client_id.load(Ordering::Relaxed);
        if let Some(letters) = letters
            && client_id != 0
            && broadcast.is_for(client_id)
        {
            self.keep_for(client_id, broadcast, letters);
        }
        let served_id = self.served_id.load(Ordering::Relaxed);
        if served_id != 0 && broadcast.is_for(served_id) {
            broadcast.leave_out(served_id);
            self.for_served.lock().push(broadcast.message.clone());
        }
    }

    #[cold]
    fn keep_for(
        &self,
        client_id: u64,
        broadcast: &mut Broadcast,
        letters: Option<&Mailbox<WorkerMessage>>,
    ) {
        let mut kept = self.kept.lock();
        let Kept { messages, seen_count, seen_for } = &mut *kept;
        if std::mem::replace(seen_for, client_id) != client_id {
            *seen_count = 0;
        }
        let take_out = |letter: &mut WorkerMessage| {
            if let WorkerMessage::Publish(earlier) = letter
                && earlier.is_for(client_id)
            {
                earlier.leave_out(client_id);
                messages.push((earlier.message.clone(), false));
            }
        };
        if let Some(letters) = letters {
            *seen_count = letters.look_through(*seen_count, take_out);
        }
        broadcast.leave_out(client_id);
        messages.push((broadcast.message.clone(), true));
    }
}

impl Engine {
    /// Keeps a message, which came in a letter, if it is for the client whose command takes long.
    pub fn keep_message(&self, worker: usize, broadcast: &mut Broadcast) {
        let own = &self.own_messages[worker];
        let client_id = own.client_id.load(Ordering::Relaxed);
        if client_id != 0 && broadcast.is_for(client_id) {
            broadcast.leave_out(client_id);
            own.kept.lock().messages.push((broadcast.message.clone(), false));
        }
    }

    /// Keeps what serving a client that waits tells itself.
    pub(super) fn keep_for_served(&self, worker: usize, cell: &ClientCell) {
        if cell.gauges.is_subscriber() {
            self.own_messages[worker].served_id.store(cell.id, Ordering::Relaxed);
        }
    }

    /// Returns it, to go with the reply.
    pub(super) fn end_serving(&self, worker: usize) -> Vec<Message> {
        let own = &self.own_messages[worker];
        match own.served_id.swap(0, Ordering::Relaxed) {
            0 => Vec::new(),
            _ => std::mem::take(&mut *own.for_served.lock()),
        }
    }

    /// Posts it, since the client goes on waiting.
    pub(super) fn give_up_serving(&self, worker: usize, cell: &ClientCell) {
        let subscriber = Subscriber { client_id: cell.id, seat: cell.seat.load(Ordering::Relaxed) };
        for message in self.end_serving(worker) {
            let letter = WorkerMessage::Publish(Box::new(Broadcast::to_one(message, subscriber)));
            self.post(Some(worker), cell.worker, letter);
        }
    }

    /// Has commands of other clients run while one of a client for which messages are kept takes long:
    /// what they publish comes to that one by letter. Ended by
    /// [`end_keeping_aside`](Self::end_keeping_aside).
    pub(super) fn keep_nothing_aside(&self, worker: usize) -> KeptBefore {
        self.own_messages[worker].begin(0)
    }

    /// Goes on keeping messages for the client whose command takes long.
    pub(super) fn end_keeping_aside(&self, worker: usize, before: KeptBefore) {
        let kept = self.own_messages[worker].end(before);
        debug_assert!(kept.is_empty(), "each command has told what was kept for it");
    }

    /// Keeps what the command that begins now publishes to its own client, unless it cannot publish
    /// anything to it.
    #[inline]
    pub(super) fn keep_own_messages(
        &self,
        worker: usize,
        session: &Session,
        known: &Known,
    ) -> Option<KeptBefore> {
        // A transaction may begin to listen, publish, and end listening.
        let may_listen = !session.subscriptions.is_empty()
            || known.command.in_transaction == InTransaction::RunsQueue;
        may_listen.then(|| self.own_messages[worker].begin(session.id()))
    }

    /// Puts what was kept behind the command's reply.
    pub(super) fn tell_own_messages(
        &self,
        worker: usize,
        before: KeptBefore,
        session: &Session,
        reply: &mut ReplyBuffer,
    ) {
        for (message, is_own) in self.own_messages[worker].end(before) {
            // Whoever ends a subscription behind a message of the same transaction gets it.
            if is_own || session.subscriptions.want(&message) {
                message.write(reply);
            }
        }
    }
}
