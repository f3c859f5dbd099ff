//! Loops over bits, eight bytes at a time: counting, looking for the first one, combining.

/// Bytes of one word.
const WORD_BYTES: usize = size_of::<u64>();
/// Bytes that are combined at a time, so that intermediate results stay in the cache.
const BLOCK_BYTES: usize = 16 * 1024;

/// The bits of `bytes` from `first` to `last`, both included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// What is looked at in the first and in the last byte.
    masks: (u8, u8),
    /// The position of the highest bit of `bytes[0]`.
    origin: u64,
}

impl<'a> Bits<'a> {
    /// Returns a range of bits; `last` lies within `bytes` and not before `first`.
    pub(super) fn between(bytes: &'a [u8], first: u64, last: u64) -> Self {
        let (from, to) = (byte_of(first), byte_of(last));
        debug_assert!(first <= last && to < bytes.len());
        let masks = (0xff >> (first % 8), 0xff << (7 - last % 8));
        Self { bytes: &bytes[from..=to], masks, origin: from as u64 * 8 }
    }

    /// Returns the first byte with its mask, what lies between, and the last byte with its mask, which
    /// is empty when there is one byte only.
    fn parts(self) -> (u8, &'a [u8], u8) {
        match self.bytes {
            [only] => (only & self.masks.0 & self.masks.1, &[], 0),
            [first, middle @ .., last] => (first & self.masks.0, middle, last & self.masks.1),
            [] => (0, &[], 0),
        }
    }

    /// Returns the number of bits that are set.
    pub(super) fn count(self) -> u64 {
        let (first, middle, last) = self.parts();
        let words = middle.chunks_exact(WORD_BYTES);
        let rest: u32 = words.remainder().iter().map(|byte| byte.count_ones()).sum();
        let inside: u64 = words.map(|word| u64::from(word_of(word).count_ones())).sum();
        inside + u64::from(first.count_ones() + rest + last.count_ones())
    }

    /// Returns the position of the first bit that is set, or of the first that is not.
    pub(super) fn first(self, is_set: bool) -> Option<u64> {
        // A clear bit is looked for as a set one of the complement.
        let flip = if is_set { 0 } else { 0xff };
        let last_index = self.bytes.len().checked_sub(1)?;
        let masked = |index: usize| {
            let mut byte = self.bytes[index] ^ flip;
            if index == 0 {
                byte &= self.masks.0;
            }
            if index == last_index {
                byte &= self.masks.1;
            }
            byte
        };
        let index = if masked(0) != 0 {
            0
        } else {
            let middle = self.bytes.get(1..last_index).unwrap_or_default();
            1 + first_differing(middle, !flip)
        };
        let byte = (index <= last_index).then(|| masked(index)).filter(|&byte| byte != 0)?;
        Some(self.origin + index as u64 * 8 + u64::from(byte.leading_zeros()))
    }
}

fn byte_of(bit: u64) -> usize {
    usize::try_from(bit / 8).expect("addresses have 64 bits")
}

fn word_of(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes.try_into().expect("a chunk of one word"))
}

/// Returns the index of the first byte that has a bit unlike `!wanted`, or the length.
fn first_differing(bytes: &[u8], wanted: u8) -> usize {
    let dull = !wanted;
    let words = bytes.chunks_exact(WORD_BYTES);
    let dull_word = u64::from_ne_bytes([dull; WORD_BYTES]);
    let skipped = words.take_while(|word| word_of(word) == dull_word).count() * WORD_BYTES;
    let rest = &bytes[skipped..];
    skipped + rest.iter().position(|&byte| byte != dull).unwrap_or(rest.len())
}

/// How several strings become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    And,
    Or,
    Xor,
    Not,
    /// In the first, in none of the others.
    Diff,
    /// In one of the others, not in the first.
    Diff1,
    /// In the first and in one of the others.
    AndOr,
    /// In exactly one.
    One,
}

impl Operation {
    /// Combines strings, the shorter ones filled up with zeros. The result has the length of the longest.
    pub(super) fn combine(self, sources: &[&[u8]]) -> Vec<u8> {
        let length = sources.iter().map(|source| source.len()).max().unwrap_or(0);
        let mut result = vec![0; length];
        let mut spare = vec![0; if self == Self::One { length.min(BLOCK_BYTES) } else { 0 }];
        for (index, block) in result.chunks_mut(BLOCK_BYTES).enumerate() {
            let from = index * BLOCK_BYTES;
            let part = |source: &&'_ [u8]| -> (usize, usize) {
                (from.min(source.len()), (from + block.len()).min(source.len()))
            };
            let ranges: smallvec::SmallVec<[(usize, usize); 8]> =
                sources.iter().map(part).collect();
            let parts = sources.iter().zip(&ranges).map(|(source, &(from, to))| &source[from..to]);
            self.combine_block(parts, block, &mut spare);
        }
        result
    }

    /// Combines the parts that belong to one block of the result, which is all zeros.
    fn combine_block<'a>(
        self,
        mut parts: impl Iterator<Item = &'a [u8]>,
        block: &mut [u8],
        spare: &mut [u8],
    ) {
        let first = parts.next().unwrap_or_default();
        match self {
            Self::And => {
                merge(block, first, |_, byte| byte);
                for part in parts {
                    merge(block, part, |old, byte| old & byte);
                    block[part.len()..].fill(0);
                }
            }
            Self::Or | Self::Xor => {
                merge(block, first, |_, byte| byte);
                let is_or = self == Self::Or;
                for part in parts {
                    match is_or {
                        true => merge(block, part, |old, byte| old | byte),
                        false => merge(block, part, |old, byte| old ^ byte),
                    }
                }
            }
            Self::Not => merge(block, first, |_, byte| !byte),
            Self::Diff | Self::Diff1 | Self::AndOr => {
                parts.for_each(|part| merge(block, part, |old, byte| old | byte));
                self.meet_first(block, first);
            }
            Self::One => exactly_one(block, spare, first, parts),
        }
    }

    /// Combines what is in one of the others with the first.
    fn meet_first(self, block: &mut [u8], first: &[u8]) {
        match self {
            Self::Diff => {
                merge(block, first, |others, byte| byte & !others);
                block[first.len()..].fill(0);
            }
            Self::Diff1 => merge(block, first, |others, byte| others & !byte),
            _ => {
                merge(block, first, |others, byte| others & byte);
                block[first.len()..].fill(0);
            }
        }
    }
}

