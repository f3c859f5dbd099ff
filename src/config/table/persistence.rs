//! Rows: snapshots and the append-only file.

macro_rules! persistence_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Persistence" {
/// Save points, pairs of seconds and changes: a snapshot is saved when that much time has passed
/// since the last one and that many changes were made. Empty saves none by itself. In this version
/// save points only make the server save when it is stopped.
Save: "save", Kind::SavePoints, LIVE;

/// Name of the snapshot in `dir`.
Dbfilename: "dbfilename", base_name("dump.rdb", "dbfilename"), LIVE.protected();

/// Refuses writes after a snapshot has failed, until one succeeds.
StopWritesOnBgsaveError: "stop-writes-on-bgsave-error", Kind::Flag(true), LIVE.later();

/// Compresses long strings in snapshots.
Rdbcompression: "rdbcompression", Kind::Flag(true), LIVE;

/// Writes a checksum to snapshots and verifies it.
Rdbchecksum: "rdbchecksum", Kind::Flag(true), FIXED;

/// Whether snapshots of unknown newer versions are refused (strict) or tried (relaxed).
RdbVersionCheck: "rdb-version-check", VersionCheck::Strict.kind(), LIVE;

/// Removes snapshots that replication left on disk, if the server keeps none for itself.
RdbDelSyncFiles: "rdb-del-sync-files", Kind::Flag(false), LIVE.later();

/// Writes snapshots to disk in portions, instead of all at the end.
RdbSaveIncrementalFsync: "rdb-save-incremental-fsync", Kind::Flag(true), LIVE;

/// Pause after each key that is saved, for tests.
RdbKeySaveDelay: "rdb-key-save-delay", count(0, INT_MIN, INT_MAX, Microseconds),
    LIVE.later().hidden();

/// Pause after each key that is loaded, for tests.
KeyLoadDelay: "key-load-delay", count(0, INT_MIN, INT_MAX, Microseconds), LIVE.hidden();

/// Bytes loaded between two looks at the clients.
LoadingProcessEventsIntervalBytes: "loading-process-events-interval-bytes",
    count(2 * MB, 1024, INT_MAX, Bytes), LIVE.later().hidden();

/// Keeps every write in the append-only file.
Appendonly: "appendonly", Kind::Flag(false),
    LIVE.not_while_loading().refused("this version has no append-only file yet");

/// First part of the names of the append-only files.
Appendfilename: "appendfilename", base_name("appendonly.aof", "appendfilename"), FIXED.later();

/// Directory of the append-only files, inside `dir`.
Appenddirname: "appenddirname", base_name("appendonlydir", "appenddirname"), FIXED.later();

/// When the append-only file is forced to disk: after every write, every second, or as the kernel
/// likes.
Appendfsync: "appendfsync", AofSync::EverySecond.kind(), LIVE.later();

/// Leaves that to the kernel while a snapshot or a rewrite is running.
NoAppendfsyncOnRewrite: "no-appendfsync-on-rewrite", Kind::Flag(false), LIVE.later();

/// Growth since the last rewrite at which the append-only file is rewritten; 0 never does.
AutoAofRewritePercentage: "auto-aof-rewrite-percentage", count(100, 0, INT_MAX, Percent),
    LIVE.later();

/// Size below which it is not.
AutoAofRewriteMinSize: "auto-aof-rewrite-min-size", bytes(64 * MB, 0, i64::MAX), LIVE.later();

/// Accepts an append-only file whose end is cut off.
AofLoadTruncated: "aof-load-truncated", Kind::Flag(true), LIVE.later();

/// Begins a rewritten append-only file with a snapshot.
AofUseRdbPreamble: "aof-use-rdb-preamble", Kind::Flag(true), LIVE.later();

/// Notes the time in the append-only file.
AofTimestampEnabled: "aof-timestamp-enabled", Kind::Flag(false), LIVE.later();

/// Writes a rewritten append-only file to disk in portions.
AofRewriteIncrementalFsync: "aof-rewrite-incremental-fsync", Kind::Flag(true), LIVE.later();

/// Keeps append-only files that are no longer needed.
AofDisableAutoGc: "aof-disable-auto-gc", Kind::Flag(false), LIVE.later().hidden();
}

    } };
}
