//! BITFIELD: several operations on integers of any width inside one string.

use super::integer::{FieldType, Overflow};
use super::value::{BitOffset, open, opened_bytes, read};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};

const ENCODING: Argument = Argument::new("encoding", ArgumentKind::String);
const OFFSET: Argument = Argument::new("offset", ArgumentKind::Integer);

pub(super) const BITFIELD: Command = Command {
    name: "bitfield",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(
        1,
        KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE).and(KeyFlags::VARIABLE_FLAGS),
    )],
    acl: Categories::BITMAP,
    since: "3.2.0",
    group: Group::Bitmap,
    complexity: "O(1) for each operation",
    summary: "Reads, stores and adds integers of any width at any bit of a string.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of(
            "operation",
            &[
                Argument::block("get-block", &[ENCODING, OFFSET]).after("GET"),
                Argument::block(
                    "write",
                    &[
                        Argument::one_of(
                            "overflow-block",
                            &[
                                Argument::word("wrap", "WRAP"),
                                Argument::word("sat", "SAT"),
                                Argument::word("fail", "FAIL"),
                            ],
                        )
                        .after("OVERFLOW")
                        .optional(),
                        Argument::one_of(
                            "write-operation",
                            &[
                                Argument::block(
                                    "set-block",
                                    &[
                                        ENCODING,
                                        OFFSET,
                                        Argument::new("value", ArgumentKind::Integer),
                                    ],
                                )
                                .after("SET"),
                                Argument::block(
                                    "incrby-block",
                                    &[
                                        ENCODING,
                                        OFFSET,
                                        Argument::new("increment", ArgumentKind::Integer),
                                    ],
                                )
                                .after("INCRBY"),
                            ],
                        ),
                    ],
                ),
            ],
        )
        .optional()
        .multiple(),
    ],
    key_use: Some(use_of_key),
    run: bitfield,
    ..Command::DEFAULT
};

fn bitfield(context: &mut Context<'_>) -> Result<(), CommandError> {
    let operations = Operation::parse_all(context)?;
    run_all(context, &operations)
}

pub(super) const BITFIELD_RO: Command = Command {
    name: "bitfield_ro",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::BITMAP,
    since: "6.0.0",
    group: Group::Bitmap,
    complexity: "O(1) for each operation",
    summary: "Reads integers of any width at any bit of a string.",
    arguments: &[
        Argument::key("key"),
        Argument::block("get-block", &[ENCODING, OFFSET]).after("GET").optional().repeating_token(),
    ],
    run: bitfield_ro,
    ..Command::DEFAULT
};

