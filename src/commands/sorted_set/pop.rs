//! Commands that take members from either end: ZPOPMIN, ZPOPMAX, ZMPOP.

use std::ops::Range;

use super::value::{edit, put_member, sorted_set_of};
use crate::base::text;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Effects, Event, Flags,
    Group, KeyFlags, KeySpec,
};
use crate::keyspace::{Key, Keys, Lookup};
use crate::resp::{Protocol, ReplyBuffer};
use crate::types::SortedSet;

/// Which end members are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Min,
    Max,
}

impl End {
    /// Returns the end a word names.
    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        if word.eq_ignore_ascii_case(b"MIN") {
            Some(Self::Min)
        } else if word.eq_ignore_ascii_case(b"MAX") {
            Some(Self::Max)
        } else {
            None
        }
    }

    /// Returns the event of taking members from this end.
    pub(super) const fn event(self) -> Event {
        match self {
            Self::Min => Event::ZPOPMIN,
            Self::Max => Event::ZPOPMAX,
        }
    }

    /// Returns the command that takes members from this end.
    pub(super) const fn command(self) -> &'static [u8] {
        match self {
            Self::Min => b"ZPOPMIN",
            Self::Max => b"ZPOPMAX",
        }
    }
}

/// How the members taken are replied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Members and scores one after the other.
    Flat,
    /// Pairs.
    Nested,
    /// The key, then members and scores one after the other: BZPOPMIN.
    KeyFlat,
    /// The key, then pairs: ZMPOP.
    KeyNested,
}

impl Layout {
    fn put_header(self, reply: &mut ReplyBuffer, key: &[u8], count: usize) {
        match self {
            Self::Flat => reply.array(2 * count),
            Self::Nested => reply.array(count),
            Self::KeyFlat => {
                reply.array(2 * count + 1);
                reply.bulk(key);
            }
            Self::KeyNested => {
                reply.array(2);
                reply.bulk(key);
                reply.array(count);
            }
        }
    }

    const fn is_nested(self) -> bool {
        matches!(self, Self::Nested | Self::KeyNested)
    }
}

/// Takes up to `count` members from one end of the sorted set of a key and replies with them. Returns
/// how many there were; with no such key nothing is replied.
///
/// # Errors
/// [`CommandError::WrongType`].
pub(super) fn pop(
    keys: &mut Keys<'_>,
    key: &Key<'_>,
    (end, count): (End, usize),
    layout: Layout,
    reply: &mut ReplyBuffer,
    effects: &mut Effects,
) -> Result<usize, CommandError> {
    let taken = edit(keys, key, |set| {
        let count = count.min(set.len());
        layout.put_header(reply, key.bytes, count);
        take(set, end, count, layout, reply);
        count
    })?;
    let taken = taken.unwrap_or(0);
    effects.changed(taken as u64);
    Ok(taken)
}

fn take(set: &mut SortedSet, end: End, count: usize, layout: Layout, reply: &mut ReplyBuffer) {
    let ranks = match end {
        End::Min => 0..count,
        End::Max => set.len() - count..set.len(),
    };
    for (member, score) in set.walk(ranks.clone(), end == End::Max) {
        if layout.is_nested() {
            reply.array(2);
        }
        put_member(reply, member);
        reply.double(score);
    }
    set.remove_ranks(ranks);
}

/// How keys are used that members are taken from.
pub(super) const POPPED: KeyFlags = KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE);
/// Which end, in COMMAND DOCS.
pub(super) const WHERE: Argument =
    Argument::one_of("where", &[Argument::word("min", "MIN"), Argument::word("max", "MAX")]);
const POP: &[KeySpec] = &[KeySpec::one(1, POPPED)];
const POP_ARGUMENTS: &[Argument] =
    &[Argument::key("key"), Argument::new("count", ArgumentKind::Integer).optional()];

pub(super) const ZPOPMIN: Command = Command {
    name: "zpopmin",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: POP,
    acl: Categories::SORTEDSET,
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) for M members of N in the sorted set",
    summary: "Removes the members with the lowest scores and returns them.",
    arguments: POP_ARGUMENTS,
    short_args_max: 2,
    run: zpopmin,
    ..Command::DEFAULT
};

fn zpopmin(context: &mut Context<'_>) -> Result<(), CommandError> {
    pop_from_end(context, End::Min)
}

pub(super) const ZPOPMAX: Command = Command {
    name: "zpopmax",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: POP,
    acl: Categories::SORTEDSET,
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) for M members of N in the sorted set",
    summary: "Removes the members with the highest scores and returns them.",
    arguments: POP_ARGUMENTS,
    short_args_max: 2,
    run: zpopmax,
    ..Command::DEFAULT
};

fn zpopmax(context: &mut Context<'_>) -> Result<(), CommandError> {
    pop_from_end(context, End::Max)
}

fn pop_from_end(context: &mut Context<'_>, end: End) -> Result<(), CommandError> {
    const REFUSAL: CommandError =
        CommandError::refused("ERR value is out of range, must be positive");
    let args = context.args;
    if args.len() > 3 {
        return Err(CommandError::Syntax);
    }
    let count = match args.get(2) {
        Some(count) => {
            let count = text::parse_i64(count).and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(REFUSAL)?)
        }
        None => None,
    };
    let key = context.key(1);
    let found = context.keys.get(&key, Lookup::WRITE).map(sorted_set_of).transpose()?;
    if found.is_none() || count == Some(0) {
        context.reply.array(0);
        return Ok(());
    }
    let is_nested = count.is_some() && context.reply.protocol() == Protocol::Resp3;
    let layout = if is_nested { Layout::Nested } else { Layout::Flat };
    let wanted = (end, count.unwrap_or(1));
    pop(&mut context.keys, &key, wanted, layout, context.reply, context.effects)?;
    context.notify_taken(end.event(), &key);
    Ok(())
}

