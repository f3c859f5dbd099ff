//! Commands that read one set.

use super::value::{read, reply_with, reply_with_all};
use crate::commands::scan::{ScanOf, ScanOptions, parse_cursor, reply_step};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::{Collection, IntegerText, Set};

pub(super) const SCARD: Command = Command {
    name: "scard",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    summary: "Counts the members of a set.",
    arguments: &[Argument::key("key")],
    run: scard,
    ..Command::DEFAULT
};

fn scard(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = read(context, 1)?.map_or(0, Set::len);
    context.reply.count(count);
    Ok(())
}

pub(super) const SISMEMBER: Command = Command {
    name: "sismember",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    summary: "Says whether a set has a member.",
    arguments: &[Argument::key("key"), Argument::new("member", ArgumentKind::String)],
    member_at: 2,
    run: sismember,
    ..Command::DEFAULT
};

fn sismember(context: &mut Context<'_>) -> Result<(), CommandError> {
    let member = context.args.at(2);
    let is_member = read(context, 1)?.is_some_and(|set| set.contains(member));
    context.reply.integer(i64::from(is_member));
    Ok(())
}

pub(super) const SMISMEMBER: Command = Command {
    name: "smismember",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "6.2.0",
    group: Group::Set,
    complexity: "O(N) in the members asked for",
    summary: "Says of several texts whether a set has them as members.",
    arguments: &[Argument::key("key"), Argument::new("member", ArgumentKind::String).multiple()],
    short_args_max: usize::MAX,
    member_at: 2,
    run: smismember,
    ..Command::DEFAULT
};

fn smismember(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, members) = (context.key(1), context.args.from(2));
    let set = context.keys.get(&key, Lookup::READ).map(super::value::set_of).transpose()?;
    context.reply.array(members.len());
    for member in members.iter() {
        let is_member = set.is_some_and(|set| set.contains(member));
        context.reply.integer(i64::from(is_member));
    }
    Ok(())
}

pub(super) const SMEMBERS: Command = Command {
    name: "smembers",
    arity: 2,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) in the members of the set",
    summary: "Lists all members of a set.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key")],
    run: smembers,
    ..Command::DEFAULT
};

fn smembers(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    match context.keys.get(&key, Lookup::READ).map(super::value::set_of).transpose()? {
        Some(set) => reply_with_all(context.reply, set),
        None => context.reply.set(0),
    }
    Ok(())
}

pub(super) const SSCAN: Command = Command {
    name: "sscan",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "2.8.0",
    group: Group::Set,
    complexity: "O(1) for a call with the default count, O(N) for a whole round of N members",
    summary: "Lists the members of a set in steps, from cursor to cursor.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::new("cursor", ArgumentKind::Integer),
        Argument::new("pattern", ArgumentKind::Pattern).after("MATCH").optional(),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
    ],
    run: sscan,
    ..Command::DEFAULT
};

fn sscan(context: &mut Context<'_>) -> Result<(), CommandError> {
    let cursor = parse_cursor(context.args.at(2))?;
    let mut found = ReplyBuffer::with_protocol(context.reply.protocol());
    if read(context, 1)?.is_none() {
        reply_step(context.reply, 0, 0, found);
        return Ok(());
    }
    let options = ScanOptions::parse(context, 3, ScanOf::Members)?;
    let (mut count, mut digits) = (0, IntegerText::new());
    let key = context.key(1);
    let set = context.keys.peek(&key).and_then(|entry| entry.collection::<Set>());
    let next = set.map_or(0, |set| {
        set.scan(cursor, options.count, |member| {
            if options.matches(member.bytes(&mut digits)) {
                reply_with(&mut found, member);
                count += 1;
            }
        })
    });
    reply_step(context.reply, next, count, found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::commands::testing::Bench;

    #[test]
    fn what_is_not_there_has_no_members() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SCARD none", "0"),
            ("SISMEMBER none a", "0"),
            ("SMISMEMBER none a b", "[0, 0]"),
            ("SMEMBERS none", "[]"),
            ("SADD s 1 a", "2"),
            ("SISMEMBER s 1", "1"),
            ("SISMEMBER s 01", "0"),
            ("SMISMEMBER s a 2 1", "[1, 0, 1]"),
            ("SADD i 3 -1 2", "3"),
            ("SMEMBERS i", "[\"-1\", \"2\", \"3\"]"),
        ]);
        bench.speak_resp3();
        assert_eq!(bench.run(&[b"SMEMBERS", b"i"]), b"~3\r\n$2\r\n-1\r\n$1\r\n2\r\n$1\r\n3\r\n");
        assert_eq!(bench.run(&[b"SMEMBERS", b"none"]), b"~0\r\n");
    }

    #[test]
    fn another_type_is_refused() {
        let mut bench = Bench::new();
        bench.say("SET string x");
        for line in [
            "SCARD string",
            "SISMEMBER string a",
            "SMISMEMBER string a",
            "SMEMBERS string",
            "SSCAN string 0",
        ] {
            assert!(bench.say(line).starts_with("WRONGTYPE "), "{line}");
        }
    }

    #[test]
    fn a_scan_lists_every_member_once() {
        let mut bench = Bench::new();
        for number in 0..1_000 {
            bench.say(&format!("SADD big member:{number}"));
        }
        for (options, expected) in [("", 1_000), ("COUNT 100", 1_000), ("MATCH *:1??", 100)] {
            let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
            loop {
                let reply = bench.say(&format!("SSCAN big {cursor} {options}"));
                let (next, members) = reply[1..].split_once(", ").expect("a cursor and members");
                let members = members.trim_matches(['[', ']']).split(", ");
                for member in members.filter(|member| !member.is_empty()) {
                    assert!(seen.insert(member.to_owned()), "{member} twice");
                }
                cursor = next.trim_matches('"').to_owned();
                if cursor == "0" {
                    break;
                }
            }
            assert_eq!(seen.len(), expected, "{options}");
        }
    }

    #[test]
    fn a_scan_checks_its_arguments_in_the_originals_order() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SADD s 1 2", "2"),
            ("SET string x", "OK"),
            ("SSCAN s x COUNT x", "ERR invalid cursor"),
            ("SSCAN none 0 COUNT x", "[\"0\", []]"),
            ("SSCAN s 0 COUNT x", "ERR value is not an integer or out of range"),
            ("SSCAN s 0 COUNT 0", "ERR syntax error"),
            ("SSCAN s 0 TYPE set", "ERR syntax error"),
            ("SSCAN s 0 NOVALUES", "ERR NOVALUES option can only be used in HSCAN"),
            ("SSCAN s 5 MATCH 1*", "[\"0\", [\"1\"]]"),
        ]);
    }
}
