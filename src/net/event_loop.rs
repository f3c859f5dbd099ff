//! A worker's event loop: waits, gives every ready connection its turn, reads its letters, and does
//! what is due by the clock.
//!
//! A connection that could go on after its turn joins the queue and gets another one in the next
//! round, behind a look at the events of all others.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token};

use super::acceptor::Acceptor;
use super::connection::{Begun, Next};
use super::floor::{Floor, Post};
use super::kit::{Kit, Share};
use super::listen::Listeners;
use super::ports::Ports;
use crate::base::mailbox::Mailbox;
use crate::base::{clock, log};
use crate::engine::{Engine, Nobody, Worker, WorkerMessage};
use crate::stats::Counter;

/// The token of wake-ups.
pub(super) const WAKE: Token = Token(usize::MAX);
/// Events taken from the system at once.
const EVENTS_MAX: usize = 1024;
/// Time between two rounds of the worker's own work while keys expire, and else.
const BUSY_TICK_US: u64 = 20_000;
const CALM_TICK_US: u64 = 100_000;
/// Time between two tries to run what was put off because somebody holds what it needs.
const RESUME_US: u64 = 1000;
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
    kit: Kit,
    floor: Floor,
    /// Connections that are in the middle of their turn.
    group: Vec<(usize, Share)>,
    /// Bytes of the replies that are still to be sent, and when the first of them was there.
    finishing_bytes: usize,
    finishing_since: u64,
    /// The worker's own work was not finished in its time.
    has_more_work: bool,
    next_tick_us: u64,
    next_upkeep_us: u64,
    next_resume_us: u64,
    /// Number of the pause there was when postponed connections were resumed last.
    pause_count: u64,
}

impl EventLoop {
    /// Makes the event loop of a worker, on that worker's thread.
    pub(super) fn new(seat: Seat) -> Self {
        let Seat { index, poll, engine, mailbox, ports, listeners } = seat;
        let acceptor = listeners.map(|listeners| Acceptor::new(listeners, Arc::clone(&ports)));
        let worker = Worker::new(engine, index);
        Self {
            index,
            floor: Floor::new(index, poll, &worker, Post { mailbox, ports, acceptor }),
            kit: Kit::new(worker),
            group: Vec::new(),
            finishing_bytes: 0,
            finishing_since: 0,
            has_more_work: false,
            next_tick_us: 0,
            next_upkeep_us: 0,
            next_resume_us: 0,
            pause_count: 0,
        }
    }

    /// Serves until the worker is told to stop.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.floor.is_stopping {
            match self.floor.poll.poll(&mut events, Some(self.patience())) {
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
        let may_accept =
            self.floor.acceptor.as_ref().is_some_and(|acceptor| acceptor.is_due(now_ms));
        let has_more_to_send = !self.floor.queue.is_empty() || !self.floor.outbox.is_empty();
        if self.has_more_work || may_accept || has_more_to_send {
            return Duration::ZERO;
        }
        let now_us = clock::monotonic_us();
        let due_us = self.next_tick_us.min(self.next_upkeep_us);
        let mut patience = Duration::from_micros(due_us.saturating_sub(now_us));
        if let Some(deadline_ms) = self.kit.worker.next_deadline_ms() {
            let left_ms = deadline_ms.saturating_sub(clock::unix_ms());
            patience = patience.min(Duration::from_millis(left_ms));
        }
        if !self.kit.has_postponed {
            return patience;
        }
        match self.pause_end_ms() {
            Some(end_ms) => {
                patience.min(Duration::from_millis(end_ms.saturating_sub(clock::unix_ms())))
            }
            None => patience.min(Duration::from_micros(RESUME_US)),
        }
    }

    /// Does everything that is due after a wait.
    fn round(&mut self, events: &Events) {
        let began = self.kit.ticker.raw();
        self.finishing_since = began;
        self.kit.renew();
        if self.kit.worker.engine().tracking.is_on() {
            // Whoever has seen the reply of a write, and asks here, hears of the write first.
            self.kit.worker.shed();
            self.floor.read_letters(&mut self.kit);
        }
        // Those that queue up from here on wait for the next round.
        let queued_count = self.floor.queue.len();
        for event in events {
            self.floor.note(event);
        }
        while let Some(number) = self.floor.ready.pop_front() {
            self.begin_turn(number);
        }
        // The queue's connections may be served alone: then the group's must not have to wait.
        self.finish_group();
        for _ in 0..queued_count {
            let Some(number) = self.floor.queue.pop_front() else { break };
            if let Some(connection) = self.floor.connections.at(number) {
                connection.is_queued = false;
                self.begin_turn(number);
            }
        }
        self.finish_group();
        if std::mem::take(&mut self.floor.has_letters) {
            self.floor.read_letters(&mut self.kit);
        }
        self.floor.read_own_letters(&mut self.kit);
        self.send_some_messages(began);
        self.floor.accept(&self.kit);
        self.keep_time();
        let stats = self.kit.worker.stats();
        stats.add(Counter::EventLoopCycles, 1);
        let elapsed_ns = self.kit.ticker.elapsed_ns(began, self.kit.ticker.raw());
        stats.add(Counter::EventLoopUs, elapsed_ns / 1000);
    }

