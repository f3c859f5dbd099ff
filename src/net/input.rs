//! What a client has sent and the server has not run yet.
//!
//! A connection owns bytes only while it has to: between reads it keeps the beginning of an incomplete
//! command, or complete commands whose turn has not come. All else stays in the worker's read buffer.
//! Memory that a large argument took stays for the next one, and goes step by step when none comes.

use std::ops::Range;

use crate::engine::Batch;
use crate::resp::{Limits, Opening, Parsed, Parser, ProtocolError};

/// An argument that lacks at least as many bytes is read right behind those that are there.
const DIRECT_BYTES_MIN: usize = 32 * 1024;
/// Memory reserved on the word of a length alone, as a multiple of what has arrived.
const TRUST_FACTOR: usize = 16;
/// Memory above this size is kept for the next large argument.
const LARGE_BYTES: usize = 32 * 1024;

/// Bytes and progress kept between two turns.
#[derive(Default)]
pub(super) struct Input {
    parser: Parser,
    rest: Vec<u8>,
    /// Most bytes kept at once since [`Input::trim`] was called last.
    peak_bytes: usize,
    /// `rest` may hold complete commands; else more bytes must come first.
    pub(super) has_more: bool,
}

/// How far a batch was filled.
pub(super) enum Filled {
    /// There may be more complete commands.
    Full,
    /// There are none.
    Starved,
    /// Behind the batch the stream is broken.
    Broken(ProtocolError),
}

/// What is left of a buffer after its commands have run.
pub(super) enum Rest {
    /// The bytes from this position on.
    From(usize),
    /// These bytes: parsed commands that were put back, and what followed them.
    Rewritten(Vec<u8>),
    /// Nothing, not even the beginning of a command: no more of this stream is run.
    Nothing,
}

impl Input {
    /// Parses up to `count` commands of `buffer[*at..]` into `batch` and moves `at` behind them.
    #[inline]
    pub(super) fn fill(
        &mut self,
        buffer: &mut [u8],
        at: &mut usize,
        limits: &Limits,
        count: usize,
        batch: &mut Batch,
    ) -> Filled {
        let mut opening = Opening::default();
        for _ in 0..count {
            match self.parser.next_in_row(buffer, *at, limits, &mut batch.spans, &mut opening) {
                Ok((Parsed::Command { end, arg_count }, is_alike)) => {
                    batch.push_next(arg_count, end, is_alike);
                    *at = end;
                }
                Ok((Parsed::Incomplete, _)) => {
                    *at = self.parser.start();
                    return Filled::Starved;
                }
                Err(error) => return Filled::Broken(error),
            }
        }
        Filled::Full
    }

    /// Says whether nothing is kept.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the number of bytes kept.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    /// Returns the number of bytes kept that no argument was made of yet.
    #[inline]
    pub(super) fn query_bytes(&self) -> usize {
        self.rest.len() - self.parser.done_bytes(&self.rest)
    }

    /// Returns the bytes allocated but not used yet.
    #[inline]
    pub(super) fn free_bytes(&self) -> usize {
        self.rest.capacity() - self.rest.len()
    }

    /// Returns the bytes of the arguments of an incomplete command that are complete, and what it takes
    /// to remember them.
    #[inline]
    pub(super) fn argument_bytes(&self) -> usize {
        self.parser.capacity_bytes() + self.parser.done_bytes(&self.rest)
    }

