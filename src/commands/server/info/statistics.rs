//! INFO stats: what was counted since the start or the last CONFIG RESETSTAT.

use super::section::Fields;
use crate::engine::{Engine, Tracking};
use crate::pubsub::Space;
use crate::stats::{Counter, Rate};

/// What a line of the section shows.
enum Line {
    Count(Counter),
    PerSecond(&'static str, Rate),
    Kibibytes(&'static str, Rate),
    /// Channels or patterns with subscribers.
    Names(&'static str, Space),
    /// What is tracked for clients that cache.
    Tracked(&'static str, fn(&Tracking) -> u64),
    /// A mechanism that does not exist (yet).
    Zero(&'static str),
    ZeroShare(&'static str),
}

use Line::{Count, Kibibytes, Names, PerSecond, Tracked, Zero, ZeroShare};

/// The lines in their order.
const LINES: &[Line] = &[
    Count(Counter::ConnectionsReceived),
    Count(Counter::CommandsProcessed),
    PerSecond("instantaneous_ops_per_sec", Rate::Commands),
    Count(Counter::NetInputBytes),
    Count(Counter::NetOutputBytes),
    Count(Counter::NetReplicationInputBytes),
    Count(Counter::NetReplicationOutputBytes),
    Count(Counter::NetSlotImportBytes),
    Count(Counter::NetSlotExportBytes),
    Kibibytes("instantaneous_input_kbps", Rate::InputBytes),
    Kibibytes("instantaneous_output_kbps", Rate::OutputBytes),
    Kibibytes("instantaneous_input_repl_kbps", Rate::ReplicationInputBytes),
    Kibibytes("instantaneous_output_repl_kbps", Rate::ReplicationOutputBytes),
    Count(Counter::RejectedConnections),
    Count(Counter::SyncFull),
    Count(Counter::SyncPartialAccepted),
    Count(Counter::SyncPartialDenied),
    Count(Counter::ExpiredSubkeys),
    Zero("expired_fields"),
    Count(Counter::ExpiredKeys),
    ZeroShare("expired_stale_perc"),
    ZeroShare("expired_keys_with_volatile_items_stale_perc"),
    Count(Counter::ExpiredTimeCapReached),
    Count(Counter::ExpireCycleUs),
    Count(Counter::EvictedKeys),
    Count(Counter::EvictedClients),
    Count(Counter::EvictedScripts),
    Count(Counter::EvictionExceededUs),
    Zero("current_eviction_exceeded_time"),
    Count(Counter::KeyspaceHits),
    Count(Counter::KeyspaceMisses),
    Names("pubsub_channels", Space::Channel),
    Names("pubsub_patterns", Space::Pattern),
    Names("pubsubshard_channels", Space::ShardChannel),
    Zero("latest_fork_usec"),
    Zero("total_forks"),
    Zero("migrate_cached_sockets"),
    Zero("slave_expires_tracked_keys"),
    Zero("active_defrag_hits"),
    Zero("active_defrag_misses"),
    Zero("active_defrag_key_hits"),
    Zero("active_defrag_key_misses"),
    Zero("total_active_defrag_time"),
    Zero("current_active_defrag_time"),
    Tracked("tracking_total_keys", |tracking| tracking.table.key_count()),
    Tracked("tracking_total_items", |tracking| tracking.table.item_count()),
    Tracked("tracking_total_prefixes", |tracking| tracking.prefixes.len() as u64),
    Count(Counter::UnexpectedErrorReplies),
    Count(Counter::ErrorReplies),
    Count(Counter::DumpPayloadSanitizations),
    Count(Counter::ReadsProcessed),
    Count(Counter::WritesProcessed),
    Zero("io_threaded_reads_processed"),
    Zero("io_threaded_writes_processed"),
    Zero("io_threaded_freed_objects"),
    Zero("io_threaded_accept_processed"),
    Zero("io_threaded_poll_processed"),
    Count(Counter::PrefetchBatches),
    Count(Counter::PrefetchedKeys),
    Count(Counter::QueryBufferLimitDisconnections),
    Count(Counter::OutputBufferLimitDisconnections),
    Count(Counter::ReplyBufferShrinks),
    Count(Counter::ReplyBufferExpands),
    Count(Counter::EventLoopCycles),
    Count(Counter::EventLoopUs),
    Count(Counter::EventLoopCommandUs),
    PerSecond("instantaneous_eventloop_cycles_per_sec", Rate::EventLoopCycles),
    PerSecond("instantaneous_eventloop_duration_usec", Rate::EventLoopUsPerCycle),
    Count(Counter::AclDeniedAuth),
    Count(Counter::AclDeniedCommand),
    Count(Counter::AclDeniedKey),
    Count(Counter::AclDeniedChannel),
    Count(Counter::AclDeniedCertificate),
    Count(Counter::AclDeniedDatabase),
];

pub(super) fn fill(engine: &Engine, fields: &mut Fields) {
    let stats = &engine.stats;
    for line in LINES {
        match *line {
            Count(counter) => fields.count(counter.info_field(), stats.info_value(counter)),
            PerSecond(name, rate) => fields.count(name, stats.rates().value(rate)),
            Kibibytes(name, rate) => {
                fields.decimal(name, stats.rates().kibibytes_per_second(rate), 2);
            }
            Names(name, space) => {
                fields.count(name, engine.pubsub.name_count(space) as u64);
            }
            Tracked(name, count) => fields.count(name, count(&engine.tracking)),
            Zero(name) => fields.count(name, 0),
            ZeroShare(name) => fields.decimal(name, 0.0, 2),
        }
    }
}

/// What the originals hide from everybody who does not ask for it by name.
pub(super) fn fill_debug(_: &Engine, fields: &mut Fields) {
    fields.zeros(&[
        "eventloop_duration_aof_sum",
        "io_threaded_reads_pending",
        "io_threaded_writes_pending",
    ]);
}

#[cfg(test)]
mod tests {
    use super::{Counter, LINES, Line};

    #[test]
    fn every_counter_but_those_shown_elsewhere_has_a_line() {
        for &counter in Counter::ALL {
            let is_shown =
                LINES.iter().any(|line| matches!(line, Line::Count(shown) if *shown == counter));
            assert!(is_shown || counter == Counter::LazyfreedObjects, "{}", counter.info_field());
        }
    }
}
