//! XINFO STREAM ... FULL: a stream with its entries, its groups, and all they have pending.

use super::info::{View, named_count, named_integer, reply_marks, reply_progress};
use super::value::{reply_entries, reply_id};
use crate::resp::ReplyBuffer;
use crate::types::{Consumer, Group, Stream, StreamId};

/// How much is shown of each list.
#[derive(Debug)]
pub(super) struct FullView {
    pub(super) count: usize,
    pub(super) view: View,
}

/// Replies with everything about a stream.
pub(super) fn reply_full(stream: &Stream, view: &FullView, reply: &mut ReplyBuffer) {
    let log = stream.log();
    reply.map(15);
    reply_marks(stream, &view.view, reply);
    reply.bulk(b"entries");
    reply_entries(reply, log.range(StreamId::MIN, StreamId::MAX).take(view.count));
    reply.bulk(b"groups");
    reply.array(stream.groups().len());
    for group in stream.groups().iter() {
        reply.map(8);
        reply.bulk(b"name");
        reply.bulk(group.name());
        reply.bulk(b"last-delivered-id");
        reply_id(reply, group.last_id);
        reply_progress(log, group, reply);
        reply_pending(group, view, reply);
        reply.bulk(b"consumers");
        reply.array(group.consumer_count());
        group.consumers().for_each(|(_, consumer)| reply_consumer(group, consumer, view, reply));
    }
}

fn reply_pending(group: &Group, view: &FullView, reply: &mut ReplyBuffer) {
    let pending = group.pending();
    named_count(reply, "pel-count", pending.len());
    named_count(reply, "nacked-count", group.returned().len());
    reply.bulk(b"pending");
    reply.array(pending.len().min(view.count));
    for (id, pending) in pending.iter().take(view.count) {
        let owner = pending.consumer.map(|consumer| group.consumer(consumer).name());
        reply.array(4);
        reply_id(reply, *id);
        reply.bulk(owner.unwrap_or_default());
        reply.integer(pending.delivered_ms.cast_signed());
        reply.integer(pending.delivery_count.cast_signed());
    }
}

fn reply_consumer(group: &Group, consumer: &Consumer, view: &FullView, reply: &mut ReplyBuffer) {
    let own = consumer.pending();
    reply.map(5);
    reply.bulk(b"name");
    reply.bulk(consumer.name());
    named_integer(reply, "seen-time", consumer.seen_ms.cast_signed());
    named_integer(reply, "active-time", consumer.active_ms.map_or(-1, u64::cast_signed));
    named_count(reply, "pel-count", own.len());
    reply.bulk(b"pending");
    reply.array(own.len().min(view.count));
    for id in own.iter().take(view.count) {
        let pending = group.pending().get(id);
        reply.array(3);
        reply_id(reply, *id);
        reply.integer(pending.map_or(0, |pending| pending.delivered_ms.cast_signed()));
        reply.integer(pending.map_or(0, |pending| pending.delivery_count.cast_signed()));
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn the_full_view_shows_entries_and_what_is_pending() {
        let mut bench = Bench::new();
        let now = bench.now_ms();
        for ms in 1..=3 {
            bench.say(&format!("XADD s {ms}-1 f {ms}"));
        }
        bench.say("XGROUP CREATE s g 0");
        bench.say("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
        let expected = format!(
            "[\"length\", 3, \"radix-tree-keys\", 1, \"radix-tree-nodes\", 2, \
             \"last-generated-id\", \"3-1\", \"max-deleted-entry-id\", \"0-0\", \"entries-added\", 3, \
             \"recorded-first-entry-id\", \"1-1\", \"idmp-duration\", 100, \"idmp-maxsize\", 100, \
             \"pids-tracked\", 0, \"iids-tracked\", 0, \"iids-added\", 0, \"iids-duplicates\", 0, \
             \"entries\", [[\"1-1\", [\"f\", \"1\"]]], \
             \"groups\", [[\"name\", \"g\", \"last-delivered-id\", \"2-1\", \"entries-read\", 2, \
             \"lag\", 1, \"pel-count\", 2, \"nacked-count\", 0, \"pending\", [[\"1-1\", \"c\", {now}, 1]], \"consumers\", \
             [[\"name\", \"c\", \"seen-time\", {now}, \"active-time\", {now}, \"pel-count\", 2, \
             \"pending\", [[\"1-1\", {now}, 1]]]]]]]"
        );
        assert_eq!(bench.say("XINFO STREAM s FULL COUNT 1"), expected);
    }
}
