//! A member table: the representation of a large set.
//!
//! Members lie in leaves of up to [`LEAF_MEMBERS_MAX`], each for one range of hashes. A directory maps the
//! first bits of a hash to a leaf; a full leaf is split in two, and the directory doubles when a leaf needs
//! one bit more than it has. So growing never moves more than one leaf's members, a random member is a
//! random place of a random leaf, and a scan follows the order of the hashes, which no change of the table
//! disturbs: a member that is there throughout is seen exactly once.
//!
//! Source: R. Fagin et al., "Extendible hashing: a fast access method for dynamic files", TODS 4(3), 1979.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use super::leaf::{JOINED_MEMBERS_MAX, LEAF_MEMBERS_MAX, LEAF_MEMBERS_MIN, Leaf};
use crate::types::Text;

/// Bits of the directory at most; leaves grow beyond their limit then.
const DEPTH_MAX: u32 = 31;
/// Bits of a hash that a scan's cursor is made of: a double holds them exactly.
const CURSOR_BITS: u32 = 53;
const CURSOR_SHIFT: u32 = u64::BITS - CURSOR_BITS;
/// A directory with this many times more places than leaves is worth a look.
const SPARSE_DIRECTORY: usize = 8;

/// A set of texts.
#[derive(Clone, Debug)]
pub(super) struct MemberTable {
    leaves: Vec<Leaf>,
    /// The leaf of each value that the first `depth` bits of a hash can have.
    directory: Vec<u32>,
    depth: u32,
    len: usize,
    /// Bytes of the members that are too long for their words.
    text_bytes: usize,
    /// Bytes of the rooms of all leaves.
    room_bytes: usize,
    hasher: RandomState,
}

impl Default for MemberTable {
    fn default() -> Self {
        Self {
            leaves: vec![Leaf::default()],
            directory: vec![0],
            depth: 0,
            len: 0,
            text_bytes: 0,
            room_bytes: 0,
            hasher: RandomState::default(),
        }
    }
}

/// Returns the byte of a hash that stands beside its member.
#[inline]
fn tag_of(hash: u64) -> u8 {
    hash.to_le_bytes()[0]
}

/// Returns the first `bits` bits of a hash.
#[inline]
fn prefix_of(hash: u64, bits: u32) -> u32 {
    // Shifting by all 64 bits at once is not defined, so it is done in two steps.
    u32::try_from(hash >> 1 >> (u64::BITS - 1 - bits)).expect("a prefix has at most 31 bits")
}

impl MemberTable {
    #[inline]
    fn hash(&self, member: &[u8]) -> u64 {
        let mut state = self.hasher.build_hasher();
        state.write(member);
        state.finish()
    }

    #[inline]
    fn leaf_of(&self, hash: u64) -> usize {
        self.directory[prefix_of(hash, self.depth) as usize] as usize
    }

