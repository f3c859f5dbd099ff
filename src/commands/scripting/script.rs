//! SCRIPT: the scripts the server knows, and the one that runs.

use super::eval::load;
use crate::commands::help;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KillOutcome,
    ProgramKind, WorkerMessage, drop_forgotten_scripts,
};
use crate::script::Origin;

pub(super) const SCRIPT: Command = Command {
    name: "script",
    arity: -2,
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "Depends on the subcommand.",
    summary: "Tells about the scripts the server knows, and ends the one that runs.",
    subcommands: &[DEBUG, EXISTS, FLUSH, HELP, KILL, LOAD, SHOW],
    ..Command::DEFAULT
};

/// What all subcommands have in common.
const COMMON: Command = Command {
    arity: -2,
    flags: Flags::NOSCRIPT,
    acl: Categories::SCRIPTING,
    since: "2.6.0",
    group: Group::Scripting,
    ..Command::DEFAULT
};

const DEBUG: Command = Command {
    name: "debug",
    arity: -3,
    since: "3.2.0",
    summary: "Accepts NO only: scripts run without a debugger here.",
    arguments: &[Argument::one_of(
        "mode",
        &[Argument::word("yes", "YES"), Argument::word("sync", "SYNC"), Argument::word("no", "NO")],
    )],
    run: debug,
    ..COMMON
};
fn debug(context: &mut Context<'_>) -> Result<(), CommandError> {
    const NONE: CommandError = CommandError::refused("ERR This server has no debugger for scripts");
    const MODES: CommandError = CommandError::refused("ERR Use SCRIPT DEBUG YES/SYNC/NO");
    let is = |word| context.args.is_word(2, word);
    if context.args.len() > 3 {
        Err(help::see_help(context))
    } else if is("NO") {
        context.reply.ok();
        Ok(())
    } else {
        Err(if is("YES") || is("SYNC") { NONE } else { MODES })
    }
}

const EXISTS: Command = Command {
    name: "exists",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::STALE),
    tips: &["request_policy:all_shards", "response_policy:agg_logical_and"],
    complexity: "O(N) in the digests given",
    summary: "Says of each digest whether the server knows its script.",
    arguments: &[Argument::new("sha1", ArgumentKind::String).multiple()],
    run: exists,
    ..COMMON
};
fn exists(context: &mut Context<'_>) -> Result<(), CommandError> {
    let digests = context.args.from(2);
    context.reply.array(digests.len());
    for digest in digests.iter() {
        context.reply.integer(i64::from(context.engine.scripts.exists(digest)));
    }
    Ok(())
}

const FLUSH: Command = Command {
    name: "flush",
    flags: Flags::NOSCRIPT.and(Flags::STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    complexity: "O(N) in the scripts the server knows",
    summary: "Forgets all scripts.",
    arguments: &[Argument::one_of(
        "flush-type",
        &[Argument::word("async", "ASYNC"), Argument::word("sync", "SYNC")],
    )
    .optional()
    .since("6.2.0")],
    run: flush,
    ..COMMON
};
fn flush(context: &mut Context<'_>) -> Result<(), CommandError> {
    const MODES: CommandError =
        CommandError::refused("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    let args = context.args;
    let is_mode = args.is_word(2, "SYNC") || args.is_word(2, "ASYNC");
    if args.len() > 3 || args.len() == 3 && !is_mode {
        return Err(MODES);
    }
    context.engine.scripts.flush();
    drop_forgotten_scripts(context.engine, context.worker());
    context.engine.tell_all(|| WorkerMessage::ScriptsFlushed);
    context.reply.ok();
    Ok(())
}

const HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "5.0.0",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..COMMON
};

const KILL: Command = Command {
    name: "kill",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::ALLOW_BUSY),
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    summary: "Ends a script that takes long, unless it has written.",
    run: |context| kill(context, ProgramKind::Script),
    ..COMMON
};

/// Says whether a script runs that had begun when the client wanted it to end.
fn awaits_one(context: &Context<'_>) -> bool {
    context.engine.slow.runs_since(context.wanted_since())
}

/// Ends programs of a kind that take long.
pub(in crate::commands) fn kill(
    context: &mut Context<'_>,
    kind: ProgramKind,
) -> Result<(), CommandError> {
    const NOT_BUSY: CommandError =
        CommandError::refused("NOTBUSY No scripts in execution right now.");
    const UNKILLABLE: CommandError = CommandError::refused(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can \
         either wait the script termination or kill the server in a hard way using the SHUTDOWN \
         NOSAVE command.",
    );
    match context.engine.slow.kill(kind) {
        KillOutcome::Killed => {
            context.reply.ok();
            Ok(())
        }
        // As in the originals, where nobody is heard before: it is ended once it takes long, or ends.
        KillOutcome::NotBusy if context.may_be_put_off() && awaits_one(context) => {
            Err(CommandError::NotNow)
        }
        KillOutcome::NotBusy => Err(NOT_BUSY),
        KillOutcome::Unkillable => Err(UNKILLABLE),
        KillOutcome::IsA(kind) => Err(CommandError::busy(kind)),
    }
}

const LOAD: Command = Command {
    name: "load",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    complexity: "O(N) in the script's bytes",
    summary: "Remembers a script until all are forgotten, and replies its digest.",
    arguments: &[Argument::new("script", ArgumentKind::String)],
    run: |context| {
        let script = load(context, context.args.at(2), Origin::Loaded)?;
        context.reply.bulk(&script.sha);
        Ok(())
    },
    ..COMMON
};

const SHOW: Command = Command {
    name: "show",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::STALE),
    since: "8.0.0",
    summary: "Returns the text of the script of a digest.",
    arguments: &[Argument::new("sha1", ArgumentKind::String)],
    run: |context| {
        const NO_SCRIPT: CommandError = CommandError::refused("NOSCRIPT No matching script.");
        let script = context.engine.scripts.get(context.args.at(2)).ok_or(NO_SCRIPT)?;
        context.reply.bulk(&script.body);
        Ok(())
    },
    ..COMMON
};

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn scripts_are_known_until_they_are_forgotten() {
        let mut bench = Bench::new();
        let sha = "\"e0e1f9fabfc9d4800c877a703b823ac0578ff8db\"";
        assert_eq!(bench.tell(&[b"SCRIPT", b"LOAD", b"return 1"]), sha);
        let sha = sha.trim_matches('"');
        bench.expect(&[
            (&format!("SCRIPT EXISTS {sha} x {}", sha.to_uppercase()), "[1, 0, 1]"),
            (&format!("EVALSHA {sha} 0"), "1"),
            (&format!("SCRIPT SHOW {sha}"), "\"return 1\""),
            ("SCRIPT FLUSH x", "ERR SCRIPT FLUSH only support SYNC|ASYNC option"),
            ("SCRIPT FLUSH ASYNC", "OK"),
            (&format!("EVALSHA {sha} 0"), "NOSCRIPT No matching script. Please use EVAL."),
            ("SCRIPT SHOW x", "NOSCRIPT No matching script."),
            ("SCRIPT KILL", "NOTBUSY No scripts in execution right now."),
            ("SCRIPT DEBUG x", "ERR Use SCRIPT DEBUG YES/SYNC/NO"),
        ]);
        assert!(bench.tell(&[b"SCRIPT", b"LOAD", b"return ("]).starts_with("ERR Error compiling"));
    }
}
