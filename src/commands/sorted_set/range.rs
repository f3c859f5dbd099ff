//! Commands that list a range: ZRANGE with its older forms, and ZRANGESTORE.

use std::ops::Range;

use super::bounds::{Bounds, Order};
use super::value::{put_members, sorted_set_of, store};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::SortedSet;

const READ: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))];
/// LIMIT's count that stands for all.
const ALL: i64 = -1;

/// What a command of the family says by its name; `None` where its options say it.
#[derive(Clone, Copy)]
struct Dialect {
    order: Option<Order>,
    is_reverse: Option<bool>,
    /// Where the first end of the range stands.
    first: usize,
    allows_scores: bool,
}

const ZRANGE_DIALECT: Dialect =
    Dialect { order: None, is_reverse: None, first: 2, allows_scores: true };

impl Dialect {
    const fn of(order: Order, is_reverse: bool) -> Self {
        Self { order: Some(order), is_reverse: Some(is_reverse), ..ZRANGE_DIALECT }
    }
}

/// A range with all that options add to it.
struct Request<'a> {
    bounds: Bounds<'a>,
    is_reverse: bool,
    with_scores: bool,
    offset: i64,
    count: i64,
}

impl<'a> Request<'a> {
    fn parse(context: &Context<'a>, dialect: Dialect) -> Result<Self, CommandError> {
        let args = context.args;
        let (mut order, mut is_reverse) = (dialect.order, dialect.is_reverse);
        let (mut with_scores, mut offset, mut count) = (false, 0, ALL);
        let mut index = dialect.first + 2;
        while index < args.len() {
            if dialect.allows_scores && args.is_word(index, "WITHSCORES") {
                with_scores = true;
            } else if args.is_word(index, "LIMIT") && index + 2 < args.len() {
                offset = context.integer(index + 1)?;
                count = context.integer(index + 2)?;
                index += 2;
            } else if is_reverse.is_none() && args.is_word(index, "REV") {
                is_reverse = Some(true);
            } else {
                let found = order_of(args, index).filter(|_| order.is_none());
                order = Some(found.ok_or(CommandError::Syntax)?);
            }
            index += 1;
        }
        let (order, is_reverse) = (order.unwrap_or(Order::Rank), is_reverse.unwrap_or(false));
        check(order, with_scores, count)?;
        let (min, max) = (args.at(dialect.first), args.at(dialect.first + 1));
        let is_swapped = is_reverse && order != Order::Rank;
        let (min, max) = if is_swapped { (max, min) } else { (min, max) };
        let bounds = Bounds::parse(order, min, max)?;
        Ok(Self { bounds, is_reverse, with_scores, offset, count })
    }

    /// Returns the ranks asked for.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let ranks = self.bounds.ranks(set, self.is_reverse);
        if matches!(self.bounds, Bounds::Ranks(..)) {
            return ranks;
        }
        let Range { start, end } = ranks;
        let Some(offset) = self.first_in(end - start, set.as_packed().is_some()) else {
            return start..start;
        };
        let count = usize::try_from(self.count).unwrap_or(usize::MAX).min(end - start - offset);
        if self.is_reverse {
            end - offset - count..end - offset
        } else {
            start + offset..start + offset + count
        }
    }

    /// Returns how many of so many members to pass over. As in the originals, a negative offset counts from
    /// the other end of the range, or passes over everything if the set is packed.
    fn first_in(&self, len: usize, is_packed: bool) -> Option<usize> {
        let distance = usize::try_from(self.offset.unsigned_abs()).unwrap_or(usize::MAX);
        match self.offset {
            0.. => Some(distance.min(len)),
            _ if is_packed => None,
            _ => len.checked_sub(distance),
        }
    }
}

fn order_of(args: Args<'_>, index: usize) -> Option<Order> {
    if args.is_word(index, "BYSCORE") {
        Some(Order::Score)
    } else if args.is_word(index, "BYLEX") {
        Some(Order::Lex)
    } else {
        None
    }
}

fn check(order: Order, with_scores: bool, count: i64) -> Result<(), CommandError> {
    match order {
        Order::Rank if count != ALL => Err(CommandError::refused(
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        )),
        Order::Lex if with_scores => Err(CommandError::refused(
            "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
        )),
        _ => Ok(()),
    }
}

