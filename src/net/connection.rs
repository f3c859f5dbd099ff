//! One connection: what has arrived, what is to be sent, and what its turn does with both.
//!
//! Events are edge-triggered: the socket is registered once, and what an event said stays noted here
//! until a read or a write finds that it is no longer so. An ordinary request therefore costs one
//! wait, one read and one write.

use std::io::{self, ErrorKind};

use mio::event::Event;

use super::input::{Filled, Input, Rest};
use super::kit::Kit;
use super::output;
use super::stream::Stream;
use crate::base::log;
use crate::engine::{BATCH_COMMANDS_MAX, Flow, Gauges, ReplyMode, Session};
use crate::resp::{ProtocolError, ReplyBuffer};
use crate::stats::Counter;

/// Pending reply bytes above which a client's further commands have to wait.
const PENDING_BYTES_MAX: usize = 256 * 1024;
/// Batches of one client before others get their turn.
const TURN_BATCHES_MAX: usize = 8;
/// Nanoseconds after which no further batch of a client begins in this turn.
const TURN_NS_MAX: u64 = 500_000;
/// How long a closed connection waits for the peer to read the last reply.
const LINGER_MS_MAX: u64 = 1000;
/// Bytes such a peer may still send.
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Milliseconds without traffic after which a connection gives its reply buffer back.
const RELEASE_AFTER_MS: u64 = 2000;

/// What a connection needs after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next event.
    Wait,
    /// Another turn, after the others'.
    Again,
    /// To be closed.
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Serving,
    /// Commands are kept until they may run.
    Postponed,
    /// No further command is run; what is pending is sent.
    Closing,
    /// Everything is sent; the peer may not have read it yet.
    Lingering {
        until_ms: u64,
        bytes_left: usize,
    },
}

/// Why a connection is closed.
enum Ending {
    /// The peer is gone.
    Broken,
    QueryTooLong,
    TooManyReplies,
}

/// A client's connection. Owned by its worker.
pub(super) struct Connection {
    stream: Stream,
    session: Session,
    input: Input,
    reply: ReplyBuffer,
    state: State,
    is_readable: bool,
    is_writable: bool,
    /// The system has reported that the peer sends no more; bytes may still have to be read.
    is_ending: bool,
    /// All that the peer has sent was read.
    has_ended: bool,
    /// It stands in the queue of those that want another turn.
    pub(super) is_queued: bool,
    /// Since when the replies are above the soft limit; 0 while they are not.
    over_limit_since_ms: u64,
}

impl Connection {
    /// Makes a connection of a registered socket.
    pub(super) fn new(stream: Stream, session: Session) -> Self {
        Self {
            stream,
            session,
            input: Input::default(),
            reply: ReplyBuffer::new(),
            state: State::Serving,
            is_readable: false,
            is_writable: true,
            is_ending: false,
            has_ended: false,
            is_queued: false,
            over_limit_since_ms: 0,
        }
    }

    /// Returns what the engine knows of the client.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Notes what an event says.
    #[inline]
    pub(super) fn note(&mut self, event: &Event) {
        let is_broken = event.is_error();
        self.is_ending |= event.is_read_closed() || is_broken;
        self.is_readable |= event.is_readable() || self.is_ending;
        self.is_writable |= event.is_writable() || is_broken;
    }

    /// Has postponed commands run in the next turn; says whether there are any.
    pub(super) fn resume(&mut self) -> bool {
        let is_postponed = self.state == State::Postponed;
        if is_postponed {
            self.state = State::Serving;
            self.input.has_more = true;
        }
        is_postponed
    }

    /// Does what can be done now: sends, receives, runs, sends.
    #[inline]
    pub(super) fn turn(&mut self, kit: &mut Kit) -> Next {
        if self.session.is_doomed() {
            return Next::Close;
        }
        match self.try_turn(kit) {
            Ok(next) => {
                self.show(kit);
                next
            }
            Err(ending) => {
                self.report(&ending, kit);
                Next::Close
            }
        }
    }

