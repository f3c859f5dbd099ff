//! SLOWLOG: commands that took long.

use super::commandlog::{entry_count, reply_entries, reply_length};
use crate::commands::help;
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Flags, Group};
use crate::stats::CommandLogKind;

/// Entries SLOWLOG GET shows unless told otherwise.
const SHOWN_COUNT: usize = 10;

const COMMANDS: &[Command] = &[SLOWLOG_GET, SLOWLOG_HELP, SLOWLOG_LEN, SLOWLOG_RESET];

pub(super) const SLOWLOG: Command = Command {
    name: "slowlog",
    arity: -2,
    since: "2.2.12",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Shows commands that took long.",
    subcommands: COMMANDS,
    ..Command::DEFAULT
};

const SLOWLOG_GET: Command = Command {
    name: "get",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    since: "2.2.12",
    group: Group::Server,
    complexity: "O(N) with N entries",
    summary: "Returns the newest entries of the slow log.",
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    arguments: &[Argument::new("count", ArgumentKind::Integer).optional()],
    run: slowlog_get,
    ..Command::DEFAULT
};
fn slowlog_get(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = match context.args.len() {
        2 => SHOWN_COUNT,
        3 => entry_count(context.args.at(2))?,
        _ => return Err(help::see_help(context)),
    };
    reply_entries(context, CommandLogKind::Slow, count);
    Ok(())
}

const SLOWLOG_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "6.2.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const SLOWLOG_LEN: Command = Command {
    name: "len",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    since: "2.2.12",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns the number of entries of the slow log.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    run: slowlog_len,
    ..Command::DEFAULT
};
fn slowlog_len(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_length(context, CommandLogKind::Slow);
    Ok(())
}

const SLOWLOG_RESET: Command = Command {
    name: "reset",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    since: "2.2.12",
    group: Group::Server,
    complexity: "O(N) with N entries",
    summary: "Empties the slow log.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    run: slowlog_reset,
    ..Command::DEFAULT
};
fn slowlog_reset(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.engine.stats.command_log().clear(CommandLogKind::Slow);
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn entries_tell_who_asked_what() {
        let mut bench = Bench::with_settings("slowlog-log-slower-than 0");
        bench.say("CLIENT SETNAME me");
        bench.say("SET a 1");
        let entries = bench.say("SLOWLOG GET 1");
        assert!(entries.starts_with("[[1, 1700000000, "), "{entries}");
        let end = ", [\"SET\", \"a\", \"1\"], \"127.0.0.1:50000\", \"me\"]]";
        assert!(entries.ends_with(end), "{entries}");
        bench.expect(&[
            ("SLOWLOG GET -2", "ERR count should be greater than or equal to -1"),
            (
                "SLOWLOG GET 1 2",
                "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.",
            ),
            ("SLOWLOG RESET", "OK"),
            ("COMMANDLOG LEN slow", "1"),
            (
                "COMMANDLOG LEN fast",
                "ERR type should be one of the following: slow, large-request, large-reply",
            ),
        ]);
    }
}
