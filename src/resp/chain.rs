//! The bytes of pending replies: one growing tail, and before it a chain of sealed segments.
//!
//! Everything is appended to the tail. It is sealed when it has grown to a segment's size (so that a
//! long reply is never copied as a whole, and its memory goes as the client reads it), and when a
//! shared value follows, which becomes a segment of its own without a copy. Segments are numbered
//! from the first one ever on, so that a mark stays valid while its tail is sealed.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

/// Values of at least this many bytes are chained instead of copied.
pub const SHARED_BYTES_MIN: usize = 16 * 1024;
/// Bytes at which the tail is sealed.
const SEGMENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes below which a tail is rather grown than sealed for want of room.
const SEALED_BYTES_MIN: usize = 16 * 1024;
/// Bytes of a tail's first allocation.
const TAIL_BYTES_MIN: usize = 512;
/// Bytes up to which a tail that must be sealed early is copied, so that its room can be used again.
const COPIED_BYTES_MAX: usize = 1024;

/// A place in the pending replies; valid until bytes before it are consumed, or it is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    segment: u64,
    offset: usize,
}

#[derive(Debug)]
enum Segment {
    Text(Vec<u8>),
    Shared(Bytes),
}

impl Segment {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            Self::Shared(value) => value,
        }
    }
}

/// A queue of bytes in pieces.
#[derive(Debug, Default)]
pub(super) struct Chain {
    sealed: VecDeque<Segment>,
    /// Sum of the sealed segments' lengths.
    sealed_bytes: usize,
    /// Number of the first segment there is.
    first: u64,
    /// Bytes of the first segment that are consumed.
    head: usize,
    tail: Vec<u8>,
}

impl Chain {
    /// Returns the tail with room for `bytes` more bytes.
    #[inline]
    pub(super) fn room(&mut self, bytes: usize) -> &mut Vec<u8> {
        if self.tail.capacity() - self.tail.len() < bytes {
            self.make_room(bytes);
        }
        &mut self.tail
    }

    #[cold]
    fn make_room(&mut self, bytes: usize) {
        let len = self.tail.len();
        if len < SEALED_BYTES_MIN || len + bytes <= SEGMENT_BYTES_MAX {
            let doubled = (2 * self.tail.capacity()).clamp(TAIL_BYTES_MIN, SEGMENT_BYTES_MAX);
            self.tail.reserve_exact(bytes.max(doubled.saturating_sub(len)));
        } else {
            let next = Vec::with_capacity(bytes.max(SEGMENT_BYTES_MAX));
            let full = std::mem::replace(&mut self.tail, next);
            self.push_sealed(Segment::Text(full));
        }
    }

    /// Appends a value without copying it.
    pub(super) fn push_shared(&mut self, value: Bytes) {
        self.seal();
        self.push_sealed(Segment::Shared(value));
    }

    /// Appends all that `other` holds.
    pub(super) fn append(&mut self, mut other: Self) {
        if other.sealed.is_empty() && other.tail.len() - other.head <= SHARED_BYTES_MIN {
            let pending = &other.tail[other.head..];
            self.room(pending.len()).extend_from_slice(pending);
            return;
        }
        self.seal();
        other.seal();
        for segment in other.sealed.drain(..) {
            let skipped = std::mem::take(&mut other.head);
            self.push_sealed(match segment {
                Segment::Text(mut text) => {
                    text.drain(..skipped);
                    Segment::Text(text)
                }
                Segment::Shared(value) => Segment::Shared(value.slice(skipped..)),
            });
        }
    }

    /// Ends the tail where it is, even if it is empty: marks may point there.
    fn seal(&mut self) {
        let text = if self.tail.len() <= COPIED_BYTES_MAX {
            let copy = self.tail.as_slice().to_vec();
            self.tail.clear();
            copy
        } else {
            std::mem::take(&mut self.tail)
        };
        self.push_sealed(Segment::Text(text));
    }

    fn push_sealed(&mut self, segment: Segment) {
        self.sealed_bytes += segment.bytes().len();
        self.sealed.push_back(segment);
    }