    #[inline]
    fn begin_turn(&mut self, number: usize) {
        let Some(connection) = self.floor.connections.at(number) else { return };
        if self.floor.has_letters && !connection.session().subscriptions.is_empty() {
            return self.begin_turn_of_subscriber(number);
        }
        if connection.runs_alone() {
            return self.serve_alone(number);
        }
        match connection.begin(&mut self.kit, &mut Nobody) {
            Begun::Joined(share) => {
                let is_last = share.runs_script || self.kit.is_group_full();
                self.group.push((number, share));
                if is_last {
                    self.run_group();
                }
            }
            Begun::Ran => self.finish_turn(number),
            Begun::Done(next) => self.floor.end_turn(number, next, &self.kit),
        }
    }

    /// Has a subscriber get what was published before it begins its turn, in which it may unsubscribe:
    /// the publisher may have told it that there is a message.
    #[cold]
    fn begin_turn_of_subscriber(&mut self, number: usize) {
        self.finish_group();
        self.floor.has_letters = false;
        self.floor.read_letters(&mut self.kit);
        self.begin_turn(number);
    }

    /// Gives a connection its turn that keeps part of a request. What it runs may take long, so nobody
    /// may have to wait behind it.
    fn serve_alone(&mut self, number: usize) {
        self.run_group();
        let Some(mut connection) = self.floor.take_out(number) else { return };
        let begun = connection.begin(&mut self.kit, &mut self.floor);
        let has_news = self.floor.put_back(number, connection, &mut self.kit);
        match begun {
            Begun::Done(Next::Wait) if has_news => {
                self.floor.end_turn(number, Next::Again, &self.kit);
            }
            Begun::Done(next) => self.floor.end_turn(number, next, &self.kit),
            Begun::Ran => self.finish_turn(number),
            Begun::Joined(share) => self.group.push((number, share)),
        }
    }

    /// Ends the turn of a connection that has run its commands alone.
    fn finish_turn(&mut self, number: usize) {
        self.floor.finishing.push(number);
        self.finish_turns();
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
            if let Some(mut connection) = self.floor.take_out(number) {
                connection.run_share(share, &mut self.kit, &mut self.floor);
                self.finishing_bytes += connection.pending_bytes();
                self.floor.put_back(number, connection, &mut self.kit);
                self.floor.finishing.push(number);
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

    fn finish_turns(&mut self) {
        if self.kit.worker.engine().tracking.is_on() {
            // Who has changed a key that he has read hears of it in one write with the reply: a cache
            // in the client looks for news when it has read the reply, and not again.
            self.floor.read_own_letters(&mut self.kit);
        }
        self.floor.finish_turns(&mut self.kit);
        self.finishing_bytes = 0;
        self.finishing_since = self.kit.ticker.raw();
    }

    /// Sends messages for as long as the round that began then has taken until now.
    #[inline]
    fn send_some_messages(&mut self, began: u64) {
        if !self.floor.outbox.is_empty() {
            let ticker = &self.kit.ticker;
            let rest_ns = ticker.elapsed_ns(began, ticker.raw());
            self.floor.send_messages(self.floor.outbox.time_ns(rest_ns), &mut self.kit);
        }
    }

    /// Does what is due by the clock.
    fn keep_time(&mut self) {
        let now_us = clock::monotonic_us();
        if std::mem::take(&mut self.floor.has_resumed) {
            // Those who wait for keys may have to be served.
            self.next_tick_us = 0;
        }
        if self.has_more_work || now_us >= self.next_tick_us {
            self.has_more_work = self.kit.worker.tick();
            self.kit.worker.engine().send_gathered_news(None);
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
        // The one for which they were postponed may have ended, and another, less strict one begun.
        let pause_count = self.kit.worker.engine().pause.count();
        let is_another = self.pause_count != pause_count;
        if self.kit.has_postponed
            && now_us >= self.next_resume_us
            && (is_another || self.pause_end_ms().is_none())
        {
            self.pause_count = pause_count;
            self.next_resume_us = now_us + RESUME_US;
            self.floor.resume(&mut self.kit);
            self.next_tick_us = 0;
        }
    }

    /// Looks after some of the connections; a round over all of them takes about a second.
    fn mind_connections(&mut self) {
        for _ in 0..self.floor.connections.place_count().div_ceil(UPKEEP_PORTIONS) {
            let Some(number) = self.floor.connections.next_in_round() else { return };
            let connection = self.floor.connections.at(number);
            if connection.is_some_and(|connection| connection.mind(&self.kit)) {
                self.floor.close(number, &self.kit);
            }
        }
    }

    /// Returns when the pause in force ends, as the wall clock shows it.
    fn pause_end_ms(&self) -> Option<u64> {
        self.kit.worker.engine().pause.current(clock::unix_ms()).map(|(_, end_ms)| end_ms)
    }

    fn close_all(&mut self) {
        for number in 0..self.floor.connections.place_count() {
            if let Some(connection) = self.floor.connections.at(number) {
                connection.send_last();
                self.floor.close(number, &self.kit);
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
