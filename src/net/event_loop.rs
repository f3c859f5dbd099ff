//! A worker's event loop: waits, gives every ready connection its turn, reads its letters, and does
//! what is due by the clock.
//!
//! A connection that could go on after its turn joins the queue and gets another one in the next
//! round, behind a look at the events of all others.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token};

use super::acceptor::{Acceptor, refuse_stranger};
use super::connection::{Begun, Connection, Next};
use super::connections::Connections;
use super::kit::{Kit, Share};
use super::listen::Listeners;
use super::ports::{Arrival, PeerAddress, Ports};
use crate::base::mailbox::Mailbox;
use crate::base::{clock, log};
use crate::engine::{ClientCell, Engine, Peer, Worker, WorkerMessage};
use crate::pubsub::Broadcast;
use crate::resp::ReplyBuffer;
use crate::stats::Counter;

/// The token of wake-ups.
pub(super) const WAKE: Token = Token(usize::MAX);
/// Events taken from the system at once.
const EVENTS_MAX: usize = 1024;
/// Time between two rounds of the worker's own work while keys expire, and else.
const BUSY_TICK_US: u64 = 20_000;
const CALM_TICK_US: u64 = 100_000;
/// Nanoseconds that replies may wait for those of other connections, to be sent together.
const SEND_DELAY_NS_MAX: u64 = 200_000;
/// Reply bytes that may wait so.
const SEND_DELAY_BYTES_MAX: usize = 256 * 1024;
/// Time between two portions of upkeep; this many portions see every connection once.
const UPKEEP_US: u64 = 100_000;
const UPKEEP_PORTIONS: usize = 10;

/// What a worker's thread is given at its start.
pub(super) struct Seat {
    pub(super) index: usize,
    pub(super) poll: Poll,
    pub(super) engine: Arc<Engine>,
    pub(super) mailbox: Mailbox<WorkerMessage>,
    pub(super) ports: Arc<Ports>,
    /// For the worker that accepts.
    pub(super) listeners: Option<Arc<Listeners>>,
}

/// The event loop of one worker.
pub(super) struct EventLoop {
    index: usize,
    poll: Poll,
    mailbox: Mailbox<WorkerMessage>,
    ports: Arc<Ports>,
    acceptor: Option<Acceptor>,
    kit: Kit,
    connections: Connections,
    /// Connections that are in the middle of their turn.
    group: Vec<(usize, Share)>,
    /// Those whose commands have run, and whose replies are still to be sent.
    finishing: Vec<usize>,
    /// Bytes of those replies, and when the first of them was there.
    finishing_bytes: usize,
    finishing_since: u64,
    /// Connections that want another turn.
    queue: VecDeque<usize>,
    arrivals: Vec<Arrival>,
    letters: Vec<WorkerMessage>,
    /// Connections that have got messages to send.
    with_messages: Vec<usize>,
    has_letters: bool,
    /// The worker's own work was not finished in its time.
    has_more_work: bool,
    next_tick_us: u64,
    next_upkeep_us: u64,
    is_stopping: bool,
}

impl EventLoop {
    /// Makes the event loop of a worker, on that worker's thread.
    pub(super) fn new(seat: Seat) -> Self {
        let Seat { index, poll, engine, mailbox, ports, listeners } = seat;
        let acceptor = listeners.map(|listeners| Acceptor::new(listeners, Arc::clone(&ports)));
        Self {
            index,
            poll,
            mailbox,
            ports,
            acceptor,
            kit: Kit::new(Worker::new(engine, index)),
            connections: Connections::default(),
            group: Vec::new(),
            finishing: Vec::new(),
            finishing_bytes: 0,
            finishing_since: 0,
            queue: VecDeque::new(),
            arrivals: Vec::new(),
            letters: Vec::new(),
            with_messages: Vec::new(),
            has_letters: false,
            has_more_work: false,
            next_tick_us: 0,
            next_upkeep_us: 0,
            is_stopping: false,
        }
    }

