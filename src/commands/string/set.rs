//! Commands that store one string.

use super::options::{Condition, Dialect, Expiry, Options};
use super::value::{reply_with_value, string_of};
use crate::commands::deadline::TimeForm;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::{Entry, Key, Lookup};
use crate::types::StringValue;

pub(super) const SET: Command = Command {
    name: "set",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(
        1,
        KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE).and(KeyFlags::VARIABLE_FLAGS),
    )],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    summary: "Stores a string under a key, perhaps on a condition and with a deadline.",
    arguments: &[
        Argument::key("key"),
        Argument::new("value", ArgumentKind::String),
        Argument::one_of(
            "condition",
            &[
                Argument::word("nx", "NX").since("2.6.12"),
                Argument::word("xx", "XX").since("2.6.12"),
                Argument::new("comparison-value", ArgumentKind::String)
                    .after("IFEQ")
                    .since("8.1.0"),
                Argument::new("ifne-value", ArgumentKind::String).after("IFNE").since("8.4.0"),
                Argument::new("ifdeq-digest", ArgumentKind::String).after("IFDEQ").since("8.4.0"),
                Argument::new("ifdne-digest", ArgumentKind::String).after("IFDNE").since("8.4.0"),
            ],
        )
        .optional(),
        Argument::word("get", "GET").optional().since("6.2.0"),
        Argument::one_of(
            "expiration",
            &[
                Argument::new("seconds", ArgumentKind::Integer).after("EX").since("2.6.12"),
                Argument::new("milliseconds", ArgumentKind::Integer).after("PX").since("2.6.12"),
                Argument::new("unix-time-seconds", ArgumentKind::UnixTime)
                    .after("EXAT")
                    .since("6.2.0"),
                Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime)
                    .after("PXAT")
                    .since("6.2.0"),
                Argument::word("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    key_use: Some(use_of_set_key),
    run: set,
    ..Command::DEFAULT
};

fn set(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.args.len() > 3 {
        return set_with_options(context);
    }
    let key = context.key(1);
    context.keys.set(&key, StringValue::from_bytes(context.args.at(2)), None);
    context.effects.changed(1);
    context.notify(Event::SET, &key);
    context.reply.ok();
    Ok(())
}

/// With GET the old value is read, too.
fn use_of_set_key(args: Args<'_>) -> KeyFlags {
    if (3..args.len()).any(|index| args.is_word(index, "GET")) {
        KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE)
    } else {
        KeyFlags::OW.and(KeyFlags::UPDATE)
    }
}

#[inline(never)]
fn set_with_options(context: &mut Context<'_>) -> Result<(), CommandError> {
    let options = Options::parse(context.args, 3, Dialect::Set)?;
    let deadline_ms = match options.expiry {
        Expiry::At(form, number) => Some(form.positive(number, context.now_ms, "set")?),
        _ => None,
    };
    let key = context.key(1);
    if options.returns_old {
        reply_with_value(context, &key)?;
    }
    let old = context.keys.get(&key, Lookup::WRITE);
    let kept_ms = old.and_then(Entry::deadline_ms);
    if !allows(options.condition, old)? {
        if !options.returns_old {
            context.reply.null();
        }
        return Ok(());
    }
    match deadline_ms {
        Some(deadline_ms) if deadline_ms <= context.now_ms => remove_overdue(context, &key),
        Some(deadline_ms) => {
            let value = context.args.at(2);
            context.keys.set(&key, StringValue::from_bytes(value), Some(deadline_ms));
            state_deadline(context, &key, value, deadline_ms);
        }
        None => {
            let kept_ms = kept_ms.filter(|_| options.expiry == Expiry::Keep);
            context.keys.set(&key, StringValue::from_bytes(context.args.at(2)), kept_ms);
            context.effects.changed(1);
            context.notify(Event::SET, &key);
            state_without_get(context, &options);
        }
    }
    if !options.returns_old {
        context.reply.ok();
    }
    Ok(())
}

/// Removes a key that was given a deadline in the past.
fn remove_overdue(context: &mut Context<'_>, key: &Key<'_>) {
    if context.keys.remove(key).is_some() {
        context.effects.changed(1);
        context.notify(Event::EXPIRED, key);
        context.effects.push(context.session.db, &[b"DEL", key.bytes]);
    }
}

/// Says whether the condition holds over what is there now.
fn allows(condition: Condition<'_>, old: Option<&Entry>) -> Result<bool, CommandError> {
    Ok(match (condition, old) {
        (Condition::Always, _) => true,
        (Condition::IfAbsent, old) => old.is_none(),
        (Condition::IfPresent, old) => old.is_some(),
        (Condition::If(comparison), None) => comparison.is_negative(),
        (Condition::If(comparison), Some(entry)) => comparison.holds(string_of(entry)?)?,
    })
}

/// States SET without GET, which only asks.
fn state_without_get(context: &mut Context<'_>, options: &Options<'_>) {
    if !options.returns_old {
        return;
    }
    let words = context.args.iter().enumerate();
    let is_kept = |&(index, word): &(usize, &[u8])| index < 3 || !word.eq_ignore_ascii_case(b"GET");
    let words: Vec<&[u8]> = words.filter(is_kept).map(|(_, word)| word).collect();
    context.effects.push(context.session.db, &words);
}

/// States that a key got a value and a deadline.
fn state_deadline(context: &mut Context<'_>, key: &Key<'_>, value: &[u8], deadline_ms: u64) {
    let mut digits = itoa::Buffer::new();
    let at = digits.format(deadline_ms).as_bytes();
    context.effects.changed(1);
    context.notify(Event::SET, key);
    context.notify(Event::EXPIRE, key);
    context.effects.push(context.session.db, &[b"SET", key.bytes, value, b"PXAT", at]);
}

pub(super) const SETNX: Command = Command {
    name: "setnx",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::OW.and(KeyFlags::INSERT))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    summary: "Stores a string unless the key exists.",
    arguments: &[Argument::key("key"), Argument::new("value", ArgumentKind::String)],
    deprecated: Some(("2.6.12", "`SET` with the `NX` argument")),
    run: setnx,
    ..Command::DEFAULT
};

