//! XREADGROUP: entries for one consumer of a group.

use std::cell::Cell;

use super::claim::consumer_of;
use super::delivery::{Delivery, GroupName};
use super::read::{BLOCK, COUNT, MAXCOUNT, MAXSIZE, STREAMS, streams};
use super::reading::{self, Budget, Reader, Request, begin_stream, finish};
use super::value::{edit, find, id, no_group_in, stream_of};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Effects, Event, Flags,
    Group,
};
use crate::keyspace::{Key, Keys, Lookup};
use crate::resp::ReplyBuffer;
use crate::types::{Parts, StreamId};

pub(super) const XREADGROUP: Command = Command {
    name: "xreadgroup",
    arity: -7,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS),
    keys: &[streams(4)],
    find_keys: Some(reading::find_group_keys),
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N log M) with N entries returned and M pending, plus finding the first",
    summary: "Returns entries that a group has not read yet, or those a consumer has pending.",
    arguments: &[
        Argument::block(
            "group-block",
            &[
                Argument::new("group", ArgumentKind::String),
                Argument::new("consumer", ArgumentKind::String),
            ],
        )
        .after("GROUP"),
        COUNT,
        MAXCOUNT,
        MAXSIZE,
        BLOCK,
        Argument::new("min-idle-time", ArgumentKind::Integer).after("CLAIM").optional(),
        Argument::word("noack", "NOACK").optional(),
        STREAMS,
    ],
    is_unobserved: true,
    run: xreadgroup,
    ..Command::DEFAULT
};

/// What a consumer wants of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What nobody in the group has read.
    New,
    /// What it has pending behind an identifier.
    PendingBehind(StreamId),
}

/// Who reads, and how.
#[derive(Clone, Debug)]
pub(super) struct GroupReader<'a> {
    pub(super) db: u32,
    pub(super) group: &'a [u8],
    pub(super) consumer: &'a [u8],
    pub(super) entries_max: usize,
    pub(super) now_ms: u64,
    pub(super) is_noack: bool,
    /// For how long entries of others must have been idle to be taken over, if they are.
    idle_ms_min: Option<u64>,
    /// The last read has created the consumer.
    pub(super) has_created: Cell<bool>,
}

fn xreadgroup(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = Request::parse(context.args, Reader::Group)?;
    let Some((group, consumer)) = request.reader else { return Err(CommandError::Syntax) };
    request.check_timeout(context.now_ms)?;
    let mut wanted = Vec::with_capacity(request.stream_count);
    for index in 0..request.stream_count {
        wanted.push(wanted_of(context, &request, group, index)?);
    }
    let reader = GroupReader::new(context, &request, group, consumer);
    let (mark, mut count) = (context.reply.deferred(), 0);
    let mut budget = Budget::of(&request);
    for (index, wanted) in wanted.into_iter().enumerate() {
        let key = context.key(request.key_at(index));
        let out = (&mut *context.reply, &mut *context.effects, &mut budget);
        count += usize::from(reader.read(&mut context.keys, &key, wanted, out)?);
        reader.announce(context, &key);
    }
    if count > 0 {
        finish(context.reply, mark, count);
        return Ok(());
    }
    match request.block_ms.filter(|_| context.session.may_wait()) {
        Some(block_ms) => context.wait(request.waiting(block_ms, context.now_ms, serve)),
        None => context.reply.null_array(),
    }
    Ok(())
}

/// Serves a client that waits from all its streams that are locked; whichever of them was named. That a
/// stream or its group is gone is an answer, too.
fn serve(context: &mut Context<'_>, _: usize) -> Result<bool, CommandError> {
    let request = Request::parse(context.args, Reader::Group)?;
    let Some((group, consumer)) = request.reader else { return Err(CommandError::Syntax) };
    let reader = GroupReader::new(context, &request, group, consumer);
    let is_locked = |&index: &usize| context.keys.covers(&context.key(request.key_at(index)));
    let covered: Vec<usize> = (0..request.stream_count).filter(is_locked).collect();
    for &index in &covered {
        wanted_of(context, &request, group, index)?;
    }
    let (mark, mut count) = (context.reply.deferred(), 0);
    let mut budget = Budget::of(&request);
    for index in covered {
        let key = context.key(request.key_at(index));
        if has_unread(context, &key, &reader) {
            let out = (&mut *context.reply, &mut *context.effects, &mut budget);
            let is_served = reader.read(&mut context.keys, &key, Wanted::New, out)?;
            count += usize::from(is_served);
            reader.announce(context, &key);
        }
    }
    if count > 0 {
        finish(context.reply, mark, count);
    }
    Ok(count > 0)
}

