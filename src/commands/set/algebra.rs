//! Commands that reply with what several sets have together, and how that is found.

use super::value::{look_up, reply_with, reply_with_all, sets_of};
use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Flags, Group, KeyFlags, KeySpec,
};
use crate::resp::ReplyBuffer;
use crate::types::{Collection, Item, Set};

pub(super) const SINTER: Command = Command {
    name: "sinter",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N*M) at worst, N members in the smallest of M sets",
    summary: "Lists the members that several sets have in common.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key").multiple()],
    run: sinter,
    ..Command::DEFAULT
};

fn sinter(context: &mut Context<'_>) -> Result<(), CommandError> {
    let keys = look_up(context, 1..context.args.len())?;
    let sets = sets_of(&context.keys, &keys);
    reply_with_found(context.reply, |visit| {
        intersect(&sets, |member| {
            visit(member);
            true
        });
    });
    Ok(())
}

pub(super) const SUNION: Command = Command {
    name: "sunion",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) in the members of all sets",
    summary: "Lists the members that at least one of several sets has.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key").multiple()],
    run: sunion,
    ..Command::DEFAULT
};

fn sunion(context: &mut Context<'_>) -> Result<(), CommandError> {
    let keys = look_up(context, 1..context.args.len())?;
    let sets = distinct(&sets_of(&context.keys, &keys));
    match sets.as_slice() {
        [] => context.reply.set(0),
        [set] => reply_with_all(context.reply, set),
        [..] if sets.len() <= PROBED_SETS_MAX => {
            reply_with_found(context.reply, |visit| unite(&sets, visit));
        }
        [..] => {
            let union = collected(&sets);
            context.keys.unlock();
            reply_with_all(context.reply, &union);
        }
    }
    Ok(())
}

pub(super) const SDIFF: Command = Command {
    name: "sdiff",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N*M) at worst, N members in the first of M sets",
    summary: "Lists the members of the first set that no other one has.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key").multiple()],
    run: sdiff,
    ..Command::DEFAULT
};

fn sdiff(context: &mut Context<'_>) -> Result<(), CommandError> {
    let keys = look_up(context, 1..context.args.len())?;
    let sets = sets_of(&context.keys, &keys);
    reply_with_found(context.reply, |visit| {
        subtract(&sets, |member| {
            visit(member);
            true
        });
    });
    Ok(())
}

/// Replies with a set of all members that `find` passes on.
fn reply_with_found(reply: &mut ReplyBuffer, find: impl FnOnce(&mut dyn FnMut(Item<'_>))) {
    let (mark, mut count) = (reply.deferred(), 0);
    find(&mut |member| {
        reply_with(reply, member);
        count += 1;
    });
    reply.finish_set(mark, count);
}

/// Up to so many sets, the members of one are sought in the others; the union of more is collected.
pub(super) const PROBED_SETS_MAX: usize = 4;

/// Returns the sets that are there, each once, the largest first.
pub(super) fn distinct<'s>(sets: &[Option<&'s Set>]) -> Vec<&'s Set> {
    let mut distinct: Vec<&Set> = Vec::with_capacity(sets.len());
    for set in sets.iter().copied().flatten() {
        if !distinct.iter().any(|&other| std::ptr::eq(other, set)) {
            distinct.push(set);
        }
    }
    distinct.sort_by_key(|set| std::cmp::Reverse(set.len()));
    distinct
}

/// Visits the members that all sets have, as long as `visit` wants more.
pub(super) fn intersect<'s>(sets: &[Option<&'s Set>], mut visit: impl FnMut(Item<'s>) -> bool) {
    if sets.iter().any(Option::is_none) {
        return;
    }
    let mut sets = distinct(sets);
    let Some(smallest) = sets.pop() else { return };
    // The smaller a set, the sooner it lacks a member.
    sets.reverse();
    for member in smallest.iter() {
        if sets.iter().all(|set| set.contains_item(member)) && !visit(member) {
            return;
        }
    }
}

/// Visits the members of the first set that no other one has, as long as `visit` wants more.
pub(super) fn subtract<'s>(sets: &[Option<&'s Set>], mut visit: impl FnMut(Item<'s>) -> bool) {
    let Some((Some(first), others)) = sets.split_first() else { return };
    let others = distinct(others);
    if others.iter().any(|&other| std::ptr::eq(other, *first)) {
        return;
    }
    for member in first.iter() {
        if !others.iter().any(|set| set.contains_item(member)) && !visit(member) {
            return;
        }
    }
}

