//! Many members in order: a B+-tree whose inner nodes count what is below them, and an index by hash.
//!
//! ```text
//! inner nodes   per child: its number, how many members it holds, its first score
//! leaves        up to 43 members each, linked to their neighbours: scores, and members' bytes
//! index         hash of a member -> the leaf it stands in
//! ```
//! A rank is a sum of counts on the way down, a member of a rank the reverse of it, so every range
//! becomes a range of ranks. A member's bytes stand in its leaf alone; the index leads to the leaf, where
//! some bits of the hash single the member out.
//!
//! Nodes that are nearly empty join a neighbour under the same parent; a leaf added at either end of
//! the order starts with the new member only, so that ascending scores fill their leaves.
//!
//! Source: R. Bayer, E. McCreight, "Organization and maintenance of large ordered indices", 1972.

use std::sync::LazyLock;

use super::arena::{Arena, NIL};
use super::edge::{Edge, order};
use super::index::{Found, Index};
use super::inner::{CHILDREN_MAX, Child, Inner, narrow};
use super::leaf::{LEAF_MEMBERS_MAX, Leaf};
use crate::types::FETCHED_TOGETHER_MAX;

/// Levels of inner nodes at most: each node above the leaves was split when it had 31 children.
const HEIGHT_MAX: usize = 12;

/// One seed per process, so that nobody can choose members that collide.
static HASHER: LazyLock<foldhash::quality::RandomState> = LazyLock::new(Default::default);

#[expect(clippy::cast_possible_truncation, reason = "any 32 bits of a hash do")]
pub(super) fn hash(member: &[u8]) -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = HASHER.build_hasher();
    hasher.write(member);
    hasher.finish() as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower bits are the tag")]
pub(super) fn tag(hash: u32) -> u8 {
    hash as u8
}

/// A way from the root down to a leaf: nodes with the child taken.
#[derive(Clone, Copy)]
pub(super) struct Path {
    steps: [(u32, usize); HEIGHT_MAX],
    height: usize,
    pub(super) leaf: u32,
}

impl Path {
    #[inline]
    fn step(&mut self, node: u32, at: usize) {
        self.steps[self.height] = (node, at);
        self.height += 1;
    }

    #[inline]
    fn steps(&self) -> &[(u32, usize)] {
        &self.steps[..self.height]
    }
}

/// Where a member stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    leaf: u32,
    at: usize,
}

/// The tree with its index.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) leaves: Arena<Leaf>,
    pub(super) inners: Arena<Inner>,
    pub(super) root: u32,
    /// Levels of inner nodes; with none the root is a leaf.
    pub(super) height: usize,
    pub(super) len: usize,
    /// Bytes of all leaves' buffers.
    pub(super) buffer_bytes: usize,
    pub(super) index: Index,
}

impl Tree {
    /// Returns a tree without members, with room for some in its index.
    pub(super) fn with_room(member_count: usize) -> Self {
        let mut leaves = Arena::new();
        let root = leaves.add(Leaf::new());
        let index = Index::with_room(member_count);
        Self { leaves, inners: Arena::new(), root, height: 0, len: 0, buffer_bytes: 0, index }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.leaves.memory_bytes()
            + self.inners.memory_bytes()
            + self.index.memory_bytes()
            + self.buffer_bytes
    }

    pub(super) fn free_cost(&self) -> usize {
        2 * self.leaves.len() + self.inners.len() + 1
    }

    /// Frees it piece by piece.
    pub(super) fn dismantle(self, pause: &mut dyn FnMut()) {
        self.leaves.dismantle(pause);
        self.inners.dismantle(pause);
    }

    /// Returns where a member stands.
    #[inline]
    pub(super) fn find(&self, member: &[u8]) -> Option<Spot> {
        self.find_hashed(member, hash(member))
    }

    #[inline]
    fn find_hashed(&self, member: &[u8], hash: u32) -> Option<Spot> {
        self.index.find(hash, |leaf| {
            self.leaves[leaf].position(member, tag(hash)).map(|at| Spot { leaf, at })
        })
    }

