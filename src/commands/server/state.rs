//! Short questions about the server: the time, its role, its modules, its user.

use crate::base::clock;
use crate::commands::help;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
};

pub(super) const TIME: Command = Command {
    name: "time",
    arity: 1,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    since: "2.6.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns the server's clock: seconds since 1970, and microseconds.",
    tips: &["nondeterministic_output"],
    run: time,
    ..Command::DEFAULT
};
fn time(context: &mut Context<'_>) -> Result<(), CommandError> {
    let now_us = clock::unix_us().cast_signed();
    context.reply.array(2);
    context.reply.bulk_integer(now_us / 1_000_000);
    context.reply.bulk_integer(now_us % 1_000_000);
    Ok(())
}

pub(super) const ROLE: Command = Command {
    name: "role",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST),
    acl: Categories::ADMIN.and(Categories::DANGEROUS),
    since: "2.8.12",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns the role in replication, with its details.",
    run: role,
    ..Command::DEFAULT
};
fn role(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.array(3);
    context.reply.bulk(b"master");
    context.reply.integer(context.engine.effects.offset().cast_signed());
    context.reply.array(0);
    Ok(())
}

const COMMANDS: &[Command] = &[MODULE_HELP, MODULE_LIST, MODULE_LOAD, MODULE_LOADEX, MODULE_UNLOAD];

pub(super) const MODULE: Command = Command {
    name: "module",
    arity: -2,
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Lists modules; this server loads none.",
    subcommands: COMMANDS,
    ..Command::DEFAULT
};

const MODULE_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "5.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const MODULE_LIST: Command = Command {
    name: "list",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT),
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the number of loaded modules.",
    summary: "Lists the modules: none.",
    tips: &["nondeterministic_output_order"],
    run: module_list,
    ..Command::DEFAULT
};
fn module_list(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.array(0);
    Ok(())
}

const MODULE_LOAD: Command = Command {
    name: "load",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Refuses to load a module.",
    arguments: &[
        Argument::new("path", ArgumentKind::String),
        Argument::new("arg", ArgumentKind::String).optional().multiple(),
    ],
    run: refuse_modules,
    ..Command::DEFAULT
};

const MODULE_LOADEX: Command = Command {
    name: "loadex",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    since: "7.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Refuses to load a module with settings.",
    arguments: &[
        Argument::new("path", ArgumentKind::String),
        Argument::block(
            "configs",
            &[
                Argument::new("name", ArgumentKind::String),
                Argument::new("value", ArgumentKind::String),
            ],
        )
        .after("CONFIG")
        .optional()
        .multiple()
        .repeating_token(),
        Argument::new("args", ArgumentKind::String).after("ARGS").optional().multiple(),
    ],
    run: refuse_modules,
    ..Command::DEFAULT
};

const MODULE_UNLOAD: Command = Command {
    name: "unload",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Refuses to unload a module.",
    arguments: &[Argument::new("name", ArgumentKind::String)],
    run: refuse_modules,
    ..Command::DEFAULT
};
fn refuse_modules(_: &mut Context<'_>) -> Result<(), CommandError> {
    Err(CommandError::refused("ERR Redpoll loads no modules"))
}
