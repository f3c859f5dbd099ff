//! Floor 3: RDB, the format values travel in: files of whole databases, payloads of DUMP and RESTORE.
//!
//! ```text
//! lzf --> input, output (numbers, lengths, strings) --> values --> payload (DUMP, RESTORE)
//!                                                             --> save, load --> file
//! ```
//!
//! Writers stream: a value goes into the sink piece by piece and is never copied as a whole. Readers
//! trust nothing: no length makes them allocate before the bytes are there, and every value is looked
//! through before it is kept.

mod codes;
mod error;
mod file;
mod input;
mod legacy;
mod libraries;
mod load;
mod lzf;
mod output;
mod payload;
#[cfg(test)]
mod round_trip_tests;
mod save;
mod shapes;
mod values;

pub use error::RdbError;
pub use file::{open_file, save_file};
pub use libraries::{dump_libraries, restore_libraries};
pub use load::{LoadOptions, Loaded, load};
pub use payload::{PayloadError, dump, restore, serialized_bytes};
pub use save::{SaveOptions, Stamps, save};
pub use shapes::Shapes;
pub use values::Value;
