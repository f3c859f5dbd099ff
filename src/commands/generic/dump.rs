//! Values as bytes that travel: DUMP and RESTORE.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::config::Setting;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::{Key, Lookup};
use crate::rdb::{self, PayloadError, Shapes, Value};
use crate::types::SHARED_BYTES_MIN;

pub(super) const DUMP: Command = Command {
    name: "dump",
    arity: 2,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::KEYSPACE,
    since: "2.6.0",
    complexity: "O(N) in the size of the value",
    summary: "Returns a key's value as bytes that RESTORE takes.",
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key")],
    run: dump,
    ..Command::DEFAULT
};
fn dump(context: &mut Context<'_>) -> Result<(), CommandError> {
    let compresses = context.engine.config.flag(Setting::Rdbcompression);
    let key = context.key(1);
    match context.keys.get(&key, Lookup::READ).map(|entry| rdb::dump(entry, compresses)) {
        None => context.reply.null(),
        Some(payload) if payload.len() < SHARED_BYTES_MIN => context.reply.bulk(&payload),
        Some(payload) => context.reply.bulk_shared(Bytes::from(payload)),
    }
    Ok(())
}

const RESTORE_ARGUMENTS: &[Argument] = &[
    Argument::key("key"),
    Argument::new("ttl", ArgumentKind::Integer),
    Argument::new("serialized-value", ArgumentKind::String),
    Argument::word("replace", "REPLACE").optional().since("3.0.0"),
    Argument::word("absttl", "ABSTTL").optional().since("5.0.0"),
    Argument::new("seconds", ArgumentKind::Integer).after("IDLETIME").optional().since("5.0.0"),
    Argument::new("frequency", ArgumentKind::Integer).after("FREQ").optional().since("5.0.0"),
];

pub(super) const RESTORE: Command = Command {
    name: "restore",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE))],
    acl: Categories::KEYSPACE.and(Categories::DANGEROUS),
    since: "2.6.0",
    complexity: "O(N) in the size of the value",
    summary: "Creates a key from the bytes that DUMP returned.",
    arguments: RESTORE_ARGUMENTS,
    run: restore,
    ..Command::DEFAULT
};

pub(super) const RESTORE_ASKING: Command = Command {
    name: "restore-asking",
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::ASKING),
    since: "3.0.0",
    group: Group::Server,
    summary: "Creates a key while its slot is being moved here; for servers among each other.",
    ..RESTORE
};
fn restore(context: &mut Context<'_>) -> Result<(), CommandError> {
    let options = RestoreOptions::parse(context)?;
    let key = context.key(1);
    if !options.replaces && context.keys.get(&key, Lookup::WRITE).is_some() {
        return Err(CommandError::refused("BUSYKEY Target key name already exists."));
    }
    let deadline_ms = deadline_ms(context, options.is_absolute)?;
    let value = read_payload(context)?;
    if deadline_ms.is_some_and(|deadline_ms| deadline_ms <= context.now_ms) {
        forget(context, &key);
    } else {
        store(context, &key, (value, deadline_ms), &options);
    }
    context.reply.ok();
    Ok(())
}

#[derive(Default)]
struct RestoreOptions {
    replaces: bool,
    is_absolute: bool,
    idle_s: Option<u64>,
    frequency: Option<u8>,
}

impl RestoreOptions {
    fn parse(context: &Context<'_>) -> Result<Self, CommandError> {
        let args = context.args;
        let mut options = Self::default();
        let mut index = 4;
        while index < args.len() {
            let has_more = index + 1 < args.len();
            if args.is_word(index, "REPLACE") {
                options.replaces = true;
            } else if args.is_word(index, "ABSTTL") {
                options.is_absolute = true;
            } else if args.is_word(index, "IDLETIME") && has_more && options.frequency.is_none() {
                index += 1;
                let idle_s = u64::try_from(context.integer(index)?);
                options.idle_s = Some(idle_s.map_err(|_| {
                    CommandError::refused("ERR Invalid IDLETIME value, must be >= 0")
                })?);
            } else if args.is_word(index, "FREQ") && has_more && options.idle_s.is_none() {
                index += 1;
                let frequency = u8::try_from(context.integer(index)?);
                options.frequency = Some(frequency.map_err(|_| {
                    CommandError::refused("ERR Invalid FREQ value, must be >= 0 and <= 255")
                })?);
            } else {
                return Err(CommandError::Syntax);
            }
            index += 1;
        }
        Ok(options)
    }
}

/// Returns the deadline that the argument asks for; zero is none.
fn deadline_ms(context: &Context<'_>, is_absolute: bool) -> Result<Option<u64>, CommandError> {
    let ttl = u64::try_from(context.integer(2)?)
        .map_err(|_| CommandError::refused("ERR Invalid TTL value, must be >= 0"))?;
    let base_ms = if is_absolute { 0 } else { context.now_ms };
    Ok((ttl > 0).then(|| ttl.saturating_add(base_ms)))
}

fn read_payload(context: &Context<'_>) -> Result<Value, CommandError> {
    // Relaxed: a switch for tests that stands for itself.
    let skips_checksum = context.engine.skips_checksums.load(Ordering::Relaxed);
    let shapes = Shapes::read(&context.engine.config);
    rdb::restore(context.args.at(3), skips_checksum, &shapes).map_err(|error| match error {
        PayloadError::Footer => {
            CommandError::refused("ERR DUMP payload version or checksum are wrong")
        }
        PayloadError::Value(_) => CommandError::refused("ERR Bad data format"),
    })
}

/// A value whose time has come only removes what is there.
fn forget(context: &mut Context<'_>, key: &Key<'_>) {
    if context.keys.remove(key).is_some() {
        context.effects.changed(1);
        context.notify(Event::DEL, key);
        context.effects.push(context.session.db, &[b"DEL", key.bytes]);
    }
}

