//! Commands that move one element from one list to another.

use super::pop::{POPPED, pop_event, push_event};
use super::value::{change, count_of, end_of, is_no_list, limits, word_of};
use crate::commands::string::reply_with;
use crate::commands::waiting::give_up_at;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec, Serve, WaitRequest,
};
use crate::keyspace::Key;
use crate::resp::ReplyBuffer;
use crate::types::{Element, End, List, ListLimits, ValueType};

/// The keys of all moves.
pub(super) const KEYS: &[KeySpec] =
    &[KeySpec::one(1, POPPED), KeySpec::one(2, KeyFlags::RW.and(KeyFlags::INSERT))];
/// The lists of all moves.
pub(super) const SOURCE: Argument = Argument::key("source");
pub(super) const DESTINATION: Argument = Argument::key("destination").of_spec(1);
const ENDS: &[Argument] = &[Argument::word("left", "LEFT"), Argument::word("right", "RIGHT")];
/// The ends of all moves.
pub(super) const WHERE_FROM: Argument = Argument::one_of("wherefrom", ENDS);
pub(super) const WHERE_TO: Argument = Argument::one_of("whereto", ENDS);
/// The time that waiting moves have.
pub(super) const TIMEOUT: Argument = Argument::new("timeout", ArgumentKind::Double);

pub(super) const LMOVE: Command = Command {
    name: "lmove",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: KEYS,
    acl: Categories::LIST,
    since: "6.2.0",
    group: Group::List,
    summary: "Moves an element from an end of one list to an end of another.",
    arguments: &[SOURCE, DESTINATION, WHERE_FROM, WHERE_TO],
    run: lmove,
    ..Command::DEFAULT
};

fn lmove(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (from, to) = ends(context)?;
    if move_one(context, from, to)? {
        context.effects.changed(1);
    } else {
        context.reply.null();
    }
    Ok(())
}

pub(super) const RPOPLPUSH: Command = Command {
    name: "rpoplpush",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: KEYS,
    acl: Categories::LIST,
    since: "1.2.0",
    group: Group::List,
    summary: "Moves the last element of a list to the front of another.",
    deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    arguments: &[SOURCE, DESTINATION],
    run: rpoplpush,
    ..Command::DEFAULT
};

fn rpoplpush(context: &mut Context<'_>) -> Result<(), CommandError> {
    if move_one(context, End::Back, End::Front)? {
        context.effects.changed(1);
    } else {
        context.reply.null();
    }
    Ok(())
}

pub(super) const BLMOVE: Command = Command {
    name: "blmove",
    arity: 6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::BLOCKING),
    keys: KEYS,
    acl: Categories::LIST,
    since: "6.2.0",
    group: Group::List,
    summary: "Moves an element from an end of one list to an end of another; waits for one.",
    arguments: &[SOURCE, DESTINATION, WHERE_FROM, WHERE_TO, TIMEOUT],
    run: blmove,
    ..Command::DEFAULT
};

fn blmove(context: &mut Context<'_>) -> Result<(), CommandError> {
    ends(context)?;
    let deadline_ms = give_up_at(context, 5)?;
    serve_or_wait(context, deadline_ms, move_between)
}

fn move_between(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    if is_no_list(context, index) {
        return Ok(false);
    }
    let (from, to) = ends(context)?;
    let has_moved = move_one(context, from, to)?;
    if has_moved {
        let (db, args) = (context.session.db, context.args);
        context.effects.changed(1);
        let words: [&[u8]; 5] = [b"LMOVE", args.at(1), args.at(2), word_of(from), word_of(to)];
        context.effects.push(db, &words);
    }
    Ok(has_moved)
}

pub(super) const BRPOPLPUSH: Command = Command {
    name: "brpoplpush",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::BLOCKING),
    keys: KEYS,
    acl: Categories::LIST,
    since: "2.2.0",
    group: Group::List,
    summary: "Moves the last element of a list to the front of another; waits for one.",
    deprecated: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
    arguments: &[SOURCE, DESTINATION, TIMEOUT],
    run: brpoplpush,
    ..Command::DEFAULT
};

fn brpoplpush(context: &mut Context<'_>) -> Result<(), CommandError> {
    let deadline_ms = give_up_at(context, 3)?;
    serve_or_wait(context, deadline_ms, move_last_to_front)
}

fn move_last_to_front(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    if is_no_list(context, index) {
        return Ok(false);
    }
    let has_moved = move_one(context, End::Back, End::Front)?;
    if has_moved {
        let (db, args) = (context.session.db, context.args);
        context.effects.changed(1);
        context.effects.push(db, &[b"RPOPLPUSH", args.at(1), args.at(2)]);
    }
    Ok(has_moved)
}

/// Serves a move from its first key, or has it wait for that.
pub(super) fn serve_or_wait(
    context: &mut Context<'_>,
    deadline_ms: Option<u64>,
    serve: Serve,
) -> Result<(), CommandError> {
    let source = context.key(1);
    if count_of(&mut context.keys, &source)?.is_some() && serve(context, 1)? {
        return Ok(());
    }
    if !context.session.may_wait() {
        context.reply.null();
        return Ok(());
    }
    context.wait(WaitRequest {
        keys: vec![1],
        also: Some(2),
        value_type: ValueType::List,
        minds_all_keys: false,
        deadline_ms,
        serve,
        in_vain: ReplyBuffer::null_array,
        hears_of_removal: false,
        is_polled: false,
        args: None,
    });
    Ok(())
}

