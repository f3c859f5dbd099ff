//! Owned byte strings in one word: the members of large collections.
//!
//! This file contains unsafe code: it keeps bytes inside a word and behind a thin pointer.
//!
//! ```text
//! up to 7 bytes   the word itself: low byte 2 * length + 1, then the bytes, the rest zero
//! longer          the word is the address of an allocation (aligned to eight, so its low bit is clear):
//!                 length in groups of 7 bits, low group first, high bit set on all but the last; bytes
//! ```
//! A `Box<[u8]>` takes two words and an allocation even for three bytes; members are small and many.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;
use std::ptr::{self, NonNull};
use std::slice;

use crate::base::prefetch::prefetch;
use crate::base::slab;

/// Longest byte string that needs no allocation.
pub const INLINE_BYTES_MAX: usize = 7;

/// Most texts of their own end between here and the next line of the cache.
const USUAL_BYTES: usize = 16;

const INLINE_MARK: u64 = 1;
const GROUP_BITS: u32 = 7;
const GROUP_MASK: usize = 0x7F;
const MORE_GROUPS: u8 = 0x80;

const _: () = assert!(cfg!(target_endian = "little"), "the low byte of a word comes first");
const _: () = assert!(size_of::<usize>() == 8, "a word holds an address");

/// An owned byte string of one word; `Option<Text>` is as small.
pub struct Text {
    word: NonZeroU64,
}
const _: () = assert!(size_of::<Option<Text>>() == 8, "a text is one word with a niche");

impl Text {
    /// Returns the bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        if self.is_inline() {
            return self.inline_bytes();
        }
        // SAFETY: the word is the address of an allocation that `from` made and filled.
        let (bytes, at) = unsafe { read_length(self.address()) };
        // SAFETY: the length prefix takes `at` bytes of the allocation.
        let start = unsafe { self.address().add(at) };
        // SAFETY: behind the prefix the allocation holds exactly that many bytes; they never change.
        unsafe { slice::from_raw_parts(start.as_ptr(), bytes) }
    }

    /// Returns the length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Says whether it holds no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes on the heap beyond the word itself, without the allocator's rounding.
    #[inline]
    pub fn memory_bytes(&self) -> usize {
        if self.is_inline() { 0 } else { allocation_bytes(self.len()) }
    }

    /// Starts to fetch what `as_bytes` will read.
    #[inline]
    pub fn prefetch(&self) {
        if !self.is_inline() {
            prefetch(self.address().as_ptr());
        }
    }

    /// Starts to fetch all of a text of usual length, which may stand in two lines of the cache.
    #[inline]
    pub fn prefetch_whole(&self) {
        if !self.is_inline() {
            let start = self.address().as_ptr();
            prefetch(start);
            prefetch(start.wrapping_add(USUAL_BYTES));
        }
    }

    #[inline]
    fn is_inline(&self) -> bool {
        self.word.get() & INLINE_MARK != 0
    }

    #[inline]
    fn inline_bytes(&self) -> &[u8] {
        let bytes = usize::from(self.word.get().to_le_bytes()[0] >> 1);
        debug_assert!(bytes <= INLINE_BYTES_MAX);
        let first = ptr::from_ref(&self.word).cast::<u8>();
        // SAFETY: the word has eight bytes, so its second one exists.
        let start = unsafe { first.add(1) };
        // SAFETY: an inline text has at most seven bytes behind the first, all initialised.
        unsafe { slice::from_raw_parts(start, bytes) }
    }

    /// Returns the address of the allocation of a text that is not inline.
    #[inline]
    fn address(&self) -> NonNull<u8> {
        debug_assert!(!self.is_inline());
        let address = usize::try_from(self.word.get()).expect("a word is as wide as an address");
        let pointer = ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: the address came from an allocation, so it is not null.
        unsafe { NonNull::new_unchecked(pointer) }
    }
}

impl From<&[u8]> for Text {
    /// Copies the bytes. Cost: one allocation beyond [`INLINE_BYTES_MAX`] bytes.
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE_BYTES_MAX {
            return inline(bytes);
        }
        let memory = allocate(allocation_bytes(bytes.len()));
        // SAFETY: the allocation has room for the prefix and the bytes.
        let at = unsafe { write_length(memory, bytes.len()) };
        // SAFETY: as above.
        let place = unsafe { memory.add(at) };
        // SAFETY: as above; new memory does not overlap the caller's bytes.
        unsafe { place.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        let address = memory.as_ptr().expose_provenance() as u64;
        Self { word: NonZeroU64::new(address).expect("an allocation is not at address zero") }
    }
}

fn inline(bytes: &[u8]) -> Text {
    let mut word = [0; 8];
    word[1..=bytes.len()].copy_from_slice(bytes);
    let length = u8::try_from(bytes.len()).expect("an inline text has at most seven bytes");
    word[0] = length << 1 | 1;
    Text { word: NonZeroU64::new(u64::from_le_bytes(word)).expect("the mark is set") }
}

impl Drop for Text {
    #[inline]
    fn drop(&mut self) {
        if !self.is_inline() {
            let bytes = allocation_bytes(self.len());
            // SAFETY: made by `allocate` with this size, released once.
            unsafe { release(self.address(), bytes) };
        }
    }
}

impl Clone for Text {
    fn clone(&self) -> Self {
        if self.is_inline() { Self { word: self.word } } else { Self::from(self.as_bytes()) }
    }
}

