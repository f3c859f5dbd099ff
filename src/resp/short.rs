//! The shape nearly all commands have: not many arguments, and plain numbers in front of them.
//!
//! Reads a command that has arrived whole and has this shape, and leaves every other one, and all of
//! the rules, to the parser proper. It keeps no progress, and so has none to look after.

use super::{Limits, Span};

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

/// Appends the spans of the arguments at `rest`, which is the end of a buffer of `buffer_len` bytes;
/// returns the position behind them.
#[inline]
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
#[inline]
pub(super) fn number(kind: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
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
