//! What list commands ask of an entry, and what several of them have in common.

use std::sync::atomic::Ordering;

use crate::commands::string::reply_with;
use crate::engine::{CommandError, Context};
use crate::keyspace::{Entry, Key, Keys, Lookup};
use crate::resp::ReplyBuffer;
use crate::types::{Collection, End, List, ListLimits};

/// Returns the list an entry holds.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn list_of(entry: &Entry) -> Result<&List, CommandError> {
    entry.collection().ok_or(CommandError::WrongType)
}

/// Returns the number of elements of a key's list; `None` when there is no key.
///
/// # Errors
/// [`CommandError::WrongType`].
pub(super) fn count_of(keys: &mut Keys<'_>, key: &Key<'_>) -> Result<Option<usize>, CommandError> {
    keys.get(key, Lookup::WRITE).map(|entry| list_of(entry).map(List::len)).transpose()
}

/// Says whether a client that waits for lists has nothing to hope for from the key at a position: who
/// waits lets keys of other types pass.
pub(super) fn is_no_list(context: &mut Context<'_>, index: usize) -> bool {
    let key = context.key(index);
    !matches!(count_of(&mut context.keys, &key), Ok(Some(_)))
}

/// Returns the limits of lists as they are set now.
#[inline]
pub(super) fn limits(context: &Context<'_>) -> ListLimits {
    // Relaxed: a switch for tests that stands for itself.
    let large_bytes_min = context.engine.list_large_bytes_min.load(Ordering::Relaxed);
    context.tuning.list.with_large_from(large_bytes_min)
}

/// Changes the list of a key and removes the key if no element is left. `None` when there is no key.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn change<R>(
    keys: &mut Keys<'_>,
    key: &Key<'_>,
    act: impl FnOnce(&mut List) -> R,
) -> Result<Option<R>, CommandError> {
    let Some(mut entry) = keys.get_mut(key) else { return Ok(None) };
    let mut list = entry.collection_mut::<List>().ok_or(CommandError::WrongType)?;
    let result = act(&mut list);
    let is_empty = list.is_empty();
    drop(list);
    if is_empty {
        keys.remove(key);
    }
    Ok(Some(result))
}

/// Returns the end a word names.
///
/// # Errors
/// [`CommandError::Syntax`].
pub(super) fn end_of(word: &[u8]) -> Result<End, CommandError> {
    if word.eq_ignore_ascii_case(b"LEFT") {
        Ok(End::Front)
    } else if word.eq_ignore_ascii_case(b"RIGHT") {
        Ok(End::Back)
    } else {
        Err(CommandError::Syntax)
    }
}

/// Returns the word for an end.
pub(super) fn word_of(end: End) -> &'static [u8] {
    match end {
        End::Front => b"LEFT",
        End::Back => b"RIGHT",
    }
}

/// Replies with the array of `count` elements at an end, the outermost first; they are there.
pub(super) fn reply_with_end(reply: &mut ReplyBuffer, list: &List, end: End, count: usize) {
    reply.array(count);
    if count == 0 {
        return;
    }
    match end {
        End::Front => list.iter_from(0).take(count).for_each(|value| reply_with(reply, value)),
        End::Back => {
            let last = list.len() - 1;
            list.iter_back_from(last).take(count).for_each(|value| reply_with(reply, value));
        }
    }
}

/// Removes `count` elements at an end.
pub(super) fn remove_end(list: &mut List, end: End, count: usize, limits: &ListLimits) {
    let start = match end {
        End::Front => 0,
        End::Back => list.len().saturating_sub(count),
    };
    list.remove_range(start, count, limits);
}

/// Returns the first index and the count of the elements between two inclusive indices, negative ones
/// counting from the end.
pub(super) fn range_of(start: i64, stop: i64, count: usize) -> Option<(usize, usize)> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let from_start = |index: i64| if index < 0 { index.saturating_add(count) } else { index };
    let (start, stop) = (from_start(start).max(0), from_start(stop).min(count - 1));
    if start > stop {
        return None;
    }
    Some((usize::try_from(start).ok()?, usize::try_from(stop - start + 1).ok()?))
}

#[cfg(test)]
mod tests {
    use super::range_of;

    #[test]
    fn ranges_count_from_both_ends() {
        for (start, stop, expected) in [
            (0, -1, Some((0, 5))),
            (1, 1, Some((1, 1))),
            (-100, 100, Some((0, 5))),
            (-2, -1, Some((3, 2))),
            (3, 1, None),
            (5, 9, None),
            (0, -6, None),
            (i64::MIN, i64::MAX, Some((0, 5))),
        ] {
            assert_eq!(range_of(start, stop, 5), expected, "{start} {stop}");
        }
    }
}
