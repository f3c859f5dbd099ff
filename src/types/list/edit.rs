//! Changes in the middle of a chunked list. Chunks split where they are full, and small neighbours
//! merge, at the same points as in the field's servers, so that conversions agree.

use super::chunk::Chunk;
use super::element::{Side, TextMatch};
use super::limits::ListLimits;
use super::node::Node;
use super::quicklist::{Place, Quicklist, item_of, length_of};
use crate::types::StringRef;
use crate::types::packed::{At, HEADER_BYTES};

/// Most bytes of a chunk that elements are replaced in.
const REPLACE_BYTES_MAX: usize = 1 << 30;

impl Quicklist {
    /// Inserts an element beside another.
    pub(super) fn insert(
        &mut self,
        pivot: Place,
        side: Side,
        value: StringRef<'_>,
        limits: &ListLimits,
    ) {
        let length = length_of(value);
        let node = &self.nodes[pivot.node];
        // The gap before an element of the pivot's node, or behind its last.
        let gap = pivot.index + usize::from(side == Side::After);
        let is_outside = gap == 0 || gap == node.count();
        if limits.is_large(length) {
            return self.insert_large(pivot.node, gap, value);
        }
        if self.has_room(pivot.node, length, limits) {
            self.edit(pivot.node, |chunk| chunk.insert(chunk.at(gap), item_of(value)));
            return;
        }
        if is_outside {
            return self.insert_outside(pivot.node, side, value, limits);
        }
        self.split_node(pivot.node, gap);
        let half = pivot.node + usize::from(side == Side::After);
        self.edit(half, |chunk| match side {
            Side::Before => chunk.push_back(item_of(value)),
            Side::After => chunk.push_front(item_of(value)),
        });
        self.merge_around(pivot.node + usize::from(side == Side::Before), limits);
    }

    fn insert_large(&mut self, node: usize, gap: usize, value: StringRef<'_>) {
        if gap == 0 {
            return self.insert_node(node, Node::large(value));
        }
        if gap < self.nodes[node].count() {
            self.split_node(node, gap);
        }
        self.insert_node(node + 1, Node::large(value));
    }

    /// Inserts at the outer side of a full node: into its neighbour, or as a node between.
    fn insert_outside(
        &mut self,
        node: usize,
        side: Side,
        value: StringRef<'_>,
        limits: &ListLimits,
    ) {
        let neighbour = match side {
            Side::Before => node.checked_sub(1),
            Side::After => Some(node + 1),
        };
        let length = length_of(value);
        match neighbour.filter(|&neighbour| self.has_room(neighbour, length, limits)) {
            Some(neighbour) => {
                self.edit(neighbour, |chunk| match side {
                    Side::Before => chunk.push_back(item_of(value)),
                    Side::After => chunk.push_front(item_of(value)),
                });
            }
            None => {
                let position = node + usize::from(side == Side::After);
                self.insert_node(position, Node::Chunk(Chunk::of(item_of(value))));
            }
        }
    }

    fn has_room(&self, node: usize, text_bytes: usize, limits: &ListLimits) -> bool {
        let chunk = self.nodes.get(node).and_then(Node::chunk);
        chunk.is_some_and(|chunk| limits.admits(chunk.packed_bytes(), chunk.count(), text_bytes))
    }

    /// Makes two nodes of a chunk; the second starts with the element of an index.
    fn split_node(&mut self, node: usize, index: usize) {
        if let Some(rest) = self.edit(node, |chunk| chunk.split_off(index)) {
            self.insert_node(node + 1, Node::Chunk(rest));
        }
    }

    /// Merges the neighbours of a node among themselves and with it, as far as limits allow.
    fn merge_around(&mut self, center: usize, limits: &ListLimits) {
        let mut center = center;
        if center >= 2 && self.merge(center - 2, limits) {
            center -= 1;
        }
        self.merge(center + 1, limits);
        if center >= 1 && self.merge(center - 1, limits) {
            center -= 1;
        }
        self.merge(center, limits);
    }

    /// Appends the chunk behind one to it, if limits allow.
    fn merge(&mut self, node: usize, limits: &ListLimits) -> bool {
        let chunk_at = |index: usize| self.nodes.get(index).and_then(Node::chunk);
        let (Some(first), Some(second)) = (chunk_at(node), chunk_at(node + 1)) else {
            return false;
        };
        let bytes = [first.packed_bytes(), second.packed_bytes()];
        if !limits.admits_both(bytes, [first.count(), second.count()]) {
            return false;
        }
        let second = second.clone();
        self.remove_node(node + 1);
        self.edit(node, |chunk| chunk.append(&second));
        true
    }

