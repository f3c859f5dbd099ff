//! The shape nearly all commands have: not many arguments, and plain numbers in front of them.
//!
//! Reads a command that has arrived whole and has this shape, and leaves every other one, and all of
//! the rules, to the parser proper. It keeps no progress, and so has none to look after.

use super::{Limits, Span};
use crate::base::equal::is_same;

/// Arguments of a command that is read here: room for as many is made on the word of its first line.
const COUNT_MAX: usize = 64;
/// Digits of a number that is read here; a number of so many overflows nothing.
const DIGITS_MAX: usize = 10;

/// Parses the command at `buffer[at..]` if it is short and whole: appends its spans, and returns the
/// position behind it and the number of its arguments. Otherwise `spans` is as it was.
#[inline]
pub(super) fn command(
    buffer: &[u8],
    at: usize,
    limits: &Limits,
    spans: &mut Vec<Span>,
) -> Option<(usize, usize)> {
    let (arg_count, rest) = number(b'*', buffer.get(at..)?)?;
    if arg_count == 0 || arg_count > limits.multibulk_count_max.min(COUNT_MAX) {
        return None;
    }
    let known = spans.len();
    spans.reserve(arg_count);
    match arguments(buffer.len(), rest, arg_count, limits.bulk_bytes_max, spans) {
        Some(end) => Some((end, arg_count)),
        None => {
            spans.truncate(known);
            None
        }
    }
}

/// How a command begins, up to the line end behind its name: the next one often begins alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// Position of the first byte in the buffer.
    start: usize,
    /// Number of bytes; 0 before the first command.
    len: usize,
    name: Span,
    arg_count: usize,
}

impl Opening {
    /// Returns how a command at `start` begins whose first argument is `name`.
    #[inline]
    pub(super) fn new(start: usize, name: Span, arg_count: usize) -> Self {
        Self { start, len: name.start + name.len + 2 - start, name, arg_count }
    }

    /// Parses the command at `buffer[at..]` if it begins alike, has the same number of arguments, and is
    /// short and whole, as [`command`] does under the same limits.
    #[inline]
    pub(super) fn command(
        &self,
        buffer: &[u8],
        at: usize,
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Option<(usize, usize)> {
        if self.len == 0 {
            return None;
        }
        let (begin, rest) = buffer.get(at..)?.split_at_checked(self.len)?;
        if !is_same(begin, buffer.get(self.start..self.start + self.len)?) {
            return None;
        }
        let known = spans.len();
        spans.reserve(self.arg_count);
        spans.push(Span { start: at + (self.name.start - self.start), len: self.name.len });
        match arguments(buffer.len(), rest, self.arg_count - 1, limits.bulk_bytes_max, spans) {
            Some(end) => Some((end, self.arg_count)),
            None => {
                spans.truncate(known);
                None
            }
        }
    }
}

/// Appends the spans of the arguments at `rest`, which is the end of a buffer of `buffer_len` bytes;
/// returns the position behind them.
#[inline(always)]
fn arguments(
    buffer_len: usize,
    mut rest: &[u8],
    arg_count: usize,
    bulk_bytes_max: usize,
    spans: &mut Vec<Span>,
) -> Option<usize> {
    for _ in 0..arg_count {
        let (len, text) = number(b'$', rest)?;
        if len > bulk_bytes_max {
            return None;
        }
        rest = text.get(len + 2..)?;
        spans.push(Span { start: buffer_len - text.len(), len });
    }
    Some(buffer_len - rest.len())
}

/// Reads the number of a line that begins with `kind`, if it is a plain one; returns it and what
/// follows the line.
#[inline(always)]
pub(super) fn number(kind: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    // Nearly always there are eight bytes, which are looked at together.
    let Some((&[first, tens, ones, line_end, ..], _)) = rest.split_first_chunk::<8>() else {
        return number_at_end(kind, rest);
    };
    if first != kind {
        return None;
    }
    let (tens, digit_behind) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if line_end == b'\r' && (1..=9).contains(&tens) && digit_behind <= 9 {
        Some((usize::from(tens) * 10 + usize::from(digit_behind), &rest[5..]))
    } else if ones == b'\r' && tens <= 9 {
        Some((usize::from(tens), &rest[4..]))
    } else if (1..=9).contains(&tens) {
        long_number(rest)
    } else {
        None
    }
}

/// The same near the end of a buffer.
#[inline(never)]
fn number_at_end(kind: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    match rest {
        [first, ..] if *first != kind => None,
        [_, a @ b'0'..=b'9', b'\r', _, behind @ ..] => Some((digit(*a), behind)),
        [_, a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', _, behind @ ..] => {
            Some((digit(*a) * 10 + digit(*b), behind))
        }
        [_, b'1'..=b'9', ..] => long_number(rest),
        _ => None,
    }
}

/// Reads the number of a line of three digits and more.
// Not inlined: that costs the shorter ones 2 ns.
#[inline(never)]
fn long_number(rest: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for (index, &byte) in rest.iter().enumerate().skip(1).take(DIGITS_MAX + 1) {
        match byte {
            b'0'..=b'9' => number = number * 10 + digit(byte),
            b'\r' => return Some((number, rest.get(index + 2..)?)),
            _ => return None,
        }
    }
    None
}

/// Returns the value of a decimal digit.
fn digit(text: u8) -> usize {
    usize::from(text - b'0')
}