    #[inline]
    fn try_turn(&mut self, kit: &mut Kit) -> Result<Next, Ending> {
        if self.is_writable && !self.reply.is_empty() {
            self.send(kit)?;
        }
        if self.state == State::Serving && self.reply.len() <= PENDING_BYTES_MAX {
            if self.input.has_more {
                self.run_kept(kit);
            } else if self.is_readable {
                self.receive(kit)?;
            }
            self.check_limits(kit)?;
            if self.is_writable && !self.reply.is_empty() {
                self.send(kit)?;
            }
        }
        Ok(self.next(kit))
    }

    #[inline]
    fn next(&mut self, kit: &mut Kit) -> Next {
        let can_send = self.is_writable && !self.reply.is_empty();
        match self.state {
            State::Serving => {
                let is_held_up = self.reply.len() > PENDING_BYTES_MAX;
                let can_run = !is_held_up && (self.input.has_more || self.is_readable);
                if can_send || can_run {
                    Next::Again
                } else if self.has_ended && self.reply.is_empty() && !self.input.has_more {
                    Next::Close
                } else {
                    Next::Wait
                }
            }
            State::Postponed if self.is_ending => Next::Close,
            State::Postponed => Next::Wait,
            State::Closing if can_send => Next::Again,
            State::Closing if !self.reply.is_empty() => Next::Wait,
            State::Closing => self.linger(kit),
            State::Lingering { .. } => self.drain(kit),
        }
    }

    /// Reads once, and runs what has arrived.
    #[inline]
    fn receive(&mut self, kit: &mut Kit) -> Result<(), Ending> {
        let mut buffer = std::mem::take(&mut kit.read_buffer);
        let outcome = match self.read(&mut buffer, kit) {
            Ok(0) => Ok(()),
            Ok(count) if self.input.is_empty() => {
                let rest = self.run(&mut buffer[..count], kit);
                self.input.keep(&buffer[..count], rest);
                Ok(())
            }
            Ok(count) => {
                self.input.append(&buffer[..count]);
                self.run_kept(kit);
                Ok(())
            }
            Err(ending) => Err(ending),
        };
        kit.read_buffer = buffer;
        outcome
    }

