//! XPENDING: what a group has delivered and nobody has acknowledged.

use super::value::{integer, no_group, range_end, range_start, reply_id, stream_of};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags,
    Group as Family, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::{Group, Pending, StreamId};

pub(super) const XPENDING: Command = Command {
    name: "xpending",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Family::Stream,
    complexity: "O(N) in the entries returned, or looked at when they must have been idle; O(N) in the \
                 consumers for a summary",
    summary: "Shows what a group has pending.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::new("group", ArgumentKind::String),
        Argument::block(
            "filters",
            &[
                Argument::new("min-idle-time", ArgumentKind::Integer)
                    .after("IDLE")
                    .since("6.2.0")
                    .optional(),
                Argument::new("start", ArgumentKind::String),
                Argument::new("end", ArgumentKind::String),
                Argument::new("count", ArgumentKind::Integer),
                Argument::new("consumer", ArgumentKind::String).optional(),
            ],
        )
        .optional(),
    ],
    run: xpending,
    ..Command::DEFAULT
};

/// Which pending entries are to be listed.
struct Filter<'a> {
    idle_ms_min: u64,
    start: StreamId,
    end: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Returns the filter the arguments give; `None` asks for a summary.
    fn parse(args: Args<'a>) -> Result<Option<Self>, CommandError> {
        match args.len() {
            3 => return Ok(None),
            6..=9 => {}
            _ => return Err(CommandError::Syntax),
        }
        let (mut at, mut idle_ms_min) = (3, 0);
        if args.is_word(3, "IDLE") {
            idle_ms_min = u64::try_from(integer(args.at(4))?).unwrap_or(0);
            if args.len() < 8 {
                return Err(CommandError::Syntax);
            }
            at = 5;
        }
        let count = usize::try_from(integer(args.at(at + 2))?).unwrap_or(0);
        let (start, end) = (range_start(args.at(at))?, range_end(args.at(at + 1))?);
        Ok(Some(Self { idle_ms_min, start, end, count, consumer: args.get(at + 3) }))
    }
}

fn xpending(context: &mut Context<'_>) -> Result<(), CommandError> {
    let filter = Filter::parse(context.args)?;
    let (key, name, now_ms) = (context.key(1), context.args.at(2), context.now_ms);
    let stream = context.keys.get(&key, Lookup::READ).map(stream_of).transpose()?;
    let group = stream.and_then(|stream| stream.groups().get(name));
    let group = group.ok_or_else(|| no_group(key.bytes, name))?;
    match filter {
        None => summarise(group, context.reply),
        Some(filter) => list(group, &filter, now_ms, context.reply),
    }
    Ok(())
}

fn summarise(group: &Group, reply: &mut ReplyBuffer) {
    let pending = group.pending();
    reply.array(4);
    reply.count(pending.len());
    let (Some((first, _)), Some((last, _))) = (pending.first_key_value(), pending.last_key_value())
    else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    reply_id(reply, *first);
    reply_id(reply, *last);
    let owners = group.consumers().map(|(_, consumer)| consumer);
    let owners = owners.filter(|consumer| !consumer.pending().is_empty());
    let (mark, mut count) = (reply.deferred(), 0);
    for consumer in owners {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk_integer(consumer.pending().len() as i64);
        count += 1;
    }
    reply.finish_array(mark, count);
}

fn list(group: &Group, filter: &Filter<'_>, now_ms: u64, reply: &mut ReplyBuffer) {
    let (mark, mut count) = (reply.deferred(), 0);
    let mut show = |id: StreamId, pending: &Pending| {
        let idle_ms = idle_ms(pending, now_ms);
        if idle_ms < filter.idle_ms_min {
            return false;
        }
        reply.array(4);
        reply_id(reply, id);
        match pending.consumer {
            Some(consumer) => {
                reply.bulk(group.consumer(consumer).name());
                reply.integer(idle_ms.cast_signed());
            }
            None => {
                reply.bulk(b"");
                reply.integer(-1);
            }
        }
        reply.integer(pending.delivery_count.cast_signed());
        count += 1;
        count >= filter.count
    };
    let range = filter.start..=filter.end;
    if filter.count > 0 && filter.start <= filter.end {
        match filter.consumer {
            None => _ = group.pending().range(range).any(|(id, pending)| show(*id, pending)),
            Some(name) => {
                let consumer = group.find_consumer(name).map(|id| group.consumer(id));
                let ids = consumer.into_iter().flat_map(|own| own.pending().range(range.clone()));
                let mut owned = ids.filter_map(|id| Some((*id, group.pending().get(id)?)));
                _ = owned.any(|(id, pending)| show(id, pending));
            }
        }
    }
    reply.finish_array(mark, count);
}

/// Returns for how long nobody has been given an entry.
pub(super) fn idle_ms(pending: &Pending, now_ms: u64) -> u64 {
    now_ms.saturating_sub(pending.delivered_ms)
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn pending_entries_are_summed_up_and_listed() {
        let mut bench = Bench::new();
        for ms in 1..=3 {
            bench.say(&format!("XADD s {ms}-0 f v"));
        }
        bench.expect(&[
            ("XGROUP CREATE s g 0", "OK"),
            ("XPENDING s g", "[0, (nil), (nil), (nil)]"),
            ("XREADGROUP GROUP g b COUNT 1 STREAMS s >", "[[\"s\", [[\"1-0\", [\"f\", \"v\"]]]]]"),
        ]);
        bench.advance(100);
        bench.say("XREADGROUP GROUP g a STREAMS s >");
        bench.expect(&[
            ("XPENDING s g", "[3, \"1-0\", \"3-0\", [[\"a\", \"2\"], [\"b\", \"1\"]]]"),
            ("XPENDING s g - + 2", "[[\"1-0\", \"b\", 100, 1], [\"2-0\", \"a\", 0, 1]]"),
            ("XPENDING s g (2-0 + 9 a", "[[\"3-0\", \"a\", 0, 1]]"),
            ("XPENDING s g IDLE 50 - + 9", "[[\"1-0\", \"b\", 100, 1]]"),
            ("XPENDING s g - + 9 nobody", "[]"),
            ("XPENDING s g + - 9", "[]"),
            ("XPENDING s g - + 0", "[]"),
            ("XPENDING s g - +", "ERR syntax error"),
            ("XPENDING s x", "NOGROUP No such key 's' or consumer group 'x'"),
            ("XPENDING none g", "NOGROUP No such key 'none' or consumer group 'g'"),
        ]);
    }
}