    /// Starts to fetch what look-ups of these members will read, level by level for all together. Those
    /// beyond [`FETCHED_TOGETHER_MAX`] are left out.
    pub(super) fn prefetch(&self, members: &[&[u8]]) {
        let mut hashes = [None; FETCHED_TOGETHER_MAX];
        for (member, place) in members.iter().zip(&mut hashes) {
            let hash = hash(member);
            self.index.prefetch(hash);
            *place = Some(hash);
        }
        let leaves = hashes.map(|hash| {
            let hash = hash?;
            let leaf = &self.leaves[self.index.first(hash)?];
            leaf.prefetch();
            Some((leaf, tag(hash)))
        });
        leaves.into_iter().flatten().for_each(|(leaf, tag)| leaf.prefetch_tagged(tag));
    }

    #[inline]
    pub(super) fn score(&self, spot: Spot) -> f64 {
        self.leaves[spot.leaf].score(spot.at)
    }

    #[inline]
    pub(super) fn member(&self, spot: Spot) -> &[u8] {
        self.leaves[spot.leaf].member(spot.at)
    }

    /// Returns how many members stand before an edge.
    pub(super) fn count_before(&self, edge: &Edge<'_>) -> usize {
        let path = self.descend(edge);
        self.rank_of_leaf(&path) + self.leaves[path.leaf].count_before(edge)
    }

    fn rank_of_leaf(&self, path: &Path) -> usize {
        path.steps().iter().map(|&(node, at)| self.inners[node].total_before(at)).sum()
    }

    /// Returns the rank of the member at a spot.
    pub(super) fn rank(&self, spot: Spot) -> usize {
        self.rank_of_leaf(&self.path_to(spot)) + spot.at
    }

    /// Returns where the member of a rank stands. There is one.
    pub(super) fn spot_of_rank(&self, rank: usize) -> Spot {
        let (path, at) = self.path_to_rank(rank);
        Spot { leaf: path.leaf, at }
    }

    /// Returns where the next member in order stands.
    #[inline]
    pub(super) fn next(&self, spot: Spot) -> Option<Spot> {
        let leaf = &self.leaves[spot.leaf];
        if spot.at + 1 < leaf.len() {
            return Some(Spot { at: spot.at + 1, ..spot });
        }
        (leaf.next != NIL).then_some(Spot { leaf: leaf.next, at: 0 })
    }

    /// Returns where the member before stands.
    #[inline]
    pub(super) fn previous(&self, spot: Spot) -> Option<Spot> {
        if spot.at > 0 {
            return Some(Spot { at: spot.at - 1, ..spot });
        }
        let leaf = self.leaves[spot.leaf].previous;
        (leaf != NIL).then(|| Spot { leaf, at: self.leaves[leaf].len() - 1 })
    }

    /// Returns members whose hashes follow `first`, about as many as asked for, with scores; and the hash
    /// to go on from.
    pub(super) fn scan(&self, first: u32, count: usize) -> (Vec<Spot>, Option<u32>) {
        let Found { mut members, next } = self.index.scan(first, count);
        members.sort_unstable();
        members.dedup();
        let mut spots = Vec::with_capacity(members.len());
        for (member_hash, number) in members {
            let leaf = &self.leaves[number];
            let same =
                leaf.tagged(tag(member_hash)).filter(|&at| hash(leaf.member(at)) == member_hash);
            spots.extend(same.map(|at| Spot { leaf: number, at }));
        }
        (spots, next)
    }

    /// Returns the way to the last leaf that begins before an edge.
    #[inline]
    fn descend(&self, edge: &Edge<'_>) -> Path {
        let mut path = Path { steps: [(NIL, 0); HEIGHT_MAX], height: 0, leaf: self.root };
        for level in (0..self.height).rev() {
            let inner = &self.inners[path.leaf];
            let at = inner.child_before(|at| {
                edge.is_behind(inner.first(at), || self.first_member(inner.node(at), level))
            });
            path.step(path.leaf, at);
            path.leaf = inner.node(at);
        }
        path
    }