    /// Returns how many bytes were read; 0 if there are none now, or never again.
    #[inline]
    fn read(&mut self, buffer: &mut [u8], kit: &Kit) -> Result<usize, Ending> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.has_ended = true;
                    self.is_readable = false;
                    return Ok(0);
                }
                Ok(count) => {
                    // A short read has emptied the socket. Only the end of the stream may wait
                    // behind it without another event.
                    self.is_readable = count == buffer.len() || self.is_ending;
                    let stats = kit.worker.stats();
                    stats.add(Counter::ReadsProcessed, 1);
                    stats.add(Counter::NetInputBytes, count as u64);
                    let total = &self.session.cell.gauges.input_bytes;
                    Gauges::set(total, Gauges::value(total) + count as u64);
                    Gauges::set(&self.session.cell.gauges.last_active_ms, kit.now_ms);
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_readable = false;
                    return Ok(0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&error)),
            }
        }
    }

    /// Runs the commands that were kept.
    #[cold]
    fn run_kept(&mut self, kit: &mut Kit) {
        let mut buffer = self.input.take();
        let rest = self.run(&mut buffer, kit);
        self.input.put_back(buffer, rest);
    }

    /// Runs complete commands of `buffer`, batch by batch, as many as one turn allows.
    #[inline]
    fn run(&mut self, buffer: &mut [u8], kit: &mut Kit) -> Rest {
        Gauges::set(&self.session.cell.gauges.query_bytes, buffer.len() as u64);
        let (mut at, mut started) = (0, None);
        for _ in 0..TURN_BATCHES_MAX {
            let filled = self.fill(buffer, &mut at, kit);
            if !kit.batch.is_empty() {
                let ran =
                    kit.worker.run(&mut self.session, buffer, &mut kit.batch, &mut self.reply);
                match ran.flow {
                    Flow::Continue => {}
                    Flow::Close => {
                        self.state = State::Closing;
                        return Rest::From(buffer.len());
                    }
                    Flow::Postpone => {
                        self.state = State::Postponed;
                        kit.has_postponed = true;
                        return self.input.unparse(&kit.batch, ran.command_count, buffer);
                    }
                }
            }
            match filled {
                Filled::Starved => {
                    self.input.has_more = false;
                    return Rest::From(at);
                }
                Filled::Broken(error) => {
                    self.break_off(error, kit);
                    return Rest::From(buffer.len());
                }
                Filled::Full => {}
            }
            let now = kit.ticker.raw();
            let started = *started.get_or_insert(now);
            if self.reply.len() > PENDING_BYTES_MAX
                || kit.ticker.elapsed_ns(started, now) > TURN_NS_MAX
            {
                break;
            }
        }
        self.input.has_more = at < buffer.len();
        Rest::From(at)
    }

    /// Parses the next batch. A client that has yet to authenticate may change the limits with each
    /// command.
    #[inline]
    fn fill(&mut self, buffer: &mut [u8], at: &mut usize, kit: &mut Kit) -> Filled {
        kit.batch.clear();
        let (limits, count_max) = if self.session.is_authenticated {
            (&kit.settings.limits, BATCH_COMMANDS_MAX)
        } else {
            (&kit.settings.early_limits, 1)
        };
        self.input.fill(buffer, at, limits, count_max, &mut kit.batch)
    }

    /// Says what is wrong with the stream, and ends it.
    #[cold]
    fn break_off(&mut self, error: ProtocolError, kit: &Kit) {
        let client = self.describe();
        log::verbose(format_args!("Protocol error from client: {error}. {client}"));
        kit.worker.stats().record_error(format!("ERR {error}").as_bytes());
        if self.session.reply_mode == ReplyMode::On {
            self.reply.protocol_error(error);
        }
        self.state = State::Closing;
        // More of the same may be on its way.
        self.is_readable = true;
    }

    /// Sends what is pending, as far as the system takes it.
    #[inline]
    fn send(&mut self, kit: &Kit) -> Result<(), Ending> {
        let sent = output::send(&mut self.stream, &mut self.reply).map_err(|e| broken(&e))?;
        self.is_writable = !sent.is_blocked;
        if sent.bytes > 0 {
            let stats = kit.worker.stats();
            stats.add(Counter::WritesProcessed, sent.write_count);
            stats.add(Counter::NetOutputBytes, sent.bytes as u64);
            let gauges = &self.session.cell.gauges;
            let total = &gauges.output_bytes;
            Gauges::set(total, Gauges::value(total) + sent.bytes as u64);
            Gauges::set(&gauges.last_active_ms, kit.now_ms);
        }
        Ok(())
    }

    /// Closes at once, unless the peer may still be sending: then closing would reset the connection,
    /// and the last reply could get lost.
    fn linger(&mut self, kit: &mut Kit) -> Next {
        if !self.is_readable || self.has_ended {
            return Next::Close;
        }
        self.stream.end_writing();
        let until_ms = kit.now_ms + LINGER_MS_MAX;
        self.state = State::Lingering { until_ms, bytes_left: LINGER_BYTES_MAX };
        self.drain(kit)
    }

    /// Reads and forgets.
    fn drain(&mut self, kit: &mut Kit) -> Next {
        let State::Lingering { until_ms, bytes_left } = self.state else { return Next::Wait };
        if !self.is_readable {
            return Next::Wait;
        }
        let mut buffer = std::mem::take(&mut kit.read_buffer);
        let count = self.read(&mut buffer, kit);
        kit.read_buffer = buffer;
        let Ok(count) = count else { return Next::Close };
        if self.has_ended || count >= bytes_left {
            return Next::Close;
        }
        self.state = State::Lingering { until_ms, bytes_left: bytes_left - count };
        if self.is_readable { Next::Again } else { Next::Wait }
    }
}

/// Limits and upkeep.
impl Connection {
    #[inline]
    fn check_limits(&mut self, kit: &Kit) -> Result<(), Ending> {
        if self.input.len() > kit.settings.query_bytes_max {
            return Err(Ending::QueryTooLong);
        }
        let limit = &kit.settings.output_limit;
        if limit.hard_bytes == 0 && limit.soft_bytes == 0 {
            return Ok(());
        }
        self.check_output(kit)
    }

