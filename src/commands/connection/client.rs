//! CLIENT: the container, and its short subcommands.

use std::sync::atomic::Ordering;

use super::{kill, listing, names, pause, tracking};
use crate::commands::help;
use crate::config::Setting;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, ReplyMode,
};

const COMMANDS: &[Command] = &[
    tracking::CLIENT_CACHING,
    CLIENT_CAPA,
    names::CLIENT_GETNAME,
    tracking::CLIENT_GETREDIR,
    CLIENT_HELP,
    CLIENT_ID,
    CLIENT_IMPORT_SOURCE,
    listing::CLIENT_INFO,
    kill::CLIENT_KILL,
    listing::CLIENT_LIST,
    CLIENT_NO_EVICT,
    CLIENT_NO_TOUCH,
    pause::CLIENT_PAUSE,
    CLIENT_REPLY,
    names::CLIENT_SETINFO,
    names::CLIENT_SETNAME,
    tracking::CLIENT_TRACKING,
    tracking::CLIENT_TRACKINGINFO,
    pause::CLIENT_UNBLOCK,
    pause::CLIENT_UNPAUSE,
];

pub(super) const CLIENT: Command = Command {
    name: "client",
    arity: -2,
    since: "2.4.0",
    group: Group::Connection,
    complexity: "Depends on the subcommand.",
    summary: "Tells about connections and changes how they are treated.",
    subcommands: COMMANDS,
    ..Command::DEFAULT
};

const CLIENT_CAPA: Command = Command {
    name: "capa",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "8.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Says what the client can do besides the ordinary.",
    arguments: &[Argument::new("capability", ArgumentKind::String).multiple()],
    run: capa,
    ..Command::DEFAULT
};
fn capa(context: &mut Context<'_>) -> Result<(), CommandError> {
    // Words that are not known are capabilities of the future, not mistakes.
    if context.args.from(2).iter().any(|word| word.eq_ignore_ascii_case(b"redirect")) {
        // Relaxed, here and below: flags that stand for themselves.
        context.session.cell.can_redirect.store(true, Ordering::Relaxed);
    }
    context.reply.ok();
    Ok(())
}

const CLIENT_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "5.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const CLIENT_ID: Command = Command {
    name: "id",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "5.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Returns the number of the connection, which no other one ever gets.",
    run: id,
    ..Command::DEFAULT
};
fn id(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.integer(context.session.id().cast_signed());
    Ok(())
}

