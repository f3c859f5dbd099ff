//! From a member's hash to the leaf it stands in: open addressing, eight bytes a slot.
//!
//! A hash of 32 bits picks its home slot in proportion to its size, so that slots stand nearly in the
//! order of hashes whatever their number: growing is one pass from front to back, and a scan goes
//! by hash, from a cursor that stays right when the table grows or shrinks under it. Collisions go
//! to the next free slot; removal moves later ones back, so that no markers pile up.
//!
//! Members with equal hashes in one leaf have equal slots; which is whose does not matter.
//!
//! Source: D. Knuth, "The Art of Computer Programming", vol. 3, 6.4, algorithms L and R.

use crate::base::prefetch::prefetch;

const SLOTS_MIN: usize = 16;
/// Slots that a pass over all of them takes in the time in which a search comes to one, about.
const SLOTS_PASSED_PER_SEARCH: usize = 16;
const EMPTY: u64 = 0;

/// Hashes of members with the leaves they stand in.
#[derive(Clone, Debug)]
pub(super) struct Index {
    slots: Box<[u64]>,
    len: usize,
}

/// What a scan found: hashes with leaves, and the hash to go on from.
pub(super) struct Found {
    pub(super) members: Vec<(u32, u32)>,
    pub(super) next: Option<u32>,
}

fn slot_of(hash: u32, leaf: u32) -> u64 {
    u64::from(hash) << 32 | (u64::from(leaf) + 1)
}

fn hash_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is the leaf")]
fn leaf_of(slot: u64) -> u32 {
    (slot as u32).wrapping_sub(1)
}

impl Index {
    /// Returns an index with room for some members.
    pub(super) fn with_room(member_count: usize) -> Self {
        let slots = (member_count * 5 / 4 + 1).max(SLOTS_MIN);
        Self { slots: vec![EMPTY; slots].into(), len: 0 }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        ((u128::from(hash) * self.slots.len() as u128) >> 32) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }

    /// Returns what `look` finds in one of the leaves that may hold a member of this hash.
    #[inline]
    pub(super) fn find<T>(&self, hash: u32, look: impl Fn(u32) -> Option<T>) -> Option<T> {
        let mut at = self.home(hash);
        while self.slots[at] != EMPTY {
            let slot = self.slots[at];
            if hash_of(slot) == hash
                && let Some(found) = look(leaf_of(slot))
            {
                return Some(found);
            }
            at = self.after(at);
        }
        None
    }

    /// Returns the first leaf that may hold a member of this hash.
    #[inline]
    pub(super) fn first(&self, hash: u32) -> Option<u32> {
        self.find(hash, Some)
    }

    /// Starts to fetch the slot where a search for a hash begins.
    #[inline]
    pub(super) fn prefetch(&self, hash: u32) {
        prefetch(&raw const self.slots[self.home(hash)]);
    }

    pub(super) fn insert(&mut self, hash: u32, leaf: u32) {
        if (self.len + 1) * 5 > self.slots.len() * 4 {
            self.resize(self.slots.len() * 3 / 2);
        }
        self.place(slot_of(hash, leaf));
        self.len += 1;
    }

    fn place(&mut self, slot: u64) {
        let mut at = self.home(hash_of(slot));
        while self.slots[at] != EMPTY {
            at = self.after(at);
        }
        self.slots[at] = slot;
    }

    fn resize(&mut self, slot_count: usize) {
        let new = vec![EMPTY; slot_count.max(SLOTS_MIN)].into();
        let old = std::mem::replace(&mut self.slots, new);
        for &slot in &old {
            if slot != EMPTY {
                self.place(slot);
            }
        }
    }

    fn position(&self, slot: u64) -> usize {
        let mut at = self.home(hash_of(slot));
        while self.slots[at] != slot {
            debug_assert_ne!(self.slots[at], EMPTY, "every member has a slot");
            at = self.after(at);
        }
        at
    }

    /// Notes that a member stands in another leaf now.
    pub(super) fn relocate(&mut self, hash: u32, from: u32, to: u32) {
        let at = self.position(slot_of(hash, from));
        self.slots[at] = slot_of(hash, to);
    }

    pub(super) fn remove(&mut self, hash: u32, leaf: u32) {
        let mut hole = self.position(slot_of(hash, leaf));
        let mut at = self.after(hole);
        while self.slots[at] != EMPTY {
            let home = self.home(hash_of(self.slots[at]));
            // It may move back unless its home lies behind the hole.
            let stays =
                if hole <= at { hole < home && home <= at } else { hole < home || home <= at };
            if !stays {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
            at = self.after(at);
        }
        self.slots[hole] = EMPTY;
        self.len -= 1;
        if self.len * 4 < self.slots.len() && self.slots.len() > SLOTS_MIN {
            self.resize(self.slots.len() / 2);
        }
    }

    /// Says whether a pass over all slots takes less time than to look for so many members.
    pub(super) fn is_worth_a_pass(&self, member_count: usize) -> bool {
        member_count > self.slots.len() / SLOTS_PASSED_PER_SEARCH
    }

    /// Forgets all members of some leaves, of which there are so many. Cost: O(slots).
    pub(super) fn remove_leaves(&mut self, member_count: usize, is_doomed: impl Fn(u32) -> bool) {
        // From behind a free slot on, so that nobody's home lies behind him on this round.
        let Some(free) = self.slots.iter().position(|&slot| slot == EMPTY) else { return };
        let mut at = free;
        for _ in 1..self.slots.len() {
            at = self.after(at);
            let slot = std::mem::replace(&mut self.slots[at], EMPTY);
            // Each goes as far back as it may now: the slots before it are settled.
            if slot != EMPTY && !is_doomed(leaf_of(slot)) {
                self.place(slot);
            }
        }
        self.len -= member_count;
        while self.len * 4 < self.slots.len() && self.slots.len() > SLOTS_MIN {
            self.resize(self.slots.len() / 2);
        }
    }

    /// Returns about `count` members from a hash on, in no particular order.
    pub(super) fn scan(&self, first: u32, count: usize) -> Found {
        let start = self.home(first);
        let end = start.saturating_add(count.saturating_mul(5) / 4).saturating_add(1);
        let next = self.first_hash_at(end);
        let (mut members, mut at, mut steps) = (Vec::new(), start, 0);
        // Members of the slots looked at stand there or in the slots taken right behind.
        while steps < self.slots.len() && (start + steps < end || self.slots[at] != EMPTY) {
            let slot = self.slots[at];
            let hash = hash_of(slot);
            if slot != EMPTY && hash >= first && next.is_none_or(|next| hash < next) {
                members.push((hash, leaf_of(slot)));
            }
            at = self.after(at);
            steps += 1;
        }
        Found { members, next }
    }

    /// Returns the least hash whose home is this slot; none behind the last slot.
    fn first_hash_at(&self, slot: usize) -> Option<u32> {
        if slot >= self.slots.len() {
            return None;
        }
        let hash = ((slot as u128) << 32).div_ceil(self.slots.len() as u128);
        u32::try_from(hash).ok()
    }
}
