//! Rows: limits on clients and their requests, and the threads that serve them.

macro_rules! clients_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Clients and threads" {
/// Worker threads, each with its own connections, all of them running commands; 0 takes one per
/// processor core.
Threads: "threads", count(0, 0, 1024, Count), PINNED;

/// Redis' and Valkey's threads that only read and write sockets. Here `threads` decides.
IoThreads: "io-threads", count(1, 1, 256, Count), LIVE.never();

/// How many commands a Valkey thread looks ahead to warm up memory. Here every batch is looked
/// through before it runs.
PrefetchBatchMaxSize: "prefetch-batch-max-size", count(16, 0, 128, Count), LIVE.never();

/// Number of clients that may be connected at once; the next one gets an error and is closed.
Maxclients: "maxclients", count(10_000, 1, UINT_MAX, Count), LIVE;

/// Memory all clients together may use for requests and replies before the biggest are
/// disconnected, in bytes or as a percentage of `maxmemory`; 0 sets no limit.
MaxmemoryClients: "maxmemory-clients", bytes_or_percent(0, i64::MAX), LIVE;

/// A client whose unanswered requests take more memory than this is disconnected.
ClientQueryBufferLimit: "client-query-buffer-limit", bytes(1024 * MB, MB, i64::MAX), LIVE;

/// Replies a client may leave unread, by class of client: normal, replica, pubsub. Each class is
/// followed by a hard limit, at which it is disconnected at once, and by a soft limit with the
/// seconds it may stay above it; 0 sets no limit.
ClientOutputBufferLimit: "client-output-buffer-limit", Kind::OutputLimits, LIVE;

/// Longest single argument of a request.
ProtoMaxBulkLen: "proto-max-bulk-len", bytes(512 * MB, MB, i64::MAX), LIVE;

/// Largest number of arguments of a request.
ProtoMaxMultibulkLen: "proto-max-multibulk-len", count(INT_MAX, 1024, INT_MAX, Count), LIVE;

/// Longest line of an inline request, and of the length lines of any request.
ProtoInlineMaxSize: "proto-inline-max-size", bytes(65_536, 1024, 1024 * MB), LIVE;

/// Longest single argument before a client has authenticated, when it must.
UnauthenticatedBulkLenMax: "unauthenticated-bulk-len-max", bytes(16_384, 64, 512 * MB), LIVE;

/// Largest number of arguments before a client has authenticated, when it must.
UnauthenticatedMultibulkLenMax: "unauthenticated-multibulk-len-max", count(10, 3, INT_MAX, Count),
    LIVE;

/// Keys the server remembers for clients that cache them; beyond it, remembered keys are dropped
/// and their clients told so; 0 sets no limit.
TrackingTableMaxKeys: "tracking-table-max-keys", count(1_000_000, 0, i64::MAX, Count), LIVE;

/// Processors the main threads may run on, like `0-3,7`. Here the service manager or taskset
/// decides.
ServerCpulist: "server-cpulist" | "server_cpulist", free_text(""), PINNED.never();

/// Processors of background threads.
BioCpulist: "bio-cpulist" | "bio_cpulist", free_text(""), PINNED.never();

/// Processors of the process that rewrites the append-only file. Here no process is forked.
AofRewriteCpulist: "aof-rewrite-cpulist" | "aof_rewrite_cpulist", free_text(""), PINNED.never();

/// Processors of the process that saves a snapshot. Here no process is forked.
BgsaveCpulist: "bgsave-cpulist" | "bgsave_cpulist", free_text(""), PINNED.never();
}

    } };
}
