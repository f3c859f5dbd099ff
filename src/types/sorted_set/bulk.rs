//! Whole runs at once: a tree of members that come in order, and the removal of a range of ranks.
//!
//! What takes time here is the index, whose slots lie all over the memory: those of a leaf's members
//! are fetched together.

use super::arena::{Arena, NIL};
use super::index::Index;
use super::inner::{CHILDREN_MAX, Child, Inner, narrow};
use super::leaf::{LEAF_MEMBERS_MAX, Leaf};
use super::tree::{Path, Tree, hash, tag};

/// A tree that grows at its end.
pub(super) struct Builder {
    tree: Tree,
    /// The leaf that is being filled.
    leaf: Leaf,
    /// The hashes of its members.
    hashes: Vec<u32>,
    /// The nodes of the level that is finished.
    nodes: Vec<Child>,
    /// Bytes of the last leaf's buffer: what the next one will need.
    usual_bytes: usize,
}

impl Builder {
    /// Begins a tree of about so many members.
    pub(super) fn new(member_count: usize) -> Self {
        let tree = Tree {
            leaves: Arena::new(),
            inners: Arena::new(),
            root: NIL,
            height: 0,
            len: 0,
            buffer_bytes: 0,
            index: Index::with_room(member_count),
        };
        let (leaf, hashes) = (Leaf::new(), Vec::with_capacity(LEAF_MEMBERS_MAX));
        Self { tree, leaf, hashes, nodes: Vec::new(), usual_bytes: 0 }
    }

    /// Adds a member behind all others.
    pub(super) fn push(&mut self, score: f64, member: &[u8]) {
        if !self.leaf.has_room(member.len()) {
            self.close_leaf();
            self.leaf.reserve(self.usual_bytes);
        }
        let hash = hash(member);
        self.leaf.insert(self.leaf.len(), score, member, tag(hash));
        self.hashes.push(hash);
    }

    fn close_leaf(&mut self) {
        let mut leaf = std::mem::replace(&mut self.leaf, Leaf::new());
        leaf.fit();
        self.usual_bytes = leaf.buffer_bytes();
        self.tree.buffer_bytes += leaf.buffer_bytes();
        self.tree.len += leaf.len();
        let (count, first) = (narrow(leaf.len()), leaf.score(0));
        let number = self.tree.leaves.add(leaf);
        self.tree.link(self.nodes.last().map_or(NIL, |child| child.node), number);
        self.nodes.push(Child { node: number, count, first });
        self.hashes.iter().for_each(|&hash| self.tree.index.prefetch(hash));
        self.hashes.drain(..).for_each(|hash| self.tree.index.insert(hash, number));
    }

    /// Returns the tree of all members added.
    pub(super) fn finish(mut self) -> Tree {
        if self.leaf.len() > 0 {
            self.close_leaf();
        }
        if self.nodes.is_empty() {
            return Tree::with_room(0);
        }
        while self.nodes.len() > 1 {
            let level = std::mem::take(&mut self.nodes);
            for children in level.chunks(CHILDREN_MAX) {
                let mut inner = Inner::new();
                children.iter().enumerate().for_each(|(at, &child)| inner.insert(at, child));
                let (count, first) = (narrow(inner.total()), inner.first(0));
                let node = self.tree.inners.add(inner);
                self.nodes.push(Child { node, count, first });
            }
            self.tree.height += 1;
        }
        self.tree.root = self.nodes[0].node;
        self.tree
    }
}

impl Tree {
    /// Removes the members of `count` ranks from one on; they are there. Cost: of these members, or of the
    /// others if those are fewer.
    pub(super) fn remove_ranks(&mut self, first: usize, count: usize) {
        let kept = self.len - count;
        if count > LEAF_MEMBERS_MAX && kept < count {
            return self.rebuild_without(first, count);
        }
        let mut left = count;
        if self.index.is_worth_a_pass(count) {
            left -= self.remove_up_to_a_leaf(first, left);
            left -= self.remove_leaves(first, left);
        }
        while left > 0 {
            left -= self.remove_in_leaf(first, left);
        }
    }

    /// Removes up to `count` members of the leaf that a rank stands in; returns how many.
    fn remove_in_leaf(&mut self, rank: usize, count: usize) -> usize {
        let (path, at) = self.path_to_rank(rank);
        let run = count.min(self.leaves[path.leaf].len() - at);
        self.remove_run(&path, at, run);
        run
    }

    /// Removes up to `count` members from a rank on until a leaf begins there; returns how many.
    fn remove_up_to_a_leaf(&mut self, rank: usize, count: usize) -> usize {
        let mut removed = 0;
        // More than once if what is left of the leaf has joined the next one.
        while removed < count && self.path_to_rank(rank).1 > 0 {
            removed += self.remove_in_leaf(rank, count - removed);
        }
        removed
    }

    /// Removes the whole leaves among the `count` members from a rank on, where one begins; returns how
    /// many members that were. The index forgets all of them in one pass: to look each of them up
    /// would take many times as long.
    fn remove_leaves(&mut self, rank: usize, count: usize) -> usize {
        let mut doomed = vec![false; self.leaves.number_end()];
        let mut number = if count > 0 { self.path_to_rank(rank).0.leaf } else { NIL };
        let mut removed = 0;
        while number != NIL && removed + self.leaves[number].len() <= count {
            doomed[number as usize] = true;
            removed += self.leaves[number].len();
            number = self.leaves[number].next;
        }
        self.index.remove_leaves(removed, |leaf| doomed[leaf as usize]);
        let mut left = removed;
        while left > 0 {
            let (path, _) = self.path_to_rank(rank);
            let len = self.leaves[path.leaf].len();
            self.take_out(&path, 0, len);
            left -= len;
        }
        removed
    }

    fn remove_run(&mut self, path: &Path, at: usize, count: usize) {
        let leaf = &self.leaves[path.leaf];
        let hashes: Vec<u32> = (at..at + count).map(|at| hash(leaf.member(at))).collect();
        hashes.iter().for_each(|&hash| self.index.prefetch(hash));
        hashes.iter().for_each(|&hash| self.index.remove(hash, path.leaf));
        self.take_out(path, at, count);
    }

    fn rebuild_without(&mut self, first: usize, count: usize) {
        let mut builder = Builder::new(self.len - count);
        let mut spot = (self.len > 0).then(|| self.spot_of_rank(0));
        let mut rank = 0;
        while let Some(at) = spot {
            if rank == first {
                rank += count;
                spot = (rank < self.len).then(|| self.spot_of_rank(rank));
                continue;
            }
            builder.push(self.score(at), self.member(at));
            rank += 1;
            spot = self.next(at);
        }
        *self = builder.finish();
    }
}
