//! Packed sequences: many small texts and integers in one allocation, in the listpack format.
//!
//! The bytes are those that RDB files and DUMP payloads carry:
//!
//! ```text
//! total bytes: u32 | entry count: u16 | entry ... entry | 0xFF
//! entry = encoding and length, data, back-length (the size of the first two, readable backwards)
//! ```
//!
//! Source: S. Sanfilippo, "Listpack specification", 2017.

mod buffer;
mod edit;
mod entries;
mod find;
mod item;
mod iterator;
#[cfg(test)]
mod model_tests;
mod validate;

pub use buffer::Packed;
pub use entries::At;
pub use item::Item;
pub use iterator::Iter;
pub use validate::Corrupt;

pub(super) use buffer::{COUNT_UNKNOWN, EMPTY_BYTES};
pub(super) use entries::{Entries, HEADER_BYTES, previous_offset};
pub(super) use find::Wanted;
pub(super) use item::{TERMINATOR, decode, entry_bytes};
