//! Questions about many bits: BITCOUNT and BITPOS.

use super::range::{END, Range};
use super::value::read;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};

pub(super) const BITCOUNT: Command = Command {
    name: "bitcount",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::BITMAP,
    since: "2.6.0",
    group: Group::Bitmap,
    complexity: "O(N)",
    summary: "Counts the bits that are set in a string or in a part of it.",
    arguments: &[
        Argument::key("key"),
        Argument::block("range", &[Argument::new("start", ArgumentKind::Integer), END]).optional(),
    ],
    run: bitcount,
    ..Command::DEFAULT
};

fn bitcount(context: &mut Context<'_>) -> Result<(), CommandError> {
    let range = Range::parse(context, 2, false)?;
    let key = context.key(1);
    let count = read(context, &key, |bytes| {
        let bytes = bytes.filter(|_| !range.is_backwards());
        bytes.and_then(|bytes| range.of(bytes)).map_or(0, |bits| bits.count())
    })?;
    context.reply.integer(count.cast_signed());
    Ok(())
}

pub(super) const BITPOS: Command = Command {
    name: "bitpos",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::BITMAP,
    since: "2.8.7",
    group: Group::Bitmap,
    complexity: "O(N)",
    summary: "Finds the first bit that is set, or clear, in a string or in a part of it.",
    arguments: &[
        Argument::key("key"),
        Argument::new("bit", ArgumentKind::Integer),
        Argument::block("range", &[Argument::new("start", ArgumentKind::Integer), END]).optional(),
    ],
    run: bitpos,
    ..Command::DEFAULT
};

fn bitpos(context: &mut Context<'_>) -> Result<(), CommandError> {
    let is_set = match context.integer(2)? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::refused("ERR The bit argument must be 1 or 0.")),
    };
    let range = Range::parse(context, 3, true)?;
    let key = context.key(1);
    let found = read(context, &key, |bytes| position(bytes, range, is_set))?;
    context.reply.integer(found.map_or(-1, u64::cast_signed));
    Ok(())
}

/// Returns where the first such bit is. A string without an end given is followed by clear bits, and
/// so is an absent one.
fn position(bytes: Option<&[u8]>, range: Range, is_set: bool) -> Option<u64> {
    let Some(bytes) = bytes else { return (!is_set).then_some(0) };
    let bits = range.of(bytes)?;
    let behind = (!is_set && !range.has_end).then_some(bytes.len() as u64 * 8);
    bits.first(is_set).or(behind)
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn bits_are_counted_in_ranges_of_bytes_and_bits() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a foobar", "OK"),
            ("BITCOUNT a", "26"),
            ("BITCOUNT a 0 0", "4"),
            ("BITCOUNT a 1", "22"),
            ("BITCOUNT a 1 1 BYTE", "6"),
            ("BITCOUNT a 5 30 BIT", "17"),
            ("BITCOUNT a -5 -9", "0"),
            ("BITCOUNT none", "0"),
            ("BITCOUNT a x 1 BYTE", "ERR value is not an integer or out of range"),
            ("BITCOUNT a x 1 BYTE BYTE", "ERR syntax error"),
            ("SET n 1234", "OK"),
            ("BITCOUNT n", "13"),
        ]);
    }

    #[test]
    fn a_clear_bit_stands_behind_a_string_without_end() {
        let mut bench = Bench::new();
        bench.tell(&[b"SET", b"a", b"\xff\xff\xff"]);
        bench.expect(&[
            ("BITPOS a 0", "24"),
            ("BITPOS a 0 1", "24"),
            ("BITPOS a 0 0 -1", "-1"),
            ("BITPOS a 0 3", "-1"),
            ("BITPOS a 1 1 1", "8"),
            ("BITPOS a 1 9 23 BIT", "9"),
            ("BITPOS none 0 5 9", "0"),
            ("BITPOS a 1 -50 -100", "0"),
            ("BITPOS none 1", "-1"),
        ]);
    }

    #[test]
    fn arguments_are_checked_before_the_key() {
        let mut bench = Bench::new();
        let (integer, syntax) = ("ERR value is not an integer or out of range", "ERR syntax error");
        bench.expect(&[
            ("BITCOUNT a 1 x", integer),
            ("BITCOUNT a 1 2 BIX", syntax),
            ("BITCOUNT a 1 2 BIT BIT", syntax),
            ("BITPOS a 2", "ERR The bit argument must be 1 or 0."),
            ("BITPOS a x", integer),
            ("BITPOS a 1 x", integer),
            ("BITPOS a 1 1 x BIX", syntax),
            ("BITCOUNT a 1 x BIX", integer),
        ]);
    }

    #[test]
    fn a_long_string_is_counted_whole() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SETBIT a 20000000 1", "0"),
            ("SETBIT a 77 1", "0"),
            ("BITCOUNT a", "2"),
            ("BITPOS a 1 10", "20000000"),
            ("BITPOS a 1", "77"),
            ("SETBIT a 77 0", "1"),
            ("BITCOUNT a", "1"),
        ]);
    }
}
