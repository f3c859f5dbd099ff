//! The parser of requests: incremental, borrowing, without an allocation for a command that has
//! arrived whole.
//!
//! A command that is short and has arrived whole is read by `short`; here are all of the rules, and
//! the progress of a command that arrives in pieces. What stands in the two bytes behind an argument,
//! and in the byte behind a line's `\r`, is not looked at, as Redis does not either.
//!
//! A command that arrives in pieces is never started over. Its progress is kept relative to its first
//! byte, so that dropping the bytes before it costs nothing however many arguments were seen.

use super::header::{Header, bulk_header, count_header};
use super::inline::{self, Inline};
use super::{Limits, Opening, ProtocolError, short};

/// Spans kept allocated for the next command that arrives in pieces.
const KEPT_SPANS_MAX: usize = 64;
/// Spans reserved on the word of a count alone.
const TRUSTED_COUNT_MAX: usize = 64;

/// One argument: where its bytes lie in the buffer the command was parsed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Position of the first byte.
    pub start: usize,
    /// Number of bytes.
    pub len: usize,
}

impl Span {
    /// Returns the argument's bytes.
    ///
    /// # Panics
    /// If the buffer is shorter than the one the span was parsed from.
    #[inline]
    pub fn of(self, buffer: &[u8]) -> &[u8] {
        &buffer[self.start..self.start + self.len]
    }
}

/// What [`Parser::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A whole command of `arg_count` (at least 1) arguments; the next one begins at `end`.
    Command {
        /// Position behind the command.
        end: usize,
        /// Number of spans appended.
        arg_count: usize,
    },
    /// The buffer ends before the command does. Bytes before [`Parser::start`] are done with.
    Incomplete,
}

/// Reads commands from a growing buffer, and keeps the progress of an incomplete one.
#[derive(Debug, Default)]
pub struct Parser {
    stage: Stage,
    /// Position of the first byte not done with: that of the incomplete command, if there is one.
    start: usize,
    /// Spans of the incomplete command, relative to `start`.
    seen: Vec<Span>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// Between two commands.
    #[default]
    Idle,
    /// Within the first line of a command, whose first `searched` bytes do not hold its end.
    FirstLine { searched: usize },
    /// Within the arguments of a command.
    Arguments(Progress),
}

/// Progress within the arguments of a command; positions are relative to the command's start.
#[derive(Clone, Copy, Debug)]
struct Progress {
    arg_count: usize,
    /// Arguments not read yet.
    missing: usize,
    /// Position of the header of the argument that is not complete.
    offset: usize,
    /// Bytes of that header known not to hold its end.
    searched: usize,
    /// Position behind that argument and its line end; 0 until its header is complete.
    bulk_end: usize,
}

