//! One block of a stream: consecutive entries in one packed sequence, byte for byte as RDB files and
//! DUMP payloads carry it.
//!
//! ```text
//! live entries | deleted entries | fields of the first entry | name ... name | 0
//! flags | ms - first ms | number - first number |                      value ...      | pieces   same names
//! flags | ms - first ms | number - first number | fields | name value ... name value  | pieces   other names
//! ```
//! Every part is one item. `pieces` counts the items of the entry before it, so that entries can be
//! read backwards; the 0 behind the names stops such a walk. Deleted entries stay, marked.

use super::id::StreamId;
use crate::types::packed::{
    COUNT_UNKNOWN, HEADER_BYTES, TERMINATOR, decode, entry_bytes, previous_offset,
};
use crate::types::{Item, Packed};

/// A mark of an entry: it is deleted.
const DELETED: i64 = 1;
/// A mark of an entry: its names are those of the block's first entry.
const SAME_NAMES: i64 = 2;
/// Items of an entry besides its names and values: marks, two differences, `pieces`.
const FRAME_ITEMS: usize = 4;
/// Bytes that are allocated for these, about.
const FRAME_BYTES: usize = 16;

/// Consecutive entries in one allocation.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// What identifiers are written relative to; no entry has a smaller one.
    first: StreamId,
    bytes: Vec<u8>,
}

/// Where the parts that stand before the entries lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    name_count: usize,
    names_at: usize,
    entries_at: usize,
}

/// One entry as a walk meets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met<'a> {
    pub(super) entry: StreamEntry<'a>,
    pub(super) is_deleted: bool,
    /// Where it starts.
    pub(super) at: usize,
    /// Where the next one starts.
    pub(super) end: usize,
}

/// An entry of a stream, inside its block.
#[derive(Clone, Copy, Debug)]
pub struct StreamEntry<'a> {
    id: StreamId,
    bytes: &'a [u8],
    field_count: usize,
    /// Where names stand apart from the values.
    names_at: Option<usize>,
    at: usize,
}

/// The names and values of an entry.
#[derive(Clone, Debug)]
pub struct StreamFields<'a> {
    bytes: &'a [u8],
    names_at: Option<usize>,
    at: usize,
    left: usize,
}

impl<'a> StreamEntry<'a> {
    /// Returns the identifier.
    #[inline]
    pub fn id(&self) -> StreamId {
        self.id
    }

    /// Returns names and values in the order they were given.
    #[inline]
    pub fn fields(&self) -> StreamFields<'a> {
        let Self { bytes, names_at, at, field_count: left, .. } = *self;
        StreamFields { bytes, names_at, at, left }
    }
}

impl<'a> Iterator for StreamFields<'a> {
    type Item = (Item<'a>, Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names_at {
            Some(names_at) => take(self.bytes, names_at),
            None => take(self.bytes, &mut self.at),
        };
        Some((name, take(self.bytes, &mut self.at)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for StreamFields<'_> {}

/// Reads the item at a place and moves behind it.
#[inline]
fn take<'a>(bytes: &'a [u8], at: &mut usize) -> Item<'a> {
    let item = decode(bytes, *at);
    *at += entry_bytes(bytes, *at);
    item
}

/// Returns the integer at a place of a block's frame; 0 where a block was forged.
#[inline]
fn number_at(bytes: &[u8], at: usize) -> i64 {
    match decode(bytes, at) {
        Item::Integer(number) => number,
        Item::Text(_) => 0,
    }
}

#[inline]
fn take_number(bytes: &[u8], at: &mut usize) -> i64 {
    let number = number_at(bytes, *at);
    *at += entry_bytes(bytes, *at);
    number
}

/// Returns a count that a block holds.
fn count_of(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

impl Block {
    /// Returns a block with one entry; `fields` are names and values by turns.
    pub(super) fn new<'a>(
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) -> Self {
        let field_count = fields.len() / 2;
        let text_bytes: usize = fields.clone().map(|text| text.len() + 2).sum();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 2 * FRAME_BYTES + text_bytes);
        bytes.extend_from_slice(&[0; HEADER_BYTES]);
        Item::Integer(0).append_to(&mut bytes);
        Item::Integer(0).append_to(&mut bytes);
        Item::Integer(field_count as i64).append_to(&mut bytes);
        fields.clone().step_by(2).for_each(|name| Item::from(name).append_to(&mut bytes));
        Item::Integer(0).append_to(&mut bytes);
        bytes.push(TERMINATOR);
        let mut block = Self { first: id, bytes };
        block.set_header(FRAME_ITEMS + field_count);
        block.append(id, fields);
        block
    }

    /// Takes a packed sequence from outside for a block; `None` when it is none.
    pub(super) fn from_packed(first: StreamId, packed: &Packed) -> Option<Self> {
        let block = Self { first, bytes: packed.as_bytes().to_vec() };
        block.is_whole().then_some(block)
    }

