//! Redpoll: a Redis-protocol-compatible, sharded, in-memory cache that executes on every core.
//!
//! # Threads
//!
//! ```text
//!              clients (TCP, unix socket)                    Prometheus
//!                      |                                          |
//!    DATA PLANE  N workers, one mio event loop each      CONTROL PLANE  one tokio thread
//!    accept -> read -> parse a group's commands ->       metrics, health, rates
//!    fetch what they touch -> run -> one write each
//!    timers; letters from other threads
//!                      \__________________   _____________________/
//!                                         \ /
//!          the keyspace: 16,384 locked shards per database, shared by all threads
//! ```
//!
//! Besides them: `reaper` and `undertaker` free what takes long to free, and the main thread waits for
//! signals. Every worker runs any command on any key itself, under the lock of that key's shard.
//! Nothing on a worker waits for anything but a shard's lock or the gate.
//!
//! # Floors
//!
//! A module imports only from floors below its own; `tests/it/tidy.rs` checks it.
//!
//! ```text
//! 8  main        arguments -> configuration -> start -> wait for a signal -> stop
//! 7  server      puts the parts together
//! 6  net  control        sockets of clients; metrics over HTTP
//! 5  commands    what each command does: one constant of facts, one handler
//! 4  engine      how any command runs: look up, admit, lock, run, record effects
//! 3  rdb  blocking  ...  formats and state machines without sockets
//! 2  keyspace    shards, entries, expiry, eviction, scan, sets of locks
//! 1  stats  config  resp  types
//! 0  base        clock, crc, glob, gate, mailbox, memory for data, numbers and text
//! ```
//!
//! Types never name a key; the keyspace never names a command; the engine never names a particular
//! command; commands never name a socket; net never names a value's type. Handlers never lock.
//!
//! # The way of a command
//!
//! 1. [`net`] reads what a group of ready connections has sent into one arena and parses it.
//! 2. [`engine::Batch`] looks the commands up, hashes their keys and fetches the shards, then the
//!    tables' groups, then the entries, each for all commands together, so that cache misses overlap.
//! 3. [`engine::Worker`] asks the gates (authentication, memory, pause), locks the shards of the
//!    command's keys in ascending order, and runs its handler, which sees nothing but those shards.
//! 4. What it changed is appended to the log of effects in a form that repeats exactly, clients that
//!    wait for a changed key are served, clients that watch it are marked; then the locks are released.
//! 5. The connection sends its replies with one write.
//!
//! # What holds
//!
//! - Locks of several shards are tried in ascending order of (database, shard). Nobody waits for a shard
//!   while he holds another one, and whoever waits leaves the gate for those who want it closed.
//! - The gate: each worker marks itself inside while it runs a batch. Who closes the gate (a flush, a
//!   swap of databases, saving, a transaction that looks beyond its keys) waits until all have left, unless
//!   one of them stays for a while: then he leaves it open and tries again.
//! - Commands that run inside another (a transaction's, a script's) borrow its shards
//!   ([`keyspace::Keys::lend`]). A script that uses keys it has not declared runs, or goes on, alone; of
//!   those whose code does not rule that out, one runs at a time ([`engine::CommandTable::keeps_to_keys`]).
//! - A client's turn ends by time as well as by the number of its commands, between batches and, when
//!   commands take long (a table grows, a large value is read), within one ([`engine::Flow::Yield`]).
//! - The libraries of functions are one value, replaced as a whole behind the closed gate; a worker's
//!   machine defines the functions of a library when it first calls one of them.
//! - Who wants a key that a script holds for some milliseconds, or everything, is put off, so that his
//!   worker serves others; of one that takes long he reads BUSY. If scripts keep him out for 100 ms, none
//!   begins before he has had his turn ([`engine::Quiet`]). The script's own worker serves its other clients
//!   and reads its letters from within it ([`engine::Turn`]): what they want is tried for, not waited for,
//!   and what is not to be had at this moment is tried again.
//! - A client that waits is parked under the locks of its keys, and served under the lock of the key
//!   that became ready, the oldest first; no wake-up is lost ([`blocking`]). One that also needs
//!   another shard is served when the locks are gone, with both taken in order.
//! - A client that tracks keys is noted as a reader under the lock of the key's shard, and whoever changes
//!   the key tells it under that lock ([`tracking`]). News of prefixes gather, and are on their way
//!   before the replies of what they tell of are.
//! - Messages to subscribers wait in their worker's outbox while others get their turns, for one write to
//!   each of the other subscribers at most; what is published meanwhile goes with them. What a client
//!   publishes to itself stands right behind the reply of the command that did.
//! - A client that monitors is posted the line of every command by the worker that ran it, before the
//!   reply is sent; while there is none, a command costs one load for it ([`engine::Monitors`]).
//! - Shards count who waits for or watches their keys, and are marked while anybody tracks keys; only then
//!   do writers note which keys they touch. They ask under the shard's lock.
//! - An expired key reads as absent. The sweep finds due keys by 16 bits of the deadline in the table's
//!   own slots, within 100 ms as a rule; the removal is an effect (`DEL`, `HDEL` for a hash's field).
//! - Every byte of data is counted where it is allocated, per thread, and summed cheaply; buffers of
//!   clients are counted apart, so a slow reader never causes an eviction.
//! - With `maxmemory-clients`, each worker counts a client after its turn; only a sum above the limit has
//!   all clients looked at, and the largest closed ([`engine::Clients::count_memory`]).
//! - During a pause nothing expires or is evicted, and no waiting client is served that would write
//!   ([`engine::Pause`]).
//! - `unsafe` stands in the files whose headers say so, and their tests run under AddressSanitizer.

pub mod base;
pub mod blocking;
pub mod commands;
pub mod config;
pub mod control;
pub mod engine;
pub mod keyspace;
pub mod net;
pub mod pubsub;
pub mod rdb;
pub mod resp;
pub mod script;
pub mod server;
pub mod stats;
pub mod tracking;
pub mod types;
