//! The list of counters: one row each, with the INFO field that shows it.

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $field:literal $(/ $divisor:literal)?,)+) => {
        /// One thing the whole server counts since its start (or since CONFIG RESETSTAT).
        #[repr(usize)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Counter {
            $($(#[$doc])* $name,)+
        }

        impl Counter {
            /// Every counter, in the order of INFO.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the name of the INFO field that shows this counter.
            pub fn info_field(self) -> &'static str {
                match self { $(Self::$name => $field,)+ }
            }

            /// Returns what one unit of the INFO field is in units of the counter: 1, or 1000 where
            /// microseconds are counted and milliseconds shown.
            pub fn info_divisor(self) -> u64 {
                match self { $(Self::$name => 1 $(* $divisor)?,)+ }
            }
        }
    };
}

counters! {
    /// Connections accepted, refused ones included.
    ConnectionsReceived = "total_connections_received",
    /// Commands run to their end, those of scripts and transactions included.
    CommandsProcessed = "total_commands_processed",
    /// Bytes read from clients.
    NetInputBytes = "total_net_input_bytes",
    /// Bytes written to clients.
    NetOutputBytes = "total_net_output_bytes",
    /// Bytes read from the leader.
    NetReplicationInputBytes = "total_net_repl_input_bytes",
    /// Bytes written to replicas.
    NetReplicationOutputBytes = "total_net_repl_output_bytes",
    /// Bytes received by slot imports.
    NetSlotImportBytes = "total_net_cluster_slot_import_bytes",
    /// Bytes sent by slot exports.
    NetSlotExportBytes = "total_net_cluster_slot_export_bytes",
    /// Connections refused because of `maxclients`.
    RejectedConnections = "rejected_connections",
    /// Full resynchronizations with replicas.
    SyncFull = "sync_full",
    /// Partial resynchronizations accepted.
    SyncPartialAccepted = "sync_partial_ok",
    /// Partial resynchronizations refused.
    SyncPartialDenied = "sync_partial_err",
    /// Keys removed because their time had come.
    ExpiredKeys = "expired_keys",
    /// Hash fields removed because their time had come.
    ExpiredSubkeys = "expired_subkeys",
    /// Expiry cycles that stopped at their time limit.
    ExpiredTimeCapReached = "expired_time_cap_reached_count",
    /// Microseconds spent in expiry cycles.
    ExpireCycleUs = "expire_cycle_cpu_milliseconds" / 1000,
    /// Keys removed to stay inside `maxmemory`.
    EvictedKeys = "evicted_keys",
    /// Clients closed to stay inside `maxmemory-clients`.
    EvictedClients = "evicted_clients",
    /// Scripts dropped from the cache of EVAL.
    EvictedScripts = "evicted_scripts",
    /// Microseconds during which memory was above `maxmemory`.
    EvictionExceededUs = "total_eviction_exceeded_time" / 1000,
    /// Lookups of read commands that found their key.
    KeyspaceHits = "keyspace_hits",
    /// Lookups of read commands that did not.
    KeyspaceMisses = "keyspace_misses",
    /// Errors answered to the leader or while loading, where none is expected.
    UnexpectedErrorReplies = "unexpected_error_replies",
    /// Errors answered to anybody; [`super::Block::record_error`] counts it.
    ErrorReplies = "total_error_replies",
    /// Payloads of RESTORE that were checked in depth.
    DumpPayloadSanitizations = "dump_payload_sanitizations",
    /// Read system calls on client sockets that returned something.
    ReadsProcessed = "total_reads_processed",
    /// Write system calls on client sockets.
    WritesProcessed = "total_writes_processed",
    /// Batches of commands whose keys were prefetched together.
    PrefetchBatches = "io_threaded_total_prefetch_batches",
    /// Keys prefetched.
    PrefetchedKeys = "io_threaded_total_prefetch_entries",
    /// Clients closed because of `client-query-buffer-limit`.
    QueryBufferLimitDisconnections = "client_query_buffer_limit_disconnections",
    /// Clients closed because of `client-output-buffer-limit`.
    OutputBufferLimitDisconnections = "client_output_buffer_limit_disconnections",
    /// Reply buffers made smaller.
    ReplyBufferShrinks = "reply_buffer_shrinks",
    /// Reply buffers made larger.
    ReplyBufferExpands = "reply_buffer_expands",
    /// Rounds of the event loops.
    EventLoopCycles = "eventloop_cycles",
    /// Microseconds the event loops worked (waiting for events excluded).
    EventLoopUs = "eventloop_duration_sum",
    /// Microseconds of the event loops spent in commands.
    EventLoopCommandUs = "eventloop_duration_cmd_sum",
    /// Objects freed away from the command that dropped them.
    LazyfreedObjects = "lazyfreed_objects",
    /// Refused authentications.
    AclDeniedAuth = "acl_access_denied_auth",
    /// Commands refused by ACL because of the command.
    AclDeniedCommand = "acl_access_denied_cmd",
    /// Commands refused by ACL because of a key.
    AclDeniedKey = "acl_access_denied_key",
    /// Commands refused by ACL because of a channel.
    AclDeniedChannel = "acl_access_denied_channel",
    /// Commands refused by ACL because of a database.
    AclDeniedDatabase = "acl_access_denied_db",
    /// Refused authentications by client certificate.
    AclDeniedCertificate = "acl_access_denied_tls_cert",
}

impl Counter {
    /// How many counters there are.
    pub const COUNT: usize = Self::ALL.len();
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Counter;

    #[test]
    fn no_two_counters_share_a_field() {
        let fields: HashSet<&str> =
            Counter::ALL.iter().map(|counter| counter.info_field()).collect();
        assert_eq!(fields.len(), Counter::COUNT);
    }

    #[test]
    fn a_counter_is_its_place_in_the_list() {
        for (index, &counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(counter as usize, index);
        }
    }
}
