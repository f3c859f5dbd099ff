//! Leaves of the tree: some dozens of neighbours, their scores and their bytes in order.
//!
//! Members lie one behind the other in one buffer, so that a range is read front to back and a member
//! costs no allocation. A member longer than [`OWN_BYTES_MIN`] has a leaf of its own: what is moved
//! to make room stays small.

use super::arena::NIL;
use super::edge::Edge;
use crate::base::prefetch::prefetch;

/// Members of a full leaf: as many as make a leaf of 512 bytes, a size class of the allocator.
pub(super) const LEAF_MEMBERS_MAX: usize = 43;
/// A leaf of several members is split at this size.
const LEAF_BYTES_MAX: usize = 4096;
/// From this size on a member has a leaf of its own.
const OWN_BYTES_MIN: usize = 1024;

const _: () = assert!(LEAF_BYTES_MAX + OWN_BYTES_MIN <= u16::MAX as usize, "starts are 16 bits");
const _: () = assert!(size_of::<Leaf>() <= 512);

#[derive(Clone, Debug)]
pub(super) struct Leaf {
    scores: [f64; LEAF_MEMBERS_MAX],
    /// Where each member begins; it ends where the next one begins.
    starts: [u16; LEAF_MEMBERS_MAX],
    /// Some bits of each member's hash.
    tags: [u8; LEAF_MEMBERS_MAX],
    len: u8,
    pub(super) previous: u32,
    pub(super) next: u32,
    bytes: Vec<u8>,
}

/// Returns the size of a buffer that holds so many bytes: a size class of the allocator.
fn rounded(bytes: usize) -> usize {
    let step = (bytes.next_power_of_two() / 8).max(16);
    bytes.next_multiple_of(step)
}

