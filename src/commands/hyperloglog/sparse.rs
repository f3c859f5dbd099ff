//! The sparse form: runs of registers with the same rank.
//!
//! ```text
//! 00llllll             1 to 64 registers of rank 0
//! 01llllll llllllll    1 to 16,384 registers of rank 0
//! 1rrrrrll             1 to 4 registers of rank 1 to 32
//! ```
//! Lengths and ranks are stored less one. The runs of an intact sketch cover 16,384 registers; bytes
//! that do not are [`Corrupted`], since any client may write anything into a string.

use super::element::REGISTER_COUNT;

/// Ranks above this one need the dense form.
pub(super) const RANK_MAX: u8 = 32;

const ZERO_LENGTH_MAX: usize = 64;
const VALUE_LENGTH_MAX: usize = 4;
/// Runs that are looked at for neighbours of the same rank after a change.
const MERGE_SCAN_RUNS: usize = 5;

/// The bytes are no sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrupted;

/// Neighbouring registers of one rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) rank: u8,
    pub(super) length: usize,
    /// Bytes that describe it: two for the long form.
    pub(super) bytes: usize,
}

impl Run {
    /// Returns the run at the start of some bytes.
    fn first(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let low = usize::from(first & 0x3f);
        Some(match first >> 6 {
            0 => Self { rank: 0, length: low + 1, bytes: 1 },
            1 => {
                let length = (low << 8 | usize::from(*rest.first()?)) + 1;
                Self { rank: 0, length, bytes: 2 }
            }
            _ => Self { rank: (first >> 2 & 0x1f) + 1, length: low % 4 + 1, bytes: 1 },
        })
    }
}

/// Appends a run; nothing for no registers.
fn append_run(bytes: &mut Vec<u8>, rank: u8, length: usize) {
    let byte = |number: usize| u8::try_from(number).expect("masked or bounded to eight bits");
    match (rank, length) {
        (_, 0) => {}
        (0, 1..=ZERO_LENGTH_MAX) => bytes.push(byte(length - 1)),
        (0, _) => {
            let stored = length - 1;
            bytes.extend([0x40 | byte(stored >> 8), byte(stored & 0xff)]);
        }
        _ => {
            debug_assert!(length <= VALUE_LENGTH_MAX && rank <= RANK_MAX);
            bytes.push(0x80 | (rank - 1) << 2 | byte(length - 1));
        }
    }
}

/// Appends the runs of a sketch that has seen nothing.
pub(super) fn append_empty(bytes: &mut Vec<u8>) {
    append_run(bytes, 0, REGISTER_COUNT);
}

/// Passes each run with the index of its first register.
///
/// # Errors
/// The runs do not cover all registers exactly; some may have been passed already.
pub(super) fn for_each_run(
    mut runs: &[u8],
    mut take: impl FnMut(usize, Run),
) -> Result<(), Corrupted> {
    let mut index = 0;
    while !runs.is_empty() {
        let run = Run::first(runs).ok_or(Corrupted)?;
        if index + run.length > REGISTER_COUNT {
            return Err(Corrupted);
        }
        take(index, run);
        index += run.length;
        runs = &runs[run.bytes..];
    }
    if index == REGISTER_COUNT { Ok(()) } else { Err(Corrupted) }
}

/// What became of a register that was to be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has that rank or a higher one.
    Unchanged,
    Raised,
    /// The sketch would become too long; nothing was changed.
    TooLong,
}

/// Raises a register of the sketch whose runs start at `start` and which may become `bytes_max` long.
///
/// # Errors
/// The runs up to the register make no sense.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    start: usize,
    (index, rank): (usize, u8),
    bytes_max: usize,
) -> Result<Outcome, Corrupted> {
    let found = find(bytes, start, index)?;
    if found.run.rank >= rank {
        return Ok(Outcome::Unchanged);
    }
    let mut runs = Vec::with_capacity(5);
    let before = index - found.first_index;
    append_run(&mut runs, found.run.rank, before);
    append_run(&mut runs, rank, 1);
    append_run(&mut runs, found.run.rank, found.run.length - before - 1);
    let grows = runs.len() > found.run.bytes;
    if grows && bytes.len() + runs.len() - found.run.bytes > bytes_max {
        return Ok(Outcome::TooLong);
    }
    bytes.splice(found.at..found.at + found.run.bytes, runs);
    merge_neighbours(bytes, found.previous_at.unwrap_or(start));
    Ok(Outcome::Raised)
}

