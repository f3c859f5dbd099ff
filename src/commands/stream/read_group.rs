//! XREADGROUP: entries for one consumer of a group.

use std::cell::Cell;

use super::claim::consumer_of;
use super::delivery::{Delivery, GroupName};
use super::read::{BLOCK, COUNT, STREAMS, streams};
use super::reading::{self, Reader, Request, begin_stream, finish};
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
        BLOCK,
        Argument::word("noack", "NOACK").optional(),
        STREAMS,
    ],
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
    /// The last read has created the consumer.
    pub(super) has_created: Cell<bool>,
}

fn xreadgroup(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = Request::parse(context.args, Reader::Group)?;
    let Some((group, consumer)) = request.reader else { return Err(CommandError::Syntax) };
    let mut wanted = Vec::with_capacity(request.stream_count);
    for index in 0..request.stream_count {
        wanted.push(wanted_of(context, &request, group, index)?);
    }
    let reader = GroupReader::new(context, &request, group, consumer);
    let (mark, mut count) = (context.reply.deferred(), 0);
    for (index, wanted) in wanted.into_iter().enumerate() {
        let key = context.key(request.key_at(index));
        let (reply, effects) = (&mut *context.reply, &mut *context.effects);
        count += usize::from(reader.read(&mut context.keys, &key, wanted, (reply, effects))?);
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

/// Serves a client that waits from the stream whose key stands at a position. That the stream or the
/// group is gone is an answer, too.
fn serve(context: &mut Context<'_>, position: usize) -> Result<bool, CommandError> {
    let request = Request::parse(context.args, Reader::Group)?;
    let Some((group, consumer)) = request.reader else { return Err(CommandError::Syntax) };
    let reader = GroupReader::new(context, &request, group, consumer);
    let key = context.key(position);
    wanted_of(context, &request, group, request.index_of(position))?;
    if !has_unread(context, &key, group) {
        return Ok(false);
    }
    let (reply, effects) = (&mut *context.reply, &mut *context.effects);
    let mark = reply.deferred();
    let is_served = reader.read(&mut context.keys, &key, Wanted::New, (reply, effects))?;
    reader.announce(context, &key);
    if is_served {
        finish(context.reply, mark, 1);
    }
    Ok(is_served)
}

/// Says whether a stream has entries that a group has not read, without touching it.
fn has_unread(context: &mut Context<'_>, key: &Key<'_>, group: &[u8]) -> bool {
    let found = context.keys.get(key, Lookup::PEEK).and_then(|entry| stream_of(entry).ok());
    found.is_some_and(|stream| {
        let last = stream.log().last().map(|last| last.id());
        stream.groups().get(group).is_some_and(|group| last > Some(group.last_id))
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
        (reply, effects): (&mut ReplyBuffer, &mut Effects),
    ) -> Result<bool, CommandError> {
        let absent = || no_group_in(key.bytes, self.group, " in XREADGROUP with GROUP option");
        let mut entry = keys.get_mut(key).ok_or_else(absent)?;
        let mut stream = edit(&mut entry)?;
        let Parts { log, groups } = stream.parts_mut();
        let mut group = groups.get_mut(self.group).ok_or_else(absent)?;
        let name = GroupName { db: self.db, key: key.bytes, group: self.group };
        let (consumer, is_new) = consumer_of(&mut group, self.consumer, self.now_ms);
        self.has_created.set(is_new);
        let last_id = log.last().map_or(StreamId::MIN, |last| last.id());
        let has_new = last_id > group.last_id;
        let is_delivered = wanted == Wanted::New && has_new;
        if is_new && (self.is_noack || !is_delivered) {
            effects.changed(1);
            name.state_consumer(effects, self.consumer);
        }
        let (entries_max, now_ms, is_noack) = (self.entries_max, self.now_ms, self.is_noack);
        let delivery = Delivery { consumer, entries_max, now_ms, is_noack };
        match wanted {
            Wanted::New if !has_new => return Ok(false),
            Wanted::New => {
                begin_stream(reply, key.bytes);
                if delivery.deliver_new(log, &mut group, &name, (reply, effects)) > 0 {
                    effects.changed(1);
                }
            }
            Wanted::PendingBehind(seen) => {
                begin_stream(reply, key.bytes);
                match seen.next() {
                    Some(start) => delivery.deliver_again(log, &mut group, start, reply),
                    None => reply.array(0),
                }
            }
        }
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
