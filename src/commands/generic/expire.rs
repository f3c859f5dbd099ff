//! Commands that give keys a deadline or take it away.

use crate::commands::deadline::TimeForm;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags,
    KeyFlags, KeySpec,
};

pub(super) const EXPIRE: Command = Command {
    name: "expire",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    summary: "Gives a key a time to live in seconds.",
    arguments: &[
        Argument::key("key"),
        Argument::new("seconds", ArgumentKind::Integer),
        Argument::one_of(
            "condition",
            &[
                Argument::word("nx", "NX"),
                Argument::word("xx", "XX"),
                Argument::word("gt", "GT"),
                Argument::word("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    run: expire,
    ..Command::DEFAULT
};

fn expire(context: &mut Context<'_>) -> Result<(), CommandError> {
    give_deadline(context, TimeForm::EX)
}

pub(super) const EXPIREAT: Command = Command {
    name: "expireat",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::KEYSPACE,
    since: "1.2.0",
    summary: "Gives a key a deadline in seconds since 1970.",
    arguments: &[
        Argument::key("key"),
        Argument::new("unix-time-seconds", ArgumentKind::UnixTime),
        Argument::one_of(
            "condition",
            &[
                Argument::word("nx", "NX"),
                Argument::word("xx", "XX"),
                Argument::word("gt", "GT"),
                Argument::word("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    run: expireat,
    ..Command::DEFAULT
};

fn expireat(context: &mut Context<'_>) -> Result<(), CommandError> {
    give_deadline(context, TimeForm::EXAT)
}

pub(super) const PEXPIRE: Command = Command {
    name: "pexpire",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::KEYSPACE,
    since: "2.6.0",
    summary: "Gives a key a time to live in milliseconds.",
    arguments: &[
        Argument::key("key"),
        Argument::new("milliseconds", ArgumentKind::Integer),
        Argument::one_of(
            "condition",
            &[
                Argument::word("nx", "NX"),
                Argument::word("xx", "XX"),
                Argument::word("gt", "GT"),
                Argument::word("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    run: pexpire,
    ..Command::DEFAULT
};

fn pexpire(context: &mut Context<'_>) -> Result<(), CommandError> {
    give_deadline(context, TimeForm::PX)
}

pub(super) const PEXPIREAT: Command = Command {
    name: "pexpireat",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::KEYSPACE,
    since: "2.6.0",
    summary: "Gives a key a deadline in milliseconds since 1970.",
    arguments: &[
        Argument::key("key"),
        Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime),
        Argument::one_of(
            "condition",
            &[
                Argument::word("nx", "NX"),
                Argument::word("xx", "XX"),
                Argument::word("gt", "GT"),
                Argument::word("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    run: pexpireat,
    ..Command::DEFAULT
};

fn pexpireat(context: &mut Context<'_>) -> Result<(), CommandError> {
    give_deadline(context, TimeForm::PXAT)
}

/// When a deadline is given.
#[derive(Clone, Copy, Default)]
struct Conditions {
    /// NX.
    if_none: bool,
    /// XX.
    if_any: bool,
    /// GT: no deadline counts as one that never comes.
    if_later: bool,
    /// LT.
    if_earlier: bool,
}

impl Conditions {
    fn parse(args: Args<'_>, first: usize) -> Result<Self, CommandError> {
        const CONFLICT: CommandError = CommandError::refused(
            "ERR NX and XX, GT or LT options at the same time are not compatible",
        );
        const BOTH: CommandError =
            CommandError::refused("ERR GT and LT options at the same time are not compatible");
        let mut conditions = Self::default();
        for (index, word) in args.iter().enumerate().skip(first) {
            let flag = match () {
                () if args.is_word(index, "NX") => &mut conditions.if_none,
                () if args.is_word(index, "XX") => &mut conditions.if_any,
                () if args.is_word(index, "GT") => &mut conditions.if_later,
                () if args.is_word(index, "LT") => &mut conditions.if_earlier,
                () => return Err(unsupported(word)),
            };
            *flag = true;
        }
        let Self { if_none, if_any, if_later, if_earlier } = conditions;
        if if_none && (if_any || if_later || if_earlier) {
            return Err(CONFLICT);
        }
        if if_later && if_earlier {
            return Err(BOTH);
        }
        Ok(conditions)
    }

    fn allow(self, old_ms: Option<i64>, new_ms: i64) -> bool {
        let is_refused = self.if_none && old_ms.is_some()
            || self.if_any && old_ms.is_none()
            || self.if_later && old_ms.is_none_or(|old_ms| new_ms <= old_ms)
            || self.if_earlier && old_ms.is_some_and(|old_ms| new_ms >= old_ms);
        !is_refused
    }
}

#[cold]
fn unsupported(word: &[u8]) -> CommandError {
    CommandError::quoting("ERR Unsupported option ", word, "")
}

/// Gives the first key the deadline that the second argument spells; one in the past removes it.
fn give_deadline(context: &mut Context<'_>, form: TimeForm) -> Result<(), CommandError> {
    let conditions = Conditions::parse(context.args, 3)?;
    let number = context.integer(2)?;
    let at_ms = form
        .at(number, context.now_ms)
        .ok_or_else(|| CommandError::invalid_expire_time(context.command_name()))?;
    let key = context.key(1);
    let Some(mut entry) = context.keys.get_mut(&key) else {
        context.reply.integer(0);
        return Ok(());
    };
    let old_ms = entry.deadline_ms().map(|old_ms| i64::try_from(old_ms).unwrap_or(i64::MAX));
    if !conditions.allow(old_ms, at_ms) {
        context.reply.integer(0);
        return Ok(());
    }
    match u64::try_from(at_ms) {
        Ok(deadline_ms) if deadline_ms > context.now_ms => {
            entry.set_deadline(Some(deadline_ms));
            state_deadline(context, deadline_ms);
            context.notify(Event::EXPIRE, &key);
        }
        _ => {
            context.keys.remove(&key);
            context.notify(Event::DEL, &key);
            context.effects.push(context.session.db, &[b"DEL", key.bytes]);
        }
    }
    context.effects.changed(1);
    context.reply.integer(1);
    Ok(())
}

/// States the deadline since 1970, with the conditions as they were given.
fn state_deadline(context: &mut Context<'_>, deadline_ms: u64) {
    let args = context.args;
    let mut digits = itoa::Buffer::new();
    let at = digits.format(deadline_ms).as_bytes();
    let mut words: Vec<&[u8]> = vec![b"PEXPIREAT", args.at(1), at];
    words.extend(args.from(3).iter());
    context.effects.push(context.session.db, &words);
}

pub(super) const PERSIST: Command = Command {
    name: "persist",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::KEYSPACE,
    since: "2.2.0",
    summary: "Takes a key's deadline away.",
    arguments: &[Argument::key("key")],
    run: persist,
    ..Command::DEFAULT
};

fn persist(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let entry = context.keys.get_mut(&key);
    let volatile = entry.filter(|entry| entry.deadline_ms().is_some());
    let is_changed = volatile.map(|mut entry| entry.set_deadline(None)).is_some();
    context.effects.changed(u64::from(is_changed));
    if is_changed {
        context.notify(Event::PERSIST, &key);
    }
    context.reply.integer(i64::from(is_changed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn each_command_has_its_unit_and_origin() {
        let mut bench = Bench::new();
        let now_ms = bench.now_ms();
        let in_seconds = (now_ms / 1000 + 7).to_string();
        let in_ms = (now_ms + 77).to_string();
        bench.expect(&[
            ("SET a 1", "OK"),
            ("EXPIRE a 5", "1"),
            ("PTTL a", "5000"),
            ("PEXPIRE a 1234", "1"),
            ("PTTL a", "1234"),
            (&format!("EXPIREAT a {in_seconds}"), "1"),
            ("PTTL a", "7000"),
            (&format!("PEXPIREAT a {in_ms}"), "1"),
            ("PTTL a", "77"),
            ("PERSIST a", "1"),
            ("PERSIST a", "0"),
            ("PERSIST none", "0"),
            ("EXPIRE none 5", "0"),
        ]);
    }

    #[test]
    fn conditions_compare_with_the_old_deadline() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1", "OK"),
            ("EXPIRE a 100 XX", "0"),
            ("EXPIRE a 100 GT", "0"),
            ("EXPIRE a 100 LT", "1"),
            ("EXPIRE a 100 NX", "0"),
            ("EXPIRE a 100 GT", "0"),
            ("EXPIRE a 100 LT", "0"),
            ("EXPIRE a 200 GT", "1"),
            ("EXPIRE a 50 LT", "1"),
            ("EXPIRE a 60 XX GT", "1"),
            ("EXPIRE a 60 XX LT", "0"),
            ("TTL a", "60"),
            ("PERSIST a", "1"),
            ("EXPIRE a 100 XX LT", "0"),
            ("EXPIRE a 100 nx", "1"),
            ("EXPIRE a -1 GT", "0"),
            ("EXPIRE a -1 NX", "0"),
            ("EXPIRE a -1 LT", "1"),
            ("EXISTS a", "0"),
        ]);
    }

    #[test]
    fn arguments_are_checked_before_the_key_is_looked_up() {
        let mut bench = Bench::new();
        let conflict = "ERR NX and XX, GT or LT options at the same time are not compatible";
        let not_an_integer = "ERR value is not an integer or out of range";
        bench.expect(&[
            ("EXPIRE a 1 NX XX", conflict),
            ("EXPIRE a 1 NX GT", conflict),
            ("EXPIRE a 1 LT NX", conflict),
            ("EXPIRE a 1 GT LT", "ERR GT and LT options at the same time are not compatible"),
            ("EXPIRE a x FOO", "ERR Unsupported option FOO"),
            ("EXPIRE a x", not_an_integer),
            ("EXPIRE a 9223372036854775807", "ERR invalid expire time in 'expire' command"),
            ("EXPIRE a 9223372036854775", "ERR invalid expire time in 'expire' command"),
            ("EXPIREAT a -9223372036854776", "ERR invalid expire time in 'expireat' command"),
            ("PEXPIRE a 9223372036854775807", "ERR invalid expire time in 'pexpire' command"),
            ("PEXPIREAT a 9223372036854775807", "0"),
        ]);
    }

    #[test]
    fn effects_are_absolute() {
        let mut bench = Bench::new();
        let at = bench.now_ms() + 9000;
        bench.expect(&[("SET a 1", "OK")]);
        bench.expect_effects("EXPIRE a 9 nx", &[&format!("0: PEXPIREAT a {at} nx")]);
        bench.expect_effects("EXPIRE a 9 NX", &[]);
        bench.expect_effects("PERSIST a", &["0: PERSIST a"]);
        bench.expect_effects("PERSIST a", &[]);
        bench.expect_effects("PEXPIREAT a -5", &["0: DEL a"]);
        bench.expect_effects("PEXPIREAT a -5", &[]);
    }

    #[test]
    fn a_deadline_far_away_is_kept_exactly() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1", "OK"),
            ("PEXPIREAT a 9223372036854775807", "1"),
            ("PEXPIRETIME a", "9223372036854775807"),
            ("EXPIRE a 10 GT", "0"),
            ("GET a", "\"1\""),
        ]);
    }
}
