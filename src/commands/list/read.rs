//! Commands that read elements by their places.

use super::value::{list_of, range_of};
use crate::commands::string::reply_with;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::{Collection, StringRef, Viewer};

pub(super) const LLEN: Command = Command {
    name: "llen",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    acl: Categories::LIST,
    group: Group::List,
    summary: "Counts the elements of a list.",
    arguments: &[Argument::key("key")],
    run: llen,
    ..Command::DEFAULT
};

fn llen(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let count = match context.keys.get(&key, Lookup::READ) {
        Some(entry) => list_of(entry)?.len(),
        None => 0,
    };
    context.reply.count(count);
    Ok(())
}

pub(super) const LINDEX: Command = Command {
    name: "lindex",
    arity: 3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::LIST,
    group: Group::List,
    complexity: "O(N) in the chunks up to the element, from the nearer end",
    summary: "Reads the element at an index of a list.",
    arguments: &[Argument::key("key"), Argument::new("index", ArgumentKind::Integer)],
    run: lindex,
    ..Command::DEFAULT
};

fn lindex(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let index = context.integer(2);
    let Some(entry) = context.keys.get(&key, Lookup::READ) else {
        context.reply.null();
        return Ok(());
    };
    match list_of(entry)?.get(index?) {
        Some(value) => reply_with(context.reply, value),
        None => context.reply.null(),
    }
    Ok(())
}

pub(super) const LRANGE: Command = Command {
    name: "lrange",
    arity: 4,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::LIST,
    group: Group::List,
    complexity: "O(S+N) in the chunks up to the range, from the nearer end, and in its elements",
    summary: "Reads the elements between two indices of a list.",
    arguments: &[
        Argument::key("key"),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("stop", ArgumentKind::Integer),
    ],
    run: lrange,
    ..Command::DEFAULT
};

fn lrange(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (start, stop) = (context.integer(2)?, context.integer(3)?);
    let key = context.key(1);
    let Some(entry) = context.keys.get(&key, Lookup::READ) else {
        context.reply.array(0);
        return Ok(());
    };
    let list = list_of(entry)?;
    let reply = &mut *context.reply;
    let Some((start, count)) = range_of(start, stop, list.len()) else {
        reply.array(0);
        return Ok(());
    };
    reply.array(count);
    list.show_from(start, count, &mut Replying(reply));
    Ok(())
}

/// Replies with the elements it sees.
struct Replying<'r>(&'r mut ReplyBuffer);

impl<'a> Viewer<'a> for Replying<'_> {
    #[inline(always)]
    fn text(&mut self, text: &'a [u8]) {
        self.0.element(text);
    }

    #[inline(never)]
    fn other(&mut self, value: StringRef<'a>) {
        reply_with(self.0, value);
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn elements_are_read_by_their_index() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a 2 c", "3"),
            ("LLEN l", "3"),
            ("LLEN none", "0"),
            ("LINDEX l 1", "\"2\""),
            ("LINDEX l -1", "\"c\""),
            ("LINDEX l 3", "(nil)"),
            ("LINDEX l -4", "(nil)"),
            ("LINDEX none x", "(nil)"),
            ("LINDEX l x", "ERR value is not an integer or out of range"),
            ("LRANGE l 1 5", "[\"2\", \"c\"]"),
            ("LRANGE l 2 1", "[]"),
            ("LRANGE none 0 -1", "[]"),
            ("LRANGE none 0 x", "ERR value is not an integer or out of range"),
            ("SET s 1", "OK"),
            ("LINDEX s x", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }

    #[test]
    fn long_lists_are_read_across_chunks() {
        let mut bench = Bench::new();
        for index in 0..5000_u32 {
            bench.run(&[b"RPUSH", b"l", format!("element:{index:06}").as_bytes()]);
        }
        bench.expect(&[
            ("OBJECT ENCODING l", "\"quicklist\""),
            ("LINDEX l 2500", "\"element:002500\""),
            ("LINDEX l -1", "\"element:004999\""),
            ("LRANGE l 1234 1235", "[\"element:001234\", \"element:001235\"]"),
        ]);
        let all = bench.run(&[b"LRANGE", b"l", b"0", b"-1"]);
        assert_eq!(all.len(), "*5000\r\n".len() + 5000 * "$14\r\nelement:000000\r\n".len());
        let large = vec![b'x'; 50_000];
        bench.run(&[b"LPUSH", b"l", &large]);
        let reply = bench.run(&[b"LINDEX", b"l", b"0"]);
        assert_eq!(reply[8..50_008], large);
    }
}
