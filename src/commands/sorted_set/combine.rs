//! Unions, intersections and differences of sorted sets and sets.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;

use super::source::Source;
use super::value::{parse_double, put_array_header, put_pair_header, store};
use crate::base::text;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::{Key, Keys};
use crate::types::{IntegerText, Item, SortedSet};

/// What is made of the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

impl Operation {
    /// Returns the event of storing its result.
    fn event(self) -> Event {
        match self {
            Self::Union => Event::ZUNIONSTORE,
            Self::Intersection => Event::ZINTERSTORE,
            Self::Difference => Event::ZDIFFSTORE,
        }
    }
}

/// How the scores of a member in several inputs become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
    /// The sum of the weights of the inputs that hold the member.
    Count,
}

impl Aggregate {
    fn parse(word: &[u8]) -> Option<Self> {
        match word.to_ascii_uppercase().as_slice() {
            b"SUM" => Some(Self::Sum),
            b"MIN" => Some(Self::Min),
            b"MAX" => Some(Self::Max),
            b"COUNT" => Some(Self::Count),
            _ => None,
        }
    }

    /// Returns what one input contributes.
    fn weighted(self, score: f64, weight: f64) -> f64 {
        let product = if self == Self::Count { weight } else { score * weight };
        // Infinity times zero.
        if product.is_nan() { 0.0 } else { product }
    }

    fn join(self, left: f64, right: f64) -> f64 {
        let joined = match self {
            Self::Sum | Self::Count => left + right,
            Self::Min => left.min(right),
            Self::Max => left.max(right),
        };
        // Infinity minus infinity.
        if joined.is_nan() { 0.0 } else { joined }
    }
}

/// A command of the family with its arguments.
struct Request<'k> {
    operation: Operation,
    keys: Vec<Key<'k>>,
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

/// Members with scores, in no order.
type Members<'a> = Vec<(f64, Item<'a>)>;

/// Returns the number of keys that stands at a position.
fn key_count(context: &Context<'_>, index: usize) -> Result<usize, CommandError> {
    let count = context.integer(index)?;
    let Some(count) = usize::try_from(count).ok().filter(|&count| count > 0) else {
        let name = context.command_name();
        return Err(CommandError::refused_with(format!(
            "ERR at least 1 input key is needed for '{name}' command"
        )));
    };
    if count > context.args.len() - index - 1 {
        return Err(CommandError::Syntax);
    }
    Ok(count)
}

impl<'k> Request<'k> {
    /// Reads the arguments from the number of keys on, which stands at `index`.
    fn parse(
        context: &mut Context<'k>,
        index: usize,
        operation: Operation,
    ) -> Result<Self, CommandError> {
        let count = key_count(context, index)?;
        let keys = Source::look_up(context, index + 1, count)?;
        let mut request = Self {
            operation,
            keys,
            weights: vec![1.0; count],
            aggregate: Aggregate::Sum,
            with_scores: false,
        };
        let is_stored = index > 1;
        let mut at = index + 1 + count;
        while at < context.args.len() {
            at += request.option(context, at, is_stored)?;
        }
        Ok(request)
    }

    /// Reads one option and returns how many arguments it takes.
    fn option(
        &mut self,
        context: &Context<'_>,
        at: usize,
        is_stored: bool,
    ) -> Result<usize, CommandError> {
        let args = context.args;
        let (left, count) = (args.len() - at, self.keys.len());
        let is_weighted = self.operation != Operation::Difference;
        if is_weighted && left > count && args.is_word(at, "WEIGHTS") {
            for (weight, argument) in self.weights.iter_mut().zip(args.from(at + 1).iter()) {
                *weight = parse_double(argument)
                    .ok_or(CommandError::refused("ERR weight value is not a float"))?;
            }
            return Ok(1 + count);
        }
        if is_weighted && left >= 2 && args.is_word(at, "AGGREGATE") {
            self.aggregate = Aggregate::parse(args.at(at + 1)).ok_or(CommandError::Syntax)?;
            return Ok(2);
        }
        if !is_stored && args.is_word(at, "WITHSCORES") {
            self.with_scores = true;
            return Ok(1);
        }
        Err(CommandError::Syntax)
    }

