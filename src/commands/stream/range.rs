//! Entries by identifier: XLEN, XRANGE, XREVRANGE.

use super::value::{find, integer, range_end, range_start, reply_entries};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::types::StreamId;

const COUNT: Argument = Argument::new("count", ArgumentKind::Integer).after("COUNT").optional();

pub(super) const XLEN: Command = Command {
    name: "xlen",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    summary: "Counts the entries of a stream.",
    arguments: &[Argument::key("key")],
    run: xlen,
    ..Command::DEFAULT
};

fn xlen(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let count = find(context, &key)?.map_or(0, |stream| stream.log().len());
    context.reply.integer(count.cast_signed());
    Ok(())
}

pub(super) const XRANGE: Command = Command {
    name: "xrange",
    arity: -4,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N) in the entries returned, plus finding the first",
    summary: "Returns the entries of a stream between two identifiers.",
    arguments: &[
        Argument::key("key"),
        Argument::new("start", ArgumentKind::String),
        Argument::new("end", ArgumentKind::String),
        COUNT,
    ],
    run: xrange,
    ..Command::DEFAULT
};

fn xrange(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let (start, end) = (range_start(args.at(2))?, range_end(args.at(3))?);
    reply_range(context, start, end, Direction::Forward)
}

pub(super) const XREVRANGE: Command = Command {
    name: "xrevrange",
    arity: -4,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N) in the entries returned, plus finding the first",
    summary: "Returns the entries of a stream between two identifiers, the last one first.",
    arguments: &[
        Argument::key("key"),
        Argument::new("end", ArgumentKind::String),
        Argument::new("start", ArgumentKind::String),
        COUNT,
    ],
    run: xrevrange,
    ..Command::DEFAULT
};

fn xrevrange(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let (start, end) = (range_start(args.at(3))?, range_end(args.at(2))?);
    reply_range(context, start, end, Direction::Backward)
}

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Backward,
}

/// Returns the number behind COUNT; no number means all.
fn count_of(args: Args<'_>) -> Result<Option<usize>, CommandError> {
    let (mut count, mut at) = (None, 4);
    while at < args.len() {
        if !args.is_word(at, "COUNT") || at + 1 == args.len() {
            return Err(CommandError::Syntax);
        }
        count = Some(usize::try_from(integer(args.at(at + 1))?).unwrap_or(0));
        at += 2;
    }
    Ok(count)
}

fn reply_range(
    context: &mut Context<'_>,
    start: StreamId,
    end: StreamId,
    direction: Direction,
) -> Result<(), CommandError> {
    let count = count_of(context.args)?;
    let key = context.key(1);
    let found = context.keys.get(&key, crate::keyspace::Lookup::READ);
    let reply = &mut *context.reply;
    let Some(entry) = found else {
        reply.array(0);
        return Ok(());
    };
    let log = super::value::stream_of(entry)?.log();
    let count = count.unwrap_or(usize::MAX);
    match direction {
        _ if count == 0 => reply.null_array(),
        Direction::Forward => reply_entries(reply, log.range(start, end).take(count)),
        Direction::Backward => reply_entries(reply, log.range_back(start, end).take(count)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn filled() -> Bench {
        let mut bench = Bench::with_settings("stream-node-max-entries 2");
        for ms in 1..=5 {
            bench.say(&format!("XADD s {ms}-1 f {ms}"));
        }
        bench
    }

    fn ids(bench: &mut Bench, line: &str) -> Vec<String> {
        let reply = bench.say(line);
        let ids = reply.split('"').filter(|part| part.ends_with("-1"));
        ids.map(str::to_owned).collect()
    }

    #[test]
    fn ranges_run_both_ways() {
        let mut bench = filled();
        assert_eq!(ids(&mut bench, "XRANGE s - +"), ["1-1", "2-1", "3-1", "4-1", "5-1"]);
        assert_eq!(ids(&mut bench, "XREVRANGE s + - COUNT 2"), ["5-1", "4-1"]);
        assert_eq!(ids(&mut bench, "XRANGE s 2 4"), ["2-1", "3-1", "4-1"]);
        assert_eq!(ids(&mut bench, "XRANGE s (2-1 (4-1"), ["3-1"]);
        assert_eq!(ids(&mut bench, "XREVRANGE s (4-1 2-1"), ["3-1", "2-1"]);
        assert_eq!(ids(&mut bench, "XRANGE s 4 2"), [""; 0]);
        bench.expect(&[
            ("XLEN s", "5"),
            ("XLEN none", "0"),
            ("XRANGE s 1 1", "[[\"1-1\", [\"f\", \"1\"]]]"),
            ("XRANGE s - + COUNT 0", "(nil)"),
            ("XRANGE s - + COUNT -5", "(nil)"),
            ("XRANGE none - + COUNT 0", "[]"),
            ("XRANGE s - (0-0", "ERR invalid end ID for the interval"),
            ("XRANGE s ( +", "ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s - + COUNT x", "ERR value is not an integer or out of range"),
            ("XRANGE s - + COUNT", "ERR syntax error"),
        ]);
    }
}
