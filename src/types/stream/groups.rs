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

/// The same for the order of giving back, and for that of delivery, where it is kept.
const RETURNED_BYTES: usize = 90;
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

/// Where an entry that a consumer has stands in the order in which idle ones are taken over: those
/// delivered longest ago come first.
type Turn = (u64, StreamId);

/// The pending entries that were given back, in the order in which that happened.
#[derive(Clone, Debug, Default)]
struct Returned {
    order: BTreeMap<u64, StreamId>,
    numbers: BTreeMap<StreamId, u64>,
    next_number: u64,
}

impl Returned {
    /// Puts an entry behind all others.
    fn put(&mut self, id: StreamId) {
        if let Some(old) = self.numbers.insert(id, self.next_number) {
            self.order.remove(&old);
        }
        self.order.insert(self.next_number, id);
        self.next_number += 1;
    }

    fn remove(&mut self, id: StreamId) {
        if let Some(number) = self.numbers.remove(&id) {
            self.order.remove(&number);
        }
    }
}

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    name: Box<[u8]>,
    /// The last entry that was delivered.
    pub last_id: StreamId,
    /// Entries read of all that were ever added; `None` when that cannot be told.
    pub entries_read: Option<u64>,
    pending: BTreeMap<StreamId, Pending>,
    /// Those that were given back; they are taken over before all others.
    returned: Returned,
    /// Those that consumers have, by [`Turn`]; kept from when somebody asks for that order.
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
            returned: Returned::default(),
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
            + self.returned.order.len() * RETURNED_BYTES
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

    /// Returns what was given back and taken over by nobody since, in the order of giving back.
    pub fn returned(&self) -> impl ExactSizeIterator<Item = StreamId> {
        self.returned.order.values().copied()
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
                turns.remove(&(pending.delivered_ms, id));
            }
        }
        self.owned_count -= consumer.pending.len();
        Some(consumer.pending.len())
    }

    /// Notes who has an entry, in place of who had it before. Without a consumer it was given back.
    pub fn assign(&mut self, id: StreamId, pending: Pending) {
        let old = self.pending.insert(id, pending);
        if let Some(old) = &old {
            self.forget_turn(id, old);
        }
        match (pending.consumer, &mut self.turns) {
            (None, _) => self.returned.put(id),
            (Some(_), Some(turns)) => drop(turns.insert((pending.delivered_ms, id))),
            (Some(_), None) => {}
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

    fn forget_turn(&mut self, id: StreamId, pending: &Pending) {
        if pending.consumer.is_none() {
            self.returned.remove(id);
        } else if let Some(turns) = &mut self.turns {
            turns.remove(&(pending.delivered_ms, id));
        }
    }

    /// Notes that an entry is done with. Says whether it was pending.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.remove(&id) else { return false };
        self.forget_turn(id, &pending);
        if let Some(consumer) = pending.consumer {
            self.consumers.get_mut(consumer).pending.remove(&id);
            self.owned_count -= 1;
        }
        true
    }

    /// Says whether an entry is pending that was given back, or delivered at `until_ms` or before.
    /// Cost: O(log n) once [`Self::idle_since`] was called, O(n) before.
    pub fn has_idle_since(&self, until_ms: u64) -> bool {
        let is_idle = |pending: &Pending| pending.delivered_ms <= until_ms;
        match &self.turns {
            _ if !self.returned.order.is_empty() => true,
            Some(turns) => turns.first().is_some_and(|&(ms, _)| ms <= until_ms),
            None => self.pending.values().any(is_idle),
        }
    }

    /// Returns up to `count_max` entries that are pending: those that were given back, in the order in which
    /// they were, then those delivered at `until_ms` or before, the ones delivered longest ago first.
    /// Cost: O(log n + count), the first time O(n log n): the group keeps that order from then on.
    pub fn idle_since(&mut self, until_ms: u64, count_max: usize) -> Vec<StreamId> {
        let owned = self.pending.iter().filter(|(_, pending)| pending.consumer.is_some());
        let in_turn = || owned.map(|(&id, pending)| (pending.delivered_ms, id)).collect();
        let turns = self.turns.get_or_insert_with(in_turn);
        let idle = turns.range(..=(until_ms, StreamId::MAX)).map(|&(_, id)| id);
        self.returned.order.values().copied().chain(idle).take(count_max).collect()
    }

    /// Says whether the group has yet to read or to acknowledge an entry.
    fn refers_to(&self, id: StreamId) -> bool {
        id > self.last_id || self.pending.contains_key(&id)
    }
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
            let Group { pending, consumers, returned, turns, .. } = *group;
            free_each(pending, pause);
            free_each(returned.order, pause);
            free_each(returned.numbers, pause);
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
