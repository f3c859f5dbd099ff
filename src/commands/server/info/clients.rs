//! INFO clients: how many there are and what they wait for.

use super::section::Fields;
use crate::base::clock;
use crate::config::Setting;
use crate::engine::{Engine, PauseKind};

pub(super) fn fill(engine: &Engine, fields: &mut Fields) {
    let (query_bytes, reply_bytes) = engine.clients.max_buffers();
    fields.count("connected_clients", engine.clients.count() as u64);
    fields.count("cluster_connections", 0);
    fields.count("maxclients", engine.config.size(Setting::Maxclients) as u64);
    fields.count("client_recent_max_input_buffer", query_bytes);
    fields.count("client_recent_max_output_buffer", reply_bytes);
    let waiting_count = engine.waiters.waiter_count();
    fields.count("blocked_clients", waiting_count + engine.clients.postponed_count());
    fields.count("tracking_clients", engine.tracking.client_count());
    fields.count("pubsub_clients", engine.pubsub.client_count() as u64);
    fields.count("monitor_clients", engine.monitors.count() as u64);
    fields.zeros(&["clients_in_timeout_table"]);
    let (watching_count, watched_count) = engine.watches.counts();
    fields.count("watching_clients", watching_count);
    fields.count("total_watched_keys", watched_count as u64);
    let (key_count, removal_count) = engine.waiters.key_counts();
    fields.count("total_blocking_keys", key_count as u64);
    fields.count("total_blocking_keys_on_nokey", removal_count as u64);
    fill_pause(engine, fields);
}

fn fill_pause(engine: &Engine, fields: &mut Fields) {
    let now_ms = clock::unix_ms();
    let pause = engine.pause.current(now_ms);
    let (reason, actions, left_ms) = match pause {
        None => ("none", "none", 0),
        Some((PauseKind::All, end_ms)) => ("client_pause", "all", end_ms - now_ms),
        Some((PauseKind::Writes, end_ms)) => ("client_pause", "write", end_ms - now_ms),
    };
    fields.text("paused_reason", reason);
    fields.text("paused_actions", actions);
    fields.count("paused_timeout_milliseconds", left_ms);
}