fn reply_with_range(context: &mut Context<'_>, dialect: Dialect) -> Result<(), CommandError> {
    let request = Request::parse(context, dialect)?;
    let key = context.key(1);
    match context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()? {
        Some(set) => {
            let members = set.walk(request.ranks(set), request.is_reverse);
            put_members(context.reply, members, request.with_scores);
        }
        None => context.reply.array(0),
    }
    Ok(())
}

const LIMIT: Argument = Argument::block(
    "limit",
    &[
        Argument::new("offset", ArgumentKind::Integer),
        Argument::new("count", ArgumentKind::Integer),
    ],
)
.after("LIMIT")
.optional();
const WITHSCORES: Argument = Argument::word("withscores", "WITHSCORES").optional();
const SORT_BY: Argument = Argument::one_of(
    "sortby",
    &[Argument::word("byscore", "BYSCORE"), Argument::word("bylex", "BYLEX")],
)
.optional();

pub(super) const ZRANGE: Command = Command {
    name: "zrange",
    arity: -4,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members of N in the sorted set",
    summary: "Lists the members of a range of ranks, scores or names.",
    arguments: &[
        Argument::key("key"),
        Argument::new("start", ArgumentKind::String),
        Argument::new("stop", ArgumentKind::String),
        SORT_BY.since("6.2.0"),
        Argument::word("rev", "REV").optional().since("6.2.0"),
        LIMIT.since("6.2.0"),
        WITHSCORES,
    ],
    run: zrange,
    ..Command::DEFAULT
};

fn zrange(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_range(context, ZRANGE_DIALECT)
}

pub(super) const ZREVRANGE: Command = Command {
    name: "zrevrange",
    arity: -4,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members of N in the sorted set",
    summary: "Lists the members of a range of ranks, from the highest score down.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` argument")),
    arguments: &[
        Argument::key("key"),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("stop", ArgumentKind::Integer),
        WITHSCORES,
    ],
    run: zrevrange,
    ..Command::DEFAULT
};

fn zrevrange(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_range(context, Dialect::of(Order::Rank, true))
}

pub(super) const ZRANGEBYSCORE: Command = Command {
    name: "zrangebyscore",
    arity: -4,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "1.0.5",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members of N in the sorted set",
    summary: "Lists the members of a range of scores.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYSCORE` argument")),
    arguments: &[
        Argument::key("key"),
        Argument::new("min", ArgumentKind::Double),
        Argument::new("max", ArgumentKind::Double),
        WITHSCORES.since("2.0.0"),
        LIMIT,
    ],
    run: zrangebyscore,
    ..Command::DEFAULT
};

fn zrangebyscore(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_range(context, Dialect::of(Order::Score, false))
}

pub(super) const ZREVRANGEBYSCORE: Command = Command {
    name: "zrevrangebyscore",
    arity: -4,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "2.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members of N in the sorted set",
    summary: "Lists the members of a range of scores, from the highest down.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")),
    arguments: &[
        Argument::key("key"),
        Argument::new("max", ArgumentKind::Double),
        Argument::new("min", ArgumentKind::Double),
        WITHSCORES,
        LIMIT,
    ],
    run: zrevrangebyscore,
    ..Command::DEFAULT
};

fn zrevrangebyscore(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_range(context, Dialect::of(Order::Score, true))
}

pub(super) const ZRANGEBYLEX: Command = Command {
    name: "zrangebylex",
    arity: -4,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members of N in the sorted set",
    summary: "Lists the members of a range of names, where all scores are equal.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYLEX` argument")),
    arguments: &[
        Argument::key("key"),
        Argument::new("min", ArgumentKind::String),
        Argument::new("max", ArgumentKind::String),
        LIMIT,
    ],
    run: zrangebylex,
    ..Command::DEFAULT
};

fn zrangebylex(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_range(context, Dialect::of(Order::Lex, false))
}

pub(super) const ZREVRANGEBYLEX: Command = Command {
    name: "zrevrangebylex",
    arity: -4,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members of N in the sorted set",
    summary: "Lists the members of a range of names backwards, where all scores are equal.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")),
    arguments: &[
        Argument::key("key"),
        Argument::new("max", ArgumentKind::String),
        Argument::new("min", ArgumentKind::String),
        LIMIT,
    ],
    run: zrevrangebylex,
    ..Command::DEFAULT
};

fn zrevrangebylex(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_range(context, Dialect::of(Order::Lex, true))
}

