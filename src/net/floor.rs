//! A worker's connections and where they come from, apart from the tools that serve them.
//!
//! While a command of one connection takes long (a script), that connection is taken out, and the floor
//! is lent to it as its [`Turn`]: from time to time it looks after all others and reads the letters, with
//! tools of its own, which run what needs nothing that the long command holds and wait for nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token};

use super::acceptor::{Acceptor, refuse_stranger};
use super::connection::{Begun, Connection, Next};
use super::connections::Connections;
use super::event_loop::WAKE;
use super::kit::Kit;
use super::letters::Enclosure;
use super::listen::Listeners;
use super::outbox::Outbox;
use super::ports::{Arrival, PeerAddress, Ports};
use crate::base::log;
use crate::base::mailbox::Mailbox;
use crate::base::patience::without_waiting;
use crate::engine::{Nobody, Peer, Turn, Worker, WorkerMessage};
use crate::pubsub::Bundle;
use crate::stats::Counter;

/// Events taken from the system at once while a command takes long.
const EVENTS_MAX: usize = 64;

/// What is needed to look after connections while a command takes long.
struct Aside {
    kit: Kit,
    events: Events,
}

/// Where a worker's letters and connections come from.
pub(super) struct Post {
    pub(super) mailbox: Mailbox<WorkerMessage>,
    pub(super) ports: Arc<Ports>,
    pub(super) acceptor: Option<Acceptor>,
}

/// The connections of one worker.
pub(super) struct Floor {
    pub(super) index: usize,
    pub(super) poll: Poll,
    pub(super) mailbox: Mailbox<WorkerMessage>,
    pub(super) letters: Vec<WorkerMessage>,
    /// Messages to the same subscribers, while the letters are read.
    pub(super) bundle: Bundle,
    pub(super) ports: Arc<Ports>,
    pub(super) acceptor: Option<Acceptor>,
    pub(super) connections: Connections,
    /// Connections with events, before their turn.
    pub(super) ready: VecDeque<usize>,
    /// Connections that want another turn.
    pub(super) queue: VecDeque<usize>,
    /// Those whose commands have run, and whose replies are still to be sent.
    pub(super) finishing: Vec<usize>,
    /// Those that have got messages.
    pub(super) outbox: Outbox,
    arrivals: Vec<Arrival>,
    pub(super) has_letters: bool,
    /// The worker is told to stop.
    pub(super) is_stopping: bool,
    /// Postponed connections have been resumed since somebody looked here.
    pub(super) has_resumed: bool,
    /// The connection that is taken out, its events meanwhile, and what others send it, each with the id
    /// of the client it is for.
    pub(super) taken_out: Option<usize>,
    missed: Vec<Event>,
    pub(super) kept: Vec<(u64, Enclosure)>,
    /// Who serves others meanwhile, before it is needed for the first time, and from then on.
    stand_in: Option<Worker>,
    aside: Option<Box<Aside>>,
    /// Some connection waits for the end of a pause that began while a command took long, or for what was
    /// not to be had meanwhile.
    has_postponed: bool,
}

impl Floor {
    /// Makes an empty floor.
    pub(super) fn new(index: usize, poll: Poll, worker: &Worker, post: Post) -> Self {
        let Post { mailbox, ports, acceptor } = post;
        Self {
            index,
            poll,
            mailbox,
            letters: Vec::new(),
            bundle: Bundle::default(),
            ports,
            acceptor,
            connections: Connections::default(),
            ready: VecDeque::new(),
            queue: VecDeque::new(),
            finishing: Vec::new(),
            outbox: Outbox::default(),
            arrivals: Vec::new(),
            has_letters: false,
            is_stopping: false,
            has_resumed: false,
            taken_out: None,
            missed: Vec::new(),
            kept: Vec::new(),
            stand_in: Some(worker.stand_in()),
            aside: None,
            has_postponed: false,
        }
    }

