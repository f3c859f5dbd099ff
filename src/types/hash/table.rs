//! Large hashes: a member table of pairs, and the deadlines of those that have one.

use super::deadlines::Deadlines;
use crate::types::member_table::{MemberTable, Members, Place, Stem};
use crate::types::pair::Pair;

/// Fields and values, found by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pairs: MemberTable<Pair>,
    deadlines: Option<Box<Deadlines>>,
}

impl Table {
    /// Returns the number of pairs.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Returns about how many pieces of memory it consists of.
    pub(super) fn piece_count(&self) -> usize {
        self.pairs.piece_count()
    }

    /// Frees it piece by piece.
    pub(super) fn dismantle(self, pause: &mut dyn FnMut()) {
        if let Some(deadlines) = self.deadlines {
            deadlines.dismantle(pause);
        }
        self.pairs.dismantle(pause);
    }

    /// Returns the pair of a field.
    #[inline]
    pub(super) fn get(&self, field: &[u8]) -> Option<&Pair> {
        self.pairs.get(field)
    }

    /// Starts to fetch what look-ups of these fields will read.
    #[inline]
    pub(super) fn prefetch(&self, fields: &[&[u8]]) {
        self.pairs.prefetch(fields);
    }

    /// Returns all pairs, in no order.
    pub(super) fn pairs(&self) -> Members<'_, Pair> {
        self.pairs.iter()
    }

    /// Returns a random pair; all are equally likely. There must be one. Cost: O(1).
    pub(super) fn random(&self, random: &mut fastrand::Rng) -> &Pair {
        self.pairs.random(random)
    }

    /// Visits about `count` pairs from a cursor on and returns the next one, 0 at the end.
    pub(super) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        visit: impl FnMut(&'a Pair),
    ) -> u64 {
        self.pairs.scan(cursor, count, visit)
    }

    /// Sets a field's value. What becomes of the deadline, `deadline` says: given the old one, it
    /// returns the new one. Says whether the field is new.
    #[inline]
    pub(super) fn set(
        &mut self,
        field: &[u8],
        value: &[u8],
        deadline: impl FnOnce(Option<u64>) -> Option<u64>,
    ) -> bool {
        let hash = self.pairs.hash(field);
        let Some(place) = self.pairs.find(hash, field) else {
            self.insert(hash, Pair::new(field, value, deadline(None)));
            return true;
        };
        let pair = self.pairs.at_mut(place);
        let was_ms = pair.deadline_ms();
        let is_ms = deadline(was_ms);
        if was_ms == is_ms && pair.overwrite(value) {
            return false;
        }
        self.pairs.change(place, |pair| {
            pair.set_value(value);
            pair.set_deadline(is_ms);
        });
        self.note_deadline(hash, was_ms, is_ms);
        false
    }

    /// Adds a pair whose field is not there.
    pub(super) fn add(&mut self, field: &[u8], value: &[u8], deadline_ms: Option<u64>) {
        self.insert(self.pairs.hash(field), Pair::new(field, value, deadline_ms));
    }

    fn insert(&mut self, hash: u64, pair: Pair) {
        let deadline_ms = pair.deadline_ms();
        self.pairs.insert(hash, pair);
        self.note_deadline(hash, None, deadline_ms);
    }

    /// Notes that a field's deadline changed, or that the field came or went; its pair is right already.
    #[inline]
    fn note_deadline(&mut self, hash: u64, was_ms: Option<u64>, is_ms: Option<u64>) {
        if was_ms != is_ms {
            self.change_deadline(Stem::of(hash), was_ms, is_ms);
        }
    }

    fn change_deadline(&mut self, stem: Stem, was_ms: Option<u64>, is_ms: Option<u64>) {
        let deadlines = self.deadlines.get_or_insert_default();
        if let Some(is_ms) = is_ms {
            deadlines.add(is_ms, stem);
        }
        if let Some(was_ms) = was_ms {
            // Another field with the same stem may be due at the same time.
            let pairs = &self.pairs;
            let other = pairs.find_by_stem(stem, |pair| {
                pair.deadline_ms() == Some(was_ms) && Stem::of(pairs.hash(pair.field())) == stem
            });
            if other.is_none() {
                deadlines.remove(was_ms, stem);
            }
        }
        if deadlines.is_empty() {
            self.deadlines = None;
        }
    }

    /// Sets or removes the deadline of a field; says whether the field is there.
    pub(super) fn set_deadline(&mut self, field: &[u8], is_ms: Option<u64>) -> bool {
        let hash = self.pairs.hash(field);
        let Some(place) = self.pairs.find(hash, field) else { return false };
        let was_ms = self.pairs.change(place, |pair| {
            let was_ms = pair.deadline_ms();
            pair.set_deadline(is_ms);
            was_ms
        });
        self.note_deadline(hash, was_ms, is_ms);
        true
    }

    /// Removes a field and returns its pair.
    pub(super) fn remove(&mut self, field: &[u8]) -> Option<Pair> {
        let hash = self.pairs.hash(field);
        let place = self.pairs.find(hash, field)?;
        Some(self.take(hash, place))
    }

    /// Removes the field that has been due longest, if its time has come, and returns its pair.
    pub(super) fn remove_due(&mut self, now_ms: u64) -> Option<Pair> {
        let (deadline_ms, stem) = self.deadlines.as_ref()?.first()?;
        if deadline_ms > now_ms {
            return None;
        }
        let place = self.pairs.find_by_stem(stem, |pair| pair.deadline_ms() == Some(deadline_ms));
        let place = place.expect("every deadline is that of a pair");
        let hash = self.pairs.hash(self.pairs.at(place).field());
        Some(self.take(hash, place))
    }

    fn take(&mut self, hash: u64, place: Place) -> Pair {
        let pair = self.pairs.take(place);
        self.note_deadline(hash, pair.deadline_ms(), None);
        pair
    }

    /// Returns the soonest deadline of any field.
    #[inline]
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.deadlines.as_ref()?.first().map(|(deadline_ms, _)| deadline_ms)
    }

    /// Returns the bytes on the heap beyond the struct itself. Cost: O(1).
    #[inline]
    pub(super) fn memory_bytes(&self) -> usize {
        let deadlines = self
            .deadlines
            .as_ref()
            .map_or(0, |deadlines| size_of::<Deadlines>() + deadlines.memory_bytes());
        self.pairs.memory_bytes() + deadlines
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Table;

    fn name(number: u32) -> String {
        format!("f{number:07}")
    }

    fn table(count: u32) -> Table {
        let mut table = Table::default();
        for number in 0..count {
            table.add(name(number).as_bytes(), &[b'v'; 16], None);
        }
        table
    }

    #[test]
    fn a_thousand_fields_take_less_than_38_bytes_each() {
        assert!(table(1_000).memory_bytes() < 38_000, "{}", table(1_000).memory_bytes());
    }

    #[test]
    fn memory_is_given_back() {
        let mut table = table(10_000);
        for number in 0..9_990 {
            assert!(table.remove(name(number).as_bytes()).is_some());
        }
        assert!(table.memory_bytes() < 2_000, "{}", table.memory_bytes());
        assert!(table.get(b"f0009995").is_some());
    }

    #[test]
    fn many_fields_may_be_due_at_once() {
        const COUNT: u32 = 200_000;
        let mut table = Table::default();
        // So many that some have the same stem.
        for number in 0..COUNT {
            table.add(name(number).as_bytes(), b"v", Some(u64::from(number % 3)));
        }
        for number in (0..COUNT).step_by(5) {
            assert!(table.set_deadline(name(number).as_bytes(), None));
        }
        for number in (1..COUNT).step_by(5) {
            assert!(table.set_deadline(name(number).as_bytes(), Some(2)));
        }
        for number in (2..COUNT).step_by(5) {
            assert!(table.remove(name(number).as_bytes()).is_some());
        }
        let mut removed = HashSet::new();
        while let Some(pair) = table.remove_due(2) {
            assert!(removed.insert(pair.field().to_vec()));
        }
        assert_eq!(removed.len(), COUNT as usize / 5 * 3);
        assert_eq!((table.len(), table.due_ms()), (COUNT as usize / 5, None));
        assert!(table.pairs().all(|pair| pair.deadline_ms().is_none()));
    }
}
