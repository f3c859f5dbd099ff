//! MONITOR: seeing what all clients do.

use crate::engine::{Command, CommandError, Context, Flags, Group};

pub(super) const MONITOR: Command = Command {
    name: "monitor",
    arity: 1,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1), and for every command from then on O(N) with N bytes",
    summary: "Shows the commands of all clients as they run, until RESET.",
    run: monitor,
    ..Command::DEFAULT
};

fn monitor(context: &mut Context<'_>) -> Result<(), CommandError> {
    const NOT_HERE: CommandError =
        CommandError::refused("ERR MONITOR isn't allowed for DENY BLOCKING client");
    if !context.session.may_wait() {
        return Err(NOT_HERE);
    }
    // Who monitors already is answered nothing, as by the originals.
    if context.engine.monitor(context.session) {
        context.reply.ok();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_client_that_monitors_leaves_the_data_alone() {
        const REFUSED: &str = "ERR Replica can't interact with the keyspace";
        let mut bench = Bench::new();
        bench.expect(&[
            ("MULTI", "OK"),
            ("MONITOR", "QUEUED"),
            ("EXEC", "[ERR MONITOR isn't allowed for DENY BLOCKING client]"),
            ("MONITOR", "OK"),
        ]);
        assert_eq!(bench.run(&[b"MONITOR"]), b"");
        bench.expect(&[("PING", "PONG"), ("GET a", REFUSED), ("PUBLISH a b", REFUSED)]);
        assert!(bench.say("CLIENT INFO").contains(" flags=O "));
        assert_eq!(bench.engine.monitors.count(), 1);
        bench.expect(&[("RESET", "RESET"), ("GET a", "(nil)")]);
        assert!(!bench.engine.monitors.is_watched());
        bench.say("MONITOR");
        bench.worker.close(&mut bench.session);
        assert!(!bench.engine.monitors.is_watched());
    }
}
