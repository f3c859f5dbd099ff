//! What clients read of commands that do not run now: refusals, and those queued for a transaction.

use super::super::args::Args;
use super::super::command::{Flags, InTransaction};
use super::super::error::CommandError;
use super::super::own_messages::KeptBefore;
use super::super::refusals::{self, Misfit};
use super::super::session::{Flow, ReplyMode, Session};
use super::super::state::Engine;
use super::super::table::Known;
use super::Scratch;
use crate::resp::{Mark, ReplyBuffer};
use crate::stats::WorkerStats;

impl Scratch {
    /// Forgets that a command was begun which has done nothing and is to run again later.
    #[cold]
    pub(super) fn put_off(
        &mut self,
        engine: &Engine,
        session: &mut Session,
        (reply, checkpoint): (&mut ReplyBuffer, Option<Mark>),
        own: (bool, Option<KeptBefore>),
    ) -> Flow {
        if let Some(checkpoint) = checkpoint {
            reply.truncate(checkpoint);
        }
        self.tell_own(engine, session, own, reply);
        session.put_off.note();
        self.redacted.clear();
        self.effects.clear();
        Flow::Postpone
    }

    /// Puts behind a command's reply what the command has to tell its own client: first what it has
    /// published, then which keys it has changed that the client had read.
    #[inline]
    pub(super) fn tell_own(
        &self,
        engine: &Engine,
        session: &Session,
        (tracks, kept_before): (bool, Option<KeptBefore>),
        reply: &mut ReplyBuffer,
    ) {
        if let Some(before) = kept_before {
            engine.tell_own_messages(self.index, before, session, reply);
        }
        if tracks {
            session.tell_own_news(reply);
        }
    }
}

/// Answers a request that fits no command.
#[cold]
pub(super) fn refuse_misfit(
    engine: &Engine,
    stats: &WorkerStats,
    session: &mut Session,
    reply: &mut ReplyBuffer,
    misfit: Misfit,
) -> Flow {
    let error = match misfit {
        Misfit::Browser => {
            refusals::warn_of_browser(&session.cell.peer);
            return Flow::Close;
        }
        Misfit::Unknown(error) => error,
        Misfit::Arity { id, error, runs_queue } => {
            stats.record_rejected(id);
            let bytes = error.bytes();
            let reason = bytes.strip_prefix(b"ERR ").unwrap_or(&bytes);
            if runs_queue { give_up_transaction(engine, session, reason) } else { error }
        }
    };
    session.abort_transaction();
    let is_stranger = !session.is_authenticated;
    let error = if is_stranger { CommandError::AuthenticationRequired } else { error };
    answer_refusal(stats, session, reply, &error);
    Flow::Continue
}

/// Refuses a command that the gates held up; in a transaction, that aborts it.
#[cold]
pub(super) fn refuse(
    engine: &Engine,
    stats: &WorkerStats,
    session: &mut Session,
    reply: &mut ReplyBuffer,
    (known, error): (&Known, CommandError),
) {
    session.abort_transaction();
    let runs_queue = known.command.in_transaction == InTransaction::RunsQueue;
    if runs_queue {
        let bytes = error.bytes();
        let reason = bytes.strip_prefix(b"ERR ").unwrap_or(&bytes);
        let error = give_up_transaction(engine, session, reason);
        return answer_refusal(stats, session, reply, &error);
    }
    answer_refusal(stats, session, reply, &error);
}

/// Ends a transaction without running it; returns what the client is told.
fn give_up_transaction(engine: &Engine, session: &mut Session, reason: &[u8]) -> CommandError {
    session.transaction = None;
    engine.unwatch(&mut session.watches);
    let reason = String::from_utf8_lossy(reason);
    CommandError::refused_with(format!("EXECABORT Transaction discarded because of: {reason}"))
}

/// Keeps a command for the end of the transaction.
#[cold]
pub(super) fn queue(
    engine: &Engine,
    stats: &WorkerStats,
    session: &mut Session,
    reply: &mut ReplyBuffer,
    (known, args): (&Known, Args<'_>),
) {
    if known.command.flags.has(Flags::NO_MULTI) {
        session.abort_transaction();
        let error = CommandError::refused("ERR Command not allowed inside a transaction");
        return answer_refusal(stats, session, reply, &error);
    }
    if let Some(transaction) = &mut session.transaction {
        transaction.push(known, args, known.command.flags_with(engine, args));
    }
    if session.reply_mode == ReplyMode::On {
        reply.simple("QUEUED");
    }
}

#[cold]
fn answer_refusal(
    stats: &WorkerStats,
    session: &mut Session,
    reply: &mut ReplyBuffer,
    error: &CommandError,
) {
    let text = error.bytes();
    stats.record_error(&text);
    match session.reply_mode {
        ReplyMode::On => reply.error_bytes(&text),
        ReplyMode::SkipThis => session.reply_mode = ReplyMode::On,
        ReplyMode::Off | ReplyMode::SkipNext => {}
    }
}
