//! Commands that tell deadlines.

use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Flags, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;

const NO_KEY: i64 = -2;
const NO_DEADLINE: i64 = -1;

pub(super) const TTL: Command = Command {
    name: "ttl",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    summary: "Tells the time a key has left, in seconds.",
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key")],
    run: ttl,
    ..Command::DEFAULT
};

fn ttl(context: &mut Context<'_>) -> Result<(), CommandError> {
    let now_ms = context.now_ms;
    tell(context, |deadline_ms| seconds(deadline_ms.saturating_sub(now_ms)))
}

pub(super) const PTTL: Command = Command {
    name: "pttl",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::KEYSPACE,
    since: "2.6.0",
    summary: "Tells the time a key has left, in milliseconds.",
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key")],
    run: pttl,
    ..Command::DEFAULT
};

fn pttl(context: &mut Context<'_>) -> Result<(), CommandError> {
    let now_ms = context.now_ms;
    tell(context, |deadline_ms| deadline_ms.saturating_sub(now_ms))
}

pub(super) const EXPIRETIME: Command = Command {
    name: "expiretime",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::KEYSPACE,
    since: "7.0.0",
    summary: "Tells a key's deadline in seconds since 1970.",
    arguments: &[Argument::key("key")],
    run: expiretime,
    ..Command::DEFAULT
};

fn expiretime(context: &mut Context<'_>) -> Result<(), CommandError> {
    tell(context, seconds)
}

pub(super) const PEXPIRETIME: Command = Command {
    name: "pexpiretime",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::KEYSPACE,
    since: "7.0.0",
    summary: "Tells a key's deadline in milliseconds since 1970.",
    arguments: &[Argument::key("key")],
    run: pexpiretime,
    ..Command::DEFAULT
};

fn pexpiretime(context: &mut Context<'_>) -> Result<(), CommandError> {
    tell(context, |deadline_ms| deadline_ms)
}

/// Returns the nearest number of seconds.
fn seconds(ms: u64) -> u64 {
    ms.saturating_add(500) / 1000
}

/// Replies with what `view` makes of the first key's deadline.
fn tell(context: &mut Context<'_>, view: impl Fn(u64) -> u64) -> Result<(), CommandError> {
    let key = context.key(1);
    let told = match context.keys.get(&key, Lookup::NO_TOUCH) {
        None => NO_KEY,
        Some(entry) => match entry.deadline_ms() {
            None => NO_DEADLINE,
            Some(deadline_ms) => i64::try_from(view(deadline_ms)).unwrap_or(i64::MAX),
        },
    };
    context.reply.integer(told);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn deadlines_are_told_four_ways() {
        let mut bench = Bench::new();
        let at_ms = bench.now_ms() + 10_499;
        bench.expect(&[
            ("SET a 1 PX 10499", "OK"),
            ("PTTL a", "10499"),
            ("TTL a", "10"),
            ("PEXPIRETIME a", &at_ms.to_string()),
            ("EXPIRETIME a", &((at_ms + 500) / 1000).to_string()),
        ]);
        bench.advance(9_998);
        bench.expect(&[("PTTL a", "501"), ("TTL a", "1")]);
        bench.advance(501);
        bench.expect(&[("PTTL a", "-2"), ("TTL a", "-2")]);
    }

    #[test]
    fn no_key_and_no_deadline_are_told_apart() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1", "OK")]);
        for command in ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"] {
            bench.expect(&[(&format!("{command} a"), "-1"), (&format!("{command} none"), "-2")]);
        }
    }
}
