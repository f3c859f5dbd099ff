//! PFADD.

use super::dense;
use super::element::Observation;
use super::sketch::{Form, HEADER_BYTES, STALE, STALE_AT, Sketch};
use super::value::sketch_of;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::EntryMut;
use crate::types::StringValue;

pub(super) const PFADD: Command = Command {
    name: "pfadd",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    acl: Categories::HYPERLOGLOG,
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(1) for each element",
    summary: "Lets a HyperLogLog, which is created if needed, see elements.",
    arguments: &[
        Argument::key("key"),
        Argument::new("element", ArgumentKind::String).optional().multiple(),
    ],
    run: pfadd,
    ..Command::DEFAULT
};

fn pfadd(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, elements) = (context.key(1), context.args.from(2));
    let sparse_bytes_max = context.tuning.hll_sparse_bytes_max;
    let change_count = match context.keys.get_mut(&key) {
        None => {
            let mut sketch = Sketch::new();
            let raised = see(&mut sketch, elements, sparse_bytes_max)?;
            sketch.mark_stale();
            context.keys.set(&key, StringValue::edited(sketch.as_slice()), None);
            raised + 1
        }
        Some(mut entry) => {
            let sketch = sketch_of(&entry)?;
            match sketch.form() {
                Form::Dense => see_in_place(&mut entry, elements),
                Form::Sparse => {
                    let mut sketch = Sketch::copy_of(sketch);
                    let raised = see(&mut sketch, elements, sparse_bytes_max)?;
                    if raised > 0 {
                        sketch.mark_stale();
                        store(&mut entry, &sketch);
                    }
                    raised
                }
            }
        }
    };
    context.effects.changed(change_count);
    if change_count > 0 {
        context.notify(Event::PFADD, &key);
    }
    context.reply.integer(i64::from(change_count > 0));
    Ok(())
}

/// Replaces the value by a sketch, keeping the deadline.
pub(super) fn store(entry: &mut EntryMut<'_>, sketch: &Sketch) {
    let deadline_ms = entry.deadline_ms();
    entry.set_value(StringValue::edited(sketch.as_slice()), deadline_ms);
}

/// Lets a sketch see elements; returns how many registers were raised.
fn see(
    sketch: &mut Sketch,
    elements: Args<'_>,
    sparse_bytes_max: usize,
) -> Result<u64, CommandError> {
    let mut raised = 0;
    for element in elements.iter() {
        let seen = Observation::of(element);
        raised += u64::from(sketch.raise(seen.index, seen.rank, sparse_bytes_max)?);
    }
    Ok(raised)
}

/// Lets a dense sketch see elements where it lies.
fn see_in_place(entry: &mut EntryMut<'_>, elements: Args<'_>) -> u64 {
    let mut raised = 0;
    for element in elements.iter() {
        let seen = Observation::of(element);
        let Ok(sketch) = sketch_of(entry) else { break };
        if let Some(change) = dense::raised(sketch.body(), seen.index, seen.rank) {
            entry.write_range(HEADER_BYTES + change.at, &change.group);
            raised += 1;
        }
    }
    if raised > 0 {
        mark_stale(entry);
    }
    raised
}

/// Says that the cached count no longer holds, and nothing else: a string with the header of a sketch.
fn mark_stale(entry: &mut EntryMut<'_>) {
    let Ok(sketch) = sketch_of(entry) else { return };
    if let Some(count) = sketch.cached_count() {
        let highest = count.to_le_bytes()[7];
        entry.write_range(STALE_AT, &[highest | STALE]);
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn elements_are_new_once() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("PFADD h a b c", "1"),
            ("PFADD h a b c", "0"),
            ("PFADD h d a", "1"),
            ("PFCOUNT h", "4"),
            ("PFADD empty", "1"),
            ("PFADD empty", "0"),
            ("PFCOUNT empty", "0"),
        ]);
        bench.expect_effects("PFADD h x", &["0: PFADD h x"]);
        bench.expect_effects("PFADD h x", &[]);
    }

    #[test]
    fn a_sketch_keeps_its_deadline_as_it_grows() {
        let mut bench = Bench::new();
        bench.expect(&[("PFADD h a", "1"), ("PEXPIRE h 1000", "1")]);
        for number in 0..3000 {
            bench.say(&format!("PFADD h {number}"));
        }
        bench.expect(&[("PTTL h", "1000"), ("STRLEN h", "12304"), ("PFDEBUG ENCODING h", "dense")]);
    }

    #[test]
    fn the_setting_says_when_a_sketch_becomes_dense() {
        let mut bench = Bench::with_settings("hll-sparse-max-bytes 30");
        for number in 0..20 {
            bench.say(&format!("PFADD h {number}"));
        }
        bench.expect(&[("PFDEBUG ENCODING h", "dense"), ("PFCOUNT h", "20")]);
    }

    #[test]
    fn other_values_are_refused() {
        let mut bench = Bench::new();
        let no_sketch = "WRONGTYPE Key is not a valid HyperLogLog string value.";
        let corrupted = "INVALIDOBJ Corrupted HLL object detected";
        bench.expect(&[
            ("SET n 12", "OK"),
            ("PFADD n a", no_sketch),
            ("PFCOUNT n", no_sketch),
            ("PFMERGE other n", no_sketch),
            ("PFMERGE n other", no_sketch),
            ("EXISTS other", "0"),
            ("PFADD h a", "1"),
            ("APPEND h hello", "26"),
            ("PFCOUNT h", corrupted),
            ("PFMERGE other h", corrupted),
            ("PFDEBUG GETREG h", corrupted),
            ("PFDEBUG TODENSE h", corrupted),
            ("EXISTS other", "0"),
        ]);
        bench.tell(&[b"SET", b"h", b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80"]);
        bench.expect(&[("PFADD h a", corrupted), ("PFCOUNT h", corrupted)]);
        bench.tell(&[b"SET", b"h", b"HYLL\x00\0\0\0\0\0\0\0\0\0\0\x80"]);
        bench.expect(&[("PFADD h a", no_sketch)]);
    }

    #[test]
    fn random_values_give_errors_and_no_panic() {
        let mut bench = Bench::new();
        let mut random = fastrand::Rng::with_seed(12);
        for _ in 0..2000 {
            let mut value = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
            value.extend((0..random.usize(..60)).map(|_| random.u8(..)));
            value[15] = random.u8(..);
            bench.tell(&[b"SET", b"h", &value]);
            for line in ["PFADD h a b", "PFCOUNT h", "PFCOUNT h h", "PFMERGE m h"] {
                bench.say(line);
            }
            bench.expect(&[("PING", "PONG")]);
        }
    }
}
