//! How a connection begins and ends: signing in, protocol and database, signs of life, good-bye.

use std::sync::atomic::Ordering;

use super::names;
use crate::base::text;
use crate::commands::REDIS_VERSION;
use crate::config::Setting;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, ClientNames, Command, CommandError, Context, Flags,
    Group, InTransaction, ReplyMode,
};
use crate::resp::Protocol;
use crate::stats::Counter;

/// The one user there is.
const DEFAULT_USER: &[u8] = b"default";

const WRONG_PASSWORD: CommandError =
    CommandError::refused("WRONGPASS invalid username-password pair or user is disabled.");

pub(super) const AUTH: Command = Command {
    name: "auth",
    arity: -2,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(N) with N passwords of the user",
    summary: "Signs in with a password, and with a user name if one is given.",
    arguments: &[
        Argument::new("username", ArgumentKind::String).optional().since("6.0.0"),
        Argument::new("password", ArgumentKind::String),
    ],
    run: auth,
    ..Command::DEFAULT
};
fn auth(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (user, password_index) = match context.args.len() {
        2 => {
            context.redact(1);
            if !context.engine.requires_password() {
                return Err(CommandError::refused(
                    "ERR AUTH <password> called without any password configured for the default \
                     user. Are you sure your configuration is correct?",
                ));
            }
            (DEFAULT_USER, 1)
        }
        3 => {
            context.redact(1);
            context.redact(2);
            (context.args.at(1), 2)
        }
        _ => return Err(CommandError::Syntax),
    };
    let password = context.args.at(password_index);
    sign_in(context, user, password)?;
    context.reply.ok();
    Ok(())
}

/// Signs the client in, or counts the refusal.
fn sign_in(context: &mut Context<'_>, user: &[u8], password: &[u8]) -> Result<(), CommandError> {
    let expected = context.engine.config.text(Setting::Requirepass);
    let is_right = expected.is_empty() || is_same_secret(&expected, password);
    if user != DEFAULT_USER || !is_right {
        context.stats().add(Counter::AclDeniedAuth, 1);
        return Err(WRONG_PASSWORD);
    }
    context.session.is_authenticated = true;
    Ok(())
}

/// Compares in a time that tells nothing about where the two differ.
fn is_same_secret(expected: &[u8], given: &[u8]) -> bool {
    let differences = expected.len() ^ given.len();
    let pairs = (0..given.len()).map(|index| given[index] ^ expected[index % expected.len()]);
    differences | usize::from(pairs.fold(0, |all, pair| all | pair)) == 0
}

pub(super) const ECHO: Command = Command {
    name: "echo",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    acl: Categories::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Returns the message it was given.",
    arguments: &[Argument::new("message", ArgumentKind::String)],
    run: echo,
    ..Command::DEFAULT
};
fn echo(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.bulk(context.args.at(1));
    Ok(())
}

