//! Large hashes: pairs side by side in the order of their arrival, and an index of their positions.
//!
//! ```text
//! pairs   [ word, word, ... ]   one allocation per pair; a removal moves the last one into the gap
//! index   hash of the field -> position in `pairs`, 4 bytes and a tag byte each
//! ```
//! So a random field is one step, and a walk from the last position to the first meets every field
//! that stays: what a removal moves comes from a place that was visited already, or goes to one that
//! will be.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::deadlines::Deadlines;
use crate::types::pair::Pair;

/// A table is made smaller when it uses less than one part in this many.
const SPARSE: usize = 8;
const SMALLEST_CAPACITY: usize = 16;
/// Control bytes behind the buckets of an index.
const GROUP_BYTES: usize = 16;

/// Fields and values, found by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pairs: Vec<Pair>,
    index: HashTable<u32>,
    hasher: RandomState,
    deadlines: Option<Box<Deadlines>>,
    /// The sum of the pairs' allocations.
    pair_bytes: usize,
}

fn position(index: usize) -> u32 {
    u32::try_from(index).expect("memory ends before four thousand million pairs")
}

impl Table {
    /// Returns an empty table with room for some pairs.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            pairs: Vec::with_capacity(count),
            index: HashTable::with_capacity(count),
            ..Self::default()
        }
    }

    /// Returns the number of pairs.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    #[inline]
    fn hash(&self, field: &[u8]) -> u64 {
        hash_with(&self.hasher, field)
    }

    #[inline]
    fn find(&self, hash: u64, field: &[u8]) -> Option<u32> {
        let pairs = &self.pairs;
        self.index.find(hash, |&at| pairs[at as usize].field() == field).copied()
    }

    /// Returns the pair of a field.
    #[inline]
    pub(super) fn get(&self, field: &[u8]) -> Option<&Pair> {
        self.find(self.hash(field), field).map(|at| &self.pairs[at as usize])
    }

    /// Returns the pair at a position below the length.
    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<&Pair> {
        self.pairs.get(index)
    }

    /// Returns all pairs.
    pub(super) fn pairs(&self) -> &[Pair] {
        &self.pairs
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
        let hash = self.hash(field);
        let Some(at) = self.find(hash, field) else {
            self.insert(hash, Pair::new(field, value, deadline(None)));
            return true;
        };
        let pair = &mut self.pairs[at as usize];
        let was_bytes = pair.memory_bytes();
        let was_ms = pair.deadline_ms();
        pair.set_value(value);
        let is_ms = deadline(was_ms);
        pair.set_deadline(is_ms);
        self.pair_bytes = self.pair_bytes - was_bytes + pair.memory_bytes();
        self.note_deadline(at, was_ms, is_ms);
        false
    }

    /// Adds a pair whose field is not there.
    pub(super) fn add(&mut self, field: &[u8], value: &[u8], deadline_ms: Option<u64>) {
        self.insert(self.hash(field), Pair::new(field, value, deadline_ms));
    }

    fn insert(&mut self, hash: u64, pair: Pair) {
        let at = position(self.pairs.len());
        let deadline_ms = pair.deadline_ms();
        self.pair_bytes += pair.memory_bytes();
        if self.pairs.len() == self.pairs.capacity() {
            // A quarter more, as the allocator's classes go: twice as much would stand idle.
            self.pairs.reserve_exact((self.pairs.len() / 4).max(4));
        }
        self.pairs.push(pair);
        if self.index.len() == self.index.capacity() {
            self.fetch_all();
        }
        let (pairs, hasher) = (&self.pairs, &self.hasher);
        self.index.insert_unique(hash, at, |&at| hash_with(hasher, pairs[at as usize].field()));
        self.note_deadline(at, None, deadline_ms);
    }

    /// Fetches every pair: a growing index hashes every field again, and all misses of the cache at
    /// once take a fraction of the time that they take one by one.
    #[cold]
    fn fetch_all(&self) {
        self.pairs.iter().for_each(Pair::prefetch);
    }

    #[inline]
    fn note_deadline(&mut self, at: u32, was_ms: Option<u64>, is_ms: Option<u64>) {
        if was_ms != is_ms {
            self.deadlines.get_or_insert_default().change(at, was_ms, is_ms);
            self.forget_idle_deadlines();
        }
    }

    fn forget_idle_deadlines(&mut self) {
        if self.deadlines.as_ref().is_some_and(|deadlines| deadlines.len() == 0) {
            self.deadlines = None;
        }
    }

    /// Sets or removes the deadline of a field; says whether the field is there.
    pub(super) fn set_deadline(&mut self, field: &[u8], is_ms: Option<u64>) -> bool {
        let Some(at) = self.find(self.hash(field), field) else { return false };
        let pair = &mut self.pairs[at as usize];
        let (was_ms, was_bytes) = (pair.deadline_ms(), pair.memory_bytes());
        pair.set_deadline(is_ms);
        self.pair_bytes = self.pair_bytes - was_bytes + pair.memory_bytes();
        self.note_deadline(at, was_ms, is_ms);
        true
    }

    /// Removes a field and returns its pair.
    pub(super) fn remove(&mut self, field: &[u8]) -> Option<Pair> {
        let hash = self.hash(field);
        let at = self.find(hash, field)?;
        let pair = self.take(hash, at);
        self.shrink_if_sparse();
        Some(pair)
    }

    /// Removes the field that has been due longest, if its time has come, and returns its pair.
    pub(super) fn remove_due(&mut self, now_ms: u64) -> Option<Pair> {
        let (deadline_ms, at) = self.deadlines.as_ref()?.first()?;
        if deadline_ms > now_ms {
            return None;
        }
        let hash = self.hash(self.pairs[at as usize].field());
        let pair = self.take(hash, at);
        self.shrink_if_sparse();
        Some(pair)
    }

    /// Takes out the pair at a position and moves the last one there.
    fn take(&mut self, hash: u64, at: u32) -> Pair {
        let last = position(self.pairs.len() - 1);
        let entry = self.index.find_entry(hash, |&other| other == at);
        entry.expect("every pair has its place in the index").remove();
        let pair = self.pairs.swap_remove(at as usize);
        self.pair_bytes -= pair.memory_bytes();
        self.note_deadline(at, pair.deadline_ms(), None);
        if at != last {
            let moved = &self.pairs[at as usize];
            let place = self.index.find_mut(self.hash(moved.field()), |&other| other == last);
            let deadline_ms = moved.deadline_ms();
            *place.expect("every pair has its place in the index") = at;
            if let (Some(deadline_ms), Some(deadlines)) = (deadline_ms, &mut self.deadlines) {
                deadlines.moved(deadline_ms, last, at);
            }
        }
        pair
    }

    /// Gives memory back when little of it is in use.
    #[inline]
    fn shrink_if_sparse(&mut self) {
        let capacity = self.pairs.capacity();
        if capacity > SMALLEST_CAPACITY && self.pairs.len() * SPARSE < capacity {
            self.pairs.shrink_to(self.pairs.len() * 2);
            let (pairs, hasher) = (&self.pairs, &self.hasher);
            let hash = |&at: &u32| hash_with(hasher, pairs[at as usize].field());
            self.index.shrink_to(pairs.len() * 2, hash);
        }
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
        self.pairs.capacity() * size_of::<Pair>()
            + index_bytes(self.index.capacity())
            + self.pair_bytes
            + deadlines
    }
}

