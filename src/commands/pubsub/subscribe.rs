//! SUBSCRIBE, UNSUBSCRIBE and their forms for patterns and shard channels.

use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::pubsub::Space;

const FLAGS: Flags = Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);
const SHARD_CHANNELS: &[KeySpec] = &[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)];

pub(super) const SUBSCRIBE: Command = Command {
    name: "subscribe",
    arity: -2,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) in the channels",
    summary: "Listens to channels.",
    arguments: &[Argument::new("channel", ArgumentKind::String).multiple()],
    while_subscribed: true,
    run: |context| subscribe(context, Space::Channel),
    ..Command::DEFAULT
};

pub(super) const PSUBSCRIBE: Command = Command {
    name: "psubscribe",
    arity: -2,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) in the patterns",
    summary: "Listens to all channels whose names match patterns.",
    arguments: &[Argument::new("pattern", ArgumentKind::Pattern).multiple()],
    while_subscribed: true,
    run: |context| subscribe(context, Space::Pattern),
    ..Command::DEFAULT
};

pub(super) const SSUBSCRIBE: Command = Command {
    name: "ssubscribe",
    arity: -2,
    flags: FLAGS,
    keys: SHARD_CHANNELS,
    acl: Categories::NONE,
    since: "7.0.0",
    group: Group::PubSub,
    complexity: "O(N) in the channels",
    summary: "Listens to shard channels.",
    arguments: &[Argument::new("shardchannel", ArgumentKind::String).multiple()],
    while_subscribed: true,
    run: ssubscribe,
    ..Command::DEFAULT
};

fn ssubscribe(context: &mut Context<'_>) -> Result<(), CommandError> {
    const REFUSAL: CommandError =
        CommandError::refused("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
    if context.session.refuses_to_wait {
        return Err(REFUSAL);
    }
    subscribe(context, Space::ShardChannel)
}

fn subscribe(context: &mut Context<'_>, space: Space) -> Result<(), CommandError> {
    for name in context.args.from(1).iter() {
        context.engine.subscribe(context.session, space, name);
        confirm(context, begin_word(space), Some(name), space);
    }
    Ok(())
}

pub(super) const UNSUBSCRIBE: Command = Command {
    name: "unsubscribe",
    arity: -1,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) in the channels",
    summary: "Stops listening to channels, to all without any given.",
    arguments: &[Argument::new("channel", ArgumentKind::String).optional().multiple()],
    while_subscribed: true,
    run: |context| unsubscribe(context, Space::Channel),
    ..Command::DEFAULT
};

pub(super) const PUNSUBSCRIBE: Command = Command {
    name: "punsubscribe",
    arity: -1,
    flags: FLAGS,
    acl: Categories::NONE,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) in the patterns",
    summary: "Stops listening to channels by patterns, by all without any given.",
    arguments: &[Argument::new("pattern", ArgumentKind::Pattern).optional().multiple()],
    while_subscribed: true,
    run: |context| unsubscribe(context, Space::Pattern),
    ..Command::DEFAULT
};

pub(super) const SUNSUBSCRIBE: Command = Command {
    name: "sunsubscribe",
    arity: -1,
    flags: FLAGS,
    keys: SHARD_CHANNELS,
    acl: Categories::NONE,
    since: "7.0.0",
    group: Group::PubSub,
    complexity: "O(N) in the channels",
    summary: "Stops listening to shard channels, to all without any given.",
    arguments: &[Argument::new("shardchannel", ArgumentKind::String).optional().multiple()],
    while_subscribed: true,
    run: |context| unsubscribe(context, Space::ShardChannel),
    ..Command::DEFAULT
};

fn unsubscribe(context: &mut Context<'_>, space: Space) -> Result<(), CommandError> {
    let engine = context.engine;
    if context.args.len() > 1 {
        for name in context.args.from(1).iter() {
            engine.unsubscribe(context.session, space, name);
            confirm(context, end_word(space), Some(name), space);
        }
        return Ok(());
    }
    let names = context.session.subscriptions.names(space);
    for name in &names {
        engine.unsubscribe(context.session, space, name);
        confirm(context, end_word(space), Some(name), space);
    }
    if names.is_empty() {
        confirm(context, end_word(space), None, space);
    }
    Ok(())
}

fn begin_word(space: Space) -> &'static [u8] {
    match space {
        Space::Channel => b"subscribe",
        Space::Pattern => b"psubscribe",
        Space::ShardChannel => b"ssubscribe",
    }
}

fn end_word(space: Space) -> &'static [u8] {
    match space {
        Space::Channel => b"unsubscribe",
        Space::Pattern => b"punsubscribe",
        Space::ShardChannel => b"sunsubscribe",
    }
}

