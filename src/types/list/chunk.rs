//! A chunk: packed entries in a buffer with room at both ends.
//!
//! ```text
//! free | 6 bytes of no meaning | entries ... | 0xFF | free
//!                              ^ start       ^ end
//! ```
//!
//! An edit moves the shorter side. Room runs out rarely: the buffer takes the whole of the size class
//! that an allocator would round it up to.

use std::ops::Range;

use crate::base::slab::Buffer;
use crate::types::packed::{At, EMPTY_BYTES, Entries, HEADER_BYTES, Item, Packed, TERMINATOR};

/// Least capacity of a chunk that is about to grow.
const GROWING_BYTES_MIN: usize = 128;

/// Packed entries with room at both ends; never empty when the list is at rest.
#[derive(Clone)]
pub(super) struct Chunk {
    bytes: Buffer,
    start: u32,
    end: u32,
    count: u32,
}

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).expect("a chunk stays below 4 GiB")
}

/// Rounds up to a quarter of a power of two, as allocators do.
fn size_class(bytes: usize) -> usize {
    let step = (bytes.next_power_of_two() / 8).max(16);
    bytes.next_multiple_of(step)
}

impl Chunk {
    /// Returns a chunk of one item with some room for more.
    pub(super) fn of(item: Item<'_>) -> Self {
        let capacity = size_class(EMPTY_BYTES + item.encoded_bytes()).max(GROWING_BYTES_MIN);
        let mut chunk = Self::with_capacity(capacity);
        chunk.insert(chunk.entries().end(), item);
        chunk
    }

    /// Returns a chunk without items, which a list at rest never has.
    pub(super) fn empty() -> Self {
        Self::with_capacity(EMPTY_BYTES)
    }

    fn with_capacity(capacity: usize) -> Self {
        let mut bytes = Buffer::zeroed(capacity);
        bytes[HEADER_BYTES] = TERMINATOR;
        Self { bytes, start: narrow(HEADER_BYTES), end: narrow(HEADER_BYTES), count: 0 }
    }

    /// Takes over a packed sequence.
    pub(super) fn from_packed(packed: Packed) -> Self {
        let count = narrow(packed.len());
        let bytes = packed.into_bytes();
        let end = narrow(bytes.len() - 1);
        Self { bytes, start: narrow(HEADER_BYTES), end, count }
    }

    /// Returns the entries as a packed sequence of its own.
    pub(super) fn to_packed(&self) -> Packed {
        Packed::from_entries(&self.bytes[self.extent()], self.count())
    }

    #[inline(always)]
    fn start(&self) -> usize {
        self.start as usize
    }

    #[inline(always)]
    fn end(&self) -> usize {
        self.end as usize
    }

    #[inline(always)]
    fn extent(&self) -> Range<usize> {
        self.start()..self.end()
    }

