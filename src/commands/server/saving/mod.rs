//! Saving the data to a file and loading it: SAVE, BGSAVE, LASTSAVE, and what the server itself does of
//! that at its start and its end.

mod file;
mod stop;

use crate::base::log;
use crate::engine::{Argument, Categories, Command, CommandError, Context, Flags, Group};

pub use file::{LoadError, has_saved_data, load_at_start};
pub use stop::save_before_stop;

pub(super) use file::{Merging, load, save};

pub(super) const SAVE: Command = Command {
    name: "save",
    arity: 1,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING).and(Flags::NO_MULTI),
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) with N keys",
    summary: "Saves all databases to a file; everybody waits meanwhile.",
    run: save_now,
    ..Command::DEFAULT
};
fn save_now(context: &mut Context<'_>) -> Result<(), CommandError> {
    let closed = context.stop_the_world()?;
    let saved = save(context.engine);
    drop(closed);
    saved.map_err(|error| {
        log::warning(format_args!("Error saving the DB on disk: {error}"));
        CommandError::refused("ERR")
    })?;
    context.reply.ok();
    Ok(())
}

pub(super) const BGSAVE: Command = Command {
    name: "bgsave",
    arity: -1,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Refused: this version saves only while everybody waits (SAVE).",
    arguments: &[Argument::word("schedule", "SCHEDULE").optional().since("3.2.2")],
    run: refuse_background,
    ..Command::DEFAULT
};
fn refuse_background(context: &mut Context<'_>) -> Result<(), CommandError> {
    match context.args.len() {
        1 => {}
        2 if context.args.is_word(1, "SCHEDULE") || context.args.is_word(1, "CANCEL") => {}
        _ => return Err(CommandError::Syntax),
    }
    Err(CommandError::refused(
        "ERR BGSAVE needs snapshots in the background, which this version does not have; SAVE saves \
         while clients wait",
    ))
}

pub(super) const LASTSAVE: Command = Command {
    name: "lastsave",
    arity: 1,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    acl: Categories::ADMIN.and(Categories::DANGEROUS),
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns when the data was last saved, in seconds since 1970.",
    tips: &["nondeterministic_output"],
    run: lastsave,
    ..Command::DEFAULT
};
fn lastsave(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.integer(context.engine.persistence.last_save_s());
    Ok(())
}