    /// Returns the first member below a node that has so many levels of inner nodes from itself on down.
    fn first_member(&self, mut node: u32, levels: usize) -> &[u8] {
        for _ in 0..levels {
            node = self.inners[node].node(0);
        }
        self.leaves[node].member(0)
    }

    fn path_to(&self, spot: Spot) -> Path {
        let path = self.descend(&Edge::BehindEntry(self.score(spot), self.member(spot)));
        debug_assert_eq!(path.leaf, spot.leaf);
        path
    }

    pub(super) fn path_to_rank(&self, rank: usize) -> (Path, usize) {
        debug_assert!(rank < self.len);
        let mut path = Path { steps: [(NIL, 0); HEIGHT_MAX], height: 0, leaf: self.root };
        let mut rest = rank;
        for _ in 0..self.height {
            let inner = &self.inners[path.leaf];
            let (at, within) = inner.find_rank(rest);
            path.step(path.leaf, at);
            (path.leaf, rest) = (inner.node(at), within);
        }
        (path, rest)
    }
}

/// Changes.
impl Tree {
    /// Adds a member or changes its score: `decide` gets the old score and returns the new one, or nothing
    /// to leave all as it is. Returns the old score.
    #[inline]
    pub(super) fn upsert(
        &mut self,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Option<f64> {
        let hash = hash(member);
        let spot = self.find_hashed(member, hash);
        let old = spot.map(|spot| self.score(spot));
        match (decide(old), spot) {
            (Some(score), None) => self.insert(member, score, hash),
            (Some(score), Some(spot)) if old != Some(score) => {
                self.change_score(spot, member, score, hash);
            }
            _ => {}
        }
        old
    }

    /// Removes a member and returns its score.
    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let hash = hash(member);
        let spot = self.find_hashed(member, hash)?;
        let score = self.score(spot);
        self.remove_at(&self.path_to(spot), spot.at, hash);
        Some(score)
    }

    fn change_score(&mut self, spot: Spot, member: &[u8], score: f64, hash: u32) {
        if self.stays_in_place(spot, member, score) {
            self.leaves[spot.leaf].set_score(spot.at, score);
            return;
        }
        self.remove_at(&self.path_to(spot), spot.at, hash);
        self.insert(member, score, hash);
    }

    /// Says whether a member may keep its place with another score; only if that is quickly seen.
    fn stays_in_place(&self, spot: Spot, member: &[u8], score: f64) -> bool {
        let leaf = &self.leaves[spot.leaf];
        let is_within = spot.at > 0 && spot.at + 1 < leaf.len();
        let entry = (score, member);
        let at = |at| (leaf.score(at), leaf.member(at));
        is_within && order(at(spot.at - 1), entry).is_lt() && order(entry, at(spot.at + 1)).is_lt()
    }

    /// Adds a member that is not there.
    fn insert(&mut self, member: &[u8], score: f64, hash: u32) {
        let edge = Edge::BehindEntry(score, member);
        let mut path = self.descend(&edge);
        let mut at = self.leaves[path.leaf].count_before(&edge);
        while !self.leaves[path.leaf].has_room(member.len()) {
            self.with_parent(&mut path);
            let leaf = &self.leaves[path.leaf];
            let is_at_an_end = at == 0 || at == leaf.len() && leaf.next == NIL;
            let is_alone = leaf.stays_alone() || Leaf::is_for_one(member.len());
            if is_at_an_end || is_alone && at == leaf.len() {
                return self.insert_in_new_leaf(&path, at > 0, member, score, hash);
            }
            let split_at = if is_alone { at } else { leaf.len() / 2 };
            self.split_leaf(&path, split_at);
            path = self.descend(&edge);
            at = self.leaves[path.leaf].count_before(&edge);
        }
        let leaf = &mut self.leaves[path.leaf];
        let before_bytes = leaf.buffer_bytes();
        leaf.insert(at, score, member, tag(hash));
        self.buffer_bytes += leaf.buffer_bytes() - before_bytes;
        self.index.insert(hash, path.leaf);
        self.len += 1;
        for &(node, child) in path.steps() {
            self.inners[node].increment(child);
        }
        if at == 0 {
            self.renew_firsts(&path, path.height);
        }
    }

