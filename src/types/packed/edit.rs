//! How a packed sequence changes: every edit moves its tail once and reallocates at most once.

use super::buffer::{COUNT_UNKNOWN, EMPTY_BYTES, Packed};
use super::entries::{At, HEADER_BYTES};
use super::item::{self, Item, TERMINATOR};
use crate::base::slab::Buffer;

impl Packed {
    /// Appends one item.
    #[inline]
    pub fn push_back<'a>(&mut self, item: impl Into<Item<'a>>) {
        self.insert_before(self.end(), item);
    }

    /// Inserts one item before all.
    #[inline]
    pub fn push_front<'a>(&mut self, item: impl Into<Item<'a>>) {
        self.insert_before(At::new(HEADER_BYTES), item);
    }

    /// Inserts one item before an entry or the end; the item then stands at `at`.
    pub fn insert_before<'a>(&mut self, at: At, item: impl Into<Item<'a>>) {
        let item = item.into();
        item.write(self.splice(at.offset(), 0, item.encoded_bytes(), 0, 1));
    }

    /// Inserts items before an entry or the end, in their order, with one move and one reallocation.
    pub fn insert_all_before(&mut self, at: At, items: &[Item<'_>]) {
        let bytes = items.iter().map(|item| item.encoded_bytes()).sum();
        let mut gap = self.splice(at.offset(), 0, bytes, 0, items.len());
        for item in items {
            let (own, rest) = gap.split_at_mut(item.encoded_bytes());
            item.write(own);
            gap = rest;
        }
    }

    /// Appends items with one reallocation.
    pub fn append(&mut self, items: &[Item<'_>]) {
        self.insert_all_before(self.end(), items);
    }

    /// Inserts items before all, in their order, with one reallocation.
    pub fn prepend(&mut self, items: &[Item<'_>]) {
        self.insert_all_before(At::new(HEADER_BYTES), items);
    }

    /// Returns a sequence of valid entries.
    pub(in crate::types) fn from_entries(entries: &[u8], count: usize) -> Self {
        let mut packed = Self(Buffer::zeroed(entries.len() + EMPTY_BYTES));
        let end = HEADER_BYTES + entries.len();
        packed.0[HEADER_BYTES..end].copy_from_slice(entries);
        packed.0[end] = TERMINATOR;
        packed.set_size();
        packed.set_count(count);
        packed
    }

    /// Appends all items of another sequence.
    pub fn append_packed(&mut self, other: &Self) {
        let entries = &other.0[HEADER_BYTES..other.0.len() - 1];
        let end = self.end().offset();
        self.splice(end, 0, entries.len(), 0, other.len()).copy_from_slice(entries);
    }

    /// Inserts all items of another sequence before the first.
    pub fn prepend_packed(&mut self, other: &Self) {
        let entries = &other.0[HEADER_BYTES..other.0.len() - 1];
        self.splice(HEADER_BYTES, 0, entries.len(), 0, other.len()).copy_from_slice(entries);
    }

    /// Puts an item in an entry's place; `at` stays good.
    pub fn replace<'a>(&mut self, at: At, item: impl Into<Item<'a>>) {
        let item = item.into();
        let old_bytes = item::entry_bytes(&self.0, at.offset());
        item.write(self.splice(at.offset(), old_bytes, item.encoded_bytes(), 1, 1));
    }

    /// Removes an entry and returns the one that followed it, which now stands at `at`.
    #[inline]
    pub fn remove(&mut self, at: At) -> Option<At> {
        let bytes = item::entry_bytes(&self.0, at.offset());
        self.splice(at.offset(), bytes, 0, 1, 0);
        self.0.get(at.offset()).is_some_and(|head| *head != TERMINATOR).then_some(at)
    }

    /// Removes up to `count` entries from `at` on and returns how many there were.
    pub fn remove_range(&mut self, at: At, count: usize) -> usize {
        let (mut end, mut removed) = (at.offset(), 0);
        while removed < count && self.0[end] != TERMINATOR {
            end += item::entry_bytes(&self.0, end);
            removed += 1;
        }
        self.splice(at.offset(), end - at.offset(), 0, removed, 0);
        removed
    }

    /// Removes the entries from `at` on and returns them as a sequence of their own.
    pub fn split_off(&mut self, at: At) -> Self {
        let whole_count = self.len();
        let (mut kept, mut offset) = (0, HEADER_BYTES);
        while offset < at.offset() {
            offset += item::entry_bytes(&self.0, offset);
            kept += 1;
        }
        let end = self.0.len() - 1;
        let mut rest = Self::new();
        let entries = &self.0[offset..end];
        rest.splice(HEADER_BYTES, 0, entries.len(), 0, whole_count - kept).copy_from_slice(entries);
        self.splice(offset, end - offset, 0, whole_count - kept, 0);
        // A sequence that was too long to count may not be any more.
        self.set_count(kept);
        rest
    }

    /// Makes room for `new_bytes` in place of `old_bytes` at `offset` and returns that gap; the header
    /// follows.
    fn splice(
        &mut self,
        offset: usize,
        old_bytes: usize,
        new_bytes: usize,
        old_count: usize,
        new_count: usize,
    ) -> &mut [u8] {
        if new_bytes != old_bytes {
            self.0.splice(offset, old_bytes, new_bytes);
            self.set_size();
        }
        if new_count != old_count {
            let count = self.header_count();
            if count != COUNT_UNKNOWN {
                self.set_count(usize::from(count) + new_count - old_count);
            }
        }
        &mut self.0[offset..offset + new_bytes]
    }

    fn set_size(&mut self) {
        let total = u32::try_from(self.0.len()).expect("a sequence stays below 4 GiB");
        self.0[..4].copy_from_slice(&total.to_le_bytes());
    }

    fn set_count(&mut self, count: usize) {
        let count = u16::try_from(count).unwrap_or(COUNT_UNKNOWN);
        self.0[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
    }
}

impl<'a, I: Into<Item<'a>>> FromIterator<I> for Packed {
    /// Packs items with one buffer that grows.
    fn from_iter<T: IntoIterator<Item = I>>(items: T) -> Self {
        let mut entries = Vec::new();
        let mut count: usize = 0;
        for item in items {
            let item: Item<'a> = item.into();
            item.append_to(&mut entries);
            count += 1;
        }
        Self::from_entries(&entries, count)
    }
}
