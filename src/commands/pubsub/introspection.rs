//! PUBSUB: who listens to what.

use crate::base::glob;
use crate::commands::help;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
};
use crate::pubsub::Space;

const FLAGS: Flags = Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE);

pub(super) const PUBSUB: Command = Command {
    name: "pubsub",
    arity: -2,
    since: "2.8.0",
    group: Group::PubSub,
    complexity: "Depends on the subcommand.",
    summary: "Tells about channels, patterns and their subscribers.",
    subcommands: &[CHANNELS, HELP, NUMPAT, NUMSUB, SHARDCHANNELS, SHARDNUMSUB],
    ..Command::DEFAULT
};

const PATTERN: &[Argument] = &[Argument::new("pattern", ArgumentKind::Pattern).optional()];

const CHANNELS: Command = Command {
    name: "channels",
    arity: -2,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "2.8.0",
    group: Group::PubSub,
    complexity: "O(N) in the channels with subscribers",
    summary: "Lists channels with subscribers, those that match a pattern if one is given.",
    arguments: PATTERN,
    run: |context| names(context, Space::Channel),
    ..Command::DEFAULT
};

const SHARDCHANNELS: Command = Command {
    name: "shardchannels",
    arity: -2,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "7.0.0",
    group: Group::PubSub,
    complexity: "O(N) in the shard channels with subscribers",
    summary: "Lists shard channels with subscribers, those that match a pattern if one is given.",
    arguments: PATTERN,
    run: |context| names(context, Space::ShardChannel),
    ..Command::DEFAULT
};

fn names(context: &mut Context<'_>, space: Space) -> Result<(), CommandError> {
    if context.args.len() > 3 {
        return Err(help::see_help(context));
    }
    let mut names = context.engine.pubsub.names(space);
    if let Some(pattern) = context.args.get(2) {
        names.retain(|name| glob::matches(pattern, name, false));
    }
    context.reply.array(names.len());
    names.iter().for_each(|name| context.reply.bulk(name));
    Ok(())
}

const NUMSUB: Command = Command {
    name: "numsub",
    arity: -2,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "2.8.0",
    group: Group::PubSub,
    complexity: "O(N) in the channels asked about",
    summary: "Counts the subscribers of channels, without those by patterns.",
    arguments: &[Argument::new("channel", ArgumentKind::String).optional().multiple()],
    run: |context| counts(context, Space::Channel),
    ..Command::DEFAULT
};

const SHARDNUMSUB: Command = Command {
    name: "shardnumsub",
    arity: -2,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "7.0.0",
    group: Group::PubSub,
    complexity: "O(N) in the shard channels asked about",
    summary: "Counts the subscribers of shard channels.",
    arguments: &[Argument::new("shardchannel", ArgumentKind::String).optional().multiple()],
    run: |context| counts(context, Space::ShardChannel),
    ..Command::DEFAULT
};

fn counts(context: &mut Context<'_>, space: Space) -> Result<(), CommandError> {
    let names = context.args.from(2);
    context.reply.array(2 * names.len());
    for name in names.iter() {
        let count = context.engine.pubsub.subscriber_count(space, name);
        context.reply.bulk(name);
        context.reply.count(count);
    }
    Ok(())
}

const NUMPAT: Command = Command {
    name: "numpat",
    arity: 2,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "2.8.0",
    group: Group::PubSub,
    summary: "Counts the patterns with subscribers.",
    run: numpat,
    ..Command::DEFAULT
};

fn numpat(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.count(context.engine.pubsub.name_count(Space::Pattern));
    Ok(())
}

const HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "6.2.0",
    group: Group::PubSub,
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn channels_and_their_subscribers_can_be_asked_for() {
        let mut bench = Bench::new();
        bench.run(&[b"HELLO", b"3"]);
        bench.expect(&[
            ("PUBSUB CHANNELS", "[]"),
            ("SUBSCRIBE news", "[\"subscribe\", \"news\", 1]"),
            ("PSUBSCRIBE n*", "[\"psubscribe\", \"n*\", 2]"),
            ("SSUBSCRIBE shard", "[\"ssubscribe\", \"shard\", 1]"),
            ("PUBSUB CHANNELS", "[\"news\"]"),
            ("PUBSUB CHANNELS x*", "[]"),
            ("PUBSUB SHARDCHANNELS s*", "[\"shard\"]"),
            ("PUBSUB NUMSUB news other", "[\"news\", 1, \"other\", 0]"),
            ("PUBSUB NUMSUB", "[]"),
            ("PUBSUB SHARDNUMSUB shard", "[\"shard\", 1]"),
            ("PUBSUB NUMPAT", "1"),
            ("PUNSUBSCRIBE", "[\"punsubscribe\", \"n*\", 1]"),
            ("PUBSUB NUMPAT", "0"),
        ]);
        assert!(bench.say("INFO stats").contains("pubsub_channels:1"));
        assert!(bench.say("INFO clients").contains("pubsub_clients:1"));
    }
}
