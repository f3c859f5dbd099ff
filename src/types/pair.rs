//! A field with its value, and perhaps a deadline, in one allocation behind one word: what large
//! hashes consist of.
//!
//! This file contains unsafe code: it lays out that allocation by hand.
//!
//! ```text
//! word        address of the allocation (aligned to eight) | 1 if there is a deadline
//! allocation  [deadline, ms since 1970 (8)], length of the field, length of the value (both as in
//!             `Text`), field, value
//! ```

use std::fmt;
use std::num::NonZeroU64;
use std::ptr::{self, NonNull};
use std::slice;

use super::text::{allocate, length_bytes, read_length, release, write_length};
use crate::base::prefetch::prefetch;

/// Most pairs end between the last one of these and the next line of the cache.
const USUAL_BYTES: [usize; 2] = [32, 80];
const DEADLINE_MARK: u64 = 1;
const DEADLINE_BYTES: usize = 8;

/// An owned field and value.
pub(super) struct Pair {
    word: NonZeroU64,
}
const _: () = assert!(size_of::<Pair>() == 8, "a pair is one word");

/// Where the parts of an allocation lie.
struct Layout {
    field_at: usize,
    value_at: usize,
    total_bytes: usize,
}

impl Pair {
    /// Copies field and value. Cost: one allocation.
    pub(super) fn new(field: &[u8], value: &[u8], deadline_ms: Option<u64>) -> Self {
        let head = if deadline_ms.is_some() { DEADLINE_BYTES } else { 0 };
        let field_at = head + length_bytes(field.len()) + length_bytes(value.len());
        let memory = allocate(field_at + field.len() + value.len());
        // SAFETY: the allocation has room for the deadline, both lengths, field and value, in this order.
        let place = unsafe { memory.add(head) };
        // SAFETY: as above.
        let taken = unsafe { write_length(place, field.len()) };
        // SAFETY: as above.
        let place = unsafe { place.add(taken) };
        // SAFETY: as above.
        unsafe { write_length(place, value.len()) };
        let mut mark = 0;
        if let Some(deadline_ms) = deadline_ms {
            mark = DEADLINE_MARK;
            // SAFETY: the deadline comes first; allocations are aligned to eight.
            unsafe { memory.cast::<u64>().write(deadline_ms) };
        }
        let address = memory.as_ptr().expose_provenance() as u64;
        let word = NonZeroU64::new(address | mark).expect("an allocation is not at address zero");
        let mut pair = Self { word };
        pair.part_mut(field_at, field.len()).copy_from_slice(field);
        pair.part_mut(field_at + field.len(), value.len()).copy_from_slice(value);
        pair
    }

    #[inline]
    fn has_deadline(&self) -> bool {
        self.word.get() & DEADLINE_MARK != 0
    }

    #[inline]
    fn memory(&self) -> NonNull<u8> {
        let address = self.word.get() & !DEADLINE_MARK;
        let address = usize::try_from(address).expect("a word is as wide as an address");
        let pointer = ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: the address came from an allocation, so it is not null.
        unsafe { NonNull::new_unchecked(pointer) }
    }

    #[inline]
    fn layout(&self) -> Layout {
        let head = if self.has_deadline() { DEADLINE_BYTES } else { 0 };
        // SAFETY: the allocation lives as long as `self`; the lengths stand behind the deadline.
        let place = unsafe { self.memory().add(head) };
        // SAFETY: `new` has written the field's length here.
        let (field_bytes, first) = unsafe { read_length(place) };
        // SAFETY: the value's length stands behind the field's.
        let place = unsafe { place.add(first) };
        // SAFETY: `new` has written the value's length here.
        let (value_bytes, second) = unsafe { read_length(place) };
        let field_at = head + first + second;
        let value_at = field_at + field_bytes;
        Layout { field_at, value_at, total_bytes: value_at + value_bytes }
    }

    #[inline]
    fn part(&self, at: usize, bytes: usize) -> &[u8] {
        // SAFETY: callers name parts of the layout, which lie inside the allocation.
        let start = unsafe { self.memory().add(at) };
        // SAFETY: as above; `new` has filled them, and changes need `&mut self`.
        unsafe { slice::from_raw_parts(start.as_ptr(), bytes) }
    }

    /// Returns a part that may be uninitialised only while `new` fills it.
    #[inline]
    fn part_mut(&mut self, at: usize, bytes: usize) -> &mut [u8] {
        // SAFETY: callers name parts of the layout, which lie inside the allocation.
        let start = unsafe { self.memory().add(at) };
        // SAFETY: as above; `self` is borrowed mutably with the result.
        unsafe { slice::from_raw_parts_mut(start.as_ptr(), bytes) }
    }

    /// Returns the field.
    #[inline]
    pub(super) fn field(&self) -> &[u8] {
        let layout = self.layout();
        self.part(layout.field_at, layout.value_at - layout.field_at)
    }

