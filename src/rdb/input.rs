//! Reading: numbers, lengths and strings out of bytes that nobody trusts.
//!
//! No length is believed before the bytes are there: memory grows with what arrives.

use std::io::{BufRead, Read};

use super::error::RdbError;
use super::lzf;
use crate::base::crc::crc64;

/// Room made for a string before its bytes arrive, at most.
const TRUSTED_BYTES: usize = 64 * 1024;

/// Bytes on their way in, with their checksum.
pub(super) struct Input<R> {
    source: R,
    checksum: Option<u64>,
    position: u64,
}

/// What a length stands for.
enum Length {
    Count(u64),
    /// A string in a form of its own.
    Special(u8),
}

/// A string as it is written: texts of small integers as numbers.
pub(super) enum Text {
    Integer(i64),
    Bytes(Vec<u8>),
}

const INT_8: u8 = 0;
const INT_16: u8 = 1;
const INT_32: u8 = 2;
const COMPRESSED: u8 = 3;

impl<R: BufRead> Input<R> {
    /// Begins to read; `sums` keeps a checksum of all bytes.
    pub(super) fn new(source: R, sums: bool) -> Self {
        Self { source, checksum: sums.then_some(0), position: 0 }
    }

    /// Returns the checksum of what has been read so far.
    pub(super) fn checksum(&self) -> Option<u64> {
        self.checksum
    }

    /// Returns the number of bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Says whether all bytes are read.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub(super) fn is_at_end(&mut self) -> Result<bool, RdbError> {
        Ok(self.source.fill_buf()?.is_empty())
    }

    fn note(&mut self, bytes: &[u8]) {
        self.position += bytes.len() as u64;
        if let Some(checksum) = &mut self.checksum {
            *checksum = crc64(*checksum, bytes);
        }
    }

    /// Reads as many bytes as an array takes.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(RdbError::reading)?;
        self.note(&bytes);
        Ok(bytes)
    }

    /// Reads this many bytes. Memory grows with what arrives, whatever `count` says.
    pub(super) fn bytes(&mut self, count: u64) -> Result<Vec<u8>, RdbError> {
        let wanted = usize::try_from(count).map_err(|_| RdbError::Truncated)?;
        let mut bytes = Vec::with_capacity(wanted.min(TRUSTED_BYTES));
        let source = &mut self.source;
        source.take(count).read_to_end(&mut bytes).map_err(RdbError::reading)?;
        if bytes.len() < wanted {
            return Err(RdbError::Truncated);
        }
        self.note(&bytes);
        Ok(bytes)
    }

    /// Reads one byte.
    pub(super) fn byte(&mut self) -> Result<u8, RdbError> {
        Ok(self.array::<1>()?[0])
    }

    /// Reads a number of 32 bits, the low byte first.
    pub(super) fn u32(&mut self) -> Result<u32, RdbError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Reads a number of 64 bits, the low byte first.
    pub(super) fn u64(&mut self) -> Result<u64, RdbError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Reads a double.
    pub(super) fn f64(&mut self) -> Result<f64, RdbError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// Reads a double the way old releases wrote it: its text, with its length in front.
    pub(super) fn text_f64(&mut self) -> Result<f64, RdbError> {
        match self.byte()? {
            255 => Ok(f64::NEG_INFINITY),
            254 => Ok(f64::INFINITY),
            253 => Ok(f64::NAN),
            length => {
                let text = self.bytes(u64::from(length))?;
                let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
                number.ok_or(RdbError::Corrupt("a score that is no number"))
            }
        }
    }

    fn length(&mut self) -> Result<Length, RdbError> {
        let first = self.byte()?;
        let low = first & 0x3f;
        match first >> 6 {
            0 => Ok(Length::Count(u64::from(low))),
            1 => Ok(Length::Count(u64::from(low) << 8 | u64::from(self.byte()?))),
            2 => match low {
                0 => Ok(Length::Count(u64::from(u32::from_be_bytes(self.array()?)))),
                1 => Ok(Length::Count(u64::from_be_bytes(self.array()?))),
                _ => Err(RdbError::Corrupt("an unknown form of a length")),
            },
            _ => Ok(Length::Special(low)),
        }
    }

    /// Reads a length, a count or any other number written as one.
    pub(super) fn count(&mut self) -> Result<u64, RdbError> {
        match self.length()? {
            Length::Count(count) => Ok(count),
            Length::Special(_) => Err(RdbError::Corrupt("a string where a length should be")),
        }
    }

    /// Reads a string, leaving integers as they are.
    pub(super) fn text(&mut self) -> Result<Text, RdbError> {
        match self.length()? {
            Length::Count(count) => Ok(Text::Bytes(self.bytes(count)?)),
            Length::Special(INT_8) => Ok(Text::Integer(i8::from_le_bytes(self.array()?).into())),
            Length::Special(INT_16) => Ok(Text::Integer(i16::from_le_bytes(self.array()?).into())),
            Length::Special(INT_32) => Ok(Text::Integer(i32::from_le_bytes(self.array()?).into())),
            Length::Special(COMPRESSED) => Ok(Text::Bytes(self.compressed()?)),
            Length::Special(_) => Err(RdbError::Corrupt("an unknown form of a string")),
        }
    }

    fn compressed(&mut self) -> Result<Vec<u8>, RdbError> {
        let compressed_bytes = self.count()?;
        let bytes = self.count()?;
        let compressed = self.bytes(compressed_bytes)?;
        let bytes = usize::try_from(bytes).ok();
        bytes
            .and_then(|bytes| lzf::expand(&compressed, bytes))
            .ok_or(RdbError::Corrupt("a compressed string that cannot be expanded"))
    }

    /// Reads a string.
    pub(super) fn string(&mut self) -> Result<Vec<u8>, RdbError> {
        Ok(match self.text()? {
            Text::Integer(integer) => itoa::Buffer::new().format(integer).as_bytes().to_vec(),
            Text::Bytes(bytes) => bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Input;
    use crate::rdb::error::RdbError;

    fn input(bytes: &[u8]) -> Input<&[u8]> {
        Input::new(bytes, true)
    }

    #[test]
    fn lengths_come_in_four_sizes() {
        let forms: [(&[u8], u64); 4] = [
            (&[0x3f], 63),
            (&[0x40, 64], 64),
            (&[0x80, 0, 1, 0, 0], 65_536),
            (&[0x81, 0, 0, 0, 1, 0, 0, 0, 0], 1 << 32),
        ];
        for (bytes, expected) in forms {
            assert_eq!(input(bytes).count().expect("a length"), expected);
        }
        assert!(input(&[0xc0]).count().is_err() && input(&[0x82]).count().is_err());
    }

    #[test]
    fn strings_come_as_texts_integers_and_compressed() {
        let forms: [(&[u8], &[u8]); 5] = [
            (b"\x03abc", b"abc"),
            (&[0xc0, 0xff], b"-1"),
            (&[0xc1, 0, 1], b"256"),
            (&[0xc2, 0, 0, 1, 0], b"65536"),
            (&[0xc3, 5, 10, 0, b'a', 0xe0, 0, 0], b"aaaaaaaaaa"),
        ];
        for (bytes, expected) in forms {
            assert_eq!(input(bytes).string().expect("a string"), expected);
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_no_reason_for_memory() {
        let lying = [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        assert!(matches!(input(&lying).string(), Err(RdbError::Truncated)));
    }
}
