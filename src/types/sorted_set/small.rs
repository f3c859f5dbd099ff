//! Few members in order: a packed sequence of member, score, member, score, ...
//!
//! A score is an integer where it has no fraction, and its shortest text otherwise.

use super::edge::{Edge, order};
use crate::base::double::DoubleText;
use crate::base::text;
use crate::types::{At, IntegerText, Item, Packed};

/// Entries between one member and the next.
const PAIR: usize = 2;
/// Scores up to here are kept as integers if they are: as the originals do.
const WHOLE_MAX: f64 = (1_u64 << 62) as f64;

/// Returns the double that an item stands for.
#[inline]
pub(super) fn score_of(item: Item<'_>) -> Option<f64> {
    match item {
        #[expect(clippy::cast_precision_loss, reason = "it was a double without a fraction")]
        Item::Integer(integer) => Some(integer as f64),
        Item::Text(text) => text::parse_f64(text),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(score: f64) -> Option<i64> {
    (score.abs() <= WHOLE_MAX && score.trunc() == score).then_some(score as i64)
}

/// Members and scores in a packed sequence.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a>(pub(super) &'a Packed);

impl<'a> Pairs<'a> {
    pub(super) fn len(self) -> usize {
        self.0.len() / PAIR
    }

    #[inline]
    pub(super) fn member(self, at: At) -> Item<'a> {
        self.0.item(at)
    }

    #[inline]
    pub(super) fn score(self, at: At) -> f64 {
        let score = self.0.next(at).map(|at| self.0.item(at));
        // Sequences from outside were checked: each score reads as one.
        score.and_then(score_of).unwrap_or(0.0)
    }

    #[inline]
    pub(super) fn find(self, member: &[u8]) -> Option<At> {
        self.0.find(self.0.first()?, member, PAIR - 1)
    }

    #[inline]
    pub(super) fn next(self, at: At) -> Option<At> {
        self.0.on_by(at, PAIR)
    }

    pub(super) fn previous(self, at: At) -> Option<At> {
        self.0.back_by(at, PAIR)
    }

    /// Returns where the member of a rank stands.
    pub(super) fn of_rank(self, rank: usize) -> Option<At> {
        self.0.at_index(i64::try_from(PAIR * rank).ok()?)
    }

    pub(super) fn rank(self, wanted: At) -> usize {
        self.places().take_while(|&at| at != wanted).count()
    }

    pub(super) fn count_before(self, edge: &Edge<'_>) -> usize {
        self.places().take_while(|&at| self.is_before(at, edge)).count()
    }

    fn is_before(self, at: At, edge: &Edge<'_>) -> bool {
        let mut digits = IntegerText::new();
        let member = self.member(at).bytes(&mut digits);
        edge.is_behind(self.score(at), || member)
    }

    /// Returns where all members stand, in order.
    pub(super) fn places(self) -> impl Iterator<Item = At> {
        std::iter::successors(self.0.first(), move |&at| self.next(at))
    }

    /// Says whether these really are members with scores, in order.
    pub(super) fn are_right(self) -> bool {
        let items: Vec<Item<'_>> = self.0.iter().collect();
        let (pairs, rest) = items.as_chunks::<PAIR>();
        let mut texts = Vec::with_capacity(pairs.len());
        for [member, score] in pairs {
            let Some(score) = score_of(*score) else { return false };
            texts.push((score, member.bytes(&mut IntegerText::new()).to_vec()));
        }
        let are_ordered = texts
            .windows(2)
            .all(|pair| order((pair[0].0, &pair[0].1), (pair[1].0, &pair[1].1)).is_lt());
        texts.sort_unstable_by(|left, right| left.1.cmp(&right.1));
        let are_unique = texts.windows(2).all(|pair| pair[0].1 != pair[1].1);
        rest.is_empty() && are_ordered && are_unique
    }
}

/// Adds a member that is not there.
pub(super) fn insert(packed: &mut Packed, member: &[u8], score: f64) {
    let pairs = Pairs(packed);
    let edge = Edge::BehindEntry(score, member);
    let at = pairs.places().find(|&at| !pairs.is_before(at, &edge)).unwrap_or_else(|| packed.end());
    insert_at(packed, at, member.into(), score);
}

/// Adds a member behind all others, where it belongs.
pub(super) fn append(packed: &mut Packed, member: Item<'_>, score: f64) {
    insert_at(packed, packed.end(), member, score);
}

fn insert_at(packed: &mut Packed, at: At, member: Item<'_>, score: f64) {
    match whole(score) {
        Some(whole) => packed.insert_all_before(at, &[member, whole.into()]),
        None => {
            let text = DoubleText::new(score);
            packed.insert_all_before(at, &[member, Item::Text(text.as_bytes())]);
        }
    }
}

/// Removes a member with its score.
pub(super) fn remove(packed: &mut Packed, at: At) {
    packed.remove_range(at, PAIR);
}

/// Removes members from a rank on.
pub(super) fn remove_ranks(packed: &mut Packed, first: usize, count: usize) {
    if let Some(at) = Pairs(packed).of_rank(first) {
        packed.remove_range(at, PAIR * count);
    }
}
