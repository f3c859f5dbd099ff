//! PFMERGE.

use super::add::store;
use super::sketch::{Form, Ranks, Sketch};
use super::value::sketch_of;
use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Event, Flags, Group, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::StringValue;

pub(super) const PFMERGE: Command = Command {
    name: "pfmerge",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[
        KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::INSERT)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    acl: Categories::HYPERLOGLOG,
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(N) in the keys, with a large constant",
    summary: "Makes a HyperLogLog see whatever others have seen.",
    arguments: &[
        Argument::key("destkey"),
        Argument::key("sourcekey").of_spec(1).optional().multiple(),
    ],
    run: pfmerge,
    ..Command::DEFAULT
};

fn pfmerge(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (mut ranks, mut any_dense) = (Ranks::new(), false);
    for index in 1..context.args.len() {
        let key = context.key(index);
        if let Some(entry) = context.keys.get(&key, Lookup::READ) {
            let sketch = sketch_of(entry)?;
            any_dense |= sketch.form() == Form::Dense;
            ranks.merge(sketch)?;
        }
    }
    let target = context.key(1);
    let mut sketch = match context.keys.get(&target, Lookup::PEEK) {
        Some(entry) => Sketch::copy_of(sketch_of(entry)?),
        None => Sketch::new(),
    };
    if any_dense {
        sketch.make_dense()?;
    }
    sketch.raise_all(&ranks, context.tuning.hll_sparse_bytes_max)?;
    sketch.mark_stale();
    match context.keys.get_mut(&target) {
        Some(mut entry) => store(&mut entry, &sketch),
        None => {
            context.keys.set(&target, StringValue::edited(sketch.as_slice()), None);
        }
    }
    context.effects.changed(1);
    // It adds to the first key what the others have seen.
    context.notify(Event::PFADD, &target);
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn sketches_are_merged_into_the_first() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("PFADD a 1 2 3", "1"),
            ("PFADD b 3 4", "1"),
            ("PFADD d 9", "1"),
            ("PFMERGE d a b none", "OK"),
            ("PFCOUNT d", "5"),
            ("PFMERGE new", "OK"),
            ("PFCOUNT new", "0"),
            ("PFDEBUG ENCODING d", "sparse"),
            ("PFDEBUG TODENSE a", "1"),
            ("PFMERGE d a", "OK"),
            ("PFDEBUG ENCODING d", "dense"),
            ("PFCOUNT d", "5"),
        ]);
        bench.expect_effects("PFMERGE d a", &["0: PFMERGE d a"]);
    }

    #[test]
    fn a_merge_keeps_the_deadline() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("PFADD d 9", "1"),
            ("PEXPIRE d 1000", "1"),
            ("PFADD a 1", "1"),
            ("PFMERGE d a", "OK"),
            ("PTTL d", "1000"),
        ]);
    }
}
