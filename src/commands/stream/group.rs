//! XGROUP: groups and their consumers come and go.

use super::value::{edit, id, integer};
use crate::commands::help;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::types::{Stream, StreamId};

const NAME: Argument = Argument::new("group", ArgumentKind::String);
const CONSUMER: Argument = Argument::new("consumer", ArgumentKind::String);
const NEW_ID: Argument = Argument::one_of(
    "id-selector",
    &[Argument::new("id", ArgumentKind::String), Argument::word("new-id", "$")],
);
const ENTRIES_READ: Argument = Argument::new("entriesread", ArgumentKind::Integer)
    .shown_as("entries-read")
    .after("ENTRIESREAD")
    .optional();

const NO_KEY: CommandError = CommandError::refused(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use \
     the MKSTREAM option to create an empty stream automatically.",
);

pub(super) const XGROUP: Command = Command {
    name: "xgroup",
    arity: -2,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "As the subcommand says.",
    summary: "Manages consumer groups of streams.",
    subcommands: &[CREATE, CREATECONSUMER, DELCONSUMER, DESTROY, HELP, SETID],
    ..Command::DEFAULT
};

const HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const CREATE: Command = Command {
    name: "create",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::INSERT))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    summary: "Creates a group that reads what follows an entry.",
    arguments: &[
        Argument::key("key"),
        NAME,
        NEW_ID,
        Argument::word("mkstream", "MKSTREAM").optional(),
        ENTRIES_READ,
    ],
    run: create,
    ..Command::DEFAULT
};

/// Options behind the identifier.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    creates_stream: bool,
    entries_read: Option<u64>,
}

fn options(context: &Context<'_>, may_create: bool) -> Result<Options, CommandError> {
    let (args, mut options, mut at) = (context.args, Options::default(), 5);
    while at < args.len() {
        if may_create && args.is_word(at, "MKSTREAM") {
            options.creates_stream = true;
            at += 1;
        } else if at + 1 < args.len() && args.is_word(at, "ENTRIESREAD") {
            options.entries_read = match integer(args.at(at + 1))? {
                -1 => None,
                count => Some(u64::try_from(count).map_err(|_| {
                    CommandError::refused("ERR value for ENTRIESREAD must be positive or -1")
                })?),
            };
            at += 2;
        } else {
            return Err(help::see_help(context));
        }
    }
    Ok(options)
}

/// Returns the identifier an argument means; `$` means the last one.
fn position(argument: &[u8], stream: Option<&Stream>) -> Result<StreamId, CommandError> {
    match argument {
        b"$" => Ok(stream.map_or(StreamId::MIN, |stream| stream.log().last_id())),
        text => id(text),
    }
}

fn no_group(context: &Context<'_>) -> CommandError {
    let (key, group) = (context.args.at(2), context.args.at(3));
    no_group_for(key, group)
}

/// Returns the refusal of a command whose group does not exist while its key does.
pub(super) fn no_group_for(key: &[u8], group: &[u8]) -> CommandError {
    let before =
        CommandError::quoting("NOGROUP No such consumer group '", group, "' for key name ");
    let mut text = before.bytes().into_owned();
    text.extend_from_slice(&CommandError::quoting("'", key, "'").bytes());
    CommandError::Quoting(text)
}

fn create(context: &mut Context<'_>) -> Result<(), CommandError> {
    let options = options(context, true)?;
    let (key, args) = (context.key(2), context.args);
    let (name, start) = (args.at(3), args.at(4));
    let found = context.keys.get_mut(&key);
    let is_there = found.is_some();
    let is_new = match found {
        Some(mut entry) => {
            let mut stream = edit(&mut entry)?;
            let last_id = position(start, Some(&stream))?;
            let groups = &mut stream.parts_mut().groups;
            groups.create(name, last_id, options.entries_read).is_some()
        }
        None if options.creates_stream => {
            let last_id = position(start, None)?;
            let mut stream = Stream::new();
            stream.parts_mut().groups.create(name, last_id, options.entries_read);
            context.keys.create(&key, stream);
            true
        }
        None => return Err(NO_KEY),
    };
    if !is_new {
        return Err(CommandError::refused("BUSYGROUP Consumer Group name already exists"));
    }
    if is_there {
        // Its entries are as before for those who watch, track or wait for it.
        drop(context.keys.take_touched());
    }
    context.effects.changed(1);
    context.notify(Event::XGROUP_CREATE, &key);
    context.reply.ok();
    Ok(())
}

const SETID: Command = Command {
    name: "setid",
    arity: -5,
    flags: Flags::WRITE,
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    summary: "Makes a group read what follows another entry.",
    arguments: &[Argument::key("key"), NAME, NEW_ID, ENTRIES_READ],
    wakes_nobody: true,
    is_unobserved: true,
    run: set_id,
    ..Command::DEFAULT
};

fn set_id(context: &mut Context<'_>) -> Result<(), CommandError> {
    let options = options(context, false)?;
    let (key, args) = (context.key(2), context.args);
    let refusal = no_group(context);
    let mut entry = context.keys.get_mut(&key).ok_or(NO_KEY)?;
    let mut stream = edit(&mut entry)?;
    stream.groups().get(args.at(3)).ok_or(refusal.clone())?;
    let last_id = match args.at(4) {
        b"-" => StreamId::MIN,
        b"+" => StreamId::MAX,
        text => position(text, Some(&stream))?,
    };
    let mut group = stream.parts_mut().groups.get_mut(args.at(3)).ok_or(refusal)?;
    group.last_id = last_id;
    group.entries_read = options.entries_read;
    drop(group);
    drop(stream);
    context.effects.changed(1);
    context.notify(Event::XGROUP_SETID, &key);
    context.reply.ok();
    Ok(())
}

