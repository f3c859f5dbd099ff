//! XINFO: what there is to know of streams, groups and consumers.

use super::group::no_group_for;
use super::info_full::{FullView, reply_full};
use super::value::{integer, reply_entry, reply_id, stream_of};
use crate::commands::help;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group as Family,
    KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::{
    Group, ProducerCounts, ProducerLimits, Producers, Stream, StreamEntry, StreamLog,
};

pub(super) const XINFO: Command = Command {
    name: "xinfo",
    arity: -2,
    since: "5.0.0",
    group: Family::Stream,
    complexity: "As the subcommand says.",
    summary: "Shows what there is to know of streams.",
    subcommands: &[CONSUMERS, GROUPS, HELP, STREAM],
    ..Command::DEFAULT
};

const HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Family::Stream,
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const STREAM: Command = Command {
    name: "stream",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Family::Stream,
    complexity: "O(N) in the blocks and producers of the stream and in the entries shown",
    summary: "Shows what there is to know of a stream.",
    arguments: &[
        Argument::key("key"),
        Argument::block(
            "full-block",
            &[
                Argument::word("full", "FULL"),
                Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
            ],
        )
        .optional(),
    ],
    run: stream,
    ..Command::DEFAULT
};

/// Elements that FULL shows of each list unless told otherwise.
const SHOWN_COUNT: usize = 10;

fn stream(context: &mut Context<'_>) -> Result<(), CommandError> {
    let shown = shown_count(context);
    let key = context.key(2);
    let entry = context.keys.get(&key, Lookup::READ).ok_or(CommandError::NoSuchKey)?;
    let stream = stream_of(entry)?;
    let view = View { now_ms: context.now_ms, producer_limits: context.tuning.stream_producers };
    match shown? {
        None => reply_summary(stream, &view, context.reply),
        Some(count) => reply_full(stream, &FullView { count, view }, context.reply),
    }
    Ok(())
}

/// Returns how much FULL shows of each list, if it is asked for.
fn shown_count(context: &Context<'_>) -> Result<Option<usize>, CommandError> {
    let args = context.args;
    match args.len() {
        3 => Ok(None),
        4 if args.is_word(3, "FULL") => Ok(Some(SHOWN_COUNT)),
        6 if args.is_word(3, "FULL") && args.is_word(4, "COUNT") => {
            Ok(Some(match integer(args.at(5))? {
                0 => usize::MAX,
                count => usize::try_from(count).unwrap_or(SHOWN_COUNT),
            }))
        }
        _ => Err(help::see_help(context)),
    }
}

/// When a stream is looked at, and what holds for streams without limits of their own.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) now_ms: u64,
    pub(super) producer_limits: ProducerLimits,
}

fn reply_summary(stream: &Stream, view: &View, reply: &mut ReplyBuffer) {
    let log = stream.log();
    reply.map(16);
    reply_marks(stream, view, reply);
    named_count(reply, "groups", stream.groups().len());
    for (name, entry) in [("first-entry", log.first()), ("last-entry", log.last())] {
        reply.bulk(name.as_bytes());
        reply_maybe(reply, entry);
    }
}

fn reply_maybe(reply: &mut ReplyBuffer, entry: Option<StreamEntry<'_>>) {
    match entry {
        Some(entry) => reply_entry(reply, &entry),
        None => reply.null(),
    }
}

/// Replies with the 13 pairs that both views of a stream begin with.
pub(super) fn reply_marks(stream: &Stream, view: &View, reply: &mut ReplyBuffer) {
    let log = stream.log();
    let marks = log.marks();
    named_integer(reply, "length", log.len().cast_signed());
    named_count(reply, "radix-tree-keys", log.block_count());
    named_count(reply, "radix-tree-nodes", log.radix_node_count());
    reply.bulk(b"last-generated-id");
    reply_id(reply, marks.last_id);
    reply.bulk(b"max-deleted-entry-id");
    reply_id(reply, marks.max_deleted_id);
    named_integer(reply, "entries-added", marks.entries_added.cast_signed());
    reply.bulk(b"recorded-first-entry-id");
    reply_id(reply, log.first_id());
    reply_producers(stream.producers(), view, reply);
}

fn reply_producers(producers: Option<&Producers>, view: &View, reply: &mut ReplyBuffer) {
    let limits = producers.map_or(view.producer_limits, Producers::limits);
    let counts = producers.map_or(ProducerCounts::default(), |producers| producers.counts);
    let tracked = producers.map_or((0, 0), |producers| producers.tracked(view.now_ms));
    named_integer(reply, "idmp-duration", i64::from(limits.duration_s));
    named_integer(reply, "idmp-maxsize", i64::from(limits.tokens_max));
    named_count(reply, "pids-tracked", tracked.0);
    named_count(reply, "iids-tracked", tracked.1);
    named_integer(reply, "iids-added", counts.added.cast_signed());
    named_integer(reply, "iids-duplicates", counts.duplicates.cast_signed());
}

