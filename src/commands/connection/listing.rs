//! CLIENT LIST and CLIENT INFO.

use super::filter::{Filters, Purpose};
use super::line::{self, Current};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
};

pub(super) const CLIENT_INFO: Command = Command {
    name: "info",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "6.2.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Returns what CLIENT LIST says about this connection.",
    tips: &["nondeterministic_output"],
    run: info,
    ..Command::DEFAULT
};
fn info(context: &mut Context<'_>) -> Result<(), CommandError> {
    let mut text = String::new();
    let table = &context.engine.table;
    line::push(&mut text, table, &context.session.cell, (context.now_ms, current(context)));
    text.push('\n');
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

pub(super) const CLIENT_LIST: Command = Command {
    name: "list",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "2.4.0",
    group: Group::Connection,
    complexity: "O(N) with N connections",
    summary: "Lists the connections, or those that the filters let pass.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::one_of(
            "client-type",
            &[
                Argument::word("normal", "NORMAL"),
                Argument::word("master", "MASTER"),
                Argument::word("replica", "REPLICA"),
                Argument::word("pubsub", "PUBSUB"),
            ],
        )
        .after("TYPE")
        .optional()
        .since("5.0.0"),
        Argument::new("client-id", ArgumentKind::Integer)
            .after("ID")
            .optional()
            .multiple()
            .since("6.2.0"),
        Argument::new("username", ArgumentKind::String).after("USER").optional().since("8.1.0"),
        Argument::new("addr", ArgumentKind::String)
            .shown_as("ip:port")
            .after("ADDR")
            .optional()
            .since("8.1.0"),
        Argument::new("laddr", ArgumentKind::String)
            .shown_as("ip:port")
            .after("LADDR")
            .optional()
            .since("8.1.0"),
        Argument::one_of("skipme", &[Argument::word("yes", "YES"), Argument::word("no", "NO")])
            .after("SKIPME")
            .optional()
            .since("8.1.0"),
        Argument::new("maxage", ArgumentKind::Integer).after("MAXAGE").optional().since("8.1.0"),
        Argument::new("name", ArgumentKind::String).after("NAME").optional().since("9.0.0"),
        Argument::new("idle", ArgumentKind::Integer).after("IDLE").optional().since("9.0.0"),
        Argument::new("flags", ArgumentKind::String).after("FLAGS").optional().since("9.0.0"),
        Argument::new("lib-name", ArgumentKind::String).after("LIB-NAME").optional().since("9.0.0"),
        Argument::new("lib-ver", ArgumentKind::String).after("LIB-VER").optional().since("9.0.0"),
        Argument::new("db", ArgumentKind::Integer).after("DB").optional().since("9.0.0"),
        Argument::new("capa", ArgumentKind::String).after("CAPA").optional().since("9.0.0"),
        Argument::new("ip", ArgumentKind::String).after("IP").optional().since("9.0.0"),
        Argument::one_of(
            "not-client-type",
            &[
                Argument::word("normal", "NORMAL"),
                Argument::word("master", "MASTER"),
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
        Argument::new("not-name", ArgumentKind::String).after("NOT-NAME").optional().since("9.0.0"),
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
        Argument::new("not-db", ArgumentKind::Integer).after("NOT-DB").optional().since("9.0.0"),
        Argument::new("not-capa", ArgumentKind::String).after("NOT-CAPA").optional().since("9.0.0"),
        Argument::new("not-ip", ArgumentKind::String).after("NOT-IP").optional().since("9.0.0"),
    ],
    run: list,
    ..Command::DEFAULT
};
fn list(context: &mut Context<'_>) -> Result<(), CommandError> {
    let engine = context.engine;
    let filters = Filters::read(context.args, engine, Purpose::List)?;
    let me = context.session.id();
    let mut text = String::new();
    for cell in engine.clients.all() {
        let is_skipped = filters.skips_me && cell.id == me;
        if !is_skipped && filters.let_pass(&cell, context.now_ms) {
            line::push(&mut text, &engine.table, &cell, (context.now_ms, current(context)));
            text.push('\n');
        }
    }
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn current(context: &Context<'_>) -> Current {
    // Scripts may not list clients.
    let runs_queue = context.is_nested().then(|| context.engine.table.find(b"exec")).flatten();
    Current {
        client_id: context.session.id(),
        command_id: runs_queue.map_or(context.known.id, |exec| exec.id),
        argument_bytes: context.args.total_bytes() as u64,
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_line_names_the_running_command() {
        let mut bench = Bench::new();
        let line = bench.say("CLIENT LIST");
        for part in [
            "id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=8 name= age=0 idle=0 flags=N db=0 ",
            " argv-mem=10 ",
            " obl=0 oll=0 omem=0 ",
            " events=r cmd=client|list user=default redir=-1 resp=2 ",
        ] {
            assert!(line.contains(part), "{line}");
        }
        bench.run(&[b"WATCH", b"k"]);
        for line in ["MULTI", "CLIENT INFO", "CLIENT LIST"] {
            bench.say(line);
        }
        let lines = bench.say("EXEC");
        assert_eq!(lines.matches(" flags=x ").count(), 2, "{lines}");
        assert_eq!(lines.matches(" multi=2 ").count(), 2, "{lines}");
        assert_eq!(lines.matches(" cmd=exec ").count(), 2, "{lines}");
        assert!(!lines.contains(" watch=1 "), "{lines}");
        let line = bench.say("CLIENT INFO");
        assert!(line.contains(" flags=N ") && line.contains(" multi-mem=0 "), "{line}");
        assert!(bench.say("CLIENT LIST ID 1").contains("id=1 "));
        assert_eq!(bench.say("CLIENT LIST ID 2"), "\"\"");
        assert_eq!(bench.say("CLIENT LIST SKIPME yes"), "\"\"");
    }
}
