//! The parser of requests: incremental, borrowing, without an allocation for a command that has
//! arrived whole.
//!
//! A command that is short and has arrived whole is read by `short`; here are all of the rules, and
//! the progress of a command that arrives in pieces. What stands in the two bytes behind an argument,
//! and in the byte behind a line's `\r`, is not looked at, as Redis does not either.
//!
//! A command that arrives in pieces is never started over. Its progress is kept relative to its first
//! byte, so that dropping the bytes before it costs nothing however many arguments were seen.

use crate::base::text;

use super::{Limits, ProtocolError, inline, short};

/// Spans kept allocated for the next command that arrives in pieces.
const KEPT_SPANS_MAX: usize = 1024;
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
    /// The stream is broken: the parser must not be used again.
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
                Header::Absent => match inline_command(buffer, at, searched, limits, spans)? {
                    Inline::Command(command) => return Ok(self.complete(command)),
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

/// A line that announces a number.
enum Header {
    /// The number (0 for a negative count), and the position behind the line.
    Complete { number: usize, behind: usize },
    /// The line's end is not among its first `searched` bytes, which is all there is.
    Partial { searched: usize },
    /// The buffer ends here, or, for a count, the line is not one.
    Absent,
}

/// Reads the `*` line at `at`.
fn count_header(
    buffer: &[u8],
    at: usize,
    searched: usize,
    limits: &Limits,
) -> Result<Header, ProtocolError> {
    let rest = buffer.get(at..).unwrap_or_default();
    if rest.first() != Some(&b'*') {
        return Ok(Header::Absent);
    }
    let Some(end) = line_end(rest, searched) else {
        return unended(rest, limits, ProtocolError::TooBigMultibulkCount);
    };
    if end > limits.inline_bytes_max {
        return Err(ProtocolError::TooBigMultibulkCount);
    }
    let Some(count) = text::parse_i64(&rest[1..end]) else {
        return Err(ProtocolError::InvalidMultibulkLength);
    };
    // Commands of no arguments and of fewer than none are the same: nothing to do.
    let count = usize::try_from(count).unwrap_or(0);
    if count > limits.multibulk_count_max {
        return Err(limits.count_error(count));
    }
    complete(rest, at, end, count)
}

/// Reads the `$` line at `at`.
fn bulk_header(
    buffer: &[u8],
    at: usize,
    searched: usize,
    limits: &Limits,
) -> Result<Header, ProtocolError> {
    let rest = buffer.get(at..).unwrap_or_default();
    if let Some((number, text)) = short::number(b'$', rest)
        && number <= limits.bulk_bytes_max
    {
        return Ok(Header::Complete { number, behind: buffer.len() - text.len() });
    }
    let Some(&first) = rest.first() else { return Ok(Header::Absent) };
    let Some(end) = line_end(rest, searched) else {
        return unended(rest, limits, ProtocolError::TooBigBulkCount);
    };
    if end > limits.inline_bytes_max {
        return Err(ProtocolError::TooBigBulkCount);
    }
    if first != b'$' {
        return Err(ProtocolError::ExpectedDollar(first));
    }
    // At most `i64::MAX`, so that adding it to a position cannot overflow.
    let bytes = text::parse_i64(&rest[1..end]).and_then(|bytes| usize::try_from(bytes).ok());
    match bytes {
        None => Err(ProtocolError::InvalidBulkLength),
        Some(bytes) if bytes > limits.bulk_bytes_max => Err(limits.bulk_error(bytes)),
        Some(bytes) => complete(rest, at, end, bytes),
    }
}

/// Returns a header whose `\r` stands at `end`, once the byte behind it has arrived.
fn complete(rest: &[u8], at: usize, end: usize, number: usize) -> Result<Header, ProtocolError> {
    if end + 2 > rest.len() {
        return Ok(Header::Partial { searched: end });
    }
    Ok(Header::Complete { number, behind: at + end + 2 })
}

/// Returns what to make of a line whose end is not in sight.
fn unended(rest: &[u8], limits: &Limits, too_big: ProtocolError) -> Result<Header, ProtocolError> {
    if rest.len() > limits.inline_bytes_max {
        return Err(too_big);
    }
    Ok(Header::Partial { searched: rest.len() })
}

/// Returns the position of the `\r` that ends the line, whose first `searched` bytes hold none.
fn line_end(rest: &[u8], searched: usize) -> Option<usize> {
    let unknown = rest.get(searched..)?;
    unknown.iter().position(|&byte| byte == b'\r').map(|offset| searched + offset)
}

/// What became of a line that begins with no `*`.
enum Inline {
    Command(Parsed),
    Blank { end: usize },
    Partial { searched: usize },
}

/// Reads the inline command at `at`, which ends with `\n` or `\r\n`.
///
/// A NUL byte hides the line's end, as in the originals, so that garbage ends in an error once there is
/// enough of it instead of running as commands.
#[cold]
fn inline_command(
    buffer: &mut [u8],
    at: usize,
    searched: usize,
    limits: &Limits,
    spans: &mut Vec<Span>,
) -> Result<Inline, ProtocolError> {
    let rest = &buffer[at..];
    let found = rest[searched..].iter().position(|&byte| byte == b'\n' || byte == 0);
    let line_len = match found.map(|offset| searched + offset) {
        Some(line_len) if line_len > limits.inline_bytes_max => {
            return Err(ProtocolError::TooBigInline);
        }
        Some(line_len) if rest[line_len] == b'\n' => line_len,
        _ if rest.len() > limits.inline_bytes_max => return Err(ProtocolError::TooBigInline),
        Some(nul) => return Ok(Inline::Partial { searched: nul }),
        None => return Ok(Inline::Partial { searched: rest.len() }),
    };
    let line_end = at + line_len;
    let text_end = line_end - usize::from(rest[..line_len].ends_with(b"\r"));
    let known = spans.len();
    inline::split(buffer, at, text_end, spans)?;
    let (end, arg_count) = (line_end + 1, spans.len() - known);
    Ok(match arg_count {
        0 => Inline::Blank { end },
        _ => Inline::Command(Parsed::Command { end, arg_count }),
    })
}

#[cfg(test)]
mod tests {
    use super::{Parsed, Parser, Span};
    use crate::resp::{Limits, ProtocolError};

    type Commands = Vec<Vec<Vec<u8>>>;

    /// Feeds a stream in pieces of at most `piece` bytes, as a connection would.
    fn feed(stream: &[u8], piece: usize, limits: &Limits) -> (Commands, Option<ProtocolError>) {
        let (mut parser, mut spans, mut commands) = (Parser::default(), Vec::new(), Vec::new());
        let mut buffer = Vec::new();
        for bytes in stream.chunks(piece) {
            buffer.extend_from_slice(bytes);
            let mut at = 0;
            loop {
                spans.clear();
                match parser.next(&mut buffer, at, limits, &mut spans) {
                    Err(error) => return (commands, Some(error)),
                    Ok(Parsed::Incomplete) => break,
                    Ok(Parsed::Command { end, arg_count }) => {
                        assert_eq!(spans.len(), arg_count);
                        commands.push(spans.iter().map(|span| span.of(&buffer).to_vec()).collect());
                        at = end;
                    }
                }
            }
            let done = parser.start();
            buffer.drain(..done);
            parser.shift(done);
        }
        (commands, None)
    }

    /// Expects the same commands however the stream is cut.
    fn expect_commands(stream: &[u8], expected: &[&[&[u8]]]) {
        for piece in 1..=stream.len() {
            let (commands, error) = feed(stream, piece, &Limits::default());
            assert_eq!(
                (commands.len(), error),
                (expected.len(), None),
                "{}",
                stream.escape_ascii()
            );
            for (command, expected) in commands.iter().zip(expected) {
                assert_eq!(command, expected, "{}", stream.escape_ascii());
            }
        }
    }

    /// Expects the same error however the stream is cut.
    fn expect_error(stream: &[u8], limits: &Limits, text: &str) {
        for piece in (1..=stream.len()).filter(|piece| stream.len() < 100 || piece % 997 == 1) {
            let (_, error) = feed(stream, piece, limits);
            let error = error.unwrap_or_else(|| panic!("accepted: {}", stream.escape_ascii()));
            assert_eq!(error.to_string(), text, "{}", stream.escape_ascii());
        }
    }

    #[test]
    fn a_pipeline_is_cut_into_its_commands() {
        expect_commands(
            b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$12\r\nkey:00000001\r\n*2\r\n$1\r\nG\r\n$0\r\n\r\n",
            &[&[b"PING"], &[b"GET", b"key:00000001"], &[b"G", b""]],
        );
    }

    #[test]
    fn long_arguments_and_long_argument_lists_arrive_whole() {
        let value = vec![b'v'; 1000];
        let mut stream = b"*120\r\n".to_vec();
        for _ in 0..120 {
            stream.extend_from_slice(b"$1000\r\n");
            stream.extend_from_slice(&value);
            stream.extend_from_slice(b"\r\n");
        }
        for piece in [1, 7, 999, 1007, 1009, 16_384, stream.len()] {
            let (commands, error) = feed(&stream, piece, &Limits::default());
            assert_eq!(error, None);
            assert_eq!(commands, [vec![value.clone(); 120]]);
        }
    }

    #[test]
    fn empty_commands_are_stepped_over() {
        expect_commands(
            b"*0\r\n*-1\r\n*-5\r\n*-9223372036854775808\r\n\r\n\n  \t\r\n*1\r\n$4\r\nPING\r\n*0\r\n",
            &[&[b"PING"]],
        );
    }

    #[test]
    fn what_stands_in_place_of_line_feeds_and_behind_arguments_is_not_looked_at() {
        expect_commands(b"*1\rx$4\rxPINGxx*1\r\n$1\r\na\r\r", &[&[b"PING"], &[b"a"]]);
    }

    #[test]
    fn arguments_may_hold_any_byte() {
        expect_commands(
            b"*2\r\n$4\r\nECHO\r\n$6\r\n\r\n\0*$\xff\r\n",
            &[&[b"ECHO", b"\r\n\0*$\xff"]],
        );
    }

    #[test]
    fn inline_commands_end_with_either_line_end() {
        expect_commands(
            b"PING\nPING\r\nPING\r\r\n\t set  a\x0bb\x0cc \r\nECHO a\rb\n\x0b\x0cPING\n",
            &[
                &[b"PING"],
                &[b"PING"],
                &[b"PING"],
                &[b"set", b"a\x0bb\x0cc"],
                &[b"ECHO", b"a", b"b"],
                &[b"PING"],
            ],
        );
    }

    #[test]
    fn both_forms_of_command_mix() {
        expect_commands(b"PING\r\n*1\r\n$1\r\nx\r\nPING\n", &[&[b"PING"], &[b"x"], &[b"PING"]]);
    }

    #[test]
    fn inline_arguments_are_unquoted() {
        for (line, argument) in [
            (r#"ECHO "a\x41\n\r\t\b\a\q\"z""#, &b"aA\n\r\t\x08\x07q\"z"[..]),
            (r#"ECHO "\xfF\xg1\x4""#, b"\xffxg1x4"),
            (r#"ECHO "\x00""#, b"\0"),
            (r"ECHO 'a\'b\n'", b"a'b\\n"),
            (r#"ECHO """#, b""),
            ("ECHO ''", b""),
            (r#"ECHO a"b c""#, b"ab c"),
            (r#"ECHO a"""#, b"a"),
            (r"ECHO \x41", b"\\x41"),
            (r"ECHO \", b"\\"),
            ("ECHO \"a\"\x0b", b"a"),
            ("ECHO \"a\rb\"", b"a\rb"),
        ] {
            expect_commands(format!("{line}\r\n").as_bytes(), &[&[b"ECHO", argument]]);
        }
    }

    #[test]
    fn unbalanced_quotes_break_the_stream() {
        for line in [
            r#"ECHO "abc"#,
            r#"ECHO "abc"d"#,
            "ECHO 'abc",
            "ECHO 'abc'd",
            r#"ECHO "abc\""#,
            r#"ECHO "abc\"#,
            r"ECHO 'a\",
            r#"ECHO ""a"#,
            r#"set """test-key""" test-value"#,
            "ECHO \"",
            "ECHO '",
        ] {
            expect_error(
                format!("{line}\r\n").as_bytes(),
                &Limits::default(),
                "Protocol error: unbalanced quotes in request",
            );
        }
    }

    #[test]
    fn malformed_counts_break_the_stream() {
        for count in [
            "",
            "+1",
            "01",
            " 1",
            "1 ",
            "1a",
            "-",
            "-0",
            "00",
            "1\n",
            "1\0",
            "2147483648",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999999999",
        ] {
            expect_error(
                format!("*{count}\r\n").as_bytes(),
                &Limits::default(),
                "Protocol error: invalid multibulk length",
            );
        }
        assert_eq!(feed(b"*2147483647\r\n", 1, &Limits::default()).1, None);
    }

    #[test]
    fn malformed_lengths_break_the_stream() {
        for length in [
            "",
            "+4",
            "04",
            "00",
            "-1",
            "-0",
            "4a",
            " 4",
            "4\0",
            "536870913",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "99999999999999999999999999",
        ] {
            expect_error(
                format!("*1\r\n${length}\r\n").as_bytes(),
                &Limits::default(),
                "Protocol error: invalid bulk length",
            );
        }
        assert_eq!(feed(b"*1\r\n$536870912\r\n", 1, &Limits::default()).1, None);
    }

    #[test]
    fn the_largest_length_overflows_nothing() {
        let limits = Limits::new(usize::MAX);
        let stream = b"*2\r\n$1\r\na\r\n$9223372036854775807\r\nabc";
        assert_eq!(feed(stream, stream.len(), &limits), (vec![], None));
        assert_eq!(feed(stream, 3, &limits), (vec![], None));
    }

    #[test]
    fn an_argument_without_its_dollar_breaks_the_stream_once_its_line_ends() {
        for (stream, byte) in [("*1\r\nXPING\r", 'X'), ("*1\r\n\r", '\r'), ("*1\r\n:4\r", ':')] {
            expect_error(
                stream.as_bytes(),
                &Limits::default(),
                &format!("Protocol error: expected '$', got '{byte}'"),
            );
            assert_eq!(feed(b"*1\r\nXPING", 3, &Limits::default()).1, None);
        }
    }

    #[test]
    fn lines_that_do_not_end_break_the_stream() {
        let limits = Limits::default();
        for (start, text) in [
            ("*", "Protocol error: too big mbulk count string"),
            ("*1\r\n$", "Protocol error: too big bulk count string"),
            ("A", "Protocol error: too big inline request"),
            ("A\0\n", "Protocol error: too big inline request"),
            ("\0", "Protocol error: too big inline request"),
        ] {
            let mut stream = start.as_bytes().to_vec();
            let line_start =
                start.rfind('\n').filter(|_| start.starts_with('*')).map_or(0, |at| at + 1);
            stream.resize(line_start + limits.inline_bytes_max, b'1');
            assert_eq!(feed(&stream, 4096, &limits).1, None, "{start}");
            assert_eq!(feed(&stream, stream.len(), &limits).1, None, "{start}");
            stream.push(b'1');
            expect_error(&stream, &limits, text);
            stream.extend_from_slice(b"\r\n");
            expect_error(&stream, &limits, text);
        }
    }

    #[test]
    fn before_authentication_less_is_accepted() {
        let limits = Limits::default().before_authentication();
        for (stream, text) in [
            ("*11\r\n", "Protocol error: unauthenticated multibulk length"),
            ("*2147483648\r\n", "Protocol error: invalid multibulk length"),
            ("*1\r\n$16385\r\n", "Protocol error: unauthenticated bulk length"),
            ("*1\r\n$536870913\r\n", "Protocol error: invalid bulk length"),
        ] {
            expect_error(stream.as_bytes(), &limits, text);
        }
        let eleven = ["*11\r\n", &"$1\r\na\r\n".repeat(11)].concat();
        expect_error(
            eleven.as_bytes(),
            &limits,
            "Protocol error: unauthenticated multibulk length",
        );
        let long = ["*1\r\n$16385\r\n", &"v".repeat(16_385), "\r\n"].concat();
        expect_error(long.as_bytes(), &limits, "Protocol error: unauthenticated bulk length");
        assert_eq!(feed(b"*10\r\n$16384\r\n", 2, &limits).1, None);
    }

    #[test]
    fn the_missing_bytes_of_an_argument_are_known_once_its_header_is() {
        let (mut parser, mut spans) = (Parser::default(), Vec::new());
        let mut buffer = b"PING\r\n*2\r\n$1\r\na\r\n$20".to_vec();
        let mut next = |parser: &mut Parser, buffer: &mut Vec<u8>, at| {
            parser.next(buffer, at, &Limits::default(), &mut spans)
        };
        assert_eq!(next(&mut parser, &mut buffer, 0), Ok(Parsed::Command { end: 6, arg_count: 1 }));
        assert_eq!(next(&mut parser, &mut buffer, 6), Ok(Parsed::Incomplete));
        assert_eq!((parser.start(), parser.missing_bytes(buffer.len())), (6, 0));
        buffer.drain(..6);
        parser.shift(6);
        buffer.extend_from_slice(b"00\r\nabc");
        assert_eq!(next(&mut parser, &mut buffer, 0), Ok(Parsed::Incomplete));
        assert!(!parser.is_idle());
        assert_eq!(parser.missing_bytes(buffer.len()), 2000 - 3 + 2);
        buffer.resize(buffer.len() + 1999, b'.');
        assert_eq!(
            next(&mut parser, &mut buffer, 0),
            Ok(Parsed::Command { end: 2020, arg_count: 2 })
        );
        assert!(parser.is_idle());
        assert_eq!(spans[1..], [Span { start: 8, len: 1 }, Span { start: 18, len: 2000 }]);
    }

    #[test]
    fn earlier_spans_of_a_batch_stay() {
        let (mut parser, mut spans) = (Parser::default(), vec![Span { start: 7, len: 7 }]);
        let mut buffer = b"*2\r\n$1\r\na\r\n".to_vec();
        assert_eq!(
            parser.next(&mut buffer, 0, &Limits::default(), &mut spans),
            Ok(Parsed::Incomplete)
        );
        assert_eq!(spans, [Span { start: 7, len: 7 }]);
    }
}
