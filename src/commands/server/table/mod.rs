//! COMMAND: the command table as clients read it.

mod docs;
mod facts;

use crate::base::glob;
use crate::commands::help;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyAt,
    KeyFlags, Known, find_keys, fits,
};

const COMMANDS: &[Command] = &[
    COMMAND_COUNT,
    COMMAND_DOCS,
    COMMAND_GETKEYS,
    COMMAND_GETKEYSANDFLAGS,
    COMMAND_HELP,
    COMMAND_INFO,
    COMMAND_LIST,
];

pub(super) const COMMAND: Command = Command {
    name: "command",
    arity: -1,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(N) with N commands",
    summary: "Describes all commands.",
    tips: &["nondeterministic_output_order"],
    subcommands: COMMANDS,
    run: command,
    ..Command::DEFAULT
};
fn command(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_all_facts(context);
    Ok(())
}

fn reply_all_facts(context: &mut Context<'_>) {
    let table = &context.engine.table;
    context.reply.array(top_level(table.all()).count());
    for known in top_level(table.all()) {
        facts::reply(context.reply, table, known);
    }
}

fn top_level(all: &[Known]) -> impl Iterator<Item = &Known> {
    all.iter().filter(|known| known.parent.is_none())
}

const COMMAND_COUNT: Command = Command {
    name: "count",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns how many commands there are.",
    run: count,
    ..Command::DEFAULT
};
fn count(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = top_level(context.engine.table.all()).count();
    context.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

const COMMAND_DOCS: Command = Command {
    name: "docs",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "7.0.0",
    group: Group::Server,
    complexity: "O(N) with N commands",
    summary: "Explains commands: what they do, since when, with which arguments.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::new("command-name", ArgumentKind::String).optional().multiple()],
    run: documentation,
    ..Command::DEFAULT
};
fn documentation(context: &mut Context<'_>) -> Result<(), CommandError> {
    let table = &context.engine.table;
    let wanted: Vec<&Known> = if context.args.len() == 2 {
        top_level(table.all()).collect()
    } else {
        context.args.from(2).iter().filter_map(|name| table.find_full_name(name)).collect()
    };
    context.reply.map(wanted.len());
    for known in wanted {
        docs::reply(context.reply, table, known);
    }
    Ok(())
}

const COMMAND_GETKEYS: Command = Command {
    name: "getkeys",
    arity: -3,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(N) with N arguments",
    summary: "Returns the keys among the arguments of a command.",
    arguments: &[
        Argument::new("command", ArgumentKind::String),
        Argument::new("arg", ArgumentKind::String).optional().multiple(),
    ],
    run: keys_of,
    ..Command::DEFAULT
};
fn keys_of(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (args, found) = keys_in_question(context)?;
    context.reply.array(found.len());
    found.iter().for_each(|&(index, _)| context.reply.bulk(args.at(index)));
    Ok(())
}

const COMMAND_GETKEYSANDFLAGS: Command = Command {
    name: "getkeysandflags",
    arity: -3,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "7.0.0",
    group: Group::Server,
    complexity: "O(N) with N arguments",
    summary: "Returns the keys among the arguments of a command and how it uses them.",
    arguments: &[
        Argument::new("command", ArgumentKind::String),
        Argument::new("arg", ArgumentKind::String).optional().multiple(),
    ],
    run: keys_and_flags_of,
    ..Command::DEFAULT
};
fn keys_and_flags_of(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (args, found) = keys_in_question(context)?;
    context.reply.array(found.len());
    for (index, flags) in found {
        context.reply.array(2);
        context.reply.bulk(args.at(index));
        facts::reply_words(context.reply, flags.words());
    }
    Ok(())
}

/// Returns the arguments of the command asked about and the places of its keys.
fn keys_in_question<'a>(context: &Context<'a>) -> Result<(Args<'a>, Vec<KeyAt>), CommandError> {
    let args = context.args.from(2);
    let known = context.engine.table.resolve(args);
    let known = known.ok_or(CommandError::refused("ERR Invalid command specified"))?;
    let command = known.command;
    if command.keys.is_empty() {
        return Err(CommandError::refused("ERR The command has no key arguments"));
    }
    if !fits(command.arity, args.len()) {
        return Err(CommandError::refused("ERR Invalid number of arguments specified for command"));
    }
    let mut found = Vec::new();
    if !find_keys(command, args, &mut found) {
        if !command.flags.has(Flags::NO_MANDATORY_KEYS) {
            return Err(CommandError::refused("ERR Invalid arguments specified for command"));
        }
        found.clear();
    }
    if let Some(key_use) = command.key_use {
        let uses = key_use(args);
        let depends = |flags: KeyFlags| flags.has(KeyFlags::VARIABLE_FLAGS);
        found.iter_mut().filter(|(_, flags)| depends(*flags)).for_each(|(_, flags)| *flags = uses);
    }
    found.retain(|(_, flags)| !flags.has(KeyFlags::NOT_KEY));
    Ok((args, found))
}

const COMMAND_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "5.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const COMMAND_INFO: Command = Command {
    name: "info",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(N) with N commands",
    summary: "Describes the commands that are named, or all.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::new("command-name", ArgumentKind::String).optional().multiple()],
    run: facts_of,
    ..Command::DEFAULT
};
fn facts_of(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.args.len() == 2 {
        reply_all_facts(context);
        return Ok(());
    }
    let names = context.args.from(2);
    context.reply.array(names.len());
    for name in names.iter() {
        match context.engine.table.find_full_name(name) {
            Some(known) => facts::reply(context.reply, &context.engine.table, known),
            None => context.reply.null(),
        }
    }
    Ok(())
}

