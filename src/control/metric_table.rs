//! Which value becomes which metric: one row each, with type and help text.
//!
//! Names are those of the widely used redis_exporter, so that dashboards and alert rules keep
//! working; what has no name there is called `redpoll_*`. Where a known name contradicts what the
//! metric is (`..._total` that can fall, a counter without `_total`), its type is `Untyped`.

use super::exposition::Kind;

/// A metric that shows one field of a snapshot.
pub(super) struct FieldMetric {
    pub(super) field: &'static str,
    pub(super) metric: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

/// A metric whose values differ by labels.
pub(super) struct LabelledMetric {
    pub(super) metric: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

/// Units in a name that `promtool check metrics` objects to, as far as our names have them.
const UNIT_ABBREVIATIONS: [&str; 2] = ["ms", "sec"];

/// Says whether a metric's name holds an abbreviated unit.
pub(super) fn abbreviates_unit(metric: &str) -> bool {
    metric.split('_').any(|word| UNIT_ABBREVIATIONS.contains(&word))
}

macro_rules! field_metrics {
    ($($kind:ident $metric:ident = $field:ident: $help:literal,)+) => {
        /// The metrics of single fields.
        pub(super) const FIELD_METRICS: &[FieldMetric] = &[$(FieldMetric {
            field: stringify!($field),
            metric: stringify!($metric),
            kind: Kind::$kind,
            help: $help,
        },)+];
    };
}

macro_rules! labelled_metrics {
    ($($kind:ident $metric:ident: $help:literal,)+) => {
        /// The metrics with labels, apart from those of commands, databases and errors.
        pub(super) const LABELLED_METRICS: &[LabelledMetric] = &[$(LabelledMetric {
            metric: stringify!($metric),
            kind: Kind::$kind,
            help: $help,
        },)+];
    };
}

field_metrics! {
    // Server.
    Gauge redis_uptime_in_seconds = uptime_in_seconds: "Seconds since the server started.",
    Gauge redis_start_time_seconds = start_time_seconds:
        "When the server started, in seconds since 1970.",
    Gauge redis_process_id = process_id: "Process number of the server.",
    Gauge redis_io_threads_active = io_threads_active:
        "Whether more than one thread serves clients.",
    // Clients.
    Gauge redis_connected_clients = connected_clients: "Connections of clients, replicas excluded.",
    Gauge redis_max_clients = maxclients: "Connections the server allows.",
    Gauge redis_config_maxclients = maxclients: "The setting maxclients.",
    Gauge redis_client_recent_max_input_buffer_bytes = client_recent_max_input_buffer:
        "Largest query buffer among the clients.",
    Gauge redis_client_recent_max_output_buffer_bytes = client_recent_max_output_buffer:
        "Largest reply buffer among the clients.",
    Gauge redis_client_biggest_input_buf = client_biggest_input_buf:
        "Largest query buffer among the clients, under its old name.",
    Gauge redis_client_longest_output_list = client_longest_output_list:
        "Longest reply list among the clients, under its old name.",
    Gauge redis_blocked_clients = blocked_clients: "Clients that wait in a blocking command.",
    Gauge redis_tracking_clients = tracking_clients: "Clients that track keys for their cache.",
    Gauge redis_pubsub_clients = pubsub_clients: "Clients that subscribe to channels.",
    Gauge redis_watching_clients = watching_clients: "Clients that watch keys.",
    Gauge redis_clients_in_timeout_table = clients_in_timeout_table:
        "Blocked clients with a time limit.",
    Gauge redis_total_watched_keys = total_watched_keys: "Keys that clients watch.",
    Gauge redis_total_blocking_keys = total_blocking_keys: "Keys that clients wait for.",
    Gauge redis_total_blocking_keys_on_nokey = total_blocking_keys_on_nokey:
        "Keys whose deletion clients wait for.",
    // Memory.
    Gauge redis_memory_used_bytes = used_memory: "Memory allocated.",
    Gauge redis_memory_used_rss_bytes = used_memory_rss: "Memory resident as the system counts it.",
    Gauge redis_memory_used_peak_bytes = used_memory_peak: "Most memory that was ever allocated.",
    Gauge redis_memory_used_overhead_bytes = used_memory_overhead:
        "Memory used for anything but the data.",
    Gauge redis_memory_used_startup_bytes = used_memory_startup:
        "Memory used right after the start.",
    Gauge redis_memory_used_dataset_bytes = used_memory_dataset: "Memory used for the data.",
    Gauge redis_memory_used_lua_bytes = used_memory_lua:
        "Memory used by the engine of EVAL scripts.",
    Gauge redis_memory_used_scripts_bytes = used_memory_scripts:
        "Memory used by cached scripts and functions.",
    Gauge redis_memory_used_scripts_eval_bytes = used_memory_scripts_eval:
        "Memory used by cached EVAL scripts.",
    Gauge redis_memory_used_functions_bytes = used_memory_functions: "Memory used by functions.",
    Gauge redis_number_of_cached_scripts = number_of_cached_scripts: "EVAL scripts in the cache.",
    Gauge redis_number_of_functions = number_of_functions: "Functions loaded.",
    Gauge redis_number_of_libraries = number_of_libraries: "Function libraries loaded.",
    Gauge redis_total_system_memory_bytes = total_system_memory: "Memory of the machine.",
    Gauge redis_memory_max_bytes = maxmemory: "Memory the data may use; 0 is no limit.",
    Gauge redis_config_maxmemory = maxmemory: "The setting maxmemory.",
    Gauge redis_allocator_allocated_bytes = allocator_allocated: "Bytes the allocator handed out.",
    Gauge redis_allocator_active_bytes = allocator_active: "Bytes of pages that hold allocations.",
    Gauge redis_allocator_resident_bytes = allocator_resident:
        "Bytes of pages the allocator keeps resident.",
    Gauge redis_allocator_muzzy_bytes = allocator_muzzy: "Bytes of pages the system may take back.",
    Gauge redis_allocator_frag_ratio = allocator_frag_ratio: "Active by allocated bytes.",
    Gauge redis_allocator_frag_bytes = allocator_frag_bytes: "Active minus allocated bytes.",
    Gauge redis_allocator_rss_ratio = allocator_rss_ratio: "Resident by active bytes.",
    Gauge redis_allocator_rss_bytes = allocator_rss_bytes: "Resident minus active bytes.",
    Gauge redis_mem_fragmentation_ratio = mem_fragmentation_ratio: "Resident by allocated memory.",
    Gauge redis_mem_fragmentation_bytes = mem_fragmentation_bytes:
        "Resident minus allocated memory.",
    Gauge redis_mem_not_counted_for_eviction_bytes = mem_not_counted_for_evict:
        "Memory that maxmemory does not count.",
    Gauge redis_mem_clients_normal = mem_clients_normal: "Bytes of buffers of ordinary clients.",
    Gauge redis_mem_clients_slaves = mem_clients_slaves: "Bytes of buffers of replicas.",
    Gauge redis_mem_cluster_links_bytes = mem_cluster_links: "Memory of the links to other nodes.",
    Gauge redis_mem_aof_buffer_bytes = mem_aof_buffer: "Memory of the append-only file's buffer.",
    Gauge redis_mem_replication_backlog_bytes = mem_replication_backlog:
        "Memory of the replication backlog.",
    Gauge redis_mem_total_replication_buffers_bytes = mem_total_replication_buffers:
        "Memory of backlog and replica buffers.",
    Gauge redis_mem_overhead_db_hashtable_rehashing_bytes = mem_overhead_db_hashtable_rehashing:
        "Memory of tables that are being resized.",
    Gauge redis_active_defrag_running = active_defrag_running:
        "Whether memory is being defragmented.",
    Gauge redis_lazyfree_pending_objects = lazyfree_pending_objects:
        "Objects that wait to be freed off-thread.",
    Gauge redis_lazyfreed_objects = lazyfreed_objects: "Objects freed off-thread.",
    // Persistence.
    Gauge redis_loading_dump_file = loading: "Whether a data set is being loaded.",
    Gauge redis_async_loading = async_loading:
        "Whether a data set is loaded while the old one is served.",
    Gauge redis_rdb_changes_since_last_save = rdb_changes_since_last_save:
        "Changes since the last snapshot.",
    Gauge redis_rdb_bgsave_in_progress = rdb_bgsave_in_progress:
        "Whether a snapshot is being written.",
    Gauge redis_rdb_last_save_timestamp_seconds = rdb_last_save_time:
        "When the last snapshot ended.",
    Gauge redis_rdb_last_bgsave_status = rdb_last_bgsave_status:
        "Whether the last snapshot succeeded.",
    Gauge redis_rdb_last_bgsave_duration_sec = rdb_last_bgsave_time_sec:
        "Seconds the last snapshot took.",
    Gauge redis_rdb_current_bgsave_duration_sec = rdb_current_bgsave_time_sec:
        "Seconds the running snapshot takes already.",
    Untyped redis_rdb_saves_total = rdb_saves: "Snapshots written.",
    Gauge redis_rdb_last_cow_size_bytes = rdb_last_cow_size:
        "Memory the last snapshot had to copy.",
    Gauge redis_rdb_last_load_expired_keys = rdb_last_load_keys_expired:
        "Keys the last load skipped as expired.",
    Gauge redis_rdb_last_load_loaded_keys = rdb_last_load_keys_loaded: "Keys of the last load.",
    Gauge redis_rdb_current_size_bytes = rdb_current_size: "Size of the snapshot file.",
    Gauge redis_aof_enabled = aof_enabled: "Whether the append-only file is on.",
    Gauge redis_aof_rewrite_in_progress = aof_rewrite_in_progress:
        "Whether the append-only file is being rewritten.",
    Gauge redis_aof_rewrite_scheduled = aof_rewrite_scheduled:
        "Whether a rewrite follows the running snapshot.",
    Gauge redis_aof_last_rewrite_duration_sec = aof_last_rewrite_time_sec:
        "Seconds the last rewrite took.",
    Gauge redis_aof_current_rewrite_duration_sec = aof_current_rewrite_time_sec:
        "Seconds the running rewrite takes already.",
    Gauge redis_aof_last_bgrewrite_status = aof_last_bgrewrite_status:
        "Whether the last rewrite succeeded.",
    Gauge redis_aof_last_write_status = aof_last_write_status:
        "Whether the last write to the file succeeded.",
    Gauge redis_aof_last_cow_size_bytes = aof_last_cow_size: "Memory the last rewrite had to copy.",
    Gauge redis_aof_current_size_bytes = aof_current_size: "Size of the append-only file.",
    Gauge redis_aof_base_size_bytes = aof_base_size: "Its size after the last rewrite.",
    Gauge redis_aof_pending_rewrite = aof_pending_rewrite: "Whether a rewrite waits.",
    Gauge redis_aof_buffer_length = aof_buffer_length: "Bytes that wait to be written to the file.",
    Gauge redis_aof_rewrite_buffer_length = aof_rewrite_buffer_length:
        "Bytes that wait for the end of a rewrite.",
    Gauge redis_aof_pending_bio_fsync = aof_pending_bio_fsync: "Syncs that wait.",
    Gauge redis_aof_delayed_fsync = aof_delayed_fsync: "Syncs that came late.",
    // Stats.
    Counter redis_connections_received_total = total_connections_received: "Connections accepted.",
    Counter redis_commands_processed_total = total_commands_processed: "Commands run.",
    Counter redis_net_input_bytes_total = total_net_input_bytes: "Bytes read from clients.",
    Counter redis_net_output_bytes_total = total_net_output_bytes: "Bytes written to clients.",
    Counter redis_net_repl_input_bytes_total = total_net_repl_input_bytes:
        "Bytes read from the leader.",
    Counter redis_net_repl_output_bytes_total = total_net_repl_output_bytes:
        "Bytes written to replicas.",
    Counter redis_rejected_connections_total = rejected_connections:
        "Connections refused because of maxclients.",
    Gauge redis_replica_resyncs_full = sync_full: "Full synchronizations of replicas.",
    Gauge redis_replica_partial_resync_accepted = sync_partial_ok:
        "Partial synchronizations accepted.",
    Gauge redis_replica_partial_resync_denied = sync_partial_err:
        "Partial synchronizations refused.",
    Counter redis_expired_keys_total = expired_keys: "Keys removed because their time had come.",
    Counter redis_expired_subkeys_total = expired_subkeys:
        "Hash fields removed because their time had come.",
    Gauge redis_expired_stale_percentage = expired_stale_perc:
        "Estimated part of keys that are expired and still there.",
    Counter redis_expired_time_cap_reached_total = expired_time_cap_reached_count:
        "Expiry cycles that stopped at their time limit.",
    Counter redis_expire_cycle_cpu_time_ms_total = expire_cycle_cpu_milliseconds:
        "Milliseconds spent in expiry cycles.",
    Counter redis_evicted_keys_total = evicted_keys: "Keys removed because of maxmemory.",
    Counter redis_evicted_clients_total = evicted_clients:
        "Clients closed because of maxmemory-clients.",
    Counter redis_evicted_scripts_total = evicted_scripts: "Scripts dropped from the cache.",
    Counter redis_eviction_exceeded_time_ms_total = total_eviction_exceeded_time:
        "Milliseconds memory was above maxmemory.",
    Gauge redis_current_eviction_exceeded_time_ms = current_eviction_exceeded_time:
        "Milliseconds memory is above maxmemory already.",
    Counter redis_keyspace_hits_total = keyspace_hits: "Lookups that found their key.",
    Counter redis_keyspace_misses_total = keyspace_misses: "Lookups that did not find their key.",
    Gauge redis_pubsub_channels = pubsub_channels: "Channels with subscribers.",
    Gauge redis_pubsub_patterns = pubsub_patterns: "Patterns with subscribers.",
    Gauge redis_pubsubshard_channels = pubsubshard_channels: "Shard channels with subscribers.",
    Gauge redis_latest_fork_usec = latest_fork_usec: "Always 0: snapshots need no fork.",
    Untyped redis_migrate_cached_sockets_total = migrate_cached_sockets:
        "Connections that MIGRATE keeps open.",
    Gauge redis_slave_expires_tracked_keys = slave_expires_tracked_keys:
        "Keys with a time limit written on a replica.",
    Gauge redis_defrag_hits = active_defrag_hits: "Values moved by defragmentation.",
    Gauge redis_defrag_misses = active_defrag_misses: "Values that defragmentation left in place.",
    Gauge redis_defrag_key_hits = active_defrag_key_hits: "Keys moved by defragmentation.",
    Gauge redis_defrag_key_misses = active_defrag_key_misses:
        "Keys that defragmentation left in place.",
    Gauge redis_tracking_total_keys = tracking_total_keys: "Keys tracked for client caches.",
    Gauge redis_tracking_total_items = tracking_total_items: "Pairs of tracked key and client.",
    Gauge redis_tracking_total_prefixes = tracking_total_prefixes:
        "Prefixes tracked for client caches.",
    Untyped redis_unexpected_error_replies = unexpected_error_replies:
        "Errors while loading or replicating.",
    Untyped redis_total_error_replies = total_error_replies: "Error replies.",
    Untyped redis_dump_payload_sanitizations = dump_payload_sanitizations:
        "Payloads of RESTORE checked in depth.",
    Untyped redis_total_reads_processed = total_reads_processed: "Reads from client sockets.",
    Untyped redis_total_writes_processed = total_writes_processed: "Writes to client sockets.",
    Untyped redis_io_threaded_reads_processed = io_threaded_reads_processed:
        "Reads by other threads than the first.",
    Untyped redis_io_threaded_writes_processed = io_threaded_writes_processed:
        "Writes by other threads than the first.",
    Counter redis_client_query_buffer_limit_disconnections_total = client_query_buffer_limit_disconnections:
        "Clients closed because of their query buffer.",
    Counter redis_client_output_buffer_limit_disconnections_total = client_output_buffer_limit_disconnections:
        "Clients closed because of their reply buffer.",
    Counter redis_reply_buffer_shrinks_total = reply_buffer_shrinks: "Reply buffers made smaller.",
    Counter redis_reply_buffer_expands_total = reply_buffer_expands: "Reply buffers made larger.",
    Counter redis_eventloop_cycles_total = eventloop_cycles: "Rounds of the event loops.",
    Counter redis_eventloop_duration_sum_usec_total = eventloop_duration_sum:
        "Microseconds the event loops worked.",
    Counter redis_eventloop_duration_cmd_sum_usec_total = eventloop_duration_cmd_sum:
        "Microseconds the event loops ran commands.",
    Gauge redis_instantaneous_eventloop_cycles_per_sec = instantaneous_eventloop_cycles_per_sec:
        "Rounds of the event loops per second.",
    Gauge redis_instantaneous_eventloop_duration_usec = instantaneous_eventloop_duration_usec:
        "Microseconds of a round of an event loop.",
    Counter redis_acl_access_denied_auth_total = acl_access_denied_auth: "Authentications refused.",
    Counter redis_acl_access_denied_cmd_total = acl_access_denied_cmd:
        "Calls refused by ACL because of the command.",
    Counter redis_acl_access_denied_key_total = acl_access_denied_key:
        "Calls refused by ACL because of a key.",
    Counter redis_acl_access_denied_channel_total = acl_access_denied_channel:
        "Calls refused by ACL because of a channel.",
    // Replication.
    Gauge redis_connected_slaves = connected_slaves: "Replicas connected.",
    Gauge redis_master_repl_offset = master_repl_offset: "Offset of the replication stream.",
    Gauge redis_second_repl_offset = second_repl_offset:
        "Offset up to which the former identity is accepted.",
    Gauge redis_repl_backlog_is_active = repl_backlog_active: "Whether there is a backlog.",
    Gauge redis_replication_backlog_bytes = repl_backlog_size: "Size the backlog may have.",
    Gauge redis_repl_backlog_first_byte_offset = repl_backlog_first_byte_offset:
        "Offset of the oldest byte of the backlog.",
    Gauge redis_repl_backlog_history_bytes = repl_backlog_histlen: "Bytes in the backlog.",
    Gauge redis_slave_priority = slave_priority: "Priority of this replica in a failover.",
    // Cpu.
    Counter redis_cpu_sys_seconds_total = used_cpu_sys: "System time of the server.",
    Counter redis_cpu_user_seconds_total = used_cpu_user: "User time of the server.",
    Counter redis_cpu_sys_children_seconds_total = used_cpu_sys_children:
        "System time of child processes.",
    Counter redis_cpu_user_children_seconds_total = used_cpu_user_children:
        "User time of child processes.",
    Counter redis_cpu_sys_main_thread_seconds_total = used_cpu_sys_main_thread:
        "System time of the main thread.",
    Counter redis_cpu_user_main_thread_seconds_total = used_cpu_user_main_thread:
        "User time of the main thread.",
    Counter redis_active_time_main_thread_seconds_total = used_active_time_main_thread:
        "Time the main thread worked.",
    // Cluster.
    Untyped redis_cluster_messages_sent_total = cluster_stats_messages_sent:
        "Messages sent on the cluster bus.",
    Untyped redis_cluster_messages_received_total = cluster_stats_messages_received:
        "Messages received on the cluster bus.",
    // Command logs.
    Gauge redis_slowlog_length = slowlog_length: "Entries of the slow log.",
    Gauge redis_slowlog_last_id = slowlog_last_id: "Number of the newest entry of the slow log.",
    Gauge redis_last_slow_execution_duration_seconds = last_slow_execution_duration_seconds:
        "Duration of the newest entry of the slow log.",
    Gauge redis_commandlog_slow_length = commandlog_slow_length:
        "Entries of the log of slow commands.",
    Gauge redis_commandlog_large_request_length = commandlog_large_request_length:
        "Entries of the log of large requests.",
    Gauge redis_commandlog_large_reply_length = commandlog_large_reply_length:
        "Entries of the log of large replies.",
    Gauge redis_commandlog_execution_slower_than = commandlog_execution_slower_than:
        "Microseconds above which a command is logged as slow.",
    Gauge redis_commandlog_request_larger_than = commandlog_request_larger_than:
        "Bytes above which a request is logged.",
    Gauge redis_commandlog_reply_larger_than = commandlog_reply_larger_than:
        "Bytes above which a reply is logged.",
    Gauge redis_commandlog_slow_execution_max_len = commandlog_slow_execution_max_len:
        "Entries the log of slow commands may have.",
    Gauge redis_commandlog_large_request_max_len = commandlog_large_request_max_len:
        "Entries the log of large requests may have.",
    Gauge redis_commandlog_large_reply_max_len = commandlog_large_reply_max_len:
        "Entries the log of large replies may have.",
    // Ours.
    Counter redpoll_net_slot_import_bytes_total = total_net_cluster_slot_import_bytes:
        "Bytes received by slot imports.",
    Counter redpoll_net_slot_export_bytes_total = total_net_cluster_slot_export_bytes:
        "Bytes sent by slot exports.",
    Counter redpoll_prefetch_batches_total = io_threaded_total_prefetch_batches:
        "Batches of commands whose keys were prefetched.",
    Counter redpoll_prefetched_keys_total = io_threaded_total_prefetch_entries: "Keys prefetched.",
    Counter redpoll_acl_access_denied_db_total = acl_access_denied_db:
        "Calls refused by ACL because of a database.",
    Counter redpoll_acl_access_denied_tls_cert_total = acl_access_denied_tls_cert:
        "Client certificates refused.",
}

labelled_metrics! {
    Gauge redis_config_value: "Settings whose value is a number.",
    Gauge redis_config_key_value: "Settings, with their value as a label.",
    Gauge redis_config_client_output_buffer_limit_bytes:
        "Limits of reply buffers by class of client.",
    Gauge redis_config_client_output_buffer_limit_overcome_seconds:
        "Seconds a soft limit may be exceeded.",
    Gauge redis_latency_spike_last: "When a latency event last happened, in seconds since 1970.",
    Gauge redis_latency_spike_duration_seconds: "How long it took then.",
    Gauge redis_connected_slave_offset_bytes: "Offset a replica has confirmed.",
    Gauge redis_connected_slave_lag_seconds: "Seconds since a replica last confirmed.",
    Gauge redis_slave_info: "Whom this replica follows, in its labels.",
    Gauge redis_slave_repl_offset: "Offset this replica has reached.",
    Gauge redis_master_link_up: "Whether the link to the leader stands.",
    Gauge redis_master_last_io_seconds_ago: "Seconds since the leader last sent something.",
    Gauge redis_master_sync_in_progress: "Whether the leader is sending its data.",
    Counter redpoll_expire_cycle_seconds_total: "Time spent in expiry cycles.",
    Counter redpoll_eviction_exceeded_seconds_total: "Time memory was above maxmemory.",
    Counter redpoll_worker_commands_total: "Commands a worker ran, since its start.",
    Counter redpoll_worker_busy_seconds_total: "Time a worker was not waiting for events.",
    Counter redpoll_worker_input_bytes_total: "Bytes a worker read from clients.",
    Counter redpoll_worker_output_bytes_total: "Bytes a worker wrote to clients.",
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{FIELD_METRICS, Kind, LABELLED_METRICS, abbreviates_unit};
    use crate::stats::Counter;

    fn kinds() -> impl Iterator<Item = (&'static str, Kind, &'static str)> {
        let fields = FIELD_METRICS.iter().map(|row| (row.metric, row.kind, row.help));
        fields.chain(LABELLED_METRICS.iter().map(|row| (row.metric, row.kind, row.help)))
    }

    #[test]
    fn no_metric_is_described_twice() {
        let mut seen = HashSet::new();
        for (metric, ..) in kinds() {
            assert!(seen.insert(metric), "{metric}");
        }
    }

    #[test]
    fn a_type_never_contradicts_a_name() {
        for (metric, kind, help) in kinds() {
            let is_total = metric.ends_with("_total");
            match kind {
                Kind::Counter => assert!(is_total, "{metric}"),
                Kind::Gauge => assert!(!is_total, "{metric}"),
                _ => {}
            }
            let has_reserved_suffix =
                ["_count", "_sum", "_bucket"].iter().any(|suffix| metric.ends_with(suffix));
            assert!(!has_reserved_suffix && help.ends_with('.'), "{metric}");
        }
    }

    #[test]
    fn every_counter_has_a_metric() {
        for counter in Counter::ALL {
            let is_shown = FIELD_METRICS.iter().any(|row| row.field == counter.info_field());
            assert!(is_shown, "{}", counter.info_field());
        }
    }

    #[test]
    fn only_whole_words_are_abbreviated_units() {
        assert!(abbreviates_unit("redis_rdb_last_bgsave_duration_sec"));
        assert!(abbreviates_unit("redis_expire_cycle_cpu_time_ms_total"));
        assert!(!abbreviates_unit("redis_uptime_in_seconds"));
        assert!(!abbreviates_unit("redis_latest_fork_usec"));
    }
}
