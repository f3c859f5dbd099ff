//! How values are stored and used: OBJECT.

use crate::commands::help::container_help;
use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Flags, KeyFlags, KeySpec, Tuning,
};
use crate::keyspace::{Entry, Lookup, LruClock, VictimOrder, frequency, idle_ms};
use crate::types::{StringRef, ValueType};

/// What REFCOUNT answers for an integer that all keys share.
const SHARED_COUNT: i64 = 0x7fff_ffff;
/// The originals share integers below this one.
const SHARED_INTEGERS: i64 = 10_000;

pub(super) const OBJECT: Command = Command {
    name: "object",
    arity: -2,
    since: "2.2.3",
    complexity: "As the subcommand says.",
    summary: "Tells how values are stored and used.",
    subcommands: &[OBJECT_ENCODING, OBJECT_FREQ, OBJECT_HELP, OBJECT_IDLETIME, OBJECT_REFCOUNT],
    ..Command::DEFAULT
};

const OBJECT_ENCODING: Command = Command {
    name: "encoding",
    arity: 3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    acl: Categories::KEYSPACE,
    since: "2.2.3",
    summary: "Names the representation of a key's value.",
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key")],
    run: encoding,
    ..Command::DEFAULT
};

fn encoding(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(2);
    match context.keys.get(&key, Lookup::ABOUT) {
        Some(entry) => context.reply.bulk(entry.encoding().name().as_bytes()),
        None => context.reply.null(),
    }
    Ok(())
}

const OBJECT_FREQ: Command = Command {
    name: "freq",
    arity: 3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    acl: Categories::KEYSPACE,
    since: "4.0.0",
    summary: "Tells how often a key is used, on a logarithmic scale.",
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key")],
    run: freq,
    ..Command::DEFAULT
};

fn freq(context: &mut Context<'_>) -> Result<(), CommandError> {
    const REFUSAL: CommandError = CommandError::refused(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
         that when switching between policies at runtime LRU and LFU data will take some time to \
         adjust.",
    );
    let tuning = context.tuning;
    let now_ms = context.now_ms;
    tell(context, |entry| {
        let counted = tuning.is_lfu.then(|| frequency(entry, now_ms, tuning.lfu_decay_minutes));
        counted.map(i64::from).ok_or(REFUSAL)
    })
}

const OBJECT_IDLETIME: Command = Command {
    name: "idletime",
    arity: 3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    acl: Categories::KEYSPACE,
    since: "2.2.3",
    summary: "Tells for how many seconds a key has not been used.",
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key")],
    run: idletime,
    ..Command::DEFAULT
};

fn idletime(context: &mut Context<'_>) -> Result<(), CommandError> {
    const REFUSAL: CommandError = CommandError::refused(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
         switching between policies at runtime LRU and LFU data will take some time to adjust.",
    );
    let clock = (!context.tuning.is_lfu).then(|| LruClock::at(context.now_ms));
    tell(context, |entry| {
        let idle_s = clock.map(|clock| idle_ms(entry, clock) / 1000);
        idle_s.map(u64::cast_signed).ok_or(REFUSAL)
    })
}

const OBJECT_REFCOUNT: Command = Command {
    name: "refcount",
    arity: 3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    acl: Categories::KEYSPACE,
    since: "2.2.3",
    summary: "Counts the owners of a key's value.",
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key")],
    run: refcount,
    ..Command::DEFAULT
};

fn refcount(context: &mut Context<'_>) -> Result<(), CommandError> {
    let shares = !needs_own_stamps(context.tuning);
    tell(context, |entry| {
        let is_shared = shares
            && entry.value_type() == ValueType::String
            && matches!(entry.string(), StringRef::Integer(0..SHARED_INTEGERS));
        Ok(if is_shared { SHARED_COUNT } else { 1 })
    })
}

/// Says whether eviction looks at when or how often each key is used; the originals share no
/// integers then.
fn needs_own_stamps(tuning: &Tuning) -> bool {
    let is_by_use = tuning.policy.is_some_and(|(_, order)| {
        matches!(order, VictimOrder::LeastRecentlyUsed | VictimOrder::LeastFrequentlyUsed { .. })
    });
    tuning.maxmemory_bytes > 0 && is_by_use
}

/// Replies with what `view` finds in the key's entry.
fn tell(
    context: &mut Context<'_>,
    view: impl Fn(&Entry) -> Result<i64, CommandError>,
) -> Result<(), CommandError> {
    let key = context.key(2);
    match context.keys.get(&key, Lookup::ABOUT) {
        Some(entry) => context.reply.integer(view(entry)?),
        None => context.reply.null(),
    }
    Ok(())
}

const OBJECT_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::KEYSPACE,
    since: "6.2.0",
    summary: "Lists the subcommands.",
    run: container_help,
    ..Command::DEFAULT
};

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn encodings_tell_numbers_short_and_long_texts_apart() {
        let mut bench = Bench::new();
        let (short, long) = ("x".repeat(44), "x".repeat(45));
        bench.expect(&[
            ("SET n 12", "OK"),
            (&format!("SET short {short}"), "OK"),
            (&format!("SET long {long}"), "OK"),
            ("OBJECT ENCODING n", "\"int\""),
            ("OBJECT ENCODING short", "\"embstr\""),
            ("OBJECT ENCODING long", "\"raw\""),
            ("OBJECT ENCODING none", "(nil)"),
            ("OBJECT REFCOUNT long", "1"),
            ("OBJECT REFCOUNT none", "(nil)"),
        ]);
    }

    #[test]
    fn idle_time_counts_from_the_last_use() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1", "OK")]);
        bench.advance(10_400);
        bench.expect(&[
            ("OBJECT IDLETIME a", "10"),
            ("TYPE a", "string"),
            ("OBJECT IDLETIME a", "10"),
            ("TOUCH a", "1"),
            ("OBJECT IDLETIME a", "0"),
            ("OBJECT IDLETIME none", "(nil)"),
        ]);
        assert!(bench.say("OBJECT FREQ a").starts_with("ERR An LFU maxmemory policy is not"));
        assert_eq!(bench.say("OBJECT FREQ none"), "(nil)");
    }

    #[test]
    fn frequency_is_told_under_lfu_only() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("CONFIG SET maxmemory-policy allkeys-lfu", "OK"),
            ("SET a 1", "OK"),
            ("OBJECT FREQ a", "5"),
        ]);
        assert!(bench.say("OBJECT IDLETIME a").starts_with("ERR An LFU maxmemory policy is sel"));
        assert!(bench.say("OBJECT HELP").contains("ENCODING"));
    }
}