/// What COMMAND LIST selects by.
enum Filter<'a> {
    Nothing,
    Module,
    Category(Option<Categories>),
    Pattern(&'a [u8]),
}

const COMMAND_LIST: Command = Command {
    name: "list",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "7.0.0",
    group: Group::Server,
    complexity: "O(N) with N commands",
    summary: "Lists the names of all commands, or of those that a filter lets pass.",
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::one_of(
        "filterby",
        &[
            Argument::new("module-name", ArgumentKind::String).after("MODULE"),
            Argument::new("category", ArgumentKind::String).after("ACLCAT"),
            Argument::new("pattern", ArgumentKind::Pattern).after("PATTERN"),
        ],
    )
    .after("FILTERBY")
    .optional()],
    run: list,
    ..Command::DEFAULT
};
fn list(context: &mut Context<'_>) -> Result<(), CommandError> {
    let filter = read_filter(context.args)?;
    let all = context.engine.table.all();
    let names: Vec<&str> =
        all.iter().filter(|known| passes(known, &filter)).map(|k| k.full_name.as_str()).collect();
    context.reply.array(names.len());
    names.iter().for_each(|name| context.reply.bulk(name.as_bytes()));
    Ok(())
}

fn read_filter(args: Args<'_>) -> Result<Filter<'_>, CommandError> {
    if args.len() == 2 {
        return Ok(Filter::Nothing);
    }
    if args.len() != 5 || !args.is_word(2, "FILTERBY") {
        return Err(CommandError::Syntax);
    }
    if args.is_word(3, "MODULE") {
        Ok(Filter::Module)
    } else if args.is_word(3, "ACLCAT") {
        Ok(Filter::Category(Categories::named(args.at(4))))
    } else if args.is_word(3, "PATTERN") {
        Ok(Filter::Pattern(args.at(4)))
    } else {
        Err(CommandError::Syntax)
    }
}

fn passes(known: &Known, filter: &Filter<'_>) -> bool {
    match filter {
        Filter::Nothing => true,
        // There are no modules.
        Filter::Module | Filter::Category(None) => false,
        Filter::Category(Some(category)) => known.command.categories().has(*category),
        Filter::Pattern(pattern) => glob::matches(pattern, known.full_name.as_bytes(), true),
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn keys_are_found_by_the_lock_plan() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("COMMAND GETKEYS MSET a 1 b 2", "[\"a\", \"b\"]"),
            ("COMMAND GETKEYS MEMORY USAGE a", "[\"a\"]"),
            ("COMMAND GETKEYSANDFLAGS SET a 1", "[[\"a\", [OW, update]]]"),
            ("COMMAND GETKEYSANDFLAGS SET a 1 GET", "[[\"a\", [RW, access, update]]]"),
            ("COMMAND GETKEYS PING", "ERR The command has no key arguments"),
            ("COMMAND GETKEYS DEBUG OBJECT a", "ERR The command has no key arguments"),
            ("COMMAND GETKEYS GET", "ERR Invalid number of arguments specified for command"),
            ("COMMAND GETKEYS NOTHING a", "ERR Invalid command specified"),
        ]);
    }

    #[test]
    fn a_filter_lets_names_pass() {
        let mut bench = Bench::new();
        bench.expect(&[
            (
                "COMMAND LIST FILTERBY PATTERN config|re*",
                "[\"config|resetstat\", \"config|rewrite\"]",
            ),
            ("COMMAND LIST FILTERBY ACLCAT nothing", "[]"),
            ("COMMAND LIST FILTERBY MODULE x", "[]"),
            ("COMMAND LIST FILTERBY nothing x", "ERR syntax error"),
            ("COMMAND INFO get|x config|get|x", "[(nil), (nil)]"),
        ]);
        assert!(bench.say("COMMAND LIST FILTERBY ACLCAT connection").contains("\"client|id\""));
    }

    #[test]
    fn facts_and_explanations_are_whole() {
        let mut bench = Bench::new();
        bench.speak_resp3();
        // The bench fails on a reply that does not end where its headers say.
        assert!(
            bench
                .say("COMMAND")
                .contains("[\"client|id\", 2, [noscript, loading, stale, allow_busy]")
        );
        assert!(bench.say("COMMAND DOCS").contains("\"client|kill\": {\"summary\": "));
        bench.expect(&[(
            "COMMAND INFO mget",
            "[[\"mget\", -2, [readonly, fast], 1, -1, 1, [@read, @string, @fast], \
             [\"request_policy:multi_shard\"], [{\"flags\": [RO, access], \"begin_search\": \
             {\"type\": \"index\", \"spec\": {\"index\": 1}}, \"find_keys\": {\"type\": \
             \"range\", \"spec\": {\"lastkey\": -1, \"keystep\": 1, \"limit\": 0}}}], []]]",
        )]);
    }

    #[test]
    fn help_lists_every_subcommand() {
        let mut bench = Bench::new();
        let help = bench.say("CLIENT HELP");
        assert!(
            help.starts_with("[CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
        );
        assert!(help.contains(", PAUSE <timeout> [(WRITE|ALL)], "), "{help}");
    }
}
