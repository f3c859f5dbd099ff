//! INFO persistence: what would be lost, and how saving goes.

use std::sync::atomic::Ordering;

use super::section::Fields;
use crate::engine::Engine;

pub(super) fn fill(engine: &Engine, fields: &mut Fields) {
    fields.zeros(&[
        "loading",
        "async_loading",
        "current_cow_peak",
        "current_cow_size",
        "current_cow_size_age",
    ]);
    fields.decimal("current_fork_perc", 0.0, 2);
    fields.zeros(&["current_save_keys_processed", "current_save_keys_total"]);
    fields.count("rdb_changes_since_last_save", engine.changes.total());
    fields.count("rdb_bgsave_in_progress", 0);
    // Relaxed: a statistic.
    fields.signed("rdb_last_save_time", engine.last_save_s.load(Ordering::Relaxed));
    fields.status("rdb_last_bgsave_status", true);
    fields.signed("rdb_last_bgsave_time_sec", -1);
    fields.signed("rdb_current_bgsave_time_sec", -1);
    fields.zeros(&[
        "rdb_saves",
        "rdb_last_cow_size",
        "rdb_last_load_keys_expired",
        "rdb_last_load_keys_loaded",
        "aof_enabled",
        "aof_rewrite_in_progress",
        "aof_rewrite_scheduled",
    ]);
    fields.signed("aof_last_rewrite_time_sec", -1);
    fields.signed("aof_current_rewrite_time_sec", -1);
    fields.status("aof_last_bgrewrite_status", true);
    fields.zeros(&["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    fields.status("aof_last_write_status", true);
    fields.zeros(&[
        "aof_last_cow_size",
        "module_fork_in_progress",
        "module_fork_last_cow_size",
        "slot_migration_fork_in_progress",
    ]);
}
