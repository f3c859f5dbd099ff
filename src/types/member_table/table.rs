//! A table of members that grows leaf by leaf.
//!
//! Members lie in leaves of up to [`LEAF_MEMBERS_MAX`], each for one range of hashes. A directory maps the
//! first bits of a hash to a leaf; a full leaf is split in two, and the directory doubles when a leaf needs
//! one bit more than it has. So growing never moves more than one leaf's members, a random member is a
//! random place of a random leaf, and a scan follows the order of the hashes, which no change of the table
//! disturbs: a member that is there throughout is seen exactly once.
//!
//! All tables hash alike, with a secret of the process: a walk over one table then meets the members in
//! about the order in which another one has them, and a look-up there finds its leaf in the cache.
//!
//! Source: R. Fagin et al., "Extendible hashing: a fast access method for dynamic files", TODS 4(3), 1979.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use super::leaf::{JOINED_MEMBERS_MAX, LEAF_MEMBERS_MAX, LEAF_MEMBERS_MIN, Leaf};
use super::{Member, Members};
use crate::base::equal::is_same;
use crate::types::FETCHED_TOGETHER_MAX;
use crate::types::object::free_each;

/// Bits of the directory at most; leaves grow beyond their limit then.
const DEPTH_MAX: u32 = 24;
const TAG_BITS: u32 = 8;
const TAG_COUNT: usize = 1 << TAG_BITS;
/// Bits of a hash that a scan's cursor is made of: a double holds them exactly.
const CURSOR_BITS: u32 = 53;
const CURSOR_SHIFT: u32 = u64::BITS - CURSOR_BITS;
const CURSOR_END: u64 = 1 << CURSOR_BITS;
/// A directory with this many times more places than leaves is worth a look.
const SPARSE_DIRECTORY: usize = 8;
const _: () = assert!(DEPTH_MAX + TAG_BITS <= Stem::BITS, "a stem leads to a leaf and has its tag");
const _: () = assert!(Stem::BITS < CURSOR_BITS, "a tag's range of hashes is more than one cursor");

static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// The first bits of a member's hash: enough to find its leaf, and its tag there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::types) struct Stem(pub(in crate::types) u32);

impl Stem {
    const BITS: u32 = u32::BITS;

    #[inline]
    pub(in crate::types) fn of(hash: u64) -> Self {
        Self(prefix_of(hash, Self::BITS))
    }
}

/// Where a member stands until the table changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::types) struct Place {
    leaf: usize,
    position: usize,
}

/// Members by name.
#[derive(Debug)]
pub(in crate::types) struct MemberTable<M> {
    leaves: Vec<Leaf<M>>,
    /// The leaf of each value that the first `depth` bits of a hash can have.
    directory: Vec<u32>,
    depth: u32,
    len: usize,
    /// Bytes of the members on the heap.
    member_bytes: usize,
    /// Bytes of the rooms of all leaves.
    room_bytes: usize,
    hasher: RandomState,
}

impl<M: Member + Clone> Clone for MemberTable<M> {
    fn clone(&self) -> Self {
        Self {
            leaves: self.leaves.clone(),
            directory: self.directory.clone(),
            hasher: self.hasher.clone(),
            ..*self
        }
    }
}

impl<M> Default for MemberTable<M> {
    fn default() -> Self {
        Self {
            leaves: vec![Leaf::default()],
            directory: vec![0],
            depth: 0,
            len: 0,
            member_bytes: 0,
            room_bytes: 0,
            hasher: HASHER.clone(),
        }
    }
}

/// Returns the tag that a hash has in a leaf of some depth.
#[inline]
fn tag_of(hash: u64, depth: u32) -> u8 {
    (hash << depth).to_be_bytes()[0]
}

/// Returns the first `bits` bits of a hash.
#[inline]
fn prefix_of(hash: u64, bits: u32) -> u32 {
    // Shifting by all 64 bits at once is not defined, so it is done in two steps.
    u32::try_from(hash >> 1 >> (u64::BITS - 1 - bits)).expect("a prefix has at most 32 bits")
}

impl<M: Member> MemberTable<M> {
    /// Returns the hash of a name.
    #[inline]
    pub(in crate::types) fn hash(&self, name: &[u8]) -> u64 {
        let mut state = self.hasher.build_hasher();
        state.write(name);
        state.finish()
    }

    #[inline]
    fn leaf_of(&self, hash: u64) -> usize {
        self.directory[prefix_of(hash, self.depth) as usize] as usize
    }