    /// Gives a root that is a leaf a parent.
    fn with_parent(&mut self, path: &mut Path) {
        if self.height > 0 {
            return;
        }
        let mut inner = Inner::new();
        inner.insert(0, self.child_leaf(self.root));
        self.root = self.inners.add(inner);
        self.height = 1;
        path.step(self.root, 0);
    }

    fn child_leaf(&self, node: u32) -> Child {
        let leaf = &self.leaves[node];
        Child { node, count: narrow(leaf.len()), first: leaf.score(0) }
    }

    fn insert_in_new_leaf(
        &mut self,
        path: &Path,
        is_behind: bool,
        member: &[u8],
        score: f64,
        hash: u32,
    ) {
        let mut leaf = Leaf::new();
        leaf.insert(0, score, member, tag(hash));
        self.buffer_bytes += leaf.buffer_bytes();
        let number = self.leaves.add(leaf);
        let neighbour = &self.leaves[path.leaf];
        let (previous, next) =
            if is_behind { (path.leaf, neighbour.next) } else { (neighbour.previous, path.leaf) };
        self.link(previous, number);
        self.link(number, next);
        self.index.insert(hash, number);
        self.len += 1;
        let (above, parent) = path.steps().split_at(path.height - 1);
        for &(node, child) in above {
            self.inners[node].increment(child);
        }
        let at = parent[0].1 + usize::from(is_behind);
        self.insert_child(
            path,
            path.height - 1,
            at,
            Child { node: number, count: 1, first: score },
        );
        if at == 0 {
            self.renew_firsts(path, path.height - 1);
        }
    }

    pub(super) fn link(&mut self, left: u32, right: u32) {
        if left != NIL {
            self.leaves[left].next = right;
        }
        if right != NIL {
            self.leaves[right].previous = left;
        }
    }

    /// Moves the members from a place on into a new leaf behind.
    fn split_leaf(&mut self, path: &Path, at: usize) {
        let left = &mut self.leaves[path.leaf];
        let (before_bytes, next) = (left.buffer_bytes(), left.next);
        let right = left.split_off(at);
        let left_len = left.len();
        self.buffer_bytes += left.buffer_bytes() + right.buffer_bytes();
        self.buffer_bytes -= before_bytes;
        let number = self.leaves.add(right);
        self.link(number, next);
        self.link(path.leaf, number);
        self.relocate(path.leaf, number);
        let (parent, child) = path.steps[path.height - 1];
        self.inners[parent].set_count(child, left_len);
        self.insert_child(path, path.height - 1, child + 1, self.child_leaf(number));
    }

    /// Tells the index that the members of a leaf have come from another one.
    fn relocate(&mut self, from: u32, to: u32) {
        let leaf = &self.leaves[to];
        for at in 0..leaf.len() {
            self.index.relocate(hash(leaf.member(at)), from, to);
        }
    }

    /// Adds a child to the node at a depth of the path, splitting full nodes up to the root. The
    /// counts above include the child's members already.
    fn insert_child(&mut self, path: &Path, depth: usize, at: usize, child: Child) {
        let (left_number, _) = path.steps[depth];
        let left = &mut self.inners[left_number];
        if !left.is_full() {
            return left.insert(at, child);
        }
        // Behind the last child a node of its own, so that ascending scores fill their nodes.
        let split_at = if at == CHILDREN_MAX { at } else { CHILDREN_MAX / 2 };
        let mut right = left.split_off(split_at);
        if at > split_at || at == CHILDREN_MAX {
            right.insert(at - split_at, child);
        } else {
            left.insert(at, child);
        }
        let (left_total, left_first) = (left.total(), left.first(0));
        let (right_total, right_first) = (right.total(), right.first(0));
        let right_number = self.inners.add(right);
        let right = Child { node: right_number, count: narrow(right_total), first: right_first };
        if depth > 0 {
            let (parent, place) = path.steps[depth - 1];
            self.inners[parent].set_count(place, left_total);
            return self.insert_child(path, depth - 1, place + 1, right);
        }
        let mut root = Inner::new();
        root.insert(0, Child { node: left_number, count: narrow(left_total), first: left_first });
        root.insert(1, right);
        self.root = self.inners.add(root);
        self.height += 1;
    }

