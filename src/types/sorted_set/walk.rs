//! Walking over the members of a sorted set in order, forwards or backwards.

use super::small::Pairs;
use super::tree::{Spot, Tree};
use crate::types::{At, Item, Packed};

/// Members with their scores, from one rank to another.
pub struct Walk<'a> {
    place: Place<'a>,
    left: usize,
    is_reverse: bool,
}

enum Place<'a> {
    Packed(&'a Packed, Option<At>),
    Tree(&'a Tree, Option<Spot>),
}

impl<'a> Walk<'a> {
    pub(super) fn packed(packed: &'a Packed, first: usize, left: usize, is_reverse: bool) -> Self {
        let at = if left == 0 { None } else { Pairs(packed).of_rank(first) };
        Self { place: Place::Packed(packed, at), left, is_reverse }
    }

    pub(super) fn tree(tree: &'a Tree, first: usize, left: usize, is_reverse: bool) -> Self {
        let spot = (left > 0).then(|| tree.spot_of_rank(first));
        Self { place: Place::Tree(tree, spot), left, is_reverse }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (Item<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let is_reverse = self.is_reverse;
        match &mut self.place {
            Place::Packed(packed, place) => {
                let (pairs, at) = (Pairs(packed), (*place)?);
                *place = if is_reverse { pairs.previous(at) } else { pairs.next(at) };
                Some((pairs.member(at), pairs.score(at)))
            }
            Place::Tree(tree, place) => {
                let spot = (*place)?;
                *place = if is_reverse { tree.previous(spot) } else { tree.next(spot) };
                Some((Item::Text(tree.member(spot)), tree.score(spot)))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Walk<'_> {}