const DESTROY: Command = Command {
    name: "destroy",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N) in what the group has pending",
    summary: "Removes a group.",
    arguments: &[Argument::key("key"), NAME],
    is_unobserved: true,
    run: destroy,
    ..Command::DEFAULT
};

fn destroy(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args) = (context.key(2), context.args);
    let mut entry = context.keys.get_mut(&key).ok_or(NO_KEY)?;
    let was_there = edit(&mut entry)?.parts_mut().groups.remove(args.at(3));
    if was_there {
        context.effects.changed(1);
        context.notify(Event::XGROUP_DESTROY, &key);
    }
    context.reply.integer(i64::from(was_there));
    Ok(())
}

const CREATECONSUMER: Command = Command {
    name: "createconsumer",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::INSERT))],
    acl: Categories::STREAM,
    since: "6.2.0",
    group: Group::Stream,
    summary: "Creates a consumer in a group.",
    arguments: &[Argument::key("key"), NAME, CONSUMER],
    wakes_nobody: true,
    is_unobserved: true,
    run: create_consumer,
    ..Command::DEFAULT
};

fn create_consumer(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args, now_ms) = (context.key(2), context.args, context.now_ms);
    let refusal = no_group(context);
    let mut entry = context.keys.get_mut(&key).ok_or(NO_KEY)?;
    let mut stream = edit(&mut entry)?;
    let mut group = stream.parts_mut().groups.get_mut(args.at(3)).ok_or(refusal)?;
    let is_new = group.create_consumer(args.at(4), now_ms).is_some();
    drop(group);
    drop(stream);
    if is_new {
        context.effects.changed(1);
        context.notify(Event::XGROUP_CREATECONSUMER, &key);
    }
    context.reply.integer(i64::from(is_new));
    Ok(())
}

const DELCONSUMER: Command = Command {
    name: "delconsumer",
    arity: 5,
    flags: Flags::WRITE,
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N log M) with N entries pending for it and M for the group",
    summary: "Removes a consumer from a group, with what it has pending.",
    arguments: &[Argument::key("key"), NAME, CONSUMER],
    wakes_nobody: true,
    is_unobserved: true,
    run: delete_consumer,
    ..Command::DEFAULT
};

fn delete_consumer(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args) = (context.key(2), context.args);
    let refusal = no_group(context);
    let mut entry = context.keys.get_mut(&key).ok_or(NO_KEY)?;
    let mut stream = edit(&mut entry)?;
    let mut group = stream.parts_mut().groups.get_mut(args.at(3)).ok_or(refusal)?;
    let removed = group.remove_consumer(args.at(4));
    drop(group);
    drop(stream);
    if removed.is_some() {
        context.effects.changed(1);
        context.notify(Event::XGROUP_DELCONSUMER, &key);
    }
    context.reply.count(removed.unwrap_or(0));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    const NO_KEY: &str = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE \
         you may want to use the MKSTREAM option to create an empty stream automatically.";

    #[test]
    fn groups_and_consumers_come_and_go() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("XGROUP CREATE s g 0", NO_KEY),
            ("XGROUP CREATE s g $ MKSTREAM ENTRIESREAD 3", "OK"),
            ("XGROUP CREATE s g $", "BUSYGROUP Consumer Group name already exists"),
            ("XGROUP CREATECONSUMER s g c", "1"),
            ("XGROUP CREATECONSUMER s g c", "0"),
            ("XADD s 1-1 f v", "\"1-1\""),
            ("XREADGROUP GROUP g c STREAMS s >", "[[\"s\", [[\"1-1\", [\"f\", \"v\"]]]]]"),
            ("XGROUP DELCONSUMER s g c", "1"),
            ("XGROUP DELCONSUMER s g c", "0"),
            ("XGROUP SETID s g +", "OK"),
            ("XGROUP SETID s g -", "OK"),
            ("XREADGROUP GROUP g c STREAMS s >", "[[\"s\", [[\"1-1\", [\"f\", \"v\"]]]]]"),
            ("XGROUP DESTROY s g", "1"),
            ("XGROUP DESTROY s g", "0"),
        ]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut bench = Bench::new();
        let no_group = "NOGROUP No such consumer group 'x' for key name 's'";
        let see_help =
            "ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.";
        bench.expect(&[
            ("XADD s 1-1 f v", "\"1-1\""),
            ("XGROUP SETID s x 0", no_group),
            ("XGROUP SETID none x 0", NO_KEY),
            ("XGROUP CREATECONSUMER s x c", no_group),
            ("XGROUP DELCONSUMER s x c", no_group),
            ("XGROUP DESTROY none x", NO_KEY),
            ("XGROUP CREATE s g 0 FOO", see_help),
            ("XGROUP CREATE s g 0 ENTRIESREAD", see_help),
            (
                "XGROUP CREATE s g 0 ENTRIESREAD -2",
                "ERR value for ENTRIESREAD must be positive or -1",
            ),
            ("XGROUP CREATE s g -", "ERR Invalid stream ID specified as stream command argument"),
        ]);
    }
}
