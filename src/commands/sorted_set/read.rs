//! Commands that look at single members or count: ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZCOUNT,
//! ZLEXCOUNT.

use super::bounds::{Bounds, Order};
use super::value::sorted_set_of;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;

const READ: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))];

pub(super) const ZCARD: Command = Command {
    name: "zcard",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    acl: Categories::SORTEDSET,
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Counts the members of a sorted set.",
    arguments: &[Argument::key("key")],
    run: zcard,
    ..Command::DEFAULT
};

fn zcard(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
    context.reply.count(set.map_or(0, |set| set.len()));
    Ok(())
}

pub(super) const ZSCORE: Command = Command {
    name: "zscore",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "1.2.0",
    group: Group::SortedSet,
    summary: "Returns the score of a member.",
    arguments: &[Argument::key("key"), Argument::new("member", ArgumentKind::String)],
    member_at: 2,
    run: zscore,
    ..Command::DEFAULT
};

fn zscore(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
    match set.and_then(|set| set.score(context.args.at(2))) {
        Some(score) => context.reply.double(score),
        None => context.reply.null(),
    }
    Ok(())
}

pub(super) const ZMSCORE: Command = Command {
    name: "zmscore",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N) for N members asked for",
    summary: "Returns the scores of several members.",
    arguments: &[Argument::key("key"), Argument::new("member", ArgumentKind::String).multiple()],
    short_args_max: usize::MAX,
    member_at: 2,
    run: zmscore,
    ..Command::DEFAULT
};

fn zmscore(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
    let members = context.args.from(2);
    context.reply.array(members.len());
    for member in members.iter() {
        match set.and_then(|set| set.score(member)) {
            Some(score) => context.reply.double(score),
            None => context.reply.null(),
        }
    }
    Ok(())
}

const RANK_ARGUMENTS: &[Argument] = &[
    Argument::key("key"),
    Argument::new("member", ArgumentKind::String),
    Argument::word("withscore", "WITHSCORE").optional(),
];

pub(super) const ZRANK: Command = Command {
    name: "zrank",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N members in the sorted set",
    summary: "Returns how many members stand before one, perhaps with its score.",
    arguments: RANK_ARGUMENTS,
    short_args_max: usize::MAX,
    member_at: 2,
    run: zrank,
    ..Command::DEFAULT
};

fn zrank(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_rank(context, false)
}

pub(super) const ZREVRANK: Command = Command {
    name: "zrevrank",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N members in the sorted set",
    summary: "Returns how many members stand behind one, perhaps with its score.",
    arguments: RANK_ARGUMENTS,
    short_args_max: usize::MAX,
    member_at: 2,
    run: zrevrank,
    ..Command::DEFAULT
};

fn zrevrank(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_rank(context, true)
}

fn reply_with_rank(context: &mut Context<'_>, is_reverse: bool) -> Result<(), CommandError> {
    let args = context.args;
    if args.len() > 4 {
        return Err(context.wrong_arity());
    }
    let with_score = args.len() == 4;
    if with_score && !args.is_word(3, "WITHSCORE") {
        return Err(CommandError::Syntax);
    }
    let key = context.key(1);
    let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
    let found = set.and_then(|set| {
        let (rank, score) = set.rank(args.at(2))?;
        Some((if is_reverse { set.len() - 1 - rank } else { rank }, score))
    });
    match found {
        Some((rank, score)) if with_score => {
            context.reply.array(2);
            context.reply.count(rank);
            context.reply.double(score);
        }
        Some((rank, _)) => context.reply.count(rank),
        None if with_score => context.reply.null_array(),
        None => context.reply.null(),
    }
    Ok(())
}

pub(super) const ZCOUNT: Command = Command {
    name: "zcount",
    arity: 4,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N members in the sorted set",
    summary: "Counts the members whose scores are in a range.",
    arguments: &[
        Argument::key("key"),
        Argument::new("min", ArgumentKind::Double),
        Argument::new("max", ArgumentKind::Double),
    ],
    short_args_max: usize::MAX,
    run: zcount,
    ..Command::DEFAULT
};

fn zcount(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_count(context, Order::Score)
}

pub(super) const ZLEXCOUNT: Command = Command {
    name: "zlexcount",
    arity: 4,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N members in the sorted set",
    summary: "Counts the members in a range of names, where all scores are equal.",
    arguments: &[
        Argument::key("key"),
        Argument::new("min", ArgumentKind::String),
        Argument::new("max", ArgumentKind::String),
    ],
    run: zlexcount,
    ..Command::DEFAULT
};

fn zlexcount(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_count(context, Order::Lex)
}

fn reply_with_count(context: &mut Context<'_>, order: Order) -> Result<(), CommandError> {
    let bounds = Bounds::parse(order, context.args.at(2), context.args.at(3))?;
    let key = context.key(1);
    let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
    context.reply.count(set.map_or(0, |set| bounds.ranks(set, false).len()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn members_are_looked_up_and_counted() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a 2 b 2.5 c inf d", "4"),
            ("ZCARD z", "4"),
            ("ZSCORE z c", "\"2.5\""),
            ("ZSCORE z x", "(nil)"),
            ("ZMSCORE z d x a", "[\"inf\", (nil), \"1\"]"),
            ("ZRANK z c", "2"),
            ("ZREVRANK z c WITHSCORE", "[1, \"2.5\"]"),
            ("ZRANK z x", "(nil)"),
            ("ZRANK z a b c", "ERR wrong number of arguments for 'zrank' command"),
            ("ZRANK z a b", "ERR syntax error"),
            ("ZCOUNT z (1 2.5", "2"),
            ("ZCOUNT z -inf +inf", "4"),
            ("ZCOUNT z 3 2", "0"),
            ("ZCOUNT z a b", "ERR min or max is not a float"),
            ("ZADD l 0 a 0 b 0 c", "3"),
            ("ZLEXCOUNT l - +", "3"),
            ("ZLEXCOUNT l (a [b", "1"),
            ("ZLEXCOUNT l a b", "ERR min or max not valid string range item"),
            ("ZCARD absent", "0"),
            ("ZMSCORE absent a", "[(nil)]"),
            ("ZCOUNT absent 1 2", "0"),
        ]);
    }
}
