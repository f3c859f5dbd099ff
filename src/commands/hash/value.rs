//! What hash commands ask of an entry, how they change it, and how they reply.

use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::{Entry, Key, Keys, Lookup};
use crate::resp::ReplyBuffer;
use crate::stats::Counter;
use crate::types::{Collection, Hash, Item};

/// What all commands of the family share.
pub(super) const BASE: Command =
    Command { acl: Categories::HASH, group: Group::Hash, ..Command::DEFAULT };

/// The key specs of commands that only look at a hash.
pub(super) const LOOKS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO)];
/// Of those that return what is in it.
pub(super) const READS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))];
/// Of those that change fields.
pub(super) const UPDATES: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))];
/// Of those that change fields and return them.
pub(super) const READS_AND_UPDATES: &[KeySpec] =
    &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))];
/// Of those that add fields where there are none.
pub(super) const INSERTS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))];

/// The counted fields of the commands about deadlines.
pub(super) const FIELDS: Argument = Argument::block(
    "fields",
    &[
        Argument::new("numfields", ArgumentKind::Integer),
        Argument::new("field", ArgumentKind::String).multiple(),
    ],
)
.after("FIELDS");

/// Fields and values in turns.
pub(super) const DATA: Argument = Argument::block(
    "data",
    &[Argument::new("field", ArgumentKind::String), Argument::new("value", ArgumentKind::String)],
)
.multiple();

/// Returns the hash an entry holds.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn hash_of(entry: &Entry) -> Result<&Hash, CommandError> {
    entry.collection::<Hash>().ok_or(CommandError::WrongType)
}

/// Returns the hash of a key, if the key is there.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn hash_at<'k>(
    keys: &'k mut Keys<'_>,
    key: &Key<'_>,
    lookup: Lookup,
) -> Result<Option<&'k Hash>, CommandError> {
    keys.get(key, lookup).map(hash_of).transpose()
}

/// Changes the hash of a key, and creates it where there is none.
///
/// # Errors
/// [`CommandError::WrongType`], and those of `edit`, which then has changed nothing.
#[inline]
pub(super) fn edit_or_create<R>(
    keys: &mut Keys<'_>,
    key: &Key<'_>,
    edit: impl FnOnce(&mut Hash) -> Result<R, CommandError>,
) -> Result<R, CommandError> {
    if let Some(mut entry) = keys.get_mut(key) {
        let mut hash = entry.collection_mut::<Hash>().ok_or(CommandError::WrongType)?;
        return edit(&mut hash);
    }
    let mut hash = Hash::new();
    let outcome = edit(&mut hash)?;
    if !hash.is_empty() {
        keys.create(key, hash);
    }
    Ok(outcome)
}

/// Changes the hash of a key that is there, and removes the key if the hash is empty afterwards.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn edit<R>(
    keys: &mut Keys<'_>,
    key: &Key<'_>,
    edit: impl FnOnce(&mut Hash) -> R,
) -> Result<Option<R>, CommandError> {
    let Some(mut entry) = keys.get_mut(key) else { return Ok(None) };
    let mut hash = entry.collection_mut::<Hash>().ok_or(CommandError::WrongType)?;
    let outcome = edit(&mut hash);
    let is_empty = hash.is_empty();
    drop(hash);
    if is_empty {
        keys.remove(key);
    }
    Ok(Some(outcome))
}

/// Replies with a field or a value.
#[inline]
pub(super) fn reply_with(reply: &mut ReplyBuffer, item: Item<'_>) {
    match item {
        Item::Text(text) => reply.bulk(text),
        Item::Integer(integer) => reply.bulk_integer(integer),
    }
}

/// Replies with a value, or with nothing.
#[inline]
pub(super) fn reply_with_found(reply: &mut ReplyBuffer, item: Option<Item<'_>>) {
    match item {
        Some(item) => reply_with(reply, item),
        None => reply.null(),
    }
}

/// Counts and announces fields that a command found due and replaced or removed.
pub(super) fn count_expired(context: &mut Context<'_>, key: &Key<'_>, fields: &[&[u8]]) {
    if !fields.is_empty() {
        context.stats().add(Counter::ExpiredSubkeys, fields.len() as u64);
        context.notify_fields(Event::HEXPIRED, key, fields.iter().copied());
    }
}

/// States an effect on fields of a key: HDEL, or HPERSIST and HPEXPIREAT with words before them.
pub(super) fn push_effect(context: &mut Context<'_>, before: &[&[u8]], fields: &[&[u8]]) {
    let words: Vec<&[u8]> = before.iter().chain(fields).copied().collect();
    context.effects.push(context.session.db, &words);
}

/// States that fields are gone.
pub(super) fn push_removal(context: &mut Context<'_>, key: &Key<'_>, fields: &[&[u8]]) {
    push_effect(context, &[b"HDEL", key.bytes], fields);
}
