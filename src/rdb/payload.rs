//! What DUMP returns and RESTORE takes: one value with a version and a checksum behind it.
//!
//! ```text
//! type (1) | value | version (2, little-endian) | checksum of all before (8, little-endian)
//! ```

use std::io;

use super::codes::is_readable;
use super::error::RdbError;
use super::input::Input;
use super::output::Output;
use super::shapes::Shapes;
use super::values::{Form, Value, decode, encode};
use crate::base::crc::crc64;
use crate::keyspace::Entry;

const CHECKSUM_BYTES: usize = 8;
const FOOTER_BYTES: usize = 2 + CHECKSUM_BYTES;

/// Why a payload is refused.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The footer: its version is too new, or its checksum is not that of the value.
    #[error("DUMP payload version or checksum are wrong")]
    Footer,
    /// The value.
    #[error("Bad data format")]
    Value(#[source] RdbError),
}

/// Returns the payload of an entry's value.
pub fn dump(entry: &Entry, compresses: bool) -> Vec<u8> {
    let form = Form::of(entry);
    let mut output = Output::new(Vec::new(), true, compresses);
    let written = output
        .byte(form.kind)
        .and_then(|()| encode(entry, &mut output))
        .and_then(|()| output.raw(&form.version.to_le_bytes()));
    written.expect("memory takes everything");
    let checksum = output.checksum().unwrap_or_default();
    let mut payload = output.into_sink();
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// Returns the bytes an entry's value takes when it is saved.
pub fn serialized_bytes(entry: &Entry, compresses: bool) -> u64 {
    let mut output = Output::new(io::sink(), false, compresses);
    encode(entry, &mut output).expect("nothing is written anywhere");
    output.position()
}

/// Returns the value of a payload. `skips_checksum` is for tests that reach the decoder.
///
/// # Errors
/// Whatever the payload is not: it is looked through before anything is made of it.
pub fn restore(
    payload: &[u8],
    skips_checksum: bool,
    shapes: &Shapes,
) -> Result<Value, PayloadError> {
    read_value(body_of(payload, skips_checksum)?, shapes).map_err(PayloadError::Value)
}

/// Returns what stands before the footer, if that is right.
pub(super) fn body_of(payload: &[u8], skips_checksum: bool) -> Result<&[u8], PayloadError> {
    let body_bytes = payload.len().checked_sub(FOOTER_BYTES).ok_or(PayloadError::Footer)?;
    let (summed, checksum) = payload.split_at(payload.len() - CHECKSUM_BYTES);
    let (body, version) = summed.split_at(body_bytes);
    let version = version.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
    let is_whole = skips_checksum || crc64(0, summed).to_le_bytes() == checksum;
    if !is_readable(version) || !is_whole {
        return Err(PayloadError::Footer);
    }
    Ok(body)
}

fn read_value(body: &[u8], shapes: &Shapes) -> Result<Value, RdbError> {
    let mut input = Input::new(body, false);
    let kind = input.byte()?;
    let value = decode(kind, &mut input, shapes)?;
    if input.is_at_end()? { Ok(value) } else { Err(RdbError::Corrupt("bytes behind the value")) }
}

#[cfg(test)]
mod tests {
    use super::{PayloadError, Shapes, Value, dump, restore, serialized_bytes};
    use crate::config::Config;
    use crate::keyspace::Entry;
    use crate::types::{Encoding, IntegerText, StringValue};

    fn restored(payload: &[u8], skips_checksum: bool) -> Result<Value, PayloadError> {
        restore(payload, skips_checksum, &Shapes::read(&Config::default()))
    }

    fn entry(text: &[u8]) -> Entry {
        Entry::new(b"k", StringValue::from_bytes(text), None, 0)
    }

    #[test]
    fn strings_of_every_form_come_back() {
        let long = "0123456789".repeat(10_000);
        for text in ["", "12", "-70000", "5000000000", "hello", &long[..40], &long[..100], &long] {
            let entry = entry(text.as_bytes());
            let payload = dump(&entry, true);
            let value = restored(&payload, false).expect("what was dumped is restored");
            let restored = value.into_entry(b"k", None, 0);
            assert_eq!(restored.encoding(), entry.encoding(), "{text}");
            assert_eq!(restored.string().bytes(&mut IntegerText::new()), text.as_bytes());
        }
    }

    // What a released server says of the same values.
    #[test]
    fn payloads_have_the_bytes_of_the_originals() {
        let one = [0, 0xc0, 1, 10, 0];
        assert_eq!(dump(&entry(b"1"), true)[..5], one);
        assert_eq!(dump(&entry(b"hello"), true)[..9], *b"\x00\x05hello\x0a\x00");
        assert_eq!(serialized_bytes(&entry(b"hello"), true), 6);
        assert_eq!(entry(b"1").encoding(), Encoding::Integer);
    }

    #[test]
    fn footers_are_checked_before_values() {
        let payload = dump(&entry(b"hello"), true);
        for length in 0..payload.len() {
            assert!(matches!(restored(&payload[..length], false), Err(PayloadError::Footer)));
        }
        let mut newer = payload.clone();
        newer[payload.len() - 10] = 15;
        assert!(matches!(restored(&newer, true), Err(PayloadError::Footer)));
        let mut lying = payload;
        lying[1] = 0x0f;
        assert!(matches!(restored(&lying, false), Err(PayloadError::Footer)));
        assert!(matches!(restored(&lying, true), Err(PayloadError::Value(_))));
    }
}