    /// Says whether every part is what it must be, in items that are known to be whole.
    fn is_whole(&self) -> bool {
        let mut items = Items { bytes: &self.bytes, at: HEADER_BYTES };
        self.has_whole_entries(&mut items).unwrap_or(false)
    }

    fn has_whole_entries(&self, items: &mut Items<'_>) -> Option<bool> {
        let (live, deleted) = (items.count()?, items.count()?);
        let name_count = items.count()?;
        items.skip(name_count)?;
        let (mut counts, mut last) = ([0, 0], None);
        let mut is_whole = items.number()? == 0;
        while !items.is_at_end() {
            let flags = items.number()?;
            let id = self.id_from(items.number()?, items.number()?);
            let same_names = flags & SAME_NAMES != 0;
            let field_count = if same_names { name_count } else { items.count()? };
            let values = field_count.checked_mul(if same_names { 1 } else { 2 })?;
            items.skip(values)?;
            let pieces = values.checked_add(if same_names { 3 } else { 4 })?;
            is_whole &= items.count()? == pieces && id >= self.first && last < Some(id);
            is_whole &= (0..=DELETED | SAME_NAMES).contains(&flags);
            counts[usize::from(flags & DELETED != 0)] += 1;
            last = Some(id);
        }
        Some(is_whole && counts == [live, deleted])
    }

    /// Returns the identifier the block is filed under.
    #[inline]
    pub(super) fn first(&self) -> StreamId {
        self.first
    }

    /// Returns the packed sequence.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes allocated.
    #[inline]
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Gives back what is allocated beyond need.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Returns the number of entries that are not deleted.
    #[inline]
    pub(super) fn live_count(&self) -> usize {
        count_of(number_at(&self.bytes, HEADER_BYTES))
    }

    /// Returns the number of all entries.
    #[inline]
    pub(super) fn whole_count(&self) -> usize {
        let mut at = HEADER_BYTES;
        count_of(take_number(&self.bytes, &mut at)) + count_of(number_at(&self.bytes, at))
    }

    /// Returns where the parts before the entries lie. Cost: O(names).
    #[inline]
    pub(super) fn head(&self) -> Head {
        let mut at = HEADER_BYTES;
        at += entry_bytes(&self.bytes, at);
        at += entry_bytes(&self.bytes, at);
        let name_count = count_of(take_number(&self.bytes, &mut at));
        let names_at = at;
        for _ in 0..=name_count {
            at += entry_bytes(&self.bytes, at);
        }
        Head { name_count, names_at, entries_at: at }
    }

    /// Returns where the first entry starts.
    #[inline]
    pub(super) fn start(&self, head: &Head) -> usize {
        debug_assert!(head.entries_at < self.bytes.len());
        head.entries_at
    }

    /// Returns where entries end.
    #[inline]
    pub(super) fn end(&self) -> usize {
        self.bytes.len() - 1
    }

    #[inline]
    fn id_from(&self, ms: i64, sequence: i64) -> StreamId {
        StreamId {
            ms: self.first.ms.wrapping_add(ms.cast_unsigned()),
            sequence: self.first.sequence.wrapping_add(sequence.cast_unsigned()),
        }
    }

