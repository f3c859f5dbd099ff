//! Deadlines of fields: HEXPIRE and its kin, HPERSIST.

use super::value::{BASE, FIELDS, UPDATES, edit, hash_at, push_effect, push_removal};
use crate::base::text;
use crate::commands::deadline::TimeForm;
use crate::engine::{Args, Argument, ArgumentKind, Command, CommandError, Context, Event, Flags};
use crate::keyspace::{Key, Lookup};
use crate::types::Hash;

/// The latest deadline a field may have, in milliseconds since 1970, as in the originals.
const LATEST_MS: i64 = (1 << 46) - 1;

/// How commands that read fields refuse their count.
pub(super) const GETS_FIELDS: &str = "ERR Number of fields must be a positive integer";
/// How commands that set deadlines refuse it.
const SETS_DEADLINES: &str = "ERR Parameter `numFields` should be greater than 0";

const NO_FIELD: i64 = -2;
const NO_DEADLINE: i64 = -1;
const REFUSED: i64 = 0;
const DONE: i64 = 1;
const REMOVED: i64 = 2;

/// The fields behind the word FIELDS and their number.
#[derive(Clone, Copy)]
pub(super) struct FieldList<'a> {
    args: Args<'a>,
    first: usize,
}

impl<'a> FieldList<'a> {
    /// Reads a list whose word FIELDS stands at an index; it ends the command.
    ///
    /// # Errors
    /// Another word, a count that is none, or that of other fields than there are.
    pub(super) fn parse(
        args: Args<'a>,
        index: usize,
        bad_count: &'static str,
    ) -> Result<Self, CommandError> {
        const NO_LIST: CommandError = CommandError::refused(
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        );
        const OTHER_COUNT: CommandError = CommandError::refused(
            "ERR The `numfields` parameter must match the number of arguments",
        );
        if index >= args.len() || !args.is_word(index, "FIELDS") {
            return Err(NO_LIST);
        }
        let count = args.get(index + 1).and_then(text::parse_i64).filter(|&count| count > 0);
        let count = count.ok_or(CommandError::refused(bad_count))?;
        let first = index + 2;
        if usize::try_from(count).ok() != Some(args.len() - first) {
            return Err(OTHER_COUNT);
        }
        Ok(Self { args, first })
    }

    /// Returns the number of fields; one at least.
    pub(super) fn len(&self) -> usize {
        self.args.len() - self.first
    }

    /// Returns the fields.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.args.from(self.first).iter()
    }
}

/// Returns the deadline of a field that a number stands for; it may lie in the past.
///
/// # Errors
/// Not an integer, negative, or too far away.
pub(super) fn deadline_of(
    form: TimeForm,
    number: &[u8],
    now_ms: u64,
    command: &str,
) -> Result<u64, CommandError> {
    const NEGATIVE: CommandError = CommandError::refused("ERR invalid expire time, must be >= 0");
    let number = text::parse_i64(number).ok_or(CommandError::NotAnInteger)?;
    if number < 0 {
        return Err(NEGATIVE);
    }
    let deadline_ms = form.at(number, now_ms).filter(|&deadline_ms| deadline_ms <= LATEST_MS);
    let deadline_ms = deadline_ms.and_then(|deadline_ms| u64::try_from(deadline_ms).ok());
    deadline_ms.ok_or_else(|| CommandError::invalid_expire_time(command))
}

/// When a field gets a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// NX.
    None,
    /// XX.
    Any,
    /// GT.
    Greater,
    /// LT.
    Less,
}

impl Condition {
    fn parse(args: Args<'_>, index: usize) -> Option<Self> {
        let words =
            [("NX", Self::None), ("XX", Self::Any), ("GT", Self::Greater), ("LT", Self::Less)];
        words.into_iter().find(|(word, _)| args.is_word(index, word)).map(|(_, found)| found)
    }

    /// Says whether a field with this deadline gets the new one. None lies beyond all others.
    fn admits(self, was_ms: Option<u64>, is_ms: u64) -> bool {
        match self {
            Self::None => was_ms.is_none(),
            Self::Any => was_ms.is_some(),
            Self::Greater => was_ms.is_some_and(|was_ms| was_ms < is_ms),
            Self::Less => was_ms.is_none_or(|was_ms| was_ms > is_ms),
        }
    }
}

