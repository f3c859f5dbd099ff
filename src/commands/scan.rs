//! What SCAN, SSCAN, HSCAN and ZSCAN have in common: cursors, options, the shape of the reply.

use crate::base::{glob, text};
use crate::engine::{CommandError, Context};
use crate::resp::ReplyBuffer;

/// Elements that one call looks at unless COUNT says otherwise.
const DEFAULT_COUNT: usize = 10;

/// What is walked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScanOf {
    Keys,
    /// Of a hash.
    Fields,
    /// Of a set.
    Members,
    /// Of a sorted set, with their scores.
    ScoredMembers,
}

/// What a scan looks for.
pub(super) struct ScanOptions<'a> {
    pub(super) count: usize,
    /// `None` when everything matches.
    pattern: Option<&'a [u8]>,
    /// Of keys.
    pub(super) type_name: Option<&'a [u8]>,
    /// Fields without their values, members without their scores.
    pub(super) no_values: bool,
}

impl<'a> ScanOptions<'a> {
    /// Reads the options from an argument on.
    ///
    /// # Errors
    /// Unknown ones, a count that is none.
    pub(super) fn parse(
        context: &Context<'a>,
        first: usize,
        of: ScanOf,
    ) -> Result<Self, CommandError> {
        const NOT_HERE: CommandError =
            CommandError::refused("ERR NOVALUES option can only be used in HSCAN");
        let args = context.args;
        let mut options =
            Self { count: DEFAULT_COUNT, pattern: None, type_name: None, no_values: false };
        let mut index = first;
        while index < args.len() {
            if args.is_word(index, "NOVALUES") {
                if of != ScanOf::Fields {
                    return Err(NOT_HERE);
                }
                options.no_values = true;
                index += 1;
                continue;
            }
            if of == ScanOf::ScoredMembers && args.is_word(index, "NOSCORES") {
                options.no_values = true;
                index += 1;
                continue;
            }
            let value = args.get(index + 1).ok_or(CommandError::Syntax)?;
            if args.is_word(index, "COUNT") {
                let count = context.integer(index + 1)?;
                let positive = usize::try_from(count).ok().filter(|&count| count > 0);
                options.count = positive.ok_or(CommandError::Syntax)?;
            } else if args.is_word(index, "MATCH") {
                options.pattern = (value != b"*").then_some(value);
            } else if args.is_word(index, "TYPE") && of == ScanOf::Keys {
                options.type_name = Some(value);
            } else {
                return Err(CommandError::Syntax);
            }
            index += 2;
        }
        Ok(options)
    }

    /// Says whether a name is wanted.
    #[inline]
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, name, false))
    }
}

/// Returns the cursor a text spells: an integer, or else what C's `strtoull` reads up to a zero byte,
/// behind spaces and a sign, if any.
///
/// # Errors
/// It spells none.
pub(super) fn parse_cursor(text: &[u8]) -> Result<u64, CommandError> {
    const BAD_CURSOR: CommandError = CommandError::refused("ERR invalid cursor");
    let cursor = match text::parse_i64(text) {
        Some(number) => u64::try_from(number).ok(),
        None => read_as_c(text::before_zero(text)),
    };
    cursor.ok_or(BAD_CURSOR)
}

fn read_as_c(text: &[u8]) -> Option<u64> {
    let trimmed = text.trim_ascii_start();
    let (is_negative, digits) = match trimmed.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, trimmed),
    };
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    let significant = &digits[zeros..];
    let number = if significant.is_empty() && zeros > 0 {
        0
    } else {
        text::parse_u64(significant).filter(|_| !significant.is_empty())?
    };
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// Replies with the cursor, which is known only behind the `count` elements found before it.
pub(super) fn reply_step(reply: &mut ReplyBuffer, next: u64, count: usize, found: ReplyBuffer) {
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(next).as_bytes());
    reply.array(count);
    reply.append(found);
}

#[cfg(test)]
mod tests {
    use super::parse_cursor;

    #[test]
    fn cursors_are_read_as_c_reads_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("00", Some(0)),
            ("+0", Some(0)),
            (" 0", Some(0)),
            ("007", Some(7)),
            (" -1", Some(u64::MAX)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("-0", Some(0)),
            ("-01", Some(u64::MAX)),
            ("7\0x", Some(7)),
            ("\0", None),
            ("", None),
            ("+", None),
            ("x", None),
            ("0x", None),
            ("0 ", None),
        ] {
            assert_eq!(parse_cursor(text.as_bytes()).ok(), expected, "{text:?}");
        }
    }
}
