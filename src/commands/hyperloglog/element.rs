//! What a sketch sees of an element: a register and a rank, both from one hash.
//!
//! Source of the hash: A. Appleby, MurmurHash2, 64-bit version for 64-bit platforms; public domain.

/// Registers of a sketch.
pub(super) const REGISTER_COUNT: usize = 1 << INDEX_BITS;
/// The highest rank an element can have.
pub(super) const RANK_MAX: u8 = 64 - INDEX_BITS + 1;

const INDEX_BITS: u8 = 14;
/// The seed that all servers share; another one would count the same elements twice after a merge.
const SEED: u64 = 0xadc8_3b19;

/// An element's register and its rank there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Observation {
    pub(super) index: usize,
    pub(super) rank: u8,
}

impl Observation {
    /// Returns what is seen of an element.
    pub(super) fn of(element: &[u8]) -> Self {
        let hash = murmur64(element, SEED);
        let index = usize::try_from(hash % REGISTER_COUNT as u64).expect("14 bits");
        // The bit above the rest bounds the rank.
        let rest = hash >> INDEX_BITS | 1 << (64 - INDEX_BITS);
        let rank = u8::try_from(rest.trailing_zeros() + 1).expect("at most RANK_MAX");
        Self { index, rank }
    }
}

fn murmur64(bytes: &[u8], seed: u64) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mix = |word: u64| {
        let word = word.wrapping_mul(FACTOR);
        (word ^ word >> SHIFT).wrapping_mul(FACTOR)
    };
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let words = bytes.chunks_exact(8);
    let tail = words.remainder();
    for word in words {
        let word = u64::from_le_bytes(word.try_into().expect("chunks of eight"));
        hash = (hash ^ mix(word)).wrapping_mul(FACTOR);
    }
    if !tail.is_empty() {
        let mut word = [0; 8];
        word[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(FACTOR);
    hash ^ hash >> SHIFT
}

#[cfg(test)]
mod tests {
    use super::{Observation, RANK_MAX};

    #[test]
    fn registers_and_ranks_are_those_of_the_originals() {
        // Seen in a real server: PFADD h a b c, PFDEBUG DECODE h.
        let seen: Vec<(usize, u8)> = ["a", "b", "c"]
            .map(|element| Observation::of(element.as_bytes()))
            .map(|seen| (seen.index, seen.rank))
            .into();
        let mut sorted = seen;
        sorted.sort_unstable();
        assert_eq!(sorted, [(8436, 1), (12711, 2), (15780, 1)]);
    }

    #[test]
    fn ranks_stay_within_their_bounds() {
        for number in 0..100_000_u32 {
            let seen = Observation::of(&number.to_be_bytes());
            assert!((1..=RANK_MAX).contains(&seen.rank));
        }
    }
}
