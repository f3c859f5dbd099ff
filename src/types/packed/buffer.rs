//! A packed sequence as a value: one boxed buffer with its header.

use super::entries::{At, Entries, HEADER_BYTES};
use super::find::Wanted;
use super::item::{Item, TERMINATOR};
use super::iterator::Iter;
use crate::base::slab::Buffer;

/// Size of a sequence without entries.
pub(in crate::types) const EMPTY_BYTES: usize = HEADER_BYTES + 1;
/// The count that stands for "count them".
pub(in crate::types) const COUNT_UNKNOWN: u16 = u16::MAX;
/// Bytes a sequence may have; whoever adds asks [`Packed::has_room`].
const BYTES_MAX: usize = 1 << 30;

/// A packed sequence of texts and integers, two words wide.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed(pub(super) Buffer);

const _: () = assert!(size_of::<Option<Packed>>() == 16, "an enum beside it stays 16 bytes");

impl Default for Packed {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Packed {
    /// Returns an empty sequence.
    pub fn new() -> Self {
        Self(Buffer::from([7, 0, 0, 0, 0, 0, TERMINATOR].as_slice()))
    }

    /// Takes bytes back that [`Packed::into_bytes`] has given.
    #[inline]
    pub(in crate::types) fn from_trusted(bytes: Buffer) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the format.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes of the format, without a copy.
    pub(in crate::types) fn into_bytes(self) -> Buffer {
        self.0
    }

    /// Returns the size in bytes.
    #[inline]
    pub fn byte_count(&self) -> usize {
        self.0.len()
    }

    /// Says whether `additional` more bytes of entries are safe to add.
    pub fn has_room(&self, additional: usize) -> bool {
        self.0.len().saturating_add(additional) < BYTES_MAX
    }

    /// Says whether there are no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0[HEADER_BYTES] == TERMINATOR
    }

    /// Returns the number of entries; a walk from 65,535 on.
    #[inline]
    pub fn len(&self) -> usize {
        match self.header_count() {
            COUNT_UNKNOWN => self.counted(),
            count => usize::from(count),
        }
    }

    #[inline]
    pub(super) fn header_count(&self) -> u16 {
        u16::from_le_bytes([self.0[4], self.0[5]])
    }

    #[cold]
    fn counted(&self) -> usize {
        self.iter().count()
    }

    #[inline(always)]
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries::new(&self.0)
    }

    /// Returns the place behind the last entry, where [`Packed::insert_before`] appends.
    #[inline]
    pub fn end(&self) -> At {
        self.entries().end()
    }

    /// Returns the first entry.
    #[inline]
    pub fn first(&self) -> Option<At> {
        self.entries().first()
    }

    /// Returns the last entry.
    #[inline]
    pub fn last(&self) -> Option<At> {
        self.entries().last()
    }

    /// Returns the entry behind one.
    #[inline]
    pub fn next(&self, at: At) -> Option<At> {
        self.entries().next(at)
    }

    /// Returns the entry before one, or before the end.
    #[inline]
    pub fn previous(&self, at: At) -> Option<At> {
        self.entries().previous(at)
    }

    /// Returns the entry with an index, negative ones counting from the last (-1); walks from the
    /// nearer end.
    pub fn at_index(&self, index: i64) -> Option<At> {
        let mut backwards = index < 0;
        let distance = if backwards { -1 - index } else { index };
        let mut steps = usize::try_from(distance).ok()?;
        if self.header_count() != COUNT_UNKNOWN {
            let count = self.len();
            if steps >= count {
                return None;
            }
            if steps > count / 2 {
                backwards = !backwards;
                steps = count - 1 - steps;
            }
        }
        if backwards { self.back_by(self.last()?, steps) } else { self.on_by(self.first()?, steps) }
    }

    /// Returns the entry `steps` behind one.
    #[inline]
    pub fn on_by(&self, at: At, steps: usize) -> Option<At> {
        self.entries().on_by(at, steps)
    }

    /// Returns the entry `steps` before one.
    #[inline]
    pub fn back_by(&self, at: At, steps: usize) -> Option<At> {
        self.entries().back_by(at, steps)
    }

    /// Returns the first entry from `from` on that is `text`, passing over `skip` entries after each
    /// that is looked at (1: only every other one).
    #[inline]
    pub fn find(&self, from: At, text: &[u8], skip: usize) -> Option<At> {
        self.entries().find(from, &Wanted::new(text), skip)
    }

    /// Returns the items in order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.entries().iter()
    }

    /// Returns the items from an entry (or the end) on.
    #[inline]
    pub fn iter_from(&self, at: At) -> Iter<'_> {
        self.entries().iter_from(at)
    }

    /// Returns the items before an entry (or the end).
    #[inline]
    pub fn iter_before(&self, at: At) -> Iter<'_> {
        self.entries().iter_before(at)
    }

    /// Returns the item of an entry.
    #[inline]
    pub fn item(&self, at: At) -> Item<'_> {
        self.entries().item(at)
    }
}

impl<'a> IntoIterator for &'a Packed {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
