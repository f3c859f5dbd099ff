//! CLIENT KILL: closing connections, by address in the old form, by filters in the new one.

use super::filter::{Filters, Purpose};
use crate::engine::{
    Argument, ArgumentKind, Categories, ClientCell, Command, CommandError, Context, Flags, Group,
};

pub(super) const CLIENT_KILL: Command = Command {
    name: "kill",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "2.4.0",
    group: Group::Connection,
    complexity: "O(N) with N connections",
    summary: "Closes connections: the one with an address, or those that the filters let pass.",
    arguments: &[Argument::one_of(
        "filter",
        &[
            Argument::new("old-format", ArgumentKind::String).shown_as("ip:port"),
            Argument::one_of(
                "new-format",
                &[
                    Argument::new("client-id", ArgumentKind::Integer)
                        .after("ID")
                        .optional()
                        .multiple()
                        .since("2.8.12"),
                    Argument::one_of(
                        "client-type",
                        &[
                            Argument::word("normal", "NORMAL"),
                            Argument::word("master", "MASTER").since("3.2.0"),
                            Argument::word("primary", "PRIMARY").since("8.0.0"),
                            Argument::word("slave", "SLAVE"),
                            Argument::word("replica", "REPLICA").since("5.0.0"),
                            Argument::word("pubsub", "PUBSUB"),
                        ],
                    )
                    .after("TYPE")
                    .optional()
                    .since("2.8.12"),
                    Argument::new("username", ArgumentKind::String).after("USER").optional(),
                    Argument::new("addr", ArgumentKind::String)
                        .shown_as("ip:port")
                        .after("ADDR")
                        .optional(),
                    Argument::new("laddr", ArgumentKind::String)
                        .shown_as("ip:port")
                        .after("LADDR")
                        .optional()
                        .since("6.2.0"),
                    Argument::one_of(
                        "skipme",
                        &[Argument::word("yes", "YES"), Argument::word("no", "NO")],
                    )
                    .after("SKIPME")
                    .optional(),
                    Argument::new("maxage", ArgumentKind::Integer)
                        .after("MAXAGE")
                        .optional()
                        .since("8.0.0"),
                    Argument::new("name", ArgumentKind::String)
                        .after("NAME")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("idle", ArgumentKind::Integer)
                        .after("IDLE")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("flags", ArgumentKind::String)
                        .after("FLAGS")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("lib-name", ArgumentKind::String)
                        .after("LIB-NAME")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("lib-ver", ArgumentKind::String)
                        .after("LIB-VER")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("db", ArgumentKind::Integer)
                        .after("DB")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("capa", ArgumentKind::String)
                        .after("CAPA")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("ip", ArgumentKind::String).after("IP").optional().since("9.0.0"),
                    Argument::one_of(
                        "not-client-type",
                        &[
                            Argument::word("normal", "NORMAL"),
                            Argument::word("master", "MASTER"),
                            Argument::word("primary", "PRIMARY"),
                            Argument::word("slave", "SLAVE"),
                            Argument::word("replica", "REPLICA"),
                            Argument::word("pubsub", "PUBSUB"),
                        ],
                    )
                    .after("NOT-TYPE")
                    .optional()
                    .since("9.0.0"),
                    Argument::new("not-client-id", ArgumentKind::Integer)
                        .after("NOT-ID")
                        .optional()
                        .multiple()
                        .since("9.0.0"),
                    Argument::new("not-username", ArgumentKind::String)
                        .after("NOT-USER")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-addr", ArgumentKind::String)
                        .shown_as("ip:port")
                        .after("NOT-ADDR")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-laddr", ArgumentKind::String)
                        .shown_as("ip:port")
                        .after("NOT-LADDR")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-name", ArgumentKind::String)
                        .after("NOT-NAME")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-flags", ArgumentKind::String)
                        .after("NOT-FLAGS")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-lib-name", ArgumentKind::String)
                        .after("NOT-LIB-NAME")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-lib-ver", ArgumentKind::String)
                        .after("NOT-LIB-VER")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-db", ArgumentKind::Integer)
                        .after("NOT-DB")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-capa", ArgumentKind::String)
                        .after("NOT-CAPA")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-ip", ArgumentKind::String)
                        .after("NOT-IP")
                        .optional()
                        .since("9.0.0"),
                ],
            )
            .multiple(),
        ],
    )],
    run: kill,
    ..Command::DEFAULT
};
fn kill(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.args.len() == 3 {
        return kill_by_address(context);
    }
    let filters = Filters::read(context.args, context.engine, Purpose::Kill)?;
    let me = context.session.id();
    let mut count = 0;
    for cell in context.engine.clients.all() {
        let is_skipped = cell.id == me && filters.skips_me;
        if !is_skipped && filters.let_pass(&cell, context.now_ms) {
            close(context, &cell);
            count += 1;
        }
    }
    context.reply.integer(count);
    Ok(())
}

