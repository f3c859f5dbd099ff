//! Numbers in fields: HINCRBY, HINCRBYFLOAT.

use std::iter;

use super::value::{
    BASE, READS_AND_UPDATES, count_expired, edit_or_create, push_effect, push_removal,
};
use crate::base::extended::{Extended, ExtendedText};
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Event, Flags};
use crate::types::{FieldDeadline, Hash, IntegerText, Item};

pub(super) const HINCRBY: Command = Command {
    name: "hincrby",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: READS_AND_UPDATES,
    since: "2.0.0",
    summary: "Adds to the integer in a field of a hash; an absent field counts as 0.",
    arguments: &[
        Argument::key("key"),
        Argument::new("field", ArgumentKind::String),
        Argument::new("increment", ArgumentKind::Integer),
    ],
    member_at: 2,
    run: hincrby,
    ..BASE
};

fn hincrby(context: &mut Context<'_>) -> Result<(), CommandError> {
    const NOT_AN_INTEGER: CommandError = CommandError::refused("ERR hash value is not an integer");
    const OVERFLOW: CommandError =
        CommandError::refused("ERR increment or decrement would overflow");
    let amount = context.integer(3)?;
    let (key, field, limits) = (context.key(1), context.args.at(2), context.tuning.hash);
    let now_ms = context.now_ms;
    let (sum, was_due) = edit_or_create(&mut context.keys, &key, |hash| {
        let old = Old::of(hash, field, now_ms);
        let number = match old.value {
            Some(value) => value.integer().ok_or(NOT_AN_INTEGER)?,
            None => 0,
        };
        let sum = number.checked_add(amount).ok_or(OVERFLOW)?;
        let deadline = old.deadline();
        let was_due = old.is_due;
        hash.set(field, itoa::Buffer::new().format(sum).as_bytes(), deadline, limits);
        Ok((sum, was_due))
    })?;
    context.effects.changed(1);
    if was_due {
        count_expired(context, &key, &[field]);
        // Whoever repeats this may not have noticed yet that the field's time had come.
        push_removal(context, &key, &[field]);
        let args: Vec<&[u8]> = context.args.iter().collect();
        push_effect(context, &[], &args);
    }
    context.notify_fields(Event::HINCRBY, &key, iter::once(field));
    context.reply.integer(sum);
    Ok(())
}

/// What a field was before it is counted up.
struct Old<'h> {
    value: Option<Item<'h>>,
    /// It is there, but its time has come.
    is_due: bool,
    has_deadline: bool,
}

impl<'h> Old<'h> {
    fn of(hash: &'h Hash, field: &[u8], now_ms: u64) -> Self {
        match hash.find(field) {
            Some((_, Some(deadline_ms))) if deadline_ms <= now_ms => {
                Self { value: None, is_due: true, has_deadline: false }
            }
            Some((value, deadline_ms)) => {
                Self { value: Some(value), is_due: false, has_deadline: deadline_ms.is_some() }
            }
            None => Self { value: None, is_due: false, has_deadline: false },
        }
    }

    fn deadline(&self) -> FieldDeadline {
        if self.is_due { FieldDeadline::None } else { FieldDeadline::Keep }
    }
}

pub(super) const HINCRBYFLOAT: Command = Command {
    name: "hincrbyfloat",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: READS_AND_UPDATES,
    since: "2.6.0",
    summary: "Adds a number with fractions to the one in a field; an absent field counts as 0.",
    arguments: &[
        Argument::key("key"),
        Argument::new("field", ArgumentKind::String),
        Argument::new("increment", ArgumentKind::Double),
    ],
    member_at: 2,
    run: hincrbyfloat,
    ..BASE
};

