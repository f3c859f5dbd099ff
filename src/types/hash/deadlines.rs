//! The deadlines of a table's fields in order, so that what is due is found without looking at the
//! rest. Fields stand for themselves by their stems; fields with the same stem and deadline share one
//! place here.

use std::collections::BTreeSet;

use crate::types::member_table::Stem;
use crate::types::object::free_each;

/// A deadline with the stem of its field: twelve bytes, where a `(u64, u32)` takes sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    high: u32,
    low: u32,
    stem: Stem,
}
const _: () = assert!(size_of::<Due>() == 12, "no padding");

impl Due {
    fn new(deadline_ms: u64, stem: Stem) -> Self {
        let [a, b, c, d, e, f, g, h] = deadline_ms.to_be_bytes();
        Self { high: u32::from_be_bytes([a, b, c, d]), low: u32::from_be_bytes([e, f, g, h]), stem }
    }

    fn deadline_ms(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// The fields with a deadline, soonest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines(BTreeSet<Due>);

impl Deadlines {
    /// Says whether no field has a deadline.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the soonest deadline with the stem of its field.
    #[inline]
    pub(super) fn first(&self) -> Option<(u64, Stem)> {
        self.0.first().map(|due| (due.deadline_ms(), due.stem))
    }

    /// Notes a field's deadline.
    pub(super) fn add(&mut self, deadline_ms: u64, stem: Stem) {
        self.0.insert(Due::new(deadline_ms, stem));
    }

    /// Notes that no field with this stem has this deadline any more.
    pub(super) fn remove(&mut self, deadline_ms: u64, stem: Stem) {
        self.0.remove(&Due::new(deadline_ms, stem));
    }

    /// Frees them piece by piece.
    pub(super) fn dismantle(self, pause: &mut dyn FnMut()) {
        free_each(self.0, pause);
    }

    /// Returns the bytes on the heap, about: nodes are two thirds full.
    pub(super) fn memory_bytes(&self) -> usize {
        self.0.len() * size_of::<Due>() * 3 / 2
    }
}

#[cfg(test)]
mod tests {
    use super::{Deadlines, Stem};

    #[test]
    fn the_soonest_comes_first() {
        let mut deadlines = Deadlines::default();
        deadlines.add(1 << 40, Stem(0));
        deadlines.add(7, Stem(1));
        deadlines.add((1 << 40) - 1, Stem(2));
        assert_eq!(deadlines.first(), Some((7, Stem(1))));
        deadlines.remove(7, Stem(1));
        assert_eq!(deadlines.first(), Some(((1 << 40) - 1, Stem(2))));
        deadlines.remove((1 << 40) - 1, Stem(2));
        deadlines.remove(1 << 40, Stem(0));
        assert!(deadlines.is_empty());
    }
}