/// Leaves the bits that stand in exactly one part; `spare` collects those that stand in several.
fn exactly_one<'a>(
    block: &mut [u8],
    spare: &mut [u8],
    first: &[u8],
    parts: impl Iterator<Item = &'a [u8]>,
) {
    spare.fill(0);
    merge(block, first, |_, byte| byte);
    for part in parts {
        for ((seen, several), &byte) in block.iter_mut().zip(spare.iter_mut()).zip(part) {
            *several |= *seen & byte;
            *seen |= byte;
        }
    }
    let several = &spare[..block.len()];
    merge(block, several, |seen, several| seen & !several);
}

#[inline(always)]
fn merge(block: &mut [u8], part: &[u8], with: impl Fn(u8, u8) -> u8) {
    for (old, &byte) in block.iter_mut().zip(part) {
        *old = with(*old, byte);
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, Bits, Operation};

    const OPERATIONS: [Operation; 8] = [
        Operation::And,
        Operation::Or,
        Operation::Xor,
        Operation::Not,
        Operation::Diff,
        Operation::Diff1,
        Operation::AndOr,
        Operation::One,
    ];

    fn bit(bytes: &[u8], at: u64) -> bool {
        let byte = bytes.get(usize::try_from(at / 8).expect("small")).copied().unwrap_or(0);
        byte >> (7 - at % 8) & 1 == 1
    }

    fn random_bytes(random: &mut fastrand::Rng, bytes_max: usize) -> Vec<u8> {
        let length = random.usize(..=bytes_max);
        let dull = [0, 0xff][random.usize(..2)];
        let is_dull = random.bool();
        (0..length)
            .map(|_| if is_dull && random.u8(..) > 4 { dull } else { random.u8(..) })
            .collect()
    }

    #[test]
    fn ranges_count_and_find_like_single_bits() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let mut bytes = random_bytes(&mut random, 60);
            bytes.push(random.u8(..));
            let bit_count = bytes.len() as u64 * 8;
            let first = random.u64(..bit_count);
            let last = random.u64(first..bit_count);
            let range = Bits::between(&bytes, first, last);
            let set = (first..=last).filter(|&at| bit(&bytes, at)).count();
            assert_eq!(range.count(), set as u64);
            for is_set in [true, false] {
                let expected = (first..=last).find(|&at| bit(&bytes, at) == is_set);
                assert_eq!(range.first(is_set), expected, "{bytes:?} {first}..={last} {is_set}");
            }
        }
    }

    fn combined_bit(operation: Operation, bits: &[bool]) -> bool {
        let (first, others) = (bits[0], &bits[1..]);
        let any_other = others.iter().any(|&bit| bit);
        match operation {
            Operation::And => bits.iter().all(|&bit| bit),
            Operation::Or => first || any_other,
            Operation::Xor => bits.iter().filter(|&&bit| bit).count() % 2 == 1,
            Operation::Not => !first,
            Operation::Diff => first && !any_other,
            Operation::Diff1 => !first && any_other,
            Operation::AndOr => first && any_other,
            Operation::One => bits.iter().filter(|&&bit| bit).count() == 1,
        }
    }

    #[test]
    fn strings_combine_bit_by_bit() {
        let mut random = fastrand::Rng::with_seed(8);
        for round in 0..400 {
            let bytes_max = if round % 40 == 0 { 2 * BLOCK_BYTES + 100 } else { 40 };
            for operation in OPERATIONS {
                let count = if operation == Operation::Not { 1 } else { random.usize(1..6) };
                let sources: Vec<Vec<u8>> =
                    (0..count).map(|_| random_bytes(&mut random, bytes_max)).collect();
                let views: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
                let result = operation.combine(&views);
                assert_eq!(result.len(), sources.iter().map(Vec::len).max().unwrap_or(0));
                let step = if bytes_max > 100 { 97 } else { 1 };
                for at in (0..result.len() as u64 * 8).step_by(step) {
                    let bits: Vec<bool> = sources.iter().map(|source| bit(source, at)).collect();
                    assert_eq!(bit(&result, at), combined_bit(operation, &bits), "{operation:?}");
                }
            }
        }
    }
}