const CONDITION: Argument = Argument::one_of(
    "condition",
    &[
        Argument::word("nx", "NX"),
        Argument::word("xx", "XX"),
        Argument::word("gt", "GT"),
        Argument::word("lt", "LT"),
    ],
)
.optional();

const EXPIRE: Command = Command {
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: UPDATES,
    since: "7.4.0",
    complexity: "O(N) in the fields named",
    ..BASE
};

pub(super) const HEXPIRE: Command = Command {
    name: "hexpire",
    summary: "Gives fields of a hash a time to live, in seconds.",
    arguments: &[
        Argument::key("key"),
        Argument::new("seconds", ArgumentKind::Integer),
        CONDITION,
        FIELDS,
    ],
    run: hexpire,
    ..EXPIRE
};

fn hexpire(context: &mut Context<'_>) -> Result<(), CommandError> {
    expire(context, TimeForm::EX)
}

pub(super) const HPEXPIRE: Command = Command {
    name: "hpexpire",
    summary: "Gives fields of a hash a time to live, in milliseconds.",
    arguments: &[
        Argument::key("key"),
        Argument::new("milliseconds", ArgumentKind::Integer),
        CONDITION,
        FIELDS,
    ],
    run: hpexpire,
    ..EXPIRE
};

fn hpexpire(context: &mut Context<'_>) -> Result<(), CommandError> {
    expire(context, TimeForm::PX)
}

pub(super) const HEXPIREAT: Command = Command {
    name: "hexpireat",
    summary: "Gives fields of a hash a deadline, in seconds since 1970.",
    arguments: &[
        Argument::key("key"),
        Argument::new("unix-time-seconds", ArgumentKind::UnixTime),
        CONDITION,
        FIELDS,
    ],
    run: hexpireat,
    ..EXPIRE
};

fn hexpireat(context: &mut Context<'_>) -> Result<(), CommandError> {
    expire(context, TimeForm::EXAT)
}

pub(super) const HPEXPIREAT: Command = Command {
    name: "hpexpireat",
    summary: "Gives fields of a hash a deadline, in milliseconds since 1970.",
    arguments: &[
        Argument::key("key"),
        Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime),
        CONDITION,
        FIELDS,
    ],
    run: hpexpireat,
    ..EXPIRE
};

fn hpexpireat(context: &mut Context<'_>) -> Result<(), CommandError> {
    expire(context, TimeForm::PXAT)
}

fn expire(context: &mut Context<'_>, form: TimeForm) -> Result<(), CommandError> {
    const CONDITION_INDEX: usize = 3;
    let (key, args, now_ms) = (context.key(1), context.args, context.now_ms);
    hash_at(&mut context.keys, &key, Lookup::PEEK)?;
    let deadline_ms = deadline_of(form, args.at(2), now_ms, context.command_name())?;
    let condition = Condition::parse(args, CONDITION_INDEX);
    let list_index = CONDITION_INDEX + usize::from(condition.is_some());
    let fields = FieldList::parse(args, list_index, SETS_DEADLINES)?;
    let change = Change { deadline_ms, condition, now_ms };
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    let reply = &mut *context.reply;
    reply.array(fields.len());
    let apply = |hash: &mut Hash| {
        hash.make_triplets();
        for field in fields.iter() {
            let outcome = change.apply(hash, field);
            match outcome {
                DONE => set.push(field),
                REMOVED => removed.push(field),
                _ => {}
            }
            reply.integer(outcome);
        }
        if !removed.is_empty() {
            // Those among them that had been due go with the others.
            let also = fields.iter().filter(|field| hash.holds_due(field, now_ms));
            let also: Vec<&[u8]> = also.collect();
            removed.extend(also.into_iter().filter(|field| hash.remove(field)));
        }
    };
    if edit(&mut context.keys, &key, apply)?.is_none() {
        fields.iter().for_each(|_| context.reply.integer(NO_FIELD));
    }
    context.effects.changed((set.len() + removed.len()) as u64);
    if !removed.is_empty() {
        context.notify_fields_taken(Event::HDEL, &key, &removed);
    }
    if !set.is_empty() {
        context.notify_fields(Event::HEXPIRE, &key, set.iter().copied());
    }
    let word = condition.map(|_| args.at(CONDITION_INDEX));
    push_deadline(context, &key, deadline_ms, word, &set);
    for field in removed {
        push_removal(context, &key, &[field]);
    }
    Ok(())
}

