//! Fetching elements ahead: commands that follow each other on one key and name one element each.
//!
//! An element of a large collection lies behind a chain of pointers, and a look-up waits for memory at each
//! of them. The look-ups of several commands wait together: first all names are hashed, then what is
//! read next is fetched for all of them, level by level.

use super::batch::Batch;
use super::table::Known;
use crate::keyspace::{Entry, Key, Keys};
use crate::types::FETCHED_TOGETHER_MAX;

/// Starts to fetch the elements that command number `first` of a batch and those like it behind it
/// name. `known` and `key` are what it is and what it is about; the key's shard is held.
#[inline(always)]
pub(super) fn fetch_members(
    keys: &Keys<'_>,
    key: &Key<'_>,
    known: &Known,
    queued: (&Batch, &[u8]),
    first: usize,
) {
    if known.command.member_at != 0 {
        fetch_named(keys, key, known, queued, first);
    }
}

// Not inlined: once for a block of commands, and most commands name no element.
#[inline(never)]
fn fetch_named(
    keys: &Keys<'_>,
    key: &Key<'_>,
    known: &Known,
    (batch, buffer): (&Batch, &[u8]),
    first: usize,
) {
    let mut names = [&[][..]; FETCHED_TOGETHER_MAX];
    let hash = batch.commands[first].hash;
    let alike = batch.commands[first..].iter().take_while(|queued| {
        // Commands of the clients behind this one end outside its buffer. Another key with the same
        // hash only has the wrong memory fetched.
        queued.hash == hash && queued.id() == Some(known.id) && queued.end <= buffer.len()
    });
    let mut count = 0;
    for (name, (index, _)) in names.iter_mut().zip((first..).zip(alike)) {
        *name = batch.args(buffer, index).get(known.command.member_at).unwrap_or_default();
        count += 1;
    }
    // One look-up alone has nothing to wait together with.
    if count > 1
        && let Some(object) = keys.peek(key).and_then(Entry::object)
    {
        object.prefetch_members(&names[..count]);
    }
}
