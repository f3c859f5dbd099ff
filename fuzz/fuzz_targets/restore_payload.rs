//! The decoder of RESTORE on arbitrary bytes: it never panics, never takes memory that the bytes do not
//! account for, and what it accepts is dumped and restored to the same again.
//!
//! An input is a type and a value as they stand in a payload; the version and the checksum are added
//! here, so that the decoder itself is reached.
//!
//! The seeds beside the targets are values as servers dump them (`fuzz/seeds.py`).
//!
//! Run: `cargo +nightly fuzz run -s none restore_payload -- -max_len=4096`
//!
//! Without AddressSanitizer, beside which the library's allocator cannot be linked.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use redpoll::base::crc::crc64;
use redpoll::config::Config;
use redpoll::rdb::{Shapes, dump, restore};

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::read(&Config::default()));

fuzz_target!(|value: &[u8]| {
    let Ok(value) = restore(&payload(value), false, &SHAPES) else { return };
    let entry = value.into_entry(b"key", None, 0);
    let first = dump(&entry, true);
    let again = restore(&first, false, &SHAPES).expect("what is dumped can be restored");
    let second = dump(&again.into_entry(b"key", None, 0), true);
    assert_eq!(first.len(), second.len(), "restoring changes nothing");
});

/// Returns the payload of a type and a value.
fn payload(value: &[u8]) -> Vec<u8> {
    let mut payload = [value, &12_u16.to_le_bytes()].concat();
    let checksum = crc64(0, &payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}
