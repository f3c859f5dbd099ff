//! The lines that announce numbers: `*` and the count of arguments, `$` and the length of one.
//!
//! These are the rules in full; `short` knows the common ones by heart.

use crate::base::text;

use super::{Limits, ProtocolError, short};

/// A line that announces a number.
pub(super) enum Header {
    /// The number (0 for a negative count), and the position behind the line.
    Complete { number: usize, behind: usize },
    /// The line's end is not among its first `searched` bytes, which is all there is.
    Partial { searched: usize },
    /// The buffer ends here, or, for a count, the line is not one.
    Absent,
}

/// Reads the `*` line at `at`.
pub(super) fn count_header(
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
pub(super) fn bulk_header(
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