impl Parser {
    /// Parses the command at `buffer[at..]` and appends its argument spans, which are positions
    /// in `buffer`, to `spans`.
    ///
    /// Empty commands (`*0`, `*-1`, a blank line) are stepped over silently. After
    /// [`Parsed::Incomplete`] nothing has been appended, the bytes before [`Parser::start`] may be
    /// dropped (then call [`Parser::shift`]), and the next call, with a buffer that has grown, goes on
    /// where this one stopped, whatever its `at`, unless the parser is idle. Arguments of an inline
    /// command are unescaped in place, within the command.
    ///
    /// # Errors
    /// The stream is broken: the parser must not be used again. Spans of the broken command may stand
    /// behind those of the commands before it.
    #[inline]
    pub fn next(
        &mut self,
        buffer: &mut [u8],
        at: usize,
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Parsed, ProtocolError> {
        match self.stage {
            Stage::Idle => match short::command(buffer, at, limits, spans) {
                Some((end, arg_count)) => Ok(Parsed::Command { end, arg_count }),
                None => self.command(buffer, at, 0, limits, spans),
            },
            Stage::FirstLine { searched } => {
                self.command(buffer, self.start, searched, limits, spans)
            }
            Stage::Arguments(progress) => self.resume(buffer, progress, limits, spans),
        }
    }

    /// The same for commands that follow each other in one buffer, under the same limits, many of which
    /// have one name. `opening` is the default before the first of them. Says besides whether the
    /// command has the name of the one before, spelled alike.
    ///
    /// # Errors
    /// As [`Parser::next`].
    #[inline]
    pub fn next_in_row(
        &mut self,
        buffer: &mut [u8],
        at: usize,
        limits: &Limits,
        spans: &mut Vec<Span>,
        opening: &mut Opening,
    ) -> Result<(Parsed, bool), ProtocolError> {
        if !self.is_idle() {
            return Ok((self.next(buffer, at, limits, spans)?, false));
        }
        if let Some((end, arg_count)) = opening.command(buffer, at, limits, spans) {
            return Ok((Parsed::Command { end, arg_count }, true));
        }
        *opening = Opening::default();
        if let Some((end, arg_count)) = short::command(buffer, at, limits, spans) {
            *opening = Opening::new(at, spans[spans.len() - arg_count], arg_count);
            return Ok((Parsed::Command { end, arg_count }, false));
        }
        Ok((self.command(buffer, at, 0, limits, spans)?, false))
    }

    /// Returns the position of the first byte that is still needed, after [`Parsed::Incomplete`].
    #[inline]
    pub fn start(&self) -> usize {
        self.start
    }

    /// Tells the parser that the first `bytes` bytes of the buffer were dropped; positions shift down.
    #[inline]
    pub fn shift(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.start || self.is_idle(), "an incomplete command was dropped");
        self.start = self.start.saturating_sub(bytes);
    }

    /// Returns how many bytes the argument being read still lacks, or 0 if that is not known yet.
    #[inline]
    pub fn missing_bytes(&self, buffer_len: usize) -> usize {
        match self.stage {
            Stage::Arguments(progress) => {
                (self.start + progress.bulk_end).saturating_sub(buffer_len)
            }
            _ => 0,
        }
    }

    /// Says whether the parser stands between two commands.
    #[inline]
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// Returns how many bytes of a buffer stand before the argument being read: the arguments of an
    /// incomplete command that are complete, and lengths.
    #[inline]
    pub fn done_bytes(&self, buffer: &[u8]) -> usize {
        let Stage::Arguments(progress) = self.stage else { return 0 };
        let header = self.start + progress.offset;
        if progress.bulk_end == 0 {
            return header.min(buffer.len());
        }
        let line =
            buffer.get(header..).and_then(|rest| rest.iter().position(|&byte| byte == b'\n'));
        line.map_or(0, |end| header + end + 1)
    }

    /// Returns the bytes allocated for the spans of an incomplete command.
    pub fn capacity_bytes(&self) -> usize {
        self.seen.capacity() * size_of::<Span>()
    }