    /// Returns the result in the order of sorted sets.
    fn members<'a>(&self, keys: &'a Keys<'_>) -> Result<Members<'a>, CommandError> {
        let mut inputs = Vec::with_capacity(self.keys.len());
        for (key, &weight) in self.keys.iter().zip(&self.weights) {
            inputs.push((Source::of(keys, key)?, weight));
        }
        let mut members = match self.operation {
            Operation::Difference => difference(&inputs),
            Operation::Union => union(&mut inputs, self.aggregate),
            Operation::Intersection => intersection(&mut inputs, self.aggregate),
        };
        members.sort_unstable_by(|left, right| {
            let by_score = left.0.partial_cmp(&right.0).unwrap_or(Ordering::Equal);
            by_score.then_with(|| by_bytes(left.1, right.1))
        });
        Ok(members)
    }
}

/// Smaller inputs come first, as in the originals: sums of scores depend on the order.
fn sort(inputs: &mut [(Source<'_>, f64)]) {
    inputs.sort_by_key(|(source, _)| source.len());
}

fn by_bytes(left: Item<'_>, right: Item<'_>) -> Ordering {
    left.bytes(&mut IntegerText::new()).cmp(right.bytes(&mut IntegerText::new()))
}

/// Members that were met so far, found by name.
struct Met<'a> {
    members: Members<'a>,
    /// Positions in `members`.
    index: HashTable<usize>,
    hasher: foldhash::fast::RandomState,
}

impl<'a> Met<'a> {
    /// Returns nothing met, with room for `found_count` members that are found again, and others.
    fn with_room(found_count: usize, other_count: usize) -> Self {
        Self {
            members: Vec::with_capacity(found_count + other_count),
            index: HashTable::with_capacity(found_count),
            hasher: Default::default(),
        }
    }

    /// Returns the score of a member, 0 if it is new; and whether it is new. Only members that are
    /// `indexed` are found later.
    fn score_of(&mut self, member: Item<'a>, is_first: bool, indexed: bool) -> (&mut f64, bool) {
        let mut digits = IntegerText::new();
        let bytes = member.bytes(&mut digits);
        let hash_of = |bytes: &[u8]| {
            let mut state = self.hasher.build_hasher();
            state.write(bytes);
            state.finish()
        };
        let hash = hash_of(bytes);
        let members = &self.members;
        let is_it = |&at: &usize| members[at].1.equals(bytes);
        let found = if is_first { None } else { self.index.find(hash, is_it).copied() };
        let at = found.unwrap_or(members.len());
        if found.is_none() {
            if indexed {
                let again = |&at: &usize| hash_of(members[at].1.bytes(&mut IntegerText::new()));
                self.index.insert_unique(hash, at, again);
            }
            self.members.push((0.0, member));
        }
        (&mut self.members[at].0, found.is_none())
    }
}

fn union<'a>(inputs: &mut [(Source<'a>, f64)], aggregate: Aggregate) -> Members<'a> {
    sort(inputs);
    let count: usize = inputs.iter().map(|(source, _)| source.len()).sum();
    let last = inputs.len() - 1;
    // Members of the last input, the largest one, differ from each other: nobody seeks them.
    let last_count = inputs[last].0.len();
    let mut met = Met::with_room(count - last_count, last_count);
    for (index, (source, weight)) in inputs.iter().enumerate() {
        source.for_each(&mut |member, score| {
            let score = aggregate.weighted(score, *weight);
            let (joined, is_new) = met.score_of(member, index == 0, index < last);
            *joined = if is_new { score } else { aggregate.join(*joined, score) };
            true
        });
    }
    met.members
}

