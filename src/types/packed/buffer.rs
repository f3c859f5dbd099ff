//! The buffer of a packed sequence: how it is read and walked.

use super::item::{self, Item, TERMINATOR};

/// Bytes before the first entry.
pub(super) const HEADER_BYTES: usize = 6;
/// The count that stands for "count them".
pub(super) const COUNT_UNKNOWN: u16 = u16::MAX;
/// Bytes a sequence may have; whoever adds asks [`Packed::has_room`].
const BYTES_MAX: usize = 1 << 30;

/// A packed sequence of texts and integers; as wide as a `Box<[u8]>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed(pub(super) Box<[u8]>);

const _: () = assert!(size_of::<Option<Packed>>() == 16, "an enum beside it stays 16 bytes");

/// The place of an entry: its offset in bytes. An edit before it makes it void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(u32);

impl At {
    #[inline(always)]
    pub(super) fn new(offset: usize) -> Self {
        Self(u32::try_from(offset).expect("a sequence stays below 4 GiB"))
    }

    #[inline(always)]
    pub(super) const fn offset(self) -> usize {
        self.0 as usize
    }
}

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
        Self(Box::new([7, 0, 0, 0, 0, 0, TERMINATOR]))
    }

    /// Returns the bytes of the format.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
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

    /// Returns the place behind the last entry, where [`Packed::insert_before`] appends.
    #[inline]
    pub fn end(&self) -> At {
        At::new(self.0.len() - 1)
    }

    /// Returns the first entry.
    #[inline]
    pub fn first(&self) -> Option<At> {
        self.entry_at(HEADER_BYTES)
    }

    /// Returns the last entry.
    #[inline]
    pub fn last(&self) -> Option<At> {
        self.previous(self.end())
    }

    /// Returns the entry behind one.
    #[inline]
    pub fn next(&self, at: At) -> Option<At> {
        self.entry_at(at.offset() + item::entry_bytes(&self.0, at.offset()))
    }

    /// Returns the entry before one, or before the end.
    #[inline]
    pub fn previous(&self, at: At) -> Option<At> {
        previous_offset(&self.0, at.offset()).map(At::new)
    }

    #[inline]
    fn entry_at(&self, offset: usize) -> Option<At> {
        (self.0[offset] != TERMINATOR).then(|| At::new(offset))
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
        let mut offset = at.offset();
        for _ in 0..steps {
            if self.0[offset] == TERMINATOR {
                return None;
            }
            offset += item::entry_bytes(&self.0, offset);
        }
        self.entry_at(offset)
    }

    /// Returns the entry `steps` before one.
    pub fn back_by(&self, at: At, steps: usize) -> Option<At> {
        let mut offset = at.offset();
        for _ in 0..steps {
            offset = previous_offset(&self.0, offset)?;
        }
        Some(At::new(offset))
    }

    /// Returns the item of an entry.
    #[inline]
    pub fn item(&self, at: At) -> Item<'_> {
        item::decode(&self.0, at.offset())
    }
}

/// Returns where the entry that ends at `offset` starts.
#[inline]
pub(super) fn previous_offset(bytes: &[u8], offset: usize) -> Option<usize> {
    if offset <= HEADER_BYTES {
        return None;
    }
    let (back, own) = item::back_length(bytes, offset).expect("entries end with a back-length");
    Some(offset - back - own)
}
