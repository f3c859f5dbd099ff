//! Comparing a string with what a client believes it to be, whole or by its digest: the conditions of
//! SET and DELEX, and DIGEST.

use xxhash_rust::xxh3::xxh3_64;

use super::take::delete;
use super::value::string_of;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::{IntegerText, StringRef, ValueType};

/// Hexadecimal digits of a digest.
const DIGEST_DIGITS: usize = 16;

/// What a string is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comparison<'a> {
    is_negative: bool,
    is_of_digests: bool,
    operand: &'a [u8],
}

impl<'a> Comparison<'a> {
    /// Returns the comparison of an option's name and value.
    pub(super) fn named(name: &[u8], operand: &'a [u8]) -> Option<Self> {
        const FORMS: [(&str, bool, bool); 4] = [
            ("IFEQ", false, false),
            ("IFNE", true, false),
            ("IFDEQ", false, true),
            ("IFDNE", true, true),
        ];
        let is_it = |form: &&(&str, bool, bool)| name.eq_ignore_ascii_case(form.0.as_bytes());
        let &(_, is_negative, is_of_digests) = FORMS.iter().find(is_it)?;
        Some(Self { is_negative, is_of_digests, operand })
    }

    /// Says whether it holds for what is different; then it holds for what is absent, too.
    pub(super) fn is_negative(self) -> bool {
        self.is_negative
    }

    /// Says whether the comparison holds for a string.
    ///
    /// # Errors
    /// A digest of another length.
    pub(super) fn holds(self, value: StringRef<'_>) -> Result<bool, CommandError> {
        let mut digits = IntegerText::new();
        let bytes = value.bytes(&mut digits);
        let is_equal = if self.is_of_digests {
            if self.operand.len() != DIGEST_DIGITS {
                return Err(CommandError::refused("ERR must be exactly 16 hexadecimal characters"));
            }
            digest(bytes).as_bytes().eq_ignore_ascii_case(self.operand)
        } else {
            bytes == self.operand
        };
        Ok(is_equal != self.is_negative)
    }
}

/// Returns the digest of a string as clients write it.
fn digest(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

pub(super) const DIGEST: Command = Command {
    name: "digest",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STRING,
    since: "8.4.0",
    group: Group::String,
    complexity: "O(N) in the bytes of the string",
    summary: "Returns the XXH3 hash of a string in hexadecimal digits.",
    arguments: &[Argument::key("key")],
    run: digest_of_key,
    ..Command::DEFAULT
};

fn digest_of_key(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    match context.keys.get(&key, Lookup::READ) {
        Some(entry) => {
            let digest = digest(string_of(entry)?.bytes(&mut IntegerText::new()));
            context.reply.bulk(digest.as_bytes());
        }
        None => context.reply.null(),
    }
    Ok(())
}

pub(super) const DELEX: Command = Command {
    name: "delex",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE).and(KeyFlags::VARIABLE_FLAGS))],
    acl: Categories::STRING,
    since: "8.4.0",
    group: Group::String,
    complexity: "O(1), O(N) in the bytes of the string for digests",
    summary: "Removes a key, perhaps on the condition that it holds a given string or does not.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of(
            "condition",
            &[
                Argument::new("ifeq-value", ArgumentKind::String).after("IFEQ"),
                Argument::new("ifne-value", ArgumentKind::String).after("IFNE"),
                Argument::new("ifdeq-digest", ArgumentKind::String).after("IFDEQ"),
                Argument::new("ifdne-digest", ArgumentKind::String).after("IFDNE"),
            ],
        )
        .optional(),
    ],
    key_use: Some(|args| {
        let removes = if args.len() > 2 { KeyFlags::RW } else { KeyFlags::RM };
        removes.and(KeyFlags::DELETE)
    }),
    run: delex,
    ..Command::DEFAULT
};

fn delex(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (args, key) = (context.args, context.key(1));
    if args.len() != 2 && args.len() != 4 {
        return Err(context.wrong_arity());
    }
    let may = match context.keys.get(&key, Lookup::WRITE) {
        None => false,
        Some(_) if args.len() == 2 => true,
        Some(entry) if entry.value_type() != ValueType::String => {
            return Err(CommandError::refused(
                "ERR Key should be of string type if conditions are specified",
            ));
        }
        Some(entry) => {
            let comparison = Comparison::named(args.at(2), args.at(3));
            let unknown =
                CommandError::refused("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
            comparison.ok_or(unknown)?.holds(entry.string())?
        }
    };
    if may {
        delete(context, &key);
    }
    context.reply.integer(i64::from(may));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn digests_are_those_of_the_original() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a hello", "OK"),
            ("DIGEST a", "\"9555e8555c62dcfd\""),
            ("SET a 123", "OK"),
            ("DIGEST a", "\"404a763b3f4c8c9a\""),
            ("SET a v8", "OK"),
            ("DIGEST a", "\"0cc76dbb41381419\""),
            ("DIGEST none", "(nil)"),
        ]);
        bench.tell(&[b"SET", b"a", b"Hello world"]);
        bench.expect(&[("DIGEST a", "\"b6acb9d84a38ff74\"")]);
    }

    #[test]
    fn a_key_is_removed_on_a_condition() {
        let mut bench = Bench::new();
        let arity = "ERR wrong number of arguments for 'delex' command";
        bench.expect(&[
            ("SET a hello", "OK"),
            ("DELEX a IFEQ other", "0"),
            ("DELEX a IFNE hello", "0"),
            ("DELEX a IFDEQ 0000000000000000", "0"),
            ("DELEX a IFDNE 9555E8555C62DCFD", "0"),
            ("DELEX a IFDEQ 123", "ERR must be exactly 16 hexadecimal characters"),
            ("DELEX a FOO x", "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"),
            ("DELEX a IFEQ", arity),
            ("DELEX a IFEQ hello x", arity),
            ("DELEX none FOO x", "0"),
            ("DELEX a IFDEQ 9555e8555c62dcfd", "1"),
            ("DELEX a", "0"),
            ("SET a 12", "OK"),
        ]);
        bench.effects();
        bench.expect_effects("DELEX a IFEQ 12", &["0: DEL a"]);
    }
}