impl PartialEq for Text {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Short texts have one form only, so words that differ there are texts that differ.
        self.word == other.word
            || (!self.is_inline() && !other.is_inline() && self.as_bytes() == other.as_bytes())
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Text {
    /// Feeds the bytes alone, so that a text hashes as `Hasher::write` of its bytes does.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

impl AsRef<[u8]> for Text {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

/// Returns the size of the allocation for a text: prefix and bytes.
#[inline]
fn allocation_bytes(bytes: usize) -> usize {
    length_bytes(bytes) + bytes
}

/// Returns how many bytes the prefix for a length takes.
#[inline]
pub(super) fn length_bytes(length: usize) -> usize {
    if length <= GROUP_MASK {
        return 1;
    }
    (usize::BITS - length.leading_zeros()).div_ceil(GROUP_BITS) as usize
}

/// Writes a length prefix and returns the bytes it took.
///
/// # Safety
/// `memory` has room for [`length_bytes`] bytes.
#[inline]
pub(super) unsafe fn write_length(memory: NonNull<u8>, length: usize) -> usize {
    let (mut rest, mut at) = (length, 0);
    loop {
        let group = (rest & GROUP_MASK).to_le_bytes()[0];
        rest >>= GROUP_BITS;
        // SAFETY: the caller's duty; one byte per group.
        let place = unsafe { memory.add(at) };
        at += 1;
        let more = if rest == 0 { 0 } else { MORE_GROUPS };
        // SAFETY: as above.
        unsafe { place.write(group | more) };
        if rest == 0 {
            return at;
        }
    }
}

/// Reads a length prefix; returns the length and the bytes the prefix takes.
///
/// # Safety
/// `memory` starts with what [`write_length`] has written.
#[inline]
pub(super) unsafe fn read_length(memory: NonNull<u8>) -> (usize, usize) {
    // SAFETY: the caller's duty.
    let first = unsafe { memory.read() };
    if first < MORE_GROUPS {
        return (usize::from(first), 1);
    }
    let (mut length, mut at) = (usize::from(first) & GROUP_MASK, 1);
    loop {
        // SAFETY: the caller's duty: the byte before says that there is another.
        let place = unsafe { memory.add(at) };
        // SAFETY: as above.
        let group = unsafe { place.read() };
        length |= (usize::from(group) & GROUP_MASK) << (GROUP_BITS as usize * at);
        at += 1;
        if group < MORE_GROUPS {
            return (length, at);
        }
    }
}

#[inline]
pub(super) fn allocate(bytes: usize) -> NonNull<u8> {
    slab::allocate_uncounted(bytes)
}

/// Releases memory of [`allocate`].
///
/// # Safety
/// `memory` came from `allocate` with this size and is not used afterwards.
#[inline]
pub(super) unsafe fn release(memory: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's duty.
    unsafe { slab::release_uncounted(memory, bytes) };
}

#[cfg(test)]
mod tests {
    use std::hash::{Hash, Hasher};

    use super::{INLINE_BYTES_MAX, Text, allocation_bytes};

    const LENGTHS: [usize; 14] =
        [0, 1, 6, 7, 8, 9, 126, 127, 128, 129, 16_383, 16_384, 16_385, 2_097_152];

    fn sample(length: usize, seed: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 + seed).to_le_bytes()[0]).collect()
    }

    #[test]
    fn a_text_holds_the_bytes_it_was_made_from() {
        for length in LENGTHS {
            let bytes = sample(length, 7);
            let text = Text::from(bytes.as_slice());
            assert_eq!(text.as_bytes(), bytes);
            assert_eq!(text.len(), length);
            assert_eq!(text.is_empty(), length == 0);
            assert_eq!(text.clone().as_bytes(), bytes);
            assert_eq!(text.clone(), text);
        }
    }

    #[test]
    fn short_texts_need_no_allocation() {
        for length in 0..=INLINE_BYTES_MAX {
            assert_eq!(Text::from(sample(length, 1).as_slice()).memory_bytes(), 0);
        }
        assert_eq!(Text::from(sample(8, 1).as_slice()).memory_bytes(), 9);
        assert_eq!(allocation_bytes(127), 128);
        assert_eq!(allocation_bytes(128), 130);
        assert_eq!(allocation_bytes(16_384), 16_387);
    }

    #[test]
    fn texts_compare_and_hash_as_their_bytes() {
        let mut samples: Vec<Vec<u8>> = Vec::new();
        for length in [0, 1, 7, 8, 20] {
            samples.push(sample(length, 0));
            samples.push(sample(length, 1));
            samples.push(vec![0; length]);
        }
        for left in &samples {
            for right in &samples {
                let (a, b) = (Text::from(left.as_slice()), Text::from(right.as_slice()));
                assert_eq!(a == b, left == right, "{left:?} {right:?}");
                assert_eq!(a.cmp(&b), left.cmp(right));
            }
        }
        let mut of_text = std::hash::DefaultHasher::new();
        Text::from(b"a longer text".as_slice()).hash(&mut of_text);
        let mut of_bytes = std::hash::DefaultHasher::new();
        of_bytes.write(b"a longer text");
        assert_eq!(of_text.finish(), of_bytes.finish());
    }

    #[test]
    fn texts_may_be_moved_replaced_and_dropped_by_another_thread() {
        let mut texts: Vec<Text> =
            (0..2_000).map(|seed| Text::from(sample(seed % 40, seed).as_slice())).collect();
        let worker = std::thread::spawn(move || {
            texts.sort_unstable();
            texts.truncate(1_000);
            texts[0] = texts[999].clone();
            texts.iter().map(Text::len).sum::<usize>()
        });
        assert!(worker.join().expect("the texts are whole") > 0);
    }

    #[test]
    fn debug_shows_what_is_printable() {
        assert_eq!(format!("{:?}", Text::from(b"a\0".as_slice())), "\"a\\x00\"");
    }
}
