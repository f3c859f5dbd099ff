//! A list: the packed form, the chunked form, and the steps between them.

use std::collections::vec_deque::Iter as Nodes;

use bytes::Bytes;
use smallvec::SmallVec;

use super::chunk::Chunk;
use super::element::{Element, End, Side, TextMatch, Viewer};
use super::limits::ListLimits;
use super::node::{Node, NodeItems, NodeRef, string_of};
use super::quicklist::{Place, Quicklist, item_of};
use crate::types::object::free_each;
use crate::types::packed::{Item, Packed};
use crate::types::{Collection, Encoding, StringRef, ValueType};

/// A list of strings.
#[derive(Clone)]
pub struct List(Repr);

#[derive(Clone)]
enum Repr {
    Packed(Packed),
    Chunked(Box<Quicklist>),
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter_from(0)).finish()
    }
}

impl Collection for List {
    const TYPE: ValueType = ValueType::List;

    #[inline]
    fn memory_bytes(&self) -> usize {
        match &self.0 {
            Repr::Packed(packed) => packed.byte_count(),
            Repr::Chunked(list) => list.memory_bytes(),
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match &self.0 {
            Repr::Packed(packed) => packed.len(),
            Repr::Chunked(list) => list.count,
        }
    }

    fn encoding(&self) -> Encoding {
        match &self.0 {
            Repr::Packed(_) => Encoding::Listpack,
            Repr::Chunked(_) => Encoding::Quicklist,
        }
    }

    fn free_cost(&self) -> usize {
        match &self.0 {
            Repr::Packed(_) => 1,
            Repr::Chunked(list) => list.nodes.len(),
        }
    }

    fn dismantle(self, pause: &mut dyn FnMut()) {
        if let Repr::Chunked(list) = self.0 {
            free_each(list.nodes, pause);
        }
    }
}

/// Reading.
impl List {
    /// Returns an empty list.
    pub fn new() -> Self {
        Self(Repr::Packed(Packed::new()))
    }

    /// Returns the element at an end.
    #[inline]
    pub fn end(&self, end: End) -> Option<StringRef<'_>> {
        match &self.0 {
            Repr::Packed(packed) => {
                let at = match end {
                    End::Front => packed.first(),
                    End::Back => packed.last(),
                };
                at.map(|at| string_of(packed.item(at)))
            }
            Repr::Chunked(list) => list.end_item(end),
        }
    }

    /// Returns the element at an index; negative ones count from the last (-1).
    pub fn get(&self, index: i64) -> Option<StringRef<'_>> {
        let index = self.index_of(index)?;
        self.iter_from(index).next()
    }

    /// Returns the index that a signed one stands for, if there is an element.
    fn index_of(&self, index: i64) -> Option<usize> {
        let count = self.len();
        let index = match usize::try_from(index) {
            Ok(index) => index,
            Err(_) => count.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
        };
        (index < count).then_some(index)
    }

    /// Returns the elements from an index on.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = StringRef<'_>> {
        let (first, rest) = match &self.0 {
            Repr::Packed(packed) => (packed_from(packed, index), Nodes::default()),
            Repr::Chunked(list) => list.parts_from(index).unwrap_or_else(nothing),
        };
        first.chain(rest.flat_map(Node::items))
    }

    /// Shows up to `count` elements from an index on: [`List::iter_from`] for who wants many.
    pub fn show_from<'a>(&'a self, index: usize, count: usize, viewer: &mut impl Viewer<'a>) {
        let (first, rest) = match &self.0 {
            Repr::Packed(packed) => (packed_from(packed, index), Nodes::default()),
            Repr::Chunked(list) => list.parts_from(index).unwrap_or_else(nothing),
        };
        let mut left = first.show(count, viewer);
        for node in rest {
            if left == 0 {
                return;
            }
            left = node.items().show(left, viewer);
        }
    }

    /// Returns the elements from an index down to the first.
    pub fn iter_back_from(&self, index: usize) -> impl Iterator<Item = StringRef<'_>> {
        let (last, rest) = match &self.0 {
            Repr::Packed(packed) => (packed_to(packed, index), Nodes::default()),
            Repr::Chunked(list) => list.parts_to(index).unwrap_or_else(nothing),
        };
        last.rev().chain(rest.rev().flat_map(|node| node.items().rev()))
    }

    /// Returns the number of pieces that [`List::nodes`] returns.
    pub fn node_count(&self) -> usize {
        match &self.0 {
            Repr::Packed(_) => 1,
            Repr::Chunked(list) => list.nodes.len(),
        }
    }

    /// Returns the pieces as they are saved; each is copied when its turn comes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeRef<'_>> {
        let (packed, nodes) = match &self.0 {
            Repr::Packed(packed) => (Some(packed), Nodes::default()),
            Repr::Chunked(list) => (None, list.nodes.iter()),
        };
        packed.map(|packed| NodeRef::Packed(packed.clone())).into_iter().chain(nodes.map(node_ref))
    }
}