fn setnx(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let is_free = context.keys.get(&key, Lookup::WRITE).is_none();
    if is_free {
        context.keys.set(&key, StringValue::from_bytes(context.args.at(2)), None);
        context.effects.changed(1);
        context.notify(Event::SET, &key);
    }
    context.reply.integer(i64::from(is_free));
    Ok(())
}

pub(super) const SETEX: Command = Command {
    name: "setex",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "2.0.0",
    group: Group::String,
    summary: "Stores a string with a time to live in seconds.",
    arguments: &[
        Argument::key("key"),
        Argument::new("seconds", ArgumentKind::Integer),
        Argument::new("value", ArgumentKind::String),
    ],
    deprecated: Some(("2.6.12", "`SET` with the `EX` argument")),
    run: setex,
    ..Command::DEFAULT
};

fn setex(context: &mut Context<'_>) -> Result<(), CommandError> {
    set_for(context, TimeForm::EX)
}

pub(super) const PSETEX: Command = Command {
    name: "psetex",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "2.6.0",
    group: Group::String,
    summary: "Stores a string with a time to live in milliseconds.",
    arguments: &[
        Argument::key("key"),
        Argument::new("milliseconds", ArgumentKind::Integer),
        Argument::new("value", ArgumentKind::String),
    ],
    deprecated: Some(("2.6.12", "`SET` with the `PX` argument")),
    run: psetex,
    ..Command::DEFAULT
};

fn psetex(context: &mut Context<'_>) -> Result<(), CommandError> {
    set_for(context, TimeForm::PX)
}

/// Stores the third argument with the time to live that the second one spells.
fn set_for(context: &mut Context<'_>, form: TimeForm) -> Result<(), CommandError> {
    let (key, value) = (context.key(1), context.args.at(3));
    let number = context.args.at(2);
    let deadline_ms = form.positive(number, context.now_ms, context.command_name())?;
    context.keys.set(&key, StringValue::from_bytes(value), Some(deadline_ms));
    state_deadline(context, &key, value, deadline_ms);
    context.reply.ok();
    Ok(())
}

pub(super) const GETSET: Command = Command {
    name: "getset",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    summary: "Stores a string and returns the one it replaces.",
    arguments: &[Argument::key("key"), Argument::new("value", ArgumentKind::String)],
    deprecated: Some(("6.2.0", "`SET` with the `GET` argument")),
    run: getset,
    ..Command::DEFAULT
};

