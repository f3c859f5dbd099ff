//! The packed formats of releases before listpacks: ziplists and zipmaps. They are only read.
//!
//! ```text
//! ziplist  total bytes u32 | offset of the last entry u32 | entry count u16 | entry ... | 0xFF
//!   entry  size of the entry before (1 byte, or 0xFE and 4) | form and length | data
//! zipmap   pair count (1) | length | name | length | unused count (1) | value | unused ... | 0xFF
//!   length 1 byte, or 0xFE and 4
//! ```

use super::error::RdbError;
use crate::types::{Item, Packed};

const END: u8 = 0xff;
const LONG: u8 = 0xfe;

const ZIPLIST: RdbError = RdbError::Corrupt("a damaged ziplist");
const ZIPMAP: RdbError = RdbError::Corrupt("a damaged zipmap");

/// Returns the items of a ziplist, after looking at every byte of its frame.
pub(super) fn unpack_ziplist(bytes: &[u8]) -> Result<Packed, RdbError> {
    const HEADER_BYTES: usize = 10;
    const COUNT_UNKNOWN: u16 = u16::MAX;
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(ZIPLIST)?;
    let [a, b, c, d, e, f, g, h, i, j] = *header;
    let (total, tail) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    let count = u16::from_le_bytes([i, j]);
    if total as usize != bytes.len() || rest.last() != Some(&END) {
        return Err(ZIPLIST);
    }
    let body = &bytes[..bytes.len() - 1];
    let (mut at, mut last_at) = (HEADER_BYTES, HEADER_BYTES);
    let mut items = Vec::new();
    while at < body.len() {
        let previous_bytes = if items.is_empty() { 0 } else { at - last_at };
        let (item, end) = ziplist_entry(body, at, previous_bytes).ok_or(ZIPLIST)?;
        items.push(item);
        (last_at, at) = (at, end);
    }
    let is_counted = count == COUNT_UNKNOWN || usize::from(count) == items.len();
    let is_right = is_counted && tail as usize == last_at;
    if is_right { Ok(items.into_iter().collect()) } else { Err(ZIPLIST) }
}

/// Returns the item at `at` and where its entry ends; `None` if it is damaged or does not know the size
/// of the one before.
fn ziplist_entry(body: &[u8], at: usize, previous_bytes: usize) -> Option<(Item<'_>, usize)> {
    let (stated, at) = match *body.get(at)? {
        END => return None,
        LONG => {
            let bytes = body.get(at + 1..at + 5)?.first_chunk().copied()?;
            (u32::from_le_bytes(bytes) as usize, at + 5)
        }
        short => (usize::from(short), at + 1),
    };
    if stated != previous_bytes {
        return None;
    }
    let head = *body.get(at)?;
    let (length, at) = match head {
        0..0x40 => (usize::from(head), at + 1),
        0x40..0x80 => {
            let low = usize::from(*body.get(at + 1)?);
            (usize::from(head & 0x3f) << 8 | low, at + 2)
        }
        0x80 => {
            let bytes = body.get(at + 1..at + 5)?.first_chunk().copied()?;
            (u32::from_be_bytes(bytes) as usize, at + 5)
        }
        _ => return ziplist_integer(body, head, at + 1),
    };
    let end = at.checked_add(length)?;
    Some((Item::Text(body.get(at..end)?), end))
}

fn ziplist_integer(body: &[u8], head: u8, at: usize) -> Option<(Item<'_>, usize)> {
    let bytes = match head {
        0xc0 => 2,
        0xd0 => 4,
        0xe0 => 8,
        0xf0 => 3,
        0xfe => 1,
        // Small numbers stand in the head itself.
        0xf1..=0xfd => return Some((Item::Integer(i64::from(head & 0x0f) - 1), at)),
        _ => return None,
    };
    let data = body.get(at..at + bytes)?;
    let mut wide = [0; 8];
    wide[8 - bytes..].copy_from_slice(data);
    let shift = 64 - 8 * u32::try_from(bytes).ok()?;
    Some((Item::Integer(i64::from_le_bytes(wide) >> shift), at + bytes))
}

