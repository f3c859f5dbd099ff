//! What stream commands ask of entries of the keyspace and of their arguments, and how they reply
//! with entries of a stream.

use crate::base::text;
use crate::engine::{Args, CommandError, Context};
use crate::keyspace::{Editing, Entry, EntryMut, Key, Lookup};
use crate::resp::ReplyBuffer;
use crate::types::{IntegerText, Stream, StreamEntry, StreamId};

/// The refusal of an argument that is no identifier of an entry.
pub(super) const BAD_ID: CommandError =
    CommandError::refused("ERR Invalid stream ID specified as stream command argument");

/// Returns the stream an entry of the keyspace holds.
///
/// # Errors
/// [`CommandError::WrongType`].
pub(super) fn stream_of(entry: &Entry) -> Result<&Stream, CommandError> {
    entry.collection::<Stream>().ok_or(CommandError::WrongType)
}

/// Opens the stream an entry of the keyspace holds.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn edit<'e>(entry: &'e mut EntryMut<'_>) -> Result<Editing<'e, Stream>, CommandError> {
    entry.collection_mut::<Stream>().ok_or(CommandError::WrongType)
}

/// Returns the stream of a key, if there is one.
///
/// # Errors
/// [`CommandError::WrongType`].
pub(super) fn find<'k>(
    context: &'k mut Context<'_>,
    key: &Key<'_>,
) -> Result<Option<&'k Stream>, CommandError> {
    context.keys.get(key, Lookup::READ).map(stream_of).transpose()
}

/// Returns the identifier an argument spells; without a number it gets `missing_sequence`.
///
/// # Errors
/// [`BAD_ID`].
pub(super) fn id_with(argument: &[u8], missing_sequence: u64) -> Result<StreamId, CommandError> {
    StreamId::parse(argument, missing_sequence).ok_or(BAD_ID)
}

/// Returns the identifier an argument spells; 0 stands for a missing number.
///
/// # Errors
/// [`BAD_ID`].
pub(super) fn id(argument: &[u8]) -> Result<StreamId, CommandError> {
    id_with(argument, 0)
}

/// Returns the identifiers of all arguments.
///
/// # Errors
/// [`BAD_ID`].
pub(super) fn ids(arguments: Args<'_>) -> Result<Vec<StreamId>, CommandError> {
    arguments.iter().map(id).collect()
}

/// Returns a bound of a range: `-`, `+`, an identifier, or `(` and an identifier that is left out.
fn bound(argument: &[u8], missing_sequence: u64) -> Result<(StreamId, bool), CommandError> {
    match argument {
        b"-" => Ok((StreamId::MIN, false)),
        b"+" => Ok((StreamId::MAX, false)),
        [b'(', rest @ ..] if !rest.is_empty() => Ok((id_with(rest, missing_sequence)?, true)),
        _ => Ok((id_with(argument, missing_sequence)?, false)),
    }
}

/// Returns the first identifier of a range.
///
/// # Errors
/// [`BAD_ID`], or nothing follows an identifier that is left out.
pub(super) fn range_start(argument: &[u8]) -> Result<StreamId, CommandError> {
    const REFUSAL: CommandError = CommandError::refused("ERR invalid start ID for the interval");
    let (id, is_left_out) = bound(argument, 0)?;
    if is_left_out { id.next().ok_or(REFUSAL) } else { Ok(id) }
}

/// Returns the last identifier of a range.
///
/// # Errors
/// [`BAD_ID`], or nothing precedes an identifier that is left out.
pub(super) fn range_end(argument: &[u8]) -> Result<StreamId, CommandError> {
    const REFUSAL: CommandError = CommandError::refused("ERR invalid end ID for the interval");
    let (id, is_left_out) = bound(argument, u64::MAX)?;
    if is_left_out { id.previous().ok_or(REFUSAL) } else { Ok(id) }
}

/// Returns the integer an argument spells.
///
/// # Errors
/// [`CommandError::NotAnInteger`].
pub(super) fn integer(argument: &[u8]) -> Result<i64, CommandError> {
    text::parse_i64(argument).ok_or(CommandError::NotAnInteger)
}

/// Returns the refusal of a command whose key or group does not exist.
pub(super) fn no_group(key: &[u8], group: &[u8]) -> CommandError {
    no_group_in(key, group, "")
}

/// The same with words behind it.
pub(super) fn no_group_in(key: &[u8], group: &[u8], after: &str) -> CommandError {
    let before = CommandError::quoting("NOGROUP No such key '", key, "' or consumer group '");
    let mut text = before.bytes().into_owned();
    text.extend_from_slice(&CommandError::quoting("", group, &format!("'{after}")).bytes());
    CommandError::Quoting(text)
}

/// Replies with an identifier.
#[inline]
pub(super) fn reply_id(reply: &mut ReplyBuffer, id: StreamId) {
    reply.bulk(id.text().as_bytes());
}

/// Replies with an entry: its identifier, its names and values.
pub(super) fn reply_entry(reply: &mut ReplyBuffer, entry: &StreamEntry<'_>) {
    reply.array(2);
    reply_parts(reply, entry);
}

/// Appends the two parts of an entry to an array.
pub(super) fn reply_parts(reply: &mut ReplyBuffer, entry: &StreamEntry<'_>) {
    let mut digits = IntegerText::new();
    reply_id(reply, entry.id());
    let fields = entry.fields();
    reply.array(2 * fields.len());
    for (name, value) in fields {
        reply.bulk(name.bytes(&mut digits));
        reply.bulk(value.bytes(&mut digits));
    }
}

/// Replies with some entries.
pub(super) fn reply_entries<'a>(
    reply: &mut ReplyBuffer,
    entries: impl Iterator<Item = StreamEntry<'a>>,
) {
    let (mark, mut count) = (reply.deferred(), 0);
    for entry in entries {
        reply_entry(reply, &entry);
        count += 1;
    }
    reply.finish_array(mark, count);
}
