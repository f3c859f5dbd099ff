//! Single bits: SETBIT and GETBIT.

use super::value::{BitOffset, open, opened_bytes, read};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};

pub(super) const SETBIT: Command = Command {
    name: "setbit",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::BITMAP,
    since: "2.2.0",
    group: Group::Bitmap,
    summary: "Sets or clears one bit of a string, which grows as needed, and returns what it was.",
    arguments: &[
        Argument::key("key"),
        Argument::new("offset", ArgumentKind::Integer),
        Argument::new("value", ArgumentKind::Integer),
    ],
    run: setbit,
    ..Command::DEFAULT
};

fn setbit(context: &mut Context<'_>) -> Result<(), CommandError> {
    let offset = BitOffset::parse(context.engine, context.args.at(2), None)?;
    let bit = match context.args.at(3) {
        b"0" => 0,
        b"1" => 1_u8,
        _ => return Err(CommandError::refused("ERR bit is not an integer or out of range")),
    };
    let (key, index) = (context.key(1), offset.byte());
    let (mut entry, has_grown) = open(context, &key, index)?;
    let old_byte = opened_bytes(&entry)[index];
    let old_bit = old_byte >> offset.shift() & 1;
    if old_bit != bit {
        entry.write_range(index, &[old_byte ^ 1 << offset.shift()]);
    }
    if old_bit != bit || has_grown {
        context.effects.changed(1);
        context.notify(Event::SETBIT, &key);
    }
    context.reply.integer(i64::from(old_bit));
    Ok(())
}

pub(super) const GETBIT: Command = Command {
    name: "getbit",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::BITMAP,
    since: "2.2.0",
    group: Group::Bitmap,
    summary: "Returns one bit of a string.",
    arguments: &[Argument::key("key"), Argument::new("offset", ArgumentKind::Integer)],
    run: getbit,
    ..Command::DEFAULT
};

fn getbit(context: &mut Context<'_>) -> Result<(), CommandError> {
    let offset = BitOffset::parse(context.engine, context.args.at(2), None)?;
    let key = context.key(1);
    let bit = read(context, &key, |bytes| {
        let byte = bytes.and_then(|bytes| bytes.get(offset.byte())).copied().unwrap_or(0);
        byte >> offset.shift() & 1
    })?;
    context.reply.integer(i64::from(bit));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn bits_are_counted_from_the_highest_of_the_first_byte() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SETBIT a 1 1", "0"),
            ("GET a", "\"@\""),
            ("SETBIT a 1 1", "1"),
            ("SETBIT a 17 1", "0"),
            ("GET a", "\"@\\x00@\""),
            ("SETBIT a 1 0", "1"),
            ("GETBIT a 1", "0"),
            ("GETBIT a 17", "1"),
            ("GETBIT a 4294967295", "0"),
            ("GETBIT none 0", "0"),
            ("SET n 1", "OK"),
            ("GETBIT n 2", "1"),
            ("SETBIT n 6 1", "0"),
            ("GET n", "\"3\""),
            ("OBJECT ENCODING n", "\"raw\""),
        ]);
    }

    #[test]
    fn offsets_and_bits_are_checked_before_the_key() {
        let mut bench = Bench::new();
        let bad_offset = "ERR bit offset is not an integer or out of range";
        let bad_bit = "ERR bit is not an integer or out of range";
        bench.expect(&[
            ("SETBIT a 4294967296 2", bad_offset),
            ("SETBIT a -1 1", bad_offset),
            ("SETBIT a x 1", bad_offset),
            ("SETBIT a #1 1", bad_offset),
            ("SETBIT a 0 2", bad_bit),
            ("SETBIT a 0 01", bad_bit),
            ("GETBIT a -1", bad_offset),
            ("EXISTS a", "0"),
        ]);
    }

    #[test]
    fn only_a_change_is_stated() {
        let mut bench = Bench::new();
        bench.expect_effects("SETBIT a 3 0", &["0: SETBIT a 3 0"]);
        bench.expect_effects("SETBIT a 3 0", &[]);
        bench.expect_effects("SETBIT a 3 1", &["0: SETBIT a 3 1"]);
        bench.expect_effects("SETBIT a 3 1", &[]);
        bench.expect_effects("SETBIT a 9 0", &["0: SETBIT a 9 0"]);
    }
}
