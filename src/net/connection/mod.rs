//! One connection: what has arrived, what is to be sent, and what its turn does with both.
//!
//! Events are edge-triggered: the socket is registered once, and what an event said stays noted here
//! until a read or a write finds that it is no longer so. An ordinary request therefore costs a share
//! of one wait, one read and one write.
//!
//! A turn has three parts: [`Connection::begin`] reads and parses, [`Connection::run_share`] runs,
//! [`Connection::finish`] sends. Between them stand those of the other connections of the group (see
//! `kit`). A connection that keeps part of a request from an earlier turn does all alone.

mod limits;

use std::io::{self, ErrorKind};
use std::ops::Range;

use mio::event::Event;

use super::input::{Filled, Input, Rest};
use super::kit::{Kit, Share};
use super::output;
use super::stream::Stream;
use crate::base::{clock, log};
use crate::engine::{
    BATCH_COMMANDS_MAX, Batch, Flow, Gauges, News, ReplyMode, Session, Sight, Turn,
};
use crate::pubsub::{Bundle, Message};
use crate::resp::{ProtocolError, ReplyBuffer};
use crate::stats::Counter;

/// Pending reply bytes above which a client's further commands have to wait.
const PENDING_BYTES_MAX: usize = 256 * 1024;
/// Bytes of commands that wait so at most: a client that sends still more without reading anything is
/// served further, since it may mean to read when it has sent all.
const WAITING_BYTES_MAX: usize = 512 * 1024;
/// Batches of one client before others get their turn.
const TURN_BATCHES_MAX: usize = 8;
/// Nanoseconds after its first batch, after which no further one of a client begins in this turn. Each
/// batch may end early, too (see [`Flow::Yield`]).
const TURN_NS_MAX: u64 = 150_000;
/// How long a closed connection waits for the peer to read the last reply.
const LINGER_MS_MAX: u64 = 1000;
/// Bytes such a peer may still send.
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;

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