    /// Returns the number of members.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the bytes of memory of it all.
    #[inline]
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.leaves.capacity() * size_of::<Leaf>()
            + self.directory.capacity() * size_of::<u32>()
            + self.room_bytes
            + self.text_bytes
    }

    /// Returns about how many pieces of memory it consists of.
    pub(super) fn piece_count(&self) -> usize {
        let texts = if self.text_bytes == 0 { 0 } else { self.len };
        3 + 2 * self.leaves.len() + texts
    }

    /// Says whether a member is there.
    #[inline]
    pub(super) fn contains(&self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        self.leaves[self.leaf_of(hash)].find(tag_of(hash), member).is_some()
    }

    /// Adds a member; says whether it is new.
    #[inline]
    pub(super) fn add(&mut self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        let mut at = self.leaf_of(hash);
        if self.leaves[at].find(tag_of(hash), member).is_some() {
            return false;
        }
        while self.leaves[at].len() >= LEAF_MEMBERS_MAX && self.leaves[at].depth < DEPTH_MAX {
            self.split(at);
            at = self.leaf_of(hash);
        }
        let member = Text::from(member);
        self.text_bytes += member.memory_bytes();
        self.push(at, tag_of(hash), member);
        self.len += 1;
        true
    }

    #[inline]
    fn push(&mut self, at: usize, tag: u8, member: Text) {
        let before = self.leaves[at].room_bytes();
        self.leaves[at].push(tag, member);
        self.room_bytes += self.leaves[at].room_bytes() - before;
    }

    /// Removes a member; says whether it was there.
    #[inline]
    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        let at = self.leaf_of(hash);
        let Some(position) = self.leaves[at].find(tag_of(hash), member) else { return false };
        self.take(at, position);
        true
    }

    #[inline]
    fn take(&mut self, at: usize, position: usize) -> Text {
        let leaf = &mut self.leaves[at];
        let before = leaf.room_bytes();
        let member = leaf.remove(position);
        self.room_bytes -= before - leaf.room_bytes();
        self.text_bytes -= member.memory_bytes();
        self.len -= 1;
        if leaf.len() < LEAF_MEMBERS_MIN && leaf.depth > 0 {
            let mut joined = self.join(at);
            while let Some(at) = joined {
                joined = self.join(at);
            }
        }
        member
    }

    /// Returns the members in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Text> {
        self.leaves.iter().flat_map(|leaf| leaf.members())
    }

    /// Calls `visit` with every member. Members lie all over the memory: those that come soon are fetched.
    pub(super) fn for_each<'a>(&'a self, mut visit: impl FnMut(&'a Text)) {
        const AHEAD: usize = 8;
        for leaf in &self.leaves {
            let members = leaf.members();
            members.iter().take(AHEAD).for_each(Text::prefetch);
            for (index, member) in members.iter().enumerate() {
                if let Some(next) = members.get(index + AHEAD) {
                    next.prefetch();
                }
                visit(member);
            }
        }
    }

    /// Returns the place of a random member; all are equally likely. There must be one.
    #[inline]
    fn random_place(&self, random: &mut fastrand::Rng) -> (usize, usize) {
        debug_assert!(self.len > 0, "an empty table has no members");
        if let [leaf] = &*self.leaves {
            return (0, random.usize(..leaf.len()));
        }
        loop {
            let at = random.usize(..self.leaves.len());
            // A place that this leaf does not use counts as a miss: then no leaf's members are favoured.
            let position = random.usize(..LEAF_MEMBERS_MAX);
            if position < self.leaves[at].len() {
                return (at, position);
            }
        }
    }

    /// Returns a random member. There must be one.
    pub(super) fn random(&self, random: &mut fastrand::Rng) -> &Text {
        let (at, position) = self.random_place(random);
        self.leaves[at].member(position).expect("the place is in use")
    }

    /// Removes and returns a random member. There must be one.
    pub(super) fn pop(&mut self, random: &mut fastrand::Rng) -> Text {
        let (at, position) = self.random_place(random);
        self.take(at, position)
    }

    /// Visits about `count` members from a cursor on and returns the next one, 0 at the end.
    ///
    /// A cursor is the beginning of a hash: all members with smaller hashes have been visited.
    pub(super) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&Text)) -> u64 {
        const END: u64 = 1 << CURSOR_BITS;
        let (mut cursor, mut visited) = (cursor, 0);
        while cursor < END && visited < count {
            let leaf = &self.leaves[self.leaf_of(cursor << CURSOR_SHIFT)];
            let range = END >> leaf.depth;
            let leaf_end = (u64::from(leaf.prefix) + 1) * range;
            let wanted = (count - visited) as u64;
            let step = (range / (leaf.len() as u64).max(1)).saturating_mul(wanted);
            let end =
                if wanted < leaf.len() as u64 { (cursor + step).min(leaf_end) } else { leaf_end };
            for member in leaf.members() {
                if (cursor..end).contains(&(self.hash(member.as_bytes()) >> CURSOR_SHIFT)) {
                    visited += 1;
                    visit(member);
                }
            }
            cursor = end;
        }
        if cursor < END { cursor } else { 0 }
    }
}

