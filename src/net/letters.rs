//! What other threads tell a worker: its letters, and what its connections get of them.
//!
//! They are read between the turns of connections, and from within a command that takes long. What is for
//! the connection that runs this command waits for it to be put back; messages, for the command's reply.

use std::sync::atomic::Ordering;

use super::connection::Connection;
use super::floor::Floor;
use super::kit::Kit;
use crate::engine::{
    ClientCell, Engine, Invalidation, Sight, WorkerMessage, drop_forgotten_scripts,
};
use crate::pubsub::{Broadcast, Message};
use crate::resp::ReplyBuffer;

/// What is put behind the replies of a connection.
pub(super) enum Enclosure {
    News(Box<Invalidation>),
    Sight(Sight),
}

impl Enclosure {
    /// Gives it to the connection; says whether to send it without waiting for a turn.
    fn hand_to(&self, connection: &mut Connection) -> bool {
        match self {
            Self::News(invalidation) => connection.push_news(&invalidation.news),
            Self::Sight(sight) => connection.push_sight(sight),
        }
    }
}

impl Floor {
    /// Reads the letters if this worker has written some of them.
    pub(super) fn read_own_letters(&mut self, kit: &mut Kit) {
        let engine = kit.worker.engine();
        engine.send_gathered_news(Some(self.index));
        if engine.take_own_mail(self.index) {
            self.read_letters(kit);
        }
    }

    /// Does what all letters say that have come.
    pub(super) fn read_letters(&mut self, kit: &mut Kit) {
        self.take_arrivals();
        self.mailbox.take(&mut self.letters);
        let mut closes = false;
        let mut letters = std::mem::take(&mut self.letters);
        for letter in letters.drain(..) {
            if !matches!(letter, WorkerMessage::Publish(_)) {
                self.hand_out();
            }
            match letter {
                WorkerMessage::CloseClient(_) => closes = true,
                WorkerMessage::Deliver { client, reply, messages } => {
                    self.deliver(&client, reply, &messages);
                }
                WorkerMessage::Publish(broadcast) => {
                    self.gather(*broadcast, kit.worker.engine());
                }
                WorkerMessage::Invalidate(invalidation) => self.invalidate(invalidation),
                WorkerMessage::Show(sight) => self.show(sight),
                WorkerMessage::Resume => self.resume(kit),
                WorkerMessage::ScriptsFlushed => {
                    drop_forgotten_scripts(kit.worker.engine(), self.index);
                }
                // Every round looks at the number of the configuration.
                WorkerMessage::ConfigChanged => {}
                WorkerMessage::Stop => self.is_stopping = true,
            }
        }
        self.hand_out();
        self.letters = letters;
        if self.outbox.time_ns(0).is_none() {
            self.send_messages(None, kit);
        }
        if closes {
            self.close_doomed(kit);
        }
    }

    /// Puts something behind the replies of a client, if it is still there: it may have gone, and another
    /// one come to its place.
    fn enclose(&mut self, number: usize, client_id: u64, enclosure: Enclosure) {
        if self.taken_out == Some(number) {
            return self.kept.push((client_id, enclosure));
        }
        let connection = self.connections.at(number);
        let is_to_send = connection
            .filter(|found| found.session().id() == client_id)
            .is_some_and(|connection| enclosure.hand_to(connection));
        if is_to_send {
            self.outbox.push(number);
        }
    }

    /// Gives a connection that is put back what was kept for it.
    #[cold]
    pub(super) fn hand_out_kept(&mut self, number: usize) {
        for (client_id, enclosure) in std::mem::take(&mut self.kept) {
            self.enclose(number, client_id, enclosure);
        }
    }

    /// Puts a message to those before it that have the same subscribers. The client that is taken out
    /// gets it behind the reply of its command, together with its own ones.
    fn gather(&mut self, mut broadcast: Broadcast, engine: &Engine) {
        if self.taken_out.is_some() {
            engine.keep_message(self.index, &mut broadcast);
        }
        if !self.bundle.fits(&broadcast) {
            self.hand_out();
        }
        self.bundle.add(broadcast);
    }

    /// Puts the messages that were gathered behind the replies of their subscribers.
    fn hand_out(&mut self) {
        if self.bundle.is_empty() {
            return;
        }
        let left_out = self.bundle.left_out();
        for subscriber in self.bundle.subscribers() {
            if !left_out.is_empty() && left_out.contains(&subscriber.client_id) {
                continue;
            }
            let connection = self.connections.at(subscriber.seat);
            // The client may have gone, and another one come to its place.
            let is_to_send = connection
                .filter(|found| found.session().id() == subscriber.client_id)
                .is_some_and(|connection| connection.push(&self.bundle));
            if is_to_send {
                self.outbox.push(subscriber.seat);
            }
        }
        self.outbox.count(self.bundle.bytes());
        self.bundle.clear();
    }

    /// Puts news about changed keys behind the replies of a client.
    fn invalidate(&mut self, invalidation: Box<Invalidation>) {
        // Relaxed: this thread wrote it.
        let number = invalidation.client.seat.load(Ordering::Relaxed);
        self.enclose(number, invalidation.client.id, Enclosure::News(invalidation));
        // It is on its way before the reply of what it tells of is.
        self.outbox.hurry();
    }

    /// Puts the line of a command behind the replies of a client that monitors.
    fn show(&mut self, sight: Sight) {
        let line_bytes = sight.line.len();
        // Relaxed: this thread wrote it.
        let number = sight.client.seat.load(Ordering::Relaxed);
        self.enclose(number, sight.client.id, Enclosure::Sight(sight));
        self.outbox.count(line_bytes);
    }

    /// Closes all clients that somebody wants closed: one walk, however many there are. One that is taken
    /// out is closed when it is back, at the end of its turn.
    fn close_doomed(&mut self, kit: &Kit) {
        for number in 0..self.connections.place_count() {
            let connection = self.connections.at(number);
            if connection.is_some_and(|connection| connection.session().is_doomed()) {
                self.close(number, kit);
            }
        }
    }

    /// Gives a client that waited its reply, and a turn.
    fn deliver(&mut self, client: &ClientCell, reply: ReplyBuffer, messages: &[Message]) {
        // Relaxed: this thread wrote it.
        let number = client.seat.load(Ordering::Relaxed);
        let connection = self.connections.at(number);
        // The client may have gone, and another one come to its place.
        let Some(connection) = connection.filter(|found| found.session().id() == client.id) else {
            return;
        };
        connection.deliver(reply, messages);
        if !connection.is_queued {
            connection.is_queued = true;
            self.queue.push_back(number);
        }
    }

    /// Gives all postponed connections a turn in the next round, in the order they came.
    pub(super) fn resume(&mut self, kit: &mut Kit) {
        kit.has_postponed = false;
        self.has_resumed = true;
        let mut resumed = Vec::new();
        for number in 0..self.connections.place_count() {
            if let Some(connection) = self.connections.at(number)
                && let Some(since_ns) = connection.resume()
                && !std::mem::replace(&mut connection.is_queued, true)
            {
                resumed.push((since_ns, number));
            }
        }
        resumed.sort_unstable();
        self.queue.extend(resumed.into_iter().map(|(_, number)| number));
    }
}
