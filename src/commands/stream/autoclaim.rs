//! XAUTOCLAIM: whatever has been pending for too long gets another consumer.

use super::claim::{Claimed, Terms, consumer_of, idle_ms_min, require_group};
use super::delivery::GroupName;
use super::value::{edit, no_group, range_start, reply_id};
use crate::base::text;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::resp::ReplyBuffer;
use crate::types::{Parts, StreamId};

/// Entries claimed at once unless told otherwise.
const COUNT_DEFAULT: u64 = 100;
/// Entries looked at for each that may be claimed.
const ATTEMPTS_PER_ENTRY: u64 = 10;
/// The originals would not find memory for more.
const COUNT_MAX: u64 = i64::MAX.unsigned_abs() / 16;

pub(super) const XAUTOCLAIM: Command = Command {
    name: "xautoclaim",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::STREAM,
    since: "6.2.0",
    group: Group::Stream,
    complexity: "O(1) if COUNT is small",
    summary: "Gives entries that have been pending for long to a consumer.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::new("group", ArgumentKind::String),
        Argument::new("consumer", ArgumentKind::String),
        Argument::new("min-idle-time", ArgumentKind::String),
        Argument::new("start", ArgumentKind::String),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::word("justid", "JUSTID").optional(),
    ],
    wakes_nobody: true,
    is_unobserved: true,
    run: xautoclaim,
    ..Command::DEFAULT
};

struct Options {
    idle_ms_min: u64,
    start: StreamId,
    count: u64,
    is_just_id: bool,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let idle_ms_min = idle_ms_min(args.at(4), "XAUTOCLAIM")?;
        let start = range_start(args.at(5))?;
        let mut options = Self { idle_ms_min, start, count: COUNT_DEFAULT, is_just_id: false };
        let mut at = 6;
        while at < args.len() {
            if at + 1 < args.len() && args.is_word(at, "COUNT") {
                const REFUSAL: CommandError = CommandError::refused("ERR COUNT must be > 0");
                let count = text::parse_u64(args.at(at + 1));
                options.count =
                    count.filter(|count| (1..=COUNT_MAX).contains(count)).ok_or(REFUSAL)?;
                at += 2;
            } else if args.is_word(at, "JUSTID") {
                options.is_just_id = true;
                at += 1;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }
}

fn xautoclaim(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args, now_ms) = (context.key(1), context.args, context.now_ms);
    let options = Options::parse(args)?;
    require_group(context)?;
    let absent = || no_group(key.bytes, args.at(2));
    let mut entry = context.keys.get_mut(&key).ok_or_else(absent)?;
    let mut stream = edit(&mut entry)?;
    let Parts { log, groups, .. } = stream.parts_mut();
    let mut group = groups.get_mut(args.at(2)).ok_or_else(absent)?;
    let name = GroupName { db: context.session.db, key: key.bytes, group: args.at(2) };
    let (consumer, is_new) = consumer_of(&mut group, args.at(3), now_ms);
    let terms = Terms {
        consumer,
        idle_ms_min: options.idle_ms_min,
        now_ms,
        delivered_ms: now_ms,
        delivery_count: None,
        is_just_id: options.is_just_id,
        is_forced: false,
    };
    let effects = &mut *context.effects;
    // The cursor stands before the entries, but is known only after them.
    let mut entries = ReplyBuffer::with_protocol(context.reply.protocol());
    let (mut claimed, mut gone) = (0, Vec::new());
    let (mut left, mut attempts) = (options.count, options.count * ATTEMPTS_PER_ENTRY);
    let mut next = Some(options.start);
    let mut cursor = None;
    while let Some(start) = next {
        cursor = group.pending().range(start..).next().map(|(id, _)| *id);
        let Some(id) = cursor.filter(|_| left > 0 && attempts > 0) else { break };
        attempts -= 1;
        next = id.next();
        match terms.claim(log, &mut group, id, &name, (&mut entries, effects)) {
            Claimed::Refused => continue,
            Claimed::Done => claimed += 1,
            Claimed::Gone => gone.push(id),
        }
        left -= 1;
    }
    if is_new && claimed == 0 {
        effects.changed(1);
        name.state_consumer(effects, args.at(3));
    }
    let reply = &mut *context.reply;
    reply.array(3);
    reply_id(reply, if next.is_some() { cursor.unwrap_or_default() } else { StreamId::MIN });
    reply.array(claimed);
    reply.append(entries);
    reply.array(gone.len());
    gone.into_iter().for_each(|id| reply_id(reply, id));
    drop(group);
    drop(stream);
    if is_new {
        context.notify(Event::XGROUP_CREATECONSUMER, &key);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn entries_idle_for_long_are_claimed_from_a_cursor_on() {
        let mut bench = Bench::new();
        for ms in 1..=4 {
            bench.say(&format!("XADD s {ms}-0 f v"));
        }
        bench.say("XGROUP CREATE s g 0");
        bench.say("XREADGROUP GROUP g a STREAMS s >");
        bench.say("XGROUP CREATECONSUMER s g b");
        bench.advance(10);
        bench.expect(&[
            ("XAUTOCLAIM s g b 20 0", "[\"0-0\", [], []]"),
            ("XDEL s 2-0", "1"),
            ("XAUTOCLAIM s g b 10 0 COUNT 1", "[\"2-0\", [[\"1-0\", [\"f\", \"v\"]]], []]"),
            ("XAUTOCLAIM s g b 10 2-0 COUNT 2 JUSTID", "[\"4-0\", [\"3-0\"], [\"2-0\"]]"),
            ("XAUTOCLAIM s g b 10 4-0 JUSTID", "[\"0-0\", [\"4-0\"], []]"),
            ("XPENDING s g", "[3, \"1-0\", \"4-0\", [[\"b\", \"3\"]]]"),
            ("XPENDING s g - + 9 a", "[]"),
            ("XAUTOCLAIM s g c 0 0 COUNT 0", "ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g c x 0", "ERR Invalid min-idle-time argument for XAUTOCLAIM"),
            ("XAUTOCLAIM s x c 0 0", "NOGROUP No such key 's' or consumer group 'x'"),
        ]);
    }
}
