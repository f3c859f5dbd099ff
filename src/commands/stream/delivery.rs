//! Handing entries to a consumer of a group, and stating that as effects.

use super::reading::Budget;
use super::value::{reply_entry, reply_id, reply_parts};
use crate::engine::Effects;
use crate::resp::ReplyBuffer;
use crate::types::{ConsumerId, Group, IntegerText, Pending, StreamEntry, StreamId, StreamLog};

/// How often an entry counts as delivered at most: what the protocol can say.
pub(super) const DELIVERY_COUNT_MAX: u64 = i64::MAX.unsigned_abs();

/// What became of an idle entry that was to be taken over.
enum Taken {
    Done(Pending),
    /// The stream has it no more.
    Gone,
    /// The reply has become too large.
    TooMuch,
}

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
    /// For how long entries of others must have been idle to be taken over, if they are.
    pub(super) idle_ms_min: Option<u64>,
}

impl Delivery {
    /// Hands pending entries that have been idle for long to the consumer and appends them to the reply,
    /// with how long they were idle and how often they were delivered; returns how many. Those that
    /// are not in the stream any more are pending no more.
    pub(super) fn deliver_idle(
        &self,
        log: &StreamLog,
        group: &mut Group,
        name: &GroupName<'_>,
        (reply, effects, budget): (&mut ReplyBuffer, &mut Effects, &mut Budget),
    ) -> usize {
        let until_ms = self.idle_ms_min.and_then(|idle_ms| self.now_ms.checked_sub(idle_ms));
        let Some(until_ms) = until_ms else { return 0 };
        let mut count = 0;
        // Again, if all of them were gone from the stream.
        while count == 0 && !budget.is_spent() {
            let ids = group.idle_since(until_ms, self.entries_max);
            if ids.is_empty() {
                break;
            }
            for id in ids {
                match self.take_over(log, group, id, (reply, budget)) {
                    Taken::Done(pending) => {
                        effects.changed(1);
                        name.state_pending(effects, group, id, &pending);
                        count += 1;
                    }
                    Taken::Gone => {
                        effects.changed(1);
                        name.state_acknowledged(effects, id);
                    }
                    Taken::TooMuch => return count,
                }
            }
        }
        count
    }

    fn take_over(
        &self,
        log: &StreamLog,
        group: &mut Group,
        id: StreamId,
        (reply, budget): (&mut ReplyBuffer, &mut Budget),
    ) -> Taken {
        let (Some(old), Some(entry)) = (group.pending().get(&id).copied(), log.get(id)) else {
            group.acknowledge(id);
            return Taken::Gone;
        };
        let append = |reply: &mut ReplyBuffer| {
            reply.array(4);
            reply_parts(reply, &entry);
            reply.integer(self.now_ms.saturating_sub(old.delivered_ms).cast_signed());
            reply.integer(old.delivery_count.cast_signed());
        };
        if !budget.spend(reply, append) {
            return Taken::TooMuch;
        }
        let delivery_count = (old.delivery_count + 1).min(DELIVERY_COUNT_MAX);
        let consumer = Some(self.consumer);
        let pending = Pending { consumer, delivered_ms: self.now_ms, delivery_count };
        group.assign(id, pending);
        group.consumer_mut(self.consumer).active_ms = Some(self.now_ms);
        Taken::Done(pending)
    }

    /// Appends the entries the group has not read yet to the reply, up to `entries_max`, and hands them to
    /// the consumer; returns how many.
    pub(super) fn deliver_new(
        &self,
        log: &StreamLog,
        group: &mut Group,
        name: &GroupName<'_>,
        (reply, effects, budget): (&mut ReplyBuffer, &mut Effects, &mut Budget),
        entries_max: usize,
    ) -> usize {
        let mut count = 0;
        let start = group.last_id.next().unwrap_or(StreamId::MAX);
        for entry in log.range(start, StreamId::MAX).take(entries_max) {
            if !budget.spend(reply, |reply| self.reply_new(reply, &entry)) {
                break;
            }
            let id = entry.id();
            advance(log, group, id);
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
        if count > 0 {
            name.state_position(effects, group);
        }
        count
    }

    /// Replies with an entry nobody has read; where idle ones are taken over, it looks like them.
    fn reply_new(&self, reply: &mut ReplyBuffer, entry: &StreamEntry<'_>) {
        if self.idle_ms_min.is_none() {
            return reply_entry(reply, entry);
        }
        reply.array(4);
        reply_parts(reply, entry);
        reply.integer(0);
        reply.integer(0);
    }

    /// Appends what the consumer has got and not acknowledged to the reply, from an identifier on;
    /// returns how many. Each counts as delivered once more.
    pub(super) fn deliver_again(
        &self,
        log: &StreamLog,
        group: &mut Group,
        start: StreamId,
        (reply, budget): (&mut ReplyBuffer, &mut Budget),
    ) -> usize {
        let owned = group.consumer(self.consumer).pending().range(start..);
        let ids: Vec<StreamId> = owned.take(self.entries_max).copied().collect();
        let mut count = 0;
        for id in ids {
            let entry = log.get(id);
            if !budget.spend(reply, |reply| reply_old(reply, id, entry.as_ref())) {
                break;
            }
            count += 1;
            if entry.is_none() {
                continue;
            }
            let old = group.pending().get(&id).copied();
            let delivery_count = old.map_or(0, |old| old.delivery_count);
            let delivery_count = (delivery_count + 1).min(DELIVERY_COUNT_MAX);
            let consumer = Some(self.consumer);
            group.assign(id, Pending { consumer, delivered_ms: self.now_ms, delivery_count });
        }
        count
    }
}

/// Replies with an entry that a consumer has got, or with a null in place of one that is gone.
fn reply_old(reply: &mut ReplyBuffer, id: StreamId, entry: Option<&StreamEntry<'_>>) {
    match entry {
        Some(entry) => reply_entry(reply, entry),
        None => {
            reply.array(2);
            reply_id(reply, id);
            reply.null_array();
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
