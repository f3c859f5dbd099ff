//! HSCAN.

use super::value::{BASE, READS, hash_at, reply_with};
use crate::commands::scan::{ScanOf, ScanOptions, parse_cursor, reply_step};
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Flags};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::IntegerText;

pub(super) const HSCAN: Command = Command {
    name: "hscan",
    arity: -3,
    flags: Flags::READONLY,
    keys: READS,
    since: "2.8.0",
    complexity: "O(1) for a call with the default count, O(N) for a whole round of N fields",
    summary: "Lists the fields of a hash in steps, from cursor to cursor.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::new("cursor", ArgumentKind::Integer),
        Argument::new("pattern", ArgumentKind::Pattern).after("MATCH").optional(),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::word("novalues", "NOVALUES").optional(),
    ],
    run: hscan,
    ..BASE
};

fn hscan(context: &mut Context<'_>) -> Result<(), CommandError> {
    let cursor = parse_cursor(context.args.at(2))?;
    let (key, now_ms) = (context.key(1), context.now_ms);
    let mut found = ReplyBuffer::with_protocol(context.reply.protocol());
    if hash_at(&mut context.keys, &key, Lookup::READ)?.is_none() {
        reply_step(context.reply, 0, 0, found);
        return Ok(());
    }
    let options = ScanOptions::parse(context, 3, ScanOf::Fields)?;
    let (mut count, mut digits) = (0, IntegerText::new());
    let hash = hash_at(&mut context.keys, &key, Lookup::PEEK)?;
    let next = hash.map_or(0, |hash| {
        hash.scan(cursor, options.count, |field| {
            if field.is_due(now_ms) || !options.matches(field.field.bytes(&mut digits)) {
                return;
            }
            reply_with(&mut found, field.field);
            count += 1;
            if !options.no_values {
                reply_with(&mut found, field.value);
                count += 1;
            }
        })
    });
    reply_step(context.reply, next, count, found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::commands::testing::Bench;

    #[test]
    fn small_hashes_come_at_once() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HSET h a 1 b two", "2"),
            ("HSCAN h 0", "[\"0\", [\"a\", \"1\", \"b\", \"two\"]]"),
            ("HSCAN h 0 MATCH b* NOVALUES", "[\"0\", [\"b\"]]"),
            ("HSCAN nokey 0 COUNT x", "[\"0\", []]"),
            ("HSCAN h 0 COUNT 0", "ERR syntax error"),
            ("HSCAN h 0 TYPE hash", "ERR syntax error"),
            ("HSCAN nokey x", "ERR invalid cursor"),
        ]);
        bench.say("HPEXPIRE h 5 FIELDS 1 a");
        bench.advance(5);
        bench.expect(&[("HSCAN h 0 NOVALUES", "[\"0\", [\"b\"]]")]);
    }

    #[test]
    fn large_hashes_come_in_steps() {
        let mut bench = Bench::with_settings("hash-max-listpack-entries 0");
        for number in 0..100 {
            bench.say(&format!("HSET h f{number} v"));
        }
        let (mut cursor, mut seen, mut step_count) = ("0".to_owned(), BTreeSet::new(), 0);
        loop {
            let reply = bench.say(&format!("HSCAN h {cursor} COUNT 7 NOVALUES"));
            let words: Vec<&str> = reply.split('"').skip(1).step_by(2).collect();
            cursor = words[0].to_owned();
            seen.extend(words[1..].iter().map(|word| (*word).to_owned()));
            step_count += 1;
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 100);
        assert!((8..=20).contains(&step_count), "{step_count}");
    }
}