    /// Returns the entries as their reader walks them.
    #[inline(always)]
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries::new(&self.bytes[self.start() - HEADER_BYTES..=self.end()])
    }

    /// Returns the number of entries.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// Returns the size that the entries have as a packed sequence.
    #[inline]
    pub(super) fn packed_bytes(&self) -> usize {
        self.end() - self.start() + EMPTY_BYTES
    }

    /// Returns the size of the buffer.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the place of an entry by its index, the end for the count; walks from the nearer end.
    pub(super) fn at(&self, index: usize) -> At {
        let entries = self.entries();
        let count = self.count();
        debug_assert!(index <= count, "the index is within the chunk");
        let found = if index <= count / 2 {
            entries.on_by(At::new(HEADER_BYTES), index)
        } else {
            entries.back_by(entries.end(), count - index)
        };
        found.unwrap_or_else(|| entries.end())
    }

    /// Inserts an item before an entry or the end.
    #[inline]
    pub(super) fn insert(&mut self, at: At, item: Item<'_>) {
        item.write(self.splice(at, 0, item.encoded_bytes()));
        self.count += 1;
    }

    /// Appends an item.
    #[inline]
    pub(super) fn push_back(&mut self, item: Item<'_>) {
        let bytes = item.encoded_bytes();
        self.make_room(bytes, false);
        let (start, end) = (self.end(), self.end() + bytes);
        item.write(&mut self.bytes[start..end]);
        self.bytes[end] = TERMINATOR;
        self.end = narrow(end);
        self.count += 1;
    }

    /// Inserts an item before all.
    #[inline]
    pub(super) fn push_front(&mut self, item: Item<'_>) {
        let bytes = item.encoded_bytes();
        self.make_room(bytes, true);
        let (start, end) = (self.start() - bytes, self.start());
        item.write(&mut self.bytes[start..end]);
        self.start = narrow(start);
        self.count += 1;
    }

    /// Puts an item in an entry's place.
    pub(super) fn replace(&mut self, at: At, item: Item<'_>) {
        let old_bytes = self.entries().entry_bytes(at);
        item.write(self.splice(at, old_bytes, item.encoded_bytes()));
    }

    /// Removes an entry; the next one then stands at its place.
    pub(super) fn remove(&mut self, at: At) {
        let old_bytes = self.entries().entry_bytes(at);
        self.splice(at, old_bytes, 0);
        self.count -= 1;
        self.shrink_if_sparse();
    }

    /// Removes the first entry.
    #[inline]
    pub(super) fn remove_first(&mut self) {
        self.start += narrow(self.entries().entry_bytes(At::new(HEADER_BYTES)));
        self.count -= 1;
        self.shrink_if_sparse();
    }

    /// Removes the last entry.
    #[inline]
    pub(super) fn remove_last(&mut self) {
        let entries = self.entries();
        let last = entries.last().unwrap_or_else(|| entries.end());
        self.set_end(last);
        self.count -= 1;
        self.shrink_if_sparse();
    }

    fn set_end(&mut self, at: At) {
        let end = self.start() - HEADER_BYTES + at.offset();
        self.bytes[end] = TERMINATOR;
        self.end = narrow(end);
    }

    /// Removes `count` entries from the one with an index on.
    pub(super) fn remove_range(&mut self, index: usize, count: usize) {
        debug_assert!(index + count <= self.count(), "the entries are there");
        let from = self.at(index);
        let to = self.at(index + count);
        self.splice(from, to.offset() - from.offset(), 0);
        self.count -= narrow(count);
        self.shrink_if_sparse();
    }

    /// Removes the entries from an index on and returns them as a chunk.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        let at = self.at(index);
        let first = self.start() - HEADER_BYTES + at.offset();
        let rest_bytes = self.end() - first;
        let mut rest = Self::with_capacity(size_class(EMPTY_BYTES + rest_bytes));
        rest.append_bytes(&self.bytes[first..first + rest_bytes], self.count() - index);
        self.set_end(at);
        self.count = narrow(index);
        self.shrink_if_sparse();
        rest
    }

    /// Appends the entries of another chunk.
    pub(super) fn append(&mut self, other: &Self) {
        self.append_bytes(&other.bytes[other.extent()], other.count());
    }

    fn append_bytes(&mut self, entries: &[u8], count: usize) {
        self.splice(self.entries().end(), 0, entries.len()).copy_from_slice(entries);
        self.count += narrow(count);
    }

    /// Makes room for `new_bytes` in place of `old_bytes` at an entry and returns that gap.
    #[inline]
    fn splice(&mut self, at: At, old_bytes: usize, new_bytes: usize) -> &mut [u8] {
        let before = at.offset() - HEADER_BYTES;
        let after = self.end() - self.start() - before - old_bytes;
        let moves_front = before < after;
        if let Some(more) = new_bytes.checked_sub(old_bytes) {
            self.make_room(more, moves_front);
        }
        let from = self.start() + before;
        if moves_front {
            let start = self.start() + old_bytes - new_bytes;
            self.shift(self.start()..from, start);
            self.start = narrow(start);
        } else {
            let end = self.end() + new_bytes - old_bytes;
            self.shift(from + old_bytes..self.end(), from + new_bytes);
            self.bytes[end] = TERMINATOR;
            self.end = narrow(end);
        }
        let gap = self.start() + before;
        &mut self.bytes[gap..gap + new_bytes]
    }

    #[inline]
    fn shift(&mut self, from: Range<usize>, to: usize) {
        if !from.is_empty() && from.start != to {
            self.bytes.copy_within(from, to);
        }
    }

    /// Sees to it that there are `more` free bytes before the entries or behind them.
    #[inline]
    fn make_room(&mut self, more: usize, is_front: bool) {
        let front = self.start() - HEADER_BYTES;
        let back = self.capacity() - self.end() - 1;
        let room = if is_front { front } else { back };
        if room < more {
            self.rearrange(more, is_front);
        }
    }

    /// Sees to it that there are `more` free bytes at one side, by a buffer of twice the size if need be:
    /// for one of many chunks, whose free room makes no difference. It takes `bytes_max` at most, or
    /// what is needed.
    #[inline]
    pub(super) fn double_if_full(&mut self, more: usize, is_front: bool, bytes_max: usize) {
        let front = self.start() - HEADER_BYTES;
        let back = self.capacity() - self.end() - 1;
        if (if is_front { front } else { back }) < more {
            self.double(more, is_front, bytes_max);
        }
    }

    #[cold]
    fn double(&mut self, more: usize, is_front: bool, bytes_max: usize) {
        let used = self.packed_bytes() + more;
        if used + self.capacity() / 4 <= self.capacity() {
            return;
        }
        let capacity = size_class((2 * self.capacity()).min(bytes_max).max(used));
        self.reallocate(capacity, if is_front { capacity - self.packed_bytes() } else { 0 });
    }

    /// Moves the entries within the buffer if much of it is free, into a larger one otherwise.
    #[cold]
    fn rearrange(&mut self, more: usize, is_front: bool) {
        let used = self.packed_bytes() + more;
        if used + self.capacity() / 4 <= self.capacity() {
            // The other side keeps half of what is to spare: the entries may go that way next.
            let spare = (self.capacity() - used) / 2;
            let front = if is_front { more + spare } else { spare };
            return self.move_to(HEADER_BYTES + front);
        }
        let capacity = size_class(used).max(GROWING_BYTES_MIN);
        if is_front {
            self.reallocate(capacity, capacity - self.packed_bytes());
        } else if self.start() == HEADER_BYTES {
            self.extend_to(capacity);
        } else {
            self.reallocate(capacity, 0);
        }
    }

    fn move_to(&mut self, start: usize) {
        // The terminator moves with the entries.
        let moved = self.start()..self.end() + 1;
        self.bytes.copy_within(moved, start);
        self.end = narrow(self.end() + start - self.start());
        self.start = narrow(start);
    }

    /// Makes the buffer longer where it is.
    fn extend_to(&mut self, capacity: usize) {
        let length = self.bytes.len();
        self.bytes.splice(length, 0, capacity - length);
    }

    /// Takes another buffer with `front` free bytes before the entries.
    fn reallocate(&mut self, capacity: usize, front: usize) {
        let start = HEADER_BYTES + front;
        let length = self.end() + 1 - self.start();
        self.bytes = Buffer::around(capacity, start, &self.bytes[self.start()..=self.end()]);
        self.start = narrow(start);
        self.end = narrow(start + length - 1);
    }

    /// Gives most of a buffer back when three quarters of it are free.
    #[inline]
    fn shrink_if_sparse(&mut self) {
        if self.packed_bytes() < self.capacity() / 4 && self.capacity() > GROWING_BYTES_MIN {
            let capacity = size_class(self.packed_bytes() * 3 / 2).max(GROWING_BYTES_MIN);
            self.reallocate(capacity, (capacity - self.packed_bytes()) / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Item, size_class};

    fn texts(chunk: &Chunk) -> Vec<Vec<u8>> {
        chunk.entries().iter().map(|item| item.bytes(&mut itoa::Buffer::new()).to_vec()).collect()
    }

    #[test]
    fn sizes_are_those_of_an_allocator() {
        let classes = [(1, 16), (17, 32), (129, 160), (1025, 1280), (1793, 2048), (8192, 8192)];
        for (bytes, class) in classes {
            assert_eq!(size_class(bytes), class, "{bytes}");
        }
    }

    #[test]
    fn a_queue_stays_in_its_buffer() {
        let mut chunk = Chunk::of(Item::from(b"first".as_slice()));
        for _ in 0..20 {
            chunk.push_back(Item::Text(b"0123456789"));
        }
        let capacity = chunk.capacity();
        for index in 0..10_000_i64 {
            chunk.push_back(Item::from(format!("value:{index:04}").as_bytes()));
            chunk.remove_first();
        }
        assert!(chunk.count() == 21 && chunk.capacity() <= 2 * capacity);
        assert_eq!(texts(&chunk)[20], b"value:9999");
    }

    #[test]
    fn entries_grow_to_either_side() {
        let mut chunk = Chunk::of(Item::Integer(0));
        for index in 1..200 {
            chunk.push_front(Item::Integer(-index));
            chunk.push_back(Item::Integer(index));
        }
        let expected = (-199..200).map(|index| index.to_string().into_bytes());
        assert!(texts(&chunk).into_iter().eq(expected));
        assert_eq!(chunk.to_packed().len(), 399);
        for _ in 0..198 {
            chunk.remove_first();
            chunk.remove_last();
        }
        assert_eq!(texts(&chunk), [b"-1".to_vec(), b"0".to_vec(), b"1".to_vec()]);
        assert!(chunk.capacity() <= 128);
    }
}
