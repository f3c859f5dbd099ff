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
    context.effects.repeat_on_replicas();
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
    context.effects.repeat_on_replicas();
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
        ]);
        // The client's own messages stand behind the reply.
        assert_eq!(
            bench.run(&[b"PUBLISH", b"news", b"hi"]),
            b":2\r\n>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n\
              >4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
        );
        bench.expect(&[
            ("SPUBLISH news hi", "0"),
            ("SSUBSCRIBE news", "[\"ssubscribe\", \"news\", 1]"),
        ]);
        assert_eq!(
            bench.run(&[b"SPUBLISH", b"news", b"hi"]),
            b":1\r\n>3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
        );
    }

    #[test]
    fn a_message_is_an_effect_and_no_change() {
        let mut bench = Bench::new();
        bench.expect_effects("PUBLISH news hi", &["replicas 0: PUBLISH news hi"]);
        bench.expect_effects("SPUBLISH news hi", &["replicas 0: SPUBLISH news hi"]);
        bench.expect(&[("MULTI", "OK"), ("PUBLISH a b", "QUEUED"), ("SET k 1", "QUEUED")]);
        bench.expect_effects(
            "EXEC",
            &["0: MULTI", "replicas 0: PUBLISH a b", "0: SET k 1", "0: EXEC"],
        );
        bench.effects();
        let script: &[&[u8]] = &[b"EVAL", b"return redis.call('publish', 'a', 'b')", b"0"];
        assert_eq!(
            (bench.tell(script), bench.effects()),
            ("0".into(), vec!["replicas 0: publish a b".into()])
        );
        bench.say("MULTI");
        bench.tell(script);
        bench.expect_effects("EXEC", &["replicas 0: publish a b"]);
        assert_eq!(bench.change_count(), 1);
    }
}
