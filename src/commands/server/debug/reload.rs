//! DEBUG RELOAD: the data through its file and back, while everybody waits.

use crate::base::log;
use crate::commands::server::saving::{self, Merging};
use crate::engine::{CommandError, Context, Engine};
use crate::rdb::RdbError;
use crate::script::Catalog;

struct Steps {
    saves: bool,
    flushes: bool,
    merging: Merging,
}

/// Handles DEBUG RELOAD.
pub(super) fn reload(context: &mut Context<'_>) -> Result<(), CommandError> {
    let steps = read_steps(context)?;
    let closed = context.stop_the_world()?;
    let outcome = run(context.engine, context.worker(), &steps);
    drop(closed);
    outcome?;
    context.reply.ok();
    Ok(())
}

fn read_steps(context: &Context<'_>) -> Result<Steps, CommandError> {
    let mut steps = Steps { saves: true, flushes: true, merging: Merging::default() };
    for index in 2..context.args.len() {
        let is = |word| context.args.is_word(index, word);
        if is("MERGE") {
            steps.merging.replaces = true;
        } else if is("NOFLUSH") {
            steps.flushes = false;
        } else if is("NOSAVE") {
            steps.saves = false;
        } else {
            return Err(CommandError::refused(
                "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
            ));
        }
    }
    Ok(steps)
}

fn run(engine: &Engine, worker: usize, steps: &Steps) -> Result<(), CommandError> {
    if steps.saves {
        saving::save(engine).map_err(|error| {
            log::warning(format_args!("Error saving the DB on disk: {error}"));
            CommandError::refused("ERR")
        })?;
    }
    if steps.flushes {
        // As after any flush, whatever comes to be there again.
        engine.invalidate_everything(worker);
        for db in 0..engine.keyspace.database_count() {
            engine.mark_watched(db);
            drop(engine.keyspace.flush(db));
        }
        engine.functions.replace(Catalog::default());
    }
    let loaded = saving::load(engine, steps.merging, &mut || true);
    engine.persistence.end_loading();
    match loaded {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(refusal(&"there is no file")),
        Err(error) => Err(refusal(&RdbError::to_string(&error))),
    }
}

fn refusal(reason: &dyn std::fmt::Display) -> CommandError {
    log::warning(format_args!("Error trying to load the RDB dump: {reason}"));
    CommandError::refused("ERR Error trying to load the RDB dump, check server logs.")
}
