//! Commands that add members or change scores: ZADD, ZINCRBY.

use smallvec::SmallVec;

use super::value::double;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::Key;
use crate::types::{PackedLimits, SortedSet};

const NOT_A_NUMBER: CommandError =
    CommandError::refused("ERR resulting score is not a number (NaN)");

/// What ZADD may do with a member.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::commands) struct Conditions {
    /// NX: add, never change.
    pub(in crate::commands) only_new: bool,
    /// XX: change, never add.
    pub(in crate::commands) only_old: bool,
    /// GT: change to a higher score only.
    only_up: bool,
    /// LT: change to a lower score only.
    only_down: bool,
    /// INCR: the score is added to the old one.
    adds: bool,
    /// CH: the reply counts changes too.
    pub(in crate::commands) counts_changes: bool,
}

/// What became of the members.
#[derive(Debug, Default)]
pub(in crate::commands) struct Tally {
    added: u64,
    changed: u64,
    /// The score of the last member, unless the conditions forbade it.
    score: Option<f64>,
}

impl Conditions {
    /// Reads the options and returns the position behind them.
    #[inline]
    fn parse(args: Args<'_>) -> (Self, usize) {
        let mut conditions = Self::default();
        let mut index = 2;
        while let Some(argument) = args.get(index)
            && let Some(option) = conditions.option(argument)
        {
            *option = true;
            index += 1;
        }
        (conditions, index)
    }

    fn option(&mut self, argument: &[u8]) -> Option<&mut bool> {
        // Nearly always a number comes first.
        if !argument.first()?.is_ascii_alphabetic() {
            return None;
        }
        match argument.to_ascii_uppercase().as_slice() {
            b"NX" => Some(&mut self.only_new),
            b"XX" => Some(&mut self.only_old),
            b"GT" => Some(&mut self.only_up),
            b"LT" => Some(&mut self.only_down),
            b"CH" => Some(&mut self.counts_changes),
            b"INCR" => Some(&mut self.adds),
            _ => None,
        }
    }

    fn check(self, pair_count: usize) -> Result<(), CommandError> {
        if self.only_new && self.only_old {
            return Err(CommandError::refused(
                "ERR XX and NX options at the same time are not compatible",
            ));
        }
        let is_directed = self.only_up || self.only_down;
        if self.only_new && is_directed || self.only_up && self.only_down {
            return Err(CommandError::refused(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        if self.adds && pair_count > 1 {
            return Err(CommandError::refused(
                "ERR INCR option supports a single increment-element pair",
            ));
        }
        Ok(())
    }

    /// Adds one member or changes its score, if allowed.
    #[inline]
    fn apply(
        self,
        set: &mut SortedSet,
        (score, member): (f64, &[u8]),
        limits: PackedLimits,
        tally: &mut Tally,
    ) -> Result<(), CommandError> {
        let mut result = None;
        let old = set.upsert(member, limits, |old| {
            let new = match old {
                None => (!self.only_old).then_some(score),
                Some(_) if self.only_new => None,
                Some(old) => {
                    let new = if self.adds { old + score } else { score };
                    let is_forbidden = self.only_up && new <= old || self.only_down && new >= old;
                    (!is_forbidden).then_some(new)
                }
            };
            result = new;
            new.filter(|score| !score.is_nan())
        });
        if result.is_some_and(f64::is_nan) {
            return Err(NOT_A_NUMBER);
        }
        tally.added += u64::from(result.is_some() && old.is_none());
        tally.changed += u64::from(result.is_some() && old.is_some() && result != old);
        tally.score = result;
        Ok(())
    }
}

impl Tally {
    /// Replies as ZADD does.
    pub(in crate::commands) fn reply(&self, context: &mut Context<'_>, conditions: Conditions) {
        let changed = if conditions.counts_changes { self.changed } else { 0 };
        match self.score {
            Some(score) if conditions.adds => context.reply.double(score),
            None if conditions.adds => context.reply.null(),
            _ => context.reply.integer((self.added + changed).cast_signed()),
        }
    }

    /// Returns the number of members that are new or have another score.
    pub(in crate::commands) fn change_count(&self) -> u64 {
        self.added + self.changed
    }
}

/// Adds members to the sorted set of a key, creating it if need be, and counts the changes.
///
/// # Errors
/// [`CommandError::WrongType`]; a sum that is not a number.
#[inline]
pub(in crate::commands) fn add_members(
    context: &mut Context<'_>,
    key: &Key<'_>,
    conditions: Conditions,
    pairs: &[(f64, &[u8])],
) -> Result<Tally, CommandError> {
    let limits = context.tuning.sorted_set_packed;
    let mut tally = Tally::default();
    let longest = pairs.iter().map(|(_, member)| member.len()).max().unwrap_or(0);
    if let Some(mut entry) = context.keys.get_mut(key) {
        let mut set = entry.collection_mut::<SortedSet>().ok_or(CommandError::WrongType)?;
        set.make_ready(pairs.len(), longest, limits);
        for &pair in pairs {
            conditions.apply(&mut set, pair, limits, &mut tally)?;
        }
    } else if !conditions.only_old {
        let mut set = SortedSet::for_members(pairs.len(), longest, limits);
        for &pair in pairs {
            conditions.apply(&mut set, pair, limits, &mut tally)?;
        }
        context.keys.create(key, set);
    }
    context.effects.changed(tally.change_count());
    if tally.change_count() > 0 {
        context.notify(if conditions.adds { Event::ZINCR } else { Event::ZADD }, key);
    }
    Ok(tally)
}

pub(super) const ZADD: Command = Command {
    name: "zadd",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::SORTEDSET,
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) for each of the members, with N members in the sorted set",
    summary: "Adds members with scores or changes their scores, creating the sorted set if need be.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")])
            .optional()
            .since("3.0.2"),
        Argument::one_of("comparison", &[Argument::word("gt", "GT"), Argument::word("lt", "LT")])
            .optional()
            .since("6.2.0"),
        Argument::word("change", "CH").optional().since("3.0.2"),
        Argument::word("increment", "INCR").optional().since("3.0.2"),
        Argument::block(
            "data",
            &[
                Argument::new("score", ArgumentKind::Double),
                Argument::new("member", ArgumentKind::String),
            ],
        )
        .multiple(),
    ],
    short_args_max: usize::MAX,
    member_at: 3,
    run: zadd,
    ..Command::DEFAULT
};

