//! BITOP: a string made of others, bit by bit.

use bytes::Bytes;

use super::bits::Operation;
use crate::commands::string::string_of;
use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Event, Flags, Group, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::{IntegerText, SHARED_BYTES_MIN, StringRef, StringValue};

pub(super) const BITOP: Command = Command {
    name: "bitop",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[
        KeySpec::one(2, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::range(3, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    acl: Categories::BITMAP,
    since: "2.6.0",
    group: Group::Bitmap,
    complexity: "O(N)",
    summary: "Combines strings bit by bit and stores the result.",
    arguments: &[
        Argument::one_of(
            "operation",
            &[
                Argument::word("and", "AND"),
                Argument::word("or", "OR"),
                Argument::word("xor", "XOR"),
                Argument::word("not", "NOT"),
                Argument::word("diff", "DIFF"),
                Argument::word("diff1", "DIFF1"),
                Argument::word("andor", "ANDOR"),
                Argument::word("one", "ONE"),
            ],
        ),
        Argument::key("destkey"),
        Argument::key("key").of_spec(1).multiple(),
    ],
    run: bitop,
    ..Command::DEFAULT
};

fn bitop(context: &mut Context<'_>) -> Result<(), CommandError> {
    const FIRST: usize = 3;
    let operation = operation_of(context.args.at(1)).ok_or(CommandError::Syntax)?;
    check_count(operation, context.args.len() - FIRST)?;
    let mut sources = Vec::with_capacity(context.args.len() - FIRST);
    for index in FIRST..context.args.len() {
        sources.push(bytes_of(context, index)?);
    }
    let views: Vec<&[u8]> = sources.iter().map(|source| &source[..]).collect();
    let result = operation.combine(&views);
    let target = context.key(2);
    let length = result.len();
    if length == 0 {
        if context.keys.discard(&target) {
            context.effects.changed(1);
            context.notify(Event::DEL, &target);
        }
    } else {
        let value = if length >= SHARED_BYTES_MIN {
            StringValue::Shared(result.into())
        } else {
            StringValue::edited(&result)
        };
        context.keys.set(&target, value, None);
        context.effects.changed(1);
        context.notify(Event::SET, &target);
    }
    context.reply.count(length);
    Ok(())
}

fn operation_of(word: &[u8]) -> Option<Operation> {
    const OPERATIONS: [(&str, Operation); 8] = [
        ("and", Operation::And),
        ("or", Operation::Or),
        ("xor", Operation::Xor),
        ("not", Operation::Not),
        ("diff", Operation::Diff),
        ("diff1", Operation::Diff1),
        ("andor", Operation::AndOr),
        ("one", Operation::One),
    ];
    let is_it = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    OPERATIONS.iter().find(|(name, _)| is_it(name)).map(|&(_, operation)| operation)
}

/// Refuses too few or too many sources.
fn check_count(operation: Operation, source_count: usize) -> Result<(), CommandError> {
    let refusal = match operation {
        Operation::Not if source_count != 1 => {
            "ERR BITOP NOT must be called with a single source key."
        }
        Operation::Diff if source_count < 2 => {
            "ERR BITOP DIFF must be called with at least two source keys."
        }
        Operation::Diff1 if source_count < 2 => {
            "ERR BITOP DIFF1 must be called with at least two source keys."
        }
        Operation::AndOr if source_count < 2 => {
            "ERR BITOP ANDOR must be called with at least two source keys."
        }
        _ => return Ok(()),
    };
    Err(CommandError::refused(refusal))
}

/// Returns the bytes of a source: shared where the value is long, a copy of a short one.
fn bytes_of(context: &mut Context<'_>, index: usize) -> Result<Bytes, CommandError> {
    let key = context.key(index);
    let Some(entry) = context.keys.get(&key, Lookup::READ) else { return Ok(Bytes::new()) };
    Ok(match string_of(entry)? {
        StringRef::Shared(bytes) => bytes.clone(),
        value => Bytes::copy_from_slice(value.bytes(&mut IntegerText::new())),
    })
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn strings_are_combined_and_stored() {
        let mut bench = Bench::new();
        bench.tell(&[b"SET", b"a", b"\xf0\x0f\xff"]);
        bench.tell(&[b"SET", b"b", b"\xff\x01"]);
        bench.tell(&[b"SET", b"c", b"\x10\x00\x81"]);
        for (operation, expected) in [
            ("AND d a b", "\"\\xf0\\x01\\x00\""),
            ("OR d a b", "\"\\xff\\x0f\\xff\""),
            ("XOR d a b", "\"\\x0f\\x0e\\xff\""),
            ("NOT d b", "\"\\x00\\xfe\""),
            ("DIFF d a b c", "\"\\x00\\x0e~\""),
            ("DIFF1 d b a c", "\"\\x00\\x0e\\xff\""),
            ("ANDOR d a b c", "\"\\xf0\\x01\\x81\""),
            ("ONE d a b c", "\"\\x0f\\x0e~\""),
            ("AND d a", "\"\\xf0\\x0f\\xff\""),
        ] {
            let length = expected.matches("\\x").count() + usize::from(expected.contains('~'));
            assert_eq!(bench.say(&format!("BITOP {operation}")), length.to_string());
            assert_eq!(bench.say("GET d"), expected, "{operation}");
        }
        bench.expect(&[("BITOP NOT a a", "3"), ("GET a", "\"\\x0f\\xf0\\x00\"")]);
    }

    #[test]
    fn an_empty_result_removes_the_target() {
        let mut bench = Bench::new();
        bench.expect(&[("SET d 1 EX 100", "OK"), ("SET a 2", "OK"), ("BITOP OR d a", "1")]);
        bench.expect(&[("TTL d", "-1"), ("OBJECT ENCODING d", "\"raw\"")]);
        bench.expect_effects("BITOP OR d none", &["0: BITOP OR d none"]);
        bench.expect(&[("EXISTS d", "0")]);
        bench.expect_effects("BITOP OR d none", &[]);
    }

    #[test]
    fn each_operation_minds_its_number_of_sources() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("BITOP FOO d a", "ERR syntax error"),
            ("BITOP NOT d a a", "ERR BITOP NOT must be called with a single source key."),
            ("BITOP DIFF d a", "ERR BITOP DIFF must be called with at least two source keys."),
            ("BITOP DIFF1 d a", "ERR BITOP DIFF1 must be called with at least two source keys."),
            ("BITOP ANDOR d a", "ERR BITOP ANDOR must be called with at least two source keys."),
            ("BITOP ONE d a", "0"),
        ]);
    }
}