fn store(
    context: &mut Context<'_>,
    key: &Key<'_>,
    (value, deadline_ms): (Value, Option<u64>),
    options: &RestoreOptions,
) {
    let idle_ms = options.idle_s.map(|seconds| seconds.saturating_mul(1000));
    let aging = context.keys.access().aging;
    let stamp = aging.aged_stamp(idle_ms, options.frequency);
    let entry = value.into_entry(key.bytes, deadline_ms, stamp);
    let replaced = context.keys.insert(key, entry);
    context.effects.changed(1);
    context.notify(Event::RESTORE, key);
    context.notify_replaced(key, replaced);
    if let Some(deadline_ms) = deadline_ms.filter(|_| !options.is_absolute) {
        push_absolute(context, deadline_ms);
    }
}

/// States the command with its deadline in place of its time to live.
fn push_absolute(context: &mut Context<'_>, deadline_ms: u64) {
    let mut digits = itoa::Buffer::new();
    let mut words: Vec<&[u8]> = context.args.iter().collect();
    words[2] = digits.format(deadline_ms).as_bytes();
    words.push(b"ABSTTL");
    context.effects.push(context.session.db, &words);
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    /// Runs DUMP and returns the payload.
    fn dumped(bench: &mut Bench, key: &str) -> Vec<u8> {
        let reply = bench.run(&[b"DUMP", key.as_bytes()]);
        let start = reply.windows(2).position(|pair| pair == b"\r\n").expect("a bulk string") + 2;
        reply[start..reply.len() - 2].to_vec()
    }

    #[test]
    fn a_dumped_value_is_restored_under_any_name() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a hello", "OK"), ("DUMP none", "(nil)")]);
        let payload = dumped(&mut bench, "a");
        assert_eq!(bench.tell(&[b"RESTORE", b"b", b"0", &payload]), "OK");
        let busy = "BUSYKEY Target key name already exists.";
        assert_eq!(bench.tell(&[b"RESTORE", b"b", b"0", &payload]), busy);
        assert_eq!(bench.tell(&[b"RESTORE", b"b", b"5000", &payload, b"REPLACE"]), "OK");
        bench.expect(&[("GET b", "\"hello\""), ("PTTL b", "5000")]);
        assert_eq!(bench.tell(&[b"RESTORE", b"c", b"0", &payload, b"IDLETIME", b"100"]), "OK");
        bench.expect(&[("OBJECT IDLETIME c", "100")]);
    }

    #[test]
    fn effects_have_absolute_deadlines() {
        let mut bench = Bench::new();
        bench.say("SET a 1");
        let payload = dumped(&mut bench, "a");
        let shown = payload.escape_ascii().to_string();
        bench.effects();
        bench.tell(&[b"RESTORE", b"b", b"0", &payload]);
        bench.tell(&[b"RESTORE", b"b", b"1000", &payload, b"replace"]);
        let at = (bench.now_ms() + 1000).to_string();
        bench.tell(&[b"RESTORE", b"c", at.as_bytes(), &payload, b"ABSTTL"]);
        let expected = [
            format!("0: RESTORE b 0 {shown}"),
            format!("0: RESTORE b {at} {shown} replace ABSTTL"),
            format!("0: RESTORE c {at} {shown} ABSTTL"),
        ];
        assert_eq!(bench.effects(), expected);
    }

    #[test]
    fn a_value_whose_time_has_come_only_removes() {
        let mut bench = Bench::new();
        bench.say("SET a 1");
        let payload = dumped(&mut bench, "a");
        bench.effects();
        assert_eq!(bench.tell(&[b"RESTORE", b"b", b"1", &payload, b"ABSTTL"]), "OK");
        assert_eq!(bench.effects(), [""; 0]);
        assert_eq!(bench.tell(&[b"RESTORE", b"a", b"1", &payload, b"ABSTTL", b"REPLACE"]), "OK");
        assert_eq!(bench.effects(), ["0: DEL a"]);
        bench.expect(&[("EXISTS a b", "0")]);
    }

    #[test]
    fn refusals_come_in_the_order_of_the_originals() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1", "OK"),
            ("RESTORE a zz x foo", "ERR syntax error"),
            ("RESTORE a zz x", "BUSYKEY Target key name already exists."),
            ("RESTORE b zz x", "ERR value is not an integer or out of range"),
            ("RESTORE b -1 x", "ERR Invalid TTL value, must be >= 0"),
            ("RESTORE b 0 x", "ERR DUMP payload version or checksum are wrong"),
            ("RESTORE b 0 x IDLETIME -1", "ERR Invalid IDLETIME value, must be >= 0"),
            ("RESTORE b 0 x FREQ 256", "ERR Invalid FREQ value, must be >= 0 and <= 255"),
            ("RESTORE b 0 x FREQ 1 IDLETIME 1", "ERR syntax error"),
            ("RESTORE b 0 x FREQ", "ERR syntax error"),
        ]);
        let mut payload = dumped(&mut bench, "a");
        payload[0] = 200;
        let refused = "ERR DUMP payload version or checksum are wrong";
        assert_eq!(bench.tell(&[b"RESTORE", b"b", b"0", &payload]), refused);
    }

    #[test]
    fn nothing_but_questions_is_answered_while_the_server_loads() {
        let mut bench = Bench::new();
        bench.engine.persistence.begin_loading(1, 100);
        let loading = "LOADING Redis is loading the dataset in memory";
        bench.expect(&[("GET a", loading), ("PING", loading), ("SAVE", loading)]);
        assert!(bench.say("INFO persistence").contains("loading_total_bytes:100"));
        bench.engine.persistence.end_loading();
        bench.expect(&[("GET a", "(nil)")]);
    }
}
