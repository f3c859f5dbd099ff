//! What a consumer does with what it got: XACK, XACKDEL, XNACK.

use super::delete::{IDS, IdBlock, counted, reply_outcome};
use super::delivery::{DELIVERY_COUNT_MAX, GroupName};
use super::trim::REFERENCES;
use super::value::{edit, find, id, ids, integer, no_group};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::{Deletion, Parts, Pending, StreamId};

pub(super) const XACK: Command = Command {
    name: "xack",
    arity: -4,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(log N) for each entry, with N pending",
    summary: "Tells a group that entries have been processed.",
    arguments: &[
        Argument::key("key"),
        Argument::new("group", ArgumentKind::String),
        Argument::new("id", ArgumentKind::String).multiple(),
    ],
    wakes_nobody: true,
    is_unobserved: true,
    run: xack,
    ..Command::DEFAULT
};

fn xack(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args) = (context.key(1), context.args);
    let mut count = 0;
    // A read as well, for those who count or hear of misses.
    if context.keys.get(&key, Lookup::READ).is_some()
        && let Some(mut entry) = context.keys.get_mut(&key)
    {
        let mut stream = edit(&mut entry)?;
        if let Some(mut group) = stream.parts_mut().groups.get_mut(args.at(2)) {
            let ids = ids(args.from(3))?;
            count = ids.into_iter().filter(|&id| group.acknowledge(id)).count();
        }
    }
    if count > 0 {
        context.effects.changed(count as u64);
    }
    context.reply.count(count);
    Ok(())
}

pub(super) const XACKDEL: Command = Command {
    name: "xackdel",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE).and(KeyFlags::DELETE))],
    acl: Categories::STREAM,
    since: "8.2.0",
    group: Group::Stream,
    complexity: "O(log N) for each entry, with N pending",
    summary: "Tells a group that entries have been processed, and deletes them.",
    arguments: &[
        Argument::key("key"),
        Argument::new("group", ArgumentKind::String),
        REFERENCES.optional(),
        IDS,
    ],
    wakes_nobody: true,
    run: xackdel,
    ..Command::DEFAULT
};

fn xackdel(context: &mut Context<'_>) -> Result<(), CommandError> {
    let block = IdBlock::parse(context.args, 3)?;
    let (key, args) = (context.key(1), context.args);
    let mut outcomes = vec![Deletion::Absent; block.ids.len()];
    let mut count = 0;
    if let Some(mut entry) = context.keys.get_mut(&key) {
        let mut stream = edit(&mut entry)?;
        for (id, outcome) in block.ids.iter().zip(&mut outcomes) {
            let group = stream.parts_mut().groups.get_mut(args.at(2));
            let was_pending = group.is_some_and(|mut group| group.acknowledge(*id));
            if !was_pending {
                continue;
            }
            count += 1;
            // What is acknowledged is done with, even if somebody else deleted the entry before.
            *outcome = match stream.delete(*id, block.references) {
                Deletion::Referenced => Deletion::Referenced,
                Deletion::Done | Deletion::Absent => Deletion::Done,
            };
        }
    }
    if count > 0 {
        context.effects.changed(count);
    }
    reply_outcome(context.reply, &outcomes);
    Ok(())
}

pub(super) const XNACK: Command = Command {
    name: "xnack",
    arity: -7,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::STREAM,
    since: "8.8.0",
    group: Group::Stream,
    complexity: "O(log N) for each entry, with N pending",
    summary: "Gives pending entries back to a group, for whoever claims them first.",
    arguments: &[
        Argument::key("key"),
        Argument::new("group", ArgumentKind::String),
        Argument::one_of(
            "mode",
            &[
                Argument::word("silent", "SILENT"),
                Argument::word("fail", "FAIL"),
                Argument::word("fatal", "FATAL"),
            ],
        ),
        IDS,
        Argument::new("count", ArgumentKind::Integer).after("RETRYCOUNT").optional(),
        Argument::word("force", "FORCE").optional(),
    ],
    is_unobserved: true,
    run: xnack,
    ..Command::DEFAULT
};

/// Why an entry is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// It was never looked at: the delivery does not count.
    Silent,
    /// This consumer could not process it.
    Fail,
    /// No consumer can.
    Fatal,
}

/// What XNACK was asked to do.
struct GivingBack {
    reason: Reason,
    ids: Vec<StreamId>,
    delivery_count: Option<u64>,
    /// Entries that are not pending become so.
    is_forced: bool,
}