fn intersection<'a>(inputs: &mut [(Source<'a>, f64)], aggregate: Aggregate) -> Members<'a> {
    sort(inputs);
    let mut members = Vec::new();
    let Some(((first, weight), others)) = inputs.split_first() else { return members };
    first.for_each(&mut |member, score| {
        let mut joined = aggregate.weighted(score, *weight);
        for (source, weight) in others {
            let Some(score) = source.score(member) else { return true };
            // As in the originals, infinity times zero spoils the sum here, but not in the first input.
            let product = if aggregate == Aggregate::Count { *weight } else { score * weight };
            joined = aggregate.join(joined, product);
        }
        members.push((joined, member));
        true
    });
    members
}

fn difference<'a>(inputs: &[(Source<'a>, f64)]) -> Members<'a> {
    let mut members = Vec::new();
    let Some(((first, _), others)) = inputs.split_first() else { return members };
    first.for_each(&mut |member, score| {
        if !others.iter().any(|(source, _)| source.score(member).is_some()) {
            members.push((score, member));
        }
        true
    });
    members
}

fn reply_with(context: &mut Context<'_>, operation: Operation) -> Result<(), CommandError> {
    let request = Request::parse(context, 1, operation)?;
    let members = request.members(&context.keys)?;
    let reply = &mut *context.reply;
    put_array_header(reply, members.len(), request.with_scores);
    for (score, member) in members {
        put_pair_header(reply, request.with_scores);
        match member {
            Item::Integer(integer) => reply.bulk_integer(integer),
            Item::Text(text) => reply.bulk(text),
        }
        if request.with_scores {
            reply.double(score);
        }
    }
    Ok(())
}

fn store_result(context: &mut Context<'_>, operation: Operation) -> Result<(), CommandError> {
    let request = Request::parse(context, 2, operation)?;
    let members = request.members(&context.keys)?;
    let set = SortedSet::from_ascending(&members, context.tuning.sorted_set_packed);
    let key = context.key(1);
    store(context, &key, set, operation.event());
    Ok(())
}

const SOURCES: KeyFlags = KeyFlags::RO.and(KeyFlags::ACCESS);
const READ: &[KeySpec] = &[KeySpec::counted(1, 1, SOURCES)];
const STORE: &[KeySpec] =
    &[KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE)), KeySpec::counted(2, 1, SOURCES)];

const NUMKEYS: Argument = Argument::new("numkeys", ArgumentKind::Integer);
const WEIGHTS: Argument =
    Argument::new("weight", ArgumentKind::Integer).after("WEIGHTS").optional().multiple();
const AGGREGATE: Argument = Argument::one_of(
    "aggregate",
    &[
        Argument::word("sum", "SUM"),
        Argument::word("min", "MIN"),
        Argument::word("max", "MAX"),
        Argument::word("count", "COUNT").since("8.8.0"),
    ],
)
.after("AGGREGATE")
.optional();
const WITHSCORES: Argument = Argument::word("withscores", "WITHSCORES").optional();

pub(super) const ZUNION: Command = Command {
    name: "zunion",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N)+O(M*log(M)) with N members in all inputs and M in the result",
    summary: "Lists the members of any of several sorted sets.",
    arguments: &[NUMKEYS, Argument::key("key").multiple(), WEIGHTS, AGGREGATE, WITHSCORES],
    run: zunion,
    ..Command::DEFAULT
};

fn zunion(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with(context, Operation::Union)
}

pub(super) const ZINTER: Command = Command {
    name: "zinter",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)) with N members in the smallest of K inputs and M in the result",
    summary: "Lists the members that several sorted sets have in common.",
    arguments: &[NUMKEYS, Argument::key("key").multiple(), WEIGHTS, AGGREGATE, WITHSCORES],
    run: zinter,
    ..Command::DEFAULT
};

fn zinter(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with(context, Operation::Intersection)
}

pub(super) const ZDIFF: Command = Command {
    name: "zdiff",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)) with N members in the first of K inputs and M in the result",
    summary: "Lists the members of the first sorted set that the others do not have.",
    arguments: &[NUMKEYS, Argument::key("key").multiple(), WITHSCORES],
    run: zdiff,
    ..Command::DEFAULT
};

fn zdiff(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with(context, Operation::Difference)
}