#[inline]
fn hash_with(hasher: &RandomState, field: &[u8]) -> u64 {
    let mut state = hasher.build_hasher();
    state.write(field);
    state.finish()
}

/// Returns the bytes of an index that holds up to `capacity` entries: it fills seven eighths.
#[inline]
fn index_bytes(capacity: usize) -> usize {
    if capacity == 0 {
        return 0;
    }
    let buckets = if capacity < 8 { capacity + 1 } else { capacity / 7 * 8 };
    buckets * (size_of::<u32>() + 1) + GROUP_BYTES
}

#[cfg(test)]
mod tests {
    use super::{Table, index_bytes};

    fn table(count: u32) -> Table {
        let mut table = Table::default();
        for number in 0..count {
            table.add(format!("f{number:07}").as_bytes(), &[b'v'; 16], None);
        }
        table
    }

    #[test]
    fn a_thousand_fields_take_less_than_46_bytes_each() {
        assert!(table(1_000).memory_bytes() < 46_000, "{}", table(1_000).memory_bytes());
    }

    #[test]
    fn memory_is_given_back() {
        let mut table = table(10_000);
        for number in 0..9_990 {
            assert!(table.remove(format!("f{number:07}").as_bytes()).is_some());
        }
        assert!(table.memory_bytes() < 2_000, "{}", table.memory_bytes());
        assert!(table.get(b"f0009995").is_some());
    }

    #[test]
    fn the_size_of_an_index_is_known() {
        for (capacity, buckets) in [(3, 4), (7, 8), (14, 16), (28, 32), (1_792, 2_048)] {
            assert_eq!(hashbrown::HashTable::<u32>::with_capacity(capacity).capacity(), capacity);
            assert_eq!(index_bytes(capacity), buckets * 5 + 16);
        }
    }
}
