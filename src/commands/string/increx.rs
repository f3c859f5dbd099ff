//! INCREX: adding to a number within bounds, with a deadline, at once.

use std::cmp::Ordering;

use super::float::number_of;
use super::take::delete;
use super::value::string_of;
use crate::base::extended::{Extended, ExtendedText};
use crate::base::text;
use crate::commands::deadline::TimeForm;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::{Entry, Key, Lookup};
use crate::resp::Protocol;
use crate::types::{StringRef, StringValue};

pub(super) const INCREX: Command = Command {
    name: "increx",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "8.8.0",
    group: Group::String,
    summary: "Adds to the number in a key within bounds and may give the key a deadline.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")])
            .optional(),
        Argument::one_of(
            "increment",
            &[
                Argument::new("float", ArgumentKind::Double).after("BYFLOAT"),
                Argument::new("integer", ArgumentKind::Integer).after("BYINT"),
            ],
        )
        .optional(),
        Argument::new("lowerbound", ArgumentKind::Double).after("LBOUND").optional(),
        Argument::new("upperbound", ArgumentKind::Double).after("UBOUND").optional(),
        Argument::word("saturate", "SATURATE").optional(),
        Argument::one_of(
            "expiration",
            &[
                Argument::new("seconds", ArgumentKind::Integer).after("EX"),
                Argument::new("milliseconds", ArgumentKind::Integer).after("PX"),
                Argument::new("unix-time-seconds", ArgumentKind::UnixTime).after("EXAT"),
                Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).after("PXAT"),
                Argument::word("persist", "PERSIST"),
            ],
        )
        .optional(),
        Argument::word("enx", "ENX").optional(),
    ],
    run: increx,
    ..Command::DEFAULT
};

fn increx(context: &mut Context<'_>) -> Result<(), CommandError> {
    let options = Options::parse(context.args)?;
    let step = Step::read(&options)?;
    let deadline_ms = match options.expiry {
        Some((form, number)) => Some(form.positive(number, context.now_ms, "increx")?),
        None => None,
    };
    let key = context.key(1);
    let old = context.keys.get(&key, Lookup::WRITE);
    let (is_there, kept_ms) = (old.is_some(), old.and_then(Entry::deadline_ms));
    let value = old.map(string_of).transpose()?;
    let old = step.number_in(value)?;
    let may = options.wants_presence.is_none_or(|wanted| wanted == is_there);
    let outcome = if may { step.apply(old, options.saturates)? } else { None };
    let Some((new, applied)) = outcome else {
        return reply(context, old, old.nothing());
    };
    let keeps = options.persists == Persistence::Keep || options.only_new && kept_ms.is_some();
    match deadline_ms.filter(|_| !keeps) {
        Some(deadline_ms) if deadline_ms <= context.now_ms => {
            if is_there {
                delete(context, &key);
            }
        }
        Some(deadline_ms) => store(context, &key, new, Deadline::At(deadline_ms)),
        None if keeps => store(context, &key, new, Deadline::Kept(kept_ms)),
        None => store(context, &key, new, Deadline::None),
    }
    reply(context, new, applied)
}

/// What becomes of a deadline that no option sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Persistence {
    #[default]
    Keep,
    /// It is removed or replaced.
    Change,
}