    /// Notes what an event says; a connection's turn comes later.
    #[inline]
    pub(super) fn note(&mut self, event: &Event) {
        let token = event.token();
        if let Some(connection) = self.connections.at(token.0) {
            connection.note(event);
            if !connection.is_queued {
                self.ready.push_back(token.0);
            }
        } else if token == WAKE {
            self.has_letters = true;
        } else if self.taken_out == Some(token.0) {
            self.missed.push(event.clone());
        } else if let Some(acceptor) = &mut self.acceptor
            && Listeners::owns(token)
        {
            acceptor.mark_ready(token);
        }
    }

    /// Takes a connection out, so that the floor can be lent to its commands.
    #[inline]
    pub(super) fn take_out(&mut self, number: usize) -> Option<Box<Connection>> {
        let connection = self.connections.take_out(number)?;
        self.taken_out = Some(number);
        Some(connection)
    }

    /// Puts a connection back; says whether it has had events meanwhile.
    #[inline]
    pub(super) fn put_back(
        &mut self,
        number: usize,
        mut connection: Box<Connection>,
        kit: &mut Kit,
    ) -> bool {
        self.taken_out = None;
        kit.has_postponed |= std::mem::take(&mut self.has_postponed);
        let has_news = !self.missed.is_empty();
        for event in self.missed.drain(..) {
            connection.note(&event);
        }
        self.connections.put_back(number, connection);
        if !self.kept.is_empty() {
            self.hand_out_kept(number);
        }
        has_news
    }

    /// Sends what there is to send. Many at once: a peer that is still busy with one reply when the
    /// next one comes need not be woken for it, and waking costs more than sending.
    pub(super) fn finish_turns(&mut self, kit: &mut Kit) {
        let mut finishing = std::mem::take(&mut self.finishing);
        for number in finishing.drain(..) {
            if let Some(connection) = self.connections.at(number) {
                let next = connection.finish(kit);
                self.end_turn(number, next, kit);
            }
        }
        self.finishing = finishing;
    }

    /// Sends messages until some time is over, or all: one write per client, whatever it has got.
    pub(super) fn send_messages(&mut self, time_ns: Option<u64>, kit: &mut Kit) {
        let began = kit.ticker.raw();
        let mut waiting = None;
        while let Some(number) = self.outbox.pop() {
            if self.taken_out == Some(number) {
                waiting = Some(number);
                continue;
            }
            if let Some(connection) = self.connections.at(number)
                && connection.leave_outbox()
            {
                let next = connection.finish(kit);
                self.end_turn(number, next, kit);
                let elapsed_ns = kit.ticker.elapsed_ns(began, kit.ticker.raw());
                if time_ns.is_some_and(|time_ns| elapsed_ns > time_ns) {
                    break;
                }
            }
        }
        if let Some(number) = waiting {
            self.outbox.push(number);
        }
    }

    /// Sees to what a connection needs after its turn.
    #[inline]
    pub(super) fn end_turn(&mut self, number: usize, next: Next, kit: &Kit) {
        match next {
            Next::Wait => {}
            Next::Again => {
                if let Some(connection) = self.connections.at(number)
                    && !std::mem::replace(&mut connection.is_queued, true)
                {
                    self.queue.push_back(number);
                }
            }
            Next::Close => self.close(number, kit),
        }
    }

    /// Closes a connection.
    pub(super) fn close(&mut self, number: usize, kit: &Kit) {
        // Dropping the socket closes it, and closing it ends its events.
        let Some(mut connection) = self.connections.remove(number) else { return };
        kit.worker.close(connection.session_mut());
        self.ports.forget(self.index);
    }

    /// Takes the connections that another worker has accepted for this one.
    pub(super) fn take_arrivals(&mut self) {
        self.ports.take(self.index, &mut self.arrivals);
    }

    /// Accepts connections, and takes in those that have arrived.
    pub(super) fn accept(&mut self, kit: &Kit) {
        if let Some(acceptor) = &mut self.acceptor
            && acceptor.is_due(kit.now_ms)
        {
            let Kit { settings, worker, now_ms, .. } = kit;
            acceptor.accept(settings, worker.stats(), *now_ms, &mut self.arrivals);
        }
        for arrival in std::mem::take(&mut self.arrivals) {
            self.adopt(arrival, kit);
        }
    }

