//! XCLAIM: pending entries get another consumer.

use super::delivery::{DELIVERY_COUNT_MAX, GroupName};
use super::pending::idle_ms;
use super::value::{edit, find, id, no_group, reply_entry, reply_id};
use crate::base::text;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Effects, Event,
    Flags, Group as Family, KeyFlags, KeySpec,
};
use crate::resp::ReplyBuffer;
use crate::types::{ConsumerId, Group, Parts, Pending, StreamId, StreamLog};

pub(super) const XCLAIM: Command = Command {
    name: "xclaim",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Family::Stream,
    complexity: "O(log N) for each entry, with N pending",
    summary: "Gives pending entries to a consumer.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::new("group", ArgumentKind::String),
        Argument::new("consumer", ArgumentKind::String),
        Argument::new("min-idle-time", ArgumentKind::String),
        Argument::new("id", ArgumentKind::String).multiple(),
        Argument::new("ms", ArgumentKind::Integer).after("IDLE").optional(),
        Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).after("TIME").optional(),
        Argument::new("count", ArgumentKind::Integer).after("RETRYCOUNT").optional(),
        Argument::word("force", "FORCE").optional(),
        Argument::word("justid", "JUSTID").optional(),
        Argument::new("lastid", ArgumentKind::String).after("LASTID").optional(),
    ],
    wakes_nobody: true,
    is_unobserved: true,
    run: xclaim,
    ..Command::DEFAULT
};

/// Under which circumstances entries change hands, and what is noted of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) consumer: ConsumerId,
    /// Entries that somebody was given later than this long ago stay with him.
    pub(super) idle_ms_min: u64,
    pub(super) now_ms: u64,
    pub(super) delivered_ms: u64,
    pub(super) delivery_count: Option<u64>,
    /// Replies name entries only, and it does not count as a delivery.
    pub(super) is_just_id: bool,
    /// Entries that are not pending become so.
    pub(super) is_forced: bool,
}

/// What became of an entry that was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    Done,
    /// Not pending, or not idle for long enough.
    Refused,
    /// It was pending, but has been deleted from the stream: it is pending no more.
    Gone,
}

impl Terms {
    /// Gives one entry to the consumer and replies with it.
    pub(super) fn claim(
        &self,
        log: &StreamLog,
        group: &mut Group,
        id: StreamId,
        name: &GroupName<'_>,
        (reply, effects): (&mut ReplyBuffer, &mut Effects),
    ) -> Claimed {
        let old = group.pending().get(&id).copied();
        let Some(entry) = log.get(id) else {
            let Some(pending) = old else { return Claimed::Refused };
            // Repeating this finds no such entry either, and forgets it as well.
            effects.changed(1);
            match pending.consumer {
                Some(_) => name.state_pending(effects, group, id, &pending),
                None => name.state_acknowledged(effects, id),
            }
            group.acknowledge(id);
            return Claimed::Gone;
        };
        let created = Pending { consumer: None, delivered_ms: 0, delivery_count: 1 };
        let Some(old) = old.or(self.is_forced.then_some(created)) else { return Claimed::Refused };
        if old.consumer.is_some() && idle_ms(&old, self.now_ms) < self.idle_ms_min {
            return Claimed::Refused;
        }
        let counted = old.delivery_count + u64::from(!self.is_just_id);
        let pending = Pending {
            consumer: Some(self.consumer),
            delivered_ms: self.delivered_ms,
            delivery_count: self.delivery_count.unwrap_or(counted.min(DELIVERY_COUNT_MAX)),
        };
        group.assign(id, pending);
        group.consumer_mut(self.consumer).active_ms = Some(self.now_ms);
        if self.is_just_id {
            reply_id(reply, id);
        } else {
            reply_entry(reply, &entry);
        }
        effects.changed(1);
        name.state_pending(effects, group, id, &pending);
        Claimed::Done
    }
}

/// What XCLAIM was asked to do.
#[derive(Default)]
struct Options {
    idle_ms_min: u64,
    id_count: usize,
    delivered_ms: Option<i64>,
    delivery_count: Option<u64>,
    is_forced: bool,
    is_just_id: bool,
    last_id: StreamId,
}