/// Visits the members of all sets, each once. Cost: those of later sets are sought in all earlier ones.
fn unite(sets: &[&Set], visit: &mut dyn FnMut(Item<'_>)) {
    for (index, set) in sets.iter().enumerate() {
        let (earlier, _) = sets.split_at(index);
        set.for_each(|member| {
            if !earlier.iter().any(|set| set.contains_item(member)) {
                visit(member);
            }
        });
    }
}

/// Counts the members of all sets, each once, up to a limit.
pub(super) fn count_united(sets: &[&Set], limit: usize) -> usize {
    if sets.len() > PROBED_SETS_MAX {
        return collected(sets).len().min(limit);
    }
    let mut count = sets.first().map_or(0, |set| set.len());
    for (index, set) in sets.iter().enumerate().skip(1) {
        let (earlier, _) = sets.split_at(index);
        for member in set.iter() {
            if count >= limit {
                return limit;
            }
            count += usize::from(!earlier.iter().any(|set| set.contains_item(member)));
        }
    }
    count.min(limit)
}

/// Returns a set of the members of all sets, the largest of which comes first.
fn collected(sets: &[&Set]) -> Set {
    // A table does not look at the limits of small sets.
    let limits = crate::types::SetLimits {
        integers_max: 0,
        packed: crate::types::PackedLimits { entries_max: 0, value_bytes_max: 0 },
    };
    let (first, rest) = sets.split_at(sets.len().min(1));
    let base = first.first().and_then(|largest| largest.union_base(&limits));
    let rest = if base.is_some() { rest } else { sets };
    let mut union = base.unwrap_or_else(Set::of_table);
    for set in rest {
        set.for_each(|member| {
            union.add_item(member, &limits);
        });
    }
    union
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::commands::testing::Bench;

    fn sorted(reply: &str) -> String {
        let list = reply.trim_matches(['[', ']']).split(", ").filter(|member| !member.is_empty());
        let members: Vec<&str> = list.collect();
        let distinct: BTreeSet<&str> = members.iter().copied().collect();
        assert_eq!(distinct.len(), members.len(), "{reply}");
        distinct.into_iter().collect::<Vec<_>>().join(" ").replace('"', "")
    }

    fn bench() -> Bench {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SADD a 1 2 3 x", "4"),
            ("SADD b 2 3 4", "3"),
            ("SADD c 3 y", "2"),
            ("SADD d 5", "1"),
            ("SADD e 6", "1"),
            ("SET string v", "OK"),
        ]);
        bench
    }

    #[test]
    fn sets_are_combined() {
        let mut bench = bench();
        for (line, expected) in [
            ("SINTER a b", "2 3"),
            ("SINTER a b c", "3"),
            ("SINTER a a", "1 2 3 x"),
            ("SINTER a none b", ""),
            ("SUNION a b c", "1 2 3 4 x y"),
            ("SUNION a b c d e", "1 2 3 4 5 6 x y"),
            ("SUNION b none b", "2 3 4"),
            ("SUNION none", ""),
            ("SDIFF a b", "1 x"),
            ("SDIFF a b c", "1 x"),
            ("SDIFF b a none", "4"),
            ("SDIFF none a", ""),
            ("SDIFF a b a", ""),
            ("SDIFF a", "1 2 3 x"),
        ] {
            assert_eq!(sorted(&bench.say(line)), expected, "{line}");
        }
        bench.speak_resp3();
        assert_eq!(bench.run(&[b"SINTER", b"c", b"b"]), b"~1\r\n$1\r\n3\r\n");
    }

    #[test]
    fn another_type_anywhere_is_refused() {
        let mut bench = bench();
        for line in ["SINTER none string", "SUNION a string", "SDIFF none string", "SDIFF string a"]
        {
            assert!(bench.say(line).starts_with("WRONGTYPE "), "{line}");
        }
    }

    #[test]
    fn large_sets_are_combined_like_small_ones() {
        let mut bench = Bench::new();
        for (key, step) in [("two", 2), ("three", 3), ("five", 5)] {
            for number in (0..3_000).step_by(step) {
                bench.say(&format!("SADD {key} {number}"));
            }
        }
        for (line, expected) in [
            ("SINTER two three five", 100),
            ("SUNION two three five", 2_200),
            ("SDIFF two three five", 800),
        ] {
            assert_eq!(sorted(&bench.say(line)).split(' ').count(), expected, "{line}");
        }
        bench.expect(&[
            ("SINTERCARD 3 two three five", "100"),
            ("SUNIONCARD 3 two three five", "2200"),
            ("SDIFFCARD 3 two three five", "800"),
            ("SINTERSTORE i two three five", "100"),
            ("SUNIONSTORE u two three five", "2200"),
            ("SDIFFSTORE d two three five", "800"),
            ("OBJECT ENCODING i", "\"intset\""),
            ("OBJECT ENCODING u", "\"hashtable\""),
            ("SCARD u", "2200"),
        ]);
    }
}
