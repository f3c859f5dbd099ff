//! Streams: a log of entries that grows at its end, and the groups of consumers that read it.
//!
//! Entries lie in blocks, each one packed sequence filed under its first identifier: adding touches
//! the last block only, reading finds its block by binary search, trimming drops whole blocks from the
//! front. A group keeps what it has delivered in a tree by identifier, each consumer a set of its own.

mod block;
mod consumers;
mod groups;
mod id;
mod log;
#[cfg(test)]
mod model_tests;
mod producers;
mod radix;
mod range;
mod trim;

pub use block::{StreamEntry, StreamFields};
pub use consumers::{Consumer, ConsumerId};
pub use groups::{Group, GroupEditing, Groups, Pending};
pub use id::{NewStreamId, StreamId, StreamIdText};
pub use log::{BlockLimits, IdRefusal, StreamLog, StreamMarks};
pub use producers::{ProducerCounts, ProducerLimits, Producers};
pub use range::{StreamRange, StreamRangeBack};
pub use trim::{References, Trim, TrimGoal};

use super::object::free_each;
use super::{Collection, Encoding, ValueType};

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream(Box<Parts>);

/// The parts of a stream, which a reader of a group uses at once.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub log: StreamLog,
    pub groups: Groups,
    /// `None` until a producer names itself or limits are set for it.
    pub producers: Option<Box<Producers>>,
}

/// What became of an entry that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    Done,
    /// There is no such entry.
    Absent,
    /// A group has yet to read or to acknowledge it.
    Referenced,
}

impl Stream {
    /// Returns an empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the entries.
    #[inline]
    pub fn log(&self) -> &StreamLog {
        &self.0.log
    }

    /// Returns the groups.
    pub fn groups(&self) -> &Groups {
        &self.0.groups
    }

    /// Returns the producers, if any has ever named itself.
    pub fn producers(&self) -> Option<&Producers> {
        self.0.producers.as_deref()
    }

    /// Returns all parts for changes.
    #[inline]
    pub fn parts_mut(&mut self) -> &mut Parts {
        &mut self.0
    }

    /// Drops the oldest entries; returns how many.
    pub fn trim(&mut self, trim: &Trim, references: References) -> u64 {
        let Parts { log, groups, .. } = &mut *self.0;
        log.trim(trim, references, groups)
    }

    /// Deletes an entry. `References::Remove` rids groups even of an entry that is not there.
    pub fn delete(&mut self, id: StreamId, references: References) -> Deletion {
        let Parts { log, groups, .. } = &mut *self.0;
        match references {
            References::Keep => {}
            References::Remove => {
                groups.forget(id);
            }
            References::Acknowledged => {
                if log.get(id).is_some() && groups.refer_to(id) {
                    return Deletion::Referenced;
                }
            }
        }
        if log.delete(id) { Deletion::Done } else { Deletion::Absent }
    }
}

impl Collection for Stream {
    const TYPE: ValueType = ValueType::Stream;

    fn memory_bytes(&self) -> usize {
        let producers = self.0.producers.as_ref().map_or(0, |producers| producers.memory_bytes());
        size_of::<Parts>() + self.0.log.memory_bytes() + self.0.groups.memory_bytes() + producers
    }

    fn len(&self) -> usize {
        usize::try_from(self.0.log.len()).unwrap_or(usize::MAX)
    }

    fn encoding(&self) -> Encoding {
        Encoding::Stream
    }

    fn free_cost(&self) -> usize {
        let producers = self.0.producers.as_ref().map_or(0, |producers| producers.free_cost());
        self.0.log.block_count() + self.0.groups.free_cost() + producers + 2
    }

    fn dismantle(self, pause: &mut dyn FnMut()) {
        let Parts { log, groups, producers } = *self.0;
        free_each(log.blocks, pause);
        groups.dismantle(pause);
        if let Some(producers) = producers {
            producers.dismantle(pause);
        }
    }
}