    /// Parses a command from its first byte on, by all rules.
    fn command(
        &mut self,
        buffer: &mut [u8],
        mut at: usize,
        mut searched: usize,
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Parsed, ProtocolError> {
        loop {
            let (count, body) = match count_header(buffer, at, searched, limits)? {
                Header::Complete { number, behind } => (number, behind),
                Header::Partial { searched } => return Ok(self.pause(at, searched)),
                Header::Absent if at >= buffer.len() => return Ok(self.rest_at(at)),
                Header::Absent => match inline::command(buffer, at, searched, limits, spans)? {
                    Inline::Command { end, arg_count } => {
                        return Ok(self.complete(Parsed::Command { end, arg_count }));
                    }
                    Inline::Blank { end } => (0, end),
                    Inline::Partial { searched } => return Ok(self.pause(at, searched)),
                },
            };
            if count > 0 {
                return self.arguments(buffer, at, count, body, limits, spans);
            }
            at = body;
            searched = 0;
        }
    }

    /// Parses all arguments of the command that began at `start`; `at` is behind its first line.
    fn arguments(
        &mut self,
        buffer: &[u8],
        start: usize,
        arg_count: usize,
        at: usize,
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Parsed, ProtocolError> {
        let known = spans.len();
        spans.reserve(arg_count.min(TRUSTED_COUNT_MAX));
        let stop = read_arguments(buffer, at, arg_count, 0, limits, spans)?;
        if stop.missing == 0 {
            return Ok(self.complete(Parsed::Command { end: stop.at, arg_count }));
        }
        self.seen.extend(
            spans.drain(known..).map(|span| Span { start: span.start - start, len: span.len }),
        );
        self.start = start;
        self.stage = Stage::Arguments(stop.progress(start, arg_count));
        Ok(Parsed::Incomplete)
    }

    /// Goes on with the arguments of the command at `self.start`.
    #[cold]
    fn resume(
        &mut self,
        buffer: &[u8],
        progress: Progress,
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Parsed, ProtocolError> {
        let Some(command) = buffer.get(self.start..) else { return Ok(Parsed::Incomplete) };
        if command.len() < progress.bulk_end {
            return Ok(Parsed::Incomplete);
        }
        let Progress { arg_count, missing, offset, searched, .. } = progress;
        let stop = read_arguments(command, offset, missing, searched, limits, &mut self.seen)?;
        if stop.missing > 0 {
            self.stage = Stage::Arguments(stop.progress(0, arg_count));
            return Ok(Parsed::Incomplete);
        }
        let start = self.start;
        spans.extend(self.seen.drain(..).map(|span| Span { start: span.start + start, ..span }));
        self.seen.shrink_to(KEPT_SPANS_MAX);
        Ok(self.complete(Parsed::Command { end: start + stop.at, arg_count }))
    }

    fn complete(&mut self, command: Parsed) -> Parsed {
        self.stage = Stage::Idle;
        command
    }

    /// Stops within the first line of the command at `start`.
    fn pause(&mut self, start: usize, searched: usize) -> Parsed {
        self.start = start;
        self.stage = Stage::FirstLine { searched };
        Parsed::Incomplete
    }

    /// Stops between two commands, at the buffer's end.
    fn rest_at(&mut self, end: usize) -> Parsed {
        self.start = end;
        self.stage = Stage::Idle;
        Parsed::Incomplete
    }
}

/// Where [`read_arguments`] stopped.
struct Stop {
    /// Behind the command, or at the header of the argument that is not complete.
    at: usize,
    missing: usize,
    searched: usize,
    bulk_end: usize,
}

impl Stop {
    /// Returns what to remember of the command that began at `start`.
    fn progress(&self, start: usize, arg_count: usize) -> Progress {
        Progress {
            arg_count,
            missing: self.missing,
            offset: self.at - start,
            searched: self.searched,
            bulk_end: self.bulk_end.saturating_sub(start),
        }
    }
}

/// Reads `missing` arguments from `at` on, or as many of them as the buffer holds.
fn read_arguments(
    buffer: &[u8],
    mut at: usize,
    mut missing: usize,
    mut searched: usize,
    limits: &Limits,
    spans: &mut Vec<Span>,
) -> Result<Stop, ProtocolError> {
    while missing > 0 {
        let (len, start) = match bulk_header(buffer, at, searched, limits)? {
            Header::Complete { number, behind } => (number, behind),
            Header::Partial { searched } => return Ok(Stop { at, missing, searched, bulk_end: 0 }),
            Header::Absent => return Ok(Stop { at, missing, searched: 0, bulk_end: 0 }),
        };
        let behind = start + len + 2;
        if behind > buffer.len() {
            return Ok(Stop { at, missing, searched: 0, bulk_end: behind });
        }
        spans.push(Span { start, len });
        at = behind;
        searched = 0;
        missing -= 1;
    }
    Ok(Stop { at, missing, searched, bulk_end: 0 })
}