    /// Returns the number of members.
    #[inline]
    pub(in crate::types) fn len(&self) -> usize {
        self.len
    }

    /// Returns the bytes on the heap beyond the struct itself.
    #[inline]
    pub(in crate::types) fn memory_bytes(&self) -> usize {
        self.leaves.capacity() * size_of::<Leaf<M>>()
            + self.directory.capacity() * size_of::<u32>()
            + self.room_bytes
            + self.member_bytes
    }

    /// Returns about how many pieces of memory it consists of.
    pub(in crate::types) fn piece_count(&self) -> usize {
        let members = if self.member_bytes == 0 { 0 } else { self.len };
        3 + 2 * self.leaves.len() + members
    }

    /// Frees it leaf by leaf.
    pub(in crate::types) fn dismantle(self, pause: &mut dyn FnMut()) {
        free_each(self.leaves.into_iter().map(|mut leaf| leaf.drain()), pause);
    }

    /// Returns where the member with a name stands, whose hash is known.
    #[inline]
    pub(in crate::types) fn find(&self, hash: u64, name: &[u8]) -> Option<Place> {
        let leaf = self.leaf_of(hash);
        let tag = tag_of(hash, self.leaves[leaf].depth);
        let position = self.leaves[leaf].find(tag, |member| is_same(member.name(), name))?;
        Some(Place { leaf, position })
    }

    /// Starts to fetch what look-ups of these names will read: each of the tags, the members' words and
    /// the members for all names together, so that they are waited for only once. Names beyond
    /// [`FETCHED_TOGETHER_MAX`] are left out.
    // Not inlined: its loops are for many names, and would crowd the caller's registers.
    #[inline(never)]
    pub(in crate::types) fn prefetch(&self, names: &[&[u8]]) {
        let mut spots = [(0, 0); FETCHED_TOGETHER_MAX];
        for (name, spot) in names.iter().zip(&mut spots) {
            let hash = self.hash(name);
            let at = self.leaf_of(hash);
            let leaf = &self.leaves[at];
            leaf.prefetch_tags();
            *spot = (at, tag_of(hash, leaf.depth));
        }
        // A look-up reads all members with its tag up to the one sought: one other in three of them.
        let mut places = [Place { leaf: 0, position: 0 }; 2 * FETCHED_TOGETHER_MAX];
        let mut count = 0;
        for &(leaf, tag) in &spots[..names.len().min(FETCHED_TOGETHER_MAX)] {
            self.leaves[leaf].prefetch_tagged(tag, |position| {
                if let Some(place) = places.get_mut(count) {
                    *place = Place { leaf, position };
                    count += 1;
                }
            });
        }
        places[..count].iter().for_each(|&place| self.at(place).prefetch_whole());
    }

    /// Returns where a member with this stem stands that is the one sought. Those whose stems differ
    /// in bits that make no difference here may be shown to `is_it` too.
    pub(in crate::types) fn find_by_stem(
        &self,
        stem: Stem,
        is_it: impl Fn(&M) -> bool,
    ) -> Option<Place> {
        let hash = u64::from(stem.0) << (u64::BITS - Stem::BITS);
        let leaf = self.leaf_of(hash);
        let position = self.leaves[leaf].find(tag_of(hash, self.leaves[leaf].depth), is_it)?;
        Some(Place { leaf, position })
    }

    /// Returns the member at a place.
    #[inline]
    pub(in crate::types) fn at(&self, place: Place) -> &M {
        &self.leaves[place.leaf].members()[place.position]
    }

    /// The same for a change that leaves its name and its size as they are.
    #[inline]
    pub(in crate::types) fn at_mut(&mut self, place: Place) -> &mut M {
        self.leaves[place.leaf].member_mut(place.position)
    }

    /// Returns the member with a name.
    #[inline]
    pub(in crate::types) fn get(&self, name: &[u8]) -> Option<&M> {
        Some(self.at(self.find(self.hash(name), name)?))
    }

    /// Says whether there is a member with a name.
    #[inline]
    pub(in crate::types) fn contains(&self, name: &[u8]) -> bool {
        self.find(self.hash(name), name).is_some()
    }

    /// Changes the member at a place; its name stays.
    #[inline]
    pub(in crate::types) fn change<R>(
        &mut self,
        place: Place,
        change: impl FnOnce(&mut M) -> R,
    ) -> R {
        let member = self.leaves[place.leaf].member_mut(place.position);
        let before = member.memory_bytes();
        let result = change(member);
        self.member_bytes = self.member_bytes - before + member.memory_bytes();
        result
    }

