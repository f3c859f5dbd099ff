//! The arguments of one command: positions in the buffer they arrived in.

use std::ops::Index;

use crate::resp::Span;

/// The arguments of a command, its name first. Copies are cheap; bytes are borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    buffer: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// Returns the arguments at `spans` of `buffer`.
    #[inline]
    pub fn new(buffer: &'a [u8], spans: &'a [Span]) -> Self {
        Self { buffer, spans }
    }

    /// Returns the number of arguments, the command's name included.
    #[inline]
    pub fn len(self) -> usize {
        self.spans.len()
    }

    /// Says whether there is not even a name.
    pub fn is_empty(self) -> bool {
        self.spans.is_empty()
    }

    /// Returns the argument at a position, if it was given.
    #[inline]
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        let span = self.spans.get(index)?;
        Some(&self.buffer[span.start..span.start + span.len])
    }

    /// Returns the argument at a position that the arity guarantees.
    #[inline]
    pub fn at(self, index: usize) -> &'a [u8] {
        let span = self.spans[index];
        &self.buffer[span.start..span.start + span.len]
    }

    /// Returns the arguments from a position on; empty behind the end.
    pub fn from(self, index: usize) -> Self {
        Self { buffer: self.buffer, spans: self.spans.get(index..).unwrap_or_default() }
    }

    /// Returns the arguments one by one.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        let buffer = self.buffer;
        self.spans.iter().map(move |span| &buffer[span.start..span.start + span.len])
    }

    /// Returns the bytes of all arguments together.
    pub fn total_bytes(self) -> usize {
        self.spans.iter().map(|span| span.len).sum()
    }

    /// Returns the bytes from the first argument to the last with what lies between them: quick, and
    /// never less than [`Args::total_bytes`].
    #[inline]
    pub fn extent_bytes(self) -> usize {
        match (self.spans.first(), self.spans.last()) {
            (Some(first), Some(last)) => last.start + last.len - first.start,
            _ => 0,
        }
    }

    /// Says whether the argument at a position is this word, in any case of letters.
    pub fn is_word(self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    #[inline]
    fn index(&self, index: usize) -> &[u8] {
        self.at(index)
    }
}
