//! Rows: leader and replicas.

macro_rules! replication_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Replication" {
/// Host and port of the leader; `no one` or nothing for none.
Replicaof: "replicaof" | "slaveof", Kind::Leader,
    FIXED.refused("this version cannot replicate yet");

/// Password for the leader; empty for none.
Masterauth: "masterauth" | "primaryauth", binary_text(""), LIVE.sensitive().later();

/// User name for the leader; empty is the default user.
Masteruser: "masteruser" | "primaryuser", free_text(""), LIVE.sensitive().later();

/// Answers from old data while the leader cannot be reached or is sending its data.
ReplicaServeStaleData: "replica-serve-stale-data" | "slave-serve-stale-data", Kind::Flag(true),
    LIVE.later();

/// Refuses writes of clients on a replica.
ReplicaReadOnly: "replica-read-only" | "slave-read-only", Kind::Flag(true), LIVE.later();

/// Leaves eviction to the leader.
ReplicaIgnoreMaxmemory: "replica-ignore-maxmemory" | "slave-ignore-maxmemory", Kind::Flag(true),
    LIVE.later();

/// Frees old data off the path of commands when the leader sends all of its own.
ReplicaLazyFlush: "replica-lazy-flush" | "slave-lazy-flush", Kind::Flag(true), LIVE.later();

/// Goes on when what the leader sends cannot be written to disk.
ReplicaIgnoreDiskWriteErrors: "replica-ignore-disk-write-errors", Kind::Flag(false), LIVE.later();

/// What to do when a command of the leader fails here.
PropagationErrorBehavior: "propagation-error-behavior",
    PropagationError::Ignore.kind(), LIVE.later();

/// Rank in an election, lowest first; 0 is never elected.
ReplicaPriority: "replica-priority" | "slave-priority", count(100, 0, INT_MAX, Count), LIVE.later();

/// Shows this replica to Sentinel.
ReplicaAnnounced: "replica-announced", Kind::Flag(true), LIVE.later();

/// Address the leader shows for this replica; empty is the connection's.
ReplicaAnnounceIp: "replica-announce-ip" | "slave-announce-ip", free_text(""), LIVE.later();

/// Port the leader shows for this replica; 0 is `port`.
ReplicaAnnouncePort: "replica-announce-port" | "slave-announce-port",
    count(0, 0, PORT_MAX, PortNumber), LIVE.later();

/// Silence after which a leader or a replica counts as gone.
ReplTimeout: "repl-timeout", count(60, 1, INT_MAX, Seconds), LIVE.later();

/// How often a leader pings its replicas.
ReplPingReplicaPeriod: "repl-ping-replica-period" | "repl-ping-slave-period",
    count(10, 1, INT_MAX, Seconds), LIVE.later();

/// Collects small writes to replicas into full packets, which delays them.
ReplDisableTcpNodelay: "repl-disable-tcp-nodelay", Kind::Flag(false), LIVE.later();

/// Multipath TCP to the leader.
ReplMptcp: "repl-mptcp", Kind::Flag(false), PINNED.never();

/// How much of the stream of writes is kept for replicas that come back.
ReplBacklogSize: "repl-backlog-size",
    Kind::Number(memory(10 * MB, 1, i64::MAX).clamped(16_384, i64::MAX)), LIVE.later();

/// How long it is kept without any replica; 0 is for ever.
ReplBacklogTtl: "repl-backlog-ttl", count(3600, 0, i64::MAX, Seconds), LIVE.later();

/// Sends the first copy of the data straight to replicas, without a file.
ReplDisklessSync: "repl-diskless-sync", Kind::Flag(true), LIVE.later();

/// How long that waits for more replicas to come.
ReplDisklessSyncDelay: "repl-diskless-sync-delay", count(5, 0, INT_MAX, Seconds), LIVE.later();

/// Number of replicas it does not wait any longer for; 0 sets none.
ReplDisklessSyncMaxReplicas: "repl-diskless-sync-max-replicas", count(0, 0, INT_MAX, Count),
    LIVE.later();

/// How a replica takes that copy: through a file, or from the socket with its own data flushed
/// before, kept until the new one is complete, or only if it has none.
ReplDisklessLoad: "repl-diskless-load", DisklessLoad::Disabled.kind(),
    LIVE.not_while_loading().later();

/// Sends the first copy and the writes made meanwhile over two connections.
DualChannelReplicationEnabled: "dual-channel-replication-enabled", Kind::Flag(false), LIVE.later();

/// Writes a replica may hold back while it loads the first copy; 0 is the limit of its class.
ReplicaFullSyncBufferLimit: "replica-full-sync-buffer-limit", bytes(0, 0, i64::MAX), LIVE.later();

/// Refuses writes with fewer good replicas than this; 0 never does.
MinReplicasToWrite: "min-replicas-to-write" | "min-slaves-to-write", count(0, 0, INT_MAX, Count),
    LIVE.later();

/// A replica that was heard of within this time is good.
MinReplicasMaxLag: "min-replicas-max-lag" | "min-slaves-max-lag", count(10, 0, INT_MAX, Seconds),
    LIVE.later();
}

    } };
}