pub(super) const HELLO: Command = Command {
    name: "hello",
    arity: -1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "6.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Agrees on a protocol version and describes the server; may sign in and name the client.",
    arguments: &[Argument::block(
        "arguments",
        &[
            Argument::new("protover", ArgumentKind::Integer),
            Argument::block(
                "auth",
                &[
                    Argument::new("username", ArgumentKind::String),
                    Argument::new("password", ArgumentKind::String),
                ],
            )
            .after("AUTH")
            .optional(),
            Argument::new("clientname", ArgumentKind::String).after("SETNAME").optional(),
        ],
    )
    .optional()],
    run: hello,
    ..Command::DEFAULT
};
fn hello(context: &mut Context<'_>) -> Result<(), CommandError> {
    let wishes = read_hello(context)?;
    if let Some((user, password)) = wishes.sign_in {
        sign_in(context, user, password)?;
    }
    if !context.session.is_authenticated {
        return Err(CommandError::refused(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = wishes.name {
        context.session.cell.names.lock().name = name;
    }
    if let Some(protocol) = wishes.protocol {
        choose_protocol(context, protocol);
    }
    reply_greeting(context);
    Ok(())
}

#[derive(Default)]
struct Wishes<'a> {
    protocol: Option<Protocol>,
    sign_in: Option<(&'a [u8], &'a [u8])>,
    name: Option<String>,
}

fn read_hello<'a>(context: &mut Context<'a>) -> Result<Wishes<'a>, CommandError> {
    let args = context.args;
    let mut wishes = Wishes::default();
    let Some(version) = args.get(1) else { return Ok(wishes) };
    wishes.protocol = Some(match text::parse_i64(version) {
        Some(2) => Protocol::Resp2,
        Some(3) => Protocol::Resp3,
        Some(_) => return Err(CommandError::refused("NOPROTO unsupported protocol version")),
        None => {
            return Err(CommandError::refused(
                "ERR Protocol version is not an integer or out of range",
            ));
        }
    });
    let mut index = 2;
    while index < args.len() {
        if args.is_word(index, "AUTH") && index + 2 < args.len() {
            context.redact(index + 1);
            context.redact(index + 2);
            wishes.sign_in = Some((args.at(index + 1), args.at(index + 2)));
            index += 3;
        } else if args.is_word(index, "SETNAME") && index + 1 < args.len() {
            wishes.name = Some(names::checked_name(args.at(index + 1))?);
            index += 2;
        } else {
            let option = args.at(index);
            return Err(CommandError::quoting("ERR Syntax error in HELLO option '", option, "'"));
        }
    }
    Ok(wishes)
}

fn choose_protocol(context: &mut Context<'_>, protocol: Protocol) {
    context.reply.set_protocol(protocol);
    // Relaxed: CLIENT LIST shows it, nothing is ordered by it.
    context.session.cell.is_resp3.store(protocol == Protocol::Resp3, Ordering::Relaxed);
}

