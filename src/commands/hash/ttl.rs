//! Asking for the deadlines of fields.

use super::expire::{FieldList, GETS_FIELDS};
use super::value::{BASE, FIELDS, READS, hash_at};
use crate::engine::{Argument, Command, CommandError, Context, Flags};
use crate::keyspace::Lookup;

const NO_FIELD: i64 = -2;
const NO_DEADLINE: i64 = -1;

const TTL: Command = Command {
    arity: -5,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: READS,
    since: "7.4.0",
    complexity: "O(N) in the fields named",
    arguments: &[Argument::key("key"), FIELDS],
    ..BASE
};

pub(super) const HTTL: Command = Command {
    name: "httl",
    summary: "Tells how long fields of a hash have to live, in seconds.",
    run: httl,
    ..TTL
};

fn httl(context: &mut Context<'_>) -> Result<(), CommandError> {
    tell(context, |deadline_ms, now_ms| (deadline_ms - now_ms).div_ceil(1000))
}

pub(super) const HPTTL: Command = Command {
    name: "hpttl",
    summary: "Tells how long fields of a hash have to live, in milliseconds.",
    run: hpttl,
    ..TTL
};

fn hpttl(context: &mut Context<'_>) -> Result<(), CommandError> {
    tell(context, |deadline_ms, now_ms| deadline_ms - now_ms)
}

pub(super) const HEXPIRETIME: Command = Command {
    name: "hexpiretime",
    summary: "Tells the deadlines of fields of a hash, in seconds since 1970.",
    run: hexpiretime,
    ..TTL
};

fn hexpiretime(context: &mut Context<'_>) -> Result<(), CommandError> {
    tell(context, |deadline_ms, _| deadline_ms.div_ceil(1000))
}

pub(super) const HPEXPIRETIME: Command = Command {
    name: "hpexpiretime",
    summary: "Tells the deadlines of fields of a hash, in milliseconds since 1970.",
    run: hpexpiretime,
    ..TTL
};

fn hpexpiretime(context: &mut Context<'_>) -> Result<(), CommandError> {
    tell(context, |deadline_ms, _| deadline_ms)
}

/// Replies for each field with what `shown` makes of a deadline and of now, which lies before it.
fn tell(context: &mut Context<'_>, shown: fn(u64, u64) -> u64) -> Result<(), CommandError> {
    let (key, now_ms) = (context.key(1), context.now_ms);
    let hash = hash_at(&mut context.keys, &key, Lookup::READ)?;
    let fields = FieldList::parse(context.args, 2, GETS_FIELDS)?;
    context.reply.array(fields.len());
    for field in fields.iter() {
        let number = match hash.and_then(|hash| hash.find(field)) {
            None => NO_FIELD,
            Some((_, None)) => NO_DEADLINE,
            Some((_, Some(deadline_ms))) if deadline_ms <= now_ms => NO_FIELD,
            Some((_, Some(deadline_ms))) => shown(deadline_ms, now_ms).cast_signed(),
        };
        context.reply.integer(number);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn each_form_counts_in_its_own_unit() {
        let mut bench = Bench::new();
        let at = bench.now_ms() + 1_500;
        bench.say("HSET h a 1 b 2");
        bench.say("HPEXPIRE h 1500 FIELDS 1 a");
        let seconds = format!("[{}, -1, -2]", at.div_ceil(1000));
        let ms = format!("[{at}, -1, -2]");
        bench.expect(&[
            ("HTTL h FIELDS 3 a b x", "[2, -1, -2]"),
            ("HPTTL h FIELDS 3 a b x", "[1500, -1, -2]"),
            ("HEXPIRETIME h FIELDS 3 a b x", &seconds),
            ("HPEXPIRETIME h FIELDS 3 a b x", &ms),
            ("HTTL nokey FIELDS 2 a b", "[-2, -2]"),
            ("HTTL h FIELDS x a", "ERR Number of fields must be a positive integer"),
        ]);
        bench.advance(1_500);
        bench.expect(&[("HPTTL h FIELDS 1 a", "[-2]")]);
    }
}