impl Leaf {
    pub(super) fn new() -> Self {
        Self {
            scores: [0.0; LEAF_MEMBERS_MAX],
            starts: [0; LEAF_MEMBERS_MAX],
            tags: [0; LEAF_MEMBERS_MAX],
            len: 0,
            previous: NIL,
            next: NIL,
            bytes: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Returns the bytes of its buffer.
    pub(super) fn buffer_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    pub(super) fn score(&self, at: usize) -> f64 {
        self.scores[..self.len()][at]
    }

    /// Changes a score; the order must stay.
    pub(super) fn set_score(&mut self, at: usize, score: f64) {
        self.scores[..usize::from(self.len)][at] = score;
    }

    #[inline]
    pub(super) fn member(&self, at: usize) -> &[u8] {
        &self.bytes[self.start(at)..self.start(at + 1)]
    }

    /// Returns where a member begins, and of the first one behind the last the end of all.
    #[inline]
    fn start(&self, at: usize) -> usize {
        if at < self.len() { usize::from(self.starts[at]) } else { self.bytes.len() }
    }

    /// Returns how many members stand before the edge.
    #[inline]
    pub(super) fn count_before(&self, edge: &Edge<'_>) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if edge.is_behind(self.scores[middle], || self.member(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Returns where a member stands.
    #[inline]
    pub(super) fn position(&self, member: &[u8], tag: u8) -> Option<usize> {
        self.tagged(tag).find(|&at| self.member(at) == member)
    }

    /// Starts to fetch what is read to find a member, but for the members' bytes.
    #[inline]
    pub(super) fn prefetch(&self) {
        prefetch(self.tags.as_ptr());
        prefetch(&raw const self.bytes);
        prefetch(self.starts.as_ptr());
        prefetch(self.starts.as_ptr().wrapping_add(LEAF_MEMBERS_MAX / 2));
    }

    /// Starts to fetch the bytes of the first member with these bits of its hash, and its score.
    #[inline]
    pub(super) fn prefetch_tagged(&self, tag: u8) {
        if let Some(at) = self.tagged(tag).next() {
            prefetch(self.bytes.as_ptr().wrapping_add(self.start(at)));
            prefetch(&raw const self.scores[at]);
        }
    }

    /// Returns where members with these bits of their hash stand.
    #[inline]
    pub(super) fn tagged(&self, tag: u8) -> impl Iterator<Item = usize> {
        let tags = self.tags[..self.len()].iter().enumerate();
        tags.filter(move |(_, other)| **other == tag).map(|(at, _)| at)
    }

    /// Says whether there is room for a member of this size.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.len() < LEAF_MEMBERS_MAX
            && (self.len() < 2 || self.bytes.len() + bytes <= LEAF_BYTES_MAX)
            && (self.len() == 0 || !self.stays_alone() && bytes < OWN_BYTES_MIN)
    }

    /// Says whether its member is so long that no other one may join it.
    pub(super) fn stays_alone(&self) -> bool {
        self.len() == 1 && self.bytes.len() >= OWN_BYTES_MIN
    }

    /// Says whether a member of this size has a leaf of its own.
    pub(super) fn is_for_one(bytes: usize) -> bool {
        bytes >= OWN_BYTES_MIN
    }

    /// Says whether so few are left that the members of both would fit easily into one.
    pub(super) fn may_join(&self, other: &Self) -> bool {
        self.len() + other.len() <= LEAF_MEMBERS_MAX * 2 / 3
            && self.bytes.len() + other.bytes.len() <= LEAF_BYTES_MAX / 2
            && !self.stays_alone()
            && !other.stays_alone()
    }

    /// Adds a member before the one at a place. There is room.
    pub(super) fn insert(&mut self, at: usize, score: f64, member: &[u8], tag: u8) {
        let (len, start, end) = (self.len(), self.start(at), self.bytes.len());
        self.scores.copy_within(at..len, at + 1);
        self.tags.copy_within(at..len, at + 1);
        self.starts.copy_within(at..len, at + 1);
        (self.scores[at], self.tags[at]) = (score, tag);
        self.starts[at] = short(start);
        if len > at {
            let added = short(member.len());
            for start in &mut self.starts[at + 1..=len] {
                *start += added;
            }
        }
        self.len += 1;
        let needed = end + member.len();
        if needed > self.bytes.capacity() {
            self.bytes.reserve_exact(rounded(needed) - end);
        }
        self.bytes.extend_from_slice(member);
        if start < end {
            self.bytes.copy_within(start..end, start + member.len());
            self.bytes[start..start + member.len()].copy_from_slice(member);
        }
    }

    /// Removes members from one on.
    pub(super) fn remove(&mut self, at: usize, count: usize) {
        let (len, start, end) = (self.len(), self.start(at), self.start(at + count));
        self.scores.copy_within(at + count..len, at);
        self.tags.copy_within(at + count..len, at);
        self.starts.copy_within(at + count..len, at);
        if at + count < len {
            let removed = short(end - start);
            for start in &mut self.starts[at..len - count] {
                *start -= removed;
            }
        }
        self.len -= short_count(count);
        self.bytes.copy_within(end.., start);
        self.bytes.truncate(self.bytes.len() - (end - start));
        self.give_back();
    }

    /// Makes room for members of so many bytes.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve_exact(rounded(bytes));
    }

    /// Gives the memory back that is not needed for the members it has.
    pub(super) fn fit(&mut self) {
        self.bytes.shrink_to(rounded(self.bytes.len()));
    }

    /// Gives memory back when much of it is unused.
    fn give_back(&mut self) {
        if self.bytes.capacity() > 128 && self.bytes.len() < self.bytes.capacity() / 2 {
            self.bytes.shrink_to(rounded(self.bytes.len()));
        }
    }

    /// Moves the members from a place on into a new leaf.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let (len, start) = (self.len(), self.start(at));
        let mut right = Self::new();
        right.scores[..len - at].copy_from_slice(&self.scores[at..len]);
        right.tags[..len - at].copy_from_slice(&self.tags[at..len]);
        for (to, from) in right.starts.iter_mut().zip(&self.starts[at..len]) {
            *to = from - short(start);
        }
        right.bytes.reserve_exact(rounded(self.bytes.len() - start));
        right.bytes.extend_from_slice(&self.bytes[start..]);
        self.bytes.truncate(start);
        self.give_back();
        right.len = self.len - short_count(at);
        self.len = short_count(at);
        right
    }

    /// Adds all members of the leaf behind. They fit.
    pub(super) fn append(&mut self, right: &Self) {
        let (len, added, end) = (self.len(), right.len(), self.bytes.len());
        self.scores[len..len + added].copy_from_slice(&right.scores[..added]);
        self.tags[len..len + added].copy_from_slice(&right.tags[..added]);
        for (to, from) in self.starts[len..len + added].iter_mut().zip(&right.starts) {
            *to = from + short(end);
        }
        self.bytes.reserve_exact(rounded(end + right.bytes.len()) - end);
        self.bytes.extend_from_slice(&right.bytes);
        self.len += right.len;
    }
}

fn short(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("members of a leaf are short, but for one that is alone")
}

fn short_count(count: usize) -> u8 {
    u8::try_from(count).expect("a leaf has few members")
}
