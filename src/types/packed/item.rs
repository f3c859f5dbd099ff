//! One item of a packed sequence, and its bytes.

use crate::base::text;
use crate::types::IntegerText;

/// Ends a packed sequence.
pub(in crate::types) const TERMINATOR: u8 = 0xFF;

const TEXT_6: u8 = 0x80;
const INTEGER_13: u8 = 0xC0;
const TEXT_12: u8 = 0xE0;
const TEXT_32: u8 = 0xF0;
const INTEGER_16: u8 = 0xF1;
const INTEGER_24: u8 = 0xF2;
const INTEGER_32: u8 = 0xF3;
const INTEGER_64: u8 = 0xF4;

/// An item: an integer, or a text that is no integer's one spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    Integer(i64),
    Text(&'a [u8]),
}

impl From<i64> for Item<'_> {
    #[inline]
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl<'a> From<&'a [u8]> for Item<'a> {
    /// Returns the stored form of a text: an integer where it is the one spelling of it.
    #[inline]
    fn from(text: &'a [u8]) -> Self {
        match integer_of(text) {
            Some(integer) => Self::Integer(integer),
            None => Self::Text(text),
        }
    }
}

impl<'a> Item<'a> {
    /// Returns the bytes, writing an integer's digits into `digits`.
    #[inline]
    pub fn bytes<'b>(self, digits: &'b mut IntegerText) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Integer(integer) => digits.format(integer).as_bytes(),
            Self::Text(bytes) => bytes,
        }
    }

    /// Returns the length as text, in bytes.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Self::Integer(_) => self.bytes(&mut IntegerText::new()).len(),
            Self::Text(bytes) => bytes.len(),
        }
    }

    /// Says whether the text is empty.
    pub fn is_empty(self) -> bool {
        matches!(self, Self::Text([]))
    }

    /// Says whether this item is `text`.
    #[inline]
    pub fn equals(self, text: &[u8]) -> bool {
        self.bytes(&mut IntegerText::new()) == text
    }

    /// Returns the integer this item is.
    #[inline]
    pub fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Text(text) => integer_of(text),
        }
    }

    /// Returns how many bytes the item takes in a packed sequence.
    #[inline]
    pub fn encoded_bytes(self) -> usize {
        let bytes = match self {
            Self::Integer(integer) => integer_bytes(integer),
            Self::Text(text) => text_head_bytes(text.len()) + text.len(),
        };
        bytes + back_length_bytes(bytes)
    }

    /// Appends the entry to bytes that a type of its own arranges.
    #[inline]
    pub(in crate::types) fn append_to(self, out: &mut Vec<u8>) {
        let at = out.len();
        out.resize(at + self.encoded_bytes(), 0);
        self.write(&mut out[at..]);
    }

    /// Writes the entry into `gap`, which has exactly its size.
    #[inline]
    pub(in crate::types) fn write(self, gap: &mut [u8]) {
        let bytes = match self {
            Self::Integer(integer) => write_integer(integer, gap),
            Self::Text(text) => write_text(text, gap),
        };
        write_back_length(bytes, &mut gap[bytes..]);
    }
}

/// Returns the integer that a text is the one spelling of.
#[inline]
pub(super) fn integer_of(text: &[u8]) -> Option<i64> {
    let first = *text.first()?;
    if text.len() > text::INTEGER_TEXT_BYTES_MAX || !(first.is_ascii_digit() || first == b'-') {
        return None;
    }
    text::parse_i64(text)
}

/// Returns how many bytes a text of some length takes in a packed sequence if it is no integer.
#[inline]
pub(super) const fn text_head_bytes(length: usize) -> usize {
    if length < 64 {
        1
    } else if length < 4096 {
        2
    } else {
        5
    }
}

#[inline]
const fn integer_bytes(integer: i64) -> usize {
    match integer {
        0..=127 => 1,
        -4096..=4095 => 2,
        -32_768..=32_767 => 3,
        -8_388_608..=8_388_607 => 4,
        -2_147_483_648..=2_147_483_647 => 5,
        _ => 9,
    }
}

#[inline]
fn write_integer(integer: i64, gap: &mut [u8]) -> usize {
    let bytes = integer_bytes(integer);
    let little = integer.to_le_bytes();
    match bytes {
        1 => gap[0] = little[0],
        2 => {
            gap[0] = INTEGER_13 | (little[1] & 0x1F);
            gap[1] = little[0];
        }
        _ => {
            gap[0] = match bytes {
                3 => INTEGER_16,
                4 => INTEGER_24,
                5 => INTEGER_32,
                _ => INTEGER_64,
            };
            gap[1..bytes].copy_from_slice(&little[..bytes - 1]);
        }
    }
    bytes
}

