//! Reading fields.

use super::value::{BASE, LOOKS, READS, hash_at, reply_with, reply_with_found};
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Flags};
use crate::keyspace::{Key, Lookup};
use crate::types::{Collection, Hash, Item};

const KEY_AND_FIELD: &[Argument] =
    &[Argument::key("key"), Argument::new("field", ArgumentKind::String)];

pub(super) const HGET: Command = Command {
    name: "hget",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READS,
    since: "2.0.0",
    summary: "Reads a field of a hash.",
    arguments: KEY_AND_FIELD,
    member_at: 2,
    run: hget,
    ..BASE
};

fn hget(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let (field, now_ms) = (context.args.at(2), context.now_ms);
    let hash = hash_at(&mut context.keys, &key, Lookup::READ)?;
    let (found, is_due) = look_up(hash, field, now_ms);
    reply_with_found(context.reply, found);
    mind_due_field(context, &key, field, is_due);
    Ok(())
}

/// Returns the value of a field, and whether the field is only hidden because its time has come.
#[inline]
fn look_up<'h>(hash: Option<&'h Hash>, field: &[u8], now_ms: u64) -> (Option<Item<'h>>, bool) {
    match hash.and_then(|hash| hash.find(field)) {
        Some((_, Some(deadline_ms))) if deadline_ms <= now_ms => (None, true),
        found => (found.map(|(value, _)| value), false),
    }
}

/// Has a field removed behind the command if its time has come.
#[inline]
fn mind_due_field(context: &mut Context<'_>, key: &Key<'_>, field: &[u8], is_due: bool) {
    if is_due {
        context.keys.note_due_fields(key, &[field]);
    }
}

pub(super) const HSTRLEN: Command = Command {
    name: "hstrlen",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: LOOKS,
    since: "3.2.0",
    summary: "Measures the value of a field of a hash, in bytes.",
    arguments: KEY_AND_FIELD,
    member_at: 2,
    run: hstrlen,
    ..BASE
};

fn hstrlen(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let (field, now_ms) = (context.args.at(2), context.now_ms);
    let hash = hash_at(&mut context.keys, &key, Lookup::READ)?;
    let (found, is_due) = look_up(hash, field, now_ms);
    context.reply.count(found.map_or(0, Item::len));
    mind_due_field(context, &key, field, is_due);
    Ok(())
}

pub(super) const HEXISTS: Command = Command {
    name: "hexists",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: LOOKS,
    since: "2.0.0",
    summary: "Says whether a hash has a field.",
    arguments: KEY_AND_FIELD,
    member_at: 2,
    run: hexists,
    ..BASE
};

fn hexists(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let (field, now_ms) = (context.args.at(2), context.now_ms);
    let hash = hash_at(&mut context.keys, &key, Lookup::READ)?;
    let (found, is_due) = look_up(hash, field, now_ms);
    context.reply.integer(i64::from(found.is_some()));
    mind_due_field(context, &key, field, is_due);
    Ok(())
}

pub(super) const HMGET: Command = Command {
    name: "hmget",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READS,
    since: "2.0.0",
    complexity: "O(N) in the fields asked for",
    summary: "Reads several fields of a hash.",
    arguments: &[Argument::key("key"), Argument::new("field", ArgumentKind::String).multiple()],
    short_args_max: usize::MAX,
    member_at: 2,
    run: hmget,
    ..BASE
};

fn hmget(context: &mut Context<'_>) -> Result<(), CommandError> {
    const FIRST_FIELD: usize = 2;
    let (key, args, now_ms) = (context.key(1), context.args, context.now_ms);
    let hash = hash_at(&mut context.keys, &key, Lookup::READ)?;
    let mut due = Vec::new();
    context.reply.array(args.len() - FIRST_FIELD);
    for index in FIRST_FIELD..args.len() {
        let (found, is_due) = look_up(hash, args.at(index), now_ms);
        reply_with_found(context.reply, found);
        if is_due {
            due.push(args.at(index));
        }
    }
    if !due.is_empty() {
        context.keys.note_due_fields(&key, &due);
    }
    Ok(())
}

pub(super) const HLEN: Command = Command {
    name: "hlen",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: LOOKS,
    since: "2.0.0",
    summary: "Counts the fields of a hash.",
    arguments: &[Argument::key("key")],
    run: hlen,
    ..BASE
};

fn hlen(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let hash = hash_at(&mut context.keys, &key, Lookup::READ)?;
    context.reply.count(hash.map_or(0, Hash::len));
    Ok(())
}

/// What of each field is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Fields,
    Values,
    Both,
}

