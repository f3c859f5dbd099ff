//! Rows: up to which size a collection stays packed.

macro_rules! encodings_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Encodings" {
/// Fields of a hash that stays packed.
HashMaxListpackEntries: "hash-max-listpack-entries" | "hash-max-ziplist-entries",
    count(512, 0, i64::MAX, Count), LIVE;

/// Longest field or value of a hash that stays packed.
HashMaxListpackValue: "hash-max-listpack-value" | "hash-max-ziplist-value",
    bytes(64, 0, i64::MAX), LIVE;

/// Size of one packed piece of a list: a number of elements, or -1 to -5 for 4, 8, 16, 32, 64 KiB.
ListMaxListpackSize: "list-max-listpack-size" | "list-max-ziplist-size",
    count(-2, INT_MIN, INT_MAX, Count), LIVE;

/// Pieces at either end of a list that stay uncompressed; 0 compresses none.
ListCompressDepth: "list-compress-depth", count(0, 0, INT_MAX, Count), LIVE.later();

/// Members of a set of integers that stays packed.
SetMaxIntsetEntries: "set-max-intset-entries", count(512, 0, i64::MAX, Count), LIVE;

/// Members of any other set that stays packed.
SetMaxListpackEntries: "set-max-listpack-entries", count(128, 0, i64::MAX, Count), LIVE;

/// Longest member of a set that stays packed.
SetMaxListpackValue: "set-max-listpack-value", count(64, 0, i64::MAX, Bytes), LIVE;

/// Members of a sorted set that stays packed.
ZsetMaxListpackEntries: "zset-max-listpack-entries" | "zset-max-ziplist-entries",
    count(128, 0, i64::MAX, Count), LIVE;

/// Longest member of a sorted set that stays packed.
ZsetMaxListpackValue: "zset-max-listpack-value" | "zset-max-ziplist-value",
    bytes(64, 0, i64::MAX), LIVE;

/// Size of a HyperLogLog that stays sparse.
HllSparseMaxBytes: "hll-sparse-max-bytes", bytes(3000, 0, i64::MAX), LIVE;

/// Size of one packed piece of a stream; 0 sets no limit.
StreamNodeMaxBytes: "stream-node-max-bytes", bytes(4096, 0, i64::MAX), LIVE;

/// Entries of one packed piece of a stream; 0 sets no limit.
StreamNodeMaxEntries: "stream-node-max-entries", count(100, 0, i64::MAX, Count), LIVE;

/// How long a stream knows the entries that producers have named (XADD IDMP), in seconds. Holds for
/// streams without limits of their own (XCFGSET) that no producer has used yet.
StreamIdmpDuration: "stream-idmp-duration", count(100, 1, 86_400, Seconds), LIVE;

/// How many entries of one producer a stream knows; see stream-idmp-duration.
StreamIdmpMaxsize: "stream-idmp-maxsize", count(100, 1, 10_000, Count), LIVE;

/// How thoroughly RESTORE and loading check packed data: never, always, or only for clients. Here
/// all of it is always looked through.
SanitizeDumpPayload: "sanitize-dump-payload", Sanitize::No.kind(), LIVE.never();
}

    } };
}
