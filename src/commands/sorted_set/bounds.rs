//! How ranges are written: of scores (`(1.5`, `-inf`), of members (`[a`, `(b`, `-`, `+`), of ranks.

use std::ops::Range;

use crate::base::text;
use crate::engine::CommandError;
use crate::types::{LexEnd, LexRange, ScoreEnd, ScoreRange, SortedSet};

/// Members by one of the three orders.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds<'a> {
    /// First and last, negative ones from the end.
    Ranks(i64, i64),
    Scores(ScoreRange),
    Members(LexRange<'a>),
}

/// What a range is asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Rank,
    Score,
    Lex,
}

impl<'a> Bounds<'a> {
    /// Reads a range from its two arguments, the lower one first.
    ///
    /// # Errors
    /// They are no such range.
    pub(super) fn parse(order: Order, min: &'a [u8], max: &'a [u8]) -> Result<Self, CommandError> {
        match order {
            Order::Rank => Ok(Self::Ranks(rank(min)?, rank(max)?)),
            Order::Score => Ok(Self::Scores(ScoreRange { min: score(min)?, max: score(max)? })),
            Order::Lex => Ok(Self::Members(LexRange { min: member(min)?, max: member(max)? })),
        }
    }

    /// Returns the ranks in the range; those of [`Bounds::Ranks`] count from the other end if
    /// `is_reverse`.
    pub(super) fn ranks(&self, set: &SortedSet, is_reverse: bool) -> Range<usize> {
        match self {
            Self::Ranks(first, last) => {
                let ranks = ranks(*first, *last, set.len());
                if is_reverse { set.len() - ranks.end..set.len() - ranks.start } else { ranks }
            }
            Self::Scores(range) => set.ranks_by_score(range),
            Self::Members(range) => set.ranks_by_member(range),
        }
    }
}

/// Returns the ranks from first to last of so many members.
fn ranks(first: i64, last: i64, count: usize) -> Range<usize> {
    let from_end = |rank: i64| {
        let distance = usize::try_from(rank.unsigned_abs()).unwrap_or(usize::MAX);
        if rank < 0 { count.checked_sub(distance) } else { Some(distance) }
    };
    let first = from_end(first).unwrap_or(0);
    match from_end(last) {
        Some(last) if first <= last && first < count => first..last.saturating_add(1).min(count),
        _ => 0..0,
    }
}

fn rank(argument: &[u8]) -> Result<i64, CommandError> {
    text::parse_i64(argument).ok_or(CommandError::NotAnInteger)
}

fn score(argument: &[u8]) -> Result<ScoreEnd, CommandError> {
    const REFUSAL: CommandError = CommandError::refused("ERR min or max is not a float");
    let (is_open, number) = match argument.split_first() {
        Some((b'(', rest)) => (true, rest),
        _ => (false, argument),
    };
    // The originals read these more strictly than other doubles, but only up to a zero byte, and let
    // nothing stand for 0.
    let score = match text::before_zero(number) {
        [] => 0.0,
        number => {
            text::parse_f64(number).filter(|_| !text::is_hexadecimal(number)).ok_or(REFUSAL)?
        }
    };
    Ok(ScoreEnd { score, is_open })
}

fn member(argument: &[u8]) -> Result<LexEnd<'_>, CommandError> {
    match argument {
        b"-" => Ok(LexEnd::First),
        b"+" => Ok(LexEnd::Last),
        [b'[', rest @ ..] => Ok(LexEnd::Included(rest)),
        [b'(', rest @ ..] => Ok(LexEnd::Excluded(rest)),
        _ => Err(CommandError::refused("ERR min or max not valid string range item")),
    }
}

#[cfg(test)]
mod tests {
    use super::ranks;

    #[test]
    fn ranks_count_from_either_end() {
        for (first, last, expected) in [
            (0, -1, 0..5),
            (1, 1, 1..2),
            (-2, 9, 3..5),
            (-9, 0, 0..1),
            (3, 2, 0..0),
            (5, 9, 0..0),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
        ] {
            assert_eq!(ranks(first, last, 5), expected, "{first} {last}");
        }
    }
}
