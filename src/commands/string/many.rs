//! Commands that store several strings at once.

use super::options::{Condition, Dialect, Expiry, Options};
use crate::base::text;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::StringValue;

pub(super) const MSET: Command = Command {
    name: "mset",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::range(1, -1, 2, KeyFlags::OW.and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "1.0.1",
    group: Group::String,
    complexity: "O(N) in the keys",
    summary: "Stores strings under several keys at once.",
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    arguments: &[Argument::block(
        "data",
        &[Argument::key("key"), Argument::new("value", ArgumentKind::String)],
    )
    .multiple()],
    run: mset,
    ..Command::DEFAULT
};

fn mset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let pairs = pairs_to_the_end(context)?;
    store(context, pairs, (1, false), NewDeadline::At(None));
    context.reply.ok();
    Ok(())
}

pub(super) const MSETNX: Command = Command {
    name: "msetnx",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::range(1, -1, 2, KeyFlags::OW.and(KeyFlags::INSERT))],
    acl: Categories::STRING,
    since: "1.0.1",
    group: Group::String,
    complexity: "O(N) in the keys",
    summary: "Stores strings under several keys at once unless one of them exists.",
    arguments: &[Argument::block(
        "data",
        &[Argument::key("key"), Argument::new("value", ArgumentKind::String)],
    )
    .multiple()],
    run: msetnx,
    ..Command::DEFAULT
};

fn msetnx(context: &mut Context<'_>) -> Result<(), CommandError> {
    let pairs = pairs_to_the_end(context)?;
    let may = are_all(context, (1, pairs), false);
    if may {
        store(context, pairs, (1, false), NewDeadline::At(None));
    }
    context.reply.integer(i64::from(may));
    Ok(())
}

/// Returns the number of pairs when all arguments are keys and values.
fn pairs_to_the_end(context: &Context<'_>) -> Result<usize, CommandError> {
    let count = context.args.len() - 1;
    if count.is_multiple_of(2) { Ok(count / 2) } else { Err(context.wrong_arity()) }
}

/// Says whether all keys among `pairs` pairs from an argument on exist, or none; looks no further than
/// the first that tells.
fn are_all(context: &mut Context<'_>, (first, pairs): (usize, usize), exist: bool) -> bool {
    (first..).step_by(2).take(pairs).all(|index| {
        let key = context.key(index);
        context.keys.get(&key, Lookup::WRITE).is_some() == exist
    })
}

/// What becomes of the deadline of a key that is stored.
#[derive(Clone, Copy)]
enum NewDeadline {
    AsBefore,
    At(Option<u64>),
}

/// Stores pairs; `is_new_deadline` says that they get a deadline.
fn store(
    context: &mut Context<'_>,
    pairs: usize,
    (first, is_new_deadline): (usize, bool),
    deadline: NewDeadline,
) {
    for index in (first..).step_by(2).take(pairs) {
        let key = context.key(index);
        let deadline_ms = match deadline {
            NewDeadline::At(deadline_ms) => deadline_ms,
            NewDeadline::AsBefore => {
                context.keys.get(&key, Lookup::PEEK).and_then(|entry| entry.deadline_ms())
            }
        };
        let value = StringValue::from_bytes(context.args.at(index + 1));
        context.keys.set(&key, value, deadline_ms);
        context.notify(Event::SET, &key);
        if is_new_deadline {
            context.notify(Event::EXPIRE, &key);
        }
    }
    context.effects.changed(pairs as u64);
}

