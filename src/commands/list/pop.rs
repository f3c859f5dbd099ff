//! Commands that take elements from the ends.

use super::value::{change, end_of, limits, remove_end, reply_with_end};
use crate::base::text;
use crate::commands::string::reply_with;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::Key;
use crate::types::{Collection, End};

/// How LPOP, RPOP and the like use their keys.
pub(super) const POPPED: KeyFlags = KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE);
const KEYS: &[KeySpec] = &[KeySpec::one(1, POPPED)];
const ARGUMENTS: &[Argument] = &[
    Argument::key("key"),
    Argument::new("count", ArgumentKind::Integer).optional().since("6.2.0"),
];
/// The end of LMPOP and BLMPOP.
pub(super) const WHERE: Argument =
    Argument::one_of("where", &[Argument::word("left", "LEFT"), Argument::word("right", "RIGHT")]);

pub(super) const LPOP: Command = Command {
    name: "lpop",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: KEYS,
    acl: Categories::LIST,
    group: Group::List,
    complexity: "O(N) in the elements returned",
    summary: "Takes elements from the front of a list.",
    arguments: ARGUMENTS,
    short_args_max: 2,
    run: lpop,
    ..Command::DEFAULT
};

fn lpop(context: &mut Context<'_>) -> Result<(), CommandError> {
    pop(context, End::Front)
}

pub(super) const RPOP: Command = Command {
    name: "rpop",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: KEYS,
    acl: Categories::LIST,
    group: Group::List,
    complexity: "O(N) in the elements returned",
    summary: "Takes elements from the back of a list.",
    arguments: ARGUMENTS,
    short_args_max: 2,
    run: rpop,
    ..Command::DEFAULT
};

fn rpop(context: &mut Context<'_>) -> Result<(), CommandError> {
    pop(context, End::Back)
}

fn pop(context: &mut Context<'_>, end: End) -> Result<(), CommandError> {
    let key = context.key(1);
    let popped = match context.args.len() {
        2 => pop_one(context, &key, end)?,
        3 => {
            let count = text::parse_i64(context.args.at(2)).and_then(|n| usize::try_from(n).ok());
            let count = count
                .ok_or(CommandError::refused("ERR value is out of range, must be positive"))?;
            let popped = pop_many(context, &key, end, count)?;
            if popped.is_none() {
                context.reply.null_array();
            }
            popped.unwrap_or(0)
        }
        _ => return Err(context.wrong_arity()),
    };
    if popped > 0 {
        context.effects.changed(popped as u64);
        context.notify_taken(pop_event(end), &key);
    }
    Ok(())
}

/// Replies with the element at the end of a key's list, or null, and removes it.
fn pop_one(context: &mut Context<'_>, key: &Key<'_>, end: End) -> Result<usize, CommandError> {
    let limits = limits(context);
    let reply = &mut *context.reply;
    let popped = change(&mut context.keys, key, |list| {
        if let Some(value) = list.end(end) {
            reply_with(reply, value);
        }
        list.remove_end(end, &limits);
    })?;
    match popped {
        Some(()) => Ok(1),
        None => {
            context.reply.null();
            Ok(0)
        }
    }
}

/// Replies with the array of up to `count` elements at the end of a key's list and removes them.
/// Returns how many; `None`, without a reply, when there is no key.
pub(super) fn pop_many(
    context: &mut Context<'_>,
    key: &Key<'_>,
    end: End,
    count: usize,
) -> Result<Option<usize>, CommandError> {
    let limits = limits(context);
    let reply = &mut *context.reply;
    change(&mut context.keys, key, |list| {
        let count = count.min(list.len());
        reply_with_end(reply, list, end, count);
        remove_end(list, end, count, &limits);
        count
    })
}

pub(super) const LMPOP: Command = Command {
    name: "lmpop",
    arity: -4,
    flags: Flags::WRITE.and(Flags::MOVABLEKEYS),
    keys: &[KeySpec::counted(1, 1, POPPED)],
    acl: Categories::LIST,
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M) in the keys and the elements returned",
    summary: "Takes elements from the first of several lists that has any.",
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key("key").multiple(),
        WHERE,
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
    ],
    run: lmpop,
    ..Command::DEFAULT
};

fn lmpop(context: &mut Context<'_>) -> Result<(), CommandError> {
    let wish = PopWish::read(context.args, 1)?;
    for index in wish.first_key..wish.first_key + wish.key_count {
        if wish.pop_from(context, index)? {
            return Ok(());
        }
    }
    context.reply.null_array();
    Ok(())
}

/// What LMPOP and BLMPOP ask for.
pub(super) struct PopWish {
    pub(super) first_key: usize,
    pub(super) key_count: usize,
    end: End,
    count: usize,
}

