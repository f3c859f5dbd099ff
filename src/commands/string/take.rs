//! Commands that read a string and do something to its key.

use super::options::{Dialect, Expiry, Options};
use super::value::{reply_with, reply_with_value, string_of};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::{Key, Lookup};
use crate::types::IntegerText;

pub(super) const GETDEL: Command = Command {
    name: "getdel",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    acl: Categories::STRING,
    since: "6.2.0",
    group: Group::String,
    summary: "Reads the string of a key and removes the key.",
    arguments: &[Argument::key("key")],
    run: getdel,
    ..Command::DEFAULT
};

fn getdel(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    if reply_with_value(context, &key)? {
        delete(context, &key);
    }
    Ok(())
}

/// Removes a key that is there, and states that.
pub(super) fn delete(context: &mut Context<'_>, key: &Key<'_>) {
    context.keys.remove(key);
    context.effects.changed(1);
    context.notify(Event::DEL, key);
    context.effects.push(context.session.db, &[b"DEL", key.bytes]);
}

pub(super) const GETEX: Command = Command {
    name: "getex",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "6.2.0",
    group: Group::String,
    summary: "Reads the string of a key and may change or remove its deadline.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of(
            "expiration",
            &[
                Argument::new("seconds", ArgumentKind::Integer).after("EX"),
                Argument::new("milliseconds", ArgumentKind::Integer).after("PX"),
                Argument::new("unix-time-seconds", ArgumentKind::UnixTime).after("EXAT"),
                Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).after("PXAT"),
                Argument::word("persist", "PERSIST"),
            ],
        )
        .optional(),
    ],
    run: getex,
    ..Command::DEFAULT
};

fn getex(context: &mut Context<'_>) -> Result<(), CommandError> {
    let options = Options::parse(context.args, 2, Dialect::GetEx)?;
    let key = context.key(1);
    let Some(entry) = context.keys.get(&key, Lookup::READ) else {
        context.reply.null();
        return Ok(());
    };
    let (value, was_volatile) = (string_of(entry)?, entry.deadline_ms().is_some());
    let deadline_ms = match options.expiry {
        Expiry::At(form, number) => Some(form.positive(number, context.now_ms, "getex")?),
        _ => None,
    };
    reply_with(context.reply, value);
    match deadline_ms {
        Some(deadline_ms) if deadline_ms <= context.now_ms => delete(context, &key),
        Some(deadline_ms) => give_deadline(context, &key, deadline_ms),
        None if options.expiry == Expiry::Remove && was_volatile => persist(context, &key),
        None => {}
    }
    Ok(())
}

fn give_deadline(context: &mut Context<'_>, key: &Key<'_>, deadline_ms: u64) {
    if let Some(mut entry) = context.keys.get_mut(key) {
        entry.set_deadline(Some(deadline_ms));
    }
    let mut digits = itoa::Buffer::new();
    let at = digits.format(deadline_ms).as_bytes();
    context.effects.changed(1);
    context.notify(Event::EXPIRE, key);
    context.effects.push(context.session.db, &[b"PEXPIREAT", key.bytes, at]);
}

fn persist(context: &mut Context<'_>, key: &Key<'_>) {
    if let Some(mut entry) = context.keys.get_mut(key) {
        entry.set_deadline(None);
    }
    context.effects.changed(1);
    context.notify(Event::PERSIST, key);
    context.effects.push(context.session.db, &[b"PERSIST", key.bytes]);
}

pub(super) const DELIFEQ: Command = Command {
    name: "delifeq",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RM.and(KeyFlags::DELETE))],
    acl: Categories::STRING,
    since: "9.0.0",
    group: Group::String,
    summary: "Removes a key that holds a given string, and leaves it alone otherwise.",
    arguments: &[Argument::key("key"), Argument::new("value", ArgumentKind::String)],
    run: delifeq,
    ..Command::DEFAULT
};

fn delifeq(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, wanted) = (context.key(1), context.args.at(2));
    let is_equal = match context.keys.get(&key, Lookup::WRITE) {
        Some(entry) => string_of(entry)?.bytes(&mut IntegerText::new()) == wanted,
        None => false,
    };
    if is_equal {
        delete(context, &key);
    }
    context.reply.integer(i64::from(is_equal));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_key_is_read_and_removed_at_once() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1", "OK")]);
        bench.expect_effects("GETDEL a", &["0: DEL a"]);
        bench.expect(&[("GETDEL a", "(nil)"), ("EXISTS a", "0")]);
        assert_eq!(bench.effects(), Vec::<String>::new());
    }

    #[test]
    fn getex_states_an_absolute_deadline() {
        let mut bench = Bench::new();
        let at = bench.now_ms() + 100_000;
        bench.expect(&[("SET a 1", "OK")]);
        bench.expect_effects("GETEX a EX 100", &[&format!("0: PEXPIREAT a {at}")]);
        bench.expect(&[("PTTL a", "100000"), ("GETEX a", "\"1\""), ("PTTL a", "100000")]);
        bench.expect_effects("GETEX a PERSIST", &["0: PERSIST a"]);
        bench.expect_effects("GETEX a PERSIST", &[]);
        bench.expect_effects("GETEX a EXAT 1", &["0: DEL a"]);
        bench.expect(&[("EXISTS a", "0")]);
    }

    #[test]
    fn getex_minds_its_options_in_order() {
        let mut bench = Bench::new();
        let invalid = "ERR invalid expire time in 'getex' command";
        let syntax = "ERR syntax error";
        bench.expect(&[
            ("GETEX none EX 0", "(nil)"),
            ("GETEX none EX", syntax),
            ("SET a 1", "OK"),
            ("GETEX a EX 0", invalid),
            ("GETEX a EX 9223372036854775807", invalid),
            ("GETEX a PX x", "ERR value is not an integer or out of range"),
            ("GETEX a KEEPTTL", syntax),
            ("GETEX a NX", syntax),
            ("GETEX a EX 10 PX 100", syntax),
            ("GETEX a EX 10 PERSIST", syntax),
            ("GETEX a EX 1 EX 100", "\"1\""),
            ("TTL a", "100"),
        ]);
    }

    #[test]
    fn a_lock_is_released_by_its_owner_only() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET lock mine", "OK"),
            ("DELIFEQ lock yours", "0"),
            ("DELIFEQ lock mine", "1"),
            ("DELIFEQ lock mine", "0"),
            ("SET n 12", "OK"),
        ]);
        bench.effects();
        bench.expect_effects("DELIFEQ n 12", &["0: DEL n"]);
    }
}