fn getset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, value) = (context.key(1), context.args.at(2));
    reply_with_value(context, &key)?;
    context.keys.set(&key, StringValue::from_bytes(value), None);
    context.effects.changed(1);
    context.notify(Event::SET, &key);
    context.effects.push(context.session.db, &[b"SET", key.bytes, value]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_plain_set_replaces_value_and_deadline() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1 EX 10", "OK"),
            ("SET a hello", "OK"),
            ("TTL a", "-1"),
            ("GET a", "\"hello\""),
        ]);
        bench.expect_effects("SET a 2", &["0: SET a 2"]);
        assert_eq!(bench.change_count(), 3);
    }

    #[test]
    fn conditions_decide_whether_a_value_is_stored() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1 XX", "(nil)"),
            ("SET a 1 NX", "OK"),
            ("SET a 2 NX", "(nil)"),
            ("SET a 2 XX", "OK"),
            ("SET a 3 IFEQ 1", "(nil)"),
            ("SET a 3 IFEQ 2", "OK"),
            ("SET b 3 IFEQ 3", "(nil)"),
            ("SET c 3 IFNE 3", "OK"),
            ("SET c 4 IFNE 3", "(nil)"),
            ("SET c hello IFNE 4", "OK"),
            ("DIGEST c", "\"9555e8555c62dcfd\""),
            ("SET c x IFDNE 9555E8555C62DCFD", "(nil)"),
            ("SET c x IFDEQ 9555E8555C62DCFD", "OK"),
            ("DEL c", "1"),
            ("SET a 4 IFEQ 1 GET", "\"3\""),
            ("SET a 4 IFEQ 3 GET", "\"3\""),
            ("SET a 5 NX GET", "\"4\""),
            ("SET c 5 NX GET", "(nil)"),
            ("SET c 6 XX GET", "\"5\""),
            ("GET c", "\"6\""),
            ("EXISTS b", "0"),
            ("SETNX c 1", "0"),
            ("SETNX d 1", "1"),
            ("GETSET d 2", "\"1\""),
            ("GETSET e 2", "(nil)"),
        ]);
    }

    #[test]
    fn options_may_be_repeated_but_not_contradict() {
        let mut bench = Bench::new();
        let syntax = "ERR syntax error";
        let invalid = "ERR invalid expire time in 'set' command";
        bench.expect(&[
            ("SET a 1 NX NX", "OK"),
            ("SET a 1 EX 1 EX 9", "OK"),
            ("TTL a", "9"),
            ("SET a 1 KEEPTTL KEEPTTL", "OK"),
            ("TTL a", "9"),
            ("SET a 1 GET GET", "\"1\""),
            ("SET a 1 EX 1 PX 2", syntax),
            ("SET a 1 XX NX", syntax),
            ("SET a 1 NX IFEQ 1", syntax),
            ("SET a 1 IFEQ 1 NX", syntax),
            ("SET a 1 IFEQ 1 IFEQ 1", syntax),
            ("SET a 1 IFEQ", syntax),
            ("SET a 1 IFNE 1 NX", syntax),
            ("SET a 1 IFDEQ 1", "ERR must be exactly 16 hexadecimal characters"),
            ("SET none 1 IFDEQ 1", "(nil)"),
            ("SET a 1 EX", syntax),
            ("SET a 1 EX 1 KEEPTTL", syntax),
            ("SET a 1 PERSIST", syntax),
            ("SET a 1 FOO", syntax),
            ("SET a 1 EX 0", invalid),
            ("SET a 1 EXAT 9223372036854775807", invalid),
            ("SETEX a 0 1", "ERR invalid expire time in 'setex' command"),
            ("PSETEX a -1 1", "ERR invalid expire time in 'psetex' command"),
            ("SETEX a x 1", "ERR value is not an integer or out of range"),
            ("SET a 1 PX 1.5", "ERR value is not an integer or out of range"),
        ]);
    }

    #[test]
    fn deadlines_are_stated_since_1970_and_get_is_left_out() {
        let mut bench = Bench::new();
        let at = bench.now_ms() + 1000;
        let stated = format!("0: SET a 1 PXAT {at}");
        bench.expect_effects("SET a 1 EX 1", &[&stated]);
        bench.expect_effects("SET a 1 PX 1000 XX GET", &[&stated]);
        bench.expect_effects("SETEX a 1 1", &[&stated]);
        bench.expect_effects("PSETEX a 1000 1", &[&stated]);
        bench.expect_effects("SET a 3 XX GET", &["0: SET a 3 XX"]);
        bench.expect_effects("SET a 5 GET KEEPTTL", &["0: SET a 5 KEEPTTL"]);
        bench.expect_effects("SET a 5 KEEPTTL", &["0: SET a 5 KEEPTTL"]);
        bench.expect_effects("SET a 5 NX", &[]);
        bench.expect_effects("GETSET a 6", &["0: SET a 6"]);
        bench.expect_effects("SETNX b 6", &["0: SETNX b 6"]);
    }

    #[test]
    fn a_deadline_in_the_past_removes_the_key() {
        let mut bench = Bench::new();
        bench.expect_effects("SET a 1 PXAT 1", &[]);
        bench.expect(&[("SET a 1", "OK")]);
        bench.expect_effects("SET a 2 EXAT 1", &["0: DEL a"]);
        bench.expect(&[("EXISTS a", "0")]);
    }

    #[test]
    fn an_expired_value_is_no_old_value() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1 PX 10", "OK")]);
        bench.advance(10);
        bench.expect_effects("SET a 2 NX", &["0: DEL a", "0: SET a 2 NX"]);
        bench.expect(&[("SET a 1 PX 10", "OK")]);
        bench.advance(10);
        bench.expect_effects("SET a 2 XX", &["0: DEL a"]);
        bench.expect(&[("SET a 1 PX 10", "OK")]);
        bench.advance(10);
        bench.expect_effects("GETSET a 2", &["0: DEL a", "0: SET a 2"]);
    }
}