fn hincrbyfloat(context: &mut Context<'_>) -> Result<(), CommandError> {
    const INFINITE_AMOUNT: CommandError = CommandError::refused("ERR value is NaN or Infinity");
    const NOT_A_FLOAT: CommandError = CommandError::refused("ERR hash value is not a float");
    const INFINITE_SUM: CommandError =
        CommandError::refused("ERR increment would produce NaN or Infinity");
    let amount = match Extended::parse(context.args.at(3)) {
        Some(ExtendedText::Finite(amount)) => amount,
        Some(_) => return Err(INFINITE_AMOUNT),
        None => return Err(CommandError::NotAFloat),
    };
    let (key, field, limits) = (context.key(1), context.args.at(2), context.tuning.hash);
    let now_ms = context.now_ms;
    let (text, was_due, has_deadline) = edit_or_create(&mut context.keys, &key, |hash| {
        let old = Old::of(hash, field, now_ms);
        let number = match old.value {
            Some(value) => Extended::parse(value.bytes(&mut IntegerText::new())),
            None => Some(ExtendedText::Finite(Extended::from(0))),
        };
        let ExtendedText::Finite(number) = number.ok_or(NOT_A_FLOAT)? else {
            return Err(INFINITE_SUM);
        };
        let text = number.plus(amount).ok_or(INFINITE_SUM)?.to_text();
        let (deadline, was_due, has_deadline) = (old.deadline(), old.is_due, old.has_deadline);
        hash.set(field, text.as_bytes(), deadline, limits);
        Ok((text, was_due, has_deadline))
    })?;
    context.effects.changed(1);
    if was_due {
        count_expired(context, &key, &[field]);
    }
    context.notify_fields(Event::HINCRBYFLOAT, &key, iter::once(field));
    // Repeating the addition could round differently elsewhere; the sum cannot.
    let sum = [field, text.as_bytes()];
    if has_deadline {
        push_effect(context, &[b"HSETEX", key.bytes, b"KEEPTTL", b"FIELDS", b"1"], &sum);
    } else {
        push_effect(context, &[b"HSET", key.bytes], &sum);
    }
    context.reply.bulk(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn integers_are_counted() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HINCRBY h a 5", "5"),
            ("HINCRBY h a -7", "-2"),
            ("HSET h b 9223372036854775807 c x", "2"),
            ("HINCRBY h b 1", "ERR increment or decrement would overflow"),
            ("HINCRBY h c 1", "ERR hash value is not an integer"),
            ("HINCRBY h a x", "ERR value is not an integer or out of range"),
            ("HINCRBY nokey a x", "ERR value is not an integer or out of range"),
            ("EXISTS nokey", "0"),
        ]);
        bench.tell(&[b"HSET", b"h", b"d", b" 11"]);
        bench.expect(&[("HINCRBY h d 1", "ERR hash value is not an integer")]);
    }

    #[test]
    fn fractions_are_stored_as_text() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HINCRBYFLOAT h a 1.5", "\"1.5\""),
            ("HINCRBYFLOAT h a 0.1", "\"1.6\""),
            ("HINCRBYFLOAT h a 1e2", "\"101.6\""),
            ("HINCRBYFLOAT h a x", "ERR value is not a valid float"),
            ("HINCRBYFLOAT h a inf", "ERR value is NaN or Infinity"),
            ("HSET h c x", "1"),
            ("HINCRBYFLOAT h c 1", "ERR hash value is not a float"),
        ]);
        bench.expect_effects("HINCRBYFLOAT h a 0.4", &["0: HSET h a 102"]);
    }

    #[test]
    fn deadlines_stay_and_what_is_due_counts_as_absent() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HSET h a 5 b 5", "2"),
            ("HPEXPIRE h 100 FIELDS 2 a b", "[1, 1]"),
            ("HINCRBY h a 1", "6"),
            ("HPTTL h FIELDS 1 a", "[100]"),
        ]);
        bench.expect_effects("HINCRBYFLOAT h a 0.5", &["0: HSETEX h KEEPTTL FIELDS 1 a 6.5"]);
        bench.advance(100);
        bench.expect_effects("HINCRBY h a 1", &["0: HDEL h a", "0: HINCRBY h a 1"]);
        bench.expect_effects("HINCRBYFLOAT h b 1", &["0: HSET h b 1"]);
        bench.expect(&[("HPTTL h FIELDS 2 a b", "[-1, -1]"), ("HMGET h a b", "[\"1\", \"1\"]")]);
    }
}
