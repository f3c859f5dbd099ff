//! ZSCAN.

use super::value::sorted_set_of;
use crate::base::double::DoubleText;
use crate::commands::scan::{ScanOf, ScanOptions, parse_cursor, reply_step};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::IntegerText;

/// Digits of a score in full.
const DIGITS: i32 = 17;
/// Numbers with a smaller exponent are written with it.
const EXPONENT_MIN: i32 = -4;

pub(super) const ZSCAN: Command = Command {
    name: "zscan",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SORTEDSET,
    since: "2.8.0",
    group: Group::SortedSet,
    complexity: "O(1) for a call with the default count, O(N) for a whole round of N members",
    summary: "Lists members and scores in steps, from cursor to cursor.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::new("cursor", ArgumentKind::Integer),
        Argument::new("pattern", ArgumentKind::Pattern).after("MATCH").optional(),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::word("noscores", "NOSCORES").optional(),
    ],
    run: zscan,
    ..Command::DEFAULT
};

fn zscan(context: &mut Context<'_>) -> Result<(), CommandError> {
    let cursor = parse_cursor(context.args.at(2))?;
    let key = context.key(1);
    if context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?.is_none() {
        reply_step(context.reply, 0, 0, ReplyBuffer::new());
        return Ok(());
    }
    let options = ScanOptions::parse(context, 3, ScanOf::ScoredMembers)?;
    let Some(entry) = context.keys.peek(&key) else { return Ok(()) };
    let set = sorted_set_of(entry)?;
    let is_packed = set.as_packed().is_some();
    let mut found = ReplyBuffer::with_protocol(context.reply.protocol());
    let mut count = 0;
    let next = set.scan(cursor, options.count, &mut |member, score| {
        let mut digits = IntegerText::new();
        let member = member.bytes(&mut digits);
        if !options.matches(member) {
            return;
        }
        found.bulk(member);
        count += 1;
        if !options.no_values {
            put_score(&mut found, score, is_packed);
            count += 1;
        }
    });
    reply_step(context.reply, next, count, found);
    Ok(())
}

/// Replies with a score as a string: the text a packed one has, 17 digits of another.
fn put_score(reply: &mut ReplyBuffer, score: f64, is_packed: bool) {
    if is_packed || score.is_infinite() {
        reply.bulk(DoubleText::new(score).as_bytes());
    } else {
        reply.bulk(full_text(score).as_bytes());
    }
}

/// Returns what C's `%.17g` prints.
fn full_text(score: f64) -> String {
    let scientific = format!("{score:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (EXPONENT_MIN..DIGITS).contains(&power) {
        let decimals = usize::try_from(DIGITS - 1 - power).unwrap_or(0);
        return trimmed(&format!("{score:.decimals$}"));
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), power.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::full_text;
    use crate::commands::testing::Bench;

    #[test]
    fn scores_have_seventeen_digits() {
        for (score, expected) in [
            (0.1, "0.10000000000000001"),
            (0.3, "0.29999999999999999"),
            (3.0, "3"),
            (-0.0, "-0"),
            (1e-7, "9.9999999999999995e-08"),
            (1e21, "1e+21"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (0.0001, "0.0001"),
            (-123.456, "-123.456"),
            (1.5e300, "1.5000000000000001e+300"),
        ] {
            assert_eq!(full_text(score), expected);
        }
    }

    #[test]
    fn a_scan_lists_all_members_with_scores() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a 2.5 b 3 c", "3"),
            ("ZSCAN z 0", "[\"0\", [\"a\", \"1\", \"b\", \"2.5\", \"c\", \"3\"]]"),
            ("ZSCAN z 0 MATCH b* NOSCORES COUNT 1", "[\"0\", [\"b\"]]"),
            ("ZSCAN z x", "ERR invalid cursor"),
            ("ZSCAN z 0 COUNT 0", "ERR syntax error"),
            ("ZSCAN z 0 FOO", "ERR syntax error"),
            ("ZSCAN z 0 NOVALUES", "ERR NOVALUES option can only be used in HSCAN"),
            ("ZSCAN absent 0 FOO", "[\"0\", []]"),
        ]);
        for number in 0..500 {
            bench.say(&format!("ZADD big {number} m{number}"));
        }
        let (mut cursor, mut count) = ("0".to_owned(), 0);
        loop {
            let reply = bench.say(&format!("ZSCAN big {cursor} NOSCORES"));
            let (next, members) = reply[1..].split_once(", ").expect("a cursor and members");
            count += members.matches('m').count();
            cursor = next.trim_matches('"').to_owned();
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(count, 500);
    }
}
