//! INFO persistence: what would be lost, and how saving goes.

use super::section::Fields;
use crate::base::clock;
use crate::engine::{Engine, LoadProgress};

pub(super) fn fill(engine: &Engine, fields: &mut Fields) {
    fields.count("loading", u64::from(engine.persistence.is_loading()));
    fields.zeros(&[
        "async_loading",
        "current_cow_peak",
        "current_cow_size",
        "current_cow_size_age",
    ]);
    fields.decimal("current_fork_perc", 0.0, 2);
    fields.zeros(&["current_save_keys_processed", "current_save_keys_total"]);
    fields.count("rdb_changes_since_last_save", engine.changes.total());
    fields.count("rdb_bgsave_in_progress", 0);
    fields.signed("rdb_last_save_time", engine.persistence.last_save_s());
    fields.status("rdb_last_bgsave_status", true);
    fields.signed("rdb_last_bgsave_time_sec", -1);
    fields.signed("rdb_current_bgsave_time_sec", -1);
    let (loaded, expired) = engine.persistence.last_load();
    fields.count("rdb_saves", engine.persistence.save_count());
    fields.count("rdb_last_cow_size", 0);
    fields.count("rdb_last_load_keys_expired", expired);
    fields.count("rdb_last_load_keys_loaded", loaded);
    fields.zeros(&["aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"]);
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
    if let Some(progress) = engine.persistence.load_progress() {
        fill_progress(engine, &progress, fields);
    }
}

/// Tells how far loading is, and how long it will still take at this pace.
#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn fill_progress(engine: &Engine, progress: &LoadProgress, fields: &mut Fields) {
    let elapsed_s = (clock::unix_ms() / 1000).saturating_sub(progress.started_s);
    let share = progress.loaded_bytes as f64 / (progress.total_bytes.max(1)) as f64;
    let remaining_bytes = progress.total_bytes.saturating_sub(progress.loaded_bytes);
    fields.count("loading_start_time", progress.started_s);
    fields.count("loading_total_bytes", progress.total_bytes);
    fields.count("loading_rdb_used_mem", engine.used_memory_bytes());
    fields.count("loading_loaded_bytes", progress.loaded_bytes);
    fields.percent("loading_loaded_perc", share * 100.0);
    let pace = progress.loaded_bytes / elapsed_s.max(1);
    fields.count("loading_eta_seconds", remaining_bytes / pace.max(1));
}
