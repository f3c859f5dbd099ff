//! The dense form: 16,384 registers of six bits each, side by side, lowest bits first.

use super::element::REGISTER_COUNT;
use super::estimate::Histogram;

/// Bytes of all registers.
pub(super) const REGISTERS_BYTES: usize = REGISTER_COUNT * REGISTER_BITS / 8;

const REGISTER_BITS: usize = 6;
const MASK: u8 = (1 << REGISTER_BITS) - 1;
/// Four registers fill three bytes.
const GROUP_REGISTERS: usize = 4;
const GROUP_BYTES: usize = GROUP_REGISTERS * REGISTER_BITS / 8;

/// Returns the ranks of the four registers in three bytes.
#[inline]
fn unpacked(group: &[u8]) -> [u8; GROUP_REGISTERS] {
    let word = u32::from(group[0]) | u32::from(group[1]) << 8 | u32::from(group[2]) << 16;
    [0, 6, 12, 18].map(|shift| (word >> shift).to_le_bytes()[0] & MASK)
}

#[inline]
fn packed(ranks: &[u8]) -> [u8; GROUP_BYTES] {
    let word = |index: usize| u32::from(ranks[index] & MASK) << (index * REGISTER_BITS);
    let [low, middle, high, _] = (word(0) | word(1) | word(2) | word(3)).to_le_bytes();
    [low, middle, high]
}

/// Counts the registers by rank.
pub(super) fn histogram(registers: &[u8]) -> Histogram {
    // Four histograms: equal neighbours would wait for each other's counter.
    let mut parts: [Histogram; GROUP_REGISTERS] = [[0; 64]; GROUP_REGISTERS];
    for group in registers.chunks_exact(GROUP_BYTES) {
        for (part, rank) in parts.iter_mut().zip(unpacked(group)) {
            part[usize::from(rank)] += 1;
        }
    }
    let mut sum = [0; 64];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(sum, count)| *sum += count);
    }
    sum
}

/// Raises ranks to those of the dense registers.
pub(super) fn merge_into(ranks: &mut [u8; REGISTER_COUNT], registers: &[u8]) {
    let groups = registers.chunks_exact(GROUP_BYTES);
    for (ranks, group) in ranks.chunks_exact_mut(GROUP_REGISTERS).zip(groups) {
        for (rank, other) in ranks.iter_mut().zip(unpacked(group)) {
            *rank = (*rank).max(other);
        }
    }
}

/// Appends the dense form of ranks.
pub(super) fn append(ranks: &[u8; REGISTER_COUNT], bytes: &mut Vec<u8>) {
    bytes.reserve(REGISTERS_BYTES);
    ranks.chunks_exact(GROUP_REGISTERS).for_each(|ranks| bytes.extend_from_slice(&packed(ranks)));
}

/// A register that is to be raised: where its group stands among the bytes, and the group's new bytes.
pub(super) struct Raised {
    pub(super) at: usize,
    pub(super) group: [u8; GROUP_BYTES],
}

/// Returns what raising a register to a rank changes, if it does.
pub(super) fn raised(registers: &[u8], index: usize, rank: u8) -> Option<Raised> {
    let at = index / GROUP_REGISTERS * GROUP_BYTES;
    let mut ranks = unpacked(&registers[at..at + GROUP_BYTES]);
    let old = &mut ranks[index % GROUP_REGISTERS];
    if *old >= rank {
        return None;
    }
    *old = rank;
    Some(Raised { at, group: packed(&ranks) })
}

#[cfg(test)]
mod tests {
    use super::{REGISTERS_BYTES, append, histogram, merge_into, raised};
    use crate::commands::hyperloglog::element::REGISTER_COUNT;

    #[test]
    fn registers_are_raised_one_by_one() {
        let mut random = fastrand::Rng::with_seed(5);
        let (mut ranks, mut registers) = ([0_u8; REGISTER_COUNT], vec![0; REGISTERS_BYTES]);
        for _ in 0..100_000 {
            let (index, rank) = (random.usize(..REGISTER_COUNT), random.u8(1..64));
            let change = raised(&registers, index, rank);
            assert_eq!(change.is_some(), ranks[index] < rank);
            if let Some(change) = change {
                registers[change.at..change.at + 3].copy_from_slice(&change.group);
                ranks[index] = rank;
            }
        }
        let mut bytes = Vec::new();
        append(&ranks, &mut bytes);
        assert_eq!(bytes, registers);
        let mut merged = [0; REGISTER_COUNT];
        merge_into(&mut merged, &registers);
        assert_eq!(merged, ranks);
        for (rank, count) in histogram(&registers).into_iter().enumerate() {
            let expected = ranks.iter().filter(|&&other| usize::from(other) == rank).count();
            assert_eq!(count as usize, expected);
        }
    }
}
