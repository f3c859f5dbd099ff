//! Walks over all keys of a database: KEYS, SCAN, RANDOMKEY. They lock one shard at a time.

use crate::base::glob;
use crate::commands::scan::{ScanOf, ScanOptions, parse_cursor, reply_step};
use crate::engine::{Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags};
use crate::keyspace::{Entry, ShardBusy};
use crate::resp::ReplyBuffer;

/// Expired keys that one walk removes at most; the sweep takes the others.
const EXPIRED_COUNT_MAX: usize = 1000;

/// Expired keys that a walk met.
#[derive(Default)]
struct Expired {
    keys: Vec<Box<[u8]>>,
}

impl Expired {
    /// Says whether the key has expired, and takes note of it if so.
    fn holds(&mut self, entry: &Entry, now_ms: u64) -> bool {
        let is_expired = entry.is_expired(now_ms);
        if is_expired && self.keys.len() < EXPIRED_COUNT_MAX {
            self.keys.push(entry.key().into());
        }
        is_expired
    }

    /// Has the keys removed at the end of the command.
    fn hand_over(self, context: &mut Context<'_>) {
        for key in &self.keys {
            let key = context.engine.keyspace.key(context.session.db, key);
            context.keys.note_overdue(&key);
        }
    }
}

/// Returns what becomes of a walk that met a shard which a script holds.
fn refusal(context: &Context<'_>, ShardBusy(place): ShardBusy) -> CommandError {
    context.engine.refusal_for(&[place])
}

pub(super) const KEYS: Command = Command {
    name: "keys",
    arity: 2,
    flags: Flags::READONLY,
    acl: Categories::DANGEROUS.and(Categories::KEYSPACE),
    since: "1.0.0",
    complexity: "O(N) in the keys of the database",
    summary: "Lists all keys that match a pattern.",
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    arguments: &[Argument::new("pattern", ArgumentKind::Pattern)],
    run: keys,
    ..Command::DEFAULT
};

fn keys(context: &mut Context<'_>) -> Result<(), CommandError> {
    let pattern = context.args.at(1);
    if !has_wildcards(pattern) {
        return one_key(context, pattern);
    }
    let matches_all = pattern == b"*";
    let _wish = context.ask_for_quiet();
    let (now_ms, reply) = (context.now_ms, &mut *context.reply);
    let (mark, mut count) = (reply.deferred(), 0);
    let walk = context.engine.keyspace.for_each_soon(context.session.db, &mut |entry| {
        let key = entry.key();
        let is_wanted = matches_all || glob::matches(pattern, key, false);
        if is_wanted && !entry.is_expired(now_ms) {
            reply.bulk(key);
            count += 1;
        }
    });
    if let Err(busy) = walk {
        reply.truncate(mark);
        return Err(refusal(context, busy));
    }
    reply.finish_array(mark, count);
    Ok(())
}

fn has_wildcards(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| b"*?[\\".contains(byte))
}

/// Replies with the only key a pattern can match.
fn one_key(context: &mut Context<'_>, name: &[u8]) -> Result<(), CommandError> {
    let _wish = context.ask_for_quiet();
    let keyspace = &context.engine.keyspace;
    let key = keyspace.key(context.session.db, name);
    let is_there = keyspace.contains(&key, context.keys.access());
    let is_there = is_there.map_err(|busy| refusal(context, busy))?;
    context.reply.array(usize::from(is_there));
    if is_there {
        context.reply.bulk(name);
    }
    Ok(())
}

pub(super) const SCAN: Command = Command {
    name: "scan",
    arity: -2,
    flags: Flags::READONLY,
    acl: Categories::KEYSPACE,
    since: "2.8.0",
    complexity: "O(1) for a call with the default count, O(N) for a whole round of N keys",
    summary: "Lists the keys of the database in steps, from cursor to cursor.",
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    arguments: &[
        Argument::new("cursor", ArgumentKind::Integer),
        Argument::new("pattern", ArgumentKind::Pattern).after("MATCH").optional(),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::new("type", ArgumentKind::String).after("TYPE").optional().since("6.0.0"),
    ],
    run: scan,
    ..Command::DEFAULT
};

fn scan(context: &mut Context<'_>) -> Result<(), CommandError> {
    let cursor = parse_cursor(context.args.at(1))?;
    let options = ScanOptions::parse(context, 2, ScanOf::Keys)?;
    let _wish = context.ask_for_quiet();
    let (now_ms, db) = (context.now_ms, context.session.db);
    let mut found = ReplyBuffer::with_protocol(context.reply.protocol());
    let (mut count, mut expired) = (0, Expired::default());
    let next = context.engine.keyspace.scan(db, cursor, options.count, &mut |entry| {
        if !expired.holds(entry, now_ms) && admits(&options, entry) {
            found.bulk(entry.key());
            count += 1;
        }
    });
    let next = next.map_err(|busy| refusal(context, busy))?;
    reply_step(context.reply, next, count, found);
    expired.hand_over(context);
    Ok(())
}

