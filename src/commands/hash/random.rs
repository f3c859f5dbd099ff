//! HRANDFIELD.

use std::collections::HashSet;

use super::read::live_count;
use super::value::{BASE, READS, hash_at, reply_with, reply_with_found};
use crate::base::text;
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Flags};
use crate::keyspace::Lookup;
use crate::resp::{Protocol, ReplyBuffer};
use crate::types::{Collection, Hash, HashField, Item};

/// From how large a share on picks are drawn by shuffling all fields instead of trying them: one in so
/// many.
const DENSE_SHARE: usize = 3;
/// Most fields one reply may repeat; the originals would rather run out of memory.
const PICKS_MAX: u64 = 1 << 32;

pub(super) const HRANDFIELD: Command = Command {
    name: "hrandfield",
    arity: -2,
    flags: Flags::READONLY,
    keys: READS,
    since: "6.2.0",
    complexity: "O(N) in the fields returned",
    summary: "Picks fields of a hash at random.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::block(
            "options",
            &[
                Argument::new("count", ArgumentKind::Integer),
                Argument::word("withvalues", "WITHVALUES").optional(),
            ],
        )
        .optional(),
    ],
    run: hrandfield,
    ..BASE
};

fn hrandfield(context: &mut Context<'_>) -> Result<(), CommandError> {
    let picks = Picks::parse(context)?;
    let (key, now_ms) = (context.key(1), context.now_ms);
    let hash = hash_at(&mut context.keys, &key, Lookup::READ)?;
    let reply = &mut *context.reply;
    let has_due = hash.is_some_and(|hash| hash.due_ms().is_some_and(|due_ms| due_ms <= now_ms));
    let pool = hash.map(|hash| Pool::of(hash, now_ms, has_due));
    match (picks, pool) {
        (None, pool) => {
            let field = pool.and_then(|pool| pool.random(&mut fastrand::Rng::new()));
            reply_with_found(reply, field.map(|field| field.field));
        }
        (Some(_), None) => reply.array(0),
        (Some(picks), Some(pool)) => picks.reply_from(&pool, reply),
    }
    if has_due {
        context.keys.note_due_hash(&key);
    }
    Ok(())
}

/// The fields that may be picked.
enum Pool<'h> {
    /// All of a table: each is one step away.
    Table(&'h Hash),
    List(Vec<HashField<'h>>),
}

impl<'h> Pool<'h> {
    fn of(hash: &'h Hash, now_ms: u64, has_due: bool) -> Self {
        if hash.is_table() && !has_due {
            return Self::Table(hash);
        }
        let mut list = Vec::with_capacity(live_count(hash, now_ms));
        list.extend(hash.iter().filter(|field| !field.is_due(now_ms)));
        Self::List(list)
    }

    fn len(&self) -> usize {
        match self {
            Self::Table(hash) => hash.len(),
            Self::List(list) => list.len(),
        }
    }

    /// Returns some field; `None` where there is none.
    fn random(&self, random: &mut fastrand::Rng) -> Option<HashField<'h>> {
        match self {
            Self::Table(hash) => hash.random(random),
            Self::List(list) => random.choice(list).copied(),
        }
    }

    /// Returns `count` different fields, each as likely as any other. There must be as many.
    fn sample(&self, random: &mut fastrand::Rng, count: usize) -> Vec<HashField<'h>> {
        let list = match self {
            Self::Table(hash) if count * DENSE_SHARE <= hash.len() => {
                return sample_sparsely(hash, random, count);
            }
            Self::Table(hash) => hash.iter().collect(),
            Self::List(list) => list.clone(),
        };
        shuffled(list, random, count)
    }
}

/// Draws fields until `count` different ones have come.
fn sample_sparsely<'h>(
    hash: &'h Hash,
    random: &mut fastrand::Rng,
    count: usize,
) -> Vec<HashField<'h>> {
    let mut seen = HashSet::with_capacity(count);
    let mut picked = Vec::with_capacity(count);
    while picked.len() < count {
        let Some(field) = hash.random(random) else { break };
        if seen.insert(place_of(field.field)) {
            picked.push(field);
        }
    }
    picked
}

/// Returns where a table's field lies in memory: no two lie at one place.
fn place_of(field: Item<'_>) -> Option<*const u8> {
    match field {
        Item::Text(text) => Some(text.as_ptr()),
        Item::Integer(_) => None,
    }
}

/// Returns `count` of the items; in their order where all are wanted.
fn shuffled<T>(mut items: Vec<T>, random: &mut fastrand::Rng, count: usize) -> Vec<T> {
    if count < items.len() {
        for index in 0..count {
            let other = random.usize(index..items.len());
            items.swap(index, other);
        }
        items.truncate(count);
    }
    items
}

/// How many fields are wanted.
#[derive(Clone, Copy)]
struct Picks {
    count: usize,
    /// The same field may be picked again.
    repeats: bool,
    with_values: bool,
}

