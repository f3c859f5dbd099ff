//! One node of a chunked list: a chunk, or one large element.

use std::iter::FusedIterator;

use bytes::Bytes;

use super::chunk::Chunk;
use super::element::Viewer;
use crate::types::packed::{Item, Iter, Packed};
use crate::types::{IntegerText, StringRef};

/// A chunk or a large element.
#[derive(Clone)]
pub(super) enum Node {
    Chunk(Chunk),
    /// An element that replies may share; boxed, so that a node stays small.
    Large(Box<Bytes>),
}

const _: () = assert!(size_of::<Node>() == 32, "a deque of nodes moves them");

/// A node as it is saved.
pub enum NodeRef<'a> {
    Packed(Packed),
    Large(&'a Bytes),
}

impl Node {
    /// Returns the number of elements.
    #[inline]
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Chunk(chunk) => chunk.count(),
            Self::Large(_) => 1,
        }
    }

    /// Returns the bytes of memory beyond its own struct.
    #[inline]
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Chunk(chunk) => chunk.capacity(),
            Self::Large(bytes) => size_of::<Bytes>() + bytes.len(),
        }
    }

    /// Returns the chunk, if it is one.
    #[inline]
    pub(super) fn chunk(&self) -> Option<&Chunk> {
        match self {
            Self::Chunk(chunk) => Some(chunk),
            Self::Large(_) => None,
        }
    }

    /// Returns a node of one large element.
    pub(super) fn large(value: StringRef<'_>) -> Self {
        let bytes = match value {
            StringRef::Shared(bytes) => bytes.clone(),
            other => Bytes::copy_from_slice(other.bytes(&mut IntegerText::new())),
        };
        Self::Large(Box::new(bytes))
    }

    /// Returns the first element.
    #[inline]
    pub(super) fn first(&self) -> Option<StringRef<'_>> {
        match self {
            Self::Chunk(chunk) => {
                let entries = chunk.entries();
                Some(string_of(entries.item(entries.first()?)))
            }
            Self::Large(bytes) => Some(StringRef::Shared(bytes)),
        }
    }

    /// Returns the last element.
    #[inline]
    pub(super) fn last(&self) -> Option<StringRef<'_>> {
        match self {
            Self::Chunk(chunk) => {
                let entries = chunk.entries();
                Some(string_of(entries.item(entries.last()?)))
            }
            Self::Large(bytes) => Some(StringRef::Shared(bytes)),
        }
    }

    /// Returns all elements.
    #[inline]
    pub(super) fn items(&self) -> NodeItems<'_> {
        match self {
            Self::Chunk(chunk) => NodeItems::Packed(chunk.entries().iter()),
            Self::Large(bytes) => NodeItems::Large(Some(bytes)),
        }
    }

    /// Returns the elements from an index on.
    pub(super) fn items_from(&self, index: usize) -> NodeItems<'_> {
        match self {
            Self::Chunk(chunk) => NodeItems::Packed(chunk.entries().iter_from(chunk.at(index))),
            Self::Large(bytes) => NodeItems::Large((index == 0).then_some(bytes)),
        }
    }

    /// Returns the elements before an index.
    pub(super) fn items_before(&self, index: usize) -> NodeItems<'_> {
        match self {
            Self::Chunk(chunk) => NodeItems::Packed(chunk.entries().iter_before(chunk.at(index))),
            Self::Large(bytes) => NodeItems::Large((index > 0).then_some(bytes)),
        }
    }
}

/// Returns an item as the string it is.
#[inline(always)]
pub(super) fn string_of(item: Item<'_>) -> StringRef<'_> {
    match item {
        Item::Integer(integer) => StringRef::Integer(integer),
        Item::Text(text) => StringRef::Text(text),
    }
}

/// Elements of one node, from either end.
#[derive(Clone)]
pub(super) enum NodeItems<'a> {
    Packed(Iter<'a>),
    Large(Option<&'a Bytes>),
}

impl<'a> NodeItems<'a> {
    /// Shows up to `left` elements and returns how many are left to show.
    // Not inlined: once for a node, and all that is done for an element is inlined here.
    #[inline(never)]
    pub(super) fn show(self, mut left: usize, viewer: &mut impl Viewer<'a>) -> usize {
        match self {
            Self::Packed(mut items) => {
                while left > 0
                    && let Some(item) = items.step()
                {
                    match item {
                        Item::Text(text) => viewer.text(text),
                        Item::Integer(integer) => viewer.other(StringRef::Integer(integer)),
                    }
                    left -= 1;
                }
            }
            Self::Large(bytes) => {
                if let Some(bytes) = bytes.filter(|_| left > 0) {
                    viewer.other(StringRef::Shared(bytes));
                    left -= 1;
                }
            }
        }
        left
    }
}

impl<'a> Iterator for NodeItems<'a> {
    type Item = StringRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<StringRef<'a>> {
        match self {
            Self::Packed(items) => items.next().map(string_of),
            Self::Large(bytes) => bytes.take().map(StringRef::Shared),
        }
    }
}

impl DoubleEndedIterator for NodeItems<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Packed(items) => items.next_back().map(string_of),
            Self::Large(bytes) => bytes.take().map(StringRef::Shared),
        }
    }
}

impl FusedIterator for NodeItems<'_> {}
