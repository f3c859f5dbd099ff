//! Integers in strings: INCR and its kin.

use super::value::string_of;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::Key;
use crate::types::StringValue;

const OVERFLOW: CommandError = CommandError::refused("ERR increment or decrement would overflow");

pub(super) const INCR: Command = Command {
    name: "incr",
    arity: 2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    summary: "Raises the integer in a key by one; an absent key counts as 0.",
    arguments: &[Argument::key("key")],
    run: incr,
    ..Command::DEFAULT
};

fn incr(context: &mut Context<'_>) -> Result<(), CommandError> {
    add(context, 1)
}

pub(super) const DECR: Command = Command {
    name: "decr",
    arity: 2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    summary: "Lowers the integer in a key by one; an absent key counts as 0.",
    arguments: &[Argument::key("key")],
    run: decr,
    ..Command::DEFAULT
};

fn decr(context: &mut Context<'_>) -> Result<(), CommandError> {
    add(context, -1)
}

pub(super) const INCRBY: Command = Command {
    name: "incrby",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    summary: "Raises the integer in a key by a given amount; an absent key counts as 0.",
    arguments: &[Argument::key("key"), Argument::new("increment", ArgumentKind::Integer)],
    run: incrby,
    ..Command::DEFAULT
};

fn incrby(context: &mut Context<'_>) -> Result<(), CommandError> {
    let amount = context.integer(2)?;
    add(context, amount)
}

pub(super) const DECRBY: Command = Command {
    name: "decrby",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    summary: "Lowers the integer in a key by a given amount; an absent key counts as 0.",
    arguments: &[Argument::key("key"), Argument::new("decrement", ArgumentKind::Integer)],
    run: decrby,
    ..Command::DEFAULT
};

fn decrby(context: &mut Context<'_>) -> Result<(), CommandError> {
    const REFUSAL: CommandError = CommandError::refused("ERR decrement would overflow");
    let amount = context.integer(2)?.checked_neg().ok_or(REFUSAL)?;
    add(context, amount)
}

/// Adds to the integer of the first key, keeping its deadline, and replies with the sum.
fn add(context: &mut Context<'_>, amount: i64) -> Result<(), CommandError> {
    let key = context.key(1);
    let sum = match context.keys.get_mut(&key) {
        Some(mut entry) => {
            if let Some(integer) = entry.integer_mut() {
                *integer = integer.checked_add(amount).ok_or(OVERFLOW)?;
                let sum = *integer;
                return reply_with_sum(context, &key, sum);
            }
            let old = string_of(&entry)?.integer().ok_or(CommandError::NotAnInteger)?;
            let sum = old.checked_add(amount).ok_or(OVERFLOW)?;
            let deadline_ms = entry.deadline_ms();
            entry.set_value(StringValue::Integer(sum), deadline_ms);
            sum
        }
        None => {
            context.keys.set(&key, StringValue::Integer(amount), None);
            amount
        }
    };
    reply_with_sum(context, &key, sum)
}

#[inline]
fn reply_with_sum(context: &mut Context<'_>, key: &Key<'_>, sum: i64) -> Result<(), CommandError> {
    context.effects.changed(1);
    context.notify(Event::INCRBY, key);
    context.reply.integer(sum);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn an_absent_key_counts_from_zero() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("INCR a", "1"),
            ("INCRBY a 41", "42"),
            ("DECR a", "41"),
            ("DECRBY a -9", "50"),
            ("DECR b", "-1"),
            ("GET a", "\"50\""),
        ]);
    }

    #[test]
    fn what_is_no_integer_stays_as_it_is() {
        let mut bench = Bench::new();
        let not_an_integer = "ERR value is not an integer or out of range";
        let overflow = "ERR increment or decrement would overflow";
        bench.tell(&[b"SET", b"spaces", b" 11 "]);
        bench.expect(&[
            ("INCR spaces", not_an_integer),
            ("INCRBY a 1.5", not_an_integer),
            ("DECRBY a -9223372036854775808", "ERR decrement would overflow"),
            ("EXISTS a", "0"),
            ("SET a 9223372036854775807", "OK"),
            ("INCR a", overflow),
            ("SET b -9223372036854775808", "OK"),
            ("DECR b", overflow),
        ]);
    }

    #[test]
    fn counting_keeps_the_deadline_and_is_its_own_effect() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1 PX 5000", "OK")]);
        bench.expect_effects("INCR a", &["0: INCR a"]);
        bench.expect_effects("INCRBY a x", &[]);
        bench.advance(5000);
        bench.expect_effects("INCR a", &["0: DEL a", "0: INCR a"]);
        bench.expect(&[("GET a", "\"1\"")]);
    }
}