const IDS_AT: usize = 5;

/// Returns the milliseconds that an argument of a claiming command says entries must have been idle.
pub(super) fn idle_ms_min(argument: &[u8], command: &str) -> Result<u64, CommandError> {
    let refusal =
        || CommandError::refused_with(format!("ERR Invalid min-idle-time argument for {command}"));
    Ok(text::parse_i64(argument).ok_or_else(refusal)?.max(0).unsigned_abs())
}

impl Options {
    fn parse(args: Args<'_>, now_ms: u64) -> Result<Self, CommandError> {
        let mut options =
            Self { idle_ms_min: idle_ms_min(args.at(4), "XCLAIM")?, ..Self::default() };
        let ids = args.from(IDS_AT).iter().take_while(|text| id(text).is_ok());
        options.id_count = ids.count();
        let mut at = IDS_AT + options.id_count;
        while at < args.len() {
            at += options.take(args, at, now_ms)?;
        }
        Ok(options)
    }

    /// Takes the option at a position; returns how many arguments it has.
    fn take(&mut self, args: Args<'_>, at: usize, now_ms: u64) -> Result<usize, CommandError> {
        let has_value = at + 1 < args.len();
        let number = |option: &str| {
            text::parse_i64(args.at(at + 1)).ok_or_else(|| {
                CommandError::refused_with(format!(
                    "ERR Invalid {option} option argument for XCLAIM"
                ))
            })
        };
        if args.is_word(at, "FORCE") {
            self.is_forced = true;
            Ok(1)
        } else if args.is_word(at, "JUSTID") {
            self.is_just_id = true;
            Ok(1)
        } else if has_value && args.is_word(at, "IDLE") {
            self.delivered_ms = Some(now_ms.cast_signed().saturating_sub(number("IDLE")?));
            Ok(2)
        } else if has_value && args.is_word(at, "TIME") {
            self.delivered_ms = Some(number("TIME")?);
            Ok(2)
        } else if has_value && args.is_word(at, "RETRYCOUNT") {
            self.delivery_count = u64::try_from(number("RETRYCOUNT")?).ok();
            Ok(2)
        } else if has_value && args.is_word(at, "LASTID") {
            self.last_id = id(args.at(at + 1))?;
            Ok(2)
        } else {
            Err(CommandError::quoting("ERR Unrecognized XCLAIM option '", args.at(at), "'"))
        }
    }

    /// Returns the time of delivery to note; one that lies ahead, or before all time, is now.
    fn delivered_ms(&self, now_ms: u64) -> u64 {
        let stated = self.delivered_ms.and_then(|ms| u64::try_from(ms).ok());
        stated.filter(|&ms| ms <= now_ms).unwrap_or(now_ms)
    }
}

fn xclaim(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args, now_ms) = (context.key(1), context.args, context.now_ms);
    require_group(context)?;
    let options = Options::parse(args, now_ms)?;
    let absent = || no_group(key.bytes, args.at(2));
    let mut entry = context.keys.get_mut(&key).ok_or_else(absent)?;
    let mut stream = edit(&mut entry)?;
    let Parts { log, groups, .. } = stream.parts_mut();
    let mut group = groups.get_mut(args.at(2)).ok_or_else(absent)?;
    let name = GroupName { db: context.session.db, key: key.bytes, group: args.at(2) };
    let mut must_state_position = options.last_id > group.last_id;
    group.last_id = group.last_id.max(options.last_id);
    let (consumer, is_new) = consumer_of(&mut group, args.at(3), now_ms);
    let terms = Terms {
        consumer,
        idle_ms_min: options.idle_ms_min,
        now_ms,
        delivered_ms: options.delivered_ms(now_ms),
        delivery_count: options.delivery_count,
        is_just_id: options.is_just_id,
        is_forced: options.is_forced,
    };
    let (reply, effects) = (&mut *context.reply, &mut *context.effects);
    let (mark, mut count) = (reply.deferred(), 0);
    for text in args.from(IDS_AT).iter().take(options.id_count) {
        match terms.claim(log, &mut group, id(text)?, &name, (reply, effects)) {
            Claimed::Refused => continue,
            Claimed::Done => count += 1,
            Claimed::Gone => {}
        }
        must_state_position = false;
    }
    if is_new && count == 0 {
        effects.changed(1);
        name.state_consumer(effects, args.at(3));
    }
    if must_state_position {
        effects.changed(1);
        name.state_position(effects, &group);
    }
    reply.finish_array(mark, count);
    drop(group);
    drop(stream);
    if is_new {
        context.notify(Event::XGROUP_CREATECONSUMER, &key);
    }
    Ok(())
}

