//! The entries of a stream in the order of their identifiers, in blocks.

use std::collections::VecDeque;

use super::block::{Block, StreamEntry};
use super::id::{NewStreamId, StreamId};
use super::range::{StreamRange, StreamRangeBack};
use crate::types::{Corrupt, Packed};

/// Bytes of one block at most, whatever the settings say.
const BLOCK_BYTES_MAX: usize = 1 << 30;

/// Up to where entries share a block; 0 stands for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLimits {
    pub bytes_max: usize,
    pub entries_max: usize,
}

impl BlockLimits {
    fn bytes(self) -> usize {
        if self.bytes_max == 0 { BLOCK_BYTES_MAX } else { self.bytes_max.min(BLOCK_BYTES_MAX) }
    }
}

/// Why an entry cannot get the identifier that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdRefusal {
    /// No identifier is left.
    Exhausted,
    /// 0-0 stands for no entry.
    Zero,
    /// Not behind the last one.
    NotBehindLast,
}

/// What a stream remembers besides its entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamMarks {
    /// The identifier that was given last.
    pub last_id: StreamId,
    /// The largest identifier whose entry was deleted one by one.
    pub max_deleted_id: StreamId,
    /// Entries ever added.
    pub entries_added: u64,
}

/// Entries and what is remembered of those that are gone.
#[derive(Clone, Debug, Default)]
pub struct StreamLog {
    pub(super) blocks: VecDeque<Block>,
    pub(super) live_count: u64,
    /// Bytes of all blocks.
    pub(super) block_bytes: usize,
    marks: StreamMarks,
}

impl StreamLog {
    /// Returns the number of entries.
    #[inline]
    pub fn len(&self) -> u64 {
        self.live_count
    }

    /// Says whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.live_count == 0
    }

    /// Returns what is remembered besides the entries.
    pub fn marks(&self) -> &StreamMarks {
        &self.marks
    }

    /// Changes what is remembered; the caller keeps `last_id` behind every entry.
    pub fn set_marks(&mut self, marks: StreamMarks) {
        if self.is_empty() && marks.last_id < self.marks.last_id {
            // What trimming has left of blocks could lie behind the next entry.
            self.blocks.clear();
            self.block_bytes = 0;
        }
        self.marks = marks;
    }

    /// Returns the identifier that was given last.
    #[inline]
    pub fn last_id(&self) -> StreamId {
        self.marks.last_id
    }

    /// Returns the bytes of memory beyond the struct itself. Cost: O(1).
    #[inline]
    pub(super) fn memory_bytes(&self) -> usize {
        self.block_bytes + self.blocks.capacity() * size_of::<Block>()
    }

    /// Returns the number of blocks.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Returns each block: the identifier it is filed under and its packed sequence.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = (StreamId, &[u8])> {
        self.blocks.iter().map(|block| (block.first(), block.as_bytes()))
    }

    /// Adds a block from outside behind the others.
    ///
    /// # Errors
    /// It is no block, or not behind the others.
    pub fn load_block(&mut self, first: StreamId, packed: &Packed) -> Result<(), Corrupt> {
        if self.blocks.back().is_some_and(|last| last.last() >= first) {
            return Err(Corrupt);
        }
        let block = Block::from_packed(first, packed).ok_or(Corrupt)?;
        self.live_count += block.live_count() as u64;
        self.block_bytes += block.memory_bytes();
        self.blocks.push_back(block);
        Ok(())
    }

    /// Returns the identifier of a new entry.
    ///
    /// # Errors
    /// [`IdRefusal`].
    #[inline]
    pub fn new_id(&self, wanted: NewStreamId, now_ms: u64) -> Result<StreamId, IdRefusal> {
        let last = self.last_id();
        match wanted {
            NewStreamId::Exact(StreamId::MIN) => Err(IdRefusal::Zero),
            _ if last == StreamId::MAX => Err(IdRefusal::Exhausted),
            NewStreamId::Automatic if now_ms > last.ms => Ok(StreamId { ms: now_ms, sequence: 0 }),
            NewStreamId::Automatic => last.next().ok_or(IdRefusal::Exhausted),
            NewStreamId::Next { ms } if ms == last.ms => {
                let sequence = last.sequence.checked_add(1).ok_or(IdRefusal::NotBehindLast)?;
                Ok(StreamId { ms, sequence })
            }
            NewStreamId::Next { ms } if ms < last.ms => Err(IdRefusal::NotBehindLast),
            NewStreamId::Next { ms } => Ok(StreamId { ms, sequence: 0 }),
            NewStreamId::Exact(id) if id <= last => Err(IdRefusal::NotBehindLast),
            NewStreamId::Exact(id) => Ok(id),
        }
    }

    /// Adds an entry with an identifier behind the last one; `fields` are names and values by turns.
    /// Cost: O(fields).
    #[inline]
    pub fn append<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        limits: BlockLimits,
    ) {
        debug_assert!(id > self.last_id(), "identifiers grow");
        let text_bytes: usize = fields.clone().map(<[u8]>::len).sum();
        match self.blocks.back_mut().filter(|block| has_room(block, text_bytes, limits)) {
            Some(block) => {
                let before = block.memory_bytes();
                block.reserve(text_bytes + 10 * fields.len() + 32, limits.bytes());
                block.append(id, fields);
                self.block_bytes += block.memory_bytes() - before;
            }
            None => self.open_block(id, fields),
        }
        self.live_count += 1;
        self.marks.entries_added += 1;
        self.marks.last_id = id;
    }

    #[cold]
    fn open_block<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) {
        if let Some(full) = self.blocks.back_mut() {
            let before = full.memory_bytes();
            full.shrink();
            self.block_bytes -= before - full.memory_bytes();
        }
        let block = Block::new(id, fields);
        self.block_bytes += block.memory_bytes();
        if self.blocks.capacity() == 0 {
            self.blocks.reserve_exact(1);
        }
        self.blocks.push_back(block);
    }

    /// Returns the index of the block an identifier would be in.
    pub(super) fn block_of(&self, id: StreamId) -> Option<usize> {
        match self.blocks.back() {
            None => None,
            Some(last) if last.first() <= id => Some(self.blocks.len() - 1),
            Some(_) => self.blocks.partition_point(|block| block.first() <= id).checked_sub(1),
        }
    }

    /// Returns the entries from `start` to `end`, both included.
    pub fn range(&self, start: StreamId, end: StreamId) -> StreamRange<'_> {
        StreamRange::new(self, start, end)
    }

    /// Returns the same entries, the last one first.
    pub fn range_back(&self, start: StreamId, end: StreamId) -> StreamRangeBack<'_> {
        StreamRangeBack::new(self, start, end)
    }

    /// Returns the first entry.
    pub fn first(&self) -> Option<StreamEntry<'_>> {
        self.range(StreamId::MIN, StreamId::MAX).next()
    }

    /// Returns the identifier of the first entry; 0-0 if there is none.
    pub fn first_id(&self) -> StreamId {
        self.first().map_or(StreamId::MIN, |entry| entry.id())
    }

    /// Returns the last entry.
    pub fn last(&self) -> Option<StreamEntry<'_>> {
        self.range_back(StreamId::MIN, StreamId::MAX).next()
    }

    /// Returns the entry of an identifier.
    pub fn get(&self, id: StreamId) -> Option<StreamEntry<'_>> {
        let found = self.blocks[self.block_of(id)?].find(id)?;
        (!found.is_deleted).then_some(found.entry)
    }

    /// Deletes an entry. Says whether it was there.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some(index) = self.block_of(id) else { return false };
        let block = &mut self.blocks[index];
        let Some(at) = block.find(id).filter(|met| !met.is_deleted).map(|met| met.at) else {
            return false;
        };
        if block.live_count() == 1 {
            self.live_count -= 1;
            self.remove_block(index);
        } else {
            self.mark_deleted(index, at);
        }
        self.marks.max_deleted_id = self.marks.max_deleted_id.max(id);
        true
    }

    /// Marks the entry at a place of a block as deleted.
    pub(super) fn mark_deleted(&mut self, index: usize, at: usize) {
        self.live_count -= 1;
        let block = &mut self.blocks[index];
        let before = block.memory_bytes();
        block.delete(at);
        self.block_bytes = self.block_bytes + block.memory_bytes() - before;
    }

    /// Removes a block; its entries are counted as gone by the caller.
    pub(super) fn remove_block(&mut self, index: usize) {
        if let Some(block) = self.blocks.remove(index) {
            self.block_bytes -= block.memory_bytes();
        }
    }
}

