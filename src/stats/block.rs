//! A block of counters: one per worker with a single writer, one shared by all background threads.
//!
//! A worker adds by a relaxed load and a relaxed store: nobody else writes its cells, so nothing is
//! lost, and no locked instruction is needed. The background block adds by `fetch_add`. Which rule
//! holds is a type parameter, so that the wrong one cannot be picked at a call site.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::counters::Counter;
use super::errors::ErrorStats;
use super::histogram::{Histogram, HistogramCells};

/// How a cell is added to.
pub trait Writer: Send + Sync + 'static {
    /// Adds to a cell that any thread may read.
    fn add(cell: &AtomicU64, amount: u64);
}

/// Only one thread ever writes the block.
pub enum SingleWriter {}

/// Any thread may write the block.
pub enum ManyWriters {}

impl Writer for SingleWriter {
    #[inline]
    fn add(cell: &AtomicU64, amount: u64) {
        // Relaxed: a count publishes no other memory, and this thread is the cell's only writer.
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }
}

impl Writer for ManyWriters {
    #[inline]
    fn add(cell: &AtomicU64, amount: u64) {
        // Relaxed: a count publishes no other memory.
        cell.fetch_add(amount, Ordering::Relaxed);
    }
}

/// The counters of one worker. Only that worker's thread may call its recording methods.
pub type WorkerStats = Block<SingleWriter>;

/// The counters of all other threads together.
pub type SharedStats = Block<ManyWriters>;

/// One command's cells; a cache line, so that two commands do not share one.
#[derive(Default)]
#[repr(align(64))]
struct CommandCells {
    calls: AtomicU64,
    total_ns: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    /// Made at the first call: most commands are never called.
    histogram: OnceLock<Box<HistogramCells>>,
}

/// Counters and per-command cells, written by the rule of `W`, readable by everyone.
// Aligned to two cache lines: the processor fetches lines in pairs, and blocks must not share one.
#[repr(align(128))]
pub struct Block<W> {
    counters: [AtomicU64; Counter::COUNT],
    commands: Box<[CommandCells]>,
    tracks_latency: AtomicBool,
    errors: Arc<ErrorStats>,
    writer: PhantomData<fn() -> W>,
}

/// What one block knows about one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CommandCounts {
    pub(super) calls: u64,
    pub(super) total_ns: u64,
    pub(super) rejected: u64,
    pub(super) failed: u64,
}

impl<W: Writer> Block<W> {
    pub(super) fn new(command_count: usize, errors: Arc<ErrorStats>) -> Self {
        Self {
            counters: [const { AtomicU64::new(0) }; Counter::COUNT],
            commands: (0..command_count).map(|_| CommandCells::default()).collect(),
            tracks_latency: AtomicBool::new(true),
            errors,
            writer: PhantomData,
        }
    }

    /// Adds to a counter.
    #[inline]
    pub fn add(&self, counter: Counter, amount: u64) {
        W::add(&self.counters[counter as usize], amount);
    }

    /// Counts one finished call of a command and how long it took. Panics if there is no such command.
    #[inline]
    pub fn record_command(&self, id: usize, elapsed_ns: u64) {
        let cells = &self.commands[id];
        W::add(&cells.calls, 1);
        W::add(&cells.total_ns, elapsed_ns);
        // Relaxed: a setting that may take effect a moment later.
        if self.tracks_latency.load(Ordering::Relaxed) {
            cells.histogram.get_or_init(HistogramCells::new).record::<W>(elapsed_ns);
        }
    }

    /// Counts a call that was refused before it ran.
    pub fn record_rejected(&self, id: usize) {
        W::add(&self.commands[id].rejected, 1);
    }

    /// Counts a call that ran and answered with an error.
    pub fn record_failed(&self, id: usize) {
        W::add(&self.commands[id].failed, 1);
    }

    /// Counts an error reply, by its text without the leading `-`.
    pub fn record_error(&self, text: &[u8]) {
        self.add(Counter::ErrorReplies, 1);
        self.errors.record(text);
    }

    /// Returns what this block alone has counted since the server's start.
    pub fn count(&self, counter: Counter) -> u64 {
        // Relaxed, here and below: a reader's sum may be a moment old.
        self.counters[counter as usize].load(Ordering::Relaxed)
    }

    pub(super) fn set_latency_tracking(&self, enabled: bool) {
        self.tracks_latency.store(enabled, Ordering::Relaxed);
    }

    pub(super) fn add_command_to(&self, id: usize, sum: &mut CommandCounts) {
        let cells = &self.commands[id];
        sum.calls += cells.calls.load(Ordering::Relaxed);
        sum.total_ns += cells.total_ns.load(Ordering::Relaxed);
        sum.rejected += cells.rejected.load(Ordering::Relaxed);
        sum.failed += cells.failed.load(Ordering::Relaxed);
    }

    pub(super) fn add_histogram_to(&self, id: usize, sum: &mut Option<Histogram>) {
        if let Some(cells) = self.commands[id].histogram.get() {
            cells.add_to(sum.get_or_insert_default());
        }
    }
}
