//! Requests that name no command or have the wrong number of arguments.

use std::sync::atomic::{AtomicU64, Ordering};

use super::args::Args;
use super::clients::Peer;
use super::command::InTransaction;
use super::error::{CommandError, quotable};
use super::table::{CommandTable, Known};
use crate::base::{clock, log};

/// Bytes of a request repeated in the error at most.
const QUOTED_BYTES_MAX: usize = 128;
/// Time between two warnings of browsers, at least.
const WARNING_PAUSE_US: u64 = 60_000_000;

/// Why a request fits no command.
pub(super) enum Misfit {
    /// It is a line of an HTTP request.
    Browser,
    /// There is no such command or subcommand.
    Unknown(CommandError),
    /// The command of this number never takes so many arguments, or so few; would it have run the
    /// queue of a transaction?
    Arity { id: usize, error: CommandError, runs_queue: bool },
}

/// Returns the command or subcommand a request means.
///
/// # Errors
/// No such command or subcommand, or a number of arguments it never takes.
#[inline]
pub(super) fn resolve<'t>(
    table: &'t CommandTable,
    id: Option<usize>,
    args: Args<'_>,
) -> Result<&'t Known, Misfit> {
    let Some(id) = id else { return Err(unknown_command(args)) };
    let mut known = table.by_id(id);
    if !known.subcommands.is_empty() && args.len() > 1 {
        known = table
            .find_subcommand(known, args.at(1))
            .ok_or_else(|| unknown_subcommand(known, args.at(1)))?;
    }
    if fits(known.command.arity, args.len()) {
        Ok(known)
    } else {
        let error = CommandError::wrong_arity(&known.full_name);
        let runs_queue = known.command.in_transaction == InTransaction::RunsQueue;
        Err(Misfit::Arity { id: known.id, error, runs_queue })
    }
}

/// Says whether a number of arguments agrees with an arity.
pub fn fits(arity: i32, arg_count: usize) -> bool {
    let wanted = arity.unsigned_abs() as usize;
    if arity < 0 { arg_count >= wanted } else { arg_count == wanted }
}

#[cold]
fn unknown_command(args: Args<'_>) -> Misfit {
    if args.is_word(0, "POST") || args.is_word(0, "Host:") {
        return Misfit::Browser;
    }
    let mut text = b"ERR unknown command '".to_vec();
    text.extend_from_slice(shortened(args.at(0), QUOTED_BYTES_MAX));
    text.extend_from_slice(b"', with args beginning with: ");
    let mut room = QUOTED_BYTES_MAX;
    for argument in args.from(1).iter() {
        if room == 0 {
            break;
        }
        let shown = shortened(argument, room);
        text.extend_from_slice(&[b"'", shown, b"' "].concat());
        room = room.saturating_sub(shown.len() + 3);
    }
    Misfit::Unknown(CommandError::Quoting(text))
}

#[cold]
fn unknown_subcommand(container: &Known, name: &[u8]) -> Misfit {
    let after = format!("'. Try {} HELP.", container.full_name.to_ascii_uppercase());
    let name = shortened(name, QUOTED_BYTES_MAX);
    Misfit::Unknown(CommandError::quoting("ERR unknown subcommand '", name, &after))
}

fn shortened(word: &[u8], bytes_max: usize) -> &[u8] {
    quotable(&word[..word.len().min(bytes_max)])
}

/// Warns that a web page seems to have a browser send commands here; once a minute at most.
pub(super) fn warn_of_browser(peer: &Peer) {
    static NEXT_US: AtomicU64 = AtomicU64::new(0);
    let now_us = clock::monotonic_us();
    // Relaxed: a second warning would do no harm.
    if now_us < NEXT_US.load(Ordering::Relaxed) {
        return;
    }
    NEXT_US.store(now_us + WARNING_PAUSE_US, Ordering::Relaxed);
    log::warning(format_args!(
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: \
         commands to this server: perhaps a web page that wants to make a browser run commands \
         here. Connection from {} aborted.",
        peer.address
    ));
}
