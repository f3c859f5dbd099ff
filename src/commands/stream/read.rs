//! XREAD: entries behind given ones, of several streams at once.

use super::reading::{self, Budget, Reader, Request, begin_stream, finish};
use super::value::{find, id, reply_entry, stream_of};
use crate::engine::{
    Argument, ArgumentKind, BeginSearch, Categories, Command, CommandError, Context, FindKeys,
    Flags, Group, KeyFlags, KeySpec, WaitRequest,
};
use crate::keyspace::{Key, Keys, Lookup};
use crate::resp::ReplyBuffer;
use crate::types::StreamId;

/// Where the options that both reading commands share are described.
pub(super) const COUNT: Argument =
    Argument::new("count", ArgumentKind::Integer).after("COUNT").optional();
pub(super) const BLOCK: Argument =
    Argument::new("milliseconds", ArgumentKind::Integer).after("BLOCK").optional();
pub(super) const STREAMS: Argument = Argument::block(
    "streams",
    &[Argument::key("key").multiple(), Argument::new("id", ArgumentKind::String).multiple()],
)
.after("STREAMS");

pub(super) const MAXCOUNT: Argument =
    Argument::new("maxcount", ArgumentKind::Integer).after("MAXCOUNT").optional();
pub(super) const MAXSIZE: Argument =
    Argument::new("maxsize", ArgumentKind::Integer).after("MAXSIZE").optional();

/// The keys behind STREAMS, looked for from a position on.
pub(super) const fn streams(start_from: i32) -> KeySpec {
    KeySpec {
        flags: KeyFlags::RO.and(KeyFlags::ACCESS),
        begin: BeginSearch::Keyword { keyword: "STREAMS", start_from },
        find: FindKeys::Range { last: -1, step: 1, limit: 2 },
        notes: "",
    }
}

pub(super) const XREAD: Command = Command {
    name: "xread",
    arity: -4,
    flags: Flags::READONLY.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS),
    keys: &[streams(1)],
    find_keys: Some(reading::find_read_keys),
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N) in the entries returned, plus finding the first of each stream",
    summary: "Returns the entries of streams that follow given ones.",
    arguments: &[COUNT, MAXCOUNT, MAXSIZE, BLOCK, STREAMS],
    run: xread,
    ..Command::DEFAULT
};

fn xread(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = Request::parse(context.args, Reader::Anyone)?;
    request.check_timeout(context.now_ms)?;
    let mut after = Vec::with_capacity(request.stream_count);
    for index in 0..request.stream_count {
        after.push(seen_id(context, &request, index)?);
    }
    let (mark, mut count) = (context.reply.deferred(), 0);
    let mut budget = Budget::of(&request);
    for (index, after) in after.iter().enumerate() {
        let key = context.key(request.key_at(index));
        let limits = (request.entries_max, &mut budget);
        let (keys, reply) = (&mut context.keys, &mut *context.reply);
        count += usize::from(reply_behind(keys, &key, *after, limits, reply)?);
    }
    if count > 0 {
        finish(context.reply, mark, count);
        return Ok(());
    }
    match request.block_ms.filter(|_| context.session.may_wait()) {
        Some(block_ms) => wait(context, &request, &after, block_ms),
        None => context.reply.null_array(),
    }
    Ok(())
}

/// Has the client wait for what follows the entries it has seen.
fn wait(context: &mut Context<'_>, request: &Request<'_>, after: &[StreamId], block_ms: u64) {
    // `$` means the entry that is last now; `+` the one that will be last.
    let mut args: Vec<Vec<u8>> = context.args.iter().map(<[u8]>::to_vec).collect();
    for (index, after) in after.iter().enumerate().filter(|(index, _)| request.id(*index) != b"+") {
        args[request.id_at(index)] = after.text().as_bytes().to_vec();
    }
    let wait = request.waiting(block_ms, context.now_ms, serve);
    context.wait(WaitRequest { args: Some(args), ..wait });
}

/// Serves a client that waits from all its streams that are locked; whichever of them was named.
fn serve(context: &mut Context<'_>, _: usize) -> Result<bool, CommandError> {
    let request = Request::parse(context.args, Reader::Anyone)?;
    let (mark, mut count) = (context.reply.deferred(), 0);
    let mut budget = Budget::of(&request);
    for index in 0..request.stream_count {
        let key = context.key(request.key_at(index));
        if !context.keys.covers(&key) || !is_stream(&mut context.keys, &key) {
            continue;
        }
        let after = seen_id(context, &request, index)?;
        let limits = (request.entries_max, &mut budget);
        let (keys, reply) = (&mut context.keys, &mut *context.reply);
        count += usize::from(reply_behind(keys, &key, after, limits, reply)?);
    }
    if count > 0 {
        finish(context.reply, mark, count);
    }
    Ok(count > 0)
}

fn is_stream(keys: &mut Keys<'_>, key: &Key<'_>) -> bool {
    keys.get(key, Lookup::PEEK).is_some_and(|found| stream_of(found).is_ok())
}

/// Returns the identifier behind which a client wants to read a stream: what it has seen already.
fn seen_id(
    context: &mut Context<'_>,
    request: &Request<'_>,
    index: usize,
) -> Result<StreamId, CommandError> {
    let key = context.key(request.key_at(index));
    let log = find(context, &key)?.map(|stream| stream.log());
    match request.id(index) {
        b"$" => Ok(log.map_or(StreamId::MIN, |log| log.last_id())),
        b"+" => Ok(log.map_or(StreamId::MIN, |log| match log.last() {
            Some(last) => last.id().previous().unwrap_or(StreamId::MIN),
            None => log.last_id(),
        })),
        b">" => Err(CommandError::refused(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> \
             <consumer> option.",
        )),
        text => id(text),
    }
}