#[inline]
fn write_text(text: &[u8], gap: &mut [u8]) -> usize {
    let head = text_head_bytes(text.len());
    let length = (text.len() as u64).to_le_bytes();
    match head {
        1 => gap[0] = TEXT_6 | length[0],
        2 => {
            gap[0] = TEXT_12 | length[1];
            gap[1] = length[0];
        }
        _ => {
            gap[0] = TEXT_32;
            gap[1..5].copy_from_slice(&length[..4]);
        }
    }
    gap[head..head + text.len()].copy_from_slice(text);
    head + text.len()
}

/// Returns how many bytes the back-length of an entry of `bytes` takes; the odd bounds are the format's.
#[inline]
pub(super) const fn back_length_bytes(bytes: usize) -> usize {
    if bytes <= 127 {
        1
    } else if bytes < 16_383 {
        2
    } else if bytes < 2_097_151 {
        3
    } else if bytes < 268_435_455 {
        4
    } else {
        5
    }
}

/// Writes seven bits a byte, most significant first; all bytes but the first are marked.
#[inline]
fn write_back_length(bytes: usize, gap: &mut [u8]) {
    let count = back_length_bytes(bytes);
    let mut rest = bytes;
    for index in (0..count).rev() {
        let mark = if index == 0 { 0 } else { 0x80 };
        gap[index] = (rest & 0x7F).to_le_bytes()[0] | mark;
        rest >>= 7;
    }
}

/// Returns the back-length that ends before `end`, and how many bytes it takes itself; `None` when it
/// has no first byte.
#[inline]
pub(super) fn back_length(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let last = *bytes.get(end.wrapping_sub(1))?;
    if last < 0x80 {
        return Some((usize::from(last), 1));
    }
    let mut length = usize::from(last & 0x7F);
    for count in 1..5 {
        let byte = *bytes.get(end.checked_sub(count + 1)?)?;
        length |= usize::from(byte & 0x7F) << (7 * count);
        if byte < 0x80 {
            return Some((length, count + 1));
        }
    }
    None
}

/// Where the data of an entry lies: the bytes before it, and its own.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) head_bytes: usize,
    pub(super) data_bytes: usize,
}

impl Extent {
    /// Returns the size of the entry with its back-length.
    #[inline]
    pub(super) const fn entry_bytes(self) -> usize {
        let bytes = self.head_bytes + self.data_bytes;
        bytes + back_length_bytes(bytes)
    }
}

/// Returns the extent of the entry at `at`; `None` for the terminator, an unknown encoding and the end
/// of the bytes.
#[inline]
pub(super) fn extent(bytes: &[u8], at: usize) -> Option<Extent> {
    let head = *bytes.get(at)?;
    let (head_bytes, data_bytes) = match head {
        0..TEXT_6 => (1, 0),
        TEXT_6..INTEGER_13 => (1, usize::from(head & 0x3F)),
        INTEGER_13..TEXT_12 => (2, 0),
        TEXT_12..TEXT_32 => (2, usize::from(head & 0x0F) << 8 | usize::from(*bytes.get(at + 1)?)),
        TEXT_32 => {
            let length = bytes.get(at + 1..at + 5)?.first_chunk().copied()?;
            (5, u32::from_le_bytes(length) as usize)
        }
        INTEGER_16 => (1, 2),
        INTEGER_24 => (1, 3),
        INTEGER_32 => (1, 4),
        INTEGER_64 => (1, 8),
        _ => return None,
    };
    Some(Extent { head_bytes, data_bytes })
}

/// Returns the size of the entry at `at`, zero for the terminator.
#[inline(always)]
pub(in crate::types) fn entry_bytes(bytes: &[u8], at: usize) -> usize {
    let head = bytes[at];
    if head < TEXT_6 {
        2
    } else if head < INTEGER_13 {
        usize::from(head & 0x3F) + 2
    } else {
        extent(bytes, at).map_or(0, Extent::entry_bytes)
    }
}

/// Returns the item of the valid entry at `at` and where the next one starts.
#[inline(always)]
pub(super) fn step(bytes: &[u8], at: usize) -> (Item<'_>, usize) {
    let head = bytes[at];
    let (start, length) = match head {
        0..TEXT_6 => return (Item::Integer(i64::from(head)), at + 2),
        TEXT_6..INTEGER_13 => (at + 1, usize::from(head & 0x3F)),
        TEXT_12..TEXT_32 => (at + 2, usize::from(head & 0x0F) << 8 | usize::from(bytes[at + 1])),
        _ => return step_over_others(bytes, at),
    };
    let end = start + length;
    (Item::Text(&bytes[start..end]), end + back_length_bytes(end - at))
}