/// Says whether one more entry belongs into a block.
#[inline]
fn has_room(block: &Block, text_bytes: usize, limits: BlockLimits) -> bool {
    block.as_bytes().len() + text_bytes < limits.bytes()
        && (limits.entries_max == 0 || block.whole_count() < limits.entries_max)
}

/// Distances within a stream, which entries that were deleted make uncertain.
impl StreamLog {
    /// Says whether an entry was deleted behind `start`, as far as is remembered.
    pub fn has_deleted_behind(&self, start: StreamId) -> bool {
        let deleted = self.marks.max_deleted_id;
        !self.is_empty()
            && deleted != StreamId::MIN
            && self.first_id() <= deleted
            && start <= deleted
    }

    /// Returns how many entries were ever added up to `id`, if that can be told.
    pub fn added_up_to(&self, id: StreamId) -> Option<u64> {
        let marks = &self.marks;
        if marks.entries_added == 0 {
            return Some(0);
        }
        if self.is_empty() && id <= marks.last_id {
            return Some(marks.entries_added);
        }
        if id != StreamId::MIN && id < marks.max_deleted_id {
            return None;
        }
        if id >= marks.last_id {
            return (id == marks.last_id).then_some(marks.entries_added);
        }
        let first = self.first_id();
        if marks.max_deleted_id != StreamId::MIN && marks.max_deleted_id >= first || id > first {
            return None;
        }
        let before_first = marks.entries_added.saturating_sub(self.live_count);
        Some(before_first + u64::from(id == first))
    }

    /// Returns the number of entries a reader has before it that has read `entries_read` up to `last_id`,
    /// if that can be told; negative when the number of entries added was set back.
    pub fn lag(&self, last_id: StreamId, entries_read: Option<u64>) -> Option<i64> {
        let marks = &self.marks;
        if marks.entries_added == 0 || self.is_empty() {
            return Some(0);
        }
        let first = self.first_id();
        if last_id < first && marks.max_deleted_id < first {
            return Some(self.live_count.cast_signed());
        }
        let read = match entries_read {
            Some(read) if !self.has_deleted_behind(last_id) => Some(read),
            _ => self.added_up_to(last_id),
        };
        read.map(|read| marks.entries_added.wrapping_sub(read).cast_signed())
    }
}
