//! What HyperLogLog commands ask of a key, and the refusals they share.

use super::sketch::SketchRef;
use super::sparse::Corrupted;
use crate::commands::string::string_of;
use crate::engine::CommandError;
use crate::keyspace::Entry;
use crate::types::StringRef;

const NO_SKETCH: CommandError =
    CommandError::refused("WRONGTYPE Key is not a valid HyperLogLog string value.");

impl From<Corrupted> for CommandError {
    fn from(Corrupted: Corrupted) -> Self {
        Self::refused("INVALIDOBJ Corrupted HLL object detected")
    }
}

/// Returns the sketch an entry holds.
///
/// # Errors
/// Another type, or a string that is no sketch.
pub(super) fn sketch_of(entry: &Entry) -> Result<SketchRef<'_>, CommandError> {
    let bytes = match string_of(entry)? {
        StringRef::Integer(_) => return Err(NO_SKETCH),
        StringRef::Text(bytes) => bytes,
        StringRef::Shared(bytes) => bytes,
    };
    SketchRef::new(bytes).ok_or(NO_SKETCH)
}