#[inline(never)]
fn step_over_others(bytes: &[u8], at: usize) -> (Item<'_>, usize) {
    (decode(bytes, at), at + entry_bytes(bytes, at))
}

/// Returns the item of the valid entry at `at`; the terminator reads as an empty text.
#[inline]
pub(in crate::types) fn decode(bytes: &[u8], at: usize) -> Item<'_> {
    let head = bytes[at];
    if head < TEXT_6 {
        return Item::Integer(i64::from(head));
    }
    let Some(extent) = extent(bytes, at) else { return Item::Text(&[]) };
    let data = &bytes[at + extent.head_bytes..][..extent.data_bytes];
    match head {
        INTEGER_13..TEXT_12 => {
            let bits = u16::from_be_bytes([head & 0x1F, bytes[at + 1]]);
            // The sign is bit 12: bring it to the top and back.
            Item::Integer(i64::from((bits << 3).cast_signed() >> 3))
        }
        INTEGER_16..=INTEGER_64 => Item::Integer(signed(data)),
        _ => Item::Text(data),
    }
}

/// Returns the little-endian signed integer of at most eight bytes.
#[inline]
fn signed(data: &[u8]) -> i64 {
    let mut wide = [0; 8];
    wide[8 - data.len()..].copy_from_slice(data);
    i64::from_le_bytes(wide) >> (64 - 8 * data.len())
}

#[cfg(test)]
mod tests {
    use super::{Item, back_length, decode, entry_bytes};

    fn entry(item: Item<'_>) -> Vec<u8> {
        let mut bytes = vec![0; item.encoded_bytes()];
        item.write(&mut bytes);
        bytes
    }

    #[test]
    fn integers_take_the_bytes_of_the_format() {
        assert_eq!(entry(Item::Integer(127)), [127, 1]);
        assert_eq!(entry(Item::Integer(-1)), [0xDF, 0xFF, 2]);
        assert_eq!(entry(Item::Integer(128)), [0xC0, 0x80, 2]);
        assert_eq!(entry(Item::Integer(4096)), [0xF1, 0x00, 0x10, 3]);
        assert_eq!(entry(Item::Integer(-32_769)), [0xF2, 0xFF, 0x7F, 0xFF, 4]);
        assert_eq!(entry(Item::Integer(1 << 23)), [0xF3, 0, 0, 0x80, 0, 5]);
        assert_eq!(entry(Item::Integer(1 << 31)), [0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]);
        for bits in 0..63 {
            for integer in [1_i64 << bits, (1 << bits) - 1, -(1 << bits), -(1 << bits) - 1] {
                let bytes = entry(Item::Integer(integer));
                assert_eq!(decode(&bytes, 0), Item::Integer(integer));
                assert_eq!(entry_bytes(&bytes, 0), bytes.len());
            }
        }
        assert_eq!(decode(&entry(Item::Integer(i64::MIN)), 0), Item::Integer(i64::MIN));
    }

    #[test]
    fn texts_take_the_bytes_of_the_format() {
        assert_eq!(entry(Item::Text(b"ab")), [0x82, b'a', b'b', 3]);
        assert_eq!(entry(Item::Text(&[7; 300]))[..2], [0xE1, 0x2C]);
        assert_eq!(entry(Item::Text(&[7; 300]))[302..], [0x02, 0x80 | 46]);
        for length in [0, 1, 63, 64, 4095, 4096, 16_376, 16_377, 16_378, 16_379, 2_097_145] {
            let text = vec![b'x'; length];
            let bytes = entry(Item::Text(&text));
            assert_eq!(decode(&bytes, 0), Item::Text(&text));
            assert_eq!(entry_bytes(&bytes, 0), bytes.len());
            let (back, own) = back_length(&bytes, bytes.len()).expect("it is whole");
            assert_eq!(back + own, bytes.len());
        }
    }

    #[test]
    fn only_the_one_spelling_of_an_integer_becomes_one() {
        assert_eq!(Item::from(b"-12".as_slice()), Item::Integer(-12));
        for text in ["", "-", "012", "+1", "1.0", "-0", "99999999999999999999"] {
            assert_eq!(Item::from(text.as_bytes()), Item::Text(text.as_bytes()));
        }
        assert!(Item::Integer(-12).equals(b"-12") && !Item::Integer(12).equals(b"012"));
    }
}
