//! Commands that read strings.

use super::value::{reply_with, reply_with_value, string_of};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::{IntegerText, StringRef, ValueType};

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
    reply_with_value(context, &key)?;
    Ok(())
}

pub(super) const MGET: Command = Command {
    name: "mget",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    complexity: "O(N) in the keys",
    summary: "Reads the strings of several keys at once.",
    tips: &["request_policy:multi_shard"],
    arguments: &[Argument::key("key").multiple()],
    run: mget,
    ..Command::DEFAULT
};

fn mget(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.array(context.args.len() - 1);
    for index in 1..context.args.len() {
        let key = context.key(index);
        match context.keys.get(&key, Lookup::READ) {
            Some(entry) if entry.value_type() == ValueType::String => {
                reply_with(context.reply, entry.string());
            }
            _ => context.reply.null(),
        }
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
    context.reply.count(length);
    Ok(())
}

pub(super) const GETRANGE: Command = Command {
    name: "getrange",
    arity: 4,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STRING,
    since: "2.4.0",
    group: Group::String,
    complexity: "O(N) in the bytes returned",
    summary: "Reads part of a string, by positions of its first and last byte.",
    arguments: &[
        Argument::key("key"),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("end", ArgumentKind::Integer),
    ],
    run: getrange,
    ..Command::DEFAULT
};

fn getrange(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (first, last) = (context.integer(2)?, context.integer(3)?);
    let key = context.key(1);
    let Some(entry) = context.keys.get(&key, Lookup::READ) else {
        context.reply.bulk(b"");
        return Ok(());
    };
    let value = string_of(entry)?;
    let Some((first, end)) = range_of(first, last, value.len()) else {
        context.reply.bulk(b"");
        return Ok(());
    };
    match value {
        StringRef::Shared(bytes) => context.reply.bulk_shared(bytes.slice(first..end)),
        other => context.reply.bulk(&other.bytes(&mut IntegerText::new())[first..end]),
    }
    Ok(())
}

pub(super) const SUBSTR: Command = Command {
    name: "substr",
    arity: 4,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STRING,
    since: "1.0.0",
    group: Group::String,
    complexity: "O(N) in the bytes returned",
    summary: "Reads part of a string; the old name of GETRANGE.",
    arguments: &[
        Argument::key("key"),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("end", ArgumentKind::Integer),
    ],
    deprecated: Some(("2.0.0", "`GETRANGE`")),
    run: getrange,
    ..Command::DEFAULT
};

/// Returns the positions of the first byte and behind the last one; negative numbers count from the
/// end. `None` when nothing lies between them.
fn range_of(first: i64, last: i64, length: usize) -> Option<(usize, usize)> {
    let count = i64::try_from(length).ok()?;
    if first < 0 && last < 0 && first > last {
        return None;
    }
    let from_start = |position: i64| {
        let position = if position < 0 { position.saturating_add(count) } else { position };
        position.max(0)
    };
    let (first, last) = (from_start(first), from_start(last).min(count - 1));
    if first > last || count == 0 {
        return None;
    }
    Some((usize::try_from(first).ok()?, usize::try_from(last + 1).ok()?))
}

#[cfg(test)]
mod tests {
    use super::range_of;
    use crate::commands::testing::Bench;

    #[test]
    fn ranges_count_from_both_ends() {
        for (first, last, expected) in [
            (0, -1, Some((0, 10))),
            (-3, -1, Some((7, 10))),
            (5, 3, None),
            (-1, -5, None),
            (-100, -200, None),
            (0, 100, Some((0, 10))),
            (-100, 2, Some((0, 3))),
            (-100, -50, Some((0, 1))),
            (i64::MAX, i64::MAX, None),
            (i64::MIN, i64::MAX, Some((0, 10))),
        ] {
            assert_eq!(range_of(first, last, 10), expected, "{first} {last}");
        }
        assert_eq!(range_of(0, -1, 0), None);
    }

    #[test]
    fn what_is_not_there_reads_as_nothing() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("GET a", "(nil)"),
            ("STRLEN a", "0"),
            ("GETRANGE a 0 -1", "\"\""),
            ("GETRANGE a x 1", "ERR value is not an integer or out of range"),
            ("SET a 12345", "OK"),
            ("SET b Hello", "OK"),
            ("MGET a none b a", "[\"12345\", (nil), \"Hello\", \"12345\"]"),
            ("GETRANGE a 1 2", "\"23\""),
            ("SUBSTR b 1 -2", "\"ell\""),
            ("STRLEN a", "5"),
        ]);
        bench.speak_resp3();
        assert_eq!(bench.run(&[b"GET", b"none"]), b"_\r\n");
    }

    #[test]
    fn large_values_are_read_whole_and_in_parts() {
        let mut bench = Bench::new();
        let value: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[1]).collect();
        bench.run(&[b"SET", b"a", &value]);
        assert_eq!(bench.say("STRLEN a"), "100000");
        let reply = bench.run(&[b"GETRANGE", b"a", b"1000", b"50999"]);
        assert_eq!(&reply[..8], b"$50000\r\n");
        assert_eq!(&reply[8..50_008], &value[1000..51_000]);
        assert_eq!(bench.run(&[b"GET", b"a"]).len(), 100_000 + "$100000\r\n\r\n".len());
    }

    #[test]
    fn an_expired_key_is_removed_by_its_first_reader() {
        let mut bench = Bench::new();
        bench.say("SET a 1 PX 10");
        bench.advance(9);
        bench.expect_effects("GET a", &[]);
        bench.advance(1);
        assert_eq!(bench.engine.keyspace.key_count(0), 1);
        bench.expect_effects("GET a", &["0: DEL a"]);
        assert_eq!(bench.engine.keyspace.key_count(0), 0);
        bench.expect_effects("GET a", &[]);
    }
}
