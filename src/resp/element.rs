//! Strings of replies that have many: a reply of a hundred elements is a hundred of these.
//!
//! This file contains unsafe code: it takes over bytes that it has written behind a vector's end.
//!
//! What a string costs by itself (growing the buffer three times, a call to copy it) is more than its
//! bytes cost. Here the room is asked for once, and short values are copied without a call.

use std::mem::MaybeUninit;

use super::reply::ReplyBuffer;
use super::small::{LINE_BYTES_MAX, prepared_line};

const LINE_END: &[u8] = b"\r\n";

impl ReplyBuffer {
    /// Appends a string, copying it, as [`Self::bulk`] does, for who appends many of them: faster, and
    /// more code wherever it is used.
    #[inline(always)]
    pub fn element(&mut self, value: &[u8]) {
        let Some(line) = prepared_line(b'$', value.len()) else { return self.bulk(value) };
        let out = self.chain.room(LINE_BYTES_MAX + value.len() + LINE_END.len());
        let value_at = usize::from(line[line.len() - 1]);
        let end_at = value_at + value.len();
        let total = end_at + LINE_END.len();
        let free = out.spare_capacity_mut();
        free[..line.len()].write_copy_of_slice(&line);
        copy_short(&mut free[value_at..end_at], value);
        free[end_at..total].write_copy_of_slice(LINE_END);
        let length = out.len() + total;
        // SAFETY: the line, the value and the line end have just been written there without a gap.
        unsafe { out.set_len(length) };
    }
}

/// Copies a value to a place of its size; short ones as two pieces that overlap.
#[inline(always)]
fn copy_short(to: &mut [MaybeUninit<u8>], value: &[u8]) {
    match value.len() {
        1..=3 => copy_few(to, value),
        4..=7 => copy_ends::<4>(to, value),
        8..=16 => copy_ends::<8>(to, value),
        17..=32 => copy_ends::<16>(to, value),
        33..=64 => copy_ends::<32>(to, value),
        _ => {
            to.write_copy_of_slice(value);
        }
    }
}

/// Copies one to three bytes: the first, the middle and the last one, whichever these are.
#[inline(always)]
fn copy_few(to: &mut [MaybeUninit<u8>], value: &[u8]) {
    let (middle, last) = (value.len() / 2, value.len() - 1);
    for at in [0, middle, last] {
        to[at].write(value[at]);
    }
}

/// Copies the first and the last `N` bytes; there are at least so many.
#[inline(always)]
fn copy_ends<const N: usize>(to: &mut [MaybeUninit<u8>], value: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), value.first_chunk::<N>()) {
        to.write_copy_of_slice(from);
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), value.last_chunk::<N>()) {
        to.write_copy_of_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use crate::resp::ReplyBuffer;

    #[test]
    fn elements_look_like_strings() {
        let (mut elements, mut strings) = (ReplyBuffer::new(), ReplyBuffer::new());
        let bytes: Vec<u8> = (0..3_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        for length in (0..300).chain(1_020..1_030).chain([3_000]) {
            elements.element(&bytes[..length]);
            strings.bulk(&bytes[..length]);
        }
        assert_eq!(elements.len(), strings.len());
        assert!(elements.chunks().flatten().eq(strings.chunks().flatten()));
    }
}