/// States that fields have a deadline.
pub(super) fn push_deadline(
    context: &mut Context<'_>,
    key: &Key<'_>,
    deadline_ms: u64,
    condition: Option<&[u8]>,
    fields: &[&[u8]],
) {
    if fields.is_empty() {
        return;
    }
    let (mut ms, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (ms, count) = (ms.format(deadline_ms).as_bytes(), count.format(fields.len()).as_bytes());
    let mut words = vec![b"HPEXPIREAT".as_slice(), key.bytes, ms];
    words.extend(condition);
    words.extend([b"FIELDS".as_slice(), count]);
    push_effect(context, &words, fields);
}

/// What a command wants of each field.
struct Change {
    deadline_ms: u64,
    condition: Option<Condition>,
    now_ms: u64,
}

impl Change {
    /// Sets a field's deadline and returns the number that tells what came of it.
    fn apply(&self, hash: &mut Hash, field: &[u8]) -> i64 {
        let was_ms = match hash.find(field) {
            Some((_, Some(was_ms))) if was_ms <= self.now_ms => return NO_FIELD,
            Some((_, was_ms)) => was_ms,
            None => return NO_FIELD,
        };
        if self.condition.is_some_and(|condition| !condition.admits(was_ms, self.deadline_ms)) {
            return REFUSED;
        }
        if self.deadline_ms <= self.now_ms {
            hash.remove(field);
            return REMOVED;
        }
        hash.set_deadline(field, Some(self.deadline_ms));
        DONE
    }
}

pub(super) const HPERSIST: Command = Command {
    name: "hpersist",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: UPDATES,
    since: "7.4.0",
    complexity: "O(N) in the fields named",
    summary: "Removes the deadlines of fields of a hash.",
    arguments: &[Argument::key("key"), FIELDS],
    run: hpersist,
    ..BASE
};

fn hpersist(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, now_ms) = (context.key(1), context.now_ms);
    hash_at(&mut context.keys, &key, Lookup::PEEK)?;
    let fields = FieldList::parse(context.args, 2, GETS_FIELDS)?;
    let mut changed = Vec::new();
    let reply = &mut *context.reply;
    reply.array(fields.len());
    let apply = |hash: &mut Hash| {
        for field in fields.iter() {
            let outcome = match hash.find(field) {
                None => NO_FIELD,
                Some((_, None)) => NO_DEADLINE,
                Some((_, Some(deadline_ms))) if deadline_ms <= now_ms => NO_FIELD,
                Some(_) => {
                    hash.set_deadline(field, None);
                    changed.push(field);
                    DONE
                }
            };
            reply.integer(outcome);
        }
    };
    if edit(&mut context.keys, &key, apply)?.is_none() {
        fields.iter().for_each(|_| context.reply.integer(NO_FIELD));
    }
    context.effects.changed(changed.len() as u64);
    if !changed.is_empty() {
        context.notify_fields(Event::HPERSIST, &key, changed.iter().copied());
    }
    push_persistence(context, &key, &changed);
    Ok(())
}