impl GivingBack {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        const NO_MODE: CommandError =
            CommandError::refused("ERR mode must be SILENT, FAIL, or FATAL");
        const NO_IDS: CommandError =
            CommandError::refused("ERR syntax error, expected IDS keyword");
        let modes = [("SILENT", Reason::Silent), ("FAIL", Reason::Fail), ("FATAL", Reason::Fatal)];
        let mode = modes.into_iter().find(|(word, _)| args.is_word(3, word)).ok_or(NO_MODE)?;
        let (mut ids, mut delivery_count, mut is_forced, mut at) = (None, None, false, 4);
        while at < args.len() {
            let has_value = at + 1 < args.len();
            if has_value && ids.is_none() && args.is_word(at, "IDS") {
                let (found, end) = Self::take_ids(args, at + 1)?;
                ids = Some(found);
                at = end;
            } else if args.is_word(at, "FORCE") {
                is_forced = true;
                at += 1;
            } else if has_value && args.is_word(at, "RETRYCOUNT") {
                const NEGATIVE: CommandError =
                    CommandError::refused("ERR Invalid RETRYCOUNT value, must be >= 0");
                let count = integer(args.at(at + 1))?;
                delivery_count = Some(u64::try_from(count).map_err(|_| NEGATIVE)?);
                at += 2;
            } else {
                let word = args.at(at);
                return Err(CommandError::quoting("ERR Unrecognized XNACK option '", word, "'"));
            }
        }
        Ok(Self { reason: mode.1, ids: ids.ok_or(NO_IDS)?, delivery_count, is_forced })
    }

    /// Returns the identifiers behind their number, and where they end.
    fn take_ids(args: Args<'_>, at: usize) -> Result<(Vec<StreamId>, usize), CommandError> {
        const NO_COUNT: CommandError =
            CommandError::refused("ERR numids must be a positive integer");
        const WRONG_COUNT: CommandError =
            CommandError::refused("ERR number of IDs doesn't match numids");
        let count = counted(args.at(at)).ok_or(NO_COUNT)?;
        let first = at + 1;
        if count > args.len() - first {
            return Err(WRONG_COUNT);
        }
        let ids = args.from(first).iter().take(count).map(id).collect::<Result<_, _>>()?;
        Ok((ids, first + count))
    }

    fn count_after(&self, pending: Option<&Pending>) -> u64 {
        match (self.delivery_count, self.reason, pending) {
            (Some(count), _, _) => count,
            (None, Reason::Fatal, _) => DELIVERY_COUNT_MAX,
            (None, _, None) => 0,
            (None, Reason::Fail, Some(pending)) => pending.delivery_count,
            (None, Reason::Silent, Some(pending)) => pending.delivery_count.saturating_sub(1),
        }
    }
}

