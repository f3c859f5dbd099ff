//! What commands that wait have in common.

use std::ops::Range;

use crate::base::text;
use crate::engine::{CommandError, Context, Serve, WaitRequest};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::ValueType;

/// Returns when a command gives up waiting, in milliseconds since 1970, by the timeout in seconds at
/// an argument's position; `None` for 0: never.
///
/// # Errors
/// Not a number, negative, or too far away.
pub(super) fn give_up_at(context: &Context<'_>, index: usize) -> Result<Option<u64>, CommandError> {
    let seconds = text::parse_f64(context.args.at(index))
        .ok_or(CommandError::refused("ERR timeout is not a float or out of range"))?;
    let ms = (seconds * 1000.0).ceil();
    if ms < 0.0 {
        return Err(CommandError::refused("ERR timeout is negative"));
    }
    if ms == 0.0 {
        return Ok(None);
    }
    let too_far = CommandError::refused("ERR timeout is out of range");
    if ms >= TIMEOUT_MS_END {
        return Err(too_far);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an integer below 2^63 that is not negative"
    )]
    let deadline_ms = i64::try_from(context.now_ms).ok().and_then(|now| now.checked_add(ms as i64));
    deadline_ms.map(|deadline_ms| Some(deadline_ms.unsigned_abs())).ok_or(too_far)
}

/// Serves a command from the first of its keys that has something, or has it wait for all of them.
/// `serve` says of a key of another type that nothing is there.
///
/// # Errors
/// A key before that one is of another type.
pub(super) fn serve_or_wait_for(
    value_type: ValueType,
    context: &mut Context<'_>,
    keys: Range<usize>,
    deadline_ms: Option<u64>,
    serve: Serve,
) -> Result<(), CommandError> {
    for index in keys.clone() {
        let key = context.key(index);
        let found = context.keys.get(&key, Lookup::WRITE);
        if found.is_some_and(|entry| entry.value_type() != value_type) {
            return Err(CommandError::WrongType);
        }
        if serve(context, index)? {
            return Ok(());
        }
    }
    if !context.session.may_wait() {
        context.reply.null_array();
        return Ok(());
    }
    context.wait(WaitRequest {
        keys: keys.collect(),
        also: None,
        value_type,
        minds_all_keys: false,
        deadline_ms,
        serve,
        in_vain: ReplyBuffer::null_array,
        hears_of_removal: false,
        is_polled: false,
        args: None,
    });
    Ok(())
}

/// 2^63.
const TIMEOUT_MS_END: f64 = 9_223_372_036_854_775_808.0;
