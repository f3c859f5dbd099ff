//! Where a byte stands among many: 32 are compared at once.
//!
//! This file contains unsafe code: one call of a function for processors with certain instructions.
//!
//! For tables of tags, a hundred bytes or two of which few match: there a search that must be called
//! costs as much as the comparisons themselves.

/// Bytes compared at once.
const BLOCK_BYTES: usize = 32;

/// Returns the positions of a byte, in ascending order.
#[inline(always)]
pub fn positions_of(byte: u8, bytes: &[u8]) -> Positions<'_> {
    Positions { bytes, byte, at: 0, next: 0, matches: 0 }
}

/// Positions of one byte among others.
#[derive(Clone, Debug)]
pub struct Positions<'a> {
    bytes: &'a [u8],
    byte: u8,
    /// Where the block stands that is being looked at.
    at: usize,
    /// Where the next one stands.
    next: usize,
    /// Those of the block that match and have not been returned, the first one lowest.
    matches: u32,
}

impl Iterator for Positions<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.matches == 0 {
            if self.next >= self.bytes.len() {
                return None;
            }
            self.at = self.next;
            self.next += BLOCK_BYTES;
            self.matches = match self.bytes[self.at..].first_chunk() {
                Some(block) => matches_in(block, self.byte),
                None => self.last_matches(),
            };
        }
        let index = self.matches.trailing_zeros() as usize;
        self.matches &= self.matches - 1;
        Some(self.at + index)
    }
}

impl Positions<'_> {
    /// Looks at what is shorter than a block.
    #[inline(always)]
    fn last_matches(&self) -> u32 {
        match self.bytes.last_chunk() {
            // The block that ends where all bytes do, without those seen before.
            Some(block) => matches_in(block, self.byte) >> (self.next - self.bytes.len()),
            None => self
                .bytes
                .iter()
                .rev()
                .fold(0, |matches, &other| matches << 1 | u32::from(other == self.byte)),
        }
    }
}

/// Returns which bytes of a block are this one.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn matches_in(block: &[u8; BLOCK_BYTES], byte: u8) -> u32 {
    // SAFETY: all processors of this architecture have these instructions.
    unsafe { matches_by_halves(block, byte) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn matches_by_halves(block: &[u8; BLOCK_BYTES], byte: u8) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};

    let wanted = _mm_set1_epi8(byte.cast_signed());
    let word = |at: usize| block[at..].first_chunk().map_or(0, |word| i64::from_le_bytes(*word));
    let half = |at: usize| {
        let equal = _mm_cmpeq_epi8(_mm_set_epi64x(word(at + 8), word(at)), wanted);
        _mm_movemask_epi8(equal).cast_unsigned()
    };
    half(0) | half(BLOCK_BYTES / 2) << (BLOCK_BYTES / 2)
}

#[cfg(not(target_arch = "x86_64"))]
fn matches_in(block: &[u8; BLOCK_BYTES], byte: u8) -> u32 {
    block.iter().rev().fold(0, |matches, &other| matches << 1 | u32::from(other == byte))
}

#[cfg(test)]
mod tests {
    use super::positions_of;

    #[test]
    fn all_positions_are_found_in_order() {
        let mut random = fastrand::Rng::with_seed(3);
        for length in 0..200 {
            for _ in 0..20 {
                let kinds = random.u8(1..=4);
                let bytes: Vec<u8> = (0..length).map(|_| random.u8(..kinds)).collect();
                for byte in 0..=kinds {
                    let expected = (0..length).filter(|&at| bytes[at] == byte);
                    assert!(positions_of(byte, &bytes).eq(expected), "{byte} in {bytes:?}");
                }
            }
        }
    }

    #[test]
    fn bytes_with_the_high_bit_are_found_too() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        for byte in 0..=u8::MAX {
            assert!(positions_of(byte, &bytes).eq([usize::from(byte)]));
        }
    }
}