/// Tells the client what has become of a subscription, and how many it has of that kind: channels and
/// patterns count together.
fn confirm(context: &mut Context<'_>, word: &[u8], name: Option<&[u8]>, space: Space) {
    let own = &context.session.subscriptions;
    let count = match space {
        Space::Channel | Space::Pattern => own.len(Space::Channel) + own.len(Space::Pattern),
        Space::ShardChannel => own.len(Space::ShardChannel),
    };
    context.reply.push(3);
    context.reply.bulk(word);
    match name {
        Some(name) => context.reply.bulk(name),
        None => context.reply.null(),
    }
    context.reply.count(count);
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn subscriptions_are_confirmed_one_by_one() {
        let mut bench = Bench::new();
        assert_eq!(
            bench.run(&[b"SUBSCRIBE", b"a", b"b", b"a"]),
            b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n\
              *3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n"
        );
        bench.expect(&[
            ("PSUBSCRIBE p*", "[\"psubscribe\", \"p*\", 3]"),
            ("SSUBSCRIBE s", "[\"ssubscribe\", \"s\", 1]"),
            ("UNSUBSCRIBE a", "[\"unsubscribe\", \"a\", 2]"),
            ("UNSUBSCRIBE x", "[\"unsubscribe\", \"x\", 2]"),
            ("UNSUBSCRIBE", "[\"unsubscribe\", \"b\", 1]"),
            ("UNSUBSCRIBE", "[\"unsubscribe\", (nil), 1]"),
            ("PUNSUBSCRIBE", "[\"punsubscribe\", \"p*\", 0]"),
            ("SUNSUBSCRIBE", "[\"sunsubscribe\", \"s\", 0]"),
            ("SUNSUBSCRIBE", "[\"sunsubscribe\", (nil), 0]"),
        ]);
        assert!(bench.engine.pubsub.is_silent());
    }

    #[test]
    fn a_listening_client_of_the_old_protocol_may_run_few_commands() {
        let mut bench = Bench::new();
        let refusal = "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
                       this context";
        bench.expect(&[
            ("SUBSCRIBE a", "[\"subscribe\", \"a\", 1]"),
            ("GET k", &format!("ERR Can't execute 'get': {refusal}")),
            ("CLIENT LIST", &format!("ERR Can't execute 'client|list': {refusal}")),
            ("PUBLISH a b", &format!("ERR Can't execute 'publish': {refusal}")),
            ("PING", "[\"pong\", \"\"]"),
            ("PING hi", "[\"pong\", \"hi\"]"),
            ("UNSUBSCRIBE", "[\"unsubscribe\", \"a\", 0]"),
            ("PING", "PONG"),
            ("SSUBSCRIBE a", "[\"ssubscribe\", \"a\", 1]"),
            ("GET k", &format!("ERR Can't execute 'get': {refusal}")),
            ("RESET", "RESET"),
            ("GET k", "(nil)"),
        ]);
        assert!(bench.engine.pubsub.is_silent());
    }

    #[test]
    fn a_transaction_may_listen_to_channels_but_not_to_shard_channels() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("MULTI", "OK"),
            ("SSUBSCRIBE s", "QUEUED"),
            ("SUBSCRIBE a", "QUEUED"),
            ("PSUBSCRIBE p*", "QUEUED"),
            (
                "EXEC",
                "[ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client, \
                 [\"subscribe\", \"a\", 1], [\"psubscribe\", \"p*\", 2]]",
            ),
            ("SUNSUBSCRIBE", "[\"sunsubscribe\", (nil), 0]"),
            ("SSUBSCRIBE s", "[\"ssubscribe\", \"s\", 1]"),
            // A refused EXEC says that nothing has run, and of a transaction that it is over.
            (
                "EXEC",
                "EXECABORT Transaction discarded because of: Can't execute 'exec': only \
                 (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
            ),
        ]);
    }

    #[test]
    fn a_client_of_the_new_protocol_may_run_any_command() {
        let mut bench = Bench::new();
        bench.run(&[b"HELLO", b"3"]);
        assert_eq!(bench.run(&[b"SUBSCRIBE", b"a"]), b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
        bench.expect(&[("PING", "PONG"), ("GET k", "(nil)")]);
        let line = bench.say("CLIENT LIST");
        assert!(line.contains(" flags=P db=0 sub=1 psub=0 ssub=0 "), "{line}");
        assert!(bench.say("CLIENT LIST TYPE pubsub").contains("id=1 "));
        assert!(!bench.say("CLIENT LIST TYPE normal").contains("id=1 "));
    }

    #[test]
    fn confirmations_are_messages_that_client_reply_does_not_hold_back() {
        let mut bench = Bench::new();
        bench.run(&[b"CLIENT", b"REPLY", b"OFF"]);
        bench.expect(&[("SUBSCRIBE a", "[\"subscribe\", \"a\", 1]")]);
    }
}
