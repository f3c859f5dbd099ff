//! Identifiers of stream entries: a time in milliseconds and a number within that millisecond.

use std::fmt;

/// Longest text that is looked at as an identifier, in bytes.
const TEXT_BYTES_MAX: usize = 127;

/// The identifier of an entry; ordered by time, then by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    pub ms: u64,
    pub sequence: u64,
}

/// An identifier as XADD takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewStreamId {
    /// `*`: the clock's time, or the last entry's successor.
    Automatic,
    /// `ms-*`: the next number within a millisecond.
    Next { ms: u64 },
    /// Both numbers.
    Exact(StreamId),
}

impl StreamId {
    /// The smallest identifier; no entry has it.
    pub const MIN: Self = Self { ms: 0, sequence: 0 };
    /// The largest identifier.
    pub const MAX: Self = Self { ms: u64::MAX, sequence: u64::MAX };

    /// Returns the next identifier, if there is one.
    pub fn next(self) -> Option<Self> {
        match self.sequence.checked_add(1) {
            Some(sequence) => Some(Self { sequence, ..self }),
            None => Some(Self { ms: self.ms.checked_add(1)?, sequence: 0 }),
        }
    }

    /// Returns the identifier before, if there is one.
    pub fn previous(self) -> Option<Self> {
        match self.sequence.checked_sub(1) {
            Some(sequence) => Some(Self { sequence, ..self }),
            None => Some(Self { ms: self.ms.checked_sub(1)?, sequence: u64::MAX }),
        }
    }

    /// Returns the identifier a text spells; one without a number gets `missing_sequence`.
    pub fn parse(text: &[u8], missing_sequence: u64) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        // The originals read a text up to its first zero byte.
        let text = text.split(|&byte| byte == 0).next()?;
        match text.iter().position(|&byte| byte == b'-') {
            None => Some(Self { ms: parse_part(text)?, sequence: missing_sequence }),
            Some(dash) => {
                let (ms, sequence) = (parse_part(&text[..dash])?, parse_part(&text[dash + 1..])?);
                Some(Self { ms, sequence })
            }
        }
    }

    /// Returns the text.
    #[inline]
    pub fn text(self) -> StreamIdText {
        StreamIdText::new(self)
    }
}

impl NewStreamId {
    /// Returns what a text asks for.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text == b"*" {
            return Some(Self::Automatic);
        }
        match text.strip_suffix(b"-*").filter(|ms| !ms.contains(&b'-')) {
            Some(ms) if text.len() <= TEXT_BYTES_MAX => Some(Self::Next { ms: parse_part(ms)? }),
            _ => StreamId::parse(text, 0).map(Self::Exact),
        }
    }
}

/// Returns the number of one part, with all the freedom that C's `strtoull` allows: spaces and a sign
/// before it, leading zeros.
fn parse_part(text: &[u8]) -> Option<u64> {
    const SPACES: &[u8] = b" \t\n\x0b\x0c\r";
    if let Some(number) = crate::base::text::parse_u64(text) {
        return Some(number);
    }
    if crate::base::text::parse_i64(text).is_some_and(|number| number < 0) {
        return None;
    }
    let start = text.iter().position(|byte| !SPACES.contains(byte))?;
    let (is_negative, digits) = match text[start] {
        b'-' => (true, &text[start + 1..]),
        b'+' => (false, &text[start + 1..]),
        _ => (false, &text[start..]),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number: u64 = 0;
    for &byte in digits {
        let digit = char::from(byte).to_digit(10)?;
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// The text of an identifier, on the stack.
#[derive(Clone, Copy)]
pub struct StreamIdText {
    bytes: [u8; 41],
    length: u8,
}

impl StreamIdText {
    fn new(id: StreamId) -> Self {
        let mut bytes = [0; 41];
        let mut digits = itoa::Buffer::new();
        let ms = digits.format(id.ms).as_bytes();
        let dash = ms.len();
        bytes[..dash].copy_from_slice(ms);
        bytes[dash] = b'-';
        let sequence = digits.format(id.sequence).as_bytes();
        let end = dash + 1 + sequence.len();
        bytes[dash + 1..end].copy_from_slice(sequence);
        Self { bytes, length: u8::try_from(end).expect("two numbers of 20 digits and a dash") }
    }

    /// Returns the bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.ms, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::{NewStreamId, StreamId};

    fn id(ms: u64, sequence: u64) -> StreamId {
        StreamId { ms, sequence }
    }

    #[test]
    fn an_identifier_reads_back_as_it_is_written() {
        for wanted in [StreamId::MIN, StreamId::MAX, id(5, 3), id(1_700_000_000_000, 1)] {
            assert_eq!(StreamId::parse(wanted.text().as_bytes(), 9), Some(wanted));
            assert_eq!(wanted.to_string().as_bytes(), wanted.text().as_bytes());
        }
        assert_eq!(StreamId::parse(b"7", 9), Some(id(7, 9)));
        assert_eq!(StreamId::parse(b"007-+01", 9), Some(id(7, 1)));
    }

    #[test]
    fn other_texts_are_no_identifiers() {
        for text in ["", "-", "+", "a", "1-", "-1", "1--1", "1-a", "1-2-3", "18446744073709551616"]
        {
            assert_eq!(StreamId::parse(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn new_identifiers_may_be_left_to_the_server() {
        assert_eq!(NewStreamId::parse(b"*"), Some(NewStreamId::Automatic));
        assert_eq!(NewStreamId::parse(b"5-*"), Some(NewStreamId::Next { ms: 5 }));
        assert_eq!(NewStreamId::parse(b"5"), Some(NewStreamId::Exact(id(5, 0))));
        assert_eq!(NewStreamId::parse(b"*-1"), None);
        assert_eq!(NewStreamId::parse(b"-*"), None);
    }

    #[test]
    fn neighbours_carry_between_the_two_numbers() {
        assert_eq!(id(1, u64::MAX).next(), Some(id(2, 0)));
        assert_eq!(id(2, 0).previous(), Some(id(1, u64::MAX)));
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::MIN.previous(), None);
    }
}