    /// Returns the entry at a place where one starts; `None` at the end.
    #[inline]
    pub(super) fn entry_at(&self, head: &Head, at: usize) -> Option<Met<'_>> {
        if at >= self.end() {
            return None;
        }
        let (bytes, start) = (self.bytes.as_slice(), at);
        let mut at = at;
        let flags = take_number(bytes, &mut at);
        let ms = take_number(bytes, &mut at);
        let id = self.id_from(ms, take_number(bytes, &mut at));
        let has_same_names = flags & SAME_NAMES != 0;
        let field_count =
            if has_same_names { head.name_count } else { count_of(take_number(bytes, &mut at)) };
        let names_at = has_same_names.then_some(head.names_at);
        let entry = StreamEntry { id, bytes, field_count, names_at, at };
        for _ in 0..if has_same_names { field_count } else { 2 * field_count } {
            at += entry_bytes(bytes, at);
        }
        let end = at + entry_bytes(bytes, at);
        Some(Met { entry, is_deleted: flags & DELETED != 0, at: start, end })
    }

    /// Returns where the entry starts that ends at a place; `None` before the first.
    pub(super) fn before(&self, head: &Head, end: usize) -> Option<usize> {
        if end <= head.entries_at {
            return None;
        }
        let mut at = previous_offset(&self.bytes, end)?;
        for _ in 0..count_of(number_at(&self.bytes, at)) {
            at = previous_offset(&self.bytes, at)?;
        }
        (at >= head.entries_at).then_some(at)
    }

    /// Returns the largest identifier of all entries, deleted ones too.
    pub(super) fn last(&self) -> StreamId {
        let head = self.head();
        let last = self.before(&head, self.end()).and_then(|at| self.entry_at(&head, at));
        last.map_or(self.first, |met| met.entry.id)
    }

    /// Returns the entry of an identifier, deleted or not.
    pub(super) fn find(&self, id: StreamId) -> Option<Met<'_>> {
        let head = self.head();
        let mut at = head.entries_at;
        while let Some(met) = self.entry_at(&head, at) {
            if met.entry.id >= id {
                return (met.entry.id == id).then_some(met);
            }
            at = met.end;
        }
        None
    }

    /// Adds an entry behind the others; `fields` are names and values by turns.
    #[inline]
    pub(super) fn append<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) {
        let has_same_names = self.has_names(fields.clone().step_by(2));
        let field_count = fields.len() / 2;
        let out = &mut self.bytes;
        out.pop();
        Item::Integer(if has_same_names { SAME_NAMES } else { 0 }).append_to(out);
        let ms = id.ms.wrapping_sub(self.first.ms).cast_signed();
        Item::Integer(ms).append_to(out);
        let sequence = id.sequence.wrapping_sub(self.first.sequence).cast_signed();
        Item::Integer(sequence).append_to(out);
        let values = if has_same_names {
            fields.skip(1).step_by(2).for_each(|value| Item::from(value).append_to(out));
            field_count
        } else {
            Item::Integer(field_count as i64).append_to(out);
            fields.for_each(|text| Item::from(text).append_to(out));
            2 * field_count + 1
        };
        Item::Integer((values + FRAME_ITEMS - 1) as i64).append_to(out);
        out.push(TERMINATOR);
        self.set_header(values + FRAME_ITEMS);
        self.change_number(HEADER_BYTES, 1);
    }

    /// Says whether these are the names of the first entry.
    #[inline]
    fn has_names<'a>(&self, names: impl ExactSizeIterator<Item = &'a [u8]>) -> bool {
        let mut at = HEADER_BYTES;
        at += entry_bytes(&self.bytes, at);
        at += entry_bytes(&self.bytes, at);
        if count_of(take_number(&self.bytes, &mut at)) != names.len() {
            return false;
        }
        for name in names {
            if !take(&self.bytes, &mut at).equals(name) {
                return false;
            }
        }
        true
    }

    /// Makes room for more bytes: at least doubling, but not beyond `bytes_max` unless needed.
    #[inline]
    pub(super) fn reserve(&mut self, added_bytes: usize, bytes_max: usize) {
        let needed = self.bytes.len() + added_bytes;
        let capacity = self.bytes.capacity();
        if needed > capacity {
            let wanted = (2 * capacity).min(bytes_max).max(needed);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
    }

    /// Marks the entry that starts at a place as deleted.
    pub(super) fn delete(&mut self, at: usize) {
        let flags = number_at(&self.bytes, at);
        debug_assert!(flags & DELETED == 0, "an entry dies once");
        self.change_number(at, DELETED);
        self.change_number(HEADER_BYTES, -1);
        let deleted_at = HEADER_BYTES + entry_bytes(&self.bytes, HEADER_BYTES);
        self.change_number(deleted_at, 1);
    }

    /// Adds to the number at a place.
    #[inline]
    fn change_number(&mut self, at: usize, added: i64) {
        let number = number_at(&self.bytes, at) + added;
        let old_bytes = entry_bytes(&self.bytes, at);
        if old_bytes == 2 && (0..=127).contains(&number) && self.bytes[at] < 0x80 {
            self.bytes[at] = number.to_le_bytes()[0];
            return;
        }
        let mut item = Vec::with_capacity(FRAME_BYTES);
        Item::Integer(number).append_to(&mut item);
        self.bytes.splice(at..at + old_bytes, item);
        self.set_header(0);
    }

    /// Renews the packed sequence's own header after items were added.
    #[inline]
    fn set_header(&mut self, added_items: usize) {
        let total = u32::try_from(self.bytes.len()).expect("blocks stay far below 4 GiB");
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
        let count = u16::from_le_bytes([self.bytes[4], self.bytes[5]]);
        if count != COUNT_UNKNOWN {
            let count = u16::try_from(usize::from(count) + added_items).unwrap_or(COUNT_UNKNOWN);
            self.bytes[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
        }
    }
}

/// A walk over the items of a sequence from outside: `None` as soon as one is not as it must be.
struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Items<'_> {
    fn is_at_end(&self) -> bool {
        self.bytes[self.at] == TERMINATOR
    }

    fn number(&mut self) -> Option<i64> {
        if self.is_at_end() {
            return None;
        }
        match take(self.bytes, &mut self.at) {
            Item::Integer(number) => Some(number),
            Item::Text(_) => None,
        }
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        for _ in 0..count {
            if self.is_at_end() {
                return None;
            }
            self.at += entry_bytes(self.bytes, self.at);
        }
        Some(())
    }
}
