//! What a connection may not exceed, and what is looked after when nothing happens on it.

use std::sync::atomic::Ordering;

use super::{Connection, Ending, State};
use crate::base::log;
use crate::config::OutputLimit;
use crate::engine::Gauges;
use crate::net::kit::Kit;
use crate::net::output;
use crate::stats::Counter;

/// Milliseconds without traffic after which a connection gives its buffers back.
const RELEASE_AFTER_MS: u64 = 2000;

impl Connection {
    #[inline]
    pub(super) fn check_limits(&mut self, kit: &Kit) -> Result<(), Ending> {
        if self.input.len() > kit.settings.query_bytes_max {
            return Err(Ending::QueryTooLong);
        }
        let limit = self.output_limit(kit);
        if limit.hard_bytes == 0 && limit.soft_bytes == 0 {
            return Ok(());
        }
        self.check_output(limit, kit)
    }

    #[inline]
    fn output_limit(&self, kit: &Kit) -> OutputLimit {
        let is_subscriber = !self.session.subscriptions.is_empty();
        if is_subscriber { kit.settings.message_limit } else { kit.settings.output_limit }
    }

    fn check_output(&mut self, limit: OutputLimit, kit: &Kit) -> Result<(), Ending> {
        let pending = self.reply.len() as u64;
        if limit.hard_bytes > 0 && pending >= limit.hard_bytes {
            return Err(Ending::TooManyReplies);
        }
        if limit.soft_bytes == 0 || pending < limit.soft_bytes {
            self.over_limit_since_ms = 0;
        } else if self.over_limit_since_ms == 0 {
            self.over_limit_since_ms = kit.now_ms;
        } else if kit.now_ms - self.over_limit_since_ms.min(kit.now_ms) > limit.soft_seconds * 1000
        {
            return Err(Ending::TooManyReplies);
        }
        Ok(())
    }

    /// Counts what the client takes and closes the largest ones if all take too much, this one perhaps
    /// among them. A client above its own limit is closed before another one has to go.
    #[inline]
    pub(super) fn mind_memory(&mut self, kit: &Kit) -> Result<(), Ending> {
        let clients = &kit.worker.engine().clients;
        if clients.memory_limit() > 0 {
            self.check_limits(kit)?;
            self.show();
            clients.count_memory(&self.session.cell);
            kit.worker.engine().evict_clients(kit.worker.stats());
        }
        Ok(())
    }

    /// Looks after a connection that may not have had an event for long; says whether to close it.
    pub(in crate::net) fn mind(&mut self, kit: &Kit) -> bool {
        if let Err(ending) = self.check_limits(kit) {
            self.report(&ending, kit);
            return true;
        }
        let last_active_ms = Gauges::value(&self.session.cell.gauges.last_active_ms);
        let idle_ms = kit.now_ms.saturating_sub(last_active_ms);
        // Relaxed: a switch for tests.
        let keeps = kit.worker.engine().keeps_reply_buffers.load(Ordering::Relaxed);
        if idle_ms >= RELEASE_AFTER_MS && self.reply.is_empty() && !keeps {
            self.reply.release();
            self.show();
        }
        if self.input.trim(idle_ms >= RELEASE_AFTER_MS) {
            self.show();
        }
        kit.worker.engine().clients.count_memory(&self.session.cell);
        match self.state {
            State::Lingering { until_ms, .. } => kit.now_ms >= until_ms,
            State::Postponed | State::Waiting => false,
            State::Serving | State::Closing => {
                let idle_ms_max = kit.settings.idle_ms_max;
                let listens =
                    !self.session.subscriptions.is_empty() || self.session.monitors.is_some();
                let is_idle = idle_ms_max > 0 && idle_ms > idle_ms_max && !listens;
                if is_idle {
                    log::verbose(format_args!("Closing idle client"));
                }
                is_idle || self.session.is_doomed()
            }
        }
    }

    /// Shows others how full the buffers are.
    #[inline]
    pub(super) fn show(&self) {
        let gauges = &self.session.cell.gauges;
        let query_bytes = self.input.query_bytes() as u64;
        let reply_bytes = self.reply.len() as u64;
        Gauges::set(&gauges.query_bytes, query_bytes);
        Gauges::set(&gauges.query_free_bytes, self.input.free_bytes() as u64);
        Gauges::set(&gauges.argument_bytes, self.input.argument_bytes() as u64);
        Gauges::set(&gauges.reply_bytes, reply_bytes);
        Gauges::set(&gauges.reply_capacity_bytes, self.reply.capacity_bytes() as u64);
    }

    /// Shows others what a connection is about to run.
    #[inline]
    pub(super) fn show_query(&self, query_bytes: usize, kit: &Kit) {
        Gauges::set(&self.session.cell.gauges.query_bytes, query_bytes as u64);
        kit.worker.engine().clients.note_buffers(query_bytes as u64, self.reply.len() as u64);
    }

    /// Counts what was read.
    #[inline]
    pub(super) fn count_input(&self, bytes: usize, kit: &Kit) {
        let stats = kit.worker.stats();
        stats.add(Counter::ReadsProcessed, 1);
        stats.add(Counter::NetInputBytes, bytes as u64);
        let gauges = &self.session.cell.gauges;
        Gauges::set(&gauges.input_bytes, Gauges::value(&gauges.input_bytes) + bytes as u64);
        Gauges::set(&gauges.last_active_ms, kit.now_ms);
    }

    #[cold]
    pub(super) fn report(&self, ending: &Ending, kit: &Kit) {
        let stats = kit.worker.stats();
        let client = self.describe();
        match ending {
            Ending::Broken => {}
            Ending::QueryTooLong => {
                stats.add(Counter::QueryBufferLimitDisconnections, 1);
                log::warning(format_args!(
                    "Closing client that reached max query buffer length: {client}"
                ));
            }
            Ending::TooManyReplies => {
                stats.add(Counter::OutputBufferLimitDisconnections, 1);
                log::warning(format_args!(
                    "Client {client} closed for overcoming of output buffer limits."
                ));
            }
        }
    }

    pub(super) fn describe(&self) -> String {
        let cell = &self.session.cell;
        format!(
            "id={} addr={} laddr={} fd={} name={} qbuf={} omem={}",
            cell.id,
            cell.peer.address,
            cell.peer.local_address,
            cell.peer.descriptor,
            cell.names.lock().name,
            self.input.len(),
            self.reply.len(),
        )
    }

    /// Sends what the system takes at once; for a server that stops.
    pub(in crate::net) fn send_last(&mut self) {
        let _sent = output::send(&mut self.stream, &mut self.reply);
    }
}
