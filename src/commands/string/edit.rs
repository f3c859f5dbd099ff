//! Edits of strings in place: APPEND and SETRANGE.

use super::value::{check_length, string_of};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::types::StringValue;

pub(super) const APPEND: Command = Command {
    name: "append",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    acl: Categories::STRING,
    since: "2.0.0",
    group: Group::String,
    complexity: "O(1) amortized",
    summary: "Adds bytes at the end of a string, which it creates if needed.",
    arguments: &[Argument::key("key"), Argument::new("value", ArgumentKind::String)],
    run: append,
    ..Command::DEFAULT
};

fn append(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, added, engine) = (context.key(1), context.args.at(2), context.engine);
    let length = match context.keys.get_mut(&key) {
        Some(mut entry) => {
            let end = string_of(&entry)?.len();
            check_length(engine, end, added.len())?;
            entry.write_range(end, added)
        }
        None => {
            context.keys.set(&key, StringValue::from_bytes(added), None);
            added.len()
        }
    };
    context.effects.changed(1);
    context.notify(Event::APPEND, &key);
    context.reply.count(length);
    Ok(())
}

pub(super) const SETRANGE: Command = Command {
    name: "setrange",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "2.2.0",
    group: Group::String,
    complexity: "O(N) in the bytes written, plus a copy when the string must move",
    summary: "Overwrites part of a string from a position on, filling up with zero bytes.",
    arguments: &[
        Argument::key("key"),
        Argument::new("offset", ArgumentKind::Integer),
        Argument::new("value", ArgumentKind::String),
    ],
    run: setrange,
    ..Command::DEFAULT
};

fn setrange(context: &mut Context<'_>) -> Result<(), CommandError> {
    const BAD_OFFSET: CommandError = CommandError::refused("ERR offset is out of range");
    let offset = usize::try_from(context.integer(2)?).map_err(|_| BAD_OFFSET)?;
    let (key, bytes) = (context.key(1), context.args.at(3));
    let engine = context.engine;
    let length = match context.keys.get_mut(&key) {
        Some(entry) if bytes.is_empty() => string_of(&entry)?.len(),
        Some(mut entry) => {
            string_of(&entry)?;
            check_length(engine, offset, bytes.len())?;
            entry.write_range(offset, bytes)
        }
        None if bytes.is_empty() => 0,
        None => {
            check_length(engine, offset, bytes.len())?;
            context.keys.set(&key, StringValue::edited(b""), None);
            let created = context.keys.get_mut(&key);
            created.map_or(0, |mut entry| entry.write_range(offset, bytes))
        }
    };
    if !bytes.is_empty() {
        context.effects.changed(1);
        context.notify(Event::SETRANGE, &key);
    }
    context.reply.count(length);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn appending_grows_a_string_and_keeps_its_deadline() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("APPEND n 12", "2"),
            ("OBJECT ENCODING n", "\"int\""),
            ("APPEND n 3", "3"),
            ("OBJECT ENCODING n", "\"raw\""),
            ("INCR n", "124"),
            ("SET a Hello PX 1000", "OK"),
            ("APPEND a World", "10"),
            ("GET a", "\"HelloWorld\""),
            ("PTTL a", "1000"),
        ]);
        bench.expect_effects("APPEND a !", &["0: APPEND a !"]);
        assert_eq!(bench.tell(&[b"APPEND", b"empty", b""]), "0");
        assert_eq!(bench.say("EXISTS empty"), "1");
    }

    #[test]
    fn ranges_fill_up_with_zeros() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SETRANGE a 3 x", "4"),
            ("GET a", "\"\\x00\\x00\\x00x\""),
            ("SETRANGE a 1 yz", "4"),
            ("GET a", "\"\\x00yzx\""),
            ("SETRANGE a -1 x", "ERR offset is out of range"),
            ("SETRANGE a x x", "ERR value is not an integer or out of range"),
            ("SET n 1234", "OK"),
            ("SETRANGE n 1 0", "4"),
            ("GET n", "\"1034\""),
            ("OBJECT ENCODING n", "\"raw\""),
        ]);
        assert_eq!(bench.tell(&[b"SETRANGE", b"none", b"5", b""]), "0");
        assert_eq!(bench.say("EXISTS none"), "0");
        assert_eq!(bench.tell(&[b"SETRANGE", b"a", b"536870912", b""]), "4");
    }

    #[test]
    fn no_string_grows_beyond_what_the_protocol_carries() {
        let mut bench = Bench::new();
        let too_long = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        bench.expect(&[
            ("SETRANGE a 536870912 x", too_long),
            ("SETRANGE a 9223372036854775807 x", too_long),
            ("EXISTS a", "0"),
        ]);
    }

    #[test]
    fn a_large_string_grows_piece_by_piece() {
        let mut bench = Bench::new();
        let piece = vec![b'x'; 3000];
        let mut length = 0;
        for _ in 0..20 {
            length += piece.len();
            assert_eq!(bench.tell(&[b"APPEND", b"a", &piece]), length.to_string());
        }
        assert_eq!(bench.say("STRLEN a"), length.to_string());
    }
}