struct Found {
    run: Run,
    at: usize,
    first_index: usize,
    previous_at: Option<usize>,
}

/// Finds the run of a register.
fn find(bytes: &[u8], start: usize, index: usize) -> Result<Found, Corrupted> {
    let (mut at, mut first_index, mut previous_at) = (start, 0, None);
    loop {
        let run = bytes.get(at..).and_then(Run::first).ok_or(Corrupted)?;
        if first_index + run.length > REGISTER_COUNT {
            return Err(Corrupted);
        }
        if index < first_index + run.length {
            return Ok(Found { run, at, first_index, previous_at });
        }
        previous_at = Some(at);
        at += run.bytes;
        first_index += run.length;
    }
}

/// Joins neighbours of the same rank among the next few runs.
fn merge_neighbours(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..MERGE_SCAN_RUNS {
        let Some(run) = bytes.get(at..).and_then(Run::first) else { return };
        let next = bytes.get(at + 1..).and_then(Run::first);
        match next {
            Some(next)
                if run.rank != 0
                    && next.rank == run.rank
                    && run.length + next.length <= VALUE_LENGTH_MAX =>
            {
                let mut joined = Vec::with_capacity(1);
                append_run(&mut joined, run.rank, run.length + next.length);
                bytes.splice(at..at + 2, joined);
            }
            _ => at += run.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Corrupted, Outcome, RANK_MAX, append_empty, for_each_run, raise};
    use crate::commands::hyperloglog::element::REGISTER_COUNT;

    fn ranks(runs: &[u8]) -> Result<Vec<u8>, Corrupted> {
        let mut ranks = vec![0; REGISTER_COUNT];
        for_each_run(runs, |index, run| ranks[index..index + run.length].fill(run.rank))?;
        Ok(ranks)
    }

    #[test]
    fn registers_are_raised_like_in_a_plain_list() {
        let mut random = fastrand::Rng::with_seed(6);
        for round in 0..20 {
            let mut model = vec![0; REGISTER_COUNT];
            let mut runs = Vec::new();
            append_empty(&mut runs);
            // Close registers and few ranks make runs that split and join.
            let span = if round % 2 == 0 { 200 } else { REGISTER_COUNT };
            for _ in 0..2000 {
                let index = random.usize(..span);
                let rank = random.u8(1..=if round % 3 == 0 { 2 } else { RANK_MAX });
                let outcome = raise(&mut runs, 0, (index, rank), 3000).expect("intact");
                match outcome {
                    Outcome::Raised => model[index] = rank,
                    Outcome::Unchanged => assert!(model[index] >= rank),
                    Outcome::TooLong => assert!(runs.len() > 2995),
                }
            }
            assert_eq!(ranks(&runs).expect("intact"), model);
        }
    }

    #[test]
    fn random_bytes_are_refused_or_cover_all_registers() {
        let mut random = fastrand::Rng::with_seed(9);
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = (0..random.usize(..40)).map(|_| random.u8(..)).collect();
            let _ = ranks(&bytes);
            let target = (random.usize(..REGISTER_COUNT), random.u8(1..=RANK_MAX));
            let _ = raise(&mut bytes, 0, target, 60);
        }
        assert_eq!(ranks(b""), Err(Corrupted));
        assert_eq!(ranks(&[0x7f]), Err(Corrupted), "half of a long run");
        assert_eq!(ranks(&[0x7f, 0xff, 0x00]), Err(Corrupted), "one register too many");
    }
}