fn xnack(context: &mut Context<'_>) -> Result<(), CommandError> {
    let giving_back = GivingBack::parse(context.args)?;
    let (key, args) = (context.key(1), context.args);
    let refusal = no_group(key.bytes, args.at(2));
    // Found out first, so that a refused command opens nothing for changes.
    let found =
        find(context, &key)?.is_some_and(|stream| stream.groups().get(args.at(2)).is_some());
    let Some(mut entry) = context.keys.get_mut(&key).filter(|_| found) else {
        return Err(refusal);
    };
    let mut stream = edit(&mut entry)?;
    let Parts { log, groups, .. } = stream.parts_mut();
    let mut group = groups.get_mut(args.at(2)).ok_or(refusal)?;
    let name = GroupName { db: context.session.db, key: key.bytes, group: args.at(2) };
    let mut count = 0;
    for &id in &giving_back.ids {
        let old = group.pending().get(&id).copied();
        if old.is_none() && !(giving_back.is_forced && log.get(id).is_some()) {
            continue;
        }
        let delivery_count = giving_back.count_after(old.as_ref());
        let pending = Pending { consumer: None, delivered_ms: 0, delivery_count };
        group.assign(id, pending);
        name.state_returned(context.effects, id, &pending);
        count += 1;
    }
    if count > 0 {
        context.effects.changed(count as u64);
    }
    context.reply.count(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn delivered(count: u64) -> Bench {
        let mut bench = Bench::new();
        for ms in 1..=count {
            bench.say(&format!("XADD s {ms}-0 f v"));
        }
        bench.say("XGROUP CREATE s g 0");
        bench.say("XREADGROUP GROUP g c STREAMS s >");
        bench
    }

    #[test]
    fn acknowledged_entries_are_pending_no_more() {
        let mut bench = delivered(3);
        bench.expect(&[
            ("XACK s g 1-0 2-0 9-0", "2"),
            ("XACK s g 1-0", "0"),
            ("XACK s none x", "0"),
            ("XACK none g x", "0"),
            ("XACK s g x", "ERR Invalid stream ID specified as stream command argument"),
            ("XPENDING s g", "[1, \"3-0\", \"3-0\", [[\"c\", \"1\"]]]"),
        ]);
    }

    #[test]
    fn acknowledging_can_delete_too() {
        let mut bench = delivered(3);
        bench.expect(&[
            ("XGROUP CREATE s h 0", "OK"),
            ("XACKDEL s g ACKED IDS 2 1-0 9-0", "[2, -1]"),
            ("XLEN s", "3"),
            ("XACKDEL s g IDS 1 2-0", "[1]"),
            ("XACKDEL s g DELREF IDS 1 3-0", "[1]"),
            ("XLEN s", "1"),
            ("XACKDEL none g IDS 2 1-0 2-0", "[-1, -1]"),
        ]);
    }

    #[test]
    fn returned_entries_wait_for_whoever_claims_them() {
        let mut bench = delivered(3);
        bench.expect_effects(
            "XNACK s g SILENT IDS 2 1-0 9-0",
            &["0: XNACK s g FAIL IDS 1 1-0 RETRYCOUNT 0 FORCE"],
        );
        bench.expect(&[
            ("XNACK s g FATAL IDS 1 2-0", "1"),
            ("XNACK s g FAIL IDS 1 3-0 RETRYCOUNT 7", "1"),
            ("XPENDING s g - + 1 c", "[]"),
            ("XPENDING s g - + 1", "[[\"1-0\", \"\", -1, 0]]"),
            ("XPENDING s g 2 2 1", "[[\"2-0\", \"\", -1, 9223372036854775807]]"),
            ("XPENDING s g 3 3 1", "[[\"3-0\", \"\", -1, 7]]"),
            ("XCLAIM s g d 100000 1-0 JUSTID", "[\"1-0\"]"),
            ("XACK s g 2-0", "1"),
            ("XNACK s g FAIL IDS 1 2-0", "0"),
            ("XNACK s g FAIL IDS 1 2-0 FORCE", "1"),
            ("XNACK s x FAIL IDS 1 2-0", "NOGROUP No such key 's' or consumer group 'x'"),
        ]);
    }

    #[test]
    fn options_of_giving_back_stand_in_any_order() {
        let mut bench = delivered(3);
        bench.expect(&[
            ("XNACK s g FAIL FORCE RETRYCOUNT 42 IDS 1 1-0", "1"),
            ("XNACK s g FAIL RETRYCOUNT 5 IDS 2 1-0 2-0 FORCE", "2"),
            ("XNACK s g OFTEN IDS 1 2-0", "ERR mode must be SILENT, FAIL, or FATAL"),
            ("XNACK s g FAIL FATAL IDS 1 2-0", "ERR Unrecognized XNACK option 'FATAL'"),
            ("XNACK s g FAIL IDS 1 2-0 3-0", "ERR Unrecognized XNACK option '3-0'"),
            ("XNACK s g FAIL FORCE RETRYCOUNT 5", "ERR syntax error, expected IDS keyword"),
            ("XNACK s g FAIL IDS 0 2-0", "ERR numids must be a positive integer"),
            ("XNACK s g FAIL IDS 2 2-0", "ERR number of IDs doesn't match numids"),
            (
                "XNACK s g FAIL IDS 1 2-0 RETRYCOUNT -1",
                "ERR Invalid RETRYCOUNT value, must be >= 0",
            ),
        ]);
    }

    #[test]
    fn claiming_what_was_returned_and_deleted_acknowledges_it() {
        let mut bench = delivered(1);
        bench.say("XGROUP CREATECONSUMER s g d");
        bench.say("XNACK s g FATAL IDS 1 1-0");
        bench.say("XCLAIM s g d 0 1-0");
        assert_eq!(bench.say("XPENDING s g - + 1"), "[[\"1-0\", \"d\", 0, 9223372036854775807]]");
        bench.say("XNACK s g FATAL IDS 1 1-0");
        bench.say("XDEL s 1-0");
        bench.expect_effects("XCLAIM s g d 0 1-0", &["0: XACK s g 1-0"]);
        assert_eq!(bench.say("XPENDING s g"), "[0, (nil), (nil), (nil)]");
    }
}