    /// Returns the value.
    #[inline]
    pub(super) fn value(&self) -> &[u8] {
        let layout = self.layout();
        self.part(layout.value_at, layout.total_bytes - layout.value_at)
    }

    /// Returns field and value.
    #[inline]
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        let layout = self.layout();
        let field = self.part(layout.field_at, layout.value_at - layout.field_at);
        (field, self.part(layout.value_at, layout.total_bytes - layout.value_at))
    }

    /// Returns the deadline in milliseconds since 1970, if there is one.
    #[inline]
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        // SAFETY: the mark says that the allocation starts with a deadline; it is aligned to eight.
        self.has_deadline().then(|| unsafe { self.memory().cast::<u64>().read() })
    }

    /// Replaces the value in place if the new one is as long; says whether it is.
    #[inline]
    pub(super) fn overwrite(&mut self, value: &[u8]) -> bool {
        let layout = self.layout();
        let bytes = layout.total_bytes - layout.value_at;
        let is_as_long = bytes == value.len();
        if is_as_long {
            self.part_mut(layout.value_at, bytes).copy_from_slice(value);
        }
        is_as_long
    }

    /// Replaces the value; in place where the new one is as long.
    #[inline]
    pub(super) fn set_value(&mut self, value: &[u8]) {
        if !self.overwrite(value) {
            *self = Self::new(self.field(), value, self.deadline_ms());
        }
    }

    /// Sets or removes the deadline. Cost: a copy where there was none or will be none.
    pub(super) fn set_deadline(&mut self, deadline_ms: Option<u64>) {
        match deadline_ms {
            Some(deadline_ms) if self.has_deadline() => {
                // SAFETY: the mark says that the allocation starts with a deadline; aligned to eight.
                unsafe { self.memory().cast::<u64>().write(deadline_ms) };
            }
            None if !self.has_deadline() => {}
            _ => *self = Self::new(self.field(), self.value(), deadline_ms),
        }
    }

    /// Returns the size of the allocation, without the allocator's rounding.
    #[inline]
    pub(super) fn memory_bytes(&self) -> usize {
        self.layout().total_bytes
    }

    /// Starts to fetch what the other methods read.
    #[inline]
    pub(super) fn prefetch(&self) {
        prefetch(self.memory().as_ptr());
    }

    /// Starts to fetch all of a pair of usual length, which may stand in three lines of the cache.
    #[inline]
    pub(super) fn prefetch_whole(&self) {
        let start = self.memory().as_ptr();
        prefetch(start);
        USUAL_BYTES.iter().for_each(|&bytes| prefetch(start.wrapping_add(bytes)));
    }
}

impl Drop for Pair {
    #[inline]
    fn drop(&mut self) {
        let bytes = self.memory_bytes();
        // SAFETY: made by `allocate` with this size, released once.
        unsafe { release(self.memory(), bytes) };
    }
}

impl Clone for Pair {
    fn clone(&self) -> Self {
        Self::new(self.field(), self.value(), self.deadline_ms())
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, value) = (self.field().escape_ascii(), self.value().escape_ascii());
        write!(formatter, "\"{field}\": \"{value}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::Pair;

    const LENGTHS: [usize; 7] = [0, 1, 7, 127, 128, 300, 20_000];

    fn sample(length: usize, seed: u8) -> Vec<u8> {
        (0..length).map(|at| at.to_le_bytes()[0] ^ seed).collect()
    }

    #[test]
    fn a_pair_holds_what_it_was_made_from() {
        for field_bytes in LENGTHS {
            for value_bytes in LENGTHS {
                for deadline_ms in [None, Some(0), Some(u64::MAX)] {
                    let (field, value) = (sample(field_bytes, 1), sample(value_bytes, 2));
                    let pair = Pair::new(&field, &value, deadline_ms).clone();
                    assert_eq!(pair.field(), field);
                    assert_eq!(pair.value(), value);
                    assert_eq!(pair.deadline_ms(), deadline_ms);
                }
            }
        }
    }

    #[test]
    fn value_and_deadline_change_and_the_rest_stays() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut pair = Pair::new(b"field", b"value", None);
        let (mut value, mut deadline_ms) = (b"value".to_vec(), None);
        for step in 0..2_000_u64 {
            if random.bool() {
                value = sample(LENGTHS[random.usize(..LENGTHS.len())], step.to_le_bytes()[0]);
                pair.set_value(&value);
            } else {
                deadline_ms = random.bool().then_some(step);
                pair.set_deadline(deadline_ms);
            }
            assert_eq!(pair.field(), b"field");
            assert_eq!(pair.value(), value);
            assert_eq!(pair.deadline_ms(), deadline_ms);
        }
    }

    #[test]
    fn a_small_pair_takes_two_bytes_more_than_its_parts() {
        assert_eq!(Pair::new(b"f0000001", &[b'v'; 16], None).memory_bytes(), 26);
        assert_eq!(Pair::new(b"f0000001", &[b'v'; 16], Some(1)).memory_bytes(), 34);
    }
}
