//! Sorted integers in the format of RDB files: the representation of a small set of integers.
//!
//! ```text
//! width of an integer in bytes (2, 4 or 8): u32 | count: u32 | integers in ascending order
//! ```
//! All numbers are little-endian. The width is that of the integer that needs most; it never shrinks.

use crate::base::slab::Buffer;

/// Bytes before the first integer.
pub(super) const HEADER_BYTES: usize = 8;
const WIDTHS: [usize; 3] = [2, 4, 8];

/// Integers, as their reader sees them.
#[derive(Clone, Copy)]
pub(super) struct Integers<'a> {
    bytes: &'a [u8],
    width: usize,
}

/// Returns the bytes of no integers.
pub(super) fn empty() -> Buffer {
    Buffer::from([2, 0, 0, 0, 0, 0, 0, 0].as_slice())
}

/// Says whether this is the first word of the format.
#[inline]
pub(super) fn is_width(word: [u8; 4]) -> bool {
    matches!(word, [2 | 4 | 8, 0, 0, 0])
}

impl<'a> Integers<'a> {
    /// Reads bytes of the format; `None` if they are none.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let [a, b, c, d, ..] = *bytes.first_chunk::<HEADER_BYTES>()?;
        let word = [a, b, c, d];
        let integers = is_width(word).then_some(Self { bytes, width: usize::from(word[0]) })?;
        let length = integers.len().checked_mul(integers.width)?.checked_add(HEADER_BYTES)?;
        (bytes.len() == length).then_some(integers)
    }

    /// The same for bytes this module has made.
    #[inline]
    pub(super) fn trusted(bytes: &'a [u8]) -> Self {
        Self { bytes, width: usize::from(bytes[0]) }
    }

    pub(super) fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Says whether the integers ascend, as those of an honest sender do.
    pub(super) fn is_sorted(self) -> bool {
        (1..self.len()).all(|index| self.at(index - 1) < self.at(index))
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        let count = self.bytes[4..HEADER_BYTES].first_chunk().copied().unwrap_or_default();
        u32::from_le_bytes(count) as usize
    }

    #[inline]
    pub(super) fn at(self, index: usize) -> i64 {
        let start = HEADER_BYTES + index * self.width;
        let bytes = &self.bytes[start..start + self.width];
        match self.width {
            2 => i64::from(i16::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default())),
            4 => i64::from(i32::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default())),
            _ => i64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default()),
        }
    }

    pub(super) fn iter(self) -> impl DoubleEndedIterator<Item = i64> + use<'a> {
        (0..self.len()).map(move |index| self.at(index))
    }

    /// Returns the position of an integer, or the one where it belongs.
    #[inline]
    pub(super) fn find(self, integer: i64) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.len());
        // Integers that ascend, as numbers given one after the other do, need no search.
        if to == 0 || self.at(to - 1) < integer {
            return Err(to);
        }
        while from < to {
            let middle = usize::midpoint(from, to);
            match self.at(middle).cmp(&integer) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Err(from)
    }
}

fn width_of(integer: i64) -> usize {
    if i16::try_from(integer).is_ok() {
        2
    } else if i32::try_from(integer).is_ok() {
        4
    } else {
        8
    }
}

/// Returns the bytes with an integer more at the position where it belongs.
pub(super) fn insert(mut bytes: Buffer, position: usize, integer: i64) -> Buffer {
    let old = Integers::trusted(&bytes);
    let (count, width) = (old.len(), old.width);
    if width_of(integer) > width {
        return insert_wider(old, position, integer);
    }
    let at = HEADER_BYTES + position * width;
    bytes.splice(at, 0, width);
    bytes[at..at + width].copy_from_slice(&integer.to_le_bytes()[..width]);
    set_count(&mut bytes, count + 1);
    bytes
}

#[cold]
fn insert_wider(old: Integers<'_>, position: usize, integer: i64) -> Buffer {
    let width = width_of(integer);
    debug_assert!(WIDTHS.contains(&width));
    let mut bytes = Vec::with_capacity(HEADER_BYTES + (old.len() + 1) * width);
    bytes.extend_from_slice(&[width.to_le_bytes()[0], 0, 0, 0, 0, 0, 0, 0]);
    let mut push = |integer: i64| bytes.extend_from_slice(&integer.to_le_bytes()[..width]);
    old.iter().take(position).for_each(&mut push);
    push(integer);
    old.iter().skip(position).for_each(&mut push);
    set_count(&mut bytes, old.len() + 1);
    Buffer::from(bytes.as_slice())
}

/// Returns the bytes without the integer at a position.
pub(super) fn remove(mut bytes: Buffer, position: usize) -> Buffer {
    let old = Integers::trusted(&bytes);
    let (count, width) = (old.len(), old.width);
    bytes.splice(HEADER_BYTES + position * width, width, 0);
    set_count(&mut bytes, count - 1);
    bytes
}

fn set_count(bytes: &mut [u8], count: usize) {
    let count = u32::try_from(count).expect("larger sets have another representation");
    bytes[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Integers, empty, insert, remove};

    #[test]
    fn integers_come_and_go_like_in_a_model() {
        let mut random = fastrand::Rng::with_seed(3);
        for bits in [8, 20, 40, 64] {
            let (mut bytes, mut model) = (empty(), BTreeSet::new());
            for _ in 0..3_000 {
                let integer = random.i64(..) >> (64 - bits) >> random.u8(..3);
                match Integers::trusted(&bytes).find(integer) {
                    Ok(position) if random.bool() => {
                        bytes = remove(bytes, position);
                        assert!(model.remove(&integer));
                    }
                    Ok(_) => assert!(model.contains(&integer)),
                    Err(position) => {
                        bytes = insert(bytes, position, integer);
                        assert!(model.insert(integer));
                    }
                }
            }
            let integers = Integers::new(&bytes).expect("the format is right");
            assert!(integers.is_sorted());
            assert!(integers.iter().eq(model.iter().copied()));
        }
    }

    #[test]
    fn the_width_is_that_of_the_widest() {
        let mut bytes = empty();
        for (integer, width) in [(1, 2), (-32_768, 2), (32_768, 4), (i64::MIN, 8), (5, 8)] {
            let position = Integers::trusted(&bytes).find(integer).expect_err("it is new");
            bytes = insert(bytes, position, integer);
            assert_eq!(bytes[0], width);
        }
        let integers: Vec<i64> = Integers::trusted(&bytes).iter().collect();
        assert_eq!(integers, [i64::MIN, -32_768, 1, 5, 32_768]);
    }

    #[test]
    fn bytes_of_another_format_are_refused() {
        let good = insert(insert(empty(), 0, 1), 1, 300);
        assert!(Integers::new(&good).is_some());
        for length in 0..good.len() {
            assert!(Integers::new(&good[..length]).is_none(), "{length}");
        }
        let mut bytes = good.to_vec();
        bytes[0] = 3;
        assert!(Integers::new(&bytes).is_none());
        bytes[0] = 2;
        bytes[7] = 0x80;
        assert!(Integers::new(&bytes).is_none());
        let unsorted = insert(insert(empty(), 0, 2), 1, 1);
        assert!(!Integers::new(&unsorted).expect("only the order is wrong").is_sorted());
    }
}
