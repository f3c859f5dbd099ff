//! Finding a text in a packed sequence: the hot path of small hashes, sets and sorted sets.
//!
//! Nearly all entries that are looked at are not the wanted one, so each is refused by one comparison
//! of up to eight bytes: the last ones of its data, where related names differ. The buffer's header makes
//! those eight bytes readable for the first entry too.

use super::entries::{At, Entries, HEADER_BYTES};
use super::item::{self, Item, TERMINATOR};

/// The first bytes of texts below 64 bytes.
const SHORT_TEXT: std::ops::Range<u8> = 0x80..0xC0;

const _: () = assert!(HEADER_BYTES + 1 + 1 >= 8, "eight bytes end with any non-empty data");

/// What is looked for, made ready once.
pub(in crate::types) struct Wanted<'a> {
    text: &'a [u8],
    integer: Option<i64>,
    /// The last eight bytes, or all of fewer, in the upper end.
    tail: u64,
    /// The bytes that a shorter text has fewer, in bits.
    shift: u32,
}

impl<'a> Wanted<'a> {
    /// Returns a text made ready to be looked for.
    pub(in crate::types) fn new(text: &'a [u8]) -> Self {
        let count = text.len().min(8);
        let mut tail = [0; 8];
        tail[8 - count..].copy_from_slice(&text[text.len() - count..]);
        let shift = if count == 0 { 0 } else { 64 - 8 * u32::try_from(count).unwrap_or(8) };
        let tail = u64::from_le_bytes(tail) >> shift;
        Self { text, integer: item::integer_of(text), tail, shift }
    }

    /// Says whether the short text whose `length` bytes end at `end` is the wanted one.
    #[inline(always)]
    fn is_at(&self, bytes: &[u8], length: usize, end: usize) -> bool {
        if length != self.text.len() {
            return false;
        }
        if length == 0 {
            return true;
        }
        let window = bytes[end - 8..end].first_chunk().copied().unwrap_or_default();
        if u64::from_le_bytes(window) >> self.shift != self.tail {
            return false;
        }
        length <= 8 || bytes[end - length..end - 8] == self.text[..length - 8]
    }

    /// Says whether an item is the wanted text.
    #[inline]
    pub(in crate::types) fn is_item(&self, item: Item<'_>) -> bool {
        match item {
            Item::Integer(integer) => self.integer == Some(integer),
            Item::Text(text) => text == self.text,
        }
    }
}

impl Entries<'_> {
    /// Returns the first entry from `from` on that is the wanted text; see [`super::Packed::find`].
    pub(in crate::types) fn find(self, from: At, wanted: &Wanted<'_>, skip: usize) -> Option<At> {
        let bytes = self.0;
        let mut offset = from.offset();
        loop {
            let head = bytes[offset];
            let next = if SHORT_TEXT.contains(&head) {
                let length = usize::from(head & 0x3F);
                let end = offset + 1 + length;
                if wanted.is_at(bytes, length, end) {
                    return Some(At::new(offset));
                }
                end + 1
            } else if head == TERMINATOR {
                return None;
            } else {
                if wanted.is_item(item::decode(bytes, offset)) {
                    return Some(At::new(offset));
                }
                offset + item::entry_bytes(bytes, offset)
            };
            offset = next;
            for _ in 0..skip {
                offset += item::entry_bytes(bytes, offset);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::types::Packed;

    #[test]
    fn texts_of_every_length_are_found_and_told_apart() {
        let text = |length: usize, tag: u8| {
            let mut text = vec![b'x'; length];
            if let Some(last) = text.first_mut() {
                *last = tag;
            }
            text
        };
        let texts: Vec<Vec<u8>> = (0..200).map(|length| text(length, b'a')).collect();
        let packed: Packed = texts.iter().map(Vec::as_slice).collect();
        let first = packed.first().expect("there are some");
        for length in 0..200_usize {
            let at = packed.find(first, &text(length, b'a'), 0);
            assert_eq!(at, packed.at_index(i64::try_from(length).expect("small")), "{length}");
            let other = packed.find(first, &text(length, b'b'), 0);
            assert_eq!(other.is_some(), length == 0, "{length}");
        }
    }

    #[test]
    fn integers_are_found_by_their_one_spelling() {
        let texts = [5, -5, 300, -70_000, i64::MAX, i64::MIN].map(|integer| integer.to_string());
        let packed: Packed = texts.iter().map(String::as_bytes).collect();
        let first = packed.first().expect("there are some");
        for (index, text) in texts.iter().enumerate() {
            let at = packed.find(first, text.as_bytes(), 0).expect("it is there");
            assert!(packed.item(at).equals(text.as_bytes()), "{index}");
        }
        for text in ["05", "6", "-6", "+5", "", "5 "] {
            assert_eq!(packed.find(first, text.as_bytes(), 0), None);
        }
    }

    #[test]
    fn skipped_entries_do_not_match() {
        let packed: Packed =
            ["a", "b", "b", "1", "2", "a"].map(str::as_bytes).into_iter().collect();
        let first = packed.first().expect("there are some");
        assert_eq!(packed.find(first, b"b", 1), packed.at_index(2));
        assert_eq!(packed.find(first, b"2", 1), packed.at_index(4));
        assert_eq!(packed.find(first, b"1", 1), None);
        assert_eq!(packed.find(packed.end(), b"a", 1), None);
    }
}
