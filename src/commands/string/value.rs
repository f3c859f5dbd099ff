//! What string commands ask of an entry, and how they reply with it.

use crate::config::Setting;
use crate::engine::{CommandError, Context, Engine};
use crate::keyspace::{Entry, Key, Lookup};
use crate::resp::ReplyBuffer;
use crate::types::{StringRef, ValueType};

/// Returns the string an entry holds.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(in crate::commands) fn string_of(entry: &Entry) -> Result<StringRef<'_>, CommandError> {
    if entry.value_type() == ValueType::String {
        Ok(entry.string())
    } else {
        Err(CommandError::WrongType)
    }
}

/// Replies with a string; a large one is shared, not copied.
#[inline]
pub(in crate::commands) fn reply_with(reply: &mut ReplyBuffer, value: StringRef<'_>) {
    match value {
        StringRef::Text(text) => reply.bulk(text),
        StringRef::Integer(integer) => reply.bulk_integer(integer),
        StringRef::Shared(bytes) => reply.bulk_shared(bytes.clone()),
    }
}

/// Replies with the string of a key, or with nothing. Says whether there is one.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn reply_with_value(
    context: &mut Context<'_>,
    key: &Key<'_>,
) -> Result<bool, CommandError> {
    let found = context.keys.get(key, Lookup::READ);
    match found {
        Some(entry) => reply_with(context.reply, string_of(entry)?),
        None => context.reply.null(),
    }
    Ok(found.is_some())
}

/// Refuses a string longer than the protocol could carry (`proto-max-bulk-len`).
///
/// # Errors
/// [`CommandError::StringTooLong`].
pub(super) fn check_length(
    engine: &Engine,
    bytes: usize,
    added_bytes: usize,
) -> Result<(), CommandError> {
    let bytes_max = engine.config.size(Setting::ProtoMaxBulkLen);
    match bytes.checked_add(added_bytes) {
        Some(total) if total <= bytes_max => Ok(()),
        _ => Err(CommandError::StringTooLong),
    }
}
