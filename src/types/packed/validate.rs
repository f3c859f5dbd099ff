//! Taking in bytes from outside: RESTORE payloads and RDB files may lie.

use super::buffer::{COUNT_UNKNOWN, Packed};
use super::entries::HEADER_BYTES;
use super::item::{self, TERMINATOR};

/// The bytes are no packed sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no listpack")]
pub struct Corrupt;

impl Packed {
    /// Takes bytes for a packed sequence after looking at every entry: lengths, back-lengths, the count
    /// and the terminator.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Corrupt)?;
        let [total @ .., low, high] = *header;
        let has_right_size = u32::from_le_bytes(total) as usize == bytes.len();
        if !has_right_size || rest.last() != Some(&TERMINATOR) {
            return Err(Corrupt);
        }
        let end = bytes.len() - 1;
        let (mut offset, mut count) = (HEADER_BYTES, 0_usize);
        while offset < end {
            offset = entry_end(&bytes[..end], offset)?;
            count += 1;
        }
        match u16::from_le_bytes([low, high]) {
            COUNT_UNKNOWN => Ok(Self(bytes.into())),
            stated if usize::from(stated) == count => Ok(Self(bytes.into())),
            _ => Err(Corrupt),
        }
    }
}

/// Returns where the entry at `offset` ends, if it is whole.
fn entry_end(bytes: &[u8], offset: usize) -> Result<usize, Corrupt> {
    let extent = item::extent(bytes, offset).ok_or(Corrupt)?;
    let data_end = offset + extent.head_bytes + extent.data_bytes;
    let end = offset + extent.entry_bytes();
    if end > bytes.len() {
        return Err(Corrupt);
    }
    let back = item::back_length(&bytes[offset..end], end - offset).ok_or(Corrupt)?;
    let expected = (data_end - offset, end - data_end);
    if back == expected { Ok(end) } else { Err(Corrupt) }
}

#[cfg(test)]
mod tests {
    use super::{Corrupt, Packed};

    fn sample() -> Packed {
        let long = [b'l'; 5000];
        let texts: [&[u8]; 6] = [b"a", b"12", b"-70000", &long[..100], &long, b""];
        texts.into_iter().collect()
    }

    fn taken(bytes: &[u8]) -> Result<Packed, Corrupt> {
        Packed::from_bytes(bytes)
    }

    #[test]
    fn what_was_written_is_taken_back() {
        assert!(taken(sample().as_bytes()) == Ok(sample()));
        assert!(taken(Packed::new().as_bytes()) == Ok(Packed::new()));
    }

    #[test]
    fn truncated_and_lying_bytes_are_refused() {
        let bytes = sample().as_bytes().to_vec();
        for length in 0..bytes.len() {
            assert!(taken(&bytes[..length]).is_err(), "{length}");
            let mut sized = bytes[..length].to_vec();
            if let Some(total) = sized.first_chunk_mut::<4>() {
                *total = u32::try_from(length).expect("small").to_le_bytes();
            }
            assert!(taken(&sized).is_err(), "{length}");
        }
        let mut miscounted = bytes.clone();
        miscounted[4] += 1;
        assert!(taken(&miscounted).is_err());
        let mut uncounted = bytes;
        uncounted[4..6].copy_from_slice(&[0xFF, 0xFF]);
        assert_eq!(taken(&uncounted).map(|packed| packed.len()), Ok(6));
    }

    #[test]
    fn flipped_bits_are_refused_or_leave_a_sequence_that_can_be_walked() {
        let bytes = sample().as_bytes().to_vec();
        for index in (0..150).chain(bytes.len() - 20..bytes.len()) {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[index] ^= 1 << bit;
                let Ok(packed) = taken(&flipped) else { continue };
                assert_eq!(packed.iter().count(), packed.len());
                assert_eq!(packed.iter().rev().count(), packed.len());
            }
        }
    }
}