    /// Serves until the worker is told to stop.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.is_stopping {
            match self.poll.poll(&mut events, Some(self.patience())) {
                Ok(()) => self.round(&events),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    log::warning(format_args!("worker {}: {error}", self.index));
                    break;
                }
            }
        }
        self.close_all();
    }

    /// Returns how long to wait for events.
    fn patience(&self) -> Duration {
        let now_ms = self.kit.now_ms;
        let may_accept = self.acceptor.as_ref().is_some_and(|acceptor| acceptor.is_due(now_ms));
        if self.has_more_work || may_accept || !self.queue.is_empty() {
            return Duration::ZERO;
        }
        let now_us = clock::monotonic_us();
        let due_us = self.next_tick_us.min(self.next_upkeep_us);
        let mut patience = Duration::from_micros(due_us.saturating_sub(now_us));
        if let Some(deadline_ms) = self.kit.worker.next_deadline_ms() {
            let left_ms = deadline_ms.saturating_sub(clock::unix_ms());
            patience = patience.min(Duration::from_millis(left_ms));
        }
        match self.pause_end_ms() {
            Some(end_ms) if self.kit.has_postponed => {
                patience.min(Duration::from_millis(end_ms.saturating_sub(clock::unix_ms())))
            }
            _ => patience,
        }
    }

    /// Does everything that is due after a wait.
    fn round(&mut self, events: &Events) {
        let began = self.kit.ticker.raw();
        self.finishing_since = began;
        self.kit.renew();
        // Those that queue up from here on wait for the next round.
        let queued_count = self.queue.len();
        for event in events {
            self.on_event(event);
        }
        // The queue's connections may be served alone: then the group's must not have to wait.
        self.finish_group();
        for _ in 0..queued_count {
            let Some(number) = self.queue.pop_front() else { break };
            if let Some(connection) = self.connections.at(number) {
                connection.is_queued = false;
                self.begin_turn(number);
            }
        }
        self.finish_group();
        let has_own_mail = self.kit.worker.engine().take_own_mail(self.index);
        if std::mem::take(&mut self.has_letters) || has_own_mail {
            self.read_letters();
        }
        self.accept();
        self.keep_time();
        let stats = self.kit.worker.stats();
        stats.add(Counter::EventLoopCycles, 1);
        let elapsed_ns = self.kit.ticker.elapsed_ns(began, self.kit.ticker.raw());
        stats.add(Counter::EventLoopUs, elapsed_ns / 1000);
    }

    #[inline]
    fn on_event(&mut self, event: &Event) {
        let token = event.token();
        if let Some(connection) = self.connections.at(token.0) {
            connection.note(event);
            if !connection.is_queued {
                self.begin_turn(token.0);
            }
        } else if token == WAKE {
            self.has_letters = true;
        } else if let Some(acceptor) = &mut self.acceptor
            && Listeners::owns(token)
        {
            acceptor.mark_ready(token);
        }
    }

    #[inline]
    fn begin_turn(&mut self, number: usize) {
        let Some(connection) = self.connections.at(number) else { return };
        match connection.begin(&mut self.kit) {
            Begun::Joined(share) => {
                self.group.push((number, share));
                if self.kit.is_group_full() {
                    self.run_group();
                }
            }
            Begun::Done(next) => self.end_turn(number, next),
        }
    }

    /// Gives all connections in the middle of their turn the rest of it.
    fn finish_group(&mut self) {
        self.run_group();
        self.finish_turns();
    }

    /// Runs the commands of the group's connections.
    fn run_group(&mut self) {
        if self.group.is_empty() {
            return;
        }
        let mut group = std::mem::take(&mut self.group);
        self.kit.worker.fetch(&self.kit.group);
        for (number, share) in group.drain(..) {
            if let Some(connection) = self.connections.at(number) {
                connection.run_share(share, &mut self.kit);
                self.finishing_bytes += connection.pending_bytes();
                self.finishing.push(number);
            }
        }
        self.group = group;
        self.kit.clear_group();
        let now = self.kit.ticker.raw();
        let since = self.finishing_since;
        if self.finishing_bytes > SEND_DELAY_BYTES_MAX
            || self.kit.ticker.elapsed_ns(since, now) > SEND_DELAY_NS_MAX
        {
            self.finish_turns();
        }
    }

    /// Sends what there is to send. Many at once: a peer that is still busy with one reply when the
    /// next one comes need not be woken for it, and waking costs more than sending.
    fn finish_turns(&mut self) {
        for index in 0..self.finishing.len() {
            let number = self.finishing[index];
            if let Some(connection) = self.connections.at(number) {
                let next = connection.finish(&mut self.kit);
                self.end_turn(number, next);
            }
        }
        self.finishing.clear();
        self.finishing_bytes = 0;
        self.finishing_since = self.kit.ticker.raw();
    }

    #[inline]
    fn end_turn(&mut self, number: usize, next: Next) {
        match next {
            Next::Wait => {}
            Next::Again => {
                if let Some(connection) = self.connections.at(number) {
                    connection.is_queued = true;
                    self.queue.push_back(number);
                }
            }
            Next::Close => self.close(number),
        }
    }

    fn close(&mut self, number: usize) {
        // Dropping the socket closes it, and closing it ends its events.
        let Some(mut connection) = self.connections.remove(number) else { return };
        self.kit.worker.close(connection.session_mut());
        self.ports.forget(self.index);
    }

    fn accept(&mut self) {
        if let Some(acceptor) = &mut self.acceptor
            && acceptor.is_due(self.kit.now_ms)
        {
            let Kit { settings, worker, now_ms, .. } = &self.kit;
            acceptor.accept(settings, worker.stats(), *now_ms, &mut self.arrivals);
        }
        for arrival in std::mem::take(&mut self.arrivals) {
            self.adopt(arrival);
        }
    }

    /// Makes a connection of a socket that was counted as this worker's.
    fn adopt(&mut self, arrival: Arrival) {
        let mut stream = arrival.stream;
        let token = Token(self.connections.next_number());
        let is_loopback = match arrival.peer {
            PeerAddress::Tcp(address) => address.ip().is_loopback(),
            PeerAddress::Unix => true,
        };
        if self.kit.settings.is_protected && !is_loopback {
            self.kit.worker.stats().add(Counter::RejectedConnections, 1);
            self.ports.forget(self.index);
            return refuse_stranger(stream);
        }
        // A peer that is gone already fails here or at its first turn.
        let tuned = stream.tune(self.kit.settings.keepalive);
        if tuned.and_then(|()| stream.register(self.poll.registry(), token)).is_err() {
            self.ports.forget(self.index);
            return;
        }
        let local_address = stream.local_address();
        let peer = Peer {
            address: match arrival.peer {
                PeerAddress::Tcp(address) => address.to_string(),
                PeerAddress::Unix => local_address.clone(),
            },
            local_address,
            descriptor: stream.descriptor(),
            is_unix: matches!(arrival.peer, PeerAddress::Unix),
            is_loopback,
        };
        log::debug(format_args!("Accepted {}", peer.address));
        let session = self.kit.worker.open(peer);
        session.cell.seat.store(token.0, Ordering::Relaxed);
        self.connections.add(Box::new(Connection::new(stream, session)));
    }

    fn read_letters(&mut self) {
        self.ports.take(self.index, &mut self.arrivals);
        self.mailbox.take(&mut self.letters);
        let mut closes = false;
        for letter in std::mem::take(&mut self.letters) {
            match letter {
                WorkerMessage::CloseClient(_) => closes = true,
                WorkerMessage::Deliver { client, reply } => self.deliver(&client, reply),
                WorkerMessage::Publish(broadcast) => self.hand_out(&broadcast),
                WorkerMessage::Resume => self.resume(),
                // Every round looks at the number of the configuration.
                WorkerMessage::ConfigChanged => {}
                WorkerMessage::Stop => self.is_stopping = true,
            }
        }
        self.send_messages();
        if closes {
            self.close_doomed();
        }
    }

    /// Puts a message behind the replies of its subscribers.
    fn hand_out(&mut self, broadcast: &Broadcast) {
        for subscriber in &*broadcast.to {
            let connection = self.connections.at(subscriber.seat);
            // The client may have gone, and another one come to its place.
            let is_to_send = connection
                .filter(|found| found.session().id() == subscriber.client_id)
                .is_some_and(|connection| connection.push(&broadcast.message));
            if is_to_send {
                self.with_messages.push(subscriber.seat);
            }
        }
    }

    /// Sends the messages of all letters together: one write per subscriber.
    fn send_messages(&mut self) {
        let mut seats = std::mem::take(&mut self.with_messages);
        for number in seats.drain(..) {
            if let Some(connection) = self.connections.at(number)
                && !connection.is_queued
            {
                let next = connection.finish(&mut self.kit);
                self.end_turn(number, next);
            }
        }
        self.with_messages = seats;
    }

    /// Closes all clients that somebody wants closed: one walk, however many there are.
    fn close_doomed(&mut self) {
        for number in 0..self.connections.place_count() {
            let connection = self.connections.at(number);
            if connection.is_some_and(|connection| connection.session().is_doomed()) {
                self.close(number);
            }
        }
    }

    /// Gives a client that waited its reply, and a turn.
    fn deliver(&mut self, client: &ClientCell, reply: ReplyBuffer) {
        // Relaxed: this thread wrote it.
        let number = client.seat.load(Ordering::Relaxed);
        let connection = self.connections.at(number);
        // The client may have gone, and another one come to its place.
        let Some(connection) = connection.filter(|found| found.session().id() == client.id) else {
            return;
        };
        connection.deliver(reply);
        if !connection.is_queued {
            connection.is_queued = true;
            self.queue.push_back(number);
        }
    }

    /// Gives all postponed connections a turn in the next round.
    fn resume(&mut self) {
        self.kit.has_postponed = false;
        for number in 0..self.connections.place_count() {
            if let Some(connection) = self.connections.at(number)
                && connection.resume()
                && !connection.is_queued
            {
                connection.is_queued = true;
                self.queue.push_back(number);
            }
        }
    }

    /// Does what is due by the clock.
    fn keep_time(&mut self) {
        let now_us = clock::monotonic_us();
        if self.has_more_work || now_us >= self.next_tick_us {
            self.has_more_work = self.kit.worker.tick();
            let has_volatile = has_volatile_keys(self.kit.worker.engine());
            self.next_tick_us = now_us + if has_volatile { BUSY_TICK_US } else { CALM_TICK_US };
        }
        if self.kit.worker.next_deadline_ms().is_some() {
            self.kit.worker.end_overdue_waits();
        }
        if now_us >= self.next_upkeep_us {
            self.next_upkeep_us = now_us + UPKEEP_US;
            self.mind_connections();
        }
        if self.kit.has_postponed && self.pause_end_ms().is_none() {
            self.resume();
        }
    }

    /// Looks after some of the connections; a round over all of them takes about a second.
    fn mind_connections(&mut self) {
        for _ in 0..self.connections.place_count().div_ceil(UPKEEP_PORTIONS) {
            let Some(number) = self.connections.next_in_round() else { return };
            let connection = self.connections.at(number);
            if connection.is_some_and(|connection| connection.mind(&self.kit)) {
                self.close(number);
            }
        }
    }

    /// Returns when the pause in force ends, as the wall clock shows it.
    fn pause_end_ms(&self) -> Option<u64> {
        self.kit.worker.engine().pause.current(clock::unix_ms()).map(|(_, end_ms)| end_ms)
    }

    fn close_all(&mut self) {
        for number in 0..self.connections.place_count() {
            if let Some(connection) = self.connections.at(number) {
                connection.send_last();
                self.close(number);
            }
        }
    }
}

fn has_volatile_keys(engine: &Engine) -> bool {
    let keyspace = &engine.keyspace;
    (0..keyspace.database_count())
        .filter_map(|db| keyspace.database(db))
        .any(|database| database.volatile_count() > 0)
}