/// Replies with how far a group has read, and how far that is from the end: two pairs.
pub(super) fn reply_progress(log: &StreamLog, group: &Group, reply: &mut ReplyBuffer) {
    let lag = log.lag(group.last_id, group.entries_read);
    let read = group.entries_read.map(u64::cast_signed);
    for (name, count) in [("entries-read", read), ("lag", lag)] {
        reply.bulk(name.as_bytes());
        match count {
            Some(count) => reply.integer(count),
            None => reply.null(),
        }
    }
}

/// Replies with a name and a number.
pub(super) fn named_integer(reply: &mut ReplyBuffer, name: &str, number: i64) {
    reply.bulk(name.as_bytes());
    reply.integer(number);
}

/// Replies with a name and a number of things.
pub(super) fn named_count(reply: &mut ReplyBuffer, name: &str, count: usize) {
    reply.bulk(name.as_bytes());
    reply.count(count);
}

const GROUPS: Command = Command {
    name: "groups",
    arity: 3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Family::Stream,
    complexity: "O(N) in the groups",
    summary: "Shows the groups of a stream.",
    arguments: &[Argument::key("key")],
    run: groups,
    ..Command::DEFAULT
};

fn groups(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(2);
    let entry = context.keys.get(&key, Lookup::READ).ok_or(CommandError::NoSuchKey)?;
    let stream = stream_of(entry)?;
    let reply = &mut *context.reply;
    reply.array(stream.groups().len());
    for group in stream.groups().iter() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(group.name());
        named_count(reply, "consumers", group.consumer_count());
        named_count(reply, "pending", group.pending().len());
        reply.bulk(b"last-delivered-id");
        reply_id(reply, group.last_id);
        reply_progress(stream.log(), group, reply);
    }
    Ok(())
}

const CONSUMERS: Command = Command {
    name: "consumers",
    arity: 4,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Family::Stream,
    complexity: "O(N) in the consumers",
    summary: "Shows the consumers of a group.",
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key"), Argument::new("group", ArgumentKind::String)],
    run: consumers,
    ..Command::DEFAULT
};

fn consumers(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, name, now_ms) = (context.key(2), context.args.at(3), context.now_ms);
    let entry = context.keys.get(&key, Lookup::READ).ok_or(CommandError::NoSuchKey)?;
    let group = stream_of(entry)?.groups().get(name);
    let group = group.ok_or_else(|| no_group_for(key.bytes, name))?;
    let reply = &mut *context.reply;
    reply.array(group.consumer_count());
    for (_, consumer) in group.consumers() {
        let since = |ms: u64| now_ms.saturating_sub(ms).cast_signed();
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        named_count(reply, "pending", consumer.pending().len());
        named_integer(reply, "idle", since(consumer.seen_ms));
        named_integer(reply, "inactive", consumer.active_ms.map_or(-1, since));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn streams_groups_and_consumers_are_shown() {
        let mut bench = Bench::new();
        let see_help =
            "ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.";
        let full = "[\"length\", 1, \"radix-tree-keys\", 1, \"radix-tree-nodes\", 2, \
             \"last-generated-id\", \"1-1\", \"max-deleted-entry-id\", \"0-0\", \"entries-added\", 1, \
             \"recorded-first-entry-id\", \"1-1\", \"idmp-duration\", 100, \"idmp-maxsize\", 100, \
             \"pids-tracked\", 0, \"iids-tracked\", 0, \"iids-added\", 0, \"iids-duplicates\", 0, \"groups\", 1, \"first-entry\", [\"1-1\", [\"f\", \
             \"v\"]], \"last-entry\", [\"1-1\", [\"f\", \"v\"]]]";
        bench.expect(&[
            ("XINFO STREAM s", "ERR no such key"),
            ("XADD s 1-1 f v", "\"1-1\""),
            ("XGROUP CREATE s g 0", "OK"),
            ("XGROUP CREATECONSUMER s g c", "1"),
            ("XINFO STREAM s", full),
            ("XINFO STREAM s FULL COUNT", see_help),
            (
                "XINFO GROUPS s",
                "[[\"name\", \"g\", \"consumers\", 1, \"pending\", 0, \"last-delivered-id\", \"0-0\", \
                 \"entries-read\", (nil), \"lag\", 1]]",
            ),
            (
                "XINFO CONSUMERS s g",
                "[[\"name\", \"c\", \"pending\", 0, \"idle\", 0, \"inactive\", -1]]",
            ),
            ("XINFO CONSUMERS s x", "NOGROUP No such consumer group 'x' for key name 's'"),
        ]);
    }
}
