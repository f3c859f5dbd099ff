//! SHUTDOWN: stopping the server on a client's word.

use super::saving::save_before_stop;
use crate::base::log;
use crate::engine::{
    Args, Argument, Command, CommandError, Context, Flags, Group, ShutdownRequest,
};

pub(super) const SHUTDOWN: Command = Command {
    name: "shutdown",
    arity: -1,
    flags: Flags::ADMIN
        .and(Flags::NOSCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::NO_MULTI)
        .and(Flags::ALLOW_BUSY),
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) with N keys when saving, O(1) otherwise",
    summary: "Stops the server, saving first if asked to.",
    arguments: &[Argument::one_of(
        "abort-selector",
        &[
            Argument::block(
                "save-selector-block",
                &[
                    Argument::one_of(
                        "save-selector",
                        &[Argument::word("nosave", "NOSAVE"), Argument::word("save", "SAVE")],
                    )
                    .optional(),
                    Argument::word("now", "NOW").optional().since("7.0.0"),
                    Argument::word("force", "FORCE").optional().since("7.0.0"),
                    Argument::word("safe", "SAFE").optional().since("9.0.0"),
                    Argument::word("failover", "FAILOVER").optional().since("9.0.0"),
                ],
            ),
            Argument::word("abort", "ABORT").since("7.0.0"),
        ],
    )
    .optional()],
    run: shutdown,
    ..Command::DEFAULT
};
fn shutdown(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = match read_wish(context.args)? {
        Wish::Abort => return Err(CommandError::refused("ERR No shutdown in progress.")),
        Wish::Stop(request) => request,
    };
    if request.save != Some(false) && context.engine.slow.first().is_some() {
        return Err(context.engine.slow.refusal());
    }
    log::warning(format_args!("User requested shutdown..."));
    save_before_stop(context.engine, Some(context.worker()), request)
        .map_err(|_| CommandError::refused("ERR Errors trying to SHUTDOWN. Check logs."))?;
    context.session.closes = true;
    context.engine.request_shutdown(request);
    Ok(())
}

enum Wish {
    Stop(ShutdownRequest),
    Abort,
}

fn read_wish(args: Args<'_>) -> Result<Wish, CommandError> {
    let mut request = ShutdownRequest::default();
    let mut aborts = false;
    for index in 1..args.len() {
        let is = |word| args.is_word(index, word);
        if is("SAVE") && request.save != Some(false) {
            request.save = Some(true);
        } else if is("NOSAVE") && request.save != Some(true) {
            request.save = Some(false);
        } else if is("NOW") {
            request.is_now = true;
        } else if is("FORCE") {
            request.is_forced = true;
        } else if is("ABORT") {
            aborts = true;
        } else if !is("SAFE") && !is("FAILOVER") {
            // Those two concern clusters, of which this server is no part: nothing is unsafe, and
            // there is nobody to hand over to.
            return Err(CommandError::Syntax);
        }
    }
    match aborts {
        false => Ok(Wish::Stop(request)),
        true if args.len() == 2 => Ok(Wish::Abort),
        true => Err(CommandError::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex as Cell;

    use crate::commands::testing::Bench;
    use crate::engine::ShutdownRequest;

    #[test]
    fn the_server_is_asked_to_stop_as_the_client_says() {
        let mut bench = Bench::new();
        let asked: Arc<Cell<Option<ShutdownRequest>>> = Arc::default();
        let seen = Arc::clone(&asked);
        bench.engine.on_shutdown(Box::new(move |request| *seen.lock() = Some(request)));
        bench.expect(&[
            ("SHUTDOWN SAVE NOSAVE", "ERR syntax error"),
            ("SHUTDOWN NOW ABORT", "ERR syntax error"),
            ("SHUTDOWN ABORT", "ERR No shutdown in progress."),
        ]);
        assert_eq!(*asked.lock(), None);
        assert_eq!(bench.run(&[b"SHUTDOWN", b"NOSAVE", b"now"]), b"");
        let expected = ShutdownRequest { save: Some(false), is_now: true, is_forced: false };
        assert_eq!(*asked.lock(), Some(expected));
        assert!(bench.session.closes);
    }
}
