//! Consumer groups: how far each has read, and what its consumers have not acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use super::consumers::{Consumer, ConsumerId, Consumers};
use super::id::StreamId;
use crate::types::object::free_each;

/// Bytes that one pending entry takes in the group's tree and in its consumer's, about: the nodes of
/// trees that grow at the end are a little more than half full.
const PENDING_BYTES: usize = 70;
const OWNED_BYTES: usize = 30;

/// The same for the order of delivery, where it is kept.
const TIMED_BYTES: usize = 50;

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// `None`: given back, for whoever claims it first.
    pub consumer: Option<ConsumerId>,
    /// When it was delivered last, in milliseconds since 1970.
    pub delivered_ms: u64,
    pub delivery_count: u64,
}

impl Pending {
    /// Returns where an entry stands in the order in which idle ones are taken over: those given back
    /// come first, then those delivered longest ago.
    fn turn(&self, id: StreamId) -> Turn {
        (self.consumer.is_some(), self.delivered_ms, id)
    }
}

/// See [`Pending::turn`].
type Turn = (bool, u64, StreamId);

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    name: Box<[u8]>,
    /// The last entry that was delivered.
    pub last_id: StreamId,
    /// Entries read of all that were ever added; `None` when that cannot be told.
    pub entries_read: Option<u64>,
    pending: BTreeMap<StreamId, Pending>,
    /// The pending entries by [`Pending::turn`]; kept from when somebody asks for that order.
    turns: Option<BTreeSet<Turn>>,
    /// Pending entries that have a consumer.
    owned_count: usize,
    consumers: Consumers,
}

impl Group {
    fn new(name: &[u8], last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            name: name.into(),
            last_id,
            entries_read,
            pending: BTreeMap::new(),
            turns: None,
            owned_count: 0,
            consumers: Consumers::default(),
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns the bytes of memory of the struct and beyond. Cost: O(1).
    fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.name.len()
            + self.pending.len() * PENDING_BYTES
            + self.owned_count * OWNED_BYTES
            + self.turns.as_ref().map_or(0, |turns| turns.len() * TIMED_BYTES)
            + self.consumers.memory_bytes()
    }

    /// Returns about how many pieces of memory it consists of.
    fn free_cost(&self) -> usize {
        self.pending.len() / 4 + 2 * self.consumers.len() + 2
    }

    /// Returns what was delivered and not acknowledged, in the order of identifiers.
    pub fn pending(&self) -> &BTreeMap<StreamId, Pending> {
        &self.pending
    }

    /// Returns the number of consumers.
    pub fn consumer_count(&self) -> usize {
        self.consumers.len()
    }

    /// Returns the consumers in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (ConsumerId, &Consumer)> + Clone {
        self.consumers.iter()
    }

    /// Returns a consumer.
    pub fn consumer(&self, id: ConsumerId) -> &Consumer {
        self.consumers.get(id)
    }

    /// Returns a consumer to note when it was seen.
    pub fn consumer_mut(&mut self, id: ConsumerId) -> &mut Consumer {
        self.consumers.get_mut(id)
    }

    /// Returns the consumer of a name.
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        self.consumers.find(name)
    }

    /// Adds a consumer; `None` if the name is taken.
    pub fn create_consumer(&mut self, name: &[u8], now_ms: u64) -> Option<ConsumerId> {
        self.consumers.create(name, now_ms)
    }

    /// Removes a consumer with all it had pending; returns how many that were, `None` without it.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let consumer = self.consumers.remove(name)?;
        for &id in &consumer.pending {
            let pending = self.pending.remove(&id);
            if let (Some(turns), Some(pending)) = (&mut self.turns, pending) {
                turns.remove(&pending.turn(id));
            }
        }
        self.owned_count -= consumer.pending.len();
        Some(consumer.pending.len())
    }

    /// Notes who has an entry, in place of who had it before.
    pub fn assign(&mut self, id: StreamId, pending: Pending) {
        let old = self.pending.insert(id, pending);
        if let Some(turns) = &mut self.turns {
            if let Some(old) = &old {
                turns.remove(&old.turn(id));
            }
            turns.insert(pending.turn(id));
        }
        let old = old.and_then(|old| old.consumer);
        if old == pending.consumer {
            return;
        }
        if let Some(consumer) = old {
            self.consumers.get_mut(consumer).pending.remove(&id);
            self.owned_count -= 1;
        }
        if let Some(consumer) = pending.consumer {
            self.consumers.get_mut(consumer).pending.insert(id);
            self.owned_count += 1;
        }
    }

    /// Notes that an entry is done with. Says whether it was pending.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.remove(&id) else { return false };
        if let Some(turns) = &mut self.turns {
            turns.remove(&pending.turn(id));
        }
        if let Some(consumer) = pending.consumer {
            self.consumers.get_mut(consumer).pending.remove(&id);
            self.owned_count -= 1;
        }
        true
    }

    /// Says whether an entry is pending that was delivered at `until_ms` or before.
    /// Cost: O(log n) once [`Self::idle_since`] was called, O(n) before.
    pub fn has_idle_since(&self, until_ms: u64) -> bool {
        match &self.turns {
            Some(turns) => idle(turns, until_ms).next().is_some(),
            None => self.pending.values().any(|pending| pending.delivered_ms <= until_ms),
        }
    }

    /// Returns up to `count_max` entries that are pending and were delivered at `until_ms` or before: those
    /// that were given back first, then those delivered longest ago.
    /// Cost: O(log n + count), the first time O(n log n): the group keeps that order from then on.
    pub fn idle_since(&mut self, until_ms: u64, count_max: usize) -> Vec<StreamId> {
        let pending = &self.pending;
        let in_turn = || pending.iter().map(|(&id, pending)| pending.turn(id)).collect();
        let turns = self.turns.get_or_insert_with(in_turn);
        idle(turns, until_ms).take(count_max).collect()
    }

    /// Says whether the group has yet to read or to acknowledge an entry.
    fn refers_to(&self, id: StreamId) -> bool {
        id > self.last_id || self.pending.contains_key(&id)
    }
}