fn zadd(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let (conditions, first) = Conditions::parse(args);
    let count = args.len() - first;
    if count == 0 || !count.is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    conditions.check(count / 2)?;
    let mut pairs = SmallVec::<[_; 4]>::with_capacity(count / 2);
    for index in (first..args.len()).step_by(2) {
        pairs.push((double(args.at(index))?, args.at(index + 1)));
    }
    let key = context.key(1);
    let tally = add_members(context, &key, conditions, &pairs)?;
    tally.reply(context, conditions);
    Ok(())
}

pub(super) const ZINCRBY: Command = Command {
    name: "zincrby",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::SORTEDSET,
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N members in the sorted set",
    summary: "Adds a number to a member's score; an absent member counts as 0.",
    arguments: &[
        Argument::key("key"),
        Argument::new("increment", ArgumentKind::Integer),
        Argument::new("member", ArgumentKind::String),
    ],
    short_args_max: usize::MAX,
    member_at: 3,
    run: zincrby,
    ..Command::DEFAULT
};

fn zincrby(context: &mut Context<'_>) -> Result<(), CommandError> {
    let conditions = Conditions { adds: true, ..Conditions::default() };
    let pair = (double(context.args.at(2))?, context.args.at(3));
    let key = context.key(1);
    let tally = add_members(context, &key, conditions, &[pair])?;
    tally.reply(context, conditions);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn members_are_added_and_changed_under_conditions() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a 2 b", "2"),
            ("ZADD z 5 a 3 c", "1"),
            ("ZADD z CH 6 a 4 d", "2"),
            ("ZADD z NX 9 a 9 e", "1"),
            ("ZADD z XX 9 a 9 f", "0"),
            ("ZADD z GT CH 8 a 10 b", "1"),
            ("ZADD z LT CH 8 a 10 b", "1"),
            ("ZADD z INCR 2 a", "\"10\""),
            ("ZADD z XX INCR 2 nobody", "(nil)"),
            ("ZADD z GT INCR -2 a", "(nil)"),
            ("ZINCRBY z 0.5 nobody", "\"0.5\""),
            ("ZRANGE z 0 -1 WITHSCORES", "[\"nobody\", \"0.5\", \"c\", \"3\", \"d\", \"4\", \"e\", \"9\", \"a\", \"10\", \"b\", \"10\"]"),
            ("ZADD absent XX 1 a", "0"),
            ("EXISTS absent", "0"),
        ]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let mut bench = Bench::new();
        let directed = "ERR GT, LT, and/or NX options at the same time are not compatible";
        let not_a_number = "ERR resulting score is not a number (NaN)";
        bench.expect(&[
            ("ZADD z 1 a 2", "ERR syntax error"),
            ("ZADD z NX XX 1 a", "ERR XX and NX options at the same time are not compatible"),
            ("ZADD z NX GT 1 a", directed),
            ("ZADD z GT LT 1 a", directed),
            ("ZADD z INCR 1 a 2 b", "ERR INCR option supports a single increment-element pair"),
            ("ZADD z 1 a x b", "ERR value is not a valid float"),
            ("ZADD z nan a", "ERR value is not a valid float"),
            ("ZCARD z", "0"),
            ("ZADD z inf a", "1"),
            ("ZINCRBY z -inf a", not_a_number),
            ("ZADD z INCR -inf a", not_a_number),
            ("ZSCORE z a", "\"inf\""),
            ("SET s x", "OK"),
            ("ZADD s x a", "ERR value is not a valid float"),
            ("ZADD s 1 a", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }

    #[test]
    fn only_changes_are_effects() {
        let mut bench = Bench::new();
        bench.expect_effects("ZADD z 1 a", &["0: ZADD z 1 a"]);
        bench.expect_effects("ZADD z 1 a", &[]);
        bench.expect_effects("ZADD z XX 2 b", &[]);
        bench.expect_effects("ZINCRBY z 0 a", &[]);
        bench.expect_effects("ZINCRBY z 1 a", &["0: ZINCRBY z 1 a"]);
    }

    #[test]
    fn many_or_long_members_are_no_longer_packed() {
        let mut bench = Bench::new();
        for number in 0..128 {
            bench.say(&format!("ZADD z {number} {number}"));
        }
        bench.expect(&[
            ("OBJECT ENCODING z", "\"listpack\""),
            ("ZADD z 128 128", "1"),
            ("OBJECT ENCODING z", "\"skiplist\""),
        ]);
        let long = "x".repeat(65);
        bench.say(&format!("ZADD long 1 {long}"));
        // So many that they might become too many, though they do not.
        let same = "1 a ".repeat(129);
        bench.say("ZADD same 1 a");
        bench.say(&format!("ZADD same {}", same.trim_end()));
        bench.expect(&[("ZCARD same", "1"), ("OBJECT ENCODING same", "\"skiplist\"")]);
        bench.expect(&[("OBJECT ENCODING long", "\"skiplist\"")]);
    }
}
