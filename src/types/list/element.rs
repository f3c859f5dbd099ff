//! An element of a list, and how it is pointed at.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::types::StringRef;
use crate::types::packed::{Item, Wanted};

/// To whom elements are shown, one after the other. For long walks: short texts come by a way of their
/// own, which is compiled into the walk.
pub trait Viewer<'a> {
    /// Takes a text of a chunk.
    fn text(&mut self, text: &'a [u8]);

    /// Takes any other element.
    fn other(&mut self, value: StringRef<'a>);
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Front,
    Back,
}

/// A side of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

/// An element taken out of its list.
#[derive(Clone, Debug)]
pub enum Element {
    Integer(i64),
    Text(SmallVec<[u8; 48]>),
    Shared(Bytes),
}

impl Element {
    /// Returns the element as its reader sees it.
    pub fn as_ref(&self) -> StringRef<'_> {
        match self {
            Self::Integer(integer) => StringRef::Integer(*integer),
            Self::Text(text) => StringRef::Text(text),
            Self::Shared(bytes) => StringRef::Shared(bytes),
        }
    }
}

impl From<StringRef<'_>> for Element {
    fn from(value: StringRef<'_>) -> Self {
        match value {
            StringRef::Integer(integer) => Self::Integer(integer),
            StringRef::Text(text) => Self::Text(SmallVec::from_slice(text)),
            StringRef::Shared(bytes) => Self::Shared(bytes.clone()),
        }
    }
}

/// A text to compare many elements with.
pub struct TextMatch<'a> {
    text: &'a [u8],
    pub(super) packed: Wanted<'a>,
}

impl<'a> TextMatch<'a> {
    /// Returns a text made ready.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, packed: Wanted::new(text) }
    }

    /// Returns the text.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Says whether an element is this text.
    #[inline]
    pub fn is(&self, value: StringRef<'_>) -> bool {
        match value {
            StringRef::Integer(integer) => self.packed.is_item(Item::Integer(integer)),
            StringRef::Text(text) => text == self.text,
            StringRef::Shared(bytes) => bytes == self.text,
        }
    }
}