/// How leaves are split and joined.
impl MemberTable {
    /// Splits a leaf by one more bit of its members' hashes.
    #[cold]
    fn split(&mut self, at: usize) {
        if self.leaves[at].depth == self.depth {
            self.directory = self.directory.iter().flat_map(|&leaf| [leaf, leaf]).collect();
            self.depth += 1;
        }
        let mut old = std::mem::take(&mut self.leaves[at]);
        self.room_bytes -= old.room_bytes();
        let (prefix, depth) = (old.prefix << 1, old.depth + 1);
        let upper_at = self.leaves.len();
        self.leaves[at] = Leaf::new(prefix, depth);
        self.leaves.push(Leaf::new(prefix | 1, depth));
        for (tag, member) in old.drain() {
            let is_upper = prefix_of(self.hash(member.as_bytes()), depth) & 1 == 1;
            self.push(if is_upper { upper_at } else { at }, tag, member);
        }
        self.enter(upper_at);
    }

    /// Lets the directory name a leaf for all hashes with its prefix.
    fn enter(&mut self, at: usize) {
        let leaf = &self.leaves[at];
        let shift = self.depth - leaf.depth;
        let first = (leaf.prefix as usize) << shift;
        let number = u32::try_from(at).expect("a directory of 31 bits names fewer leaves");
        self.directory[first..first + (1 << shift)].fill(number);
    }

    /// Joins a leaf with its other half, if both are nearly empty; returns where they lie then.
    #[cold]
    fn join(&mut self, at: usize) -> Option<usize> {
        let (prefix, depth) = (self.leaves[at].prefix, self.leaves[at].depth);
        if depth == 0 {
            return None;
        }
        let other_at = self.directory[((prefix ^ 1) as usize) << (self.depth - depth)] as usize;
        let other = &self.leaves[other_at];
        if other.depth != depth || other.len() + self.leaves[at].len() > JOINED_MEMBERS_MAX {
            return None;
        }
        let mut other = std::mem::take(&mut self.leaves[other_at]);
        self.room_bytes -= other.room_bytes();
        for (tag, member) in other.drain() {
            self.push(at, tag, member);
        }
        let joined = &mut self.leaves[at];
        (joined.prefix, joined.depth) = (prefix >> 1, depth - 1);
        self.enter(at);
        self.leaves.swap_remove(other_at);
        if other_at < self.leaves.len() {
            self.enter(other_at);
        }
        if self.leaves.len() * SPARSE_DIRECTORY < self.directory.len() {
            self.shrink_directory();
        }
        // The last leaf has moved into the gap; perhaps that was the joined one.
        Some(if at == self.leaves.len() { other_at } else { at })
    }

