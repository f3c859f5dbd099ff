//! Writing: numbers, lengths and strings, piece by piece into a sink.

use std::io::{self, Write};

use super::lzf;
use crate::base::crc::crc64;
use crate::base::text;

/// Longest text that is looked at for an integer.
const INTEGER_BYTES_MAX: usize = 11;
/// Texts of this many bytes and less are not worth compressing.
const PLAIN_BYTES_MAX: usize = 20;
/// Compressing needs the whole text and its result in memory: longer ones are written as they are.
const COMPRESSED_BYTES_MAX: usize = 64 << 20;

/// Bytes on their way out, with their checksum.
pub(super) struct Output<W> {
    sink: W,
    checksum: Option<u64>,
    compresses: bool,
    position: u64,
}

impl<W: Write> Output<W> {
    /// Begins to write; `sums` keeps a checksum of all bytes, `compresses` makes long texts shorter.
    pub(super) fn new(sink: W, sums: bool, compresses: bool) -> Self {
        Self { sink, checksum: sums.then_some(0), compresses, position: 0 }
    }

    /// Returns the checksum of what has been written so far.
    pub(super) fn checksum(&self) -> Option<u64> {
        self.checksum
    }

    /// Returns the number of bytes written so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Returns the sink.
    pub(super) fn into_sink(self) -> W {
        self.sink
    }

    /// Writes bytes as they are.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(checksum) = &mut self.checksum {
            *checksum = crc64(*checksum, bytes);
        }
        self.position += bytes.len() as u64;
        self.sink.write_all(bytes)
    }

    /// Writes one byte.
    pub(super) fn byte(&mut self, byte: u8) -> io::Result<()> {
        self.raw(&[byte])
    }

    /// Writes a number of 64 bits, the low byte first.
    pub(super) fn u64(&mut self, number: u64) -> io::Result<()> {
        self.raw(&number.to_le_bytes())
    }

    /// Writes a double.
    pub(super) fn f64(&mut self, number: f64) -> io::Result<()> {
        self.raw(&number.to_le_bytes())
    }

    /// Writes a length, a count or any other number that is mostly small.
    pub(super) fn count(&mut self, count: u64) -> io::Result<()> {
        if let Ok(small) = u8::try_from(count)
            && small < 1 << 6
        {
            return self.byte(small);
        }
        if let Ok(medium) = u16::try_from(count)
            && medium < 1 << 14
        {
            return self.raw(&(medium | 1 << 14).to_be_bytes());
        }
        match u32::try_from(count) {
            Ok(large) => {
                self.byte(0x80)?;
                self.raw(&large.to_be_bytes())
            }
            Err(_) => {
                self.byte(0x81)?;
                self.raw(&count.to_be_bytes())
            }
        }
    }

    /// Writes the number of elements of something.
    pub(super) fn len(&mut self, len: usize) -> io::Result<()> {
        self.count(len as u64)
    }

    /// Writes a string: as an integer where it is the text of a small one, compressed where that helps.
    pub(super) fn string(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() <= INTEGER_BYTES_MAX
            && let Some(integer) = text::parse_i64(bytes)
            && let Ok(integer) = i32::try_from(integer)
        {
            return self.small_integer(integer);
        }
        self.blob(bytes)
    }

    /// Writes a string that is no integer.
    pub(super) fn blob(&mut self, bytes: &[u8]) -> io::Result<()> {
        let may_shrink =
            self.compresses && (PLAIN_BYTES_MAX + 1..=COMPRESSED_BYTES_MAX).contains(&bytes.len());
        if may_shrink && let Some(compressed) = lzf::compress(bytes) {
            self.byte(0xc3)?;
            self.len(compressed.len())?;
            self.len(bytes.len())?;
            return self.raw(&compressed);
        }
        self.len(bytes.len())?;
        self.raw(bytes)
    }

    /// Writes the text of an integer.
    pub(super) fn integer(&mut self, integer: i64) -> io::Result<()> {
        match i32::try_from(integer) {
            Ok(small) => self.small_integer(small),
            Err(_) => self.blob(itoa::Buffer::new().format(integer).as_bytes()),
        }
    }

    fn small_integer(&mut self, integer: i32) -> io::Result<()> {
        if let Ok(byte) = i8::try_from(integer) {
            return self.raw(&[0xc0, byte.to_le_bytes()[0]]);
        }
        match i16::try_from(integer) {
            Ok(short) => {
                self.byte(0xc1)?;
                self.raw(&short.to_le_bytes())
            }
            Err(_) => {
                self.byte(0xc2)?;
                self.raw(&integer.to_le_bytes())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::Output;
    use crate::rdb::input::Input;

    fn written(write: impl FnOnce(&mut Output<Vec<u8>>) -> std::io::Result<()>) -> Vec<u8> {
        let mut output = Output::new(Vec::new(), true, true);
        write(&mut output).expect("memory takes everything");
        output.into_sink()
    }

    #[test]
    fn the_shortest_form_is_chosen() {
        assert_eq!(written(|output| output.string(b"12")), [0xc0, 12]);
        assert_eq!(written(|output| output.string(b"-129")), [0xc1, 0x7f, 0xff]);
        assert_eq!(written(|output| output.string(b"012")), *b"\x03012");
        assert_eq!(written(|output| output.string(b"65536")), [0xc2, 0, 0, 1, 0]);
        assert_eq!(written(|output| output.integer(1 << 40)), *b"\x0d1099511627776");
        assert_eq!(written(|output| output.string(&[b'a'; 20])).len(), 21);
        assert!(written(|output| output.string(&[b'a'; 1000])).len() < 40);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(strings: Vec<Vec<u8>>, counts: Vec<u64>, number: u64) {
            let bytes = written(|output| {
                strings.iter().try_for_each(|string| output.string(string))?;
                counts.iter().try_for_each(|&count| output.count(count))?;
                output.u64(number)
            });
            let mut input = Input::new(bytes.as_slice(), true);
            for string in &strings {
                prop_assert_eq!(&input.string().unwrap(), string);
            }
            for &count in &counts {
                prop_assert_eq!(input.count().unwrap(), count);
            }
            prop_assert_eq!(input.u64().unwrap(), number);
            prop_assert_eq!(input.position(), bytes.len() as u64);
        }
    }
}
