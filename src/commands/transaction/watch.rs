//! Watched keys: WATCH and UNWATCH.

use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Flags, Group, InTransaction, KeyFlags,
    KeySpec,
};

pub(super) const WATCH: Command = Command {
    name: "watch",
    arity: -2,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_MULTI)
        .and(Flags::ALLOW_BUSY),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    acl: Categories::TRANSACTION,
    since: "2.2.0",
    group: Group::Transactions,
    complexity: "O(1) for every key",
    summary: "Lets the next transaction run only if none of the keys changes until then.",
    arguments: &[Argument::key("key").multiple()],
    locks_alone: true,
    in_transaction: InTransaction::Runs,
    run: watch,
    ..Command::DEFAULT
};

fn watch(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.session.transaction.is_some() {
        return Err(CommandError::refused("ERR WATCH inside MULTI is not allowed"));
    }
    for index in 1..context.args.len() {
        let key = context.key(index);
        context.watch(&key);
    }
    context.reply.ok();
    Ok(())
}

pub(super) const UNWATCH: Command = Command {
    name: "unwatch",
    arity: 1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::ALLOW_BUSY),
    acl: Categories::TRANSACTION,
    since: "2.2.0",
    group: Group::Transactions,
    complexity: "O(1)",
    summary: "Forgets the watched keys.",
    run: unwatch,
    ..Command::DEFAULT
};

fn unwatch(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.engine.unwatch(&mut context.session.watches);
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn transaction(bench: &mut Bench, before: &[&str]) -> String {
        bench.say("WATCH a b");
        for line in before {
            bench.say(line);
        }
        bench.expect(&[("MULTI", "OK"), ("PING", "QUEUED")]);
        bench.say("EXEC")
    }

    #[test]
    fn a_change_of_a_watched_key_keeps_the_transaction_from_running() {
        let mut bench = Bench::new();
        let (runs, fails) = ("[PONG]", "(nil)");
        for (before, outcome) in [
            (&["SET c 1"][..], runs),
            (&["SET a 1"], fails),
            (&["GET a"], runs),
            (&["APPEND b x"], fails),
            (&["SETNX a 5"], runs),
            (&["DEL a"], fails),
            (&["DEL a"], runs),
            (&["SET a 1 PX 100"], fails),
            (&["UNWATCH"], runs),
            (&["SET a 1", "UNWATCH"], runs),
            (&["FLUSHALL"], fails),
            (&["FLUSHALL"], runs),
            (&["SWAPDB 0 1"], runs),
            (&["SELECT 1", "SET a 1", "SELECT 0", "SWAPDB 0 1"], fails),
            (&["RENAME a c"], fails),
            (&["RENAME c a"], fails),
        ] {
            assert_eq!(transaction(&mut bench, before), outcome, "{before:?}");
        }
    }

    #[test]
    fn what_groups_have_read_is_no_change_of_a_stream() {
        let mut bench = Bench::new();
        for line in ["XADD a 1-1 f v", "XADD a 1-2 f v", "XADD a 1-3 f v", "XGROUP CREATE a g 0"] {
            bench.say(line);
        }
        let (runs, fails) = ("[PONG]", "(nil)");
        for (line, outcome) in [
            ("XGROUP CREATECONSUMER a g c", runs),
            ("XREADGROUP GROUP g c COUNT 2 STREAMS a >", runs),
            ("XCLAIM a g d 0 1-1", runs),
            ("XAUTOCLAIM a g e 0 0", runs),
            ("XACK a g 1-1", runs),
            ("XNACK a g FAIL IDS 1 1-2", runs),
            ("XGROUP SETID a g 0", runs),
            ("XGROUP DELCONSUMER a g c", runs),
            ("XGROUP DESTROY a g", runs),
            ("XSETID a 5-5", runs),
            ("XGROUP CREATE b g $ MKSTREAM", fails),
            ("XDEL a 1-1", fails),
            ("XTRIM a MAXLEN 1", fails),
            ("XADD a * f v", fails),
        ] {
            let before = bench.change_count();
            assert_eq!(transaction(&mut bench, &[line]), outcome, "{line}");
            assert!(bench.change_count() > before, "{line}");
        }
        // The same inside others.
        bench.expect(&[("XGROUP CREATE a g 0", "OK"), ("WATCH a", "OK")]);
        let script = "return redis.call('XGROUP', 'CREATECONSUMER', KEYS[1], 'g', 'c')";
        assert_eq!(bench.tell(&[b"EVAL", script.as_bytes(), b"1", b"a"]), "1");
        bench.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "[PONG]")]);
    }

    #[test]
    fn what_has_expired_is_nothing_when_databases_are_exchanged() {
        let mut bench = Bench::new();
        // What expires stays: a pause is in force.
        bench.expect(&[("SET a 1 PX 100", "OK"), ("CLIENT PAUSE 10000 WRITE", "OK")]);
        bench.advance(100);
        let exchange = |bench: &mut Bench| {
            let stale = bench.engine.swap_databases(0, 1);
            assert!(stale.is_empty());
        };
        bench.expect(&[("SELECT 1", "OK"), ("WATCH a", "OK")]);
        exchange(&mut bench);
        bench.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "[PONG]")]);
        // One that is there though it has expired goes, and comes back.
        bench.expect(&[("WATCH a", "OK")]);
        exchange(&mut bench);
        exchange(&mut bench);
        bench.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "[PONG]")]);
        bench.expect(&[("CLIENT UNPAUSE", "OK"), ("SET a 1 PX 100", "OK"), ("WATCH a", "OK")]);
        bench.say("CLIENT PAUSE 10000 WRITE");
        bench.advance(100);
        exchange(&mut bench);
        bench.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "(nil)")]);
    }

    #[test]
    fn an_expiry_is_a_change_unless_it_was_over_before() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1 PX 100", "OK"), ("WATCH a", "OK")]);
        bench.advance(100);
        bench.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "(nil)")]);
        bench.expect(&[("WATCH a", "OK"), ("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "[PONG]")]);
        bench.expect(&[("GET a", "(nil)")]);
    }
}