/// Replies with the entries of one stream behind an identifier. Says whether there are any.
///
/// # Errors
/// [`CommandError::WrongType`].
fn reply_behind(
    keys: &mut Keys<'_>,
    key: &Key<'_>,
    after: StreamId,
    (entries_max, budget): (usize, &mut Budget),
    reply: &mut ReplyBuffer,
) -> Result<bool, CommandError> {
    let Some(stream) = keys.get(key, Lookup::READ).map(stream_of).transpose()? else {
        return Ok(false);
    };
    let Some(start) = after.next() else { return Ok(false) };
    let mut entries = stream.log().range(start, StreamId::MAX).take(entries_max);
    let checkpoint = reply.checkpoint();
    begin_stream(reply, key.bytes);
    let (mark, mut count) = (reply.deferred(), 0);
    while entries
        .next()
        .is_some_and(|entry| budget.spend(reply, |reply| reply_entry(reply, &entry)))
    {
        count += 1;
    }
    if count == 0 {
        reply.truncate(checkpoint);
        return Ok(false);
    }
    reply.finish_array(mark, count);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn filled() -> Bench {
        let mut bench = Bench::new();
        bench.expect(&[
            ("XADD a 1-1 f v", "\"1-1\""),
            ("XADD a 2-1 f w", "\"2-1\""),
            ("XADD b 1-1 f v", "\"1-1\""),
        ]);
        bench
    }

    #[test]
    fn entries_behind_the_given_ones_are_read_from_all_streams() {
        let mut bench = filled();
        let both = "[[\"a\", [[\"2-1\", [\"f\", \"w\"]]]], [\"b\", [[\"1-1\", [\"f\", \"v\"]]]]]";
        bench.expect(&[
            ("XREAD STREAMS a b 1-1 0", both),
            ("XREAD COUNT 1 STREAMS a none 0 0", "[[\"a\", [[\"1-1\", [\"f\", \"v\"]]]]]"),
            ("XREAD STREAMS a $", "(nil)"),
            ("XREAD STREAMS a +", "[[\"a\", [[\"2-1\", [\"f\", \"w\"]]]]]"),
            ("XREAD STREAMS a 2-1", "(nil)"),
        ]);
        bench.speak_resp3();
        assert_eq!(bench.say("XREAD STREAMS b 0"), "{\"b\": [[\"1-1\", [\"f\", \"v\"]]]}");
    }

    #[test]
    fn all_streams_together_are_limited_in_number_and_bytes() {
        let mut bench = filled();
        let one = "[[\"a\", [[\"1-1\", [\"f\", \"v\"]]]]]";
        let three = "[[\"a\", [[\"1-1\", [\"f\", \"v\"]], [\"2-1\", [\"f\", \"w\"]]]], [\"b\", \
                     [[\"1-1\", [\"f\", \"v\"]]]]]";
        let first_of_both =
            "[[\"a\", [[\"1-1\", [\"f\", \"v\"]]]], [\"b\", [[\"1-1\", [\"f\", \"v\"]]]]]";
        bench.expect(&[
            ("XREAD MAXCOUNT 1 STREAMS a b 0 0", one),
            ("XREAD MAXSIZE 1 STREAMS a b 0 0", one),
            ("XREAD MAXSIZE 1000 STREAMS a b 0 0", three),
            ("XREAD MAXCOUNT 3 STREAMS a b 0 0", three),
            ("XREAD COUNT 1 MAXCOUNT 2 STREAMS a b 0 0", first_of_both),
        ]);
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        let mut bench = filled();
        let group = "ERR The > ID can be specified only when calling XREADGROUP using the GROUP \
             <group> <consumer> option.";
        let unbalanced = "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', \
             or '$' must be specified.";
        bench.expect(&[
            ("XREAD STREAMS a >", group),
            ("XREAD STREAMS a b 0", unbalanced),
            ("XREAD COUNT 1 STREAMS", "ERR syntax error"),
            ("XREAD FOO STREAMS a 0", "ERR syntax error"),
            ("XREAD COUNT x STREAMS a 0", "ERR value is not an integer or out of range"),
            ("XREAD BLOCK -1 STREAMS a 0", "ERR timeout is negative"),
            ("XREAD BLOCK 9223372036854775807 STREAMS a $", "ERR timeout is out of range"),
            (
                "XREAD CLAIM 1 STREAMS a 0",
                "ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            ("XREAD MAXCOUNT 0 STREAMS a 0", "ERR MAXCOUNT must be a positive integer"),
            ("XREAD MAXSIZE -1 STREAMS a 0", "ERR MAXSIZE must be a positive integer"),
            ("XREAD COUNT 3 MAXCOUNT 2 STREAMS a 0", "ERR MAXCOUNT must not be less than COUNT"),
            ("XREAD BLOCK x STREAMS a 0", "ERR timeout is not an integer or out of range"),
            (
                "XREAD NOACK STREAMS a 0",
                "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            ("SET text x", "OK"),
            (
                "XREAD STREAMS a text 0 0",
                "WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("COMMAND GETKEYS XREAD COUNT 1 STREAMS a b 0 0", "[\"a\", \"b\"]"),
        ]);
    }
}