/// Returns the ends that LMOVE and the like name: the one to take from, the one to add to.
pub(super) fn ends(context: &Context<'_>) -> Result<(End, End), CommandError> {
    Ok((end_of(context.args.at(3))?, end_of(context.args.at(4))?))
}

/// Moves an element between the lists of the first two keys and replies with it. Returns false,
/// without a reply, when there is no source.
fn move_one(context: &mut Context<'_>, from: End, to: End) -> Result<bool, CommandError> {
    let (source, destination, limits) = (context.key(1), context.key(2), limits(context));
    if !may_move(context, &source, &destination)? {
        return Ok(false);
    }
    if source.bytes != destination.bytes {
        // Who tracks both hears of the destination first, as in the originals.
        context.keys.note_touched(&destination);
    }
    let element = change(&mut context.keys, &source, |list| {
        let element = list.pop(from, &limits)?;
        if source.bytes == destination.bytes {
            list.push(to, element.as_ref(), &limits);
        }
        Some(element)
    })?;
    let Some(element) = element.flatten() else { return Ok(false) };
    if source.bytes != destination.bytes {
        add(context, &destination, to, std::slice::from_ref(&element), &limits)?;
    }
    reply_with(context.reply, element.as_ref());
    announce_move(context, (&source, from), (&destination, to));
    Ok(true)
}

/// Announces that elements were moved: first where they have come to.
pub(super) fn announce_move(
    context: &mut Context<'_>,
    (source, from): (&Key<'_>, End),
    (destination, to): (&Key<'_>, End),
) {
    context.notify(push_event(to), destination);
    context.notify_taken(pop_event(from), source);
}

/// Says whether there is a source; refuses keys that are no lists.
pub(super) fn may_move(
    context: &mut Context<'_>,
    source: &Key<'_>,
    destination: &Key<'_>,
) -> Result<bool, CommandError> {
    let is_there = count_of(&mut context.keys, source)?.is_some();
    if is_there {
        count_of(&mut context.keys, destination)?;
    }
    Ok(is_there)
}

/// Adds elements at an end of a key's list, one after the other; creates the list if need be.
pub(super) fn add(
    context: &mut Context<'_>,
    key: &Key<'_>,
    end: End,
    elements: &[Element],
    limits: &ListLimits,
) -> Result<(), CommandError> {
    let push_all = |list: &mut List| {
        for element in elements {
            list.push(end, element.as_ref(), limits);
        }
    };
    if change(&mut context.keys, key, push_all)?.is_none() {
        let mut list = List::new();
        push_all(&mut list);
        context.keys.create(key, list);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn an_element_moves_from_end_to_end() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a b c 4", "4"),
            ("LMOVE l m LEFT RIGHT", "\"a\""),
            ("LMOVE l m RIGHT LEFT", "\"4\""),
            ("RPOPLPUSH l m", "\"c\""),
            ("LRANGE m 0 -1", "[\"c\", \"4\", \"a\"]"),
            ("LMOVE l l LEFT RIGHT", "\"b\""),
            ("BLMOVE l m LEFT LEFT 0", "\"b\""),
            ("EXISTS l", "0"),
            ("LMOVE l m LEFT LEFT", "(nil)"),
            ("BRPOPLPUSH m m 0", "\"a\""),
            ("LRANGE m 0 -1", "[\"a\", \"b\", \"c\", \"4\"]"),
        ]);
    }

    #[test]
    fn wrong_moves_are_refused() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET s 1", "OK"),
            ("LMOVE none s LEFT LEFT", "(nil)"),
            ("LMOVE s l LEFT LEFT", WRONG_TYPE),
            ("RPUSH l a", "1"),
            ("LMOVE l s LEFT LEFT", WRONG_TYPE),
            ("LMOVE l s LEFT UP", "ERR syntax error"),
            ("BLMOVE l s LEFT UP x", "ERR syntax error"),
            ("BLMOVE l s LEFT LEFT x", "ERR timeout is not a float or out of range"),
            ("LRANGE l 0 -1", "[\"a\"]"),
        ]);
    }

    #[test]
    fn moves_repeat_without_waiting() {
        let mut bench = Bench::new();
        bench.say("RPUSH l a b c d");
        bench.expect_effects("LMOVE l m left right", &["0: LMOVE l m left right"]);
        bench.expect_effects("BLMOVE l m left right 0", &["0: LMOVE l m LEFT RIGHT"]);
        bench.expect_effects("BRPOPLPUSH l m 0", &["0: RPOPLPUSH l m"]);
        bench.expect_effects("LMOVE none m LEFT LEFT", &[]);
    }

    #[test]
    fn a_rotated_list_keeps_its_deadline() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a", "1"),
            ("EXPIRE l 100", "1"),
            ("RPOPLPUSH l l", "\"a\""),
            ("TTL l", "100"),
        ]);
    }
}
