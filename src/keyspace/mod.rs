//! Floor 2: the keyspace: entries, shards, databases, expiry, eviction, scan. It knows keys and
//! values; it never names a command.
//!
//! Who locks what: callers name the keys of one command, [`Keyspace::lock`] takes their shards in
//! ascending order of (database, shard) and returns [`Keys`], through which alone entries are seen.
//! Sweeps, scans and samples take one shard at a time and let go between shards. Operations on whole
//! databases (flush, swap) expect the caller to have closed the gate.

mod access;
mod agenda;
mod busy;
mod database;
mod entry;
mod eviction;
mod expiry;
mod key;
mod keys;
mod late;
mod locks;
#[cfg(test)]
mod model_tests;
mod observers;
mod scan;
mod shard;
mod undertaker;

use std::hash::{BuildHasher, Hasher};

pub use crate::base::slab::{data_bytes, publish_bytes, slab_bytes, use_huge_pages};
pub use access::{Access, Aging, KeyEvent, Lookup, LruClock, Noted, frequency, idle_ms};
pub use busy::HeldForLong;
pub use database::{Flushed, Keyspace};
pub use entry::{Entry, EntryHint};
pub use eviction::{Evicted, Evictor, VictimOrder, Victims};
pub use expiry::{Expired, Sweep, SweepOutcome};
pub use key::{Key, KeyPlace, OwnedKey};
pub use keys::Keys;
pub use late::{ExpiredThing, Overdue};
pub use locks::{HeldShard, LockMode};
pub use scan::ShardBusy;
pub(crate) use shard::shard_of;
pub use shard::{Editing, EntryMut, SHARD_COUNT};
pub use undertaker::{freed_count, pending_count, reset_freed_count};

/// Hashes a key with a process-wide secret, so that nobody can choose keys that collide.
#[inline]
fn hash_with(hasher: &foldhash::quality::RandomState, key: &[u8]) -> u64 {
    let mut state = hasher.build_hasher();
    state.write(key);
    state.finish()
}
