//! Commands that store what several sets have together.

use super::algebra::{distinct, intersect, subtract};
use super::value::{look_up, sets_of};
use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Event, Flags, Group, KeyFlags, KeySpec,
};
use crate::types::{Collection, Encoding, Packed, Set, SetLimits};

/// The destination, then the sources.
const KEYS: &[KeySpec] = &[
    KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE)),
    KeySpec::range(2, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
];
const ARGUMENTS: &[Argument] =
    &[Argument::key("destination"), Argument::key("key").of_spec(1).multiple()];

pub(super) const SINTERSTORE: Command = Command {
    name: "sinterstore",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: KEYS,
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N*M) at worst, N members in the smallest of M sets",
    summary: "Stores the members that several sets have in common.",
    arguments: ARGUMENTS,
    run: sinterstore,
    ..Command::DEFAULT
};

fn sinterstore(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (keys, limits) = (look_up(context, 2..context.args.len())?, &context.tuning.set);
    let sets = sets_of(&context.keys, &keys);
    let smallest = sets.iter().copied().flatten().min_by_key(|set| set.len());
    let mut result = match smallest.map(Set::encoding) {
        Some(Encoding::Intset) => Set::of_integers(),
        _ => Set::of_packed(Packed::new()),
    };
    intersect(&sets, |member| {
        result.add_item(member, limits);
        true
    });
    result.settle(limits);
    store(context, result, Event::SINTERSTORE);
    Ok(())
}

pub(super) const SUNIONSTORE: Command = Command {
    name: "sunionstore",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: KEYS,
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) in the members of all sets",
    summary: "Stores the members that at least one of several sets has.",
    arguments: ARGUMENTS,
    run: sunionstore,
    ..Command::DEFAULT
};

fn sunionstore(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (keys, limits) = (look_up(context, 2..context.args.len())?, &context.tuning.set);
    let result = united(&sets_of(&context.keys, &keys), limits);
    store(context, result, Event::SUNIONSTORE);
    Ok(())
}

fn united(sets: &[Option<&Set>], limits: &SetLimits) -> Set {
    let mut rest: Vec<&Set> = sets.iter().copied().flatten().collect();
    let mut result = Set::of_integers();
    let by_size = distinct(sets);
    if let Some(base) = by_size.first().and_then(|largest| largest.union_base(limits)) {
        (result, rest) = (base, by_size[1..].to_vec());
    }
    for set in rest {
        set.for_each(|member| {
            result.add_item(member, limits);
        });
    }
    result
}

pub(super) const SDIFFSTORE: Command = Command {
    name: "sdiffstore",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: KEYS,
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N*M) at worst, N members in the first of M sets",
    summary: "Stores the members of the first set that no other one has.",
    arguments: ARGUMENTS,
    run: sdiffstore,
    ..Command::DEFAULT
};

fn sdiffstore(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (keys, limits) = (look_up(context, 2..context.args.len())?, &context.tuning.set);
    let mut result = Set::of_integers();
    subtract(&sets_of(&context.keys, &keys), |member| {
        result.add_item(member, limits);
        true
    });
    store(context, result, Event::SDIFFSTORE);
    Ok(())
}

/// Puts a set in the destination's place, whatever that is, and replies with its size. Without
/// members the destination goes.
fn store(context: &mut Context<'_>, set: Set, event: Event) {
    let (key, count) = (context.key(1), set.len());
    if count > 0 {
        context.keys.replace(&key, set);
        context.notify(event, &key);
        context.effects.changed(1);
    } else if context.keys.discard(&key) {
        context.notify(Event::DEL, &key);
        context.effects.changed(1);
    }
    context.reply.count(count);
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn results_replace_the_destination() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SADD a 1 2 3 x", "4"),
            ("SADD b 2 3 4", "3"),
            ("SET out v PX 1000", "OK"),
            ("SINTERSTORE out a b", "2"),
            ("PTTL out", "-1"),
            ("SMEMBERS out", "[\"2\", \"3\"]"),
            ("SDIFFSTORE b b a", "1"),
            ("SMEMBERS b", "[\"4\"]"),
            ("SUNIONSTORE out none none", "0"),
            ("EXISTS out", "0"),
            ("SET string v", "OK"),
        ]);
        assert!(bench.say("SUNIONSTORE out a string").starts_with("WRONGTYPE "));
        bench.expect_effects("SUNIONSTORE out a b", &["0: SUNIONSTORE out a b"]);
        bench.expect_effects("SINTERSTORE out a none", &["0: SINTERSTORE out a none"]);
        bench.expect_effects("SINTERSTORE out a none", &[]);
    }

    #[test]
    fn results_are_encoded_as_in_the_originals() {
        let settings = "set-max-intset-entries 3\nset-max-listpack-entries 4";
        let mut bench = Bench::with_settings(settings);
        bench.expect(&[
            ("SADD i 1 2 3", "3"),
            ("SADD p 1 2 a", "3"),
            ("SADD t 1 2 3 4 5", "5"),
            ("SADD u 1 2 3 4 5 6", "6"),
            ("SINTERSTORE out i p", "2"),
            ("OBJECT ENCODING out", "\"intset\""),
            ("SINTERSTORE out p t", "2"),
            ("OBJECT ENCODING out", "\"intset\""),
            ("SINTERSTORE out p p", "3"),
            ("OBJECT ENCODING out", "\"listpack\""),
            ("SINTERSTORE out t u", "5"),
            ("OBJECT ENCODING out", "\"hashtable\""),
            ("SREM t 5", "1"),
            ("SINTERSTORE out t u", "4"),
            ("OBJECT ENCODING out", "\"listpack\""),
            ("SDIFFSTORE out u i", "3"),
            ("OBJECT ENCODING out", "\"intset\""),
            ("SUNIONSTORE out i p", "4"),
            ("OBJECT ENCODING out", "\"listpack\""),
            ("SUNIONSTORE out i t", "4"),
            ("OBJECT ENCODING out", "\"hashtable\""),
        ]);
    }
}
