//! Handing entries to a consumer of a group, and stating that as effects.

use super::value::{reply_entry, reply_id};
use crate::engine::Effects;
use crate::resp::ReplyBuffer;
use crate::types::{ConsumerId, Group, IntegerText, Pending, StreamId, StreamLog};

/// How often an entry counts as delivered at most: what the protocol can say.
pub(super) const DELIVERY_COUNT_MAX: u64 = i64::MAX.unsigned_abs();

/// The names under which effects concern a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupName<'a> {
    pub(super) db: u32,
    pub(super) key: &'a [u8],
    pub(super) group: &'a [u8],
}

impl GroupName<'_> {
    /// States that an entry is pending as it is now.
    pub(super) fn state_pending(
        &self,
        effects: &mut Effects,
        group: &Group,
        id: StreamId,
        pending: &Pending,
    ) {
        let Some(consumer) = pending.consumer else {
            return self.state_returned(effects, id, pending);
        };
        if !effects.is_recorded() {
            return effects.rewrite();
        }
        let (mut time, mut count) = (IntegerText::new(), IntegerText::new());
        let (id, last_id) = (id.text(), group.last_id.text());
        effects.push(
            self.db,
            &[
                b"XCLAIM",
                self.key,
                self.group,
                group.consumer(consumer).name(),
                b"0",
                id.as_bytes(),
                b"TIME",
                time.format(pending.delivered_ms).as_bytes(),
                b"RETRYCOUNT",
                count.format(pending.delivery_count).as_bytes(),
                b"FORCE",
                b"JUSTID",
                b"LASTID",
                last_id.as_bytes(),
            ],
        );
    }

    /// States that an entry is pending without a consumer.
    pub(super) fn state_returned(&self, effects: &mut Effects, id: StreamId, pending: &Pending) {
        let mut count = IntegerText::new();
        effects.push(
            self.db,
            &[
                b"XNACK",
                self.key,
                self.group,
                b"FAIL",
                b"IDS",
                b"1",
                id.text().as_bytes(),
                b"RETRYCOUNT",
                count.format(pending.delivery_count).as_bytes(),
                b"FORCE",
            ],
        );
    }

    /// States that an entry is pending no more.
    pub(super) fn state_acknowledged(&self, effects: &mut Effects, id: StreamId) {
        effects.push(self.db, &[b"XACK", self.key, self.group, id.text().as_bytes()]);
    }

    /// States how far a group has read.
    pub(super) fn state_position(&self, effects: &mut Effects, group: &Group) {
        let mut read = IntegerText::new();
        let read = match group.entries_read {
            Some(count) => read.format(count).as_bytes(),
            None => b"-1",
        };
        let last_id = group.last_id.text();
        let words: [&[u8]; 7] =
            [b"XGROUP", b"SETID", self.key, self.group, last_id.as_bytes(), b"ENTRIESREAD", read];
        effects.push(self.db, &words);
    }

    /// States that a consumer exists.
    pub(super) fn state_consumer(&self, effects: &mut Effects, consumer: &[u8]) {
        effects.push(self.db, &[b"XGROUP", b"CREATECONSUMER", self.key, self.group, consumer]);
    }
}

/// How entries are read by a consumer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivery {
    pub(super) consumer: ConsumerId,
    pub(super) entries_max: usize,
    pub(super) now_ms: u64,
    /// Entries need not be acknowledged.
    pub(super) is_noack: bool,
}

impl Delivery {
    /// Replies with the entries the group has not read yet and hands them to the consumer; returns how
    /// many.
    pub(super) fn deliver_new(
        &self,
        log: &StreamLog,
        group: &mut Group,
        name: &GroupName<'_>,
        (reply, effects): (&mut ReplyBuffer, &mut Effects),
    ) -> usize {
        let (mark, mut count) = (reply.deferred(), 0);
        let start = group.last_id.next().unwrap_or(StreamId::MAX);
        for entry in log.range(start, StreamId::MAX).take(self.entries_max) {
            let id = entry.id();
            advance(log, group, id);
            reply_entry(reply, &entry);
            count += 1;
            if self.is_noack {
                continue;
            }
            let consumer = Some(self.consumer);
            let pending = Pending { consumer, delivered_ms: self.now_ms, delivery_count: 1 };
            group.assign(id, pending);
            group.consumer_mut(self.consumer).active_ms = Some(self.now_ms);
            name.state_pending(effects, group, id, &pending);
        }
        reply.finish_array(mark, count);
        if count > 0 {
            name.state_position(effects, group);
        }
        count
    }

    /// Replies with what the consumer has got and not acknowledged, from an identifier on; each counts
    /// as delivered once more.
    pub(super) fn deliver_again(
        &self,
        log: &StreamLog,
        group: &mut Group,
        start: StreamId,
        reply: &mut ReplyBuffer,
    ) {
        let owned = group.consumer(self.consumer).pending().range(start..);
        let ids: Vec<StreamId> = owned.take(self.entries_max).copied().collect();
        reply.array(ids.len());
        for id in ids {
            let Some(entry) = log.get(id) else {
                reply.array(2);
                reply_id(reply, id);
                reply.null_array();
                continue;
            };
            reply_entry(reply, &entry);
            let old = group.pending().get(&id).copied();
            let delivery_count = old.map_or(0, |old| old.delivery_count);
            let delivery_count = (delivery_count + 1).min(DELIVERY_COUNT_MAX);
            let consumer = Some(self.consumer);
            group.assign(id, Pending { consumer, delivered_ms: self.now_ms, delivery_count });
        }
    }
}

/// Moves a group forward to an entry it reads now.
fn advance(log: &StreamLog, group: &mut Group, id: StreamId) {
    if id <= group.last_id {
        return;
    }
    group.entries_read = match group.entries_read {
        Some(count)
            if log.first_id() <= group.last_id && !log.has_deleted_behind(group.last_id) =>
        {
            Some(count + 1)
        }
        _ => log.added_up_to(id),
    };
    group.last_id = id;
}