pub(super) const HGETALL: Command = Command {
    name: "hgetall",
    arity: 2,
    flags: Flags::READONLY,
    keys: READS,
    since: "2.0.0",
    complexity: "O(N) in the fields of the hash",
    summary: "Reads all fields of a hash with their values.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key")],
    run: hgetall,
    ..BASE
};

fn hgetall(context: &mut Context<'_>) -> Result<(), CommandError> {
    read_all(context, Wanted::Both)
}

pub(super) const HKEYS: Command = Command {
    name: "hkeys",
    arity: 2,
    flags: Flags::READONLY,
    keys: READS,
    since: "2.0.0",
    complexity: "O(N) in the fields of the hash",
    summary: "Lists the fields of a hash.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key")],
    run: hkeys,
    ..BASE
};

fn hkeys(context: &mut Context<'_>) -> Result<(), CommandError> {
    read_all(context, Wanted::Fields)
}

pub(super) const HVALS: Command = Command {
    name: "hvals",
    arity: 2,
    flags: Flags::READONLY,
    keys: READS,
    since: "2.0.0",
    complexity: "O(N) in the fields of the hash",
    summary: "Lists the values of a hash.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key")],
    run: hvals,
    ..BASE
};

fn hvals(context: &mut Context<'_>) -> Result<(), CommandError> {
    read_all(context, Wanted::Values)
}

fn read_all(context: &mut Context<'_>, wanted: Wanted) -> Result<(), CommandError> {
    let (key, now_ms) = (context.key(1), context.now_ms);
    let hash = hash_at(&mut context.keys, &key, Lookup::READ)?;
    let reply = &mut *context.reply;
    let count = hash.map_or(0, |hash| live_count(hash, now_ms));
    match wanted {
        Wanted::Both => reply.map(count),
        _ => reply.array(count),
    }
    let all = hash.iter().flat_map(|hash| hash.iter());
    for field in all.filter(|field| !field.is_due(now_ms)) {
        if wanted != Wanted::Values {
            reply_with(reply, field.field);
        }
        if wanted != Wanted::Fields {
            reply_with(reply, field.value);
        }
    }
    Ok(())
}

/// Returns the number of fields whose time has not come.
pub(super) fn live_count(hash: &Hash, now_ms: u64) -> usize {
    match hash.due_ms() {
        Some(due_ms) if due_ms <= now_ms => {
            hash.iter().filter(|field| !field.is_due(now_ms)).count()
        }
        _ => hash.len(),
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn fields_are_read_in_every_way() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HSET h a 1 b two", "2"),
            ("HGET h a", "\"1\""),
            ("HGET h c", "(nil)"),
            ("HGET nokey a", "(nil)"),
            ("HMGET h a c b", "[\"1\", (nil), \"two\"]"),
            ("HMGET nokey a b", "[(nil), (nil)]"),
            ("HLEN h", "2"),
            ("HLEN nokey", "0"),
            ("HSTRLEN h b", "3"),
            ("HSTRLEN h a", "1"),
            ("HSTRLEN h c", "0"),
            ("HEXISTS h a", "1"),
            ("HEXISTS h c", "0"),
            ("HKEYS h", "[\"a\", \"b\"]"),
            ("HVALS h", "[\"1\", \"two\"]"),
            ("HGETALL nokey", "[]"),
        ]);
        bench.speak_resp3();
        bench.expect(&[("HGETALL h", "{\"a\": \"1\", \"b\": \"two\"}"), ("HGETALL nokey", "{}")]);
    }

    #[test]
    fn other_types_are_refused() {
        let mut bench = Bench::new();
        bench.say("SET s 1");
        let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
        for line in ["HGET s a", "HMGET s a", "HLEN s", "HSTRLEN s a", "HEXISTS s a", "HVALS s"] {
            bench.expect(&[(line, wrong)]);
        }
    }

    #[test]
    fn fields_are_hidden_once_their_time_has_come() {
        for settings in ["", "hash-max-listpack-entries 0"] {
            let mut bench = Bench::with_settings(settings);
            bench.expect(&[("HSET h a 1 b 2 c 3 d 4", "4")]);
            bench.say("HPEXPIRE h 5 FIELDS 3 a b c");
            bench.advance(5);
            bench.expect(&[
                ("HGETALL h", "[\"d\", \"4\"]"),
                ("HKEYS h", "[\"d\"]"),
                ("HLEN h", "4"),
                ("HEXISTS h a", "0"),
                ("HLEN h", "3"),
            ]);
            bench.expect_effects("HGET h b", &["0: HDEL h b"]);
            bench.expect_effects("HMGET h b c d", &["0: HDEL h c"]);
            bench.expect(&[("HLEN h", "1")]);
        }
    }
}