    /// Adds a member that is not there; `hash` is that of its name.
    #[inline]
    pub(in crate::types) fn insert(&mut self, hash: u64, member: M) {
        let mut at = self.leaf_of(hash);
        while self.leaves[at].len() >= LEAF_MEMBERS_MAX && self.leaves[at].depth < DEPTH_MAX {
            self.split(at);
            at = self.leaf_of(hash);
        }
        self.member_bytes += member.memory_bytes();
        self.push(at, hash, member);
        self.len += 1;
    }

    /// Adds a member if there is none of its name; says whether there was none.
    #[inline]
    pub(in crate::types) fn add(&mut self, name: &[u8], member: impl FnOnce() -> M) -> bool {
        let hash = self.hash(name);
        let is_new = self.find(hash, name).is_none();
        if is_new {
            self.insert(hash, member());
        }
        is_new
    }

    #[inline]
    fn push(&mut self, at: usize, hash: u64, member: M) {
        let leaf = &mut self.leaves[at];
        let before = leaf.room_bytes();
        leaf.push(tag_of(hash, leaf.depth), member);
        self.room_bytes += leaf.room_bytes() - before;
    }

    /// Removes a member and returns it.
    #[inline]
    pub(in crate::types) fn remove(&mut self, name: &[u8]) -> Option<M> {
        let place = self.find(self.hash(name), name)?;
        Some(self.take(place))
    }

    /// Removes the member at a place.
    #[inline]
    pub(in crate::types) fn take(&mut self, place: Place) -> M {
        let leaf = &mut self.leaves[place.leaf];
        let before = leaf.room_bytes();
        let member = leaf.remove(place.position);
        self.room_bytes -= before - leaf.room_bytes();
        self.member_bytes -= member.memory_bytes();
        self.len -= 1;
        if leaf.len() < LEAF_MEMBERS_MIN && leaf.depth > 0 {
            let mut joined = self.join(place.leaf);
            while let Some(at) = joined {
                joined = self.join(at);
            }
        }
        member
    }

    /// Returns the members in no order.
    pub(in crate::types) fn iter(&self) -> Members<'_, M> {
        Members::new(&self.leaves)
    }

    /// Returns the place of a random member; all are equally likely. There must be one.
    #[inline]
    pub(in crate::types) fn random_place(&self, random: &mut fastrand::Rng) -> Place {
        debug_assert!(self.len > 0, "an empty table has no members");
        if let [leaf] = &*self.leaves {
            return Place { leaf: 0, position: random.usize(..leaf.len()) };
        }
        loop {
            let leaf = random.usize(..self.leaves.len());
            // A place that this leaf does not use counts as a miss: then no leaf's members are favoured.
            let position = random.usize(..LEAF_MEMBERS_MAX);
            if position < self.leaves[leaf].len() {
                return Place { leaf, position };
            }
        }
    }

    /// Returns a random member. There must be one.
    pub(in crate::types) fn random(&self, random: &mut fastrand::Rng) -> &M {
        self.at(self.random_place(random))
    }

    /// Removes and returns a random member. There must be one.
    pub(in crate::types) fn pop(&mut self, random: &mut fastrand::Rng) -> M {
        let place = self.random_place(random);
        self.take(place)
    }

    /// Visits about `count` members from a cursor on and returns the next one, 0 at the end.
    ///
    /// A cursor is the beginning of a hash: all members with smaller hashes have been visited.
    pub(in crate::types) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&'a M),
    ) -> u64 {
        let (mut cursor, mut visited) = (cursor, 0);
        while cursor < CURSOR_END && visited < count {
            let leaf = &self.leaves[self.leaf_of(cursor << CURSOR_SHIFT)];
            cursor = self.scan_leaf(leaf, cursor, count - visited, |member| {
                visited += 1;
                visit(member);
            });
        }
        if cursor < CURSOR_END { cursor } else { 0 }
    }

    /// The same within the leaf that the cursor points to. Steps go from tag to tag, so that members
    /// elsewhere are not looked at.
    fn scan_leaf<'a>(
        &self,
        leaf: &'a Leaf<M>,
        cursor: u64,
        wanted: usize,
        mut visit: impl FnMut(&'a M),
    ) -> u64 {
        let range = CURSOR_END >> leaf.depth;
        let start = u64::from(leaf.prefix) * range;
        let tag_range = range >> TAG_BITS;
        let first = usize::try_from((cursor - start) / tag_range).unwrap_or(TAG_COUNT);
        let is_inside_tag = !(cursor - start).is_multiple_of(tag_range);
        let end = if wanted < leaf.len() {
            (first + (TAG_COUNT * wanted / leaf.len()).max(1)).min(TAG_COUNT)
        } else {
            TAG_COUNT
        };
        leaf.tagged(first..end).for_each(|(_, member)| member.prefetch_whole());
        for (tag, member) in leaf.tagged(first..end) {
            // A cursor from before two leaves were joined may point between members of one tag.
            if is_inside_tag && tag == first && self.hash(member.name()) >> CURSOR_SHIFT < cursor {
                continue;
            }
            visit(member);
        }
        start + end as u64 * tag_range
    }
}

