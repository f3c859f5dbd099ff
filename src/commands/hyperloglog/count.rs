//! PFCOUNT.

use super::sketch::{COUNT_AT, Ranks};
use super::value::sketch_of;
use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Flags, Group, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;

pub(super) const PFCOUNT: Command = Command {
    name: "pfcount",
    arity: -2,
    flags: Flags::READONLY.and(Flags::MAY_REPLICATE),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RW.and(KeyFlags::ACCESS))],
    acl: Categories::HYPERLOGLOG,
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(1) with one key whose count is cached, else O(N) in the keys with a large constant",
    summary: "Estimates how many different elements HyperLogLogs have seen together.",
    arguments: &[Argument::key("key").multiple()],
    run: pfcount,
    ..Command::DEFAULT
};

fn pfcount(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = if context.args.len() > 2 { count_many(context)? } else { count_one(context)? };
    context.reply.integer(count.cast_signed());
    Ok(())
}

/// Estimates the elements of one sketch, and keeps the number with it.
fn count_one(context: &mut Context<'_>) -> Result<u64, CommandError> {
    let key = context.key(1);
    let Some(entry) = context.keys.get(&key, Lookup::READ) else { return Ok(0) };
    let sketch = sketch_of(entry)?;
    if let Some(count) = sketch.cached_count() {
        return Ok(count);
    }
    let count = sketch.count()?;
    if let Some(mut entry) = context.keys.get_mut(&key) {
        entry.write_range(COUNT_AT, &count.to_le_bytes());
        context.effects.changed(1);
    }
    Ok(count)
}

fn count_many(context: &mut Context<'_>) -> Result<u64, CommandError> {
    let mut ranks = Ranks::new();
    for index in 1..context.args.len() {
        let key = context.key(index);
        if let Some(entry) = context.keys.get(&key, Lookup::READ) {
            ranks.merge(sketch_of(entry)?)?;
        }
    }
    Ok(ranks.count())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_count_is_kept_with_the_value() {
        let mut bench = Bench::new();
        bench.expect(&[("PFADD h a b c", "1")]);
        bench.expect_effects("PFCOUNT h", &["0: PFCOUNT h"]);
        bench.expect_effects("PFCOUNT h", &[]);
        assert!(bench.say("GET h").starts_with("\"HYLL\\x01\\x00\\x00\\x00\\x03\\x00\\x00\\x00"));
        bench.expect(&[("PFADD h d", "1"), ("PFCOUNT h", "4")]);
    }

    #[test]
    fn several_sketches_are_counted_as_one() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("PFADD a 1 2 3", "1"),
            ("PFADD b 3 4", "1"),
            ("PFCOUNT a b none", "4"),
            ("PFCOUNT none", "0"),
            ("PFCOUNT none none2", "0"),
        ]);
    }
}