    /// Gives the bits of the directory back that no leaf needs any more.
    #[cold]
    fn shrink_directory(&mut self) {
        let needed = self.leaves.iter().map(|leaf| leaf.depth).max().unwrap_or(0);
        let step = 1 << (self.depth - needed);
        self.directory = self.directory.iter().copied().step_by(step).collect();
        self.depth = needed;
        self.leaves.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::MemberTable;

    fn name(number: usize) -> Vec<u8> {
        if number.is_multiple_of(2) {
            number.to_string().into_bytes()
        } else {
            format!("a longer member {number}").into_bytes()
        }
    }

    fn table(count: usize) -> MemberTable {
        let mut table = MemberTable::default();
        assert!((0..count).all(|number| table.add(&name(number))));
        table
    }

    fn check(table: &MemberTable) {
        let (mut rooms, mut texts, mut len) = (0, 0, 0);
        for (place, &at) in table.directory.iter().enumerate() {
            let leaf = &table.leaves[at as usize];
            assert_eq!(place >> (table.depth - leaf.depth), leaf.prefix as usize);
        }
        for leaf in &table.leaves {
            rooms += leaf.room_bytes();
            len += leaf.len();
            texts += leaf.members().iter().map(|member| member.memory_bytes()).sum::<usize>();
        }
        assert_eq!((rooms, texts, len), (table.room_bytes, table.text_bytes, table.len));
    }

    #[test]
    fn members_come_and_go_like_in_a_model() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut table, mut model) = (MemberTable::default(), HashSet::new());
        for round in 0..12 {
            let grows = round % 2 == 0;
            for _ in 0..8_000 {
                let member = name(random.usize(..6_000));
                match random.u8(..10) {
                    0..=6 if grows => assert_eq!(table.add(&member), model.insert(member)),
                    0..=6 => assert_eq!(table.remove(&member), model.remove(&member)),
                    7 if !grows && table.len() > 0 => {
                        assert!(model.remove(table.pop(&mut random).as_bytes()));
                    }
                    8 if table.len() > 0 => {
                        assert!(model.contains(table.random(&mut random).as_bytes()));
                    }
                    _ => assert_eq!(table.contains(&member), model.contains(&member)),
                }
                assert_eq!(table.len(), model.len());
            }
            check(&table);
            let all: HashSet<Vec<u8>> = table.iter().map(|text| text.as_bytes().to_vec()).collect();
            assert_eq!(all, model);
            let copy = table.clone();
            assert!(model.iter().all(|member| copy.contains(member)));
        }
        while table.len() > 0 {
            table.pop(&mut random);
        }
        check(&table);
        assert_eq!(table.leaves.len(), 1, "empty leaves are joined");
    }

    #[test]
    fn a_scan_sees_what_stays_exactly_once() {
        for count in [1, 10, 100] {
            let mut table = table(3_000);
            let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
            let (mut cursor, mut step) = (0, 0);
            loop {
                cursor = table.scan(cursor, count, |member| {
                    *seen.entry(member.as_bytes().to_vec()).or_default() += 1;
                });
                if cursor == 0 {
                    break;
                }
                // The first third stays; the second goes, then many come, and all of those go again.
                for number in step..step + 3 {
                    match number {
                        0..2_000 => drop(table.remove(&name(1_000 + number))),
                        2_000..9_000 => drop(table.add(&name(10_000 + number))),
                        _ => drop(table.remove(&name(number + 3_000))),
                    }
                }
                step += 3;
            }
            check(&table);
            for number in 0..1_000 {
                assert_eq!(seen.get(&name(number)), Some(&1), "{number} by {count}");
            }
        }
    }

    #[test]
    fn a_scan_takes_steps_of_about_the_size_asked_for() {
        let table = table(10_000);
        let (mut cursor, mut calls, mut seen) = (0, 0, 0);
        loop {
            let mut step = 0;
            cursor = table.scan(cursor, 50, |_| step += 1);
            assert!(step <= 120, "{step}");
            calls += 1;
            seen += step;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen, 10_000);
        assert!((80..=220).contains(&calls), "{calls}");
    }

    #[test]
    fn random_members_are_equally_likely() {
        const DRAWS: u32 = 400_000;
        let table = table(1_000);
        let mut random = fastrand::Rng::with_seed(1);
        let mut counts: HashMap<Vec<u8>, u32> = HashMap::new();
        for _ in 0..DRAWS {
            *counts.entry(table.random(&mut random).as_bytes().to_vec()).or_default() += 1;
        }
        let expected = f64::from(DRAWS) / 1_000.0;
        let deviation: f64 =
            counts.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
        assert_eq!(counts.len(), 1_000);
        // The 99.9th percentile of chi-square with 999 degrees of freedom.
        assert!(deviation < 1_142.8, "{deviation}");
    }

    #[test]
    fn a_thousand_integers_take_little_memory() {
        let mut table = MemberTable::default();
        for number in 0..1_000_u32 {
            table.add((1_000 * number).to_string().as_bytes());
        }
        assert!(table.memory_bytes() < 13_000, "{}", table.memory_bytes());
    }
}
