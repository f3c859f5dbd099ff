//! A small set in one allocation: sorted integers, or a packed sequence of members.
//!
//! Both formats begin with a word that tells them apart: the width of an integer (2, 4 or 8), or the
//! size of the whole sequence, which is 7 when it is empty and at least 9 when it is not. So one
//! box without a tag serves for both, and a set takes two words.

use super::integers::{self, Integers};
use crate::base::slab::Buffer;
use crate::types::Packed;

/// The bytes of a small set.
#[derive(Clone)]
pub(super) struct Small(Packed);

/// A small set, as its reader sees it.
pub(super) enum View<'a> {
    Integers(Integers<'a>),
    Packed(&'a Packed),
}

impl Small {
    /// Returns a set of integers without any.
    pub(super) fn integers() -> Self {
        Self::of_integers(integers::empty())
    }

    /// Returns a set of integers from bytes of its format.
    pub(super) fn of_integers(bytes: Buffer) -> Self {
        debug_assert!(Integers::new(&bytes).is_some());
        Self(Packed::from_trusted(bytes))
    }

    /// Returns a set of packed members.
    pub(super) fn packed(members: Packed) -> Self {
        Self(members)
    }

    #[inline]
    pub(super) fn byte_count(&self) -> usize {
        self.0.byte_count()
    }

    /// Tells which of the two it is.
    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        let bytes = self.0.as_bytes();
        if integers::is_width(bytes.first_chunk().copied().unwrap_or_default()) {
            View::Integers(Integers::trusted(bytes))
        } else {
            View::Packed(&self.0)
        }
    }

    /// Returns the packed members for a change. The set is known to be packed.
    #[inline]
    pub(super) fn packed_mut(&mut self) -> &mut Packed {
        debug_assert!(matches!(self.view(), View::Packed(_)));
        &mut self.0
    }

    /// Changes the bytes of a set of integers.
    #[inline]
    pub(super) fn edit_integers(&mut self, edit: impl FnOnce(Buffer) -> Buffer) {
        debug_assert!(matches!(self.view(), View::Integers(_)));
        let bytes = std::mem::replace(&mut self.0, Packed::from_trusted(Buffer::default()));
        self.0 = Packed::from_trusted(edit(bytes.into_bytes()));
    }
}