fn admits(options: &ScanOptions<'_>, entry: &Entry) -> bool {
    let is_type = options
        .type_name
        .is_none_or(|name| entry.value_type().name().as_bytes().eq_ignore_ascii_case(name));
    is_type && options.matches(entry.key())
}

pub(super) const RANDOMKEY: Command = Command {
    name: "randomkey",
    arity: 1,
    flags: Flags::READONLY,
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    summary: "Names a key chosen at random.",
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    run: randomkey,
    ..Command::DEFAULT
};

fn randomkey(context: &mut Context<'_>) -> Result<(), CommandError> {
    let _wish = context.ask_for_quiet();
    let access = context.keys.access();
    let chosen = context.engine.keyspace.random_key(context.session.db, access);
    if let Some(key) = chosen.map_err(|busy| refusal(context, busy))? {
        context.reply.bulk(&key);
    } else {
        context.reply.null();
        expire_all(context);
    }
    Ok(())
}

/// Removes what is left in a database without a live key.
fn expire_all(context: &mut Context<'_>) {
    let (now_ms, mut expired) = (context.now_ms, Expired::default());
    // What a script holds is left for later.
    let _ = context.engine.keyspace.for_each_soon(context.session.db, &mut |entry| {
        expired.holds(entry, now_ms);
    });
    expired.hand_over(context);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::commands::testing::Bench;

    #[test]
    fn keys_match_patterns_and_hide_the_expired() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("KEYS *", "[]"),
            ("MSET foo_a 1 bar 2", "OK"),
            ("SET foo_b 1 PX 10", "OK"),
            ("KEYS ba?", "[\"bar\"]"),
            ("KEYS bar", "[\"bar\"]"),
            ("KEYS ba", "[]"),
        ]);
        bench.advance(10);
        bench.expect(&[("KEYS foo*", "[\"foo_a\"]"), ("KEYS foo_b", "[]")]);
    }

    /// Returns all keys that SCAN with these options finds from cursor 0 to cursor 0.
    fn scan_all(bench: &mut Bench, options: &str) -> BTreeSet<String> {
        let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
        loop {
            let reply = bench.say(&format!("SCAN {cursor} {options}"));
            let (next, keys) = reply[1..].split_once(", ").expect("a cursor and keys");
            let keys = keys.trim_matches(['[', ']']).split(", ").filter(|key| !key.is_empty());
            for key in keys {
                assert!(seen.insert(key.trim_matches('"').to_owned()), "{key} twice");
            }
            cursor = next.trim_matches('"').to_owned();
            if cursor == "0" {
                return seen;
            }
        }
    }

    #[test]
    fn a_scan_finds_every_key_once() {
        let mut bench = Bench::new();
        for number in 0..1000 {
            bench.say(&format!("SET key:{number} x"));
        }
        bench.say("SET gone x PX 10");
        bench.advance(10);
        assert_eq!(scan_all(&mut bench, "").len(), 1000);
        assert_eq!(scan_all(&mut bench, "COUNT 5").len(), 1000);
        assert_eq!(scan_all(&mut bench, "MATCH key:1??").len(), 100);
        assert_eq!(scan_all(&mut bench, "TYPE string COUNT 100000").len(), 1000);
        assert_eq!(scan_all(&mut bench, "TYPE list COUNT 1000").len(), 0);
    }

    #[test]
    fn walks_remove_the_expired_keys_they_meet() {
        for walk in ["SCAN 0 MATCH nothing", "RANDOMKEY"] {
            let mut bench = Bench::new();
            bench.say("SET a 1 PX 10");
            bench.advance(10);
            bench.expect_effects(walk, &["0: DEL a"]);
            assert_eq!(bench.engine.keyspace.key_count(0), 0);
        }
        let mut bench = Bench::new();
        bench.say("SET a 1 PX 10");
        bench.advance(10);
        bench.expect_effects("KEYS *", &[]);
    }

    #[test]
    fn options_of_scan_are_checked_behind_its_cursor() {
        let mut bench = Bench::new();
        let syntax = "ERR syntax error";
        bench.expect(&[
            ("SCAN x COUNT x", "ERR invalid cursor"),
            ("SCAN 0 COUNT x", "ERR value is not an integer or out of range"),
            ("SCAN 0 COUNT 0", syntax),
            ("SCAN 0 COUNT", syntax),
            ("SCAN 0 FOO 1", syntax),
            ("SCAN 0 NOVALUES", "ERR NOVALUES option can only be used in HSCAN"),
            ("SCAN 0 TYPE unheard-of", "[\"0\", []]"),
            ("SCAN 18446744073709551615", "[\"0\", []]"),
        ]);
    }

    #[test]
    fn a_random_key_is_a_live_one() {
        let mut bench = Bench::new();
        bench.expect(&[("RANDOMKEY", "(nil)"), ("SET a 1", "OK"), ("SET b 1 PX 10", "OK")]);
        bench.advance(10);
        bench.expect(&[("RANDOMKEY", "\"a\""), ("DEL a", "1"), ("RANDOMKEY", "(nil)")]);
    }
}
