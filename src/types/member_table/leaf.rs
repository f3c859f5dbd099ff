//! A leaf of a member table: the members of one range of hashes, in no order.
//!
//! Beside each member stands its tag: the eight bits of its hash behind those that all members of the
//! leaf have in common. A look-up compares all tags at once and then, with one chance in 256 per other
//! member, names. Nothing else points to a member's place, so removal moves the last one into the gap.

use std::ops::Range;

use super::Member;
use crate::base::positions::positions_of;
use crate::base::prefetch::prefetch;

/// Members of a leaf before it is split.
pub(super) const LEAF_MEMBERS_MAX: usize = 192;
/// Below so many members a leaf looks for another to join.
pub(super) const LEAF_MEMBERS_MIN: usize = LEAF_MEMBERS_MAX / 4;
/// Two leaves are joined when they have at most so many members together.
pub(super) const JOINED_MEMBERS_MAX: usize = LEAF_MEMBERS_MAX / 2;

/// Room a leaf has in turn: words of members then fill the allocator's size classes.
const ROOMS: [usize; 13] = [4, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, LEAF_MEMBERS_MAX];
/// A leaf with this many times the room it needs gives the rest back.
const SPARSE: usize = 4;

/// Bytes of a line of the cache.
const LINE_BYTES: usize = 64;

/// Members with their tags.
#[derive(Debug)]
pub(super) struct Leaf<M> {
    tags: Vec<u8>,
    members: Vec<M>,
    /// The first bits of the hashes of its members, and how many bits that are.
    pub(super) prefix: u32,
    pub(super) depth: u32,
}

impl<M: Member + Clone> Clone for Leaf<M> {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.prefix, self.depth);
        // The same room, so that the table's sums stay right.
        copy.tags.reserve_exact(self.tags.capacity());
        copy.members.reserve_exact(self.members.capacity());
        copy.tags.extend_from_slice(&self.tags);
        self.members.iter().for_each(M::prefetch_whole);
        copy.members.extend(self.members.iter().cloned());
        copy
    }
}

impl<M> Default for Leaf<M> {
    fn default() -> Self {
        Self::new(0, 0)
    }
}

impl<M> Leaf<M> {
    pub(super) const fn new(prefix: u32, depth: u32) -> Self {
        Self { tags: Vec::new(), members: Vec::new(), prefix, depth }
    }

    /// Starts to fetch where the members stand.
    pub(super) fn prefetch(&self) {
        prefetch(self.members.as_ptr().cast::<u8>());
    }

    /// Starts to fetch the tags, of a leaf that is too large only the first ones.
    #[inline]
    pub(super) fn prefetch_tags(&self) {
        let (mut line, mut left) = (self.tags.as_ptr(), self.tags.len().min(LEAF_MEMBERS_MAX));
        while left > 0 {
            prefetch(line);
            line = line.wrapping_add(LINE_BYTES);
            left = left.saturating_sub(LINE_BYTES);
        }
    }

    /// Starts to fetch the words of the members with this tag, and shows their positions.
    #[inline]
    pub(super) fn prefetch_tagged(&self, tag: u8, mut show: impl FnMut(usize)) {
        for position in positions_of(tag, &self.tags) {
            prefetch(self.members.as_ptr().wrapping_add(position));
            show(position);
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    #[inline]
    pub(super) fn members(&self) -> &[M] {
        &self.members
    }

    #[inline]
    pub(super) fn member_mut(&mut self, position: usize) -> &mut M {
        &mut self.members[position]
    }

    /// Returns the bytes of the room it has, whether used or not.
    pub(super) fn room_bytes(&self) -> usize {
        self.tags.capacity() + self.members.capacity() * size_of::<M>()
    }

    /// Returns the position of the first member with this tag that is the one sought.
    #[inline]
    pub(super) fn find(&self, tag: u8, is_it: impl Fn(&M) -> bool) -> Option<usize> {
        positions_of(tag, &self.tags).find(|&position| is_it(&self.members[position]))
    }

    /// Returns the members whose tags lie in a range, with their tags.
    pub(super) fn tagged(&self, tags: Range<usize>) -> impl Iterator<Item = (usize, &M)> {
        let tagged = self.tags.iter().map(|&tag| usize::from(tag)).zip(&self.members);
        tagged.filter(move |(tag, _)| tags.contains(tag))
    }

    /// Adds a member that is not there.
    #[inline]
    pub(super) fn push(&mut self, tag: u8, member: M) {
        if self.members.len() == self.members.capacity() {
            self.make_room(self.members.len() + 1);
        }
        self.tags.push(tag);
        self.members.push(member);
    }

    /// Removes the member at a position.
    #[inline]
    pub(super) fn remove(&mut self, position: usize) -> M {
        self.tags.swap_remove(position);
        let member = self.members.swap_remove(position);
        if self.members.len() * SPARSE < self.members.capacity() {
            self.shrink();
        }
        member
    }

    /// Takes all members out, and starts to fetch them: one miss of the cache after the other takes
    /// many times as long as all at once.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = M> + use<M>
    where
        M: Member,
    {
        self.tags = Vec::new();
        self.members.iter().for_each(M::prefetch);
        std::mem::take(&mut self.members).into_iter()
    }

    #[cold]
    fn make_room(&mut self, needed: usize) {
        let room = room_for(needed);
        self.tags.reserve_exact(room - self.tags.len());
        self.members.reserve_exact(room - self.members.len());
    }

    #[cold]
    fn shrink(&mut self) {
        let room = room_for(self.members.len());
        self.tags.shrink_to(room);
        self.members.shrink_to(room);
    }
}

/// Returns the least room that holds so many members.
fn room_for(count: usize) -> usize {
    ROOMS.into_iter().find(|&room| room >= count).unwrap_or_else(|| count.next_power_of_two())
}
