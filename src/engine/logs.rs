//! What is told of a command that has ended, be it a client's own or one inside another: latency
//! events, the command logs, and its line for clients that monitor the server.

use super::args::Args;
use super::command::Flags;
use super::monitors;
use super::session::Session;
use super::state::Engine;
use super::table::Known;
use super::tuning::Tuning;
use crate::base::clock;
use crate::stats::{CommandLogClient, CommandLogKind};

/// A command that took longer than this makes the worker look at the wall clock again; no shorter one
/// is a latency event.
pub(super) const STALE_CLOCK_NS: u64 = 1_000_000;

/// A command that has ended.
#[derive(Clone, Copy)]
pub(super) struct Ended<'a> {
    pub(super) engine: &'a Engine,
    pub(super) tuning: &'a Tuning,
    pub(super) session: &'a Session,
    pub(super) known: &'a Known,
    pub(super) args: Args<'a>,
    /// Positions of the arguments that nobody may read.
    pub(super) redacted: &'a [usize],
    pub(super) elapsed_ns: u64,
    pub(super) reply_bytes: usize,
}

impl<'a> Ended<'a> {
    /// Puts the command into the logs whose thresholds it passes.
    #[inline]
    pub(super) fn log(&self) {
        let tuning = self.tuning;
        let may_be_logged = (self.elapsed_ns >= tuning.slow_log_ns)
            | (self.reply_bytes >= tuning.large_reply_bytes)
            | (self.args.extent_bytes() >= tuning.large_request_bytes);
        if may_be_logged && !self.known.command.flags.has(Flags::SKIP_COMMANDLOG) {
            self.write_logs();
        }
        if self.elapsed_ns >= STALE_CLOCK_NS {
            let is_fast = self.known.command.flags.has(Flags::FAST);
            let event = if is_fast { "fast-command" } else { "command" };
            record_event(self.engine, tuning, event, self.elapsed_ns);
        }
    }

    #[cold]
    fn write_logs(&self) {
        let (tuning, request_bytes) = (self.tuning, self.args.total_bytes());
        let amounts = [
            (self.elapsed_ns >= tuning.slow_log_ns, CommandLogKind::Slow, self.elapsed_ns / 1000),
            (
                request_bytes >= tuning.large_request_bytes,
                CommandLogKind::LargeRequest,
                request_bytes as u64,
            ),
            (
                self.reply_bytes >= tuning.large_reply_bytes,
                CommandLogKind::LargeReply,
                self.reply_bytes as u64,
            ),
        ];
        let cell = &self.session.cell;
        let names = cell.names.lock();
        let client = CommandLogClient { address: &cell.peer.address, name: names.name.as_bytes() };
        let shown: Vec<&[u8]> = shown_args(self.args, self.redacted).collect();
        let now_s = clock::unix_ms() / 1000;
        for (_, kind, amount) in amounts.into_iter().filter(|(applies, _, _)| *applies) {
            let entry_count_max = self.engine.command_log_max(kind);
            let log = self.engine.stats.command_log();
            log.record(kind, entry_count_max, now_s, amount, shown.iter(), client);
        }
    }

    /// Returns the command as clients that monitor see it, if there are any and they may see it.
    #[inline]
    pub(super) fn line(&self) -> Option<Vec<u8>> {
        const HIDDEN: Flags = Flags::SKIP_MONITOR.and(Flags::ADMIN);
        let is_shown =
            self.engine.monitors.is_watched() && !self.known.command.flags.has_any(HIDDEN);
        is_shown.then(|| monitors::line(self.session, shown_args(self.args, self.redacted)))
    }
}

/// Returns the arguments of a command as others may read them.
pub(super) fn shown_args<'a>(
    args: Args<'a>,
    redacted: &'a [usize],
) -> impl Iterator<Item = &'a [u8]> {
    let shown = move |(index, argument)| {
        if redacted.contains(&index) { b"(redacted)".as_slice() } else { argument }
    };
    args.iter().enumerate().map(shown)
}

/// Notes a latency event if the monitor of latencies is on and the event was long enough.
pub(super) fn record_event(engine: &Engine, tuning: &Tuning, event: &'static str, elapsed_ns: u64) {
    let elapsed_ms = elapsed_ns / 1_000_000;
    if tuning.latency_monitor_ms > 0 && elapsed_ms >= tuning.latency_monitor_ms {
        let now_s = clock::unix_ms() / 1000;
        engine.stats.latency_monitor().record(event, now_s, elapsed_ms);
    }
}
