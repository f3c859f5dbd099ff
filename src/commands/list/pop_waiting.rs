//! Commands that wait for an element to take.

use super::pop::{POPPED, PopWish, WHERE, pop_event, pop_name};
use super::value::{change, is_no_list, limits};
use crate::commands::string::reply_with;
use crate::commands::waiting::{give_up_at, serve_or_wait_for};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeySpec,
    Serve,
};
use crate::types::{End, ValueType};

const FLAGS: Flags = Flags::WRITE.and(Flags::BLOCKING);
const KEYS: &[KeySpec] = &[KeySpec::range(1, -2, 1, POPPED)];
const ARGUMENTS: &[Argument] =
    &[Argument::key("key").multiple(), Argument::new("timeout", ArgumentKind::Double)];

pub(super) const BLPOP: Command = Command {
    name: "blpop",
    arity: -3,
    flags: FLAGS,
    keys: KEYS,
    acl: Categories::LIST,
    since: "2.0.0",
    group: Group::List,
    complexity: "O(N) in the keys",
    summary: "Takes the first element of the first list that has any; waits for one.",
    arguments: ARGUMENTS,
    run: blpop,
    ..Command::DEFAULT
};

fn blpop(context: &mut Context<'_>) -> Result<(), CommandError> {
    pop_or_wait(context, pop_front_from)
}

pub(super) const BRPOP: Command = Command {
    name: "brpop",
    arity: -3,
    flags: FLAGS,
    keys: KEYS,
    acl: Categories::LIST,
    since: "2.0.0",
    group: Group::List,
    complexity: "O(N) in the keys",
    summary: "Takes the last element of the first list that has any; waits for one.",
    arguments: ARGUMENTS,
    run: brpop,
    ..Command::DEFAULT
};

fn brpop(context: &mut Context<'_>) -> Result<(), CommandError> {
    pop_or_wait(context, pop_back_from)
}

fn pop_or_wait(context: &mut Context<'_>, serve: Serve) -> Result<(), CommandError> {
    let last = context.args.len() - 1;
    let deadline_ms = give_up_at(context, last)?;
    serve_or_wait_for(ValueType::List, context, 1..last, deadline_ms, serve)
}

fn pop_front_from(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    pop_from(context, index, End::Front)
}

fn pop_back_from(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    pop_from(context, index, End::Back)
}

/// Replies with a key and the element at the end of its list, which it removes.
fn pop_from(context: &mut Context<'_>, index: usize, end: End) -> Result<bool, CommandError> {
    if is_no_list(context, index) {
        return Ok(false);
    }
    let (key, limits) = (context.key(index), limits(context));
    let reply = &mut *context.reply;
    let popped = change(&mut context.keys, &key, |list| {
        if let Some(value) = list.end(end) {
            reply.array(2);
            reply.bulk(key.bytes);
            reply_with(reply, value);
        }
        list.remove_end(end, &limits);
    })?;
    if popped.is_none() {
        return Ok(false);
    }
    context.effects.changed(1);
    context.notify_taken(pop_event(end), &key);
    context.effects.push(context.session.db, &[pop_name(end), key.bytes]);
    Ok(true)
}

pub(super) const BLMPOP: Command = Command {
    name: "blmpop",
    arity: -5,
    flags: FLAGS.and(Flags::MOVABLEKEYS),
    keys: &[KeySpec::counted(2, 1, POPPED)],
    acl: Categories::LIST,
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M) in the keys and the elements returned",
    summary: "Takes elements from the first of several lists that has any; waits for one.",
    arguments: &[
        Argument::new("timeout", ArgumentKind::Double),
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key("key").multiple(),
        WHERE,
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
    ],
    run: blmpop,
    ..Command::DEFAULT
};

fn blmpop(context: &mut Context<'_>) -> Result<(), CommandError> {
    let wish = PopWish::read(context.args, 2)?;
    let deadline_ms = give_up_at(context, 1)?;
    let keys = wish.first_key..wish.first_key + wish.key_count;
    serve_or_wait_for(ValueType::List, context, keys, deadline_ms, pop_many_from)
}

fn pop_many_from(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    if is_no_list(context, index) {
        return Ok(false);
    }
    PopWish::read(context.args, 2)?.pop_from(context, index)
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn what_is_there_is_taken_at_once() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l 1 2 3 4 5", "5"),
            ("BLPOP none l 0", "[\"l\", \"1\"]"),
            ("BRPOP none l 0", "[\"l\", \"5\"]"),
            ("BLMPOP 0 2 none l RIGHT COUNT 2", "[\"l\", [\"4\", \"3\"]]"),
        ]);
        bench.expect_effects("BLPOP none l 0", &["0: LPOP l"]);
        bench.say("RPUSH l 1 2");
        bench.expect_effects("BLMPOP 0 1 l LEFT COUNT 7", &["0: LPOP l 2"]);
    }

    #[test]
    fn who_may_not_wait_gets_nothing() {
        let mut bench = Bench::new();
        bench.session.refuses_to_wait = true;
        assert_eq!(bench.run(&[b"BLPOP", b"l", b"0"]), b"*-1\r\n");
        assert_eq!(bench.run(&[b"BLMPOP", b"0", b"1", b"l", b"LEFT"]), b"*-1\r\n");
        assert_eq!(bench.run(&[b"BLMOVE", b"l", b"m", b"LEFT", b"LEFT", b"0"]), b"$-1\r\n");
    }

    #[test]
    fn wrong_timeouts_are_refused() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("BLPOP l x", "ERR timeout is not a float or out of range"),
            ("BLPOP l nan", "ERR timeout is not a float or out of range"),
            ("BLPOP l -0.1", "ERR timeout is negative"),
            ("BLPOP l 1e300", "ERR timeout is out of range"),
            ("BLPOP l 9223372036854775", "ERR timeout is out of range"),
            ("BLMPOP x 0 l LEFT", "ERR numkeys should be greater than 0"),
            ("BLMPOP -1 1 l LEFT", "ERR timeout is negative"),
            ("SET s 1", "OK"),
            ("BLPOP s 0", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
