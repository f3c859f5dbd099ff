//! Commands that store one string.

use super::options::{Condition, Dialect, Expiry, Options};
use super::value::{reply_with, string_of};
use crate::commands::deadline::TimeForm;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::{Entry, Key, Lookup};
use crate::types::{IntegerText, StringValue};

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
    summary: "Stores a string under a key, whatever was there, perhaps on a condition and with a deadline.",
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
    context.reply.ok();
    Ok(())
}

#[inline(never)]
fn set_with_options(context: &mut Context<'_>) -> Result<(), CommandError> {
    let options = Options::parse(context.args, 3, Dialect::Set)?;
    let deadline_ms = match options.expiry {
        Expiry::At(form, number) => Some(form.positive(number, context.now_ms, "set")?),
        _ => None,
    };
    let key = context.key(1);
    let (args, reply) = (context.args, &mut *context.reply);
    let old = context.keys.get(&key, Lookup::PEEK);
    if options.returns_old {
        match old {
            Some(entry) => reply_with(reply, string_of(entry)?),
            None => reply.null(),
        }
    }
    let kept_ms = old.and_then(Entry::deadline_ms);
    if !allows(options.condition, old)? {
        if !options.returns_old {
            reply.null();
        }
        return Ok(());
    }
    let deadline_ms = if options.expiry == Expiry::Keep { kept_ms } else { deadline_ms };
    context.keys.set(&key, StringValue::from_bytes(args.at(2)), deadline_ms);
    context.effects.changed(1);
    if !options.returns_old {
        context.reply.ok();
    }
    state_set(context, &options, deadline_ms);
    Ok(())
}

/// Says whether the condition holds over what is there now.
fn allows(condition: Condition<'_>, old: Option<&Entry>) -> Result<bool, CommandError> {
    Ok(match (condition, old) {
        (Condition::Always, _) => true,
        (Condition::IfAbsent, old) => old.is_none(),
        (Condition::IfPresent, old) => old.is_some(),
        (Condition::IfEqual(_), None) => false,
        (Condition::IfEqual(wanted), Some(entry)) => {
            string_of(entry)?.bytes(&mut IntegerText::new()) == wanted
        }
    })
}

/// States the effect of SET: a deadline becomes absolute, GET is left out.
fn state_set(context: &mut Context<'_>, options: &Options<'_>, deadline_ms: Option<u64>) {
    let (args, db) = (context.args, context.session.db);
    if let (Expiry::At(..), Some(deadline_ms)) = (options.expiry, deadline_ms) {
        state_deadline(context, args.at(1), args.at(2), deadline_ms);
    } else if options.returns_old {
        let words: Vec<&[u8]> = args
            .iter()
            .enumerate()
            .filter(|(index, word)| *index < 3 || !word.eq_ignore_ascii_case(b"GET"))
            .map(|(_, word)| word)
            .collect();
        context.effects.push(db, &words);
    }
}

/// States that a key got a value and a deadline.
fn state_deadline(context: &mut Context<'_>, key: &[u8], value: &[u8], deadline_ms: u64) {
    let db = context.session.db;
    let mut digits = itoa::Buffer::new();
    let at = digits.format(deadline_ms).as_bytes();
    context.effects.push(db, &[b"SET", key, value, b"PXAT", at]);
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
    run: setnx,
    ..Command::DEFAULT
};

fn setnx(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let is_free = context.keys.get(&key, Lookup::PEEK).is_none();
    if is_free {
        context.keys.set(&key, StringValue::from_bytes(context.args.at(2)), None);
        context.effects.changed(1);
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
    run: psetex,
    ..Command::DEFAULT
};

fn psetex(context: &mut Context<'_>) -> Result<(), CommandError> {
    set_for(context, TimeForm::PX)
}

/// Stores the third argument with the time to live that the second one spells.
fn set_for(context: &mut Context<'_>, form: TimeForm) -> Result<(), CommandError> {
    let (args, key) = (context.args, context.key(1));
    let deadline_ms = form.positive(args.at(2), context.now_ms, context.command_name())?;
    context.keys.set(&key, StringValue::from_bytes(args.at(3)), Some(deadline_ms));
    context.effects.changed(1);
    state_deadline(context, args.at(1), args.at(3), deadline_ms);
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
    run: getset,
    ..Command::DEFAULT
};

fn getset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (args, key) = (context.args, context.key(1));
    reply_with_old(context, &key)?;
    context.keys.set(&key, StringValue::from_bytes(args.at(2)), None);
    context.effects.changed(1);
    context.effects.push(context.session.db, &[b"SET", args.at(1), args.at(2)]);
    Ok(())
}

fn reply_with_old(context: &mut Context<'_>, key: &Key<'_>) -> Result<(), CommandError> {
    match context.keys.get(key, Lookup::READ) {
        Some(entry) => reply_with(context.reply, string_of(entry)?),
        None => context.reply.null(),
    }
    Ok(())
}