#[derive(Clone, Copy, Debug, Default)]
struct Options<'a> {
    /// BYINT (false) or BYFLOAT (true) with its number.
    amount: Option<(bool, &'a [u8])>,
    lower: Option<&'a [u8]>,
    upper: Option<&'a [u8]>,
    saturates: bool,
    expiry: Option<(TimeForm, &'a [u8])>,
    persists: Persistence,
    /// ENX.
    only_new: bool,
    /// NX, XX.
    wants_presence: Option<bool>,
}

impl<'a> Options<'a> {
    /// Reads the options. None may be repeated.
    fn parse(args: Args<'a>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        let mut index = 2;
        while let Some(word) = args.get(index) {
            let taken = options.take(word, args.get(index + 1)).ok_or(CommandError::Syntax)?;
            index += taken;
        }
        if options.only_new && options.expiry.is_none() {
            if options.persists == Persistence::Change {
                return Err(CommandError::Syntax);
            }
            return Err(CommandError::refused("ERR ENX flag requires an expiration"));
        }
        Ok(options)
    }

    /// Takes an option and returns how many arguments it had; `None` if it may not stand here.
    fn take(&mut self, word: &[u8], value: Option<&'a [u8]>) -> Option<usize> {
        const FORMS: [(&str, TimeForm); 4] = [
            ("EX", TimeForm::EX),
            ("PX", TimeForm::PX),
            ("EXAT", TimeForm::EXAT),
            ("PXAT", TimeForm::PXAT),
        ];
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let form = FORMS.iter().find(|(name, _)| is(name)).map(|&(_, form)| form);
        let is_free = match () {
            () if is("BYINT") => self.amount.replace((false, value?)).is_none(),
            () if is("BYFLOAT") => self.amount.replace((true, value?)).is_none(),
            () if is("LBOUND") => self.lower.replace(value?).is_none(),
            () if is("UBOUND") => self.upper.replace(value?).is_none(),
            () if is("SATURATE") => !std::mem::replace(&mut self.saturates, true),
            () if is("ENX") => !std::mem::replace(&mut self.only_new, true),
            () if is("NX") => self.wants_presence.replace(false).is_none(),
            () if is("XX") => self.wants_presence.replace(true).is_none(),
            () if is("PERSIST") || form.is_some() => {
                if let Some(form) = form {
                    self.expiry = Some((form, value?));
                }
                let before = std::mem::replace(&mut self.persists, Persistence::Change);
                before == Persistence::Keep
            }
            () => return None,
        };
        let has_value =
            form.is_some() || ["BYINT", "BYFLOAT", "LBOUND", "UBOUND"].iter().any(|name| is(name));
        is_free.then_some(if has_value { 2 } else { 1 })
    }
}

/// A number in either kind of arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Integer(i64),
    Float(Extended),
}

impl Number {
    fn nothing(self) -> Self {
        match self {
            Self::Integer(_) => Self::Integer(0),
            Self::Float(_) => Self::Float(Extended::from(0)),
        }
    }
}

/// A bound of the result, or an amount; infinite ones are beyond every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Finite(Extended),
    Infinite { is_negative: bool },
}

impl Limit {
    fn read(argument: &[u8], name: &str) -> Result<Self, CommandError> {
        match Extended::parse(argument) {
            Some(ExtendedText::Finite(number)) => Ok(Self::Finite(number)),
            Some(ExtendedText::Infinite) => {
                Ok(Self::Infinite { is_negative: argument.starts_with(b"-") })
            }
            None => Err(CommandError::refused_with(format!("ERR {name} is not a valid float"))),
        }
    }