    fn check_output(&mut self, kit: &Kit) -> Result<(), Ending> {
        let limit = &kit.settings.output_limit;
        let pending = self.reply.len() as u64;
        if limit.hard_bytes > 0 && pending >= limit.hard_bytes {
            return Err(Ending::TooManyReplies);
        }
        if limit.soft_bytes == 0 || pending < limit.soft_bytes {
            self.over_limit_since_ms = 0;
        } else if self.over_limit_since_ms == 0 {
            self.over_limit_since_ms = kit.now_ms;
        } else if kit.now_ms - self.over_limit_since_ms.min(kit.now_ms) > limit.soft_seconds * 1000
        {
            return Err(Ending::TooManyReplies);
        }
        Ok(())
    }

    /// Looks after a connection that may not have had an event for long; says whether to close it.
    pub(super) fn mind(&mut self, kit: &Kit) -> bool {
        if let Err(ending) = self.check_limits(kit) {
            self.report(&ending, kit);
            return true;
        }
        let last_active_ms = Gauges::value(&self.session.cell.gauges.last_active_ms);
        let idle_ms = kit.now_ms.saturating_sub(last_active_ms);
        if idle_ms >= RELEASE_AFTER_MS && self.reply.is_empty() {
            self.reply.release();
            self.show(kit);
        }
        match self.state {
            State::Lingering { until_ms, .. } => kit.now_ms >= until_ms,
            State::Postponed => false,
            State::Serving | State::Closing => {
                let idle_ms_max = kit.settings.idle_ms_max;
                let is_idle = idle_ms_max > 0 && idle_ms > idle_ms_max;
                if is_idle {
                    log::verbose(format_args!("Closing idle client"));
                }
                is_idle || self.session.is_doomed()
            }
        }
    }

    /// Shows others how full the buffers are.
    #[inline]
    fn show(&self, kit: &Kit) {
        let gauges = &self.session.cell.gauges;
        let query_bytes = self.input.len() as u64;
        let reply_bytes = self.reply.len() as u64;
        Gauges::set(&gauges.query_bytes, query_bytes);
        Gauges::set(&gauges.query_free_bytes, self.input.free_bytes() as u64);
        Gauges::set(&gauges.argument_bytes, self.input.argument_bytes() as u64);
        Gauges::set(&gauges.reply_bytes, reply_bytes);
        Gauges::set(&gauges.reply_capacity_bytes, self.reply.capacity_bytes() as u64);
        kit.worker.engine().clients.note_buffers(query_bytes, reply_bytes);
    }

    #[cold]
    fn report(&self, ending: &Ending, kit: &Kit) {
        let stats = kit.worker.stats();
        let client = self.describe();
        match ending {
            Ending::Broken => {}
            Ending::QueryTooLong => {
                stats.add(Counter::QueryBufferLimitDisconnections, 1);
                log::warning(format_args!(
                    "Closing client that reached max query buffer length: {client}"
                ));
            }
            Ending::TooManyReplies => {
                stats.add(Counter::OutputBufferLimitDisconnections, 1);
                log::warning(format_args!(
                    "Client {client} closed for overcoming of output buffer limits."
                ));
            }
        }
    }

    fn describe(&self) -> String {
        let cell = &self.session.cell;
        format!(
            "id={} addr={} laddr={} fd={} name={} qbuf={} omem={}",
            cell.id,
            cell.peer.address,
            cell.peer.local_address,
            cell.peer.descriptor,
            cell.names.lock().name,
            self.input.len(),
            self.reply.len(),
        )
    }

    /// Sends what the system takes at once; for a server that stops.
    pub(super) fn send_last(&mut self) {
        let _sent = output::send(&mut self.stream, &mut self.reply);
    }
}

fn broken(error: &io::Error) -> Ending {
    log::debug(format_args!("Error reading from or writing to client: {error}"));
    Ending::Broken
}
