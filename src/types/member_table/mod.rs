//! Member tables: what large sets and large hashes consist of.
//!
//! A table finds members by name. A set's member is its name; a hash's carries a value besides.

mod leaf;
mod members;
mod table;

use super::Text;
use super::pair::Pair;

pub(super) use members::Members;
pub(super) use table::{MemberTable, Place, Stem};

/// What a table holds: something that is found by its name.
pub(super) trait Member {
    /// Returns what it is found by; this never changes.
    fn name(&self) -> &[u8];

    /// Returns the bytes on the heap beyond itself.
    fn memory_bytes(&self) -> usize;

    /// Starts to fetch where it begins: enough to free it.
    fn prefetch(&self);

    /// Starts to fetch all of it, if it is of usual length.
    fn prefetch_whole(&self);
}

impl Member for Text {
    #[inline]
    fn name(&self) -> &[u8] {
        self.as_bytes()
    }

    #[inline]
    fn memory_bytes(&self) -> usize {
        self.memory_bytes()
    }

    #[inline]
    fn prefetch(&self) {
        self.prefetch();
    }

    #[inline]
    fn prefetch_whole(&self) {
        self.prefetch_whole();
    }
}

impl Member for Pair {
    #[inline]
    fn name(&self) -> &[u8] {
        self.field()
    }

    #[inline]
    fn memory_bytes(&self) -> usize {
        self.memory_bytes()
    }

    #[inline]
    fn prefetch(&self) {
        self.prefetch();
    }

    #[inline]
    fn prefetch_whole(&self) {
        self.prefetch_whole();
    }
}
