//! Entries side by side, as their reader walks them.

use super::item::{self, Item, TERMINATOR};

/// Bytes before the first entry.
pub(in crate::types) const HEADER_BYTES: usize = 6;

/// The place of an entry: its offset in bytes. An edit before it makes it void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(u32);

impl At {
    #[inline(always)]
    pub(in crate::types) fn new(offset: usize) -> Self {
        Self(u32::try_from(offset).expect("a sequence stays below 4 GiB"))
    }

    #[inline(always)]
    pub(in crate::types) const fn offset(self) -> usize {
        self.0 as usize
    }
}

/// Entries between any [`HEADER_BYTES`] bytes, which are not read, and a terminator.
#[derive(Clone, Copy)]
pub(in crate::types) struct Entries<'a>(pub(super) &'a [u8]);

impl<'a> Entries<'a> {
    /// Returns the view of bytes that hold valid entries and end with the terminator.
    #[inline(always)]
    pub(in crate::types) fn new(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() > HEADER_BYTES && bytes.last() == Some(&TERMINATOR));
        Self(bytes)
    }

    /// Returns the place behind the last entry.
    #[inline]
    pub(in crate::types) fn end(self) -> At {
        At::new(self.0.len() - 1)
    }

    /// Returns the first entry.
    #[inline]
    pub(in crate::types) fn first(self) -> Option<At> {
        self.entry_at(HEADER_BYTES)
    }

    /// Returns the last entry.
    #[inline]
    pub(in crate::types) fn last(self) -> Option<At> {
        self.previous(self.end())
    }

    /// Returns the entry behind one.
    #[inline]
    pub(in crate::types) fn next(self, at: At) -> Option<At> {
        self.entry_at(at.offset() + item::entry_bytes(self.0, at.offset()))
    }

    /// Returns the entry before one, or before the end.
    #[inline]
    pub(in crate::types) fn previous(self, at: At) -> Option<At> {
        previous_offset(self.0, at.offset()).map(At::new)
    }

    #[inline]
    fn entry_at(self, offset: usize) -> Option<At> {
        (self.0[offset] != TERMINATOR).then(|| At::new(offset))
    }

    /// Returns the entry `steps` behind one.
    #[inline]
    pub(in crate::types) fn on_by(self, at: At, steps: usize) -> Option<At> {
        let mut offset = at.offset();
        for _ in 0..steps {
            if self.0[offset] == TERMINATOR {
                return None;
            }
            offset += item::entry_bytes(self.0, offset);
        }
        self.entry_at(offset)
    }

    /// Returns the entry `steps` before one.
    pub(in crate::types) fn back_by(self, at: At, steps: usize) -> Option<At> {
        let mut offset = at.offset();
        for _ in 0..steps {
            offset = previous_offset(self.0, offset)?;
        }
        Some(At::new(offset))
    }

    /// Returns the item of an entry.
    #[inline]
    pub(in crate::types) fn item(self, at: At) -> Item<'a> {
        item::decode(self.0, at.offset())
    }

    /// Returns the size of an entry.
    #[inline]
    pub(in crate::types) fn entry_bytes(self, at: At) -> usize {
        item::entry_bytes(self.0, at.offset())
    }
}

/// Returns where the entry that ends at `offset` starts.
#[inline]
pub(in crate::types) fn previous_offset(bytes: &[u8], offset: usize) -> Option<usize> {
    if offset <= HEADER_BYTES {
        return None;
    }
    let (back, own) = item::back_length(bytes, offset).expect("entries end with a back-length");
    Some(offset - back - own)
}
