//! Rows: cluster.

macro_rules! cluster_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Cluster" {
/// Makes the server a node of a cluster.
ClusterEnabled: "cluster-enabled", Kind::Flag(false),
    FIXED.refused("this version has no cluster mode yet");

/// Number of databases of a cluster.
ClusterDatabases: "cluster-databases", count(1, 1, INT_MAX, Count), PINNED.later();

/// File in which a node keeps what it knows of the cluster; the node writes it itself.
ClusterConfigFile: "cluster-config-file", not_empty("nodes.conf", "cluster-config-file"),
    FIXED.later();

/// What a node does when it cannot write that file: stop, or go on.
ClusterConfigSaveBehavior: "cluster-config-save-behavior", ConfigSave::Sync.kind(),
    LIVE.later();

/// Silence after which a node counts as failing.
ClusterNodeTimeout: "cluster-node-timeout", count(15_000, 0, i64::MAX, Milliseconds), LIVE.later();

/// How often nodes ping each other; 0 leaves it to the server.
ClusterPingInterval: "cluster-ping-interval", count(0, 0, i64::MAX, Milliseconds),
    LIVE.later().hidden();

/// Port for other nodes; 0 is `port` plus 10000.
ClusterPort: "cluster-port", count(0, 0, PORT_MAX, PortNumber), FIXED.later();

/// How old, in node timeouts, data of a replica may be for it to take over; 0 sets no limit.
ClusterReplicaValidityFactor: "cluster-replica-validity-factor" | "cluster-slave-validity-factor",
    count(10, 0, INT_MAX, Count), LIVE.later();

/// Never lets this replica take over by itself.
ClusterReplicaNoFailover: "cluster-replica-no-failover" | "cluster-slave-no-failover",
    Kind::Flag(false), LIVE.later();

/// Time a manual failover may take.
ClusterManualFailoverTimeout: "cluster-manual-failover-timeout",
    count(5000, 1, INT_MAX, Milliseconds), LIVE.later();

/// Replicas a leader must keep for one of them to move to a leader without any.
ClusterMigrationBarrier: "cluster-migration-barrier", count(1, 0, INT_MAX, Count), LIVE.later();

/// Lets replicas move, and empty leaders become replicas.
ClusterAllowReplicaMigration: "cluster-allow-replica-migration", Kind::Flag(true), LIVE.later();

/// Refuses commands while some slots have no leader.
ClusterRequireFullCoverage: "cluster-require-full-coverage", Kind::Flag(true), LIVE.later();

/// Allows reads while the cluster is down.
ClusterAllowReadsWhenDown: "cluster-allow-reads-when-down", Kind::Flag(false), LIVE.later();

/// Allows sharded channels while the cluster is down.
ClusterAllowPubsubshardWhenDown: "cluster-allow-pubsubshard-when-down", Kind::Flag(true),
    LIVE.later();

/// Time a node that was told to be forgotten stays forgotten.
ClusterBlacklistTtl: "cluster-blacklist-ttl", count(60, 0, i64::MAX, Seconds), LIVE.later();

/// Messages that may wait for another node; 0 sets no limit.
ClusterLinkSendbufLimit: "cluster-link-sendbuf-limit", bytes(0, 0, i64::MAX), LIVE.later();

/// What clients are told as the address of a node.
ClusterPreferredEndpointType: "cluster-preferred-endpoint-type",
    EndpointType::Ip.kind(), LIVE.later();

/// Address other nodes shall use; empty is found out.
ClusterAnnounceIp: "cluster-announce-ip", node_address(""), LIVE.later();

/// Port clients shall use; 0 is `port`.
ClusterAnnouncePort: "cluster-announce-port", count(0, 0, PORT_MAX, PortNumber), LIVE.later();

/// TLS port clients shall use; 0 is `tls-port`.
ClusterAnnounceTlsPort: "cluster-announce-tls-port", count(0, 0, PORT_MAX, PortNumber),
    LIVE.later();

/// Port other nodes shall use; 0 is found out.
ClusterAnnounceBusPort: "cluster-announce-bus-port", count(0, 0, PORT_MAX, PortNumber),
    LIVE.later();

/// Host name clients shall use; empty for none.
ClusterAnnounceHostname: "cluster-announce-hostname", host_name(""), LIVE.later();

/// Name for people to read in logs; empty for none.
ClusterAnnounceHumanNodename: "cluster-announce-human-nodename", node_name(""), LIVE.later();

/// IPv4 address clients shall use, where it differs from that of nodes.
ClusterAnnounceClientIpv4: "cluster-announce-client-ipv4", ip_v4(""), LIVE.later();

/// IPv6 address clients shall use, where it differs from that of nodes.
ClusterAnnounceClientIpv6: "cluster-announce-client-ipv6", ip_v6(""), LIVE.later();

/// Port clients shall use, where it differs; 0 is the announced one.
ClusterAnnounceClientPort: "cluster-announce-client-port", count(0, 0, PORT_MAX, PortNumber),
    LIVE.later();

/// TLS port clients shall use, where it differs; 0 is the announced one.
ClusterAnnounceClientTlsPort: "cluster-announce-client-tls-port", count(0, 0, PORT_MAX, PortNumber),
    LIVE.later();

/// Counts keys, time and traffic of each slot, for CLUSTER SLOT-STATS.
ClusterSlotStatsEnabled: "cluster-slot-stats-enabled", Kind::Flag(false), LIVE.later();

/// Slot migrations that are remembered.
ClusterSlotMigrationLogMaxLen: "cluster-slot-migration-log-max-len",
    count(1000, 0, i64::MAX, Count), LIVE.later();

/// Writes that may still be on their way when a slot is handed over; 0 waits for all of them.
SlotMigrationMaxFailoverReplBytes: "slot-migration-max-failover-repl-bytes",
    bytes(0, -1, i64::MAX), LIVE.later();
}

    } };
}