/// Says whether a stream has something for a reader, without touching it.
fn has_unread(context: &mut Context<'_>, key: &Key<'_>, reader: &GroupReader<'_>) -> bool {
    let until_ms = reader.idle_ms_min.and_then(|idle_ms| reader.now_ms.checked_sub(idle_ms));
    let found = context.keys.get(key, Lookup::PEEK).and_then(|entry| stream_of(entry).ok());
    found.is_some_and(|stream| {
        let last = stream.log().last().map(|last| last.id());
        stream.groups().get(reader.group).is_some_and(|group| {
            last > Some(group.last_id) || until_ms.is_some_and(|ms| group.has_idle_since(ms))
        })
    })
}

/// Returns what is wanted of a stream whose group must exist.
fn wanted_of(
    context: &mut Context<'_>,
    request: &Request<'_>,
    group: &[u8],
    index: usize,
) -> Result<Wanted, CommandError> {
    let key = context.key(request.key_at(index));
    if find(context, &key)?.and_then(|stream| stream.groups().get(group)).is_none() {
        return Err(no_group_in(key.bytes, group, " in XREADGROUP with GROUP option"));
    }
    match request.id(index) {
        b">" => Ok(Wanted::New),
        b"$" => Err(meaningless('$')),
        b"+" => Err(meaningless('+')),
        text => match id(text)? {
            StreamId::MAX => Ok(Wanted::New),
            id => Ok(Wanted::PendingBehind(id)),
        },
    }
}

fn meaningless(id: char) -> CommandError {
    CommandError::refused_with(format!(
        "ERR The {id} ID is meaningless in the context of XREADGROUP: you want to read the history of \
         this consumer by specifying a proper ID, or use the > ID to get new messages. The {id} ID \
         would just return an empty result set."
    ))
}

impl<'a> GroupReader<'a> {
    fn new(
        context: &Context<'_>,
        request: &Request<'_>,
        group: &'a [u8],
        consumer: &'a [u8],
    ) -> Self {
        Self {
            db: context.session.db,
            group,
            consumer,
            entries_max: request.entries_max,
            now_ms: context.now_ms,
            is_noack: request.is_noack,
            idle_ms_min: request.idle_ms_min,
            has_created: Cell::new(false),
        }
    }

    /// Announces the consumer, if the last read has created it.
    fn announce(&self, context: &mut Context<'_>, key: &Key<'_>) {
        if self.has_created.take() {
            context.notify(Event::XGROUP_CREATECONSUMER, key);
        }
    }

