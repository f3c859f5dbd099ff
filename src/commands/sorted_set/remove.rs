//! Commands that remove members: ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.

use super::bounds::{Bounds, Order};
use super::value::edit;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};

const DELETE: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))];

pub(super) const ZREM: Command = Command {
    name: "zrem",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: DELETE,
    acl: Categories::SORTEDSET,
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) for M members of N in the sorted set",
    summary: "Removes members; the sorted set goes with its last one.",
    arguments: &[Argument::key("key"), Argument::new("member", ArgumentKind::String).multiple()],
    short_args_max: usize::MAX,
    member_at: 2,
    run: zrem,
    ..Command::DEFAULT
};

fn zrem(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let members = context.args.from(2);
    let removed = edit(&mut context.keys, &key, |set| {
        members.iter().filter(|member| set.remove(member).is_some()).count()
    })?;
    finish(context, removed, Event::ZREM);
    Ok(())
}

fn finish(context: &mut Context<'_>, removed: Option<usize>, event: Event) {
    let removed = removed.unwrap_or(0);
    context.effects.changed(removed as u64);
    if removed > 0 {
        let key = context.key(1);
        context.notify_taken(event, &key);
    }
    context.reply.count(removed);
}

pub(super) const ZREMRANGEBYRANK: Command = Command {
    name: "zremrangebyrank",
    arity: 4,
    flags: Flags::WRITE,
    keys: DELETE,
    acl: Categories::SORTEDSET,
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) for M members of N in the sorted set",
    summary: "Removes the members of a range of ranks.",
    arguments: &[
        Argument::key("key"),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("stop", ArgumentKind::Integer),
    ],
    run: zremrangebyrank,
    ..Command::DEFAULT
};

fn zremrangebyrank(context: &mut Context<'_>) -> Result<(), CommandError> {
    remove_range(context, Order::Rank, Event::ZREMRANGEBYRANK)
}

pub(super) const ZREMRANGEBYSCORE: Command = Command {
    name: "zremrangebyscore",
    arity: 4,
    flags: Flags::WRITE,
    keys: DELETE,
    acl: Categories::SORTEDSET,
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) for M members of N in the sorted set",
    summary: "Removes the members of a range of scores.",
    arguments: &[
        Argument::key("key"),
        Argument::new("min", ArgumentKind::Double),
        Argument::new("max", ArgumentKind::Double),
    ],
    run: zremrangebyscore,
    ..Command::DEFAULT
};

fn zremrangebyscore(context: &mut Context<'_>) -> Result<(), CommandError> {
    remove_range(context, Order::Score, Event::ZREMRANGEBYSCORE)
}

pub(super) const ZREMRANGEBYLEX: Command = Command {
    name: "zremrangebylex",
    arity: 4,
    flags: Flags::WRITE,
    keys: DELETE,
    acl: Categories::SORTEDSET,
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) for M members of N in the sorted set",
    summary: "Removes the members of a range of names, where all scores are equal.",
    arguments: &[
        Argument::key("key"),
        Argument::new("min", ArgumentKind::String),
        Argument::new("max", ArgumentKind::String),
    ],
    run: zremrangebylex,
    ..Command::DEFAULT
};

fn zremrangebylex(context: &mut Context<'_>) -> Result<(), CommandError> {
    remove_range(context, Order::Lex, Event::ZREMRANGEBYLEX)
}

/// How many members were to be removed.
enum Found {
    /// They are removed.
    Some(usize),
    /// All there are. They are still there: removing the key with them takes no time.
    All(usize),
}

fn remove_range(context: &mut Context<'_>, order: Order, event: Event) -> Result<(), CommandError> {
    let bounds = Bounds::parse(order, context.args.at(2), context.args.at(3))?;
    let key = context.key(1);
    let found = edit(&mut context.keys, &key, |set| {
        let (ranks, len) = (bounds.ranks(set, false), set.len());
        if ranks.start == 0 && ranks.end >= len {
            Found::All(len)
        } else {
            Found::Some(set.remove_ranks(ranks))
        }
    })?;
    let removed = found.map(|found| match found {
        Found::Some(count) => count,
        Found::All(count) => {
            context.keys.remove(&key);
            count
        }
    });
    finish(context, removed, event);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn members_are_removed_by_name_rank_score_and_lexically() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "6"),
            ("ZREM z a x a", "1"),
            ("ZREMRANGEBYRANK z 0 0", "1"),
            ("ZREMRANGEBYSCORE z (3 4", "1"),
            ("ZRANGE z 0 -1", "[\"c\", \"e\", \"f\"]"),
            ("ZREMRANGEBYLEX z - [c", "1"),
            ("ZREMRANGEBYRANK z 0 -1", "2"),
            ("EXISTS z", "0"),
            ("ZREM z a", "0"),
        ]);
        bench.say("ZADD z 1 a");
        bench.expect_effects("ZREM z x", &[]);
        bench.expect_effects("ZREM z x a", &["0: ZREM z x a"]);
    }
}
