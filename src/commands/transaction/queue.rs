//! The queue of a transaction: MULTI, EXEC, DISCARD.

use crate::engine::{
    Categories, Command, CommandError, Context, Flags, Group, InTransaction, Transaction,
};

pub(super) const MULTI: Command = Command {
    name: "multi",
    arity: 1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_MULTI)
        .and(Flags::ALLOW_BUSY),
    acl: Categories::TRANSACTION,
    since: "1.2.0",
    group: Group::Transactions,
    complexity: "O(1)",
    summary: "Begins a transaction: the commands that follow are queued.",
    in_transaction: InTransaction::Runs,
    run: multi,
    ..Command::DEFAULT
};

fn multi(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.session.transaction.is_some() {
        return Err(CommandError::refused("ERR MULTI calls can not be nested"));
    }
    context.session.transaction = Some(Box::default());
    context.reply.ok();
    Ok(())
}

pub(super) const EXEC: Command = Command {
    name: "exec",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SKIP_COMMANDLOG),
    acl: Categories::TRANSACTION,
    since: "1.2.0",
    group: Group::Transactions,
    complexity: "Depends on the commands of the transaction",
    summary: "Runs all commands of the transaction as one.",
    in_transaction: InTransaction::RunsQueue,
    run: exec,
    ..Command::DEFAULT
};

fn exec(context: &mut Context<'_>) -> Result<(), CommandError> {
    const NO_TRANSACTION: CommandError = CommandError::refused("ERR EXEC without MULTI");
    const ABORTED: CommandError =
        CommandError::refused("EXECABORT Transaction discarded because of previous errors.");
    let transaction: Box<Transaction> = context.session.transaction.take().ok_or(NO_TRANSACTION)?;
    if transaction.is_aborted {
        context.engine.unwatch(&mut context.session.watches);
        return Err(ABORTED);
    }
    context.execute(transaction)
}

pub(super) const DISCARD: Command = Command {
    name: "discard",
    arity: 1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::ALLOW_BUSY),
    acl: Categories::TRANSACTION,
    since: "2.0.0",
    group: Group::Transactions,
    complexity: "O(N) with N queued commands",
    summary: "Forgets the commands of the transaction and the watched keys.",
    in_transaction: InTransaction::Runs,
    run: discard,
    ..Command::DEFAULT
};

fn discard(context: &mut Context<'_>) -> Result<(), CommandError> {
    const NO_TRANSACTION: CommandError = CommandError::refused("ERR DISCARD without MULTI");
    context.session.transaction.take().ok_or(NO_TRANSACTION)?;
    context.engine.unwatch(&mut context.session.watches);
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn queued_commands_run_together_and_are_one_effect() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("INCR a", "QUEUED"),
            ("GET b", "QUEUED"),
            ("GET a b", "ERR wrong number of arguments for 'get' command"),
            ("EXEC", "EXECABORT Transaction discarded because of previous errors."),
            ("GET a", "(nil)"),
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("INCR a", "QUEUED"),
            ("GET b", "QUEUED"),
            ("MGET a b a", "QUEUED"),
            ("INCRBY a x", "QUEUED"),
        ]);
        let reply = "[OK, 2, (nil), [\"2\", (nil), \"2\"], \
                     ERR value is not an integer or out of range]";
        bench.effects();
        assert_eq!(bench.say("EXEC"), reply);
        assert_eq!(bench.effects(), ["0: MULTI", "0: SET a 1", "0: INCR a", "0: EXEC"]);
    }

    #[test]
    fn the_words_of_a_transaction_need_one() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("EXEC", "ERR EXEC without MULTI"),
            ("DISCARD", "ERR DISCARD without MULTI"),
            ("MULTI", "OK"),
            ("MULTI", "ERR MULTI calls can not be nested"),
            ("WATCH a", "ERR WATCH inside MULTI is not allowed"),
            ("EXEC", "[]"),
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("DISCARD", "OK"),
            ("GET a", "(nil)"),
        ]);
    }

    #[test]
    fn exec_with_arguments_ends_the_transaction() {
        let told = "EXECABORT Transaction discarded because of: \
                    wrong number of arguments for 'exec' command";
        let mut bench = Bench::new();
        bench.expect(&[
            ("EXEC x", told),
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("EXEC x", told),
            ("EXEC", "ERR EXEC without MULTI"),
            ("GET a", "(nil)"),
            ("MULTI", "OK"),
            ("DISCARD x", "ERR wrong number of arguments for 'discard' command"),
            ("EXEC", "EXECABORT Transaction discarded because of previous errors."),
        ]);
    }

    #[test]
    fn commands_that_look_beyond_their_keys_are_part_of_it() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1", "OK"),
            ("MULTI", "OK"),
            ("SET b 1", "QUEUED"),
            ("KEYS b", "QUEUED"),
            ("SWAPDB 0 1", "QUEUED"),
            ("EXISTS a", "QUEUED"),
            ("SELECT 1", "QUEUED"),
            ("EXISTS a", "QUEUED"),
            ("FLUSHALL", "QUEUED"),
            ("DBSIZE", "QUEUED"),
            ("EXEC", "[OK, [\"b\"], OK, 0, OK, 1, OK, 0]"),
        ]);
    }

    #[test]
    fn a_database_may_be_chosen_on_the_way() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("SELECT 5", "QUEUED"),
            ("SET a 2", "QUEUED"),
            ("SELECT 99", "QUEUED"),
            ("GET a", "QUEUED"),
            ("EXEC", "[OK, OK, OK, ERR DB index is out of range, \"2\"]"),
            ("SELECT 0", "OK"),
            ("GET a", "\"1\""),
            ("MULTI", "OK"),
            ("SELECT 99", "QUEUED"),
            ("GET a", "QUEUED"),
            ("SELECT x", "QUEUED"),
            ("GET b", "QUEUED"),
            (
                "EXEC",
                "[ERR DB index is out of range, \"1\", \
                 ERR value is not an integer or out of range, (nil)]",
            ),
        ]);
    }
}
