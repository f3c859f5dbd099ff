//! ACL: what can be said about permissions while there is one user who may do everything.

use crate::commands::help;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
};

const COMMANDS: &[Command] = &[ACL_CAT, ACL_HELP, ACL_WHOAMI];

pub(super) const ACL: Command = Command {
    name: "acl",
    arity: -2,
    since: "6.0.0",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Tells about users and what they may do.",
    subcommands: COMMANDS,
    ..Command::DEFAULT
};

const ACL_CAT: Command = Command {
    name: "cat",
    arity: -2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    since: "6.0.0",
    group: Group::Server,
    complexity: "O(1) since the categories and commands are a fixed set.",
    summary: "Lists the categories of commands, or the commands of one.",
    arguments: &[Argument::new("category", ArgumentKind::String).optional()],
    run: cat,
    ..Command::DEFAULT
};
fn cat(context: &mut Context<'_>) -> Result<(), CommandError> {
    match context.args.len() {
        2 => {
            context.reply.array(Categories::WORDS.len());
            for (_, word) in Categories::WORDS {
                context.reply.bulk(word.trim_start_matches('@').as_bytes());
            }
            Ok(())
        }
        3 => reply_commands(context),
        _ => Err(help::see_help(context)),
    }
}

fn reply_commands(context: &mut Context<'_>) -> Result<(), CommandError> {
    let name = context.args.at(2);
    let Some(category) = Categories::named(name) else {
        return Err(CommandError::quoting("ERR Unknown category '", name, "'"));
    };
    let all = context.engine.table.all();
    let found: Vec<&str> = all
        .iter()
        .filter(|known| known.command.categories().has(category))
        .map(|known| known.full_name.as_str())
        .collect();
    context.reply.array(found.len());
    found.iter().for_each(|name| context.reply.bulk(name.as_bytes()));
    Ok(())
}

const ACL_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "6.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const ACL_WHOAMI: Command = Command {
    name: "whoami",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    since: "6.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns the name of the user the connection is signed in as.",
    run: whoami,
    ..Command::DEFAULT
};
fn whoami(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.bulk(context.session.cell.names.lock().user.as_bytes());
    Ok(())
}