    /// Makes a connection of a socket that was counted as this worker's.
    fn adopt(&mut self, arrival: Arrival, kit: &Kit) {
        let mut stream = arrival.stream;
        let token = Token(self.connections.next_number());
        let is_loopback = match arrival.peer {
            PeerAddress::Tcp(address) => address.ip().is_loopback(),
            PeerAddress::Unix => true,
        };
        if kit.settings.is_protected && !is_loopback {
            kit.worker.stats().add(Counter::RejectedConnections, 1);
            self.ports.forget(self.index);
            return refuse_stranger(stream);
        }
        // A peer that is gone already fails here or at its first turn.
        let tuned = stream.tune(kit.settings.keepalive);
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
        let session = kit.worker.open(peer);
        session.cell.seat.store(token.0, Ordering::Relaxed);
        self.connections.add(Box::new(Connection::new(stream, session)));
    }

    /// Gives a connection a turn, up to its replies, while a command of another one takes long.
    fn serve_aside(&mut self, number: usize, kit: &mut Kit) {
        let Some(connection) = self.connections.at(number) else { return };
        match connection.begin(kit, &mut Nobody) {
            Begun::Done(next) => return self.end_turn(number, next, kit),
            Begun::Ran => {}
            Begun::Joined(share) => {
                connection.run_share(share, kit, &mut Nobody);
                kit.clear_group();
            }
        }
        self.finishing.push(number);
    }

    /// Serves all connections that want a turn, each once, and sends their replies.
    fn serve_all_aside(&mut self, kit: &mut Kit) {
        while let Some(number) = self.ready.pop_front() {
            self.serve_aside(number, kit);
        }
        for _ in 0..self.queue.len() {
            let Some(number) = self.queue.pop_front() else { break };
            if let Some(connection) = self.connections.at(number) {
                connection.is_queued = false;
                self.serve_aside(number, kit);
            }
        }
        // Whoever has changed a key that he has read hears of it in one write with the reply.
        self.read_own_letters(kit);
        self.finish_turns(kit);
        self.send_messages(None, kit);
    }

    /// Reads the letters that have come, and has those run again what was not to be had.
    fn catch_up(&mut self, kit: &mut Kit) {
        kit.worker.engine().send_gathered_news(Some(self.index));
        let has_own_mail = kit.worker.engine().take_own_mail(self.index);
        if std::mem::take(&mut self.has_letters) || has_own_mail {
            self.read_letters(kit);
        }
        if kit.worker.next_deadline_ms().is_some_and(|deadline_ms| deadline_ms <= kit.now_ms) {
            kit.worker.end_overdue_waits();
        }
        if self.has_postponed && !kit.is_paused() && kit.worker.may_answer() {
            self.has_postponed = false;
            self.resume(kit);
        }
    }

    fn look_around(&mut self, aside: &mut Aside) {
        let Aside { kit, events } = aside;
        kit.renew();
        // What does not succeed now does so later.
        let _polled = self.poll.poll(events, Some(Duration::ZERO));
        for event in events.iter() {
            self.note(event);
        }
        self.catch_up(kit);
        self.finish_turns(kit);
        self.serve_all_aside(kit);
        self.accept(kit);
        self.has_postponed |= std::mem::take(&mut kit.has_postponed);
    }
}

impl Turn for Floor {
    fn meanwhile(&mut self) {
        let aside = match (self.aside.take(), self.stand_in.take()) {
            (Some(aside), _) => Some(aside),
            (None, Some(worker)) => {
                let events = Events::with_capacity(EVENTS_MAX);
                Some(Box::new(Aside { kit: Kit::new(worker), events }))
            }
            // It is at work already, beneath this call.
            (None, None) => None,
        };
        if let Some(mut aside) = aside {
            without_waiting(|| self.look_around(&mut aside));
            self.aside = Some(aside);
        }
    }
}
