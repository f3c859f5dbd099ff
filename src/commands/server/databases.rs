//! Commands on whole databases: counting, emptying, swapping.

use crate::config::Setting;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
};
use crate::keyspace::Flushed;

pub(super) const DBSIZE: Command = Command {
    name: "dbsize",
    arity: 1,
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns the number of keys in the database.",
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    run: dbsize,
    ..Command::DEFAULT
};
fn dbsize(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = context.engine.keyspace.key_count(context.session.db);
    context.reply.integer(count.cast_signed());
    Ok(())
}

pub(super) const FLUSHALL: Command = Command {
    name: "flushall",
    arity: -1,
    flags: Flags::WRITE,
    acl: Categories::DANGEROUS.and(Categories::KEYSPACE),
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) with N keys",
    summary: "Removes all keys of all databases.",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[Argument::one_of(
        "flush-type",
        &[
            Argument::word("async", "ASYNC").since("4.0.0"),
            Argument::word("sync", "SYNC").since("6.2.0"),
        ],
    )
    .optional()],
    run: flushall,
    ..Command::DEFAULT
};
fn flushall(context: &mut Context<'_>) -> Result<(), CommandError> {
    let databases = 0..context.engine.keyspace.database_count();
    flush(context, databases)
}

pub(super) const FLUSHDB: Command = Command {
    name: "flushdb",
    arity: -1,
    flags: Flags::WRITE,
    acl: Categories::DANGEROUS.and(Categories::KEYSPACE),
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) with N keys of the database",
    summary: "Removes all keys of the database.",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[Argument::one_of(
        "flush-type",
        &[
            Argument::word("async", "ASYNC").since("4.0.0"),
            Argument::word("sync", "SYNC").since("6.2.0"),
        ],
    )
    .optional()],
    run: flushdb,
    ..Command::DEFAULT
};
fn flushdb(context: &mut Context<'_>) -> Result<(), CommandError> {
    let db = context.session.db;
    flush(context, db..db + 1)
}

fn flush(
    context: &mut Context<'_>,
    databases: impl Iterator<Item = u32>,
) -> Result<(), CommandError> {
    let engine = context.engine;
    let is_async = match context.args.len() {
        1 => engine.config.flag(Setting::LazyfreeLazyUserFlush),
        2 if context.args.is_word(1, "ASYNC") => true,
        2 if context.args.is_word(1, "SYNC") => false,
        _ => return Err(CommandError::Syntax),
    };
    let closed = context.stop_the_world()?;
    let mut waited_for = Vec::new();
    let flushed: Vec<Flushed> = databases
        .map(|db| {
            engine.mark_watched(db);
            waited_for.extend(engine.waiters.keys_of(db));
            engine.keyspace.flush(db)
        })
        .collect();
    engine.invalidate_everything(context.worker());
    context.append_whole_command();
    drop(closed);
    context.keys.note_changed(waited_for);
    for garbage in flushed {
        engine.count_changes(garbage.key_count() as u64);
        if is_async {
            engine.reaper.free(garbage);
        }
    }
    context.reply.ok();
    Ok(())
}

pub(super) const SWAPDB: Command = Command {
    name: "swapdb",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Categories::DANGEROUS.and(Categories::KEYSPACE),
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the count of clients watching or blocking on keys from both databases.",
    summary: "Exchanges two databases, for all clients at once.",
    arguments: &[
        Argument::new("index1", ArgumentKind::Integer),
        Argument::new("index2", ArgumentKind::Integer),
    ],
    looks_beyond: true,
    run: swapdb,
    ..Command::DEFAULT
};
fn swapdb(context: &mut Context<'_>) -> Result<(), CommandError> {
    let check = |index, text| match context.integer(index).map(i32::try_from) {
        Ok(Ok(_)) => Ok(()),
        _ => Err(CommandError::refused(text)),
    };
    check(1, "ERR invalid first DB index")?;
    check(2, "ERR invalid second DB index")?;
    let (first, second) = (context.database(1)?, context.database(2)?);
    let closed = context.stop_the_world()?;
    let waited_for = context.engine.swap_databases(first, second);
    context.append_whole_command();
    drop(closed);
    context.keys.note_changed(waited_for);
    context.engine.count_changes(1);
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_flush_is_its_own_effect_even_of_nothing() {
        let mut bench = Bench::new();
        bench.say("MSET a 1 b 2");
        let before = bench.change_count();
        bench.expect_effects("FLUSHALL", &["0: FLUSHALL"]);
        assert_eq!(bench.change_count(), before + 2);
        bench.expect_effects("FLUSHDB ASYNC", &["0: FLUSHDB ASYNC"]);
        bench.expect(&[("DBSIZE", "0"), ("FLUSHDB now", "ERR syntax error")]);
    }

    #[test]
    fn swapped_databases_change_their_numbers() {
        let mut bench = Bench::new();
        bench.say("SET a 1");
        bench.expect_effects("SWAPDB 0 1", &["0: SWAPDB 0 1"]);
        bench.expect(&[
            ("DBSIZE", "0"),
            ("SELECT 1", "OK"),
            ("GET a", "\"1\""),
            ("SWAPDB x 1", "ERR invalid first DB index"),
            ("SWAPDB 0 x", "ERR invalid second DB index"),
            ("SWAPDB 0 16", "ERR DB index is out of range"),
        ]);
    }
}
