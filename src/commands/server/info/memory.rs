//! INFO memory: what is used, by whom, and how well the allocator packs it.

use super::section::{Fields, human, ratio};
use crate::commands::server::{allocator, process};
use crate::config::Setting;
use crate::engine::Engine;
use crate::keyspace::data_bytes;
use crate::stats::Counter;

/// What MEMORY STATS, MEMORY DOCTOR and INFO have in common.
pub(in crate::commands::server) struct MemoryFigures {
    pub(in crate::commands::server) used: u64,
    pub(in crate::commands::server) peak: u64,
    pub(in crate::commands::server) data: u64,
    pub(in crate::commands::server) clients: u64,
    pub(in crate::commands::server) resident: u64,
    pub(in crate::commands::server) allocator: allocator::AllocatorBytes,
}

/// Reads all figures; costs a few system calls.
pub(in crate::commands::server) fn figures(engine: &Engine) -> MemoryFigures {
    let used = engine.used_memory_bytes();
    // Relaxed: a statistic.
    let peak = engine.peak_memory_bytes.load(std::sync::atomic::Ordering::Relaxed);
    MemoryFigures {
        used,
        peak,
        data: data_bytes(),
        clients: engine.client_bytes(),
        resident: process::resident_bytes(),
        allocator: allocator::bytes(),
    }
}

/// Returns `left - right`, which may be negative.
pub(in crate::commands::server) fn difference(left: u64, right: u64) -> i64 {
    left.cast_signed().wrapping_sub(right.cast_signed())
}

pub(super) fn fill(engine: &Engine, fields: &mut Fields) {
    let memory = figures(engine);
    fields.bytes("used_memory", "used_memory_human", memory.used);
    fields.bytes("used_memory_rss", "used_memory_rss_human", memory.resident);
    fields.bytes("used_memory_peak", "used_memory_peak_human", memory.peak);
    fields.percent("used_memory_peak_perc", 100.0 * ratio(memory.used, memory.peak));
    fields.count("used_memory_overhead", memory.clients);
    fields.count("used_memory_startup", 0);
    fields.count("used_memory_dataset", memory.data);
    fields.percent("used_memory_dataset_perc", 100.0 * ratio(memory.data, memory.used));
    fields.count("allocator_allocated", memory.allocator.allocated);
    fields.count("allocator_active", memory.allocator.active);
    fields.count("allocator_resident", memory.allocator.resident);
    fields.count("allocator_muzzy", memory.allocator.muzzy);
    let machine_bytes = engine.config.memory().machine_bytes.unwrap_or(0);
    fields.bytes("total_system_memory", "total_system_memory_human", machine_bytes);
    fill_scripts(engine, fields);
    let limit = engine.config.maxmemory_bytes();
    fields.bytes("maxmemory", "maxmemory_human", limit);
    let policy = engine.config.text(Setting::MaxmemoryPolicy);
    fields.text("maxmemory_policy", String::from_utf8_lossy(&policy));
    fill_fragmentation(&memory, fields);
    fill_buffers(engine, &memory, fields);
}

fn fill_scripts(engine: &Engine, fields: &mut Fields) {
    let (machines, texts) = (engine.script_memory_bytes() as u64, engine.scripts.bytes() as u64);
    let catalog = engine.functions.current();
    let of_functions = engine.function_memory_bytes() as u64;
    let libraries = catalog.bytes() as u64;
    fields.count("used_memory_lua", machines);
    fields.count("used_memory_vm_eval", machines);
    fields.text("used_memory_lua_human", human(machines));
    fields.count("used_memory_scripts_eval", texts);
    fields.count("number_of_cached_scripts", engine.scripts.count() as u64);
    fields.count("number_of_functions", catalog.function_count() as u64);
    fields.count("number_of_libraries", catalog.libraries().len() as u64);
    fields.count("used_memory_vm_functions", of_functions);
    fields.count("used_memory_vm_total", machines + of_functions);
    fields.text("used_memory_vm_total_human", human(machines + of_functions));
    fields.count("used_memory_functions", libraries);
    fields.count("used_memory_scripts", texts + libraries);
    fields.text("used_memory_scripts_human", human(texts + libraries));
}

fn fill_fragmentation(memory: &MemoryFigures, fields: &mut Fields) {
    let allocator = &memory.allocator;
    for (ratio_name, bytes_name, outer, inner) in [
        ("allocator_frag_ratio", "allocator_frag_bytes", allocator.active, allocator.allocated),
        ("allocator_rss_ratio", "allocator_rss_bytes", allocator.resident, allocator.active),
        ("rss_overhead_ratio", "rss_overhead_bytes", memory.resident, allocator.resident),
        ("mem_fragmentation_ratio", "mem_fragmentation_bytes", memory.resident, memory.used),
    ] {
        fields.decimal(ratio_name, ratio(outer, inner), 2);
        fields.signed(bytes_name, difference(outer, inner));
    }
}

fn fill_buffers(engine: &Engine, memory: &MemoryFigures, fields: &mut Fields) {
    // Eviction looks at data only, so that no client can make it begin.
    fields.count("mem_not_counted_for_evict", memory.clients);
    fields.zeros(&[
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_replicas_repl_buffer",
        "mem_replica_full_sync_buffer",
        "mem_clients_slaves",
    ]);
    fields.count("mem_clients_normal", memory.clients);
    fields.zeros(&[
        "mem_cluster_links",
        "mem_cluster_slot_import",
        "mem_cluster_slot_export",
        "mem_aof_buffer",
    ]);
    fields.text("mem_allocator", allocator::name());
    fields.zeros(&["mem_overhead_db_hashtable_rehashing", "active_defrag_running"]);
    fields.count("lazyfree_pending_objects", engine.reaper.pending_count());
    let freed = engine.reaper.freed_count() + engine.stats.info_value(Counter::LazyfreedObjects);
    fields.count("lazyfreed_objects", freed);
}
