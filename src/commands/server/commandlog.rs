//! COMMANDLOG: commands that took long, came with much data, or were answered with much.

use crate::base::text;
use crate::commands::help;
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Flags, Group};
use crate::stats::CommandLogKind;

const COMMANDS: &[Command] = &[COMMANDLOG_GET, COMMANDLOG_HELP, COMMANDLOG_LEN, COMMANDLOG_RESET];

pub(super) const COMMANDLOG: Command = Command {
    name: "commandlog",
    arity: -2,
    since: "8.1.0",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Shows commands that took long, came with much data or were answered with much.",
    subcommands: COMMANDS,
    ..Command::DEFAULT
};

const COMMANDLOG_GET: Command = Command {
    name: "get",
    arity: 4,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    since: "8.1.0",
    group: Group::Server,
    complexity: "O(N) with N entries",
    summary: "Returns the newest entries of a log.",
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    arguments: &[
        Argument::new("count", ArgumentKind::Integer),
        Argument::one_of(
            "type",
            &[
                Argument::word("slow", "SLOW"),
                Argument::word("large-request", "LARGE-REQUEST"),
                Argument::word("large-reply", "LARGE-REPLY"),
            ],
        ),
    ],
    run: commandlog_get,
    ..Command::DEFAULT
};
fn commandlog_get(context: &mut Context<'_>) -> Result<(), CommandError> {
    let kind = kind_of(context.args.at(3))?;
    let count = entry_count(context.args.at(2))?;
    reply_entries(context, kind, count);
    Ok(())
}

const COMMANDLOG_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "8.1.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const COMMANDLOG_LEN: Command = Command {
    name: "len",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    since: "8.1.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns the number of entries of a log.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    arguments: &[Argument::one_of(
        "type",
        &[
            Argument::word("slow", "SLOW"),
            Argument::word("large-request", "LARGE-REQUEST"),
            Argument::word("large-reply", "LARGE-REPLY"),
        ],
    )],
    run: commandlog_len,
    ..Command::DEFAULT
};
fn commandlog_len(context: &mut Context<'_>) -> Result<(), CommandError> {
    let kind = kind_of(context.args.at(2))?;
    reply_length(context, kind);
    Ok(())
}

const COMMANDLOG_RESET: Command = Command {
    name: "reset",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    since: "8.1.0",
    group: Group::Server,
    complexity: "O(N) with N entries",
    summary: "Empties a log.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[Argument::one_of(
        "type",
        &[
            Argument::word("slow", "SLOW"),
            Argument::word("large-request", "LARGE-REQUEST"),
            Argument::word("large-reply", "LARGE-REPLY"),
        ],
    )],
    run: commandlog_reset,
    ..Command::DEFAULT
};
fn commandlog_reset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let kind = kind_of(context.args.at(2))?;
    context.engine.stats.command_log().clear(kind);
    context.reply.ok();
    Ok(())
}

fn kind_of(word: &[u8]) -> Result<CommandLogKind, CommandError> {
    let kinds = [
        ("slow", CommandLogKind::Slow),
        ("large-request", CommandLogKind::LargeRequest),
        ("large-reply", CommandLogKind::LargeReply),
    ];
    let found = kinds.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, kind)| *kind).ok_or(CommandError::refused(
        "ERR type should be one of the following: slow, large-request, large-reply",
    ))
}

/// Returns how many entries are wanted; -1 means all.
///
/// # Errors
/// Anything else that is no count.
pub(super) fn entry_count(argument: &[u8]) -> Result<usize, CommandError> {
    match text::parse_i64(argument) {
        Some(-1) => Ok(usize::MAX),
        Some(count) if count >= 0 => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => Err(CommandError::refused("ERR count should be greater than or equal to -1")),
    }
}

/// Replies with the number of a log's entries.
pub(super) fn reply_length(context: &mut Context<'_>, kind: CommandLogKind) {
    let count = context.engine.stats.command_log().entry_count(kind);
    context.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
}

/// Replies with the newest entries of a log.
pub(super) fn reply_entries(context: &mut Context<'_>, kind: CommandLogKind, count: usize) {
    let entries = context.engine.stats.command_log().newest(kind, count);
    let reply = &mut *context.reply;
    reply.array(entries.len());
    for entry in entries {
        reply.array(6);
        reply.integer(entry.id.cast_signed());
        reply.integer(entry.unix_seconds.cast_signed());
        reply.integer(entry.amount.cast_signed());
        reply.array(entry.arguments.len());
        entry.arguments.iter().for_each(|argument| reply.bulk(argument));
        reply.bulk(entry.client_address.as_bytes());
        reply.bulk(&entry.client_name);
    }
}
