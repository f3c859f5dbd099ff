//! Walking over the items of a packed sequence from either end.

use std::iter::FusedIterator;

use super::entries::{At, Entries, HEADER_BYTES, previous_offset};
use super::item::{self, Item};

/// The items of a packed sequence, in order.
#[derive(Clone)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Entries<'a> {
    /// Returns the items in order.
    #[inline]
    pub(in crate::types) fn iter(self) -> Iter<'a> {
        Iter { bytes: self.0, front: HEADER_BYTES, back: self.0.len() - 1 }
    }

    /// Returns the items from an entry (or the end) on.
    #[inline]
    pub(in crate::types) fn iter_from(self, at: At) -> Iter<'a> {
        Iter { front: at.offset(), ..self.iter() }
    }

    /// Returns the items before an entry (or the end).
    #[inline]
    pub(in crate::types) fn iter_before(self, at: At) -> Iter<'a> {
        Iter { back: at.offset(), ..self.iter() }
    }
}

impl<'a> Iter<'a> {
    /// Returns the next item, as `next` does, always inlined.
    #[inline(always)]
    pub(in crate::types) fn step(&mut self) -> Option<Item<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (item, next) = item::step(self.bytes, self.front);
        self.front = next;
        Some(item)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        self.step()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = previous_offset(self.bytes, self.back)?;
        Some(item::decode(self.bytes, self.back))
    }
}

impl FusedIterator for Iter<'_> {}
