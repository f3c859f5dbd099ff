//! Places between two members of a sorted set: what ranges begin and end at.

use std::cmp::Ordering;

/// A place in the order of scores and members; each member stands before or behind it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edge<'a> {
    BehindEntry(f64, &'a [u8]),
    BeforeScore(f64),
    BehindScore(f64),
    /// By the member alone, for sets whose scores are all equal.
    BeforeMember(&'a [u8]),
    BehindMember(&'a [u8]),
}

impl Edge<'_> {
    /// Says whether the edge is behind a member.
    #[inline]
    pub(super) fn is_behind<'m>(&self, score: f64, member: impl FnOnce() -> &'m [u8]) -> bool {
        match *self {
            Self::BehindEntry(edge, other) => score < edge || score == edge && member() <= other,
            Self::BeforeScore(edge) => score < edge,
            Self::BehindScore(edge) => score <= edge,
            Self::BeforeMember(other) => member() < other,
            Self::BehindMember(other) => member() <= other,
        }
    }
}

/// Returns the order of two entries.
pub(super) fn order(left: (f64, &[u8]), right: (f64, &[u8])) -> Ordering {
    left.0.partial_cmp(&right.0).unwrap_or(Ordering::Equal).then_with(|| left.1.cmp(right.1))
}

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreEnd {
    pub score: f64,
    /// The score itself is not in the range.
    pub is_open: bool,
}

/// Scores from one to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    pub min: ScoreEnd,
    pub max: ScoreEnd,
}

impl ScoreRange {
    pub(super) fn first_edge(&self) -> Edge<'static> {
        let edge = if self.min.is_open { Edge::BehindScore } else { Edge::BeforeScore };
        edge(self.min.score)
    }

    pub(super) fn last_edge(&self) -> Edge<'static> {
        let edge = if self.max.is_open { Edge::BeforeScore } else { Edge::BehindScore };
        edge(self.max.score)
    }
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexEnd<'a> {
    /// Before all members.
    First,
    /// Behind all members.
    Last,
    Included(&'a [u8]),
    Excluded(&'a [u8]),
}

/// Members from one to another, where all scores are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    pub min: LexEnd<'a>,
    pub max: LexEnd<'a>,
}
