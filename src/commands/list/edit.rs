//! Commands that change a list somewhere within.

use super::value::{change, limits, range_of};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::types::{Collection, Side, TextMatch};

pub(super) const LSET: Command = Command {
    name: "lset",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::LIST,
    group: Group::List,
    complexity: "O(N) in the chunks up to the element, from the nearer end",
    summary: "Replaces the element at an index of a list.",
    arguments: &[
        Argument::key("key"),
        Argument::new("index", ArgumentKind::Integer),
        Argument::new("element", ArgumentKind::String),
    ],
    run: lset,
    ..Command::DEFAULT
};

fn lset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let (index, text, limits) = (context.integer(2), context.args.at(3), limits(context));
    let is_there =
        change(&mut context.keys, &key, |list| index.map(|index| list.set(index, text, &limits)))?;
    match is_there {
        None => Err(CommandError::NoSuchKey),
        Some(is_there) => {
            if !is_there? {
                return Err(CommandError::IndexOutOfRange);
            }
            context.effects.changed(1);
            context.notify(Event::LSET, &key);
            context.reply.ok();
            Ok(())
        }
    }
}

pub(super) const LINSERT: Command = Command {
    name: "linsert",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    acl: Categories::LIST,
    since: "2.2.0",
    group: Group::List,
    complexity: "O(N) in the elements up to the pivot",
    summary: "Adds an element beside another one of a list.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of(
            "where",
            &[Argument::word("before", "BEFORE"), Argument::word("after", "AFTER")],
        ),
        Argument::new("pivot", ArgumentKind::String),
        Argument::new("element", ArgumentKind::String),
    ],
    run: linsert,
    ..Command::DEFAULT
};

fn linsert(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let side = if args.is_word(2, "AFTER") {
        Side::After
    } else if args.is_word(2, "BEFORE") {
        Side::Before
    } else {
        return Err(CommandError::Syntax);
    };
    let (key, limits) = (context.key(1), limits(context));
    let pivot = TextMatch::new(args.at(3));
    let count = change(&mut context.keys, &key, |list| {
        list.insert(&pivot, side, args.at(4), &limits).then(|| list.len())
    })?;
    match count {
        None => context.reply.integer(0),
        Some(None) => context.reply.integer(-1),
        Some(Some(count)) => {
            context.effects.changed(1);
            context.notify(Event::LINSERT, &key);
            context.reply.count(count);
        }
    }
    Ok(())
}

pub(super) const LREM: Command = Command {
    name: "lrem",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::LIST,
    group: Group::List,
    complexity: "O(N) in the elements looked at",
    summary: "Removes elements that equal a string from a list.",
    arguments: &[
        Argument::key("key"),
        Argument::new("count", ArgumentKind::Integer),
        Argument::new("element", ArgumentKind::String),
    ],
    run: lrem,
    ..Command::DEFAULT
};

fn lrem(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = context.integer(2)?;
    if count == i64::MIN {
        return Err(CommandError::refused(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        ));
    }
    let (key, limits) = (context.key(1), limits(context));
    let wanted = TextMatch::new(context.args.at(3));
    let removed =
        change(&mut context.keys, &key, |list| list.remove_matching(count, &wanted, &limits))?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        context.effects.changed(removed as u64);
        context.notify_taken(Event::LREM, &key);
    }
    context.reply.count(removed);
    Ok(())
}

pub(super) const LTRIM: Command = Command {
    name: "ltrim",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::LIST,
    group: Group::List,
    complexity: "O(N) in the chunks removed",
    summary: "Removes all elements of a list but those between two indices.",
    arguments: &[
        Argument::key("key"),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("stop", ArgumentKind::Integer),
    ],
    run: ltrim,
    ..Command::DEFAULT
};

fn ltrim(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (start, stop) = (context.integer(2)?, context.integer(3)?);
    let (key, limits) = (context.key(1), limits(context));
    let removed = change(&mut context.keys, &key, |list| {
        let count = list.len();
        let (start, kept) = range_of(start, stop, count).unwrap_or((count, 0));
        list.remove_range(start + kept, count, &limits);
        list.remove_range(0, start, &limits);
        count - kept
    })?;
    if let Some(removed) = removed {
        context.effects.changed(removed as u64);
        context.notify_taken(Event::LTRIM, &key);
    }
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn elements_are_replaced_by_their_index() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a b c", "3"),
            ("LSET l 1 x", "OK"),
            ("LSET l -1 7", "OK"),
            ("LRANGE l 0 -1", "[\"a\", \"x\", \"7\"]"),
            ("LSET l 3 x", "ERR index out of range"),
            ("LSET l x x", "ERR value is not an integer or out of range"),
            ("LSET none x x", "ERR no such key"),
            ("SET s 1", "OK"),
            ("LSET s x x", WRONG_TYPE),
        ]);
        bench.expect_effects("LSET l 0 y", &["0: LSET l 0 y"]);
        bench.expect_effects("LSET l 9 y", &[]);
    }

    #[test]
    fn elements_are_inserted_beside_others() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a b c", "3"),
            ("LINSERT l before b x", "4"),
            ("LINSERT l AFTER c 5", "5"),
            ("LINSERT l AFTER none y", "-1"),
            ("LINSERT none AFTER b y", "0"),
            ("LINSERT l beside b y", "ERR syntax error"),
            ("LRANGE l 0 -1", "[\"a\", \"x\", \"b\", \"c\", \"5\"]"),
        ]);
        bench.expect_effects("LINSERT l AFTER none y", &[]);
    }

    #[test]
    fn matching_elements_are_removed_from_either_end() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a b a c a d a", "7"),
            ("LREM l 1 a", "1"),
            ("LREM l -1 a", "1"),
            ("LRANGE l 0 -1", "[\"b\", \"a\", \"c\", \"a\", \"d\"]"),
            ("LREM l 0 a", "2"),
            ("LREM l 0 a", "0"),
            ("LREM none 0 a", "0"),
            ("LREM none x a", "ERR value is not an integer or out of range"),
            ("LREM l 0 b", "1"),
            ("LREM l 0 c", "1"),
            ("LREM l 0 d", "1"),
            ("EXISTS l", "0"),
        ]);
        assert!(
            bench.say("LREM l -9223372036854775808 a").starts_with("ERR value is out of range")
        );
    }

    #[test]
    fn trimming_keeps_a_range() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a b c d e", "5"),
            ("LTRIM l 1 -2", "OK"),
            ("LRANGE l 0 -1", "[\"b\", \"c\", \"d\"]"),
            ("LTRIM none 0 1", "OK"),
        ]);
        bench.expect_effects("LTRIM l 0 -1", &[]);
        bench.expect_effects("LTRIM l 5 9", &["0: LTRIM l 5 9"]);
        bench.expect(&[("EXISTS l", "0")]);
    }
}