impl Picks {
    fn parse(context: &Context<'_>) -> Result<Option<Self>, CommandError> {
        const NO_MAGNITUDE: CommandError = CommandError::refused(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        );
        let args = context.args;
        let Some(number) = args.get(2) else { return Ok(None) };
        let number = text::parse_i64(number).ok_or(CommandError::NotAnInteger)?;
        if number == i64::MIN {
            return Err(NO_MAGNITUDE);
        }
        let with_values = args.len() > 3;
        if with_values && (args.len() > 4 || !args.is_word(3, "WITHVALUES")) {
            return Err(CommandError::Syntax);
        }
        let is_excessive = number < 0 && number.unsigned_abs() > PICKS_MAX;
        if is_excessive || (with_values && number.unsigned_abs() > i64::MAX.unsigned_abs() / 2) {
            return Err(CommandError::OutOfRange);
        }
        let count = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(Some(Self { count, repeats: number < 0, with_values }))
    }

    fn reply_from(self, pool: &Pool<'_>, reply: &mut ReplyBuffer) {
        if pool.len() == 0 {
            return reply.array(0);
        }
        let mut random = fastrand::Rng::new();
        if self.repeats {
            self.begin(self.count, reply);
            for _ in 0..self.count {
                self.reply_with(pool.random(&mut random), reply);
            }
            return;
        }
        let count = self.count.min(pool.len());
        self.begin(count, reply);
        for field in pool.sample(&mut random, count) {
            self.reply_with(Some(field), reply);
        }
    }

    fn begin(self, count: usize, reply: &mut ReplyBuffer) {
        let is_flat = self.with_values && reply.protocol() == Protocol::Resp2;
        reply.array(if is_flat { 2 * count } else { count });
    }

    fn reply_with(self, field: Option<HashField<'_>>, reply: &mut ReplyBuffer) {
        let Some(field) = field else { return reply.null() };
        if self.with_values && reply.protocol() == Protocol::Resp3 {
            reply.array(2);
        }
        reply_with(reply, field.field);
        if self.with_values {
            reply_with(reply, field.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Pool;
    use crate::commands::testing::Bench;
    use crate::types::{FieldDeadline, Hash, Item, PackedLimits};

    #[test]
    fn picks_differ_and_all_come_up() {
        for (len, count) in [(1, 1), (10, 9), (10, 2), (1_000, 300), (1_000, 400), (600, 600)] {
            for limit in [0, 2_000] {
                let limits = PackedLimits { entries_max: limit, value_bytes_max: 64 };
                let mut hash = Hash::new();
                for number in 0..len {
                    let name = format!("f{number}");
                    hash.set(name.as_bytes(), b"v", FieldDeadline::None, limits);
                }
                let (pool, mut random) = (Pool::of(&hash, 0, false), fastrand::Rng::with_seed(7));
                let mut seen = HashSet::new();
                for _ in 0..200 {
                    let picked = pool.sample(&mut random, count);
                    let different: HashSet<Vec<u8>> =
                        picked.iter().map(|field| text_of(field.field)).collect();
                    assert_eq!((picked.len(), different.len()), (count, count));
                    seen.extend(different);
                }
                assert_eq!(seen.len(), len, "{count} of {len}");
            }
        }
    }

    fn text_of(item: Item<'_>) -> Vec<u8> {
        item.bytes(&mut Default::default()).to_vec()
    }

    #[test]
    fn replies_have_the_shape_of_the_protocol() {
        for settings in ["", "hash-max-listpack-entries 0"] {
            let mut bench = Bench::with_settings(settings);
            bench.expect(&[
                ("HRANDFIELD nokey", "(nil)"),
                ("HRANDFIELD nokey 3", "[]"),
                ("HSET h a 1", "1"),
                ("HRANDFIELD h", "\"a\""),
                ("HRANDFIELD h 5 WITHVALUES", "[\"a\", \"1\"]"),
                ("HRANDFIELD h -2 WITHVALUES", "[\"a\", \"1\", \"a\", \"1\"]"),
                ("HRANDFIELD h 0", "[]"),
                ("HRANDFIELD h x", "ERR value is not an integer or out of range"),
                ("HRANDFIELD h 1 WITH", "ERR syntax error"),
                ("HRANDFIELD h 1 WITHVALUES x", "ERR syntax error"),
                ("HRANDFIELD h -9223372036854770000 WITHVALUES", "ERR value is out of range"),
            ]);
            bench.speak_resp3();
            bench.expect(&[("HRANDFIELD h -2 WITHVALUES", "[[\"a\", \"1\"], [\"a\", \"1\"]]")]);
        }
    }

    #[test]
    fn what_is_due_is_not_picked_but_removed() {
        for settings in ["", "hash-max-listpack-entries 0"] {
            let mut bench = Bench::with_settings(settings);
            bench.say("HSET h a 1 b 2 c 3");
            bench.say("HPEXPIRE h 5 FIELDS 2 a b");
            bench.advance(5);
            bench.expect(&[("HLEN h", "3"), ("HRANDFIELD h 5", "[\"c\"]"), ("HLEN h", "1")]);
            bench.say("HPEXPIRE h 5 FIELDS 1 c");
            bench.advance(5);
            bench.expect_effects("HRANDFIELD h", &["0: HDEL h c"]);
            bench.expect(&[("EXISTS h", "0")]);
        }
    }
}
