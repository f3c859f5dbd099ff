//! The chunked form of a list: reading, and the ends.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter as Nodes;

use super::chunk::Chunk;
use super::element::End;
use super::limits::ListLimits;
use super::node::{Node, NodeItems};
use crate::types::packed::{Item, Packed};
use crate::types::{IntegerText, StringRef};

/// Nodes from which on a list has its outermost chunks grow fast.
const LONG_NODES_MIN: usize = 4;

/// A deque of nodes, none of them empty.
#[derive(Clone, Default)]
pub(super) struct Quicklist {
    pub(super) nodes: VecDeque<Node>,
    /// Number of elements.
    pub(super) count: usize,
    /// Memory of the nodes beyond their structs, in bytes.
    pub(super) content_bytes: usize,
}

/// An element's place: its node, and its index there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) node: usize,
    pub(super) index: usize,
}

/// Returns the form in which a chunk keeps a string.
#[inline]
pub(super) fn item_of(value: StringRef<'_>) -> Item<'_> {
    match value {
        StringRef::Integer(integer) => Item::Integer(integer),
        StringRef::Text(text) => Item::from(text),
        StringRef::Shared(bytes) => Item::from(&bytes[..]),
    }
}

/// Returns the length of a string's text, in bytes.
#[inline]
pub(super) fn length_of(value: StringRef<'_>) -> usize {
    value.bytes(&mut IntegerText::new()).len()
}

impl Quicklist {
    /// Returns a list of one chunk, or none.
    pub(super) fn from_packed(packed: Packed) -> Self {
        let mut list = Self::default();
        if !packed.is_empty() {
            list.insert_node(0, Node::Chunk(Chunk::from_packed(packed)));
        }
        list
    }

    /// Returns the memory it takes, its own struct included.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.nodes.capacity() * size_of::<Node>() + self.content_bytes
    }

    /// Returns where an element is; walks over nodes from the nearer end.
    pub(super) fn place(&self, index: usize) -> Option<Place> {
        let from_back = self.count.checked_sub(index + 1)?;
        if index <= from_back {
            let mut rest = index;
            for (node, content) in self.nodes.iter().enumerate() {
                match rest.checked_sub(content.count()) {
                    Some(left) => rest = left,
                    None => return Some(Place { node, index: rest }),
                }
            }
        } else {
            let mut rest = from_back;
            for (node, content) in self.nodes.iter().enumerate().rev() {
                let count = content.count();
                match rest.checked_sub(count) {
                    Some(left) => rest = left,
                    None => return Some(Place { node, index: count - 1 - rest }),
                }
            }
        }
        None
    }

    /// Returns the elements from an index on: those of the first node, and the nodes behind it.
    pub(super) fn parts_from(&self, index: usize) -> Option<(NodeItems<'_>, Nodes<'_, Node>)> {
        let place = self.place(index)?;
        let first = self.nodes[place.node].items_from(place.index);
        Some((first, self.nodes.range(place.node + 1..)))
    }

    /// Returns the elements up to an index: those of the last node, and the nodes before it.
    pub(super) fn parts_to(&self, index: usize) -> Option<(NodeItems<'_>, Nodes<'_, Node>)> {
        let place = self.place(index)?;
        let last = self.nodes[place.node].items_before(place.index + 1);
        Some((last, self.nodes.range(..place.node)))
    }

    /// Returns the element at an end.
    #[inline]
    pub(super) fn end_item(&self, end: End) -> Option<StringRef<'_>> {
        match end {
            End::Front => self.nodes.front()?.first(),
            End::Back => self.nodes.back()?.last(),
        }
    }

    /// Adds an element at an end.
    pub(super) fn push(&mut self, end: End, value: StringRef<'_>, limits: &ListLimits) {
        let length = length_of(value);
        let position = match end {
            End::Front => 0,
            End::Back => self.nodes.len(),
        };
        if limits.is_large(length) {
            return self.insert_node(position, Node::large(value));
        }
        let item = item_of(value);
        let is_long = self.nodes.len() >= LONG_NODES_MIN;
        let node = match end {
            End::Front => self.nodes.front_mut(),
            End::Back => self.nodes.back_mut(),
        };
        match node {
            Some(Node::Chunk(chunk))
                if limits.admits(chunk.packed_bytes(), chunk.count(), length) =>
            {
                let before = chunk.capacity();
                if is_long {
                    let more = item.encoded_bytes();
                    chunk.double_if_full(more, end == End::Front, limits.bytes_max());
                }
                match end {
                    End::Front => chunk.push_front(item),
                    End::Back => chunk.push_back(item),
                }
                self.content_bytes = self.content_bytes - before + chunk.capacity();
                self.count += 1;
            }
            _ => self.insert_node(position, Node::Chunk(Chunk::of(item))),
        }
    }

    /// Removes the element at an end.
    pub(super) fn remove_end(&mut self, end: End) {
        let (node, position) = match end {
            End::Front => (self.nodes.front_mut(), 0),
            End::Back => {
                let last = self.nodes.len().wrapping_sub(1);
                (self.nodes.back_mut(), last)
            }
        };
        match node {
            Some(Node::Chunk(chunk)) if chunk.count() > 1 => {
                let before = chunk.capacity();
                match end {
                    End::Front => chunk.remove_first(),
                    End::Back => chunk.remove_last(),
                }
                self.content_bytes = self.content_bytes - before + chunk.capacity();
                self.count -= 1;
            }
            Some(_) => self.remove_node(position),
            None => {}
        }
    }

    /// Inserts a node with its elements.
    pub(super) fn insert_node(&mut self, position: usize, node: Node) {
        self.count += node.count();
        self.content_bytes += node.memory_bytes();
        if position == 0 {
            self.nodes.push_front(node);
        } else {
            self.nodes.insert(position, node);
        }
    }

    /// Removes a node with its elements.
    pub(super) fn remove_node(&mut self, position: usize) {
        if let Some(node) = self.nodes.remove(position) {
            self.count -= node.count();
            self.content_bytes -= node.memory_bytes();
        }
        self.give_back_deque();
    }

    /// Gives memory of the deque back when most of it is free.
    pub(super) fn give_back_deque(&mut self) {
        if self.nodes.capacity() > 64 && self.nodes.len() < self.nodes.capacity() / 4 {
            self.nodes.shrink_to(2 * self.nodes.len());
        }
    }

    /// Changes a chunk and keeps the counts of elements and memory.
    pub(super) fn edit<R>(
        &mut self,
        node: usize,
        change: impl FnOnce(&mut Chunk) -> R,
    ) -> Option<R> {
        let Some(Node::Chunk(chunk)) = self.nodes.get_mut(node) else { return None };
        let (bytes, count) = (chunk.capacity(), chunk.count());
        let result = change(chunk);
        self.content_bytes = self.content_bytes - bytes + chunk.capacity();
        self.count = self.count - count + chunk.count();
        Some(result)
    }
}
