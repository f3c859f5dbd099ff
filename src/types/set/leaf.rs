//! A leaf of a member table: the members of one range of hashes, in no order.
//!
//! Beside each member stands one byte of its hash, its tag. A look-up compares all tags at once and
//! then, with one chance in 256 per other member, members. Nothing else points to a member's place, so
//! removal moves the last one into the gap.

use crate::types::Text;

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

/// Members with their tags.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaf {
    tags: Vec<u8>,
    members: Vec<Text>,
    /// The first bits of the hashes of its members, and how many bits that are.
    pub(super) prefix: u32,
    pub(super) depth: u32,
}

impl Leaf {
    pub(super) fn new(prefix: u32, depth: u32) -> Self {
        Self { prefix, depth, ..Self::default() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn members(&self) -> &[Text] {
        &self.members
    }

    #[inline]
    pub(super) fn member(&self, position: usize) -> Option<&Text> {
        self.members.get(position)
    }

    /// Returns the bytes of the room it has, whether used or not.
    pub(super) fn room_bytes(&self) -> usize {
        self.tags.capacity() + self.members.capacity() * size_of::<Text>()
    }

    /// Returns the position of a member with this tag.
    #[inline]
    pub(super) fn find(&self, tag: u8, member: &[u8]) -> Option<usize> {
        let is_it = |&position: &usize| self.members[position].as_bytes() == member;
        memchr::memchr_iter(tag, &self.tags).find(is_it)
    }

    /// Adds a member that is not there.
    #[inline]
    pub(super) fn push(&mut self, tag: u8, member: Text) {
        if self.members.len() == self.members.capacity() {
            self.make_room(self.members.len() + 1);
        }
        self.tags.push(tag);
        self.members.push(member);
    }

    /// Removes the member at a position.
    #[inline]
    pub(super) fn remove(&mut self, position: usize) -> Text {
        self.tags.swap_remove(position);
        let member = self.members.swap_remove(position);
        if self.members.len() * SPARSE < self.members.capacity() {
            self.shrink();
        }
        member
    }

    /// Takes all members out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u8, Text)> {
        std::mem::take(&mut self.tags).into_iter().zip(std::mem::take(&mut self.members))
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
