//! Whether keys exist, what they are, and their removal.

use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Event, Flags, KeyFlags, KeySpec,
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
        if context.keys.remove(&key).is_some() {
            count += 1;
            context.notify(Event::DEL, &key);
        }
    }
    context.effects.changed(count);
    context.reply.integer(count.cast_signed());
    Ok(())
}

pub(super) const UNLINK: Command = Command {
    name: "unlink",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RM.and(KeyFlags::DELETE))],
    acl: Categories::KEYSPACE,
    since: "4.0.0",
    complexity: "O(N) in the keys",
    summary: "Removes keys like DEL, leaving the freeing of memory to another thread.",
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[Argument::key("key").multiple()],
    run: del,
    ..Command::DEFAULT
};

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
        count += usize::from(context.keys.get(&key, Lookup::NO_TOUCH).is_some());
    }
    context.reply.count(count);
    Ok(())
}

pub(super) const TOUCH: Command = Command {
    name: "touch",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    acl: Categories::KEYSPACE,
    since: "3.2.1",
    complexity: "O(N) in the keys",
    summary: "Counts which of the keys exist and stamps them as used now.",
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[Argument::key("key").multiple()],
    run: touch,
    ..Command::DEFAULT
};

fn touch(context: &mut Context<'_>) -> Result<(), CommandError> {
    // Even a client that leaves no traces otherwise (CLIENT NO-TOUCH) means this one.
    let aging = context.keys.access().aging;
    let mut count = 0;
    for index in 1..context.args.len() {
        let key = context.key(index);
        if let Some(entry) = context.keys.get(&key, Lookup::NO_TOUCH) {
            aging.touch(entry);
            count += 1;
        }
    }
    context.reply.count(count);
    Ok(())
}

pub(super) const TYPE: Command = Command {
    name: "type",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    summary: "Names the type of a key's value.",
    arguments: &[Argument::key("key")],
    run: type_of,
    ..Command::DEFAULT
};

fn type_of(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let entry = context.keys.get(&key, Lookup::NO_TOUCH);
    context.reply.simple(entry.map_or("none", |entry| entry.value_type().name()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn keys_are_counted_and_removed() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("MSET a 1 b 2 c 3", "OK"),
            ("EXISTS a a b none", "3"),
            ("TOUCH a b none", "2"),
            ("TYPE a", "string"),
            ("TYPE none", "none"),
        ]);
        bench.expect_effects("DEL a a none", &["0: DEL a a none"]);
        bench.expect_effects("UNLINK b c", &["0: UNLINK b c"]);
        bench.expect_effects("UNLINK b c", &[]);
        bench.expect(&[("DEL a", "0"), ("EXISTS a b c", "0")]);
    }

    #[test]
    fn an_expired_key_does_not_count() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1 PX 10", "OK")]);
        bench.advance(10);
        bench.expect_effects("DEL a", &["0: DEL a"]);
        bench.expect(&[("SET a 1 PX 10", "OK")]);
        bench.advance(10);
        bench.expect(&[("EXISTS a", "0"), ("TYPE a", "none"), ("TOUCH a", "0")]);
    }
}
