//! PFDEBUG and PFSELFTEST: looking into a sketch, and checking that sketches work.

use super::add::store;
use super::element::Observation;
use super::sketch::{Form, Ranks, Sketch, SketchRef};
use super::value::sketch_of;
use super::{dense, sparse};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;

pub(super) const PFDEBUG: Command = Command {
    name: "pfdebug",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::ADMIN),
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::ACCESS))],
    acl: Categories::HYPERLOGLOG,
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "N/A",
    summary: "Looks into a HyperLogLog.",
    arguments: &[Argument::new("subcommand", ArgumentKind::String), Argument::key("key")],
    run: pfdebug,
    ..Command::DEFAULT
};

fn pfdebug(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.args.is_word(1, "SIMD") {
        return reply_with_simd(context);
    }
    let key = context.key(2);
    let Some(entry) = context.keys.get(&key, Lookup::PEEK) else {
        return Err(CommandError::refused("ERR The specified key does not exist"));
    };
    let sketch = sketch_of(entry)?;
    let args = context.args;
    if args.is_word(1, "ENCODING") {
        context.reply.simple(if sketch.form() == Form::Dense { "dense" } else { "sparse" });
    } else if args.is_word(1, "DECODE") {
        context.reply.bulk(decoded(sketch)?.as_bytes());
    } else if args.is_word(1, "TODENSE") {
        let converts = convert(context)?;
        context.reply.integer(i64::from(converts));
    } else if args.is_word(1, "GETREG") {
        convert(context)?;
        reply_with_registers(context)?;
    } else {
        let word = args.at(1);
        return Err(CommandError::quoting("ERR Unknown PFDEBUG subcommand '", word, "'"));
    }
    Ok(())
}

/// Says whether registers are compared by instructions of the originals' own choosing: they never are,
/// whatever is asked for.
fn reply_with_simd(context: &mut Context<'_>) -> Result<(), CommandError> {
    if !context.args.is_word(2, "ON") && !context.args.is_word(2, "OFF") {
        return Err(CommandError::refused("ERR Argument must be ON or OFF"));
    }
    context.reply.simple("disabled");
    Ok(())
}

/// Returns the runs of a sparse sketch readably.
fn decoded(sketch: SketchRef<'_>) -> Result<String, CommandError> {
    if sketch.form() == Form::Dense {
        return Err(CommandError::refused("ERR HLL encoding is not sparse"));
    }
    let mut words = Vec::new();
    sparse::for_each_run(sketch.body(), |_, run| {
        words.push(match (run.rank, run.bytes) {
            (0, 1) => format!("z:{}", run.length),
            (0, _) => format!("Z:{}", run.length),
            (rank, _) => format!("v:{rank},{}", run.length),
        });
    })?;
    Ok(words.join(" "))
}

/// Makes the sketch dense; says whether it was not.
fn convert(context: &mut Context<'_>) -> Result<bool, CommandError> {
    let key = context.key(2);
    let Some(mut entry) = context.keys.get_mut(&key) else { return Ok(false) };
    let sketch = sketch_of(&entry)?;
    let converts = sketch.form() == Form::Sparse;
    if converts {
        let mut dense = Sketch::copy_of(sketch);
        dense.make_dense()?;
        store(&mut entry, &dense);
        context.effects.changed(1);
    }
    Ok(converts)
}

fn reply_with_registers(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(2);
    let mut ranks = Ranks::new();
    if let Some(entry) = context.keys.get(&key, Lookup::PEEK) {
        ranks.merge(sketch_of(entry)?)?;
    }
    context.reply.array(ranks.as_slice().len());
    for &rank in ranks.as_slice() {
        context.reply.integer(i64::from(rank));
    }
    Ok(())
}

pub(super) const PFSELFTEST: Command = Command {
    name: "pfselftest",
    arity: 1,
    flags: Flags::ADMIN,
    acl: Categories::HYPERLOGLOG,
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "N/A",
    summary: "Checks that HyperLogLogs work.",
    run: pfselftest,
    ..Command::DEFAULT
};

/// Elements of the self test: enough for the dense form, few enough for a busy server.
const TEST_ELEMENTS: u32 = 100_000;

fn pfselftest(context: &mut Context<'_>) -> Result<(), CommandError> {
    let sparse_bytes_max = context.tuning.hll_sparse_bytes_max;
    let failed = |what: &str| CommandError::refused_with(format!("TESTFAILED {what}"));
    let (mut sketch, mut registers) = (Sketch::new(), vec![0; dense::REGISTERS_BYTES]);
    let mut checkpoint = 1;
    for number in 1..=TEST_ELEMENTS {
        let seen = Observation::of(&number.to_le_bytes());
        let is_new = sketch.raise(seen.index, seen.rank, sparse_bytes_max)?;
        let change = dense::raised(&registers, seen.index, seen.rank);
        if change.is_some() != is_new {
            return Err(failed("the sparse and the dense form disagree"));
        }
        if let Some(change) = change {
            registers[change.at..change.at + change.group.len()].copy_from_slice(&change.group);
        }
        if number == checkpoint {
            let sketch = SketchRef::new(sketch.as_slice());
            let count = sketch.ok_or_else(|| failed("a sketch lost its header"))?.count()?;
            let error = (count as f64 - f64::from(number)).abs();
            // Four standard errors, and one element where there are few.
            if error > (f64::from(number) * 0.0081 * 4.0).max(1.0) {
                return Err(failed("too high error"));
            }
            checkpoint *= 10;
        }
    }
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_sketch_can_be_looked_into() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("PFADD h a b c", "1"),
            ("PFDEBUG ENCODING h", "sparse"),
            ("PFDEBUG DECODE h", "\"Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603\""),
            ("PFDEBUG TODENSE h", "1"),
            ("PFDEBUG TODENSE h", "0"),
            ("PFDEBUG ENCODING h", "dense"),
            ("PFDEBUG DECODE h", "ERR HLL encoding is not sparse"),
            ("PFDEBUG FOO h", "ERR Unknown PFDEBUG subcommand 'FOO'"),
            ("PFDEBUG FOO none", "ERR The specified key does not exist"),
            ("PFDEBUG SIMD on", "disabled"),
            ("PFDEBUG SIMD OFF", "disabled"),
            ("PFDEBUG SIMD h", "ERR Argument must be ON or OFF"),
            ("PFCOUNT h", "3"),
            ("PFSELFTEST", "OK"),
        ]);
        assert_eq!(bench.say("PFDEBUG GETREG h").split(", ").count(), 16_384);
        bench.expect(&[("PFADD s a", "1")]);
        bench.expect_effects("PFDEBUG GETREG s", &["0: PFDEBUG GETREG s"]);
        bench.expect(&[("PFDEBUG ENCODING s", "dense")]);
    }
}
