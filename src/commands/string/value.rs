//! What string commands ask of an entry, and how they reply with it.

use crate::engine::CommandError;
use crate::keyspace::Entry;
use crate::resp::ReplyBuffer;
use crate::types::{StringRef, ValueType};

/// Returns the string an entry holds.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn string_of(entry: &Entry) -> Result<StringRef<'_>, CommandError> {
    if entry.value_type() == ValueType::String {
        Ok(entry.string())
    } else {
        Err(CommandError::WrongType)
    }
}

/// Replies with a string; a large one is shared, not copied.
#[inline]
pub(super) fn reply_with(reply: &mut ReplyBuffer, value: StringRef<'_>) {
    match value {
        StringRef::Integer(integer) => reply.bulk_integer(integer),
        StringRef::Text(text) => reply.bulk(text),
        StringRef::Shared(bytes) => reply.bulk_shared(bytes.clone()),
    }
}
