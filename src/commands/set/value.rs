//! What set commands ask of an entry, and how they reply with members.

use std::ops::Range;

use crate::engine::{CommandError, Context};
use crate::keyspace::{Editing, Entry, EntryMut, Key, Keys, Lookup};
use crate::resp::ReplyBuffer;
use crate::types::{Collection, Item, Set};

/// Returns the set an entry holds.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn set_of(entry: &Entry) -> Result<&Set, CommandError> {
    entry.collection().ok_or(CommandError::WrongType)
}

/// Opens the set an entry holds for changes.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn open<'e>(entry: &'e mut EntryMut<'_>) -> Result<Editing<'e, Set>, CommandError> {
    entry.collection_mut().ok_or(CommandError::WrongType)
}

/// Returns the set of the key at an argument, if there is one.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn read<'c>(
    context: &'c mut Context<'_>,
    index: usize,
) -> Result<Option<&'c Set>, CommandError> {
    let key = context.key(index);
    context.keys.get(&key, Lookup::READ).map(set_of).transpose()
}

/// Looks up the sets of the keys at some arguments: for each a use, a hit or a miss.
///
/// # Errors
/// [`CommandError::WrongType`].
pub(super) fn look_up<'a>(
    context: &mut Context<'a>,
    arguments: Range<usize>,
) -> Result<Vec<Key<'a>>, CommandError> {
    let mut keys = Vec::with_capacity(arguments.len());
    for index in arguments {
        let key = context.key(index);
        context.keys.get(&key, Lookup::READ).map(set_of).transpose()?;
        keys.push(key);
    }
    Ok(keys)
}

/// Returns the sets of keys that have been looked up; `None` for those that are not there.
pub(super) fn sets_of<'k>(keys: &'k Keys<'_>, looked_up: &[Key<'_>]) -> Vec<Option<&'k Set>> {
    let set_of = |key| keys.peek(key).and_then(|entry| entry.collection::<Set>());
    looked_up.iter().map(set_of).collect()
}

/// Replies with a member.
#[inline]
pub(super) fn reply_with(reply: &mut ReplyBuffer, member: Item<'_>) {
    match member {
        Item::Integer(integer) => reply.bulk_integer(integer),
        Item::Text(text) => reply.bulk(text),
    }
}

/// Replies with all members.
pub(super) fn reply_with_all(reply: &mut ReplyBuffer, set: &Set) {
    reply.set(set.len());
    set.for_each(|member| reply_with(reply, member));
}
