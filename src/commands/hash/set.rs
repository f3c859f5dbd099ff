//! Setting fields: HSET, HMSET, HSETNX.

use std::iter;

use super::value::{BASE, DATA, INSERTS, UPDATES, count_expired, edit_or_create, push_effect};
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Event, Flags};
use crate::types::FieldDeadline;

const FIRST_FIELD: usize = 2;

pub(super) const HSET: Command = Command {
    name: "hset",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: UPDATES,
    since: "2.0.0",
    complexity: "O(1) for each field",
    summary: "Sets fields of a hash to values and counts those that are new.",
    arguments: &[Argument::key("key"), DATA],
    member_at: 2,
    run: hset,
    ..BASE
};

fn hset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let new_count = set_all(context)?;
    context.reply.count(new_count);
    Ok(())
}

pub(super) const HMSET: Command = Command {
    name: "hmset",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: UPDATES,
    since: "2.0.0",
    complexity: "O(1) for each field",
    summary: "Sets fields of a hash to values.",
    deprecated: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
    arguments: &[Argument::key("key"), DATA],
    member_at: 2,
    run: hmset,
    ..BASE
};

fn hmset(context: &mut Context<'_>) -> Result<(), CommandError> {
    set_all(context)?;
    context.reply.ok();
    Ok(())
}

/// Sets the fields of the command; returns how many are new.
#[inline]
fn set_all(context: &mut Context<'_>) -> Result<usize, CommandError> {
    let args = context.args;
    if !args.len().is_multiple_of(2) {
        return Err(context.wrong_arity());
    }
    let (key, limits) = (context.key(1), context.tuning.hash);
    let pair_count = (args.len() - FIRST_FIELD) / 2;
    let new_count = edit_or_create(&mut context.keys, &key, |hash| {
        hash.expect_fields(pair_count, limits);
        let (mut new_count, mut index) = (0, FIRST_FIELD);
        while index < args.len() {
            let (field, value) = (args.at(index), args.at(index + 1));
            new_count += usize::from(hash.set(field, value, FieldDeadline::None, limits));
            index += 2;
        }
        Ok(new_count)
    })?;
    context.effects.changed(pair_count as u64);
    context.notify_fields(Event::HSET, &key, args.from(FIRST_FIELD).iter().step_by(2));
    Ok(new_count)
}

pub(super) const HSETNX: Command = Command {
    name: "hsetnx",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: INSERTS,
    since: "2.0.0",
    summary: "Sets a field of a hash unless it is there.",
    arguments: &[
        Argument::key("key"),
        Argument::new("field", ArgumentKind::String),
        Argument::new("value", ArgumentKind::String),
    ],
    member_at: 2,
    run: hsetnx,
    ..BASE
};

fn hsetnx(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args, now_ms) = (context.key(1), context.args, context.now_ms);
    let (field, value, limits) = (args.at(2), args.at(3), context.tuning.hash);
    let is_set = edit_or_create(&mut context.keys, &key, |hash| {
        let is_there = hash.get(field, now_ms).is_some();
        Ok((!is_there).then(|| hash.set(field, value, FieldDeadline::None, limits)))
    })?;
    context.reply.integer(i64::from(is_set.is_some()));
    if let Some(is_new) = is_set {
        context.effects.changed(1);
        if !is_new {
            count_expired(context, &key, &[field]);
            // Its time had come: whoever repeats this may not have noticed yet.
            push_effect(context, &[b"HSET", key.bytes], &[field, value]);
        }
        context.notify_fields(Event::HSET, &key, iter::once(field));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn new_fields_are_counted() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HSET h a 1 b 2", "2"),
            ("HSET h a 3 c 4", "1"),
            ("HGETALL h", "[\"a\", \"3\", \"b\", \"2\", \"c\", \"4\"]"),
            ("HMSET h a 5", "OK"),
            ("HSETNX h a 6", "0"),
            ("HSETNX h d 6", "1"),
            ("HGET h a", "\"5\""),
            ("HSET h a", "ERR wrong number of arguments for 'hset' command"),
            ("HSET h a 1 b", "ERR wrong number of arguments for 'hset' command"),
            ("HMSET h a 1 b", "ERR wrong number of arguments for 'hmset' command"),
            ("SET s 1", "OK"),
            ("HSET s a 1", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }

    #[test]
    fn encodings_change_at_the_settings() {
        let mut bench = Bench::with_settings("hash-max-listpack-entries 3\n");
        bench.expect(&[
            ("HSET h a 1 b 2 c 3", "3"),
            ("OBJECT ENCODING h", "\"listpack\""),
            ("HSET h a 9", "0"),
            ("OBJECT ENCODING h", "\"listpack\""),
            ("HSET h d 9", "1"),
            ("OBJECT ENCODING h", "\"hashtable\""),
            ("CONFIG SET hash-max-listpack-value 4", "OK"),
            ("HSET i a 1234", "1"),
            ("OBJECT ENCODING i", "\"listpack\""),
            ("HSET i a 12345", "0"),
            ("OBJECT ENCODING i", "\"hashtable\""),
            ("CONFIG SET hash-max-listpack-entries 0", "OK"),
            ("HSET j a 1", "1"),
            ("OBJECT ENCODING j", "\"hashtable\""),
        ]);
    }

    #[test]
    fn what_is_set_is_its_own_effect() {
        let mut bench = Bench::new();
        bench.expect_effects("HSET h a 1 b 2", &["0: HSET h a 1 b 2"]);
        bench.expect_effects("HSETNX h a 1", &[]);
        bench.expect_effects("HSETNX h c 1", &["0: HSETNX h c 1"]);
        assert_eq!(bench.change_count(), 3);
        bench.say("HPEXPIRE h 5 FIELDS 1 c");
        bench.advance(5);
        bench.expect_effects("HSETNX h c 2", &["0: HSET h c 2"]);
    }
}