fn bitfield_ro(context: &mut Context<'_>) -> Result<(), CommandError> {
    let operations = Operation::parse_all(context)?;
    if operations.iter().any(Operation::writes) {
        return Err(CommandError::refused("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    run_all(context, &operations)
}

/// With GET alone the key is only read.
fn use_of_key(args: Args<'_>) -> KeyFlags {
    if (2..args.len()).any(|index| args.is_word(index, "SET") || args.is_word(index, "INCRBY")) {
        KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE)
    } else {
        KeyFlags::RO.and(KeyFlags::ACCESS)
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Get,
    Set(i64),
    Add(i64),
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    act: Act,
    field: FieldType,
    offset: BitOffset,
    overflow: Overflow,
}

impl Operation {
    fn parse_all(context: &Context<'_>) -> Result<Vec<Self>, CommandError> {
        let args = context.args;
        let mut operations = Vec::new();
        let (mut index, mut overflow) = (2, Overflow::default());
        while index < args.len() {
            let following = args.len() - index - 1;
            if args.is_word(index, "OVERFLOW") && following >= 1 {
                overflow = overflow_of(args.at(index + 1))?;
                index += 2;
                continue;
            }
            let is_get = args.is_word(index, "GET") && following >= 2;
            let is_set = args.is_word(index, "SET") && following >= 3;
            let is_add = args.is_word(index, "INCRBY") && following >= 3;
            if !(is_get || is_set || is_add) {
                return Err(CommandError::Syntax);
            }
            let field = FieldType::parse(args.at(index + 1)).ok_or(BAD_TYPE)?;
            let offset = BitOffset::parse(context.engine, args.at(index + 2), Some(field.width))?;
            let act = match () {
                () if is_get => Act::Get,
                () if is_set => Act::Set(context.integer(index + 3)?),
                () => Act::Add(context.integer(index + 3)?),
            };
            operations.push(Self { act, field, offset, overflow });
            index += if is_get { 3 } else { 4 };
        }
        Ok(operations)
    }

    fn writes(&self) -> bool {
        !matches!(self.act, Act::Get)
    }

    /// Returns the number the field holds afterwards and the one the client hears; `None` when the
    /// number does not fit and nothing is stored.
    fn outcome(&self, old: i64) -> Option<(i64, i64)> {
        let fit = |number| self.field.fit(number, self.overflow);
        match self.act {
            Act::Get => Some((old, old)),
            // What an unsigned field is set to counts as unsigned: -1 is a large number.
            Act::Set(number) if !self.field.is_signed => {
                Some((fit(i128::from(number.cast_unsigned()))?, old))
            }
            Act::Set(number) => Some((fit(self.field.taken_for(number))?, old)),
            Act::Add(number) => {
                let new = fit(i128::from(old) + i128::from(number))?;
                Some((new, new))
            }
        }
    }
}

const BAD_TYPE: CommandError = CommandError::refused(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);

fn overflow_of(word: &[u8]) -> Result<Overflow, CommandError> {
    match () {
        () if word.eq_ignore_ascii_case(b"WRAP") => Ok(Overflow::Wrap),
        () if word.eq_ignore_ascii_case(b"SAT") => Ok(Overflow::Saturate),
        () if word.eq_ignore_ascii_case(b"FAIL") => Ok(Overflow::Fail),
        () => Err(CommandError::refused("ERR Invalid OVERFLOW type specified")),
    }
}

fn run_all(context: &mut Context<'_>, operations: &[Operation]) -> Result<(), CommandError> {
    let last_byte = operations
        .iter()
        .filter(|operation| operation.writes())
        .map(|operation| operation.field.last_byte(operation.offset.bit()))
        .max();
    match last_byte {
        None => read_all(context, operations),
        Some(last_byte) => write_all(context, operations, last_byte),
    }
}

fn read_all(context: &mut Context<'_>, operations: &[Operation]) -> Result<(), CommandError> {
    let key = context.key(1);
    let numbers: Vec<i64> = read(context, &key, |bytes| {
        let bytes = bytes.unwrap_or_default();
        let number = |operation: &Operation| operation.field.read(bytes, operation.offset.bit());
        operations.iter().map(number).collect()
    })?;
    context.reply.array(numbers.len());
    numbers.into_iter().for_each(|number| context.reply.integer(number));
    Ok(())
}

fn write_all(
    context: &mut Context<'_>,
    operations: &[Operation],
    last_byte: usize,
) -> Result<(), CommandError> {
    let key = context.key(1);
    let (mut entry, has_grown) = open(context, &key, last_byte)?;
    let mut heard = Vec::with_capacity(operations.len());
    let mut change_count = 0;
    for operation in operations {
        let bit = operation.offset.bit();
        let old = operation.field.read(opened_bytes(&entry), bit);
        let outcome = operation.outcome(old);
        heard.push(outcome.map(|(_, heard)| heard));
        if let Some((new, _)) = outcome
            && operation.writes()
        {
            if new != old {
                let (at, bytes) = operation.field.written(opened_bytes(&entry), bit, new);
                entry.write_range(at, bytes.as_slice());
            }
            change_count += u64::from(new != old || has_grown);
        }
    }
    // A string that grew has changed, even if no number fitted.
    context.effects.changed(change_count.max(u64::from(has_grown)));
    if change_count > 0 {
        context.notify(Event::SETBIT, &key);
    }
    context.reply.array(heard.len());
    for number in heard {
        match number {
            Some(number) => context.reply.integer(number),
            None => context.reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn operations_see_what_those_before_them_did() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("BITFIELD a SET i8 0 100 GET i8 0 INCRBY i8 0 100 GET u8 0", "[0, 100, -56, 200]"),
            ("BITFIELD a SET u8 #1 255 GET u4 8 GET u16 0", "[0, 15, 51455]"),
            ("STRLEN a", "2"),
            ("BITFIELD none GET u8 0", "[0]"),
            ("EXISTS none", "0"),
            ("BITFIELD_RO a GET u8 #1 GET u8 100", "[255, 0]"),
            ("BITFIELD a", "[]"),
            ("SET n 1", "OK"),
            ("BITFIELD n INCRBY u8 0 1", "[50]"),
            ("GET n", "\"2\""),
        ]);
    }

    #[test]
    fn overflow_holds_for_what_follows_it() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("BITFIELD a OVERFLOW SAT INCRBY u2 100 9 OVERFLOW FAIL INCRBY u2 100 1", "[3, (nil)]"),
            ("BITFIELD a OVERFLOW FAIL SET u2 100 4 OVERFLOW WRAP SET u2 100 4", "[(nil), 3]"),
            ("BITFIELD a OVERFLOW SAT SET u8 0 -1 GET u8 0", "[0, 255]"),
            ("BITFIELD a OVERFLOW SAT INCRBY u8 0 -300", "[0]"),
            ("BITFIELD s OVERFLOW SAT SET i8 0 -9000 GET i8 0", "[0, -128]"),
            ("BITFIELD s OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0", "[-128, 127]"),
            (
                "BITFIELD a SET i64 64 9223372036854775807 INCRBY i64 64 1",
                "[0, -9223372036854775808]",
            ),
        ]);
    }

    #[test]
    fn mistakes_are_named_in_order() {
        let mut bench = Bench::new();
        let syntax = "ERR syntax error";
        let offset = "ERR bit offset is not an integer or out of range";
        bench.expect(&[
            ("BITFIELD a GET u8", syntax),
            ("BITFIELD a FOO", syntax),
            ("BITFIELD a OVERFLOW", syntax),
            ("BITFIELD a OVERFLOW FOO", "ERR Invalid OVERFLOW type specified"),
            ("BITFIELD a GET u8 #-1", offset),
            ("BITFIELD a GET u8 4294967296", offset),
            ("BITFIELD a GET u63 #9223372036854775807", offset),
            ("BITFIELD a SET u8 0 x", "ERR value is not an integer or out of range"),
            ("BITFIELD_RO a SET u8 0 1", "ERR BITFIELD_RO only supports the GET subcommand"),
            ("BITFIELD_RO a SET u8 0 1 FOO", syntax),
            ("EXISTS a", "0"),
        ]);
        assert!(bench.say("BITFIELD a GET u64 0").starts_with("ERR Invalid bitfield type."));
    }

    #[test]
    fn only_changes_are_stated() {
        let mut bench = Bench::new();
        bench.expect_effects("BITFIELD a GET u8 0", &[]);
        bench.expect_effects("BITFIELD a SET u8 0 0", &["0: BITFIELD a SET u8 0 0"]);
        bench.expect_effects("BITFIELD a SET u8 0 0", &[]);
        bench.expect_effects("BITFIELD a INCRBY u8 0 1", &["0: BITFIELD a INCRBY u8 0 1"]);
        bench.expect_effects("BITFIELD a OVERFLOW FAIL INCRBY u8 0 300", &[]);
    }
}