    /// Makes the nodes above a depth of the path agree with the first score there.
    fn renew_firsts(&mut self, path: &Path, depth: usize) {
        let mut first = match path.steps().get(depth) {
            Some(&(node, _)) => self.inners[node].first(0),
            None => self.leaves[path.leaf].score(0),
        };
        for &(node, at) in path.steps()[..depth].iter().rev() {
            let inner = &mut self.inners[node];
            inner.set_first(at, first);
            if at > 0 {
                return;
            }
            first = inner.first(0);
        }
    }

    fn remove_at(&mut self, path: &Path, at: usize, hash: u32) {
        self.index.remove(hash, path.leaf);
        self.take_out(path, at, 1);
    }

    /// Takes members out of a leaf, from one on; the index has forgotten them.
    pub(super) fn take_out(&mut self, path: &Path, at: usize, count: usize) {
        let leaf = &mut self.leaves[path.leaf];
        let before_bytes = leaf.buffer_bytes();
        leaf.remove(at, count);
        self.buffer_bytes -= before_bytes - leaf.buffer_bytes();
        let left_count = leaf.len();
        self.len -= count;
        for &(node, child) in path.steps() {
            self.inners[node].decrease(child, count);
        }
        if path.height == 0 {
            return;
        }
        if left_count == 0 {
            self.remove_leaf(path);
        } else {
            if at == 0 {
                self.renew_firsts(path, path.height);
            }
            if left_count < LEAF_MEMBERS_MAX / 3 {
                self.join_leaf(path);
            }
        }
    }

    /// Removes an empty leaf.
    fn remove_leaf(&mut self, path: &Path) {
        let leaf = self.leaves.take(path.leaf);
        self.buffer_bytes -= leaf.buffer_bytes();
        self.link(leaf.previous, leaf.next);
        self.remove_child(path, path.height - 1, path.steps[path.height - 1].1);
    }

    /// Joins a small leaf with a neighbour under the same parent, if both fit well into one.
    fn join_leaf(&mut self, path: &Path) {
        let (parent, at) = path.steps[path.height - 1];
        let inner = &self.inners[parent];
        let Some((left_at, left, right)) = self.joinable(inner, at) else { return };
        let total = self.leaves[left].len() + self.leaves[right].len();
        // The index first, while the members still stand in the right leaf.
        let leaf = &self.leaves[right];
        for member in 0..leaf.len() {
            self.index.relocate(hash(leaf.member(member)), right, left);
        }
        let leaf = self.leaves.take(right);
        let before_bytes = self.leaves[left].buffer_bytes();
        self.leaves[left].append(&leaf);
        self.buffer_bytes += self.leaves[left].buffer_bytes();
        self.buffer_bytes -= before_bytes + leaf.buffer_bytes();
        self.link(left, leaf.next);
        self.inners[parent].set_count(left_at, total);
        self.remove_child(path, path.height - 1, left_at + 1);
    }

    /// Returns the place of the left one of two leaves to join, and both.
    fn joinable(&self, inner: &Inner, at: usize) -> Option<(usize, u32, u32)> {
        [at, at.wrapping_sub(1)].into_iter().find_map(|left_at| {
            if left_at >= inner.len() || left_at + 1 >= inner.len() {
                return None;
            }
            let (left, right) = (inner.node(left_at), inner.node(left_at + 1));
            self.leaves[left].may_join(&self.leaves[right]).then_some((left_at, left, right))
        })
    }

