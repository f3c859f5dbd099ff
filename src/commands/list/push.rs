//! Commands that add elements at the ends.

use super::pop::push_event;
use super::value::limits;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::types::{Collection, End, List};

const FLAGS: Flags = Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST);
const KEYS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))];
const ARGUMENTS: &[Argument] =
    &[Argument::key("key"), Argument::new("element", ArgumentKind::String).multiple()];
const COMPLEXITY: &str = "O(N) in the elements added";

pub(super) const LPUSH: Command = Command {
    name: "lpush",
    arity: -3,
    flags: FLAGS,
    keys: KEYS,
    acl: Categories::LIST,
    group: Group::List,
    complexity: COMPLEXITY,
    summary: "Adds elements at the front of a list, which is created if need be.",
    arguments: ARGUMENTS,
    short_args_max: usize::MAX,
    run: lpush,
    ..Command::DEFAULT
};

fn lpush(context: &mut Context<'_>) -> Result<(), CommandError> {
    push(context, End::Front, false)
}

pub(super) const RPUSH: Command = Command {
    name: "rpush",
    arity: -3,
    flags: FLAGS,
    keys: KEYS,
    acl: Categories::LIST,
    group: Group::List,
    complexity: COMPLEXITY,
    summary: "Adds elements at the back of a list, which is created if need be.",
    arguments: ARGUMENTS,
    short_args_max: usize::MAX,
    run: rpush,
    ..Command::DEFAULT
};

fn rpush(context: &mut Context<'_>) -> Result<(), CommandError> {
    push(context, End::Back, false)
}

pub(super) const LPUSHX: Command = Command {
    name: "lpushx",
    arity: -3,
    flags: FLAGS,
    keys: KEYS,
    acl: Categories::LIST,
    since: "2.2.0",
    group: Group::List,
    complexity: COMPLEXITY,
    summary: "Adds elements at the front of a list that exists.",
    arguments: ARGUMENTS,
    short_args_max: usize::MAX,
    run: lpushx,
    ..Command::DEFAULT
};

fn lpushx(context: &mut Context<'_>) -> Result<(), CommandError> {
    push(context, End::Front, true)
}

pub(super) const RPUSHX: Command = Command {
    name: "rpushx",
    arity: -3,
    flags: FLAGS,
    keys: KEYS,
    acl: Categories::LIST,
    since: "2.2.0",
    group: Group::List,
    complexity: COMPLEXITY,
    summary: "Adds elements at the back of a list that exists.",
    arguments: ARGUMENTS,
    short_args_max: usize::MAX,
    run: rpushx,
    ..Command::DEFAULT
};

fn rpushx(context: &mut Context<'_>) -> Result<(), CommandError> {
    push(context, End::Back, true)
}

fn push(context: &mut Context<'_>, end: End, only_existing: bool) -> Result<(), CommandError> {
    let key = context.key(1);
    let limits = limits(context);
    let texts = context.args.from(2).iter();
    let added = texts.len() as u64;
    let count = match context.keys.get_mut(&key) {
        Some(mut entry) => {
            let mut list = entry.collection_mut::<List>().ok_or(CommandError::WrongType)?;
            list.extend(end, texts, &limits);
            list.len()
        }
        None if only_existing => {
            context.reply.integer(0);
            return Ok(());
        }
        None => {
            let mut list = List::new();
            list.extend(end, texts, &limits);
            let count = list.len();
            context.keys.create(&key, list);
            count
        }
    };
    context.effects.changed(added);
    context.notify(push_event(end), &key);
    context.reply.count(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn elements_are_added_one_after_the_other() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("LPUSH l a b c", "3"),
            ("RPUSH l 1 02 -3", "6"),
            ("LRANGE l 0 -1", "[\"c\", \"b\", \"a\", \"1\", \"02\", \"-3\"]"),
            ("RPUSHX l x y", "8"),
            ("LPUSHX l z", "9"),
            ("LINDEX l 0", "\"z\""),
            ("LPUSHX none z", "0"),
            ("EXISTS none", "0"),
            ("SET s 1", "OK"),
            ("RPUSH s 1", "WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPUSH l", "ERR wrong number of arguments for 'lpush' command"),
        ]);
    }

    #[test]
    fn a_push_repeats_itself() {
        let mut bench = Bench::new();
        bench.expect_effects("RPUSH l a b", &["0: RPUSH l a b"]);
        bench.expect_effects("LPUSHX none a b", &[]);
        assert_eq!(bench.change_count(), 2);
    }

    #[test]
    fn forms_change_with_the_size() {
        let mut bench = Bench::with_settings("list-max-listpack-size 3");
        bench.expect(&[
            ("RPUSH l a b c", "3"),
            ("OBJECT ENCODING l", "\"listpack\""),
            ("RPUSH l d", "4"),
            ("OBJECT ENCODING l", "\"quicklist\""),
            ("CONFIG SET list-max-listpack-size 4", "OK"),
            ("RPUSH m a b c d", "4"),
            ("OBJECT ENCODING m", "\"listpack\""),
        ]);
    }
}