    /// Returns the number of pending bytes.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.sealed_bytes + self.tail.len() - self.head
    }

    /// Returns the bytes that are kept allocated, those of shared values included.
    pub(super) fn capacity_bytes(&self) -> usize {
        self.sealed_bytes + self.tail.capacity()
    }

    /// Returns the current end.
    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark { segment: self.tail_number(), offset: self.tail.len() }
    }

    fn tail_number(&self) -> u64 {
        self.first + self.sealed.len() as u64
    }

    /// Returns where the mark's segment stands in `sealed`; its length means the tail.
    fn index(&self, mark: Mark) -> Option<usize> {
        let index = usize::try_from(mark.segment.checked_sub(self.first)?).ok()?;
        (index <= self.sealed.len()).then_some(index)
    }

    /// Inserts a few bytes at a mark; the cost is that of moving the rest of one segment.
    pub(super) fn insert(&mut self, mark: Mark, bytes: &[u8]) {
        let Some(index) = self.index(mark) else {
            debug_assert!(false, "a mark is used before its bytes are consumed or cut off");
            return;
        };
        let text = match self.sealed.get_mut(index) {
            None => &mut self.tail,
            Some(Segment::Text(text)) => {
                self.sealed_bytes += bytes.len();
                text
            }
            Some(Segment::Shared(_)) => return,
        };
        let end = text.len();
        text.resize(end + bytes.len(), 0);
        text.copy_within(mark.offset..end, mark.offset + bytes.len());
        text[mark.offset..mark.offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Drops everything behind a mark.
    pub(super) fn truncate(&mut self, mark: Mark) {
        let Some(index) = self.index(mark) else {
            debug_assert!(false, "a mark is used before its bytes are consumed or cut off");
            return;
        };
        for segment in self.sealed.drain(index..).rev() {
            self.sealed_bytes -= segment.bytes().len();
            if let Segment::Text(text) = segment {
                self.tail = text;
            }
        }
        self.tail.truncate(mark.offset);
    }

    /// Drops the first `bytes` bytes, which have been sent.
    pub(super) fn consume(&mut self, mut bytes: usize) {
        debug_assert!(bytes <= self.len(), "no more is sent than there is");
        while let Some(front) = self.sealed.front() {
            let front_bytes = front.bytes().len();
            let pending = front_bytes - self.head;
            if bytes < pending {
                self.head += bytes;
                return;
            }
            bytes -= pending;
            self.head = 0;
            self.first += 1;
            self.sealed_bytes -= front_bytes;
            self.sealed.pop_front();
        }
        self.head += bytes;
        if self.head >= self.tail.len() {
            self.clear();
        }
    }

    /// Drops everything, and keeps at most one segment's memory.
    #[inline]
    pub(super) fn clear(&mut self) {
        // One more than there are: marks of the tail become invalid too.
        self.first = self.tail_number() + 1;
        self.sealed.clear();
        self.sealed_bytes = 0;
        self.head = 0;
        self.tail.clear();
        if self.tail.capacity() > SEGMENT_BYTES_MAX {
            self.tail = Vec::new();
        }
    }

    /// Gives back memory that nothing needs now.
    pub(super) fn release(&mut self) {
        if self.len() == 0 {
            self.clear();
            self.tail = Vec::new();
            self.sealed = VecDeque::new();
        }
    }

    /// Iterates over the pending bytes.
    pub(super) fn chunks(&self) -> Chunks<'_> {
        Chunks { chain: self, index: 0 }
    }

    /// Fills `slices` with the first pending bytes, and returns how many it filled.
    pub(super) fn fill_slices<'chain>(&'chain self, slices: &mut [IoSlice<'chain>]) -> usize {
        let mut filled = 0;
        for (slice, chunk) in slices.iter_mut().zip(self.chunks()) {
            *slice = IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }
}

/// The pending bytes, piece by piece; no piece is empty.
#[derive(Debug)]
pub struct Chunks<'chain> {
    chain: &'chain Chain,
    index: usize,
}

impl<'chain> Iterator for Chunks<'chain> {
    type Item = &'chain [u8];

    fn next(&mut self) -> Option<&'chain [u8]> {
        loop {
            let index = self.index;
            let bytes = match self.chain.sealed.get(index) {
                Some(segment) => segment.bytes(),
                None if index == self.chain.sealed.len() => &self.chain.tail,
                None => return None,
            };
            self.index += 1;
            let skipped = if index == 0 { self.chain.head } else { 0 };
            if bytes.len() > skipped {
                return Some(&bytes[skipped..]);
            }
        }
    }
}
