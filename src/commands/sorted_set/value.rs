//! What sorted-set commands ask of an entry, how they read numbers, and how they reply.

use crate::base::text;
use crate::engine::{CommandError, Context, Event};
use crate::keyspace::{Entry, Key, Keys};
use crate::resp::{Protocol, ReplyBuffer};
use crate::types::{IntegerText, Item, SortedSet, Walk};

/// Integers up to here are doubles without rounding.
const EXACT_INTEGER_MAX: u64 = 1 << 53;

/// Returns the sorted set an entry holds.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(in crate::commands) fn sorted_set_of(entry: &Entry) -> Result<&SortedSet, CommandError> {
    entry.collection().ok_or(CommandError::WrongType)
}

/// Changes the sorted set of a key, and removes the key with its last member. `None`: no such key.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
pub(super) fn edit<T>(
    keys: &mut Keys<'_>,
    key: &Key<'_>,
    change: impl FnOnce(&mut SortedSet) -> T,
) -> Result<Option<T>, CommandError> {
    let Some(mut entry) = keys.get_mut(key) else { return Ok(None) };
    let mut set = entry.collection_mut::<SortedSet>().ok_or(CommandError::WrongType)?;
    let result = change(&mut set);
    let is_empty = set.is_empty();
    drop(set);
    if is_empty {
        keys.remove(key);
    }
    Ok(Some(result))
}

/// Puts a sorted set in a key's place, or removes the key if there are no members; replies with their
/// number.
pub(in crate::commands) fn store(
    context: &mut Context<'_>,
    key: &Key<'_>,
    set: SortedSet,
    event: Event,
) {
    let count = set.len();
    let had_value =
        if count > 0 { context.keys.replace(key, set) } else { context.keys.discard(key) };
    if count > 0 || had_value {
        context.effects.changed(1);
        context.notify(if count > 0 { event } else { Event::DEL }, key);
    }
    context.reply.count(count);
}

/// Returns the double an argument spells: as C's `strtod` reads it, but neither NaN nor what is too
/// large or too small.
#[inline]
pub(in crate::commands) fn parse_double(argument: &[u8]) -> Option<f64> {
    if let Some(integer) = text::parse_i64(argument)
        && integer.unsigned_abs() <= EXACT_INTEGER_MAX
    {
        #[expect(clippy::cast_precision_loss, reason = "it is small enough")]
        return Some(integer as f64);
    }
    let value = text::parse_f64(argument)?;
    let is_named = || argument.iter().any(|byte| byte.eq_ignore_ascii_case(&b'i'));
    let is_too_large = value.is_infinite() && !is_named();
    let is_too_small =
        value == 0.0 && mantissa(argument).iter().any(|byte| matches!(byte, b'1'..=b'9'));
    (!is_too_large && !is_too_small).then_some(value)
}

/// Returns what stands before the exponent.
fn mantissa(argument: &[u8]) -> &[u8] {
    argument.split(|byte| byte.eq_ignore_ascii_case(&b'e')).next().unwrap_or_default()
}

/// Returns the double an argument spells.
///
/// # Errors
/// [`CommandError::NotAFloat`].
#[inline]
pub(in crate::commands) fn double(argument: &[u8]) -> Result<f64, CommandError> {
    parse_double(argument).ok_or(CommandError::NotAFloat)
}

/// Replies with a member.
#[inline]
pub(in crate::commands) fn put_member(reply: &mut ReplyBuffer, member: Item<'_>) {
    match member {
        Item::Text(text) => reply.bulk(text),
        Item::Integer(integer) => reply.bulk(IntegerText::new().format(integer).as_bytes()),
    }
}

/// Replies with members, perhaps with their scores: pairs of their own in RESP3, one after the other in
/// RESP2.
pub(super) fn put_members(reply: &mut ReplyBuffer, members: Walk<'_>, with_scores: bool) {
    put_array_header(reply, members.len(), with_scores);
    for (member, score) in members {
        put_pair_header(reply, with_scores);
        put_member(reply, member);
        if with_scores {
            reply.double(score);
        }
    }
}

/// Begins an array of members, perhaps with scores.
pub(super) fn put_array_header(reply: &mut ReplyBuffer, count: usize, with_scores: bool) {
    let is_flat = with_scores && reply.protocol() == Protocol::Resp2;
    reply.array(if is_flat { 2 * count } else { count });
}

/// Begins a member with its score, where that is an array.
#[inline]
pub(super) fn put_pair_header(reply: &mut ReplyBuffer, with_scores: bool) {
    if with_scores && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
}

#[cfg(test)]
mod tests {
    use super::parse_double;

    #[test]
    fn doubles_are_read_as_c_reads_them() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("-1.5e3", Some(-1500.0)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("0x10", Some(16.0)),
            ("0e-999", Some(0.0)),
            ("1e400", None),
            ("1e-400", None),
            ("nan", None),
            ("", None),
            (" 1", None),
            ("1x", None),
        ] {
            assert_eq!(parse_double(text.as_bytes()), expected, "{text}");
        }
    }
}