fn node_ref(node: &Node) -> NodeRef<'_> {
    match node {
        Node::Chunk(chunk) => NodeRef::Packed(chunk.to_packed()),
        Node::Large(bytes) => NodeRef::Large(bytes),
    }
}

fn nothing<'a>() -> (NodeItems<'a>, Nodes<'a, Node>) {
    (NodeItems::Large(None), Nodes::default())
}

fn packed_from(packed: &Packed, index: usize) -> NodeItems<'_> {
    match packed.at_index(i64::try_from(index).unwrap_or(i64::MAX)) {
        Some(at) => NodeItems::Packed(packed.iter_from(at)),
        None => NodeItems::Large(None),
    }
}

fn packed_to(packed: &Packed, index: usize) -> NodeItems<'_> {
    match packed.at_index(i64::try_from(index).unwrap_or(i64::MAX)) {
        Some(at) => {
            let end = packed.next(at).unwrap_or_else(|| packed.end());
            NodeItems::Packed(packed.iter_before(end))
        }
        None => NodeItems::Large(None),
    }
}

/// Changes.
impl List {
    /// Adds elements at an end, one after the other, so that the last one given is the outermost.
    pub fn extend<'a>(
        &mut self,
        end: End,
        texts: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        limits: &ListLimits,
    ) {
        if matches!(self.0, Repr::Packed(_)) {
            self.grow(texts.clone().map(<[u8]>::len).sum(), texts.len(), limits);
        }
        match &mut self.0 {
            Repr::Packed(packed) => extend_packed(packed, end, texts.map(Item::from)),
            Repr::Chunked(list) => {
                for text in texts {
                    list.push(end, StringRef::Text(text), limits);
                }
            }
        }
    }

    /// Adds one element at an end.
    pub fn push(&mut self, end: End, value: StringRef<'_>, limits: &ListLimits) {
        self.grow(value.len(), 1, limits);
        match &mut self.0 {
            Repr::Packed(packed) => match end {
                End::Front => packed.push_front(item_of(value)),
                End::Back => packed.push_back(item_of(value)),
            },
            Repr::Chunked(list) => list.push(end, value, limits),
        }
    }

    /// Takes the element at an end out.
    pub fn pop(&mut self, end: End, limits: &ListLimits) -> Option<Element> {
        let element = Element::from(self.end(end)?);
        self.remove_end(end, limits);
        Some(element)
    }

    /// Removes the element at an end, if there is one.
    pub fn remove_end(&mut self, end: End, limits: &ListLimits) {
        match &mut self.0 {
            Repr::Packed(packed) => {
                let at = match end {
                    End::Front => packed.first(),
                    End::Back => packed.last(),
                };
                if let Some(at) = at {
                    packed.remove(at);
                }
            }
            Repr::Chunked(list) => {
                list.remove_end(end);
                self.shrink(limits);
            }
        }
    }

    /// Puts a text in the place of the element at an index; says whether there was one.
    pub fn set(&mut self, index: i64, text: &[u8], limits: &ListLimits) -> bool {
        self.grow(text.len(), 1, limits);
        let Some(index) = self.index_of(index) else { return false };
        match &mut self.0 {
            Repr::Packed(packed) => {
                if let Some(at) = packed.at_index(i64::try_from(index).unwrap_or(i64::MAX)) {
                    packed.replace(at, text);
                }
            }
            Repr::Chunked(list) => {
                if let Some(place) = list.place(index) {
                    list.replace(place, StringRef::Text(text), limits);
                }
                self.shrink(limits);
            }
        }
        true
    }

    /// Inserts a text beside the first element that is `pivot`; says whether there was one.
    pub fn insert(
        &mut self,
        pivot: &TextMatch<'_>,
        side: Side,
        text: &[u8],
        limits: &ListLimits,
    ) -> bool {
        self.grow(text.len(), 1, limits);
        match &mut self.0 {
            Repr::Packed(packed) => insert_packed(packed, pivot, side, text),
            Repr::Chunked(list) => match list.find(pivot) {
                Some(place) => {
                    list.insert(place, side, StringRef::Text(text), limits);
                    true
                }
                None => false,
            },
        }
    }

    /// Removes up to `count` elements that are `wanted`, from the front or, if negative, from the back;
    /// all for 0. Returns how many there were.
    pub fn remove_matching(
        &mut self,
        count: i64,
        wanted: &TextMatch<'_>,
        limits: &ListLimits,
    ) -> usize {
        let most = match count {
            0 => usize::MAX,
            _ => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
        };
        match &mut self.0 {
            Repr::Packed(packed) => remove_packed(packed, wanted, most, count < 0),
            Repr::Chunked(list) => {
                let removed = list.remove_matching(wanted, most, count < 0);
                self.shrink(limits);
                removed
            }
        }
    }

    /// Removes elements from an index on, as far as they are there.
    pub fn remove_range(&mut self, start: usize, count: usize, limits: &ListLimits) {
        let count = count.min(self.len().saturating_sub(start));
        if count == 0 {
            return;
        }
        match &mut self.0 {
            Repr::Packed(packed) => {
                if let Some(at) = packed.at_index(i64::try_from(start).unwrap_or(i64::MAX)) {
                    packed.remove_range(at, count);
                }
            }
            Repr::Chunked(list) => {
                list.remove_range(start, count);
                self.shrink(limits);
            }
        }
    }

    /// Leaves the packed form if it would become too large for it.
    fn grow(&mut self, more_bytes: usize, more_count: usize, limits: &ListLimits) {
        if let Repr::Packed(packed) = &mut self.0
            && limits.exceeds(packed.byte_count() + more_bytes, packed.len() + more_count)
        {
            let packed = std::mem::take(packed);
            self.0 = Repr::Chunked(Box::new(Quicklist::from_packed(packed)));
        }
    }

    /// Goes back to the packed form after elements went, if little is left.
    #[inline]
    fn shrink(&mut self, limits: &ListLimits) {
        self.pack(limits, true);
    }

    /// Takes the packed form if the list is small enough for it, as one that was loaded may be.
    pub fn settle(&mut self, limits: &ListLimits) {
        match &mut self.0 {
            Repr::Packed(_) => self.grow(0, 0, limits),
            Repr::Chunked(_) => self.pack(limits, false),
        }
    }

    #[inline]
    fn pack(&mut self, limits: &ListLimits, is_shrinking: bool) {
        let Repr::Chunked(list) = &self.0 else { return };
        if list.nodes.len() > 1 {
            return;
        }
        let packed = match list.nodes.front() {
            None => Packed::new(),
            Some(Node::Chunk(chunk))
                if limits.suffices_packed(chunk.packed_bytes(), chunk.count(), is_shrinking) =>
            {
                chunk.to_packed()
            }
            Some(_) => return,
        };
        self.0 = Repr::Packed(packed);
    }
}