fn kill_by_address(context: &mut Context<'_>) -> Result<(), CommandError> {
    let address = context.args.at(2);
    let all = context.engine.clients.all();
    let found = all.iter().find(|cell| cell.peer.address.as_bytes() == address);
    let cell = found.ok_or(CommandError::refused("ERR No such client"))?;
    close(context, cell);
    context.reply.ok();
    Ok(())
}

/// Closes another client now, and the one that asks after its reply.
fn close(context: &mut Context<'_>, cell: &ClientCell) {
    if cell.id == context.session.id() {
        context.session.closes = true;
    } else {
        context.engine.close_client(cell);
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;
    use crate::engine::{Peer, Session};

    fn other(bench: &Bench, port: u16) -> Session {
        bench.worker.open(Peer {
            address: format!("10.0.0.1:{port}"),
            local_address: "10.0.0.2:6379".into(),
            descriptor: 9,
            is_unix: false,
            is_loopback: false,
        })
    }

    #[test]
    fn the_old_form_names_one_address() {
        let mut bench = Bench::new();
        let victim = other(&bench, 1);
        bench.expect(&[
            ("CLIENT KILL 10.0.0.1:2", "ERR No such client"),
            ("CLIENT KILL 10.0.0.1:1", "OK"),
        ]);
        assert!(victim.is_doomed());
    }

    #[test]
    fn filters_must_all_let_pass() {
        let mut bench = Bench::new();
        let (first, second) = (other(&bench, 1), other(&bench, 2));
        bench.expect(&[
            ("CLIENT KILL IP 10.0.0.1 NOT-ADDR 10.0.0.1:1 DB 1", "0"),
            ("CLIENT KILL IP 10.0.0.1 NOT-ADDR 10.0.0.1:1 DB 0", "1"),
        ]);
        assert!(!first.is_doomed() && second.is_doomed());
        bench.expect(&[("CLIENT KILL TYPE normal SKIPME no MAXAGE 5", "0")]);
        bench.advance(5_000);
        bench.expect(&[("CLIENT KILL TYPE normal SKIPME yes MAXAGE 5", "1")]);
        assert!(first.is_doomed() && !bench.session.closes);
        bench.expect(&[("CLIENT KILL SKIPME no", "1")]);
        assert!(bench.session.closes);
    }

    #[test]
    fn wrong_filters_are_refused_in_the_words_of_the_originals() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("CLIENT KILL ID 10 wrong", "ERR syntax error"),
            ("CLIENT KILL ID str", "ERR client-id should be greater than 0"),
            ("CLIENT KILL ID 7 8 9", "0"),
            ("CLIENT KILL TYPE wrong", "ERR Unknown client type 'wrong'"),
            ("CLIENT KILL USER wrong", "ERR No such user 'wrong'"),
            ("CLIENT KILL DB 16", "ERR DB number should be between 0 and 15"),
            ("CLIENT KILL FLAGS Z", "ERR Unknown flags found in the provided filter: Z"),
            ("CLIENT KILL NOT-MAXAGE 1", "ERR syntax error"),
            ("CLIENT LIST ID x", "ERR Invalid client ID"),
            ("CLIENT LIST IDLE 0", "ERR idle should be greater than 0"),
        ]);
    }
}
