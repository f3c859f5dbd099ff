//! Inline commands: one line of text, split at blanks, with quotes and escapes, as people type it
//! into telnet.
//!
//! An escape is never shorter than the byte it stands for, so that arguments are unescaped in place
//! and an argument stays a span of the buffer like any other.

use super::{Limits, ProtocolError, Span};

/// What became of a line that begins with no `*`.
pub(super) enum Inline {
    /// A command whose spans were appended.
    Command { end: usize, arg_count: usize },
    /// Nothing but blanks.
    Blank { end: usize },
    /// The line's end is not among its first `searched` bytes.
    Partial { searched: usize },
}

/// Reads the inline command at `at`, which ends with `\n` or `\r\n`.
///
/// A NUL byte hides the line's end, as in the originals, so that garbage ends in an error once there is
/// enough of it instead of running as commands.
#[cold]
pub(super) fn command(
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
    split(buffer, at, text_end, spans)?;
    let (end, arg_count) = (line_end + 1, spans.len() - known);
    Ok(match arg_count {
        0 => Inline::Blank { end },
        _ => Inline::Command { end, arg_count },
    })
}

/// Splits the line `buffer[at..line_end]` (without its line end) into arguments, unescapes them in
/// place and appends their spans.
///
/// The line must hold no NUL byte.
///
/// # Errors
/// [`ProtocolError::UnbalancedQuotes`]; the line is then partly overwritten.
fn split(
    buffer: &mut [u8],
    at: usize,
    line_end: usize,
    spans: &mut Vec<Span>,
) -> Result<(), ProtocolError> {
    let line = &mut buffer[..line_end];
    let mut read = at;
    loop {
        while line.get(read).is_some_and(|&byte| is_space(byte)) {
            read += 1;
        }
        if read >= line.len() {
            return Ok(());
        }
        let mut word = Word { start: read, write: read, read };
        word.unescape(line)?;
        spans.push(Span { start: word.start, len: word.write - word.start });
        read = word.read;
    }
}

/// One argument on its way from raw text at `read` to plain text at `start..write`.
struct Word {
    start: usize,
    write: usize,
    read: usize,
}

impl Word {
    /// Moves the word's plain text to its start, and `read` behind the word.
    fn unescape(&mut self, line: &mut [u8]) -> Result<(), ProtocolError> {
        while let Some(&byte) = line.get(self.read) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => break,
                b'"' => return self.double_quoted(line),
                b'\'' => return self.single_quoted(line),
                _ => self.put(line, byte, 1),
            }
        }
        Ok(())
    }

    /// Copies up to the closing `"`, which ends the word; knows `\n`, `\r`, `\t`, `\b`, `\a` and `\xhh`.
    fn double_quoted(&mut self, line: &mut [u8]) -> Result<(), ProtocolError> {
        self.read += 1;
        loop {
            match line[self.read..] {
                [] => return Err(ProtocolError::UnbalancedQuotes),
                [b'\\', b'x', high, low, ..]
                    if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
                {
                    self.put(line, hex_digit(high) << 4 | hex_digit(low), 4);
                }
                [b'\\', letter, ..] => self.put(line, escaped(letter), 2),
                [b'"', ..] => return self.close(line),
                [byte, ..] => self.put(line, byte, 1),
            }
        }
    }

    /// Copies up to the closing `'`, which ends the word; knows `\'` only.
    fn single_quoted(&mut self, line: &mut [u8]) -> Result<(), ProtocolError> {
        self.read += 1;
        loop {
            match line[self.read..] {
                [] => return Err(ProtocolError::UnbalancedQuotes),
                [b'\\', b'\'', ..] => self.put(line, b'\'', 2),
                [b'\'', ..] => return self.close(line),
                [byte, ..] => self.put(line, byte, 1),
            }
        }
    }

    /// Steps over a closing quote, behind which only a blank or the line's end may stand.
    fn close(&mut self, line: &[u8]) -> Result<(), ProtocolError> {
        self.read += 1;
        match line.get(self.read) {
            Some(&byte) if !is_space(byte) => Err(ProtocolError::UnbalancedQuotes),
            _ => Ok(()),
        }
    }

    fn put(&mut self, line: &mut [u8], byte: u8, raw_bytes: usize) {
        line[self.write] = byte;
        self.write += 1;
        self.read += raw_bytes;
    }
}

/// What C's `isspace` says of a byte: unlike Rust's notion, it includes the vertical tab.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn escaped(letter: u8) -> u8 {
    match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

/// Returns the value of a hexadecimal digit.
fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}