pub(super) const ZUNIONSTORE: Command = Command {
    name: "zunionstore",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: STORE,
    acl: Categories::SORTEDSET,
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(N)+O(M*log(M)) with N members in all inputs and M in the result",
    summary: "Stores the members of any of several sorted sets under another key.",
    arguments: &[
        Argument::key("destination"),
        NUMKEYS,
        Argument::key("key").of_spec(1).multiple(),
        WEIGHTS,
        AGGREGATE,
    ],
    run: zunionstore,
    ..Command::DEFAULT
};

fn zunionstore(context: &mut Context<'_>) -> Result<(), CommandError> {
    store_result(context, Operation::Union)
}

pub(super) const ZINTERSTORE: Command = Command {
    name: "zinterstore",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: STORE,
    acl: Categories::SORTEDSET,
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)) with N members in the smallest of K inputs and M in the result",
    summary: "Stores the members that several sorted sets have in common under another key.",
    arguments: &[
        Argument::key("destination"),
        NUMKEYS,
        Argument::key("key").of_spec(1).multiple(),
        WEIGHTS,
        AGGREGATE,
    ],
    run: zinterstore,
    ..Command::DEFAULT
};

fn zinterstore(context: &mut Context<'_>) -> Result<(), CommandError> {
    store_result(context, Operation::Intersection)
}

pub(super) const ZDIFFSTORE: Command = Command {
    name: "zdiffstore",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: STORE,
    acl: Categories::SORTEDSET,
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)) with N members in the first of K inputs and M in the result",
    summary: "Stores the members of the first sorted set that the others do not have under another key.",
    arguments: &[Argument::key("destination"), NUMKEYS, Argument::key("key").of_spec(1).multiple()],
    run: zdiffstore,
    ..Command::DEFAULT
};

fn zdiffstore(context: &mut Context<'_>) -> Result<(), CommandError> {
    store_result(context, Operation::Difference)
}

pub(super) const ZINTERCARD: Command = Command {
    name: "zintercard",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
    keys: READ,
    acl: Categories::SORTEDSET,
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(N*K) with N members in the smallest of K inputs",
    summary: "Counts the members that several sorted sets have in common, up to a limit.",
    arguments: &[
        NUMKEYS,
        Argument::key("key").multiple(),
        Argument::new("limit", ArgumentKind::Integer).after("LIMIT").optional(),
    ],
    run: zintercard,
    ..Command::DEFAULT
};

fn zintercard(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = key_count(context, 1)?;
    let keys = Source::look_up(context, 2, count)?;
    let limit = parse_limit(context, 2 + count)?;
    let mut inputs = Vec::with_capacity(count);
    for key in &keys {
        inputs.push((Source::of(&context.keys, key)?, 1.0));
    }
    sort(&mut inputs);
    let mut found = 0;
    if let Some(((first, _), others)) = inputs.split_first() {
        first.for_each(&mut |member, _| {
            found += usize::from(others.iter().all(|(source, _)| source.score(member).is_some()));
            found < limit
        });
    }
    context.reply.count(found);
    Ok(())
}