/// What the first part of a turn came to.
pub(super) enum Begun {
    /// The connection has a share in the group; the turn goes on with it.
    Joined(Share),
    /// The connection has run what it had kept; [`Connection::finish`] ends the turn.
    Ran,
    /// The turn is over.
    Done(Next),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Serving,
    /// Commands are kept until they may run.
    Postponed,
    /// Commands are kept until the reply of the one before them has come.
    Waiting,
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
    /// It stands in the outbox of its worker.
    has_message: bool,
    /// Since when its commands are postponed, by the monotonic clock, in nanoseconds; 0 while they are not.
    postponed_since_ns: u64,
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
            has_message: false,
            postponed_since_ns: 0,
            over_limit_since_ms: 0,
        }
    }

    /// Returns what the engine knows of the client.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// The same, to be changed by the engine.
    pub(super) fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Notes what an event says.
    #[inline]
    pub(super) fn note(&mut self, event: &Event) {
        let is_broken = event.is_error();
        self.is_ending |= event.is_read_closed() || is_broken;
        self.is_readable |= event.is_readable() || self.is_ending;
        self.is_writable |= event.is_writable() || is_broken;
    }

    /// Has postponed commands run in the next turn; returns since when they are, by the monotonic clock,
    /// in nanoseconds, if there are any.
    pub(super) fn resume(&mut self) -> Option<u64> {
        if self.state != State::Postponed {
            return None;
        }
        self.state = State::Serving;
        self.input.has_more = !self.input.is_empty();
        Some(self.postponed_since_ns)
    }

    /// Takes the reply the client waited for, and messages behind it; what it has sent since is run in the
    /// next turn.
    pub(super) fn deliver(&mut self, reply: ReplyBuffer, messages: &[Message]) {
        match self.session.reply_mode {
            ReplyMode::On => self.reply.append(reply),
            ReplyMode::SkipThis => self.session.reply_mode = ReplyMode::On,
            ReplyMode::Off | ReplyMode::SkipNext => {}
        }
        messages.iter().for_each(|message| message.write(&mut self.reply));
        if self.state == State::Waiting {
            self.state = State::Serving;
            self.input.has_more = !self.input.is_empty();
        }
    }

    /// Takes messages of a channel, unless the client no longer listens; says whether it is to join the
    /// outbox.
    #[inline]
    pub(super) fn push(&mut self, bundle: &Bundle) -> bool {
        let is_closing = matches!(self.state, State::Closing | State::Lingering { .. });
        if is_closing || !bundle.is_for(&self.session.subscriptions) {
            return false;
        }
        bundle.write(&mut self.reply);
        !self.is_queued && !std::mem::replace(&mut self.has_message, true)
    }

    /// Notes that the connection has left the outbox; says whether it is to end a turn now, to send what
    /// it has got. It is not if it has done so since, or will.
    pub(super) fn leave_outbox(&mut self) -> bool {
        std::mem::take(&mut self.has_message) && !self.is_queued && !self.reply.is_empty()
    }

    /// Says whether [`Self::begin`] runs commands: it does when part of a request is kept.
    #[inline]
    pub(super) fn runs_alone(&self) -> bool {
        !self.input.is_empty()
    }

    /// Takes news about keys the client may have cached, unless it could not tell them from replies;
    /// says whether to send them without waiting for a turn.
    pub(super) fn push_news(&mut self, news: &News) -> bool {
        let is_closing = matches!(self.state, State::Closing | State::Lingering { .. });
        let listens = !self.session.subscriptions.is_empty();
        if is_closing || !news.write(&mut self.reply, listens) {
            return false;
        }
        !self.is_queued && !std::mem::replace(&mut self.has_message, true)
    }

    /// Takes the line of another client's command, if the client still monitors; says whether to send it
    /// without waiting for a turn.
    pub(super) fn push_sight(&mut self, sight: &Sight) -> bool {
        let is_closing = matches!(self.state, State::Closing | State::Lingering { .. });
        let is_wanted = self.session.monitors == Some(sight.turn);
        if is_closing || !is_wanted || self.session.reply_mode != ReplyMode::On {
            return false;
        }
        self.reply.raw_shared(&sight.line);
        !self.is_queued && !std::mem::replace(&mut self.has_message, true)
    }

    /// Begins a turn: sends what is pending, reads what has arrived, and joins the group with it.
    #[inline]
    pub(super) fn begin(&mut self, kit: &mut Kit, turn: &mut dyn Turn) -> Begun {
        match self.try_begin(kit, turn) {
            Ok(Some(begun)) => begun,
            Ok(None) => Begun::Done(self.finish(kit)),
            Err(ending) => Begun::Done(self.give_up(&ending, kit)),
        }
    }

    #[inline]
    fn try_begin(&mut self, kit: &mut Kit, turn: &mut dyn Turn) -> Result<Option<Begun>, Ending> {
        if self.session.is_doomed() {
            return Err(Ending::Broken);
        }
        if self.is_writable && !self.reply.is_empty() {
            self.send(kit)?;
        }
        if self.state != State::Serving {
            return Ok(None);
        }
        if self.is_held_up() {
            if self.reads_ahead() {
                self.read_ahead(kit)?;
            }
            return Ok(None);
        }
        if !self.input.is_empty() {
            self.serve_alone(kit, turn)?;
            return Ok(Some(Begun::Ran));
        }
        let share = if self.is_readable { self.join(kit)? } else { None };
        Ok(share.map(Begun::Joined))
    }

    /// Reads once, parses the first batch of what has arrived into the group's, and begins to fetch
    /// what it will touch.
    #[inline]
    fn join(&mut self, kit: &mut Kit) -> Result<Option<Share>, Ending> {
        let mut arena = std::mem::take(&mut kit.arena);
        let read = self.read(&mut arena[kit.filled_bytes..], kit);
        let share = match read {
            Ok(0) => Ok(None),
            Ok(count) => {
                let (begin, end) = (kit.filled_bytes, kit.filled_bytes + count);
                kit.filled_bytes = end;
                Ok(Some(self.parse_share(&mut arena[..end], begin, kit)))
            }
            Err(ending) => Err(ending),
        };
        kit.arena = arena;
        share
    }

    #[inline]
    fn parse_share(&mut self, buffer: &mut [u8], begin: usize, kit: &mut Kit) -> Share {
        let mut batch = std::mem::take(&mut kit.group);
        let (first, mut at) = (batch.len(), begin);
        let filled = self.fill(buffer, &mut at, &mut batch, kit);
        let runs_script = kit.worker.look_up(&self.session, buffer, &mut batch, first);
        let commands = first..batch.len();
        kit.group = batch;
        Share { begin, at, end: buffer.len(), commands, filled, runs_script }
    }

    /// Goes on with a turn: runs the commands of the share, and what else has arrived with them.
    #[inline]
    pub(super) fn run_share(&mut self, share: Share, kit: &mut Kit, turn: &mut dyn Turn) {
        if self.session.is_doomed() {
            return;
        }
        let mut arena = std::mem::take(&mut kit.arena);
        let batch = std::mem::take(&mut kit.group);
        let Share { begin, mut at, end, commands, filled, runs_script } = share;
        let buffer = &mut arena[..end];
        self.show_query(end - begin, kit);
        let rest = match self.run_batch(buffer, &batch, (commands, at), kit, turn) {
            Some(rest) => rest,
            None => self.run_more(buffer, &mut at, (filled, runs_script), kit, turn),
        };
        self.input.keep(buffer, rest);
        kit.group = batch;
        kit.arena = arena;
    }

    /// Says whether further commands have to wait until the client has read replies.
    #[inline]
    fn is_held_up(&self) -> bool {
        self.holds_up(self.input.len())
    }

    /// The same where so many bytes of commands wait.
    #[inline]
    fn holds_up(&self, waiting_bytes: usize) -> bool {
        let is_behind = self.reply.len() > PENDING_BYTES_MAX;
        is_behind && (self.is_writable || waiting_bytes <= WAITING_BYTES_MAX)
    }

    /// Says whether to read what a client sends whose commands have to wait: it may not read before it
    /// has sent all.
    #[inline]
    fn reads_ahead(&self) -> bool {
        self.is_readable && !self.is_writable && self.is_held_up()
    }

    /// Reads once and keeps what was read.
    #[cold]
    fn read_ahead(&mut self, kit: &mut Kit) -> Result<(), Ending> {
        let mut buffer = self.input.take();
        let read = self.read_more(&mut buffer, kit);
        self.input.restore(buffer);
        self.input.has_more |= read? > 0;
        Ok(())
    }

    /// Returns the bytes of the replies that are to be sent.
    #[inline]
    pub(super) fn pending_bytes(&self) -> usize {
        self.reply.len()
    }

    /// Ends a turn: sends the replies, and says what the connection needs.
    #[inline]
    pub(super) fn finish(&mut self, kit: &mut Kit) -> Next {
        if let Err(ending) = self.mind_memory(kit) {
            return self.give_up(&ending, kit);
        }
        match self.try_finish(kit) {
            Ok(next) => {
                self.show();
                kit.worker.engine().clients.count_memory(&self.session.cell);
                next
            }
            Err(ending) => self.give_up(&ending, kit),
        }
    }

    #[inline]
    fn try_finish(&mut self, kit: &mut Kit) -> Result<Next, Ending> {
        if self.session.is_doomed() {
            return Err(Ending::Broken);
        }
        self.check_limits(kit)?;
        if self.is_writable && !self.reply.is_empty() {
            self.send(kit)?;
        }
        Ok(self.next(kit))
    }

    fn give_up(&self, ending: &Ending, kit: &Kit) -> Next {
        self.report(ending, kit);
        Next::Close
    }

    #[inline]
    fn next(&mut self, kit: &mut Kit) -> Next {
        let can_send = self.is_writable && !self.reply.is_empty();
        match self.state {
            State::Serving => {
                let can_run = !self.is_held_up() && (self.input.has_more || self.is_readable);
                if can_send || can_run || self.reads_ahead() {
                    Next::Again
                } else if self.has_ended && self.reply.is_empty() && !self.input.has_more {
                    Next::Close
                } else {
                    Next::Wait
                }
            }
            State::Waiting if self.is_ending => Next::Close,
            State::Postponed if self.is_ending && kit.is_paused() => Next::Close,
            State::Postponed | State::Waiting if can_send => Next::Again,
            State::Postponed | State::Waiting => Next::Wait,
            State::Closing if can_send => Next::Again,
            State::Closing if !self.reply.is_empty() => Next::Wait,
            State::Closing => self.linger(kit),
            State::Lingering { .. } => self.drain(kit),
        }
    }

    /// Reads once, if what is kept holds no complete command, and runs what it holds then.
    #[cold]
    fn serve_alone(&mut self, kit: &mut Kit, turn: &mut dyn Turn) -> Result<(), Ending> {
        let mut buffer = self.input.take();
        if !self.input.has_more && self.read_more(&mut buffer, kit)? == 0 {
            self.input.restore(buffer);
            return Ok(());
        }
        self.show_query(buffer.len(), kit);
        let rest = self.run_more(&mut buffer, &mut 0, (Filled::Full, true), kit, turn);
        self.input.put_back(buffer, rest);
        // Before the replies are sent: who has read them may ask at once how large the buffer is.
        self.show();
        Ok(())
    }

    /// Appends what can be read to the bytes kept.
    fn read_more(&mut self, buffer: &mut Vec<u8>, kit: &mut Kit) -> Result<usize, Ending> {
        if !self.is_readable {
            return Ok(0);
        }
        if self.input.make_room(buffer) {
            let room = buffer.capacity() - buffer.len();
            return self.read_by(room, kit, |stream| stream.read_behind(buffer));
        }
        let mut arena = std::mem::take(&mut kit.arena);
        let free = &mut arena[kit.filled_bytes..];
        let read = self.read(free, kit);
        if let Ok(count) = read {
            buffer.extend_from_slice(&free[..count]);
        }
        kit.arena = arena;
        read
    }

    /// Returns how many bytes were read; 0 if there are none now, or never again.
    #[inline]
    fn read(&mut self, buffer: &mut [u8], kit: &Kit) -> Result<usize, Ending> {
        self.read_by(buffer.len(), kit, |stream| stream.read(buffer))
    }

    /// The same by a function that reads up to `room` bytes.
    #[inline]
    fn read_by(
        &mut self,
        room: usize,
        kit: &Kit,
        mut read: impl FnMut(&mut Stream) -> io::Result<usize>,
    ) -> Result<usize, Ending> {
        loop {
            match read(&mut self.stream) {
                Ok(0) => {
                    self.has_ended = true;
                    self.is_readable = false;
                    return Ok(0);
                }
                Ok(count) => {
                    // A short read has emptied the socket. Only the end of the stream may wait
                    // behind it without another event.
                    self.is_readable = count == room || self.is_ending;
                    self.count_input(count, kit);
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

    /// Runs complete commands of `buffer` from `at` on, batch by batch, as many as one turn allows;
    /// `filled` is how far the batch before them was filled. Unless scripts may run now, they wait for
    /// another turn.
    #[inline]
    fn run_more(
        &mut self,
        buffer: &mut [u8],
        at: &mut usize,
        (mut filled, may_run_scripts): (Filled, bool),
        kit: &mut Kit,
        turn: &mut dyn Turn,
    ) -> Rest {
        let mut batch = std::mem::take(&mut kit.solo);
        let mut began = None;
        let mut batch_count = 0;
        let rest = loop {
            match filled {
                Filled::Starved => {
                    self.input.has_more = false;
                    break Rest::From(*at);
                }
                Filled::Broken(error) => {
                    self.break_off(error, kit);
                    break Rest::Nothing;
                }
                Filled::Full => {}
            }
            let now = kit.ticker.raw();
            let elapsed_ns = kit.ticker.elapsed_ns(*began.get_or_insert(now), now);
            if batch_count == TURN_BATCHES_MAX
                || elapsed_ns > TURN_NS_MAX
                || self.holds_up(buffer.len() - *at)
            {
                self.input.has_more = *at < buffer.len();
                break Rest::From(*at);
            }
            batch.clear();
            filled = self.fill(buffer, at, &mut batch, kit);
            let runs_script = kit.worker.look_up(&self.session, buffer, &mut batch, 0);
            if runs_script && !may_run_scripts {
                self.input.has_more = true;
                break self.input.unparse(&batch, 0..batch.len(), buffer, *at);
            }
            kit.worker.fetch(&batch);
            let commands = (0..batch.len(), *at);
            if let Some(rest) = self.run_batch(buffer, &batch, commands, kit, turn) {
                break rest;
            }
            batch_count += 1;
        };
        kit.solo = batch;
        rest
    }

    /// Runs some commands of a batch, which in `buffer` end at `behind`. Returns what is left of the
    /// buffer if none of its commands may run in this turn any more.
    #[inline]
    fn run_batch(
        &mut self,
        buffer: &[u8],
        batch: &Batch,
        (commands, behind): (Range<usize>, usize),
        kit: &mut Kit,
        turn: &mut dyn Turn,
    ) -> Option<Rest> {
        if commands.is_empty() {
            return None;
        }
        let range = commands.clone();
        let out = (&mut self.reply, turn);
        let ran = kit.worker.run_range(&mut self.session, buffer, batch, range, out);
        if ran.command_count > 0 {
            self.postponed_since_ns = 0;
        }
        match ran.flow {
            Flow::Continue => None,
            Flow::Close => {
                self.state = State::Closing;
                Some(Rest::Nothing)
            }
            flow @ (Flow::Wait | Flow::Postpone | Flow::Yield) => {
                self.interrupt(flow, kit);
                let left = commands.start + ran.command_count..commands.end;
                Some(self.input.unparse(batch, left, buffer, behind))
            }
        }
    }

    /// Notes why the commands that are left do not run now.
    #[cold]
    fn interrupt(&mut self, flow: Flow, kit: &mut Kit) {
        match flow {
            Flow::Wait => self.state = State::Waiting,
            Flow::Postpone => {
                self.state = State::Postponed;
                kit.has_postponed = true;
                if self.postponed_since_ns == 0 {
                    self.postponed_since_ns = clock::monotonic_ns();
                }
            }
            Flow::Yield => self.input.has_more = true,
            Flow::Continue | Flow::Close => {}
        }
    }

    /// Parses further commands. A client that has yet to authenticate may change the limits with each
    /// command.
    #[inline]
    fn fill(&mut self, buffer: &mut [u8], at: &mut usize, batch: &mut Batch, kit: &Kit) -> Filled {
        let (limits, count) = if self.session.is_authenticated {
            (&kit.settings.limits, BATCH_COMMANDS_MAX)
        } else {
            (&kit.settings.early_limits, 1)
        };
        self.input.fill(buffer, at, limits, count, batch)
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
        // Most often they are on their way by now.
        kit.worker.engine().send_gathered_news(None);
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
        let mut arena = std::mem::take(&mut kit.arena);
        let count = self.read(&mut arena[kit.filled_bytes..], kit);
        kit.arena = arena;
        let Ok(count) = count else { return Next::Close };
        if self.has_ended || count >= bytes_left {
            return Next::Close;
        }
        self.state = State::Lingering { until_ms, bytes_left: bytes_left - count };
        if self.is_readable { Next::Again } else { Next::Wait }
    }
}

fn broken(error: &io::Error) -> Ending {
    log::debug(format_args!("Error reading from or writing to client: {error}"));
    Ending::Broken
}
