//! INFO replication: the role, the offset, the replicas.

use super::section::Fields;
use crate::config::Setting;
use crate::engine::Engine;

/// The id of no history at all.
const NO_HISTORY: &str = "0000000000000000000000000000000000000000";

pub(super) fn fill(engine: &Engine, fields: &mut Fields) {
    fields.text("role", "master");
    fields.zeros(&["connected_slaves", "replicas_waiting_psync"]);
    fields.text("master_failover_state", "no-failover");
    fields.text("master_replid", engine.replication_id());
    fields.text("master_replid2", NO_HISTORY);
    fields.count("master_repl_offset", engine.effects.offset());
    fields.signed("second_repl_offset", -1);
    fields.count("repl_backlog_active", 0);
    fields.count("repl_backlog_size", engine.config.size(Setting::ReplBacklogSize) as u64);
    fields.zeros(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
}