    /// Replies with what the consumer gets of one stream; creates it where it is new. Says whether the
    /// stream is part of the reply.
    ///
    /// # Errors
    /// [`CommandError::WrongType`], or the group is not there (any more).
    pub(super) fn read(
        &self,
        keys: &mut Keys<'_>,
        key: &Key<'_>,
        wanted: Wanted,
        (reply, effects, budget): (&mut ReplyBuffer, &mut Effects, &mut Budget),
    ) -> Result<bool, CommandError> {
        let absent = || no_group_in(key.bytes, self.group, " in XREADGROUP with GROUP option");
        let mut entry = keys.get_mut(key).ok_or_else(absent)?;
        let mut stream = edit(&mut entry)?;
        let Parts { log, groups, .. } = stream.parts_mut();
        let mut group = groups.get_mut(self.group).ok_or_else(absent)?;
        let name = GroupName { db: self.db, key: key.bytes, group: self.group };
        let (consumer, is_new) = consumer_of(&mut group, self.consumer, self.now_ms);
        self.has_created.set(is_new);
        let last_id = log.last().map_or(StreamId::MIN, |last| last.id());
        let has_new = last_id > group.last_id;
        let is_delivered = wanted == Wanted::New && has_new && !budget.is_limited();
        if is_new && (self.is_noack || self.idle_ms_min.is_some() || !is_delivered) {
            effects.changed(1);
            name.state_consumer(effects, self.consumer);
        }
        let (entries_max, now_ms, is_noack) = (self.entries_max, self.now_ms, self.is_noack);
        let idle_ms_min = self.idle_ms_min;
        if wanted == Wanted::New && !has_new && idle_ms_min.is_none() {
            return Ok(false);
        }
        let delivery = Delivery { consumer, entries_max, now_ms, is_noack, idle_ms_min };
        let checkpoint = reply.checkpoint();
        begin_stream(reply, key.bytes);
        let mark = reply.deferred();
        let count = match wanted {
            Wanted::New => {
                let out = (&mut *reply, &mut *effects, &mut *budget);
                let old_count = delivery.deliver_idle(log, &mut group, &name, out);
                let left = if has_new { entries_max - old_count } else { 0 };
                let out = (&mut *reply, &mut *effects, budget);
                let new_count = delivery.deliver_new(log, &mut group, &name, out, left);
                effects.changed(new_count.min(1) as u64);
                old_count + new_count
            }
            Wanted::PendingBehind(seen) => seen.next().map_or(0, |start| {
                delivery.deliver_again(log, &mut group, start, (&mut *reply, budget))
            }),
        };
        if wanted == Wanted::New && count == 0 {
            reply.truncate(checkpoint);
            return Ok(false);
        }
        reply.finish_array(mark, count);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn filled(count: u64) -> Bench {
        let mut bench = Bench::new();
        for ms in 1..=count {
            bench.say(&format!("XADD s {ms}-0 f {ms}"));
        }
        bench.say("XGROUP CREATE s g 0");
        bench
    }

    #[test]
    fn each_entry_goes_to_one_consumer() {
        let mut bench = filled(3);
        bench.expect(&[
            (
                "XREADGROUP GROUP g a COUNT 2 STREAMS s >",
                "[[\"s\", [[\"1-0\", [\"f\", \"1\"]], [\"2-0\", [\"f\", \"2\"]]]]]",
            ),
            ("XREADGROUP GROUP g b STREAMS s >", "[[\"s\", [[\"3-0\", [\"f\", \"3\"]]]]]"),
            ("XREADGROUP GROUP g b STREAMS s >", "(nil)"),
            ("XREADGROUP GROUP g b STREAMS s 0", "[[\"s\", [[\"3-0\", [\"f\", \"3\"]]]]]"),
            ("XREADGROUP GROUP g c STREAMS s 0", "[[\"s\", []]]"),
            ("XDEL s 1-0", "1"),
            (
                "XREADGROUP GROUP g a STREAMS s 0",
                "[[\"s\", [[\"1-0\", (nil)], [\"2-0\", [\"f\", \"2\"]]]]]",
            ),
            ("XREADGROUP GROUP g a COUNT 1 STREAMS s 1", "[[\"s\", [[\"2-0\", [\"f\", \"2\"]]]]]"),
        ]);
    }

    #[test]
    fn idle_entries_are_taken_over_before_new_ones_are_read() {
        let mut bench = filled(4);
        bench.say("XREADGROUP GROUP g a COUNT 2 STREAMS s >");
        bench.advance(50);
        bench.say("XCLAIM s g a 0 1-0 JUSTID");
        bench.advance(50);
        let now = bench.now_ms();
        bench.expect_effects(
            "XREADGROUP GROUP g b COUNT 1 CLAIM 100 STREAMS s >",
            &[
                "0: XGROUP CREATECONSUMER s g b",
                &format!("0: XCLAIM s g b 0 2-0 TIME {now} RETRYCOUNT 2 FORCE JUSTID LASTID 2-0"),
            ],
        );
        // The one that has not been delivered for longest comes first; NOACK is about new ones only.
        bench.advance(20);
        let read = "[[\"s\", [[\"1-0\", [\"f\", \"1\"], 70, 1], [\"2-0\", [\"f\", \"2\"], 20, 2], \
                    [\"3-0\", [\"f\", \"3\"], 0, 0]]]]";
        bench.expect(&[
            ("XREADGROUP GROUP g c NOACK COUNT 3 CLAIM 20 STREAMS s >", read),
            (
                "XREADGROUP GROUP g c CLAIM 1 COUNT 1 STREAMS s 1",
                "[[\"s\", [[\"2-0\", [\"f\", \"2\"]]]]]",
            ),
            ("XPENDING s g - + 9", "[[\"1-0\", \"c\", 0, 2], [\"2-0\", \"c\", 0, 4]]"),
        ]);
    }

    #[test]
    fn idle_entries_that_are_gone_are_pending_no_more_and_those_given_back_come_first() {
        let mut bench = filled(3);
        let now = bench.now_ms();
        let returned = format!("[[\"s\", [[\"2-0\", [\"f\", \"2\"], {now}, 1]]]]");
        bench.expect(&[
            (
                "XREADGROUP GROUP g a NOACK CLAIM 0 COUNT 0 MAXSIZE 1 STREAMS s >",
                "[[\"s\", [[\"1-0\", [\"f\", \"1\"], 0, 0]]]]",
            ),
            ("XCLAIM s g a 0 1-0 2-0 3-0 FORCE JUSTID", "[\"1-0\", \"2-0\", \"3-0\"]"),
            ("XNACK s g SILENT IDS 1 2-0 RETRYCOUNT 1", "1"),
            ("XDEL s 1-0", "1"),
            ("XREADGROUP GROUP g b CLAIM 0 MAXCOUNT 1 STREAMS s >", &returned),
            ("XGROUP SETID s g 3-0", "OK"),
            ("XREADGROUP GROUP g b CLAIM 1 STREAMS s >", "(nil)"),
            ("XACK s g 3-0 2-0", "2"),
            ("XREADGROUP GROUP g b CLAIM 0 STREAMS s >", "(nil)"),
            ("XPENDING s g", "[0, (nil), (nil), (nil)]"),
        ]);
    }

    #[test]
    fn effects_repeat_what_was_delivered() {
        let mut bench = filled(2);
        let now = bench.now_ms();
        let claim =
            format!("0: XCLAIM s g a 0 1-0 TIME {now} RETRYCOUNT 1 FORCE JUSTID LASTID 1-0");
        bench.expect_effects(
            "XREADGROUP GROUP g a COUNT 1 STREAMS s >",
            &[&claim, "0: XGROUP SETID s g 1-0 ENTRIESREAD 1"],
        );
        bench.expect_effects(
            "XREADGROUP GROUP g b NOACK COUNT 1 STREAMS s >",
            &["0: XGROUP CREATECONSUMER s g b", "0: XGROUP SETID s g 2-0 ENTRIESREAD 2"],
        );
        bench.expect_effects("XREADGROUP GROUP g b STREAMS s >", &[]);
        bench.expect_effects("XREADGROUP GROUP g a STREAMS s 0", &[]);
        bench.expect_effects(
            "XREADGROUP GROUP g c STREAMS s >",
            &["0: XGROUP CREATECONSUMER s g c"],
        );
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        let mut bench = filled(1);
        let absent =
            "NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option";
        let meaningless = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to \
             read the history of this consumer by specifying a proper ID, or use the > ID to get new \
             messages. The $ ID would just return an empty result set.";
        bench.expect(&[
            (
                "XREADGROUP GROUP g c CLAIM x STREAMS s >",
                "ERR min-idle-time is not an integer or out of range",
            ),
            (
                "XREADGROUP GROUP g c CLAIM -1 STREAMS s >",
                "ERR min-idle-time must be a positive integer",
            ),
            ("XREADGROUP GROUP g c STREAMS none >", absent),
            ("XREADGROUP GROUP g c STREAMS s $", meaningless),
            (
                "XREADGROUP NOACK COUNT 1 NOACK STREAMS s >",
                "ERR Missing GROUP option for XREADGROUP",
            ),
            ("COMMAND GETKEYS XREADGROUP GROUP STREAMS STREAMS STREAMS a b > >", "[\"a\", \"b\"]"),
        ]);
    }
}