    /// Puts another element in an element's place.
    pub(super) fn replace(&mut self, place: Place, value: StringRef<'_>, limits: &ListLimits) {
        let length = length_of(value);
        let is_large = limits.is_large(length);
        match &self.nodes[place.node] {
            Node::Chunk(chunk)
                if !is_large && chunk.packed_bytes() + length < REPLACE_BYTES_MAX =>
            {
                self.edit(place.node, |chunk| chunk.replace(chunk.at(place.index), item_of(value)));
            }
            Node::Chunk(_) => self.replace_by_node(place, value, limits),
            Node::Large(_) if is_large => {
                self.remove_node(place.node);
                self.insert_node(place.node, Node::large(value));
            }
            Node::Large(_) => {
                self.insert(place, Side::After, value, limits);
                self.remove_node(place.node);
            }
        }
    }

    /// Replaces an element of a chunk by a node of its own.
    fn replace_by_node(&mut self, place: Place, value: StringRef<'_>, limits: &ListLimits) {
        let node = if limits.is_large(length_of(value)) {
            Node::large(value)
        } else {
            Node::Chunk(Chunk::of(item_of(value)))
        };
        if place.index + 1 < self.nodes[place.node].count() {
            self.split_node(place.node, place.index + 1);
        }
        self.insert_node(place.node + 1, node);
        if self.nodes[place.node].count() == 1 {
            self.remove_node(place.node);
            return self.merge_around(place.node, limits);
        }
        self.edit(place.node, Chunk::remove_last);
        self.merge_around(place.node + 1, limits);
    }

    /// Removes `count` elements from an index on; they are there.
    pub(super) fn remove_range(&mut self, start: usize, count: usize) {
        let Some(place) = self.place(start) else { return };
        let (mut node, mut index, mut rest) = (place.node, place.index, count);
        let (mut dropped_from, mut dropped_to) = (None, 0);
        while rest > 0 && node < self.nodes.len() {
            let here = (self.nodes[node].count() - index).min(rest);
            if here == self.nodes[node].count() {
                dropped_from.get_or_insert(node);
                dropped_to = node + 1;
            } else {
                self.edit(node, |chunk| chunk.remove_range(index, here));
            }
            rest -= here;
            index = 0;
            node += 1;
        }
        if let Some(from) = dropped_from {
            for node in self.nodes.drain(from..dropped_to) {
                self.count -= node.count();
                self.content_bytes -= node.memory_bytes();
            }
            self.give_back_deque();
        }
    }

    /// Removes up to `count_max` elements that match, from the front or from the back.
    pub(super) fn remove_matching(
        &mut self,
        wanted: &TextMatch<'_>,
        count_max: usize,
        is_backwards: bool,
    ) -> usize {
        let mut removed = 0;
        let mut has_empty = false;
        for step in 0..self.nodes.len() {
            if removed == count_max {
                break;
            }
            let node = if is_backwards { self.nodes.len() - 1 - step } else { step };
            let most = count_max - removed;
            removed += match self.nodes.get_mut(node) {
                Some(Node::Large(bytes)) => {
                    let matches = wanted.is(StringRef::Shared(bytes));
                    if matches {
                        self.empty_node(node);
                    }
                    usize::from(matches)
                }
                _ if is_backwards => {
                    self.edit(node, |chunk| remove_backwards(chunk, wanted, most)).unwrap_or(0)
                }
                _ => self.edit(node, |chunk| remove_onwards(chunk, wanted, most)).unwrap_or(0),
            };
            has_empty |= self.nodes[node].count() == 0;
        }
        if has_empty {
            self.drop_empty_nodes();
        }
        removed
    }

    /// Leaves an empty chunk in a node's place until [`Self::drop_empty_nodes`].
    fn empty_node(&mut self, node: usize) {
        self.count -= self.nodes[node].count();
        self.content_bytes -= self.nodes[node].memory_bytes();
        let empty = Node::Chunk(Chunk::empty());
        self.content_bytes += empty.memory_bytes();
        self.nodes[node] = empty;
    }

    fn drop_empty_nodes(&mut self) {
        let content_bytes = &mut self.content_bytes;
        self.nodes.retain(|node| {
            let is_empty = node.count() == 0;
            if is_empty {
                *content_bytes -= node.memory_bytes();
            }
            !is_empty
        });
        self.give_back_deque();
    }
}

fn remove_onwards(chunk: &mut Chunk, wanted: &TextMatch<'_>, most: usize) -> usize {
    let mut removed = 0;
    let mut from = At::new(HEADER_BYTES);
    while removed < most
        && let Some(at) = chunk.entries().find(from, &wanted.packed, 0)
    {
        chunk.remove(at);
        removed += 1;
        from = at;
    }
    removed
}

fn remove_backwards(chunk: &mut Chunk, wanted: &TextMatch<'_>, most: usize) -> usize {
    let mut removed = 0;
    let mut place = chunk.entries().last();
    while removed < most
        && let Some(at) = place
    {
        place = chunk.entries().previous(at);
        if wanted.packed.is_item(chunk.entries().item(at)) {
            chunk.remove(at);
            removed += 1;
        }
    }
    removed
}
