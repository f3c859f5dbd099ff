//! Whether keys exist, and their removal.

use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Flags, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;

pub(super) const DEL: Command = Command {
    name: "del",
    arity: -2,
    flags: Flags::WRITE,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RM.and(KeyFlags::DELETE))],
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    complexity: "O(N) in the keys; values of many elements are freed by another thread",
    summary: "Removes keys and says how many were there.",
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[Argument::key("key").multiple()],
    run: del,
    ..Command::DEFAULT
};

fn del(context: &mut Context<'_>) -> Result<(), CommandError> {
    let mut count = 0;
    for index in 1..context.args.len() {
        let key = context.key(index);
        count += u64::from(context.keys.remove(&key).is_some());
    }
    context.effects.changed(count);
    context.reply.integer(count.cast_signed());
    Ok(())
}

pub(super) const EXISTS: Command = Command {
    name: "exists",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    complexity: "O(N) in the keys",
    summary: "Counts how many of the given keys exist, repetitions included.",
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[Argument::key("key").multiple()],
    run: exists,
    ..Command::DEFAULT
};

fn exists(context: &mut Context<'_>) -> Result<(), CommandError> {
    let mut count = 0;
    for index in 1..context.args.len() {
        let key = context.key(index);
        count += i64::from(context.keys.get(&key, Lookup::NO_TOUCH).is_some());
    }
    context.reply.integer(count);
    Ok(())
}