/// States that fields have no deadline any more.
pub(super) fn push_persistence(context: &mut Context<'_>, key: &Key<'_>, fields: &[&[u8]]) {
    if fields.is_empty() {
        return;
    }
    let mut count = itoa::Buffer::new();
    let count = count.format(fields.len()).as_bytes();
    push_effect(context, &[b"HPERSIST", key.bytes, b"FIELDS", count], fields);
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn benches() -> [Bench; 2] {
        [Bench::new(), Bench::with_settings("hash-max-listpack-entries 0")]
    }

    #[test]
    fn conditions_are_minded() {
        for mut bench in benches() {
            bench.expect(&[
                ("HSET h a 1 b 2 c 3", "3"),
                ("HPEXPIRE h 1000 NX FIELDS 1 a", "[1]"),
                ("HPEXPIRE h 1000 NX FIELDS 3 a b x", "[0, 1, -2]"),
                ("HPEXPIRE h 2000 XX FIELDS 2 b c", "[1, 0]"),
                ("HPEXPIRE h 1500 GT FIELDS 3 a b c", "[1, 0, 0]"),
                ("HPEXPIRE h 1600 LT FIELDS 3 a b c", "[0, 1, 1]"),
                ("HPTTL h FIELDS 4 a b c x", "[1500, 1600, 1600, -2]"),
                ("HPERSIST h FIELDS 3 a a x", "[1, -1, -2]"),
                ("HTTL h FIELDS 2 a b", "[-1, 2]"),
                ("HEXPIRE nokey 1 FIELDS 2 a b", "[-2, -2]"),
                ("HPERSIST nokey FIELDS 2 a b", "[-2, -2]"),
            ]);
        }
    }

    #[test]
    fn a_deadline_in_the_past_removes() {
        for mut bench in benches() {
            bench.expect(&[("HSET h a 1 b 2 c 3", "3"), ("HEXPIRE h 100 FIELDS 1 c", "[1]")]);
            bench.expect_effects(
                "HPEXPIREAT h 1 NX FIELDS 4 a b x c",
                &["0: HDEL h a", "0: HDEL h b"],
            );
            bench.expect(&[("HEXPIRE h 0 FIELDS 1 c", "[2]"), ("EXISTS h", "0")]);
        }
    }

    #[test]
    fn effects_are_absolute_and_name_what_changed() {
        for mut bench in benches() {
            let now_ms = bench.now_ms();
            let at = now_ms + 100_000;
            bench.say("HSET h a 1 b 2 c 3");
            let effect = format!("0: HPEXPIREAT h {at} FIELDS 2 a b");
            bench.expect_effects("HEXPIRE h 100 FIELDS 3 a x b", &[&effect]);
            let effect = format!("0: HPEXPIREAT h {at} nx FIELDS 1 c");
            bench.expect_effects("HPEXPIRE h 100000 nx FIELDS 2 a c", &[&effect]);
            bench.expect_effects("HEXPIRE h 100 XX FIELDS 1 x", &[]);
            bench.expect_effects("HPERSIST h FIELDS 2 a x", &["0: HPERSIST h FIELDS 1 a"]);
            bench.expect_effects("HPERSIST h FIELDS 1 a", &[]);
        }
    }

    #[test]
    fn arguments_are_checked_in_the_order_of_the_originals() {
        let mut bench = Bench::new();
        let list = "ERR Mandatory argument FIELDS is missing or not at the right position";
        let other = "ERR The `numfields` parameter must match the number of arguments";
        let count = "ERR Parameter `numFields` should be greater than 0";
        let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
        bench.expect(&[
            ("SET s 1", "OK"),
            ("HSET h a 1", "1"),
            ("HEXPIRE s x FIELDS 1 a", wrong),
            ("HEXPIRE h x FIELDS 1 a", "ERR value is not an integer or out of range"),
            ("HEXPIRE h -1 FIELDS 1 a", "ERR invalid expire time, must be >= 0"),
            (
                "HPEXPIREAT h 70368744177664 FIELDS 1 a",
                "ERR invalid expire time in 'hpexpireat' command",
            ),
            ("HEXPIRE h 10 FOO FIELDS 1 a", list),
            ("HEXPIRE h 10 NX XX FIELDS 1 a", list),
            ("HEXPIRE h 10 FIELDS 0 a", count),
            ("HEXPIRE h 10 FIELDS x a", count),
            ("HEXPIRE h 10 FIELDS 2 a", other),
            ("HEXPIRE h 10 FIELDS 1 a b", other),
            ("HPEXPIREAT h 70368744177663 FIELDS 1 a", "[1]"),
        ]);
    }

    #[test]
    fn a_new_value_ends_the_deadline() {
        for mut bench in benches() {
            bench.expect(&[
                ("HSET h a 1", "1"),
                ("HPEXPIRE h 10 FIELDS 1 a", "[1]"),
                ("HSET h a 2", "0"),
                ("HPTTL h FIELDS 1 a", "[-1]"),
            ]);
            bench.advance(10);
            bench.expect(&[("HGET h a", "\"2\"")]);
        }
    }
}
