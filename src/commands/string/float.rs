//! Numbers with fractions in strings: INCRBYFLOAT.

use super::value::string_of;
use crate::base::extended::{Extended, ExtendedText};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::{IntegerText, StringRef, StringValue};

pub(super) const INCRBYFLOAT: Command = Command {
    name: "incrbyfloat",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "2.6.0",
    group: Group::String,
    summary: "Adds a number with fractions to the one in a key; an absent key counts as 0.",
    arguments: &[Argument::key("key"), Argument::new("increment", ArgumentKind::Double)],
    run: incrbyfloat,
    ..Command::DEFAULT
};

fn incrbyfloat(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, db) = (context.key(1), context.session.db);
    let old = context.keys.get(&key, Lookup::PEEK).map(string_of).transpose()?;
    let old = old.map_or(Ok(ExtendedText::Finite(Extended::from(0))), number_of)?;
    let amount = Extended::parse(context.args.at(2)).ok_or(CommandError::NotAFloat)?;
    let text = sum(old, amount)?.to_text();
    let value = StringValue::text(text.as_bytes(), false);
    match context.keys.get_mut(&key) {
        Some(mut entry) => {
            let deadline_ms = entry.deadline_ms();
            entry.set_value(value, deadline_ms);
        }
        None => {
            context.keys.set(&key, value, None);
        }
    }
    context.effects.changed(1);
    context.notify(Event::INCRBYFLOAT, &key);
    // Repeating the addition could round differently elsewhere; the sum cannot.
    context.effects.push(db, &[b"SET", key.bytes, text.as_bytes(), b"KEEPTTL"]);
    context.reply.bulk(text.as_bytes());
    Ok(())
}

/// Returns the number a string spells.
///
/// # Errors
/// [`CommandError::NotAFloat`].
pub(super) fn number_of(value: StringRef<'_>) -> Result<ExtendedText, CommandError> {
    let text = value.bytes(&mut IntegerText::new()).to_vec();
    Extended::parse(&text).ok_or(CommandError::NotAFloat)
}

fn sum(left: ExtendedText, right: ExtendedText) -> Result<Extended, CommandError> {
    const REFUSAL: CommandError =
        CommandError::refused("ERR increment would produce NaN or Infinity");
    match (left, right) {
        (ExtendedText::Finite(left), ExtendedText::Finite(right)) => {
            left.plus(right).ok_or(REFUSAL)
        }
        _ => Err(REFUSAL),
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn sums_are_stored_as_text_and_keep_the_deadline() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("INCRBYFLOAT a 1", "\"1\""),
            ("INCRBYFLOAT a 0.25", "\"1.25\""),
            ("SET b 3 PX 1000", "OK"),
            ("INCRBYFLOAT b 1.1", "\"4.1\""),
            ("OBJECT ENCODING b", "\"embstr\""),
            ("PTTL b", "1000"),
        ]);
        bench.expect_effects("INCRBYFLOAT b 0.1", &["0: SET b 4.2 KEEPTTL"]);
    }

    #[test]
    fn what_is_no_number_is_refused_and_kept() {
        let mut bench = Bench::new();
        let infinite = "ERR increment would produce NaN or Infinity";
        bench.expect(&[
            ("SET a abc", "OK"),
            ("INCRBYFLOAT a 1", "ERR value is not a valid float"),
            ("GET a", "\"abc\""),
            ("SET a 1", "OK"),
            ("INCRBYFLOAT a nan", "ERR value is not a valid float"),
            ("INCRBYFLOAT a +inf", infinite),
            ("INCRBYFLOAT a -inf", infinite),
            ("GET a", "\"1\""),
        ]);
        bench.tell(&[b"SET", b"a", b" 1"]);
        bench.expect(&[("INCRBYFLOAT a 1", "ERR value is not a valid float")]);
    }
}