const CLIENT_IMPORT_SOURCE: Command = Command {
    name: "import-source",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "8.1.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Says whether the client imports data and so sees expired keys.",
    arguments: &[Argument::one_of(
        "enabled",
        &[Argument::word("on", "ON"), Argument::word("off", "OFF")],
    )],
    run: import_source,
    ..Command::DEFAULT
};
fn import_source(context: &mut Context<'_>) -> Result<(), CommandError> {
    if !context.engine.config.flag(Setting::ImportMode) && !context.args.is_word(2, "OFF") {
        return Err(CommandError::refused("ERR Server is not in import mode"));
    }
    let is_on = on_or_off(context)?;
    context.session.cell.is_import_source.store(is_on, Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

const CLIENT_NO_EVICT: Command = Command {
    name: "no-evict",
    arity: 3,
    flags: Flags::ADMIN
        .and(Flags::NOSCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "7.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Protects the connection from being closed to save memory, or not.",
    arguments: &[Argument::one_of(
        "enabled",
        &[Argument::word("on", "ON"), Argument::word("off", "OFF")],
    )],
    run: no_evict,
    ..Command::DEFAULT
};
fn no_evict(context: &mut Context<'_>) -> Result<(), CommandError> {
    let is_on = on_or_off(context)?;
    context.session.cell.no_evict.store(is_on, Ordering::Relaxed);
    context.engine.clients.look_again();
    context.reply.ok();
    Ok(())
}

const CLIENT_NO_TOUCH: Command = Command {
    name: "no-touch",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "7.2.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Lets the connection's reads leave no trace in how often and when keys were used, or not.",
    arguments: &[Argument::one_of(
        "enabled",
        &[Argument::word("on", "ON"), Argument::word("off", "OFF")],
    )],
    run: no_touch,
    ..Command::DEFAULT
};
fn no_touch(context: &mut Context<'_>) -> Result<(), CommandError> {
    let is_on = on_or_off(context)?;
    context.session.no_touch = is_on;
    context.session.cell.no_touch.store(is_on, Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

fn on_or_off(context: &Context<'_>) -> Result<bool, CommandError> {
    if context.args.is_word(2, "ON") {
        Ok(true)
    } else if context.args.is_word(2, "OFF") {
        Ok(false)
    } else {
        Err(CommandError::Syntax)
    }
}

const CLIENT_REPLY: Command = Command {
    name: "reply",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "3.2.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Chooses whether the server answers at all, or leaves out the next answer.",
    arguments: &[Argument::one_of(
        "action",
        &[Argument::word("on", "ON"), Argument::word("off", "OFF"), Argument::word("skip", "SKIP")],
    )],
    run: reply,
    ..Command::DEFAULT
};
fn reply(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    if args.is_word(2, "ON") {
        // What SKIP earlier in the same transaction leaves out is the reply behind EXEC; it stays so.
        if context.session.reply_mode != ReplyMode::SkipNext {
            context.session.reply_mode = ReplyMode::On;
        }
        context.reply.ok();
    } else if args.is_word(2, "OFF") {
        context.session.reply_mode = ReplyMode::Off;
    } else if args.is_word(2, "SKIP") {
        if context.session.reply_mode != ReplyMode::Off {
            context.session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::Syntax);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;
    use crate::engine::{Gauges, Session};

    #[test]
    fn no_answer_is_no_byte() {
        let mut bench = Bench::new();
        for line in ["CLIENT REPLY OFF", "PING", "NOTHING", "CLIENT REPLY SKIP", "PING"] {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            assert_eq!(bench.run(&words), b"", "{line}");
        }
        bench.expect(&[("CLIENT REPLY ON", "OK"), ("PING", "PONG")]);
        assert_eq!(bench.run(&[b"CLIENT", b"REPLY", b"SKIP"]), b"");
        assert_eq!(bench.run(&[b"PING"]), b"");
        bench.expect(&[("PING", "PONG")]);
        assert_eq!(bench.run(&[b"CLIENT", b"REPLY", b"SKIP"]), b"");
        bench.expect(&[("CLIENT REPLY ON", "OK"), ("PING", "PONG")]);
    }

    #[test]
    fn modes_show_in_the_flags() {
        let mut bench = Bench::new();
        assert!(bench.say("CLIENT INFO").contains(" flags=N "));
        bench.expect(&[
            ("CLIENT NO-EVICT on", "OK"),
            ("CLIENT NO-TOUCH on", "OK"),
            ("CLIENT NO-TOUCH x", "ERR syntax error"),
            ("CLIENT CAPA redirect future", "OK"),
            ("CLIENT IMPORT-SOURCE on", "ERR Server is not in import mode"),
        ]);
        let line = bench.say("CLIENT INFO");
        assert!(line.contains(" flags=eT ") && line.contains(" capa=r "), "{line}");
        bench.say("RESET");
        assert!(bench.say("CLIENT INFO").contains(" flags=N "));
    }

    fn client(bench: &Bench, bytes: u64) -> Session {
        let session = bench.worker.open(bench.session.cell.peer.clone());
        Gauges::set(&session.cell.gauges.reply_capacity_bytes, bytes);
        bench.engine.clients.count_memory(&session.cell);
        session
    }

    fn doomed(bench: &Bench, sessions: &[Session]) -> Vec<bool> {
        bench.engine.evict_clients(bench.worker.stats());
        sessions.iter().map(Session::is_doomed).collect()
    }

    #[test]
    fn the_largest_clients_go_until_the_rest_is_below_the_limit() {
        let mut bench = Bench::with_settings("maxmemory-clients 10mb");
        let mut sessions = [5_u64, 1, 3].map(|size| client(&bench, size << 20));
        assert_eq!(doomed(&bench, &sessions), [false; 3]);
        bench.say("CONFIG SET maxmemory-clients 8mb");
        assert_eq!(doomed(&bench, &sessions), [true, false, false]);
        assert!(!bench.say("CLIENT LIST").contains("id=2 "), "it is as good as closed");
        bench.say("CONFIG SET maxmemory-clients 0");
        bench.say("CONFIG SET maxmemory 10mb maxmemory-clients 20%");
        assert_eq!(doomed(&bench, &sessions), [true, false, true]);
        assert!(bench.say("INFO stats").contains("evicted_clients:2"));
        sessions.iter_mut().for_each(|session| bench.worker.close(session));
        bench.say("CONFIG SET maxmemory-clients 1mb");
        assert!(doomed(&bench, &sessions[1..2]) == [false] && !bench.session.is_doomed());
    }

    #[test]
    fn who_may_not_be_evicted_counts_but_stays() {
        let mut bench = Bench::with_settings("maxmemory-clients 4mb");
        bench.say("CLIENT NO-EVICT on");
        let sessions = [5_u64, 2].map(|size| client(&bench, size << 20));
        sessions[0].cell.no_evict.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(doomed(&bench, &sessions), [false, true]);
        sessions[0].cell.no_evict.store(false, std::sync::atomic::Ordering::Relaxed);
        bench.say("CLIENT NO-EVICT off");
        assert_eq!(doomed(&bench, &sessions), [true, true]);
        assert!(!bench.session.is_doomed());
    }
}
