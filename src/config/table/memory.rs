//! Rows: how much memory data may take, and how it is given back.

macro_rules! memory_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Memory" {
/// Memory for data, in bytes (also as 100mb, 2gb) or as a percentage of what this machine or
/// container has. Beyond it keys are evicted, or writes refused, as `maxmemory-policy` says. 0 sets
/// no limit, except in a container with one: see `maxmemory-container-percent`.
Maxmemory: "maxmemory", bytes_or_percent(0, i64::MAX), LIVE;

/// With `maxmemory 0`, in a container whose memory is limited (cgroup v1 or v2): the part of that
/// limit data may take, so that eviction or an error comes before the kernel's killer; 0 sets no
/// limit there either.
MaxmemoryContainerPercent: "maxmemory-container-percent", count(80, 0, 100, Percent), LIVE;

/// What goes when memory is full: nothing, or the least recently used (lru), the least frequently
/// used (lfu), any (random), the next to expire (ttl), among all keys or only those with an expiry.
MaxmemoryPolicy: "maxmemory-policy", MaxmemoryPolicy::NoEviction.kind(), LIVE;

/// Keys looked at for each eviction: more come closer to the true order and cost more time.
MaxmemorySamples: "maxmemory-samples", count(5, 1, 64, Count), LIVE;

/// How long eviction may hold up a command: 0 hardly at all, 100 without limit.
MaxmemoryEvictionTenacity: "maxmemory-eviction-tenacity", count(10, 0, 100, Level), LIVE;

/// How slowly the use counter of a key grows: at 10 it is full after about a million uses.
LfuLogFactor: "lfu-log-factor", count(10, 0, INT_MAX, Count), LIVE;

/// Time after which the use counter of an unused key drops by one; 0 never.
LfuDecayTime: "lfu-decay-time", count(1, 0, INT_MAX, Minutes), LIVE;

/// Effort put into finding expired keys, 1 to 10. Here they are found by their deadlines.
ActiveExpireEffort: "active-expire-effort", count(1, 1, 10, Level), LIVE.never();

/// Keeps keys that expire while data is imported from another server.
ImportMode: "import-mode", Kind::Flag(false), LIVE.refused("this version has no import mode yet");

/// Frees what is evicted off the path of commands.
LazyfreeLazyEviction: "lazyfree-lazy-eviction", Kind::Flag(true), LIVE;

/// Frees what expires off the path of commands.
LazyfreeLazyExpire: "lazyfree-lazy-expire", Kind::Flag(true), LIVE;

/// Frees what a command overwrites off the path of commands.
LazyfreeLazyServerDel: "lazyfree-lazy-server-del", Kind::Flag(true), LIVE;

/// Lets DEL free as UNLINK does.
LazyfreeLazyUserDel: "lazyfree-lazy-user-del", Kind::Flag(true), LIVE;

/// Lets FLUSHALL, FLUSHDB and the like free as their ASYNC forms do, if neither form is asked for.
LazyfreeLazyUserFlush: "lazyfree-lazy-user-flush", Kind::Flag(true), LIVE;

/// Moves data together while the server runs.
Activedefrag: "activedefrag", Kind::Flag(false), LIVE.refused(
    "Active defragmentation cannot be enabled: the allocator of this server does not support it");

/// Fragmented bytes from which it pays to move data.
ActiveDefragIgnoreBytes: "active-defrag-ignore-bytes", bytes(100 * MB, 1, i64::MAX), LIVE.never();

/// Fragmentation at which moving starts.
ActiveDefragThresholdLower: "active-defrag-threshold-lower", count(10, 0, 1000, Percent),
    LIVE.never();

/// Fragmentation at which moving takes the most time.
ActiveDefragThresholdUpper: "active-defrag-threshold-upper", count(100, 0, 1000, Percent),
    LIVE.never();

/// Share of a core moving takes at least.
ActiveDefragCycleMin: "active-defrag-cycle-min", count(1, 1, 99, Percent), LIVE.never();

/// Share of a core moving takes at most.
ActiveDefragCycleMax: "active-defrag-cycle-max", count(25, 1, 99, Percent), LIVE.never();

/// Length of one stretch of moving.
ActiveDefragCycleUs: "active-defrag-cycle-us", count(500, 0, 100_000, Microseconds), LIVE.never();

/// Fields of a collection moved in one stretch.
ActiveDefragMaxScanFields: "active-defrag-max-scan-fields", count(1000, 1, i64::MAX, Count),
    LIVE.never();

/// Moves tables of keys to their new size in idle time. Here tables grow shard by shard.
Activerehashing: "activerehashing", Kind::Flag(true), LIVE.never();

/// Lets the allocator give memory back in a thread of its own. Here it always does.
JemallocBgThread: "jemalloc-bg-thread", Kind::Flag(true), LIVE.never();

/// Keeps the data in small pages. With `no` it lies in huge ones as long as the kernel has them at
/// once: a GET or SET of a big cache costs about a tenth less, but where the kernel has to find memory
/// first (under a hypervisor above all), everybody waits some milliseconds now and then.
DisableThp: "disable-thp", Kind::Flag(true), FIXED;

/// Tells the kernel whom to kill first when memory runs out: `no` leaves it alone, `relative` adds
/// the values below to what the process started with, `absolute` sets them.
OomScoreAdj: "oom-score-adj", OomScoreAdjust::No.kind(), LIVE.never();

/// The values for a leader, for a replica, and for a child process, each from -2000 to 2000.
OomScoreAdjValues: "oom-score-adj-values", Kind::OomScores, LIVE.never();
}

    } };
}