    /// Takes the bytes kept, to be given back by [`Self::put_back`].
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }

    /// Gives memory back: all that is free when the client is idle, else a part of it when more than
    /// half was not needed since the last call. Says whether it did.
    pub(super) fn trim(&mut self, is_idle: bool) -> bool {
        let capacity = self.rest.capacity();
        if capacity == self.rest.len() {
            return false;
        }
        let needed = self.rest.len() + self.parser.missing_bytes(self.rest.len());
        let peak = std::mem::take(&mut self.peak_bytes).max(needed);
        let half = capacity / 2;
        let wanted = match half {
            _ if is_idle => needed,
            _ if half <= peak => return false,
            // Too little to be worth keeping.
            ..LARGE_BYTES => peak,
            _ => half,
        };
        self.rest.shrink_to(wanted);
        self.rest.capacity() < capacity
    }

    /// Gives back what [`Self::take`] returned, with bytes appended or not.
    pub(super) fn restore(&mut self, buffer: Vec<u8>) {
        self.rest = buffer;
    }

    /// Makes room for the argument being read behind the bytes kept, exactly as much as it lacks. Says
    /// whether it lacks so much that it should be read right there.
    pub(super) fn make_room(&self, buffer: &mut Vec<u8>) -> bool {
        let missing = self.parser.missing_bytes(buffer.len());
        if missing < DIRECT_BYTES_MIN {
            return false;
        }
        if buffer.capacity() - buffer.len() < missing.min(DIRECT_BYTES_MIN) {
            buffer.reserve_exact(trusted(missing, buffer.len()));
        }
        true
    }

    /// Keeps what is left of `buffer`, which belongs to somebody else.
    #[inline]
    pub(super) fn keep(&mut self, buffer: &[u8], rest: Rest) {
        match rest {
            Rest::From(from) if from == buffer.len() => self.parser.shift(from),
            Rest::From(from) => self.copy(buffer, from),
            Rest::Rewritten(bytes) => self.rest = bytes,
            Rest::Nothing => self.parser = Parser::default(),
        }
    }

    #[cold]
    fn copy(&mut self, buffer: &[u8], from: usize) {
        let bytes = &buffer[from..];
        let missing = self.parser.missing_bytes(buffer.len());
        self.parser.shift(from);
        self.rest.reserve_exact(bytes.len() + trusted(missing, bytes.len()));
        self.rest.extend_from_slice(bytes);
    }

    /// Keeps what is left of the bytes that [`Self::take`] returned.
    pub(super) fn put_back(&mut self, mut buffer: Vec<u8>, rest: Rest) {
        self.peak_bytes = self.peak_bytes.max(buffer.len());
        match rest {
            Rest::From(from) => {
                self.parser.shift(from);
                // Nothing left: little memory goes, too, because most clients send whole commands.
                if from < buffer.len() || buffer.capacity() > LARGE_BYTES {
                    buffer.drain(..from);
                    self.rest = buffer;
                }
            }
            Rest::Rewritten(bytes) => self.rest = bytes,
            Rest::Nothing => self.parser = Parser::default(),
        }
    }

    /// Returns some commands of a batch, spelled out again, and what stands in `buffer` from `behind`
    /// on. The parser starts over: it may have rewritten the bytes it has parsed.
    pub(super) fn unparse(
        &mut self,
        batch: &Batch,
        commands: Range<usize>,
        buffer: &[u8],
        behind: usize,
    ) -> Rest {
        let mut bytes = Vec::new();
        for index in commands {
            let args = batch.args(buffer, index);
            bytes.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
            for argument in args.iter() {
                bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
                bytes.extend_from_slice(argument);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        bytes.extend_from_slice(&buffer[behind..]);
        self.parser = Parser::default();
        Rest::Rewritten(bytes)
    }
}

/// Returns how many of the bytes that were announced get memory now.
fn trusted(announced: usize, arrived: usize) -> usize {
    announced.min(TRUST_FACTOR * arrived)
}

#[cfg(test)]
mod tests {
    use super::{Batch, Input, LARGE_BYTES, Rest};
    use crate::resp::Limits;

    /// Has a client send bytes in pieces.
    fn send(input: &mut Input, text: &[u8]) {
        for piece in text.chunks(16 * 1024) {
            let (mut buffer, mut at) = (input.take(), 0);
            input.make_room(&mut buffer);
            buffer.extend_from_slice(piece);
            input.fill(&mut buffer, &mut at, &Limits::default(), 1, &mut Batch::default());
            input.put_back(buffer, Rest::From(at));
        }
    }

    /// Returns a command of one argument of so many bytes.
    fn command(bytes: usize) -> Vec<u8> {
        [format!("*1\r\n${bytes}\r\n").as_bytes(), &vec![b'x'; bytes], b"\r\n"].concat()
    }

    #[test]
    fn memory_of_a_large_argument_goes_step_by_step() {
        let mut input = Input::default();
        send(&mut input, &command(400_000));
        assert!(input.is_empty() && input.free_bytes() >= 400_000);
        assert!(!input.trim(false), "it was needed just now");
        let mut steps = 0;
        while input.free_bytes() > 0 {
            assert!(input.trim(false));
            steps += 1;
        }
        assert!(steps > 2);
        assert!(!input.trim(false) && !input.trim(true));
    }

    #[test]
    fn memory_of_an_idle_client_goes_at_once() {
        let mut input = Input::default();
        send(&mut input, &command(2 * LARGE_BYTES));
        assert!(input.trim(true));
        assert_eq!(input.free_bytes(), 0);
    }

    #[test]
    fn memory_for_what_is_on_its_way_stays() {
        let mut input = Input::default();
        send(&mut input, &command(100_000)[..20_000]);
        let (mut buffer, missing) = (input.take(), 80_000);
        assert!(input.make_room(&mut buffer));
        input.restore(buffer);
        input.trim(true);
        assert!(input.free_bytes() >= missing);
    }

    #[test]
    fn little_memory_is_not_kept() {
        let mut input = Input::default();
        send(&mut input, &command(20_000));
        assert_eq!(input.free_bytes(), 0);
    }
}