/// Returns the names and values of a zipmap in turns.
pub(super) fn unpack_zipmap(bytes: &[u8]) -> Result<Packed, RdbError> {
    let mut rest = bytes.get(1..).ok_or(ZIPMAP)?;
    let mut items: Vec<Item<'_>> = Vec::new();
    while rest != [END] {
        let (name, behind) = zipmap_text(rest, 0).ok_or(ZIPMAP)?;
        let (value, behind) = zipmap_text(behind, 1).ok_or(ZIPMAP)?;
        items.extend([Item::from(name), Item::from(value)]);
        rest = behind;
    }
    // Larger counts are not kept.
    let is_counted = bytes[0] >= LONG || usize::from(bytes[0]) == items.len() / 2;
    if is_counted { Ok(items.into_iter().collect()) } else { Err(ZIPMAP) }
}

/// Returns a text and what stands behind it; `unused_bytes` is the size of the count of unused bytes.
fn zipmap_text(rest: &[u8], unused_bytes: usize) -> Option<(&[u8], &[u8])> {
    let (&first, behind) = rest.split_first()?;
    let (length, behind) = match first {
        END => return None,
        LONG => {
            let (bytes, behind) = behind.split_first_chunk::<4>()?;
            (u32::from_le_bytes(*bytes) as usize, behind)
        }
        short => (usize::from(short), behind),
    };
    let (unused, behind) = behind.split_at_checked(unused_bytes)?;
    let unused = unused.first().map_or(0, |&count| usize::from(count));
    let (text, behind) = behind.split_at_checked(length)?;
    Some((text, behind.get(unused..)?))
}

#[cfg(test)]
mod tests {
    use super::{unpack_ziplist, unpack_zipmap};
    use crate::types::{IntegerText, Packed};

    fn texts(packed: &Packed) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        packed.iter().map(|item| text(item.bytes(&mut IntegerText::new()))).collect()
    }

    /// As a released server wrote it: 2, "ab", -1, 1000, 2^40.
    const ZIPLIST: &[u8] = &[
        34, 0, 0, 0, 23, 0, 0, 0, 5, 0, 0, 0xf3, 2, 2, b'a', b'b', 4, 0xfe, 0xff, 3, 0xc0, 0xe8, 3,
        4, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff,
    ];

    #[test]
    fn ziplists_are_read() {
        let packed = unpack_ziplist(ZIPLIST).expect("it is whole");
        assert_eq!(texts(&packed), ["2", "ab", "-1", "1000", "1099511627776"]);
        let empty = [11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0xff];
        assert!(unpack_ziplist(&empty).expect("it is whole").is_empty());
    }

    #[test]
    fn zipmaps_are_read() {
        let zipmap = b"\x02\x01a\x02\x0012\x03abc\x01\x02x--\xff";
        assert_eq!(texts(&unpack_zipmap(zipmap).expect("whole")), ["a", "12", "abc", "x"]);
        assert!(unpack_zipmap(b"\x00\xff").expect("whole").is_empty());
        assert!(unpack_zipmap(b"").is_err() && unpack_zipmap(b"\x01\xff").is_err());
    }

    #[test]
    fn damage_is_noticed_and_never_a_panic() {
        for length in 0..ZIPLIST.len() {
            assert!(unpack_ziplist(&ZIPLIST[..length]).is_err());
        }
        let zipmap = b"\x02\x01a\x02\x0012\x03abc\x01\x02x--\xff";
        for (index, bit) in (0..ZIPLIST.len()).flat_map(|index| (0..8).map(move |bit| (index, bit)))
        {
            let mut flipped = ZIPLIST.to_vec();
            flipped[index] ^= 1 << bit;
            drop(unpack_ziplist(&flipped));
            let mut flipped = zipmap.to_vec();
            if let Some(byte) = flipped.get_mut(index) {
                *byte ^= 1 << bit;
            }
            drop(unpack_zipmap(&flipped));
        }
    }
}