/// Building from saved pieces.
impl List {
    /// Appends a saved packed piece as it is; the caller calls [`List::settle`] at the end.
    pub fn append_packed(&mut self, packed: Packed) {
        if packed.is_empty() {
            return;
        }
        if let Repr::Packed(own) = &mut self.0
            && own.is_empty()
        {
            *own = packed;
            return;
        }
        let list = self.chunked();
        list.insert_node(list.nodes.len(), Node::Chunk(Chunk::from_packed(packed)));
    }

    /// Appends a saved large element.
    pub fn append_large(&mut self, bytes: Bytes) {
        let list = self.chunked();
        list.insert_node(list.nodes.len(), Node::Large(Box::new(bytes)));
    }

    fn chunked(&mut self) -> &mut Quicklist {
        if let Repr::Packed(packed) = &mut self.0 {
            let packed = std::mem::take(packed);
            self.0 = Repr::Chunked(Box::new(Quicklist::from_packed(packed)));
        }
        match &mut self.0 {
            Repr::Chunked(list) => list,
            Repr::Packed(_) => unreachable!("the packed form was left just now"),
        }
    }
}

fn extend_packed<'a>(packed: &mut Packed, end: End, items: impl Iterator<Item = Item<'a>>) {
    let mut items: SmallVec<[Item<'a>; 8]> = items.collect();
    match end {
        End::Back => packed.append(&items),
        End::Front => {
            items.reverse();
            packed.prepend(&items);
        }
    }
}

fn insert_packed(packed: &mut Packed, pivot: &TextMatch<'_>, side: Side, text: &[u8]) -> bool {
    let found = packed.first().and_then(|first| packed.find(first, pivot.text(), 0));
    let Some(at) = found else { return false };
    let at = match side {
        Side::Before => at,
        Side::After => packed.next(at).unwrap_or_else(|| packed.end()),
    };
    packed.insert_before(at, text);
    true
}

fn remove_packed(
    packed: &mut Packed,
    wanted: &TextMatch<'_>,
    most: usize,
    is_backwards: bool,
) -> usize {
    let mut removed = 0;
    let mut place = if is_backwards { packed.last() } else { packed.first() };
    while removed < most
        && let Some(at) = place
    {
        if is_backwards {
            place = packed.previous(at);
            if wanted.packed.is_item(packed.item(at)) {
                packed.remove(at);
                removed += 1;
            }
        } else {
            let Some(at) = packed.find(at, wanted.text(), 0) else { break };
            place = packed.remove(at);
            removed += 1;
        }
    }
    removed
}

impl Quicklist {
    /// Returns the place of the first element that matches.
    fn find(&self, wanted: &TextMatch<'_>) -> Option<Place> {
        self.nodes.iter().enumerate().find_map(|(node, content)| {
            let index = content.items().position(|value| wanted.is(value))?;
            Some(Place { node, index })
        })
    }
}