fn reply_greeting(context: &mut Context<'_>) {
    let id = i64::try_from(context.session.id()).unwrap_or(i64::MAX);
    let reply = &mut *context.reply;
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.integer(if reply.protocol() == Protocol::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(id);
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
}

pub(super) const PING: Command = Command {
    name: "ping",
    arity: -1,
    flags: Flags::FAST,
    acl: Categories::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Answers PONG, or the message it was given.",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[Argument::new("message", ArgumentKind::String).optional()],
    while_subscribed: true,
    run: ping,
    ..Command::DEFAULT
};
fn ping(context: &mut Context<'_>) -> Result<(), CommandError> {
    let listens = !context.session.subscriptions.is_empty();
    match context.args.len() {
        1 | 2 if listens && context.reply.protocol() == Protocol::Resp2 => {
            // In the shape of a message, so that the client can tell it from the others.
            context.reply.array(2);
            context.reply.bulk(b"pong");
            context.reply.bulk(context.args.get(1).unwrap_or_default());
        }
        1 => context.reply.simple("PONG"),
        2 => context.reply.bulk(context.args.at(1)),
        _ => return Err(context.wrong_arity()),
    }
    Ok(())
}

pub(super) const QUIT: Command = Command {
    name: "quit",
    arity: -1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Answers OK and closes the connection.",
    deprecated: Some(("7.2.0", "just closing the connection")),
    in_transaction: InTransaction::Runs,
    while_subscribed: true,
    run: quit,
    ..Command::DEFAULT
};
fn quit(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.session.closes = true;
    context.session.cell.tracking.leave();
    context.reply.ok();
    Ok(())
}

pub(super) const RESET: Command = Command {
    name: "reset",
    arity: 1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "6.2.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Puts the connection into the state it began in.",
    in_transaction: InTransaction::Runs,
    while_subscribed: true,
    run: reset,
    ..Command::DEFAULT
};
fn reset(context: &mut Context<'_>) -> Result<(), CommandError> {
    choose_protocol(context, Protocol::Resp2);
    context.engine.end_subscriptions(context.session);
    let is_open = !context.engine.requires_password();
    context.engine.unwatch(&mut context.session.watches);
    context.engine.untrack(context.session);
    context.engine.end_monitoring(context.session);
    let session = &mut *context.session;
    session.transaction = None;
    session.select(0);
    session.is_authenticated = is_open;
    if session.reply_mode != ReplyMode::SkipThis {
        session.reply_mode = ReplyMode::On;
    }
    session.no_touch = false;
    let cell = &session.cell;
    // Relaxed: flags that stand for themselves.
    cell.no_touch.store(false, Ordering::Relaxed);
    cell.no_evict.store(false, Ordering::Relaxed);
    cell.is_import_source.store(false, Ordering::Relaxed);
    let mut names = cell.names.lock();
    *names = ClientNames {
        name: String::new(),
        user: String::from_utf8_lossy(DEFAULT_USER).into(),
        ..std::mem::take(&mut *names)
    };
    drop(names);
    context.reply.simple("RESET");
    Ok(())
}

pub(super) const SELECT: Command = Command {
    name: "select",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Chooses the database for the commands that follow.",
    arguments: &[Argument::new("index", ArgumentKind::Integer)],
    selects: Some(chosen_database),
    run: select,
    ..Command::DEFAULT
};
/// Returns the database a SELECT names, if it makes sense.
fn chosen_database(args: Args<'_>) -> Option<u32> {
    let number = args.get(1).and_then(text::parse_i64)?;
    u32::try_from(number).ok()
}

fn select(context: &mut Context<'_>) -> Result<(), CommandError> {
    let db = context.database(1)?;
    context.session.select(db);
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_same_secret;
    use crate::commands::testing::Bench;

    #[test]
    fn secrets_are_the_same_only_as_a_whole() {
        assert!(is_same_secret(b"secret", b"secret"));
        for given in ["", "s", "secre", "secretx", "secretsecret", "Secret"] {
            assert!(!is_same_secret(b"secret", given.as_bytes()), "{given}");
        }
    }

    #[test]
    fn a_stranger_may_only_sign_in() {
        let mut bench = Bench::with_settings("requirepass secret");
        bench.expect(&[
            ("GET a", "NOAUTH Authentication required."),
            ("NOTHING", "NOAUTH Authentication required."),
            ("AUTH wrong", "WRONGPASS invalid username-password pair or user is disabled."),
            ("AUTH nobody secret", "WRONGPASS invalid username-password pair or user is disabled."),
            ("AUTH default secret", "OK"),
            ("GET a", "(nil)"),
            ("RESET", "RESET"),
            ("GET a", "NOAUTH Authentication required."),
            (
                "HELLO 2 AUTH default wrong",
                "WRONGPASS invalid username-password pair or user is disabled.",
            ),
        ]);
        assert_eq!(bench.say("AUTH secret"), "OK");
        assert!(bench.say("INFO stats").contains("acl_access_denied_auth:3"));
    }

    #[test]
    fn a_stranger_gets_in_once_the_password_is_gone() {
        let mut bench = Bench::with_settings("requirepass secret");
        bench.expect(&[("AUTH secret", "OK")]);
        assert_eq!(bench.tell(&[b"CONFIG", b"SET", b"requirepass", b""]), "OK");
        bench.expect(&[("RESET", "RESET"), ("GET a", "(nil)")]);
    }

    #[test]
    fn hello_chooses_the_protocol_and_the_name() {
        let mut bench = Bench::new();
        assert!(bench.say("HELLO 3 SETNAME me").starts_with("{\"server\": \"redis\""));
        assert!(bench.say("CLIENT INFO").contains(" resp=3 "));
        bench.expect(&[
            ("GET a", "(nil)"),
            ("CLIENT GETNAME", "\"me\""),
            ("HELLO 4", "NOPROTO unsupported protocol version"),
            ("HELLO 3 AUTH a", "ERR Syntax error in HELLO option 'AUTH'"),
            ("RESET", "RESET"),
            ("CLIENT GETNAME", "(nil)"),
        ]);
        assert!(bench.say("CLIENT INFO").contains(" resp=2 "));
    }

    #[test]
    fn quit_closes_behind_its_answer() {
        let mut bench = Bench::new();
        bench.expect(&[("QUIT", "OK")]);
        assert!(bench.session.closes);
    }
}