pub(super) const ZMPOP: Command = Command {
    name: "zmpop",
    arity: -4,
    flags: Flags::WRITE.and(Flags::MOVABLEKEYS),
    keys: &[KeySpec::counted(1, 1, POPPED)],
    acl: Categories::SORTEDSET,
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K)+O(M*log(N)) for K keys and M members of N in the sorted set",
    summary: "Removes the lowest or highest members of the first sorted set that has any.",
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key("key").multiple(),
        WHERE,
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
    ],
    run: zmpop,
    ..Command::DEFAULT
};

fn zmpop(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = ManyKeys::parse(context, 1)?;
    for index in request.keys() {
        if request.pop_from(context, index)? {
            return Ok(());
        }
    }
    context.reply.null_array();
    Ok(())
}

/// ZMPOP's arguments from the number of keys on.
pub(super) struct ManyKeys {
    /// Where the first key stands.
    first: usize,
    key_count: usize,
    end: End,
    count: usize,
}

impl ManyKeys {
    /// Reads the arguments from the number of keys on, which stands at `index`.
    ///
    /// # Errors
    /// They make no sense.
    pub(super) fn parse(context: &Context<'_>, index: usize) -> Result<Self, CommandError> {
        let args = context.args;
        let positive = |index: usize| {
            let number = text::parse_i64(args.at(index))?;
            usize::try_from(number).ok().filter(|&number| number > 0)
        };
        let key_count =
            positive(index).ok_or(CommandError::refused("ERR numkeys should be greater than 0"))?;
        let first = index + 1;
        let end_at = first.saturating_add(key_count);
        let end = args.get(end_at).and_then(End::parse).ok_or(CommandError::Syntax)?;
        let count = match args.len() - end_at - 1 {
            0 => 1,
            2 if args.is_word(end_at + 1, "COUNT") => positive(end_at + 2)
                .ok_or(CommandError::refused("ERR count should be greater than 0"))?,
            many if many > 2
                && args.is_word(end_at + 1, "COUNT")
                && positive(end_at + 2).is_none() =>
            {
                return Err(CommandError::refused("ERR count should be greater than 0"));
            }
            _ => return Err(CommandError::Syntax),
        };
        Ok(Self { first, key_count, end, count })
    }

    /// Returns the positions of the keys.
    pub(super) fn keys(&self) -> Range<usize> {
        self.first..self.first + self.key_count
    }

    /// Pops from the key at a position; says whether there was a member. The effect names just that key.
    ///
    /// # Errors
    /// [`CommandError::WrongType`].
    pub(super) fn pop_from(
        &self,
        context: &mut Context<'_>,
        index: usize,
    ) -> Result<bool, CommandError> {
        let key = context.key(index);
        let (wanted, layout) = ((self.end, self.count), Layout::KeyNested);
        let taken = pop(&mut context.keys, &key, wanted, layout, context.reply, context.effects)?;
        if taken > 0 {
            context.notify_taken(self.end.event(), &key);
            let mut digits = itoa::Buffer::new();
            let count = digits.format(taken).as_bytes();
            context.effects.push(context.session.db, &[self.end.command(), key.bytes, count]);
        }
        Ok(taken > 0)
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn members_are_taken_from_either_end() {
        let mut bench = Bench::new();
        let positive = "ERR value is out of range, must be positive";
        bench.expect(&[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e", "5"),
            ("ZPOPMIN z", "[\"a\", \"1\"]"),
            ("ZPOPMAX z 2", "[\"e\", \"5\", \"d\", \"4\"]"),
            ("ZPOPMIN z 0", "[]"),
            ("ZPOPMIN z -1", positive),
            ("ZPOPMIN z x", positive),
            ("ZPOPMIN z 1 2", "ERR syntax error"),
            ("ZPOPMIN z 9", "[\"b\", \"2\", \"c\", \"3\"]"),
            ("EXISTS z", "0"),
            ("ZPOPMIN z", "[]"),
        ]);
        bench.say("ZADD z 1 a 2 b 3 c");
        bench.speak_resp3();
        bench.expect(&[("ZPOPMIN z", "[\"a\", 1]"), ("ZPOPMIN z 9", "[[\"b\", 2], [\"c\", 3]]")]);
    }

    #[test]
    fn the_first_sorted_set_with_members_is_popped() {
        let mut bench = Bench::new();
        bench.say("ZADD b 1 x 2 y 3 z");
        bench.expect_effects("ZMPOP 2 a b MAX COUNT 2", &["0: ZPOPMAX b 2"]);
        bench.expect(&[
            ("ZMPOP 2 a b MIN COUNT 5", "[\"b\", [[\"x\", \"1\"]]]"),
            ("ZMPOP 2 a b MIN", "(nil)"),
            ("ZMPOP 0 a MIN", "ERR numkeys should be greater than 0"),
            ("ZMPOP 3 a MIN", "ERR syntax error"),
            ("ZMPOP 1 a MID", "ERR syntax error"),
            ("ZMPOP 1 a MIN COUNT 0", "ERR count should be greater than 0"),
            ("ZMPOP 1 a MIN COUNT 1 COUNT 2", "ERR syntax error"),
            ("SET s x", "OK"),
            (
                "ZMPOP 2 s b MIN",
                "WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ]);
    }
}
