//! Commands that count what several sets have together.

use std::ops::Range;

use super::algebra::{count_united, distinct, intersect, subtract};
use super::value::{look_up, sets_of};
use crate::base::text;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};

pub(super) const SINTERCARD: Command = Command {
    name: "sintercard",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
    keys: &[KeySpec::counted(1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "7.0.0",
    group: Group::Set,
    complexity: "O(N*M) at worst, N members in the smallest of M sets",
    summary: "Counts the members that several sets have in common.",
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key("key").multiple(),
        Argument::new("limit", ArgumentKind::Integer).after("LIMIT").optional(),
    ],
    run: sintercard,
    ..Command::DEFAULT
};

fn sintercard(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = Request::parse(context, false)?;
    let keys = look_up(context, request.keys)?;
    let sets = sets_of(&context.keys, &keys);
    let mut count = 0;
    intersect(&sets, |_| {
        count += 1;
        count < request.limit
    });
    context.reply.count(count);
    Ok(())
}

pub(super) const SUNIONCARD: Command = Command {
    name: "sunioncard",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
    keys: &[KeySpec::counted(1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "8.10.0",
    group: Group::Set,
    complexity: "O(N) in the members of all sets",
    summary: "Counts the members that at least one of several sets has.",
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key("key").multiple(),
        Argument::word("approx", "APPROX").optional(),
        Argument::new("limit", ArgumentKind::Integer).after("LIMIT").optional(),
    ],
    run: sunioncard,
    ..Command::DEFAULT
};

// APPROX permits an estimate; the exact number is one, too, and needs no memory for up to four sets.
fn sunioncard(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = Request::parse(context, true)?;
    let keys = look_up(context, request.keys)?;
    let sets = distinct(&sets_of(&context.keys, &keys));
    context.reply.count(count_united(&sets, request.limit));
    Ok(())
}

pub(super) const SDIFFCARD: Command = Command {
    name: "sdiffcard",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
    keys: &[KeySpec::counted(1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "8.10.0",
    group: Group::Set,
    complexity: "O(N*M) at worst, N members in the first of M sets",
    summary: "Counts the members of the first set that no other one has.",
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key("key").multiple(),
        Argument::new("limit", ArgumentKind::Integer).after("LIMIT").optional(),
    ],
    run: sdiffcard,
    ..Command::DEFAULT
};

fn sdiffcard(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = Request::parse(context, false)?;
    let keys = look_up(context, request.keys)?;
    let sets = sets_of(&context.keys, &keys);
    let mut count = 0;
    subtract(&sets, |_| {
        count += 1;
        count < request.limit
    });
    context.reply.count(count);
    Ok(())
}

/// What is to be counted.
struct Request {
    keys: Range<usize>,
    /// Where counting ends; the largest number for never.
    limit: usize,
}

impl Request {
    fn parse(context: &Context<'_>, may_approximate: bool) -> Result<Self, CommandError> {
        const FIRST: usize = 2;
        const NO_KEYS: CommandError = CommandError::refused("ERR numkeys should be greater than 0");
        const TOO_MANY: CommandError =
            CommandError::refused("ERR Number of keys can't be greater than number of args");
        const NEGATIVE: CommandError = CommandError::refused("ERR LIMIT can't be negative");
        let args = context.args;
        let count = text::parse_i64(args.at(1)).and_then(|count| usize::try_from(count).ok());
        let count = count.filter(|&count| count > 0).ok_or(NO_KEYS)?;
        if count > args.len() - FIRST {
            return Err(TOO_MANY);
        }
        let (mut limit, mut index) = (0, FIRST + count);
        while index < args.len() {
            if args.is_word(index, "LIMIT") && index + 1 < args.len() {
                index += 1;
                let number =
                    text::parse_i64(args.at(index)).and_then(|limit| limit.try_into().ok());
                limit = number.ok_or(NEGATIVE)?;
            } else if !(may_approximate && args.is_word(index, "APPROX")) {
                return Err(CommandError::Syntax);
            }
            index += 1;
        }
        let limit = if limit == 0 { usize::MAX } else { limit };
        Ok(Self { keys: FIRST..FIRST + count, limit })
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn members_are_counted_up_to_a_limit() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SADD a 1 2 3 x", "4"),
            ("SADD b 2 3 4", "3"),
            ("SADD c 7", "1"),
            ("SADD d 8", "1"),
            ("SADD e 9", "1"),
            ("SINTERCARD 2 a b", "2"),
            ("SINTERCARD 2 a b LIMIT 0", "2"),
            ("SINTERCARD 2 a b LIMIT 1", "1"),
            ("SINTERCARD 2 a b LIMIT 10", "2"),
            ("SINTERCARD 2 a none", "0"),
            ("SUNIONCARD 2 a b", "5"),
            ("SUNIONCARD 2 a b APPROX", "5"),
            ("SUNIONCARD 3 a b none LIMIT 3", "3"),
            ("SUNIONCARD 3 a b none LIMIT 5 APPROX", "5"),
            ("SUNIONCARD 5 a b c d e", "8"),
            ("SUNIONCARD 5 a b c d e LIMIT 7", "7"),
            ("SDIFFCARD 2 a b", "2"),
            ("SDIFFCARD 2 a b LIMIT 1", "1"),
            ("SDIFFCARD 2 none b", "0"),
        ]);
    }

    #[test]
    fn requests_that_make_no_sense_are_refused() {
        let mut bench = Bench::new();
        bench.say("SET string x");
        for command in ["SINTERCARD", "SUNIONCARD", "SDIFFCARD"] {
            for (rest, refusal) in [
                ("0 a", "ERR numkeys should be greater than 0"),
                ("x a", "ERR numkeys should be greater than 0"),
                ("-1 a", "ERR numkeys should be greater than 0"),
                ("2 a", "ERR Number of keys can't be greater than number of args"),
                ("1 a LIMIT -1", "ERR LIMIT can't be negative"),
                ("1 a LIMIT x", "ERR LIMIT can't be negative"),
                ("1 a LIMIT", "ERR syntax error"),
                ("1 a b", "ERR syntax error"),
                ("2 a string", "WRONGTYPE Operation against a key holding the wrong kind of value"),
            ] {
                assert_eq!(bench.say(&format!("{command} {rest}")), refusal, "{command} {rest}");
            }
        }
        assert_eq!(bench.say("SDIFFCARD 1 a APPROX"), "ERR syntax error");
    }
}
