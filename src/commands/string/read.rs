//! Commands that read strings.

use super::value::{reply_with, string_of};
use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Flags, Group, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;

pub(super) const GET: Command = Command {
    name: "get",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    summary: "Reads the string of a key.",
    arguments: &[Argument::key("key")],
    run: get,
    ..Command::DEFAULT
};

fn get(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    match context.keys.get(&key, Lookup::READ) {
        Some(entry) => reply_with(context.reply, string_of(entry)?),
        None => context.reply.null(),
    }
    Ok(())
}

pub(super) const STRLEN: Command = Command {
    name: "strlen",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    acl: Categories::STRING,
    since: "2.2.0",
    group: Group::String,
    summary: "Counts the bytes of a string.",
    arguments: &[Argument::key("key")],
    run: strlen,
    ..Command::DEFAULT
};

fn strlen(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let length = match context.keys.get(&key, Lookup::READ) {
        Some(entry) => string_of(entry)?.len(),
        None => 0,
    };
    context.reply.integer(length.cast_signed() as i64);
    Ok(())
}