/// Returns the LIMIT at a position and behind it, the largest number for none.
fn parse_limit(context: &Context<'_>, mut index: usize) -> Result<usize, CommandError> {
    let (args, mut limit) = (context.args, 0);
    while index < args.len() {
        if !args.is_word(index, "LIMIT") || index + 1 >= args.len() {
            return Err(CommandError::Syntax);
        }
        limit = text::parse_i64(args.at(index + 1))
            .and_then(|limit| usize::try_from(limit).ok())
            .ok_or(CommandError::refused("ERR LIMIT can't be negative"))?;
        index += 2;
    }
    Ok(if limit == 0 { usize::MAX } else { limit })
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn scores_are_joined_by_weights_and_aggregates() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD a 1 x 2 y 3 z", "3"),
            ("ZADD b 10 y 20 z 30 w", "3"),
            (
                "ZUNION 2 a b WITHSCORES",
                "[\"x\", \"1\", \"y\", \"12\", \"z\", \"23\", \"w\", \"30\"]",
            ),
            ("ZINTER 2 a b WEIGHTS 2 1 WITHSCORES", "[\"y\", \"14\", \"z\", \"26\"]"),
            ("ZINTER 2 a b AGGREGATE MIN WITHSCORES", "[\"y\", \"2\", \"z\", \"3\"]"),
            ("ZUNION 2 a b AGGREGATE MAX", "[\"x\", \"y\", \"z\", \"w\"]"),
            (
                "ZUNION 2 a b AGGREGATE COUNT WITHSCORES",
                "[\"w\", \"1\", \"x\", \"1\", \"y\", \"2\", \"z\", \"2\"]",
            ),
            ("ZINTER 2 a b AGGREGATE COUNT WEIGHTS 2 3 WITHSCORES", "[\"y\", \"5\", \"z\", \"5\"]"),
            ("ZDIFF 2 a b WITHSCORES", "[\"x\", \"1\"]"),
            ("ZINTERCARD 2 a b", "2"),
            ("ZINTERCARD 2 a b LIMIT 1", "1"),
            ("ZINTER 2 a absent", "[]"),
            ("ZADD inf inf x -inf y", "2"),
            ("ZADD fni -inf x inf y", "2"),
            ("ZUNION 2 inf fni WITHSCORES", "[\"x\", \"0\", \"y\", \"0\"]"),
            ("SADD set x 7", "2"),
            ("ZINTER 2 a set WITHSCORES", "[\"x\", \"2\"]"),
            ("ZUNION 1 set WITHSCORES", "[\"7\", \"1\", \"x\", \"1\"]"),
            ("ZDIFF 2 a set", "[\"y\", \"z\"]"),
            ("ZADD four inf x 1 y 1 z 1 w", "4"),
            (
                "ZINTER 2 a four WEIGHTS 1 0 WITHSCORES",
                "[\"x\", \"0\", \"y\", \"2\", \"z\", \"3\"]",
            ),
            ("ZUNION 1 inf WEIGHTS 0 WITHSCORES", "[\"x\", \"0\", \"y\", \"0\"]"),
        ]);
    }

    #[test]
    fn results_are_stored_or_remove_what_was_there() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD a 1 x 2 y", "2"),
            ("ZUNIONSTORE d 2 a absent", "2"),
            ("ZRANGE d 0 -1", "[\"x\", \"y\"]"),
            ("ZDIFFSTORE a 1 a", "2"),
        ]);
        bench.expect_effects("ZINTERSTORE d 2 a absent", &["0: ZINTERSTORE d 2 a absent"]);
        bench.expect(&[("EXISTS d", "0")]);
        bench.expect_effects("ZINTERSTORE d 2 a absent", &[]);
    }

    #[test]
    fn arguments_are_checked_in_the_order_of_the_originals() {
        let mut bench = Bench::new();
        let syntax = "ERR syntax error";
        let negative = "ERR LIMIT can't be negative";
        let wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
        bench.expect(&[
            ("ZUNION 0 a", "ERR at least 1 input key is needed for 'zunion' command"),
            ("ZUNION x a", "ERR value is not an integer or out of range"),
            ("ZUNION 2 a", syntax),
            ("ZUNION 1 a WEIGHTS", syntax),
            ("ZUNION 1 a WEIGHTS x", "ERR weight value is not a float"),
            ("ZUNION 1 a AGGREGATE FOO", syntax),
            ("ZUNIONSTORE d 1 a WITHSCORES", syntax),
            ("ZDIFF 1 a WEIGHTS 1", syntax),
            ("ZINTERCARD 1 a LIMIT -1", negative),
            ("ZINTERCARD 1 a LIMIT x", negative),
            ("ZINTERCARD 1 a LIMIT", syntax),
            ("SET s x", "OK"),
            ("ZUNION 2 a s FOO", wrong_type),
            ("ZUNIONSTORE s 1 absent", "0"),
            ("EXISTS s", "0"),
        ]);
    }
}
