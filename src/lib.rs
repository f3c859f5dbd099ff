//! Redpoll: a Redis-protocol-compatible, sharded, in-memory cache that executes on every core.
//!
//! # Threads
//!
//! ```text
//!            clients (TCP, unix socket)                         Prometheus
//!                    |                                              |
//!   DATA PLANE  N workers, one mio event loop each       CONTROL PLANE  one tokio thread
//!   accept -> read -> parse batch -> prefetch ->         /metrics, /healthz
//!   execute -> one write; timers; mailbox
//!                    \______________________  _____________________/
//!                                           \/
//!            the keyspace: per database 16,384 locked shards, shared by all threads
//!                                           |
//!                          reaper: frees what takes long to free
//! ```
//!
//! Every worker executes any command on any key itself, under the lock of that key's shard; nothing is
//! handed to an "owner" thread. A worker blocks on nothing but a shard's lock and, rarely, the gate.
//! The main thread only waits for a signal or for SHUTDOWN.
//!
//! # Floors
//!
//! A module imports only from floors below its own; `tests/it/tidy.rs` holds it.
//!
//! | floor | module | what it is |
//! |---|---|---|
//! | 8 | `main` | arguments to configuration, start, wait, stop |
//! | 7 | [`server`] | wiring only |
//! | 6 | [`net`], [`control`] | data plane (mio), control plane (tokio); they never import each other |
//! | 5 | [`commands`] | what each command does: facts and handler side by side |
//! | 4 | [`engine`] | how any command runs: look up, gates, locks, run, effects, statistics |
//! | 2 | [`keyspace`] | shards, entries, expiry, eviction, scan, lock sets |
//! | 1 | [`stats`], [`config`], [`resp`], [`types`] | counters, settings, wire format, values |
//! | 0 | [`base`] | clock, checksums, patterns, numbers as text, gate, mailbox, log |
//!
//! Floor 3 is where persistence, pub/sub, access control, cluster and replication will stand.
//!
//! # The way of a command
//!
//! 1. A worker reads what a client has sent and parses up to 64 complete commands into a
//!    [`engine::Batch`]: positions in the read buffer, no copies.
//! 2. All commands are looked up and their keys hashed; three passes over the batch fetch the shard's
//!    lock and summary, the place in the table, and the entry, so that the cache misses of different
//!    keys overlap. The second pass aims by hints beside the locks and reads no table; the third reads
//!    the table under a try-lock and lets be what another worker holds.
//! 3. Per command: the gates (authentication, memory, pause), the locks its key specs ask for in
//!    ascending order, the handler, its effects appended to the log (while somebody listens, under the
//!    same locks), the statistics.
//! 4. The replies of the batch go out in one write; values of 16 KiB and more are sent from where they
//!    are stored, by reference count.
//!
//! # Invariants
//!
//! - Types never name a key; the keyspace never names a command; the engine never names a particular
//!   command; commands never name a socket; the data plane never names a value type.
//! - Handlers never lock: they see the entries of declared keys through [`keyspace::Keys`] alone.
//! - Locks are taken in ascending order of (database, shard), never while another is waited for.
//! - What needs the whole keyspace still (FLUSHALL, SWAPDB) closes the gate: workers mark themselves
//!   inside while they run a batch, and the holder waits until all have left.
//! - An expired key is absent for every reader from its time on; a sweep removes it soon after.
//! - Unsafe code stands only in files whose header says so.
//!
//! # Where this differs from the first design, and why
//!
//! - Entries live in slabs with classes of 8 bytes instead of the general allocator's classes: 16 bytes
//!   of key, 64 of value and 8 of header take 88 bytes instead of 96, and a 500-byte value 528 instead
//!   of 640. Slabs are cut from 2 MiB chunks that the kernel backs with huge pages.
//! - The table's 8-byte handles carry a coarse deadline in the 16 bits that an address leaves free. A
//!   sweep therefore finds due entries by reading tables alone, and no index of deadlines costs memory.

pub mod base;
pub mod commands;
pub mod config;
pub mod control;
pub mod engine;
pub mod keyspace;
pub mod net;
pub mod resp;
pub mod server;
pub mod stats;
pub mod types;
