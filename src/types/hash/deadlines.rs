//! The deadlines of a table's fields in order, so that what is due is found without looking at the
//! rest. Fields stand for themselves by their index in the table.

use std::collections::BTreeSet;

/// A deadline with the index of its field: twelve bytes, where a `(u64, u32)` takes sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    high: u32,
    low: u32,
    index: u32,
}
const _: () = assert!(size_of::<Due>() == 12, "no padding");

impl Due {
    fn new(deadline_ms: u64, index: u32) -> Self {
        let [a, b, c, d, e, f, g, h] = deadline_ms.to_be_bytes();
        Self {
            high: u32::from_be_bytes([a, b, c, d]),
            low: u32::from_be_bytes([e, f, g, h]),
            index,
        }
    }

    fn deadline_ms(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// The fields with a deadline, soonest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines(BTreeSet<Due>);

impl Deadlines {
    /// Returns the number of fields with a deadline.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the soonest deadline with the index of its field.
    #[inline]
    pub(super) fn first(&self) -> Option<(u64, u32)> {
        self.0.first().map(|due| (due.deadline_ms(), due.index))
    }

    /// Notes that a field's deadline changed.
    pub(super) fn change(&mut self, index: u32, was_ms: Option<u64>, is_ms: Option<u64>) {
        if was_ms == is_ms {
            return;
        }
        if let Some(was_ms) = was_ms {
            self.0.remove(&Due::new(was_ms, index));
        }
        if let Some(is_ms) = is_ms {
            self.0.insert(Due::new(is_ms, index));
        }
    }

    /// Notes that a field with this deadline has another index now.
    pub(super) fn moved(&mut self, deadline_ms: u64, from: u32, to: u32) {
        self.0.remove(&Due::new(deadline_ms, from));
        self.0.insert(Due::new(deadline_ms, to));
    }

    /// Returns the bytes on the heap, about: nodes are two thirds full.
    pub(super) fn memory_bytes(&self) -> usize {
        self.0.len() * size_of::<Due>() * 3 / 2
    }
}

#[cfg(test)]
mod tests {
    use super::Deadlines;

    #[test]
    fn the_soonest_comes_first() {
        let mut deadlines = Deadlines::default();
        deadlines.change(0, None, Some(1 << 40));
        deadlines.change(1, None, Some(7));
        deadlines.change(2, None, Some((1 << 40) - 1));
        assert_eq!(deadlines.first(), Some((7, 1)));
        deadlines.moved(7, 1, 9);
        assert_eq!(deadlines.first(), Some((7, 9)));
        deadlines.change(9, Some(7), None);
        assert_eq!(deadlines.first(), Some(((1 << 40) - 1, 2)));
        assert_eq!(deadlines.len(), 2);
    }
}
