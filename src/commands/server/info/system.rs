//! INFO threads and INFO cpu: what each worker does and what it all costs.

use super::section::{Fields, as_double};
use crate::commands::server::process;
use crate::engine::Engine;
use crate::stats::Counter;

pub(super) fn fill_threads(engine: &Engine, fields: &mut Fields) {
    let mut client_counts = vec![0_u64; engine.worker_count()];
    for client in engine.clients.all() {
        client_counts[client.worker] += 1;
    }
    for (index, clients) in client_counts.into_iter().enumerate() {
        let stats = engine.stats.worker(index);
        let (reads, writes) =
            (stats.count(Counter::ReadsProcessed), stats.count(Counter::WritesProcessed));
        let text = format!("clients={clients},reads={reads},writes={writes}");
        fields.text(format!("io_thread_{index}"), text);
    }
}

pub(super) fn fill_cpu(engine: &Engine, fields: &mut Fields) {
    let all = process::cpu_seconds();
    let main = process::cpu_seconds_of_main_thread(engine.identity.process_id);
    for (name, seconds) in [
        ("used_cpu_sys", all.system),
        ("used_cpu_user", all.user),
        ("used_cpu_sys_children", all.system_of_children),
        ("used_cpu_user_children", all.user_of_children),
        ("used_cpu_sys_main_thread", main.system),
        ("used_cpu_user_main_thread", main.user),
        ("used_active_time_main_thread", busiest_worker_seconds(engine)),
    ] {
        fields.decimal(name, seconds, 6);
    }
}

/// Returns how long the busiest worker was at work: as with the one thread of the originals, this
/// tells how near the server is to its limit.
fn busiest_worker_seconds(engine: &Engine) -> f64 {
    let count = |index| engine.stats.worker(index).count(Counter::EventLoopUs);
    as_double((0..engine.worker_count()).map(count).max().unwrap_or(0)) / 1e6
}