pub(super) const ZRANGESTORE: Command = Command {
    name: "zrangestore",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[
        KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    acl: Categories::SORTEDSET,
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M*log(M)) for M members of N in the sorted set",
    summary: "Stores the members of a range of ranks, scores or names under another key.",
    arguments: &[
        Argument::key("dst"),
        Argument::key("src").of_spec(1),
        Argument::new("min", ArgumentKind::String),
        Argument::new("max", ArgumentKind::String),
        SORT_BY,
        Argument::word("rev", "REV").optional(),
        LIMIT,
    ],
    run: zrangestore,
    ..Command::DEFAULT
};

fn zrangestore(context: &mut Context<'_>) -> Result<(), CommandError> {
    let dialect = Dialect { first: 3, allows_scores: false, ..ZRANGE_DIALECT };
    let request = Request::parse(context, dialect)?;
    let (target, source) = (context.key(1), context.key(2));
    let limits = context.tuning.sorted_set_packed;
    let set = context.keys.get(&source, Lookup::READ).map(sorted_set_of).transpose()?;
    let walk = set.into_iter().flat_map(|set| set.walk(request.ranks(set), false));
    let members: Vec<_> = walk.map(|(member, score)| (score, member)).collect();
    let result = SortedSet::from_ascending(&members, limits);
    store(context, &target, result, Event::ZRANGESTORE);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn ranges_are_listed_by_rank_score_and_name_both_ways() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a 2 b 3 c 4 d", "4"),
            ("ZRANGE z 1 2 WITHSCORES", "[\"b\", \"2\", \"c\", \"3\"]"),
            ("ZRANGE z 0 1 REV", "[\"d\", \"c\"]"),
            ("ZREVRANGE z -1 -1", "[\"a\"]"),
            ("ZRANGE z (1 +inf BYSCORE LIMIT 1 1", "[\"c\"]"),
            ("ZRANGE z +inf (1 BYSCORE REV LIMIT 1 5", "[\"c\", \"b\"]"),
            ("ZRANGEBYSCORE z 2 3 WITHSCORES LIMIT 0 -1", "[\"b\", \"2\", \"c\", \"3\"]"),
            ("ZRANGEBYSCORE z 2 3 LIMIT -1 5", "[]"),
            ("ZRANGE z 0 2 LIMIT 5 -1", "[\"a\", \"b\", \"c\"]"),
            ("ZREVRANGEBYSCORE z 3 2", "[\"c\", \"b\"]"),
            ("ZADD l 0 a 0 b 0 c", "3"),
            ("ZRANGEBYLEX l - (c", "[\"a\", \"b\"]"),
            ("ZREVRANGEBYLEX l + [b LIMIT 0 1", "[\"c\"]"),
            ("ZRANGE l [b + BYLEX", "[\"b\", \"c\"]"),
            ("ZRANGE absent 0 -1", "[]"),
        ]);
        bench.speak_resp3();
        bench.expect(&[("ZRANGE z 0 1 WITHSCORES", "[[\"a\", 1], [\"b\", 2]]")]);
    }

    #[test]
    fn options_are_checked() {
        let mut bench = Bench::new();
        let syntax = "ERR syntax error";
        let limit =
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
        let lex = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
        bench.expect(&[
            ("ZRANGE z 0 -1 REV REV", syntax),
            ("ZRANGE z 0 -1 BYSCORE BYLEX", syntax),
            ("ZRANGEBYSCORE z 0 1 BYSCORE", syntax),
            ("ZRANGEBYSCORE z 0 1 LIMIT 0", syntax),
            ("ZRANGE z 0 -1 LIMIT 0 1", limit),
            ("ZRANGE z - + BYLEX WITHSCORES", lex),
            ("ZRANGESTORE d z 0 -1 WITHSCORES", syntax),
            ("ZRANGE z x 1", "ERR value is not an integer or out of range"),
            ("ZRANGE z x 1 BYSCORE", "ERR min or max is not a float"),
        ]);
    }

    #[test]
    fn a_stored_range_replaces_what_was_there() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a 2 b 3 c", "3"),
            ("SET d x EX 100", "OK"),
            ("ZRANGESTORE d z 1 -1", "2"),
            ("ZRANGE d 0 -1 WITHSCORES", "[\"b\", \"2\", \"c\", \"3\"]"),
            ("TTL d", "-1"),
        ]);
        bench.expect_effects("ZRANGESTORE d z 5 9", &["0: ZRANGESTORE d z 5 9"]);
        bench.expect(&[("EXISTS d", "0")]);
        bench.expect_effects("ZRANGESTORE d z 5 9", &[]);
    }
}