pub(super) const MSETEX: Command = Command {
    name: "msetex",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: &[KeySpec::counted(1, 2, KeyFlags::OW.and(KeyFlags::UPDATE))],
    acl: Categories::STRING,
    since: "9.1.0",
    group: Group::String,
    complexity: "O(N) in the keys",
    summary: "Stores strings under several keys with one deadline, perhaps on a condition.",
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::block(
            "data",
            &[Argument::key("key"), Argument::new("value", ArgumentKind::String)],
        )
        .multiple(),
        Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")])
            .optional(),
        Argument::one_of(
            "expiration",
            &[
                Argument::new("seconds", ArgumentKind::Integer).after("EX"),
                Argument::new("milliseconds", ArgumentKind::Integer).after("PX"),
                Argument::new("unix-time-seconds", ArgumentKind::UnixTime).after("EXAT"),
                Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).after("PXAT"),
                Argument::word("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
    ],
    run: msetex,
    ..Command::DEFAULT
};

fn msetex(context: &mut Context<'_>) -> Result<(), CommandError> {
    const FIRST: usize = 2;
    let args = context.args;
    let pairs = pair_count(args)?;
    let options = Options::parse(args, FIRST + 2 * pairs, Dialect::MSetEx)?;
    let deadline_ms = match options.expiry {
        Expiry::At(form, number) => Some(form.positive(number, context.now_ms, "msetex")?),
        _ => None,
    };
    let may = match options.condition {
        Condition::IfAbsent => are_all(context, (FIRST, pairs), false),
        Condition::IfPresent => are_all(context, (FIRST, pairs), true),
        Condition::Always | Condition::If(_) => true,
    };
    if may {
        let keeps = options.expiry == Expiry::Keep;
        let deadline = if keeps { NewDeadline::AsBefore } else { NewDeadline::At(deadline_ms) };
        store(context, pairs, (FIRST, deadline_ms.is_some()), deadline);
        if let Some(deadline_ms) = deadline_ms {
            state_msetex(context, FIRST + 2 * pairs, deadline_ms);
        }
    }
    context.reply.integer(i64::from(may));
    Ok(())
}

/// Returns how many pairs MSETEX announces, if that many follow.
fn pair_count(args: Args<'_>) -> Result<usize, CommandError> {
    const REFUSAL: CommandError =
        CommandError::refused("ERR invalid numkeys value or out of range");
    let number = text::parse_i64(args.at(1)).and_then(|number| i32::try_from(number).ok());
    let count = number.filter(|&count| count > 0).ok_or(REFUSAL)?;
    let count = usize::try_from(count).map_err(|_| REFUSAL)?;
    if count.saturating_mul(2) > args.len() - 2 { Err(CommandError::Syntax) } else { Ok(count) }
}

/// States MSETEX with its deadline since 1970.
fn state_msetex(context: &mut Context<'_>, first_option: usize, deadline_ms: u64) {
    const FORMS: [&str; 4] = ["EX", "PX", "EXAT", "PXAT"];
    let args = context.args;
    let mut digits = itoa::Buffer::new();
    let at = digits.format(deadline_ms).as_bytes();
    let mut words: Vec<&[u8]> = args.iter().take(first_option).collect();
    let mut index = first_option;
    while let Some(word) = args.get(index) {
        if FORMS.iter().any(|form| args.is_word(index, form)) {
            words.extend([b"PXAT", at]);
            index += 2;
        } else {
            words.push(word);
            index += 1;
        }
    }
    context.effects.push(context.session.db, &words);
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn pairs_are_stored_together() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("MSET a 1 b", "ERR wrong number of arguments for 'mset' command"),
            ("MSET a 1 b 2 a 3", "OK"),
            ("MGET a b", "[\"3\", \"2\"]"),
            ("MSETNX c 1 a 4", "0"),
            ("EXISTS c", "0"),
            ("MSETNX c 1 d 2 c 3", "1"),
            ("MGET c d", "[\"3\", \"2\"]"),
            ("MSETNX e 1 f", "ERR wrong number of arguments for 'msetnx' command"),
        ]);
        bench.expect_effects("MSET a 1 b 2", &["0: MSET a 1 b 2"]);
        bench.expect_effects("MSETNX a 1 z 2", &[]);
    }

    #[test]
    fn mset_drops_deadlines_unless_told_to_keep_them() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1 PX 1000", "OK"),
            ("MSETEX 2 a 2 b 3 KEEPTTL", "1"),
            ("PTTL a", "1000"),
            ("PTTL b", "-1"),
            ("MSET a 1", "OK"),
            ("PTTL a", "-1"),
        ]);
    }

    #[test]
    fn msetex_gives_all_keys_one_deadline() {
        let mut bench = Bench::new();
        let at = bench.now_ms() + 5000;
        bench.expect_effects(
            "MSETEX 2 a 1 b 2 NX EX 5",
            &[&format!("0: MSETEX 2 a 1 b 2 NX PXAT {at}")],
        );
        bench.expect(&[
            ("PTTL a", "5000"),
            ("PTTL b", "5000"),
            ("MSETEX 2 a 1 c 2 NX", "0"),
            ("MSETEX 2 a 1 c 2 XX", "0"),
            ("MSETEX 2 a 7 b 8 XX", "1"),
            ("PTTL a", "-1"),
        ]);
    }

    #[test]
    fn msetex_checks_its_arguments_in_order() {
        let mut bench = Bench::new();
        let bad_count = "ERR invalid numkeys value or out of range";
        let syntax = "ERR syntax error";
        bench.expect(&[
            ("MSETEX 0 a 1", bad_count),
            ("MSETEX x a 1", bad_count),
            ("MSETEX 2147483648 a 1", bad_count),
            ("MSETEX 2147483647 a 1", syntax),
            ("MSETEX 2 a 1 b", syntax),
            ("MSETEX 1 a 1 EX", syntax),
            ("MSETEX 1 a 1 NX XX", syntax),
            ("MSETEX 1 a 1 GET", syntax),
            ("MSETEX 1 a 1 IFEQ 1", syntax),
            ("MSETEX 1 a 1 PERSIST", syntax),
            ("MSETEX 1 a 1 KEEPTTL EX 1", syntax),
            ("MSETEX 1 a 1 EX 0", "ERR invalid expire time in 'msetex' command"),
            ("MSETEX 1 a 1 EX x", "ERR value is not an integer or out of range"),
            ("EXISTS a", "0"),
        ]);
    }
}
