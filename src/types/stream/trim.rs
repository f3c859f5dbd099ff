//! Trimming: dropping a stream's oldest entries.

use super::groups::Groups;
use super::id::StreamId;
use super::log::StreamLog;

/// What must be gone after a trim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimGoal {
    /// All but this many entries.
    MaxLength(u64),
    /// Entries before this one.
    MinId(StreamId),
}

/// How a stream is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    pub goal: TrimGoal,
    /// Only whole blocks are dropped.
    pub is_approximate: bool,
    /// Most entries dropped at once; `None` for no limit.
    pub limit: Option<u64>,
}

/// What becomes of the places where groups have an entry pending that is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum References {
    /// They stay.
    #[default]
    Keep,
    /// They are removed too.
    Remove,
    /// The entry is only deleted if all groups have read and acknowledged it.
    Acknowledged,
}

impl StreamLog {
    /// Drops the oldest entries; returns how many.
    pub(super) fn trim(&mut self, trim: &Trim, references: References, groups: &mut Groups) -> u64 {
        // Without groups nobody refers to anything.
        let references = if groups.is_empty() { References::Keep } else { references };
        let mut dropped = 0;
        let mut index = 0;
        while index < self.blocks.len() && !self.is_reached(trim.goal) {
            let count = self.blocks[index].live_count() as u64;
            if trim.limit.is_some_and(|limit| dropped + count > limit) {
                break;
            }
            let is_whole = self.is_whole_beyond(index, trim.goal)
                && (references != References::Acknowledged || self.is_unreferenced(index, groups));
            if is_whole {
                if references == References::Remove {
                    self.ids_of(index).for_each(|id| _ = groups.forget(id));
                }
                self.remove_block(index);
                self.live_count -= count;
                dropped += count;
                continue;
            }
            if trim.is_approximate {
                break;
            }
            dropped += self.trim_within(index, trim.goal, references, groups);
            if references != References::Acknowledged {
                break;
            }
            index += 1;
        }
        dropped
    }

    fn is_reached(&self, goal: TrimGoal) -> bool {
        match goal {
            TrimGoal::MaxLength(count) => self.live_count <= count,
            TrimGoal::MinId(id) => self.blocks.front().is_none_or(|block| block.first() >= id),
        }
    }

    /// Says whether the goal wants all of a block gone.
    fn is_whole_beyond(&self, index: usize, goal: TrimGoal) -> bool {
        let block = &self.blocks[index];
        match goal {
            TrimGoal::MaxLength(count) => self.live_count - block.live_count() as u64 >= count,
            TrimGoal::MinId(id) => block.last() < id,
        }
    }

    fn ids_of(&self, index: usize) -> impl Iterator<Item = StreamId> {
        let block = &self.blocks[index];
        let head = block.head();
        let mut at = block.start(&head);
        std::iter::from_fn(move || {
            let met = block.entry_at(&head, at)?;
            at = met.end;
            Some((met.entry.id(), met.is_deleted))
        })
        .filter_map(|(id, is_deleted)| (!is_deleted).then_some(id))
    }

    fn is_unreferenced(&self, index: usize, groups: &Groups) -> bool {
        self.ids_of(index).all(|id| !groups.refer_to(id))
    }

    /// Deletes entries of one block; returns how many. The block stays even if none is left, as it
    /// does in the originals: it ends with an entry deleted before that the goal would have kept.
    fn trim_within(
        &mut self,
        index: usize,
        goal: TrimGoal,
        references: References,
        groups: &mut Groups,
    ) -> u64 {
        let mut gone = 0;
        let head = self.blocks[index].head();
        let mut at = self.blocks[index].start(&head);
        loop {
            let block = &self.blocks[index];
            let Some(met) = block.entry_at(&head, at) else { return gone };
            let (id, is_deleted, start, end) = (met.entry.id(), met.is_deleted, met.at, met.end);
            let stops = match goal {
                TrimGoal::MaxLength(count) => self.live_count <= count,
                TrimGoal::MinId(first_kept) => id >= first_kept,
            };
            if stops {
                return gone;
            }
            at = end;
            let is_kept = references == References::Acknowledged && groups.refer_to(id);
            if is_deleted || is_kept {
                continue;
            }
            if references == References::Remove {
                groups.forget(id);
            }
            let bytes = block.as_bytes().len();
            gone += 1;
            self.mark_deleted(index, start);
            // Counts in the block's head may have become longer or shorter.
            at = at + self.blocks[index].as_bytes().len() - bytes;
        }
    }
}
