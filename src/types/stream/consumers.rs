//! The consumers of a group, by name and by a handle that stays good while the consumer exists.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use super::id::StreamId;
use crate::types::object::free_each;

/// Names a consumer within its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerId(NonZeroU32);

impl ConsumerId {
    fn new(index: usize) -> Self {
        let number = u32::try_from(index + 1).expect("memory ends before consumers' numbers do");
        Self(NonZeroU32::new(number).expect("one was added"))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// One consumer of a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    name: Box<[u8]>,
    /// When it last tried to read, in milliseconds since 1970.
    pub seen_ms: u64,
    /// When it last got something.
    pub active_ms: Option<u64>,
    pub(super) pending: BTreeSet<StreamId>,
}

impl Consumer {
    /// Returns the name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns the identifiers of the entries it has got and not acknowledged, in order.
    pub fn pending(&self) -> &BTreeSet<StreamId> {
        &self.pending
    }
}

/// All consumers of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct Consumers {
    slots: Vec<Option<Box<Consumer>>>,
    /// In the order of names.
    order: Vec<ConsumerId>,
    name_bytes: usize,
}

impl Consumers {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Frees all consumers piece by piece.
    pub(super) fn dismantle(self, pause: &mut dyn FnMut()) {
        for consumer in self.slots.into_iter().flatten() {
            free_each(consumer.pending, pause);
        }
    }

    /// Returns the bytes of memory beyond the struct itself. Cost: O(1).
    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Option<Box<Consumer>>>()
            + self.order.capacity() * size_of::<ConsumerId>()
            + self.order.len() * size_of::<Consumer>()
            + self.name_bytes
    }

    /// Returns the consumers in the order of their names.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (ConsumerId, &Consumer)> + Clone {
        self.order.iter().map(|&id| (id, self.get(id)))
    }

    pub(super) fn get(&self, id: ConsumerId) -> &Consumer {
        self.slots[id.index()].as_ref().expect("handles of removed consumers are not kept")
    }

    pub(super) fn get_mut(&mut self, id: ConsumerId) -> &mut Consumer {
        self.slots[id.index()].as_mut().expect("handles of removed consumers are not kept")
    }

    fn position(&self, name: &[u8]) -> Result<usize, usize> {
        self.order.binary_search_by(|&id| self.get(id).name().cmp(name))
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<ConsumerId> {
        self.position(name).ok().map(|position| self.order[position])
    }

    /// Adds a consumer; `None` if the name is taken.
    pub(super) fn create(&mut self, name: &[u8], now_ms: u64) -> Option<ConsumerId> {
        let position = self.position(name).err()?;
        let consumer = Consumer {
            name: name.into(),
            seen_ms: now_ms,
            active_ms: None,
            pending: BTreeSet::new(),
        };
        self.name_bytes += name.len();
        let free = self.slots.iter().position(Option::is_none);
        let index = free.filter(|_| self.order.len() < self.slots.len());
        let index = index.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[index] = Some(Box::new(consumer));
        let id = ConsumerId::new(index);
        self.order.insert(position, id);
        Some(id)
    }

    /// Removes a consumer; nobody refers to it any more.
    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Box<Consumer>> {
        let id = self.order.remove(self.position(name).ok()?);
        self.name_bytes -= name.len();
        self.slots[id.index()].take()
    }
}