/// How leaves are split and joined.
impl<M: Member> MemberTable<M> {
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
        for member in old.drain() {
            let hash = self.hash(member.name());
            let is_upper = prefix_of(hash, depth) & 1 == 1;
            self.push(if is_upper { upper_at } else { at }, hash, member);
        }
        self.enter(upper_at);
    }

    /// Lets the directory name a leaf for all hashes with its prefix.
    fn enter(&mut self, at: usize) {
        let leaf = &self.leaves[at];
        let shift = self.depth - leaf.depth;
        let first = (leaf.prefix as usize) << shift;
        let number = u32::try_from(at).expect("a directory of 24 bits names fewer leaves");
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
        let mut halves = [at, other_at].map(|half| std::mem::take(&mut self.leaves[half]));
        self.leaves[at] = Leaf::new(prefix >> 1, depth - 1);
        for half in &mut halves {
            self.room_bytes -= half.room_bytes();
            for member in half.drain() {
                let hash = self.hash(member.name());
                self.push(at, hash, member);
            }
        }
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

    use super::{MemberTable, TAG_COUNT, prefix_of, tag_of};
    use crate::types::Text;

    fn name(number: usize) -> Vec<u8> {
        if number.is_multiple_of(2) {
            number.to_string().into_bytes()
        } else {
            format!("a longer member {number}").into_bytes()
        }
    }

    fn add(table: &mut MemberTable<Text>, name: &[u8]) -> bool {
        table.add(name, || Text::from(name))
    }

    fn table(count: usize) -> MemberTable<Text> {
        let mut table = MemberTable::<Text>::default();
        assert!((0..count).all(|number| add(&mut table, &name(number))));
        table
    }

    fn check(table: &MemberTable<Text>) {
        let (mut rooms, mut texts, mut len) = (0, 0, 0);
        for (place, &at) in table.directory.iter().enumerate() {
            let leaf = &table.leaves[at as usize];
            assert_eq!(place >> (table.depth - leaf.depth), leaf.prefix as usize);
        }
        for leaf in &table.leaves {
            for (tag, member) in leaf.tagged(0..TAG_COUNT) {
                let hash = table.hash(member.as_bytes());
                assert_eq!(prefix_of(hash, leaf.depth), leaf.prefix);
                assert_eq!(usize::from(tag_of(hash, leaf.depth)), tag);
            }
            rooms += leaf.room_bytes();
            len += leaf.len();
            texts += leaf.members().iter().map(|member| member.memory_bytes()).sum::<usize>();
        }
        assert_eq!((rooms, texts, len), (table.room_bytes, table.member_bytes, table.len));
    }

    #[test]
    fn members_come_and_go_like_in_a_model() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut table, mut model) = (MemberTable::<Text>::default(), HashSet::new());
        for round in 0..12 {
            let grows = round % 2 == 0;
            for _ in 0..8_000 {
                let member = name(random.usize(..6_000));
                match random.u8(..10) {
                    0..=6 if grows => assert_eq!(add(&mut table, &member), model.insert(member)),
                    0..=6 => assert_eq!(table.remove(&member).is_some(), model.remove(&member)),
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
            check(&copy);
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
                        2_000..9_000 => drop(add(&mut table, &name(10_000 + number))),
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
    fn any_names_may_be_fetched_ahead() {
        for count in [0, 1, 3_000] {
            let table = table(count);
            for number in (0..4_000).step_by(7) {
                let names: Vec<Vec<u8>> = (number..number + number % 12).map(name).collect();
                table.prefetch(&names.iter().map(Vec::as_slice).collect::<Vec<_>>());
            }
            check(&table);
        }
    }

    #[test]
    fn a_thousand_integers_take_little_memory() {
        let mut table = MemberTable::<Text>::default();
        for number in 0..1_000_u32 {
            add(&mut table, (1_000 * number).to_string().as_bytes());
        }
        assert!(table.memory_bytes() < 13_000, "{}", table.memory_bytes());
    }
}