    fn compare(self, other: Self) -> Ordering {
        let rank = |limit: Self| match limit {
            Self::Infinite { is_negative: true } => -1,
            Self::Infinite { is_negative: false } => 1,
            Self::Finite(_) => 0,
        };
        match (self, other) {
            (Self::Finite(left), Self::Finite(right)) => left.cmp(&right),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

const CROSSED: CommandError = CommandError::refused("ERR LBOUND can't be greater than UBOUND");
const TOO_FAR: CommandError = CommandError::refused("ERR applied increment would be Infinity");

/// What is added, and the bounds of the result.
#[derive(Clone, Copy, Debug)]
enum Step {
    Integer { amount: i64, lower: i64, upper: i64 },
    Float { amount: Limit, lower: Limit, upper: Limit },
}

impl Step {
    fn read(options: &Options<'_>) -> Result<Self, CommandError> {
        if let Some((true, amount)) = options.amount {
            let amount = Limit::read(amount, "Increment")?;
            let bound = |argument: Option<&[u8]>, name, default| {
                argument.map_or(Ok(Limit::Finite(default)), |bytes| Limit::read(bytes, name))
            };
            let lower = bound(options.lower, "LBOUND", Extended::LARGEST.negated())?;
            let upper = bound(options.upper, "UBOUND", Extended::LARGEST)?;
            let is_crossed = lower.compare(upper) == Ordering::Greater;
            return if is_crossed {
                Err(CROSSED)
            } else {
                Ok(Self::Float { amount, lower, upper })
            };
        }
        let number = |argument: Option<&[u8]>, name: &str, default| {
            argument.map_or(Ok(default), text_of_integer(name))
        };
        let amount = number(options.amount.map(|(_, amount)| amount), "Increment", 1)?;
        let lower = number(options.lower, "LBOUND", i64::MIN)?;
        let upper = number(options.upper, "UBOUND", i64::MAX)?;
        if lower > upper { Err(CROSSED) } else { Ok(Self::Integer { amount, lower, upper }) }
    }

    /// Returns the number a string spells; an absent one counts as 0.
    fn number_in(self, value: Option<StringRef<'_>>) -> Result<Number, CommandError> {
        match self {
            Self::Integer { .. } => {
                let number = value.map_or(Some(0), StringRef::integer);
                number.map(Number::Integer).ok_or(CommandError::NotAnInteger)
            }
            Self::Float { .. } => match value.map(number_of).transpose()? {
                None => Ok(Number::Float(Extended::from(0))),
                Some(ExtendedText::Finite(number)) => Ok(Number::Float(number)),
                Some(ExtendedText::Infinite) => Err(CommandError::NotAFloat),
            },
        }
    }

    /// Returns the new number and what was added; `None` when the result lies outside of its bounds
    /// and is not moved to them.
    fn apply(self, old: Number, saturates: bool) -> Result<Option<(Number, Number)>, CommandError> {
        match (self, old) {
            (Self::Integer { amount, lower, upper }, Number::Integer(old)) => {
                let sum = i128::from(old) + i128::from(amount);
                let new = sum.clamp(lower.into(), upper.into());
                if new != sum && !saturates {
                    return Ok(None);
                }
                let applied = i64::try_from(new - i128::from(old))
                    .map_err(|_| CommandError::refused("ERR applied increment would overflow"))?;
                let new = i64::try_from(new).map_err(|_| CommandError::NotAnInteger)?;
                Ok(Some((Number::Integer(new), Number::Integer(applied))))
            }
            (Self::Float { amount, lower, upper }, Number::Float(old)) => {
                let sum = sum_of(old, amount);
                let new = match sum {
                    _ if sum.compare(upper) == Ordering::Greater => upper,
                    _ if sum.compare(lower) == Ordering::Less => lower,
                    _ => sum,
                };
                if new != sum && !saturates {
                    return Ok(None);
                }
                let Limit::Finite(new) = new else { return Err(TOO_FAR) };
                let applied = new.minus(old).ok_or(TOO_FAR)?;
                Ok(Some((Number::Float(new), Number::Float(applied))))
            }
            _ => Err(CommandError::Syntax),
        }
    }
}

fn text_of_integer(name: &str) -> impl Fn(&[u8]) -> Result<i64, CommandError> {
    move |bytes| {
        text::parse_i64(bytes).ok_or_else(|| {
            CommandError::refused_with(format!("ERR {name} is not an integer or out of range"))
        })
    }
}

/// Returns the sum, infinite where no number is large enough.
fn sum_of(old: Extended, amount: Limit) -> Limit {
    match amount {
        Limit::Infinite { .. } => amount,
        Limit::Finite(amount) => match old.plus(amount) {
            Some(sum) => Limit::Finite(sum),
            None => Limit::Infinite { is_negative: amount.is_negative() },
        },
    }
}

enum Deadline {
    None,
    Kept(Option<u64>),
    At(u64),
}

/// Stores the number and states that it was set.
fn store(context: &mut Context<'_>, key: &Key<'_>, number: Number, deadline: Deadline) {
    let text = text_of(number);
    let value = match number {
        Number::Integer(number) => StringValue::Integer(number),
        Number::Float(_) => StringValue::text(text.as_bytes(), false),
    };
    let deadline_ms = match deadline {
        Deadline::None => None,
        Deadline::Kept(deadline_ms) => deadline_ms,
        Deadline::At(deadline_ms) => Some(deadline_ms),
    };
    let was_volatile = context.keys.get(key, Lookup::PEEK).and_then(Entry::deadline_ms).is_some();
    // What is counted up is not overwritten for those who listen.
    if let Some(mut entry) = context.keys.get_mut(key) {
        entry.set_value(value, deadline_ms);
    } else {
        context.keys.set(key, value, deadline_ms);
    }
    context.effects.changed(1);
    let is_integer = matches!(number, Number::Integer(_));
    context.notify(if is_integer { Event::INCRBY } else { Event::INCRBYFLOAT }, key);
    match deadline {
        Deadline::None if was_volatile => context.notify(Event::PERSIST, key),
        Deadline::At(_) => context.notify(Event::EXPIRE, key),
        Deadline::None | Deadline::Kept(_) => {}
    }
    let mut digits = itoa::Buffer::new();
    let mut words: Vec<&[u8]> = vec![b"SET", key.bytes, text.as_bytes()];
    match deadline {
        Deadline::None => {}
        Deadline::Kept(_) => words.push(b"KEEPTTL"),
        Deadline::At(deadline_ms) => {
            words.extend([b"PXAT", digits.format(deadline_ms).as_bytes()]);
        }
    }
    context.effects.push(context.session.db, &words);
}

fn text_of(number: Number) -> String {
    match number {
        Number::Integer(number) => number.to_string(),
        Number::Float(number) => number.to_text(),
    }
}

/// Replies with the number and what was added to it.
fn reply(context: &mut Context<'_>, number: Number, added: Number) -> Result<(), CommandError> {
    context.reply.array(2);
    for number in [number, added] {
        match number {
            Number::Integer(number) => context.reply.integer(number),
            Number::Float(number) => {
                let text = number.to_text();
                match text.parse() {
                    Ok(double) if context.reply.protocol() == Protocol::Resp3 => {
                        context.reply.double(double);
                    }
                    _ => context.reply.bulk(text.as_bytes()),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn integers_stay_within_their_bounds() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("INCREX k", "[1, 1]"),
            ("SET k 10", "OK"),
            ("INCREX k BYINT 5 UBOUND 12", "[10, 0]"),
            ("INCREX k BYINT 5 UBOUND 15", "[15, 5]"),
            ("INCREX k BYINT 5 UBOUND 12 SATURATE", "[12, -3]"),
            ("INCREX k BYINT -9 LBOUND 5", "[12, 0]"),
            ("INCREX k BYINT -9 LBOUND 5 SATURATE", "[5, -7]"),
            ("SET k 9223372036854775800", "OK"),
            ("INCREX k BYINT 10", "[9223372036854775800, 0]"),
            ("INCREX k BYINT 10 SATURATE", "[9223372036854775807, 7]"),
            (
                "INCREX k UBOUND -9223372036854775808 SATURATE",
                "ERR applied increment would overflow",
            ),
            ("INCREX none UBOUND 0", "[0, 0]"),
            ("EXISTS none", "0"),
            ("INCREX none UBOUND 0 SATURATE", "[0, 0]"),
            ("EXISTS none", "1"),
        ]);
    }

    #[test]
    fn numbers_with_fractions_stay_within_their_bounds() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET k 10", "OK"),
            ("INCREX k BYFLOAT 2.5 LBOUND 5.0 UBOUND 15.0", "[\"12.5\", \"2.5\"]"),
            ("INCREX k BYFLOAT 5.5 UBOUND 13", "[\"12.5\", \"0\"]"),
            ("INCREX k BYFLOAT 5.5 UBOUND 13 SATURATE", "[\"13\", \"0.5\"]"),
            ("INCREX k BYFLOAT 1 UBOUND inf", "[\"14\", \"1\"]"),
            ("INCREX k BYFLOAT 1 LBOUND inf UBOUND inf", "[\"14\", \"0\"]"),
            (
                "INCREX k BYFLOAT 1 LBOUND inf UBOUND inf SATURATE",
                "ERR applied increment would be Infinity",
            ),
            ("INCREX k BYFLOAT 1 UBOUND -inf", "ERR LBOUND can't be greater than UBOUND"),
            ("INCREX k BYFLOAT 1.0 LBOUND inf", "ERR LBOUND can't be greater than UBOUND"),
            ("INCREX k BYFLOAT 1e4932 UBOUND 100 SATURATE", "[\"100\", \"86\"]"),
        ]);
        bench.speak_resp3();
        bench.expect(&[("INCREX k BYFLOAT 0.5", "[100.5, 0.5]")]);
    }

    #[test]
    fn deadlines_are_set_kept_and_removed() {
        let mut bench = Bench::new();
        let at = bench.now_ms() + 100_000;
        bench.expect_effects("INCREX k BYINT 7", &["0: SET k 7 KEEPTTL"]);
        bench.expect_effects("INCREX k EX 100", &[&format!("0: SET k 8 PXAT {at}")]);
        bench.expect_effects("INCREX k EX 9 ENX", &["0: SET k 9 KEEPTTL"]);
        bench.expect(&[("PTTL k", "100000")]);
        bench.expect_effects("INCREX k PERSIST", &["0: SET k 10"]);
        bench.expect_effects("INCREX k UBOUND 5 EX 5", &[]);
        bench.expect(&[("PTTL k", "-1")]);
        bench.expect_effects("INCREX k EXAT 1", &["0: DEL k"]);
        bench.expect_effects("INCREX k EXAT 1", &[]);
        bench.expect(&[("EXISTS k", "0")]);
    }

    #[test]
    fn mistakes_are_named() {
        let mut bench = Bench::new();
        let syntax = "ERR syntax error";
        bench.expect(&[
            ("SET k x", "OK"),
            ("INCREX k BYINT 1 BYFLOAT 1", syntax),
            ("INCREX k EX 10 PX 10", syntax),
            ("INCREX k EX 10 PERSIST", syntax),
            ("INCREX k PERSIST ENX", syntax),
            ("INCREX k ENX PERSIST", syntax),
            ("INCREX k SATURATE SATURATE", syntax),
            ("INCREX k NX XX", syntax),
            ("INCREX k LBOUND", syntax),
            ("INCREX k FOO", syntax),
            ("INCREX k ENX", "ERR ENX flag requires an expiration"),
            ("INCREX k BYINT x", "ERR Increment is not an integer or out of range"),
            ("INCREX k BYFLOAT x", "ERR Increment is not a valid float"),
            ("INCREX k UBOUND 1.5", "ERR UBOUND is not an integer or out of range"),
            ("INCREX k BYFLOAT 1 LBOUND x", "ERR LBOUND is not a valid float"),
            ("INCREX k LBOUND 2 UBOUND 1", "ERR LBOUND can't be greater than UBOUND"),
            ("INCREX k EX 0", "ERR invalid expire time in 'increx' command"),
            ("INCREX k", "ERR value is not an integer or out of range"),
            ("INCREX k BYFLOAT 1", "ERR value is not a valid float"),
            ("INCREX n XX", "[0, 0]"),
            ("INCREX n NX", "[1, 1]"),
            ("INCREX n NX", "[1, 0]"),
        ]);
    }
}
