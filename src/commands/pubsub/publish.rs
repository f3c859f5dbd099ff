//! PUBLISH and SPUBLISH.

use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};

const FLAGS: Flags =
    Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::MAY_REPLICATE);

pub(super) const PUBLISH: Command = Command {
    name: "publish",
    arity: 3,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N + M) with N subscribers of the channel and M patterns of all clients",
    summary: "Sends a message to all who listen to a channel.",
    arguments: &[
        Argument::new("channel", ArgumentKind::String),
        Argument::new("message", ArgumentKind::String),
    ],
    run: publish,
    ..Command::DEFAULT
};

fn publish(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = context.publish(context.args.at(1), context.args.at(2));
    context.reply.count(count);
    Ok(())
}

pub(super) const SPUBLISH: Command = Command {
    name: "spublish",
    arity: 3,
    flags: FLAGS,
    keys: &[KeySpec::one(1, KeyFlags::NOT_KEY)],
    acl: Categories::NONE,
    since: "7.0.0",
    group: Group::PubSub,
    complexity: "O(N) with N subscribers of the channel",
    summary: "Sends a message to all who listen to a shard channel.",
    arguments: &[
        Argument::new("shardchannel", ArgumentKind::String),
        Argument::new("message", ArgumentKind::String),
    ],
    run: spublish,
    ..Command::DEFAULT
};

fn spublish(context: &mut Context<'_>) -> Result<(), CommandError> {
    let count = context.publish_to_shard(context.args.at(1), context.args.at(2));
    context.reply.count(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn the_reply_is_the_number_of_listeners() {
        let mut bench = Bench::new();
        bench.run(&[b"HELLO", b"3"]);
        bench.expect(&[
            ("PUBLISH news hi", "0"),
            ("SUBSCRIBE news", "[\"subscribe\", \"news\", 1]"),
            ("PSUBSCRIBE n*", "[\"psubscribe\", \"n*\", 2]"),
            ("PUBLISH news hi", "2"),
            ("SPUBLISH news hi", "0"),
            ("SSUBSCRIBE news", "[\"ssubscribe\", \"news\", 1]"),
            ("SPUBLISH news hi", "1"),
        ]);
    }
}
