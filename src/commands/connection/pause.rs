//! CLIENT PAUSE, UNPAUSE and UNBLOCK: letting clients wait, and go on.

use crate::base::text;
use crate::commands::help;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, PauseKind,
    WorkerMessage,
};

pub(super) const CLIENT_PAUSE: Command = Command {
    name: "pause",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "3.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Lets all clients wait for a while, or those that write.",
    arguments: &[
        Argument::new("timeout", ArgumentKind::Integer),
        Argument::one_of("mode", &[Argument::word("write", "WRITE"), Argument::word("all", "ALL")])
            .optional()
            .since("6.2.0"),
    ],
    run: pause,
    ..Command::DEFAULT
};
fn pause(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let kind = match args.len() {
        3 => PauseKind::All,
        4 if args.is_word(3, "WRITE") => PauseKind::Writes,
        4 if args.is_word(3, "ALL") => PauseKind::All,
        4 => {
            return Err(CommandError::refused("ERR CLIENT PAUSE mode must be WRITE or ALL"));
        }
        _ => return Err(help::see_help(context)),
    };
    let end_ms = end_of_pause(args.at(2), context.now_ms)?;
    context.engine.pause.begin(kind, context.now_ms, end_ms);
    context.reply.ok();
    Ok(())
}

fn end_of_pause(timeout: &[u8], now_ms: u64) -> Result<u64, CommandError> {
    let timeout_ms = text::parse_i64(timeout)
        .ok_or(CommandError::refused("ERR timeout is not an integer or out of range"))?;
    if timeout_ms < 0 {
        return Err(CommandError::refused("ERR timeout is negative"));
    }
    let end_ms = now_ms.cast_signed().checked_add(timeout_ms);
    end_ms.map(i64::unsigned_abs).ok_or(CommandError::refused("ERR timeout is out of range"))
}

pub(super) const CLIENT_UNPAUSE: Command = Command {
    name: "unpause",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "6.2.0",
    group: Group::Connection,
    complexity: "O(N) with N waiting clients",
    summary: "Lets waiting clients go on.",
    run: unpause,
    ..Command::DEFAULT
};
fn unpause(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.engine.pause.end();
    context.engine.tell_all(|| WorkerMessage::Resume);
    context.reply.ok();
    Ok(())
}

pub(super) const CLIENT_UNBLOCK: Command = Command {
    name: "unblock",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "5.0.0",
    group: Group::Connection,
    complexity: "O(log N) with N connections",
    summary: "Ends the waiting of a client that waits for data.",
    arguments: &[
        Argument::new("client-id", ArgumentKind::Integer),
        Argument::one_of(
            "unblock-type",
            &[Argument::word("timeout", "TIMEOUT"), Argument::word("error", "ERROR")],
        )
        .optional(),
    ],
    run: unblock,
    ..Command::DEFAULT
};
const UNBLOCKED: CommandError =
    CommandError::refused("UNBLOCKED client unblocked via CLIENT UNBLOCK");

fn unblock(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    match args.len() {
        3 => {}
        4 if args.is_word(3, "TIMEOUT") || args.is_word(3, "ERROR") => {}
        4 => {
            return Err(CommandError::refused(
                "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            ));
        }
        _ => return Err(help::see_help(context)),
    }
    let id = u64::try_from(context.integer(2)?).ok();
    let client = id.and_then(|id| context.engine.clients.find(id));
    let is_unblocked = client.is_some_and(|client| {
        if args.is_word(3, "ERROR") {
            context.engine.break_wait(&client, &UNBLOCKED)
        } else {
            context.engine.end_wait(&client)
        }
    });
    context.reply.integer(i64::from(is_unblocked));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_pause_of_writes_holds_writes_back_only() {
        let mut bench = Bench::new();
        bench.expect(&[("CLIENT PAUSE 1000 WRITE", "OK"), ("GET a", "(nil)")]);
        assert_eq!(bench.run(&[b"SET", b"a", b"1"]), b"");
        let clients = bench.say("INFO clients");
        assert!(clients.contains("paused_reason:client_pause"), "{clients}");
        assert!(clients.contains("paused_timeout_milliseconds:1000"), "{clients}");
        bench.expect(&[("CLIENT UNPAUSE", "OK"), ("SET a 1", "OK")]);
    }

    #[test]
    fn nothing_expires_during_a_pause() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1 PX 100", "OK"),
            ("HSET h f 1", "1"),
            ("CLIENT PAUSE 1000 WRITE", "OK"),
        ]);
        bench.effects();
        bench.advance(100);
        bench.expect(&[
            ("GET a", "(nil)"),
            ("EXISTS a", "0"),
            ("KEYS *", "[\"h\"]"),
            ("DBSIZE", "2"),
        ]);
        assert!(!bench.worker.tick());
        assert_eq!(bench.effects(), [""; 0]);
        bench.expect(&[("CLIENT UNPAUSE", "OK"), ("GET a", "(nil)"), ("DBSIZE", "1")]);
        assert_eq!(bench.effects(), ["0: DEL a"]);
    }

    #[test]
    fn nothing_is_evicted_during_a_pause() {
        let mut bench = Bench::with_settings("maxmemory-policy allkeys-lru");
        bench.say(&format!("SET a {}", "x".repeat(3 << 20)));
        bench.expect(&[("CLIENT PAUSE 1000 WRITE", "OK"), ("CONFIG SET maxmemory 1mb", "OK")]);
        bench.expect(&[("EXISTS a", "1")]);
        bench.expect(&[("CLIENT UNPAUSE", "OK"), ("EXISTS a", "0")]);
    }

    #[test]
    fn a_waiting_client_counts_as_blocked() {
        let mut bench = Bench::new();
        bench.say("CLIENT PAUSE 1000 ALL");
        assert_eq!(bench.run(&[b"PING"]), b"");
        assert_eq!(bench.engine.clients.postponed_count(), 1);
        bench.advance(1000);
        bench.expect(&[("PING", "PONG")]);
        assert_eq!(bench.engine.clients.postponed_count(), 0);
    }
}