    /// Takes a child out of the node at a depth of the path; its members are gone or counted elsewhere.
    fn remove_child(&mut self, path: &Path, depth: usize, at: usize) {
        let (number, _) = path.steps[depth];
        let inner = &mut self.inners[number];
        inner.remove(at);
        if inner.len() == 0 {
            self.inners.take(number);
            match depth {
                0 => self.start_over(),
                _ => self.remove_child(path, depth - 1, path.steps[depth - 1].1),
            }
            return;
        }
        if at == 0 {
            self.renew_firsts(path, depth);
        }
        if depth == 0 {
            self.lower_root();
        } else if self.inners[number].len() < CHILDREN_MAX / 3 {
            self.join_inner(path, depth);
        }
    }

    /// Begins again with an empty leaf as the root.
    fn start_over(&mut self) {
        debug_assert_eq!(self.len, 0);
        self.root = self.leaves.add(Leaf::new());
        self.height = 0;
    }

    /// Removes roots with a single child.
    fn lower_root(&mut self) {
        while self.height > 0 && self.inners[self.root].len() == 1 {
            let root = self.inners.take(self.root);
            self.root = root.node(0);
            self.height -= 1;
        }
    }

    /// Joins a small inner node with a neighbour under the same parent, if both fit well into one.
    fn join_inner(&mut self, path: &Path, depth: usize) {
        let (parent, at) = path.steps[depth - 1];
        let siblings = &self.inners[parent];
        let fits = |left_at: usize| {
            left_at < siblings.len()
                && left_at + 1 < siblings.len()
                && self.inners[siblings.node(left_at)].len()
                    + self.inners[siblings.node(left_at + 1)].len()
                    <= CHILDREN_MAX * 2 / 3
        };
        let Some(left_at) = [at, at.wrapping_sub(1)].into_iter().find(|&at| fits(at)) else {
            return;
        };
        let (left, right) = (siblings.node(left_at), siblings.node(left_at + 1));
        let right = self.inners.take(right);
        let inner = &mut self.inners[left];
        inner.append(&right);
        let total = inner.total();
        self.inners[parent].set_count(left_at, total);
        self.remove_child(path, depth - 1, left_at + 1);
    }
}

#[cfg(test)]
impl Tree {
    /// Checks every invariant.
    pub(super) fn check(&self) {
        let mut leaves = Vec::new();
        let total = self.check_node(self.root, self.height, &mut leaves);
        assert_eq!(total, self.len);
        let mut previous = NIL;
        for (place, &leaf) in leaves.iter().enumerate() {
            assert_eq!(self.leaves[leaf].previous, previous);
            let next = leaves.get(place + 1).copied().unwrap_or(NIL);
            assert_eq!(self.leaves[leaf].next, next);
            previous = leaf;
        }
        assert_eq!(self.leaves.len(), leaves.len());
        let buffers: usize = leaves.iter().map(|&leaf| self.leaves[leaf].buffer_bytes()).sum();
        assert_eq!(self.buffer_bytes, buffers);
        let mut last: Option<(f64, &[u8])> = None;
        for &number in &leaves {
            let leaf = &self.leaves[number];
            for at in 0..leaf.len() {
                let entry = (leaf.score(at), leaf.member(at));
                assert!(last.is_none_or(|last| order(last, entry).is_lt()), "in order");
                last = Some(entry);
                let spot = self.find(entry.1).expect("the index knows it");
                assert_eq!((spot.leaf, spot.at), (number, at));
            }
        }
    }

    fn check_node(&self, node: u32, levels: usize, leaves: &mut Vec<u32>) -> usize {
        if levels == 0 {
            assert!(self.leaves[node].len() > 0 || self.len == 0);
            leaves.push(node);
            return self.leaves[node].len();
        }
        let inner = &self.inners[node];
        for at in 0..inner.len() {
            let count = self.check_node(inner.node(at), levels - 1, leaves);
            assert_eq!(inner.count(at), count);
            let mut leaf = inner.node(at);
            for _ in 1..levels {
                leaf = self.inners[leaf].node(0);
            }
            assert_eq!(inner.first(at), self.leaves[leaf].score(0));
        }
        inner.total()
    }
}