/// Refuses a command whose group does not exist.
///
/// # Errors
/// [`CommandError::WrongType`], or there is no such key or group.
pub(super) fn require_group(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, name) = (context.key(1), context.args.at(2));
    match find(context, &key)?.and_then(|stream| stream.groups().get(name)) {
        Some(_) => Ok(()),
        None => Err(no_group(key.bytes, name)),
    }
}

/// Returns the consumer of a name and whether it had to be created, and notes that it was seen.
pub(super) fn consumer_of(group: &mut Group, consumer: &[u8], now_ms: u64) -> (ConsumerId, bool) {
    let is_new = group.create_consumer(consumer, now_ms).is_some();
    let id = group.find_consumer(consumer).expect("it was created where it was missing");
    group.consumer_mut(id).seen_ms = now_ms;
    (id, is_new)
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn delivered() -> Bench {
        let mut bench = Bench::new();
        for ms in 1..=3 {
            bench.say(&format!("XADD s {ms}-0 f v"));
        }
        bench.say("XGROUP CREATE s g 0");
        bench.say("XREADGROUP GROUP g a COUNT 2 STREAMS s >");
        bench.say("XGROUP CREATECONSUMER s g b");
        bench
    }

    #[test]
    fn idle_entries_change_hands() {
        let mut bench = delivered();
        bench.advance(100);
        let now = bench.now_ms();
        bench.expect(&[
            ("XCLAIM s g b 200 1-0", "[]"),
            ("XCLAIM s g b 100 1-0 3-0", "[[\"1-0\", [\"f\", \"v\"]]]"),
            ("XPENDING s g - + 9", "[[\"1-0\", \"b\", 0, 2], [\"2-0\", \"a\", 100, 1]]"),
            ("XCLAIM s g b 0 3-0 FORCE JUSTID", "[\"3-0\"]"),
            ("XCLAIM s g b 0 2-0 IDLE 40 RETRYCOUNT 9", "[[\"2-0\", [\"f\", \"v\"]]]"),
            ("XPENDING s g 2 + 9", "[[\"2-0\", \"b\", 40, 9], [\"3-0\", \"b\", 0, 1]]"),
            ("XDEL s 2-0", "1"),
        ]);
        let gone =
            format!("0: XCLAIM s g b 0 2-0 TIME {} RETRYCOUNT 9 FORCE JUSTID LASTID 2-0", now - 40);
        bench.expect_effects("XCLAIM s g b 0 2-0", &[&gone]);
        let claimed = "0: XCLAIM s g b 0 1-0 TIME 5 RETRYCOUNT 3 FORCE JUSTID LASTID 3-0";
        bench.expect_effects("XCLAIM s g b 0 1-0 TIME 5 LASTID 3-0", &[claimed]);
        bench.expect_effects(
            "XCLAIM s g b 0 9-0 LASTID 4-0",
            &["0: XGROUP SETID s g 4-0 ENTRIESREAD 2"],
        );
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        let mut bench = delivered();
        bench.expect(&[
            ("XCLAIM s g c 0 x", "ERR Unrecognized XCLAIM option 'x'"),
            ("XCLAIM s g c x 1-0", "ERR Invalid min-idle-time argument for XCLAIM"),
            ("XCLAIM s g c 0 1-0 IDLE x", "ERR Invalid IDLE option argument for XCLAIM"),
            ("XCLAIM s g c 0 1-0 IDLE", "ERR Unrecognized XCLAIM option 'IDLE'"),
            ("XCLAIM s x c 0 1-0", "NOGROUP No such key 's' or consumer group 'x'"),
            ("XCLAIM none g c x 1-0", "NOGROUP No such key 'none' or consumer group 'g'"),
        ]);
    }
}
