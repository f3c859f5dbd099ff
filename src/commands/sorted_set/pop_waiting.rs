//! Commands that wait for a member to take: BZPOPMIN, BZPOPMAX, BZMPOP.

use super::pop::{End, Layout, ManyKeys, POPPED, WHERE, pop};
use crate::commands::waiting::{give_up_at, serve_or_wait_for};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeySpec,
    Serve,
};
use crate::keyspace::Lookup;
use crate::types::ValueType;

const KEYS: &[KeySpec] = &[KeySpec::range(1, -2, 1, POPPED)];
const ARGUMENTS: &[Argument] =
    &[Argument::key("key").multiple(), Argument::new("timeout", ArgumentKind::Double)];

pub(super) const BZPOPMIN: Command = Command {
    name: "bzpopmin",
    arity: -3,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::FAST),
    keys: KEYS,
    acl: Categories::SORTEDSET,
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N members in the sorted set",
    summary: "Takes the member with the lowest score of the first sorted set that has any; waits for one.",
    arguments: ARGUMENTS,
    run: bzpopmin,
    ..Command::DEFAULT
};

fn bzpopmin(context: &mut Context<'_>) -> Result<(), CommandError> {
    pop_or_wait(context, pop_min_from)
}

pub(super) const BZPOPMAX: Command = Command {
    name: "bzpopmax",
    arity: -3,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::FAST),
    keys: KEYS,
    acl: Categories::SORTEDSET,
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N members in the sorted set",
    summary: "Takes the member with the highest score of the first sorted set that has any; waits for one.",
    arguments: ARGUMENTS,
    run: bzpopmax,
    ..Command::DEFAULT
};

fn bzpopmax(context: &mut Context<'_>) -> Result<(), CommandError> {
    pop_or_wait(context, pop_max_from)
}

fn pop_or_wait(context: &mut Context<'_>, serve: Serve) -> Result<(), CommandError> {
    let last = context.args.len() - 1;
    let deadline_ms = give_up_at(context, last)?;
    serve_or_wait_for(ValueType::SortedSet, context, 1..last, deadline_ms, serve)
}

fn pop_min_from(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    pop_from(context, index, End::Min)
}

fn pop_max_from(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    pop_from(context, index, End::Max)
}

fn pop_from(context: &mut Context<'_>, index: usize, end: End) -> Result<bool, CommandError> {
    if !is_sorted_set(context, index) {
        return Ok(false);
    }
    let (key, wanted) = (context.key(index), (end, 1));
    let (reply, effects) = (&mut *context.reply, &mut *context.effects);
    let taken = pop(&mut context.keys, &key, wanted, Layout::KeyFlat, reply, effects)?;
    if taken > 0 {
        context.notify_taken(end.event(), &key);
        context.effects.push(context.session.db, &[end.command(), key.bytes]);
    }
    Ok(taken > 0)
}

/// Says whether a key holds a sorted set: a waiter does not care for anything else.
fn is_sorted_set(context: &mut Context<'_>, index: usize) -> bool {
    let key = context.key(index);
    let found = context.keys.get(&key, Lookup::PEEK);
    found.is_some_and(|entry| entry.value_type() == ValueType::SortedSet)
}

pub(super) const BZMPOP: Command = Command {
    name: "bzmpop",
    arity: -5,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS),
    keys: &[KeySpec::counted(2, 1, POPPED)],
    acl: Categories::SORTEDSET,
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K)+O(M*log(N)) for K keys and M members of N in the sorted set",
    summary: "Takes the lowest or highest members of the first sorted set that has any; waits for one.",
    arguments: &[
        Argument::new("timeout", ArgumentKind::Double),
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key("key").multiple(),
        WHERE,
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
    ],
    run: bzmpop,
    ..Command::DEFAULT
};

fn bzmpop(context: &mut Context<'_>) -> Result<(), CommandError> {
    let keys = ManyKeys::parse(context, 2)?.keys();
    let deadline_ms = give_up_at(context, 1)?;
    serve_or_wait_for(ValueType::SortedSet, context, keys, deadline_ms, pop_many_from)
}

fn pop_many_from(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    if !is_sorted_set(context, index) {
        return Ok(false);
    }
    ManyKeys::parse(context, 2)?.pop_from(context, index)
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn what_is_there_is_taken_at_once() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e", "5"),
            ("BZPOPMIN none z 0", "[\"z\", \"a\", \"1\"]"),
            ("BZPOPMAX none z 0", "[\"z\", \"e\", \"5\"]"),
            ("BZMPOP 0 2 none z MAX COUNT 2", "[\"z\", [[\"d\", \"4\"], [\"c\", \"3\"]]]"),
        ]);
        bench.expect_effects("BZPOPMIN none z 0", &["0: ZPOPMIN z"]);
        bench.say("ZADD z 1 a 2 b");
        bench.expect_effects("BZMPOP 0 1 z MIN COUNT 7", &["0: ZPOPMIN z 2"]);
    }

    #[test]
    fn who_may_not_wait_gets_nothing() {
        let mut bench = Bench::new();
        bench.session.refuses_to_wait = true;
        assert_eq!(bench.run(&[b"BZPOPMIN", b"z", b"0"]), b"*-1\r\n");
        assert_eq!(bench.run(&[b"BZMPOP", b"0", b"1", b"z", b"MIN"]), b"*-1\r\n");
        bench.expect(&[
            ("SET s x", "OK"),
            ("BZPOPMIN s 0", "WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("BZPOPMIN z x", "ERR timeout is not a float or out of range"),
            ("BZMPOP x 0 z MIN", "ERR numkeys should be greater than 0"),
            ("BZMPOP x 1 z MIN", "ERR timeout is not a float or out of range"),
        ]);
    }
}