impl PopWish {
    /// Reads the arguments from the number of keys on.
    pub(super) fn read(args: Args<'_>, number_index: usize) -> Result<Self, CommandError> {
        let key_count = positive(args.at(number_index), "ERR numkeys should be greater than 0")?;
        let first_key = number_index + 1;
        let end_index = first_key.checked_add(key_count).ok_or(CommandError::Syntax)?;
        let end = end_of(args.get(end_index).ok_or(CommandError::Syntax)?)?;
        let count = match args.len() - end_index - 1 {
            0 => 1,
            2 if args.is_word(end_index + 1, "COUNT") => {
                positive(args.at(end_index + 2), "ERR count should be greater than 0")?
            }
            more => {
                // The count is read before what is wrong behind it.
                if more > 2 && args.is_word(end_index + 1, "COUNT") {
                    positive(args.at(end_index + 2), "ERR count should be greater than 0")?;
                }
                return Err(CommandError::Syntax);
            }
        };
        Ok(Self { first_key, key_count, end, count })
    }

    /// Pops from the list of the key at a position and replies with the key and the elements; says
    /// whether there is a list.
    pub(super) fn pop_from(
        &self,
        context: &mut Context<'_>,
        index: usize,
    ) -> Result<bool, CommandError> {
        let key = context.key(index);
        let start = context.reply.checkpoint();
        context.reply.array(2);
        context.reply.bulk(key.bytes);
        let popped = pop_many(context, &key, self.end, self.count);
        let Ok(Some(count)) = popped else {
            context.reply.truncate(start);
            return popped.map(|_| false);
        };
        context.effects.changed(count as u64);
        context.notify_taken(pop_event(self.end), &key);
        let mut digits = itoa::Buffer::new();
        let count = digits.format(count).as_bytes();
        context.effects.push(context.session.db, &[pop_name(self.end), key.bytes, count]);
        Ok(true)
    }
}

/// Returns the event of taking from an end.
pub(super) fn pop_event(end: End) -> Event {
    match end {
        End::Front => Event::LPOP,
        End::Back => Event::RPOP,
    }
}

/// Returns the event of adding at an end.
pub(super) fn push_event(end: End) -> Event {
    match end {
        End::Front => Event::LPUSH,
        End::Back => Event::RPUSH,
    }
}

/// Returns the command that pops at an end.
pub(super) fn pop_name(end: End) -> &'static [u8] {
    match end {
        End::Front => b"LPOP",
        End::Back => b"RPOP",
    }
}

/// Returns a number that must be positive.
pub(super) fn positive(argument: &[u8], refusal: &'static str) -> Result<usize, CommandError> {
    let number = text::parse_i64(argument).and_then(|number| usize::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or(CommandError::refused(refusal))
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn pops_take_from_their_end() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a b c d e f", "6"),
            ("LPOP l", "\"a\""),
            ("RPOP l", "\"f\""),
            ("LPOP l 0", "[]"),
            ("RPOP l 2", "[\"e\", \"d\"]"),
            ("LPOP l 9", "[\"b\", \"c\"]"),
            ("EXISTS l", "0"),
            ("LPOP l", "(nil)"),
            ("LPOP l -1", "ERR value is out of range, must be positive"),
            ("LPOP l x", "ERR value is out of range, must be positive"),
            ("LPOP l 1 2", "ERR wrong number of arguments for 'lpop' command"),
        ]);
        assert_eq!(bench.run(&[b"LPOP", b"l"]), b"$-1\r\n");
        assert_eq!(bench.run(&[b"LPOP", b"l", b"1"]), b"*-1\r\n");
    }

    #[test]
    fn a_pop_of_several_lists_takes_the_first_that_is_there() {
        let mut bench = Bench::new();
        bench.say("RPUSH l 1 2 3");
        bench.expect(&[
            ("LMPOP 2 none l LEFT", "[\"l\", [\"1\"]]"),
            ("LMPOP 2 none l RIGHT COUNT 5", "[\"l\", [\"3\", \"2\"]]"),
            ("LMPOP 1 l LEFT", "(nil)"),
            ("LMPOP 0 l LEFT", "ERR numkeys should be greater than 0"),
            ("LMPOP 9 l LEFT", "ERR syntax error"),
            ("LMPOP 1 l MIDDLE", "ERR syntax error"),
            ("LMPOP 1 l LEFT COUNT 0", "ERR count should be greater than 0"),
            ("LMPOP 1 l LEFT COUNT", "ERR syntax error"),
            ("LMPOP 1 l LEFT COUNT 1 COUNT 2", "ERR syntax error"),
            ("SET s 1", "OK"),
            ("LMPOP 1 s LEFT", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }

    #[test]
    fn pops_repeat_what_they_took() {
        let mut bench = Bench::new();
        bench.say("RPUSH l 1 2 3 4 5 6");
        bench.expect_effects("LPOP l", &["0: LPOP l"]);
        bench.expect_effects("RPOP l 2", &["0: RPOP l 2"]);
        bench.expect_effects("LPOP l 0", &[]);
        bench.expect_effects("LPOP none", &[]);
        bench.expect_effects("LMPOP 2 none l LEFT COUNT 2", &["0: LPOP l 2"]);
        bench.expect_effects("LMPOP 2 none l RIGHT COUNT 20", &["0: RPOP l 1"]);
        assert_eq!(bench.change_count(), 12);
    }
}
