//! The gates: why a command may not run now, asked in one order.
//!
//! The order is the originals': authentication first, so that a stranger learns nothing, then memory,
//! then what makes a command wait. Permissions and cluster redirection stand between authentication
//! and memory; subscriptions, role, loading and busy scripts between memory and waiting.

use std::sync::atomic::Ordering;

use super::args::Args;
use super::beside::{self, Standing};
use super::command::{Flags, InTransaction};
use super::error::CommandError;
use super::session::Session;
use super::state::Engine;
use super::table::{KeyPlan, Known};

/// What the gates know of a command that wants to run.
pub(super) struct Candidate<'a> {
    pub(super) engine: &'a Engine,
    pub(super) session: &'a Session,
    pub(super) known: &'a Known,
    pub(super) args: Args<'a>,
    pub(super) now_ms: u64,
    /// Memory is above its limit and nothing could be evicted.
    pub(super) is_out_of_memory: bool,
    /// Whether it may come to the keyspace.
    pub(super) standing: Standing,
}

impl Candidate<'_> {
    /// Returns the flags of what would run: the command's, or those of the whole queue.
    #[inline]
    fn flags(&self) -> Flags {
        let command = self.known.command;
        match &self.session.transaction {
            Some(transaction) if command.in_transaction == InTransaction::RunsQueue => {
                command.flags.and(transaction.flags_of_any)
            }
            _ => command.flags_with(self.engine, self.args),
        }
    }
}

/// What a gate says.
pub(super) enum Verdict {
    Pass,
    Refuse(CommandError),
    /// Not now: keep it until the pause is over.
    Postpone,
}

type Gate = fn(&Candidate<'_>) -> Verdict;

/// All gates in the order they are asked.
const GATES: &[Gate] =
    &[authentication, memory, subscription, loading, busy, quiet, monitor, pause];

/// Asks all gates; the first that does not let the command pass decides.
#[inline]
pub(super) fn ask(candidate: &Candidate<'_>) -> Verdict {
    for gate in GATES {
        match gate(candidate) {
            Verdict::Pass => {}
            other => return other,
        }
    }
    Verdict::Pass
}

#[inline]
fn authentication(candidate: &Candidate<'_>) -> Verdict {
    let may = candidate.session.is_authenticated
        || candidate.known.command.flags.has(Flags::NO_AUTH)
        // The password may have been taken away since the client came.
        || !candidate.engine.requires_password();
    if may { Verdict::Pass } else { Verdict::Refuse(CommandError::AuthenticationRequired) }
}

#[inline]
fn memory(candidate: &Candidate<'_>) -> Verdict {
    if candidate.is_out_of_memory && candidate.flags().has(Flags::DENYOOM) {
        return Verdict::Refuse(CommandError::OutOfMemory);
    }
    Verdict::Pass
}

/// A client that speaks RESP2 and listens could not tell replies from messages.
#[inline]
fn subscription(candidate: &Candidate<'_>) -> Verdict {
    let Candidate { session, known, .. } = candidate;
    let may = session.subscriptions.is_empty()
        || known.command.while_subscribed
        // Relaxed: this thread wrote it.
        || session.cell.is_resp3.load(Ordering::Relaxed);
    if may { Verdict::Pass } else { Verdict::Refuse(only_messages(&known.full_name)) }
}

#[cold]
fn only_messages(name: &str) -> CommandError {
    CommandError::refused_with(format!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
         allowed in this context"
    ))
}

#[inline]
fn loading(candidate: &Candidate<'_>) -> Verdict {
    let is_loading = candidate.engine.persistence.is_loading();
    if is_loading && !candidate.known.command.flags.has(Flags::LOADING) {
        return Verdict::Refuse(CommandError::Loading);
    }
    Verdict::Pass
}

#[inline]
fn busy(candidate: &Candidate<'_>) -> Verdict {
    if candidate.standing == Standing::Inside { Verdict::Pass } else { beside_script(candidate) }
}

/// What may run in any case while a script takes long touches no key.
#[cold]
fn beside_script(candidate: &Candidate<'_>) -> Verdict {
    match candidate.standing {
        Standing::Beside { is_slow } if beside::may_run(candidate, is_slow) => {
            return Verdict::Pass;
        }
        Standing::Beside { is_slow: false } | Standing::Later => return Verdict::Postpone,
        _ => {}
    }
    let Candidate { known, engine, .. } = candidate;
    let may = known.command.flags.has(Flags::ALLOW_BUSY) && matches!(known.plan, KeyPlan::None);
    if may { Verdict::Pass } else { Verdict::Refuse(engine.slow.refusal()) }
}

/// A script that begins now could keep those from running who have waited for others to end.
#[inline]
fn quiet(candidate: &Candidate<'_>) -> Verdict {
    let Candidate { engine, session, known, .. } = candidate;
    let runs_script = match &session.transaction {
        None => known.runs_script,
        Some(transaction) => {
            transaction.runs_script && known.command.in_transaction == InTransaction::RunsQueue
        }
    };
    let is_held_back = runs_script && engine.quiet.is_wanted() && !session.put_off.wants_quiet();
    if is_held_back { Verdict::Postpone } else { Verdict::Pass }
}

/// A client that monitors is treated like a replica: it leaves the data alone.
#[inline]
fn monitor(candidate: &Candidate<'_>) -> Verdict {
    const REFUSAL: CommandError =
        CommandError::refused("ERR Replica can't interact with the keyspace");
    const DATA: Flags = Flags::WRITE.and(Flags::READONLY).and(Flags::MAY_REPLICATE);
    let is_refused = candidate.session.monitors.is_some() && candidate.flags().has_any(DATA);
    if is_refused { Verdict::Refuse(REFUSAL) } else { Verdict::Pass }
}

#[inline]
fn pause(candidate: &Candidate<'_>) -> Verdict {
    let may_write = || candidate.flags().has_any(Flags::WRITE.and(Flags::MAY_REPLICATE));
    let waits = candidate.engine.pause.holds_back(candidate.now_ms, may_write);
    // A client that monitors changes nothing, and is there to see.
    if waits && candidate.session.monitors.is_none() { Verdict::Postpone } else { Verdict::Pass }
}
