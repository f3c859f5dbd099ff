//! ZRANDMEMBER.

use std::collections::HashSet;

use super::value::{put_array_header, put_member, put_pair_header, sorted_set_of};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::SortedSet;

pub(super) const ZRANDMEMBER: Command = Command {
    name: "zrandmember",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SORTEDSET,
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) for M members of N in the sorted set",
    summary: "Returns members chosen at random: different ones, or with repetitions if the count is negative.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::block(
            "options",
            &[
                Argument::new("count", ArgumentKind::Integer),
                Argument::word("withscores", "WITHSCORES").optional(),
            ],
        )
        .optional(),
    ],
    run: zrandmember,
    ..Command::DEFAULT
};

fn zrandmember(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    if context.args.len() > 2 {
        let (count, with_scores) = parse_count(context)?;
        let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
        match set {
            Some(set) => reply_with_many(context.reply, set, count, with_scores),
            None => context.reply.array(0),
        }
        return Ok(());
    }
    let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
    match set.and_then(|set| set.at(fastrand::usize(..set.len()))) {
        Some((member, _)) => put_member(context.reply, member),
        None => context.reply.null(),
    }
    Ok(())
}

fn parse_count(context: &Context<'_>) -> Result<(i64, bool), CommandError> {
    let args = context.args;
    let count = context.integer(2)?;
    if count == i64::MIN {
        return Err(CommandError::refused(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ));
    }
    let with_scores = args.len() > 3;
    if args.len() > 4 || with_scores && !args.is_word(3, "WITHSCORES") {
        return Err(CommandError::Syntax);
    }
    if with_scores && count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
        return Err(CommandError::OutOfRange);
    }
    Ok((count, with_scores))
}

fn reply_with_many(reply: &mut ReplyBuffer, set: &SortedSet, count: i64, with_scores: bool) {
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let len = set.len();
    let repeats = count < 0;
    let count = if repeats { wanted } else { wanted.min(len) };
    put_array_header(reply, count, with_scores);
    let put = |rank: usize| {
        let Some((member, score)) = set.at(rank) else { return };
        put_pair_header(reply, with_scores);
        put_member(reply, member);
        if with_scores {
            reply.double(score);
        }
    };
    if repeats {
        (0..count).map(|_| fastrand::usize(..len)).for_each(put);
    } else if count == len {
        (0..count).for_each(put);
    } else {
        different_ranks(count, len).into_iter().for_each(put);
    }
}

/// Returns so many different ranks below `len`, in random order.
fn different_ranks(count: usize, len: usize) -> Vec<usize> {
    if count * 3 > len {
        let mut ranks: Vec<usize> = (0..len).collect();
        fastrand::shuffle(&mut ranks);
        ranks.truncate(count);
        return ranks;
    }
    let (mut seen, mut ranks) = (HashSet::with_capacity(count), Vec::with_capacity(count));
    while ranks.len() < count {
        let rank = fastrand::usize(..len);
        if seen.insert(rank) {
            ranks.push(rank);
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::different_ranks;
    use crate::commands::testing::Bench;

    #[test]
    fn different_ranks_are_different() {
        for (count, len) in [(0, 1), (1, 100), (40, 100), (99, 100)] {
            let ranks: BTreeSet<usize> = different_ranks(count, len).into_iter().collect();
            assert_eq!(ranks.len(), count);
            assert!(ranks.iter().all(|&rank| rank < len));
        }
    }

    #[test]
    fn as_many_members_come_as_are_asked_for() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a", "1"),
            ("ZRANDMEMBER z", "\"a\""),
            ("ZRANDMEMBER z 5", "[\"a\"]"),
            ("ZRANDMEMBER z -2 WITHSCORES", "[\"a\", \"1\", \"a\", \"1\"]"),
            ("ZRANDMEMBER z 0", "[]"),
            ("ZRANDMEMBER absent", "(nil)"),
            ("ZRANDMEMBER absent 2", "[]"),
            ("ZRANDMEMBER z 1 x", "ERR syntax error"),
            ("ZRANDMEMBER z 4611686018427387904 WITHSCORES", "ERR value is out of range"),
        ]);
        bench.speak_resp3();
        bench.expect(&[("ZRANDMEMBER z 1 WITHSCORES", "[[\"a\", 1]]")]);
    }
}
