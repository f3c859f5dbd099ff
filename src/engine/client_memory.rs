//! Memory of clients: their sum, and closing the largest ones when it reaches `maxmemory-clients`.
//!
//! While there is a limit, a client is counted at the end of each of its turns, by its worker; that
//! and the look at the sum cost a few atomic steps. Only when the sum is above the limit are all clients
//! looked at, and then as many are closed as it takes. Without a limit nobody is counted.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::clients::{ClientCell, Clients};
use super::state::Engine;
use crate::base::{clock, log};
use crate::stats::{Counter, WorkerStats};

/// Milliseconds until clients are looked at again after nobody was left to be closed.
const VAIN_PAUSE_MS: u64 = 100;

/// The sum of what clients take, and its limit.
#[derive(Default)]
pub(super) struct ClientMemory {
    /// Bytes; 0 for no limit.
    limit: AtomicU64,
    sum: AtomicU64,
    /// Whoever closes clients.
    closing: Mutex<()>,
    /// Not before this time is it tried again.
    next_try_ms: AtomicU64,
}

impl ClientMemory {
    /// Takes a client out of the sum.
    pub(super) fn forget(&self, cell: &ClientCell) {
        // Relaxed, here and below: figures, and a worker that misses a change sees it a turn later.
        let bytes = cell.gauges.counted_bytes.swap(0, Ordering::Relaxed);
        self.sum.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Clients {
    /// Returns the bytes all clients together may take; 0 for no limit.
    #[inline]
    pub fn memory_limit(&self) -> u64 {
        self.memory.limit.load(Ordering::Relaxed)
    }

    /// Brings a client's share of the sum up to date, if there is a limit; its worker calls this.
    #[inline]
    pub fn count_memory(&self, cell: &ClientCell) {
        // One that is about to be closed is no longer counted.
        if self.memory_limit() == 0 || cell.is_doomed.load(Ordering::Relaxed) {
            return;
        }
        let bytes = cell.memory_bytes();
        let counted = cell.gauges.counted_bytes.swap(bytes, Ordering::Relaxed);
        if bytes != counted {
            self.memory.sum.fetch_add(bytes.wrapping_sub(counted), Ordering::Relaxed);
        }
    }

    /// Changes the limit; 0 for none.
    pub fn set_memory_limit(&self, bytes: u64) {
        self.memory.limit.store(bytes, Ordering::Relaxed);
        // Under the lock of the list: nobody is counted once more behind his end.
        self.for_each(|cell| self.count_memory(cell));
        self.look_again();
    }

    /// Has clients looked at again, though nobody was left to be closed: one may be now.
    pub fn look_again(&self) {
        self.memory.next_try_ms.store(0, Ordering::Relaxed);
    }

    #[inline]
    fn is_above_limit(&self) -> bool {
        let limit = self.memory_limit();
        limit > 0 && self.memory.sum.load(Ordering::Relaxed) >= limit
    }

    /// Returns the clients that may be closed, the largest first.
    fn by_size(&self) -> Vec<(u64, Arc<ClientCell>)> {
        let mut clients = Vec::new();
        for cell in self.all() {
            if !cell.no_evict.load(Ordering::Relaxed) {
                clients.push((cell.memory_bytes(), cell));
            }
        }
        clients.sort_by_key(|(bytes, _)| Reverse(*bytes));
        clients
    }
}

impl Engine {
    /// Closes the largest clients while all together take more than they may; `stats` are those of the
    /// worker that this thread runs. Cost: one load below the limit, O(N log N) above it.
    #[inline]
    pub fn evict_clients(&self, stats: &WorkerStats) {
        if self.clients.is_above_limit() {
            self.evict_largest(stats);
        }
    }

    #[cold]
    fn evict_largest(&self, stats: &WorkerStats) {
        let (clients, memory) = (&self.clients, &self.clients.memory);
        let now_ms = clock::unix_ms();
        let Some(_closing) = memory.closing.try_lock() else { return };
        if now_ms < memory.next_try_ms.load(Ordering::Relaxed) {
            return;
        }
        for (bytes, cell) in clients.by_size() {
            if !clients.is_above_limit() {
                return;
            }
            log::notice(format_args!(
                "Evicting client: id={} addr={} name={} tot-mem={bytes}",
                cell.id,
                cell.peer.address,
                cell.names.lock().name,
            ));
            self.close_client(&cell);
            stats.add(Counter::EvictedClients, 1);
        }
        if clients.is_above_limit() {
            memory.next_try_ms.store(now_ms + VAIN_PAUSE_MS, Ordering::Relaxed);
        }
    }
}