/// Returns the entries delivered at `until_ms` or before, in turn.
fn idle(turns: &BTreeSet<Turn>, until_ms: u64) -> impl Iterator<Item = StreamId> {
    let up_to = move |is_owned| (is_owned, 0, StreamId::MIN)..=(is_owned, until_ms, StreamId::MAX);
    turns.range(up_to(false)).chain(turns.range(up_to(true))).map(|&(_, _, id)| id)
}

/// The groups of a stream, in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    #[expect(clippy::vec_box, reason = "groups are large, and move when one comes or goes")]
    list: Vec<Box<Group>>,
    /// Bytes of all groups, and about how many pieces of memory they are.
    bytes: usize,
    pieces: usize,
}

impl Groups {
    /// Returns the number of groups.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Says whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the groups in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.list.iter().map(|group| &**group)
    }

    /// Returns the bytes of memory beyond the struct itself. Cost: O(1).
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes + self.list.capacity() * size_of::<Box<Group>>()
    }

    /// Returns about how many pieces of memory they consist of. Cost: O(1).
    pub(super) fn free_cost(&self) -> usize {
        self.pieces
    }

    /// Frees all groups piece by piece.
    pub(super) fn dismantle(self, pause: &mut dyn FnMut()) {
        for group in self.list {
            let Group { pending, consumers, turns, .. } = *group;
            free_each(pending, pause);
            free_each(turns.unwrap_or_default(), pause);
            consumers.dismantle(pause);
        }
    }

    fn position(&self, name: &[u8]) -> Result<usize, usize> {
        self.list.binary_search_by(|group| group.name().cmp(name))
    }

    /// Returns a group.
    pub fn get(&self, name: &[u8]) -> Option<&Group> {
        self.position(name).ok().map(|position| &*self.list[position])
    }

    /// Opens a group for changes.
    pub fn get_mut(&mut self, name: &[u8]) -> Option<GroupEditing<'_>> {
        let position = self.position(name).ok()?;
        Some(self.edit(position))
    }

    fn edit(&mut self, position: usize) -> GroupEditing<'_> {
        let group = &mut *self.list[position];
        let before = (group.memory_bytes(), group.free_cost());
        GroupEditing { group, before, totals: (&mut self.bytes, &mut self.pieces) }
    }

    /// Adds a group; `None` if the name is taken.
    pub fn create(
        &mut self,
        name: &[u8],
        last_id: StreamId,
        entries_read: Option<u64>,
    ) -> Option<GroupEditing<'_>> {
        let position = self.position(name).err()?;
        let group = Group::new(name, last_id, entries_read);
        self.bytes += group.memory_bytes();
        self.pieces += group.free_cost();
        self.list.insert(position, Box::new(group));
        Some(self.edit(position))
    }

    /// Removes a group. Says whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let Ok(position) = self.position(name) else { return false };
        let group = self.list.remove(position);
        self.bytes -= group.memory_bytes();
        self.pieces -= group.free_cost();
        true
    }

    /// Says whether any group has yet to read or to acknowledge an entry.
    pub fn refer_to(&self, id: StreamId) -> bool {
        self.list.iter().any(|group| group.refers_to(id))
    }

    /// Rids all groups of a pending entry. Says whether any had it.
    pub fn forget(&mut self, id: StreamId) -> bool {
        let mut was_pending = false;
        for position in 0..self.list.len() {
            was_pending |= self.edit(position).acknowledge(id);
        }
        was_pending
    }
}

/// A group open for changes; when it is closed, its memory is accounted for.
pub struct GroupEditing<'a> {
    group: &'a mut Group,
    before: (usize, usize),
    totals: (&'a mut usize, &'a mut usize),
}

impl Deref for GroupEditing<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        self.group
    }
}

impl DerefMut for GroupEditing<'_> {
    fn deref_mut(&mut self) -> &mut Group {
        self.group
    }
}

impl Drop for GroupEditing<'_> {
    fn drop(&mut self) {
        let (bytes, pieces) = self.before;
        *self.totals.0 = *self.totals.0 + self.group.memory_bytes() - bytes;
        *self.totals.1 = *self.totals.1 + self.group.free_cost() - pieces;
    }
}
