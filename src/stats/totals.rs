//! The statistics of the whole server: the blocks of all threads, summed when somebody asks.
//!
//! CONFIG RESETSTAT cannot write cells that belong to other threads. It notes their sums instead,
//! and readers subtract that baseline: cells only grow, so a difference is never negative.

use std::sync::Arc;

use parking_lot::Mutex;

use super::block::{CommandCounts, SharedStats, WorkerStats};
use super::command_log::CommandLog;
use super::counters::Counter;
use super::errors::ErrorStats;
use super::histogram::Histogram;
use super::latency::LatencyMonitor;
use super::rates::{Rate, Rates, Reading};

/// Everything the server counts; one for all threads, behind an `Arc`.
pub struct Stats {
    workers: Box<[WorkerStats]>,
    background: SharedStats,
    errors: Arc<ErrorStats>,
    command_count: usize,
    baseline: Mutex<Baseline>,
    command_log: CommandLog,
    latency: LatencyMonitor,
    rates: Rates,
}

/// What had been counted at the last reset.
struct Baseline {
    counters: [u64; Counter::COUNT],
    commands: Vec<CommandCounts>,
    histograms: Vec<Option<Histogram>>,
}

/// What one command did since the last reset; its latencies are in [`Stats::command_histogram`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandTotals {
    /// Calls that ran.
    pub calls: u64,
    /// Nanoseconds of all calls together.
    pub total_ns: u64,
    /// Calls refused before they ran.
    pub rejected: u64,
    /// Calls that ran and answered with an error.
    pub failed: u64,
}

impl CommandTotals {
    /// Returns the microseconds of all calls together.
    pub fn total_us(&self) -> u64 {
        self.total_ns / 1000
    }

    /// Says whether there is anything to show.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Stats {
    /// Returns statistics of zero for this many workers and commands.
    pub fn new(worker_count: usize, command_count: usize) -> Self {
        let errors = Arc::new(ErrorStats::default());
        Self {
            workers: (0..worker_count)
                .map(|_| WorkerStats::new(command_count, Arc::clone(&errors)))
                .collect(),
            background: SharedStats::new(command_count, Arc::clone(&errors)),
            errors,
            command_count,
            baseline: Mutex::new(Baseline {
                counters: [0; Counter::COUNT],
                commands: vec![CommandCounts::default(); command_count],
                histograms: vec![None; command_count],
            }),
            command_log: CommandLog::default(),
            latency: LatencyMonitor::default(),
            rates: Rates::default(),
        }
    }

    /// Returns the block of one worker, which that worker's thread alone may write.
    pub fn worker(&self, index: usize) -> &WorkerStats {
        &self.workers[index]
    }

    /// Returns how many workers have a block.
    pub fn worker_count(&self) -> usize {
        self.workers.len()
    }

    /// Returns the block of all threads that are no worker.
    pub fn background(&self) -> &SharedStats {
        &self.background
    }

    /// Returns the kinds of errors answered.
    pub fn errors(&self) -> &ErrorStats {
        &self.errors
    }

    /// Returns the logs of slow commands, large requests and large replies.
    pub fn command_log(&self) -> &CommandLog {
        &self.command_log
    }

    /// Returns the latency events.
    pub fn latency_monitor(&self) -> &LatencyMonitor {
        &self.latency
    }

    /// Returns the rates of the last moments.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Returns how many commands have cells.
    pub fn command_count(&self) -> usize {
        self.command_count
    }

    /// Returns a counter's sum since the last reset.
    pub fn total(&self, counter: Counter) -> u64 {
        let baseline = self.baseline.lock().counters[counter as usize];
        self.total_since_start(counter).saturating_sub(baseline)
    }

    /// Returns a counter's sum as its INFO field shows it.
    pub fn info_value(&self, counter: Counter) -> u64 {
        self.total(counter) / counter.info_divisor()
    }

    /// Returns a counter's sum since the server's start, whatever was reset.
    pub fn total_since_start(&self, counter: Counter) -> u64 {
        let workers: u64 = self.workers.iter().map(|block| block.count(counter)).sum();
        workers + self.background.count(counter)
    }

    /// Returns what a command did since the last reset.
    pub fn command_totals(&self, id: usize) -> CommandTotals {
        let baseline = self.baseline.lock().commands[id];
        let now = self.command_counts_since_start(id);
        CommandTotals {
            calls: now.calls.saturating_sub(baseline.calls),
            total_ns: now.total_ns.saturating_sub(baseline.total_ns),
            rejected: now.rejected.saturating_sub(baseline.rejected),
            failed: now.failed.saturating_sub(baseline.failed),
        }
    }

    /// Returns a command's latencies since the last reset; `None` if none was recorded.
    pub fn command_histogram(&self, id: usize) -> Option<Histogram> {
        let baseline = self.baseline.lock();
        let mut histogram = self.histogram_since_start(id)?;
        if let Some(earlier) = &baseline.histograms[id] {
            histogram.subtract(earlier);
        }
        (histogram.count() > 0).then_some(histogram)
    }

    /// Takes a sample of every rate; called every 100 ms by one thread.
    pub fn tick_rates(&self, monotonic_us: u64) {
        self.rates.tick(|rate| self.rate_reading(rate, monotonic_us));
    }

    fn rate_reading(&self, rate: Rate, monotonic_us: u64) -> Reading {
        let counter = match rate {
            Rate::Commands => Counter::CommandsProcessed,
            Rate::InputBytes => Counter::NetInputBytes,
            Rate::OutputBytes => Counter::NetOutputBytes,
            Rate::ReplicationInputBytes => Counter::NetReplicationInputBytes,
            Rate::ReplicationOutputBytes => Counter::NetReplicationOutputBytes,
            Rate::EventLoopCycles => Counter::EventLoopCycles,
            Rate::EventLoopUsPerCycle => Counter::EventLoopUs,
        };
        let total = self.total_since_start(counter);
        match rate {
            Rate::EventLoopUsPerCycle => {
                Reading { total, base: self.total_since_start(Counter::EventLoopCycles), per: 1 }
            }
            _ => Reading { total, base: monotonic_us, per: 1_000_000 },
        }
    }

    /// Turns the recording of latency histograms on or off (`latency-tracking`).
    pub fn set_latency_tracking(&self, enabled: bool) {
        self.workers.iter().for_each(|block| block.set_latency_tracking(enabled));
        self.background.set_latency_tracking(enabled);
    }

    /// Starts all counts anew, as CONFIG RESETSTAT does; the command logs and latency events stay.
    pub fn reset(&self) {
        let mut baseline = self.baseline.lock();
        for &counter in Counter::ALL {
            baseline.counters[counter as usize] = self.total_since_start(counter);
        }
        for id in 0..self.command_count {
            baseline.commands[id] = self.command_counts_since_start(id);
            baseline.histograms[id] = self.histogram_since_start(id);
        }
        self.errors.reset();
        self.rates.reset();
    }

    fn command_counts_since_start(&self, id: usize) -> CommandCounts {
        let mut sum = CommandCounts::default();
        self.workers.iter().for_each(|block| block.add_command_to(id, &mut sum));
        self.background.add_command_to(id, &mut sum);
        sum
    }

    fn histogram_since_start(&self, id: usize) -> Option<Histogram> {
        let mut sum = None;
        self.workers.iter().for_each(|block| block.add_histogram_to(id, &mut sum));
        self.background.add_histogram_to(id, &mut sum);
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::Stats;
    use crate::stats::{Counter, Rate};

    const GET: usize = 3;

    #[test]
    fn readers_see_the_sum_of_all_threads() {
        let stats = Stats::new(2, 8);
        stats.worker(0).add(Counter::KeyspaceHits, 2);
        stats.worker(1).add(Counter::KeyspaceHits, 3);
        stats.background().add(Counter::KeyspaceHits, 5);
        assert_eq!(stats.total(Counter::KeyspaceHits), 10);
        assert_eq!(stats.total(Counter::KeyspaceMisses), 0);
    }

    #[test]
    fn a_reset_starts_every_count_anew() {
        let stats = Stats::new(1, 8);
        let worker = stats.worker(0);
        worker.record_command(GET, 1_000);
        worker.record_failed(GET);
        worker.record_error(b"ERR no");
        stats.reset();
        assert!(stats.command_totals(GET).is_empty());
        assert_eq!(stats.command_histogram(GET), None);
        assert_eq!(stats.total(Counter::ErrorReplies), 0);
        assert!(stats.errors().counts().is_empty());

        worker.record_command(GET, 5_000);
        worker.record_rejected(GET);
        let totals = stats.command_totals(GET);
        assert_eq!((totals.calls, totals.total_us(), totals.rejected, totals.failed), (1, 5, 1, 0));
        let listed = stats.command_histogram(GET).expect("one call").filled_buckets().count();
        assert_eq!(listed, 1);
    }

    #[test]
    fn without_latency_tracking_calls_still_count() {
        let stats = Stats::new(1, 8);
        stats.set_latency_tracking(false);
        stats.worker(0).record_command(GET, 1_000);
        assert_eq!(stats.command_totals(GET).calls, 1);
        assert_eq!(stats.command_histogram(GET), None);
    }

    #[test]
    fn microseconds_are_shown_as_milliseconds_where_the_field_says_so() {
        let stats = Stats::new(1, 1);
        stats.worker(0).add(Counter::ExpireCycleUs, 2_500);
        assert_eq!(stats.info_value(Counter::ExpireCycleUs), 2);
    }

    #[test]
    fn rates_follow_the_counters() {
        let stats = Stats::new(1, 1);
        stats.tick_rates(0);
        stats.worker(0).add(Counter::CommandsProcessed, 1_600);
        stats.worker(0).add(Counter::EventLoopCycles, 10);
        stats.worker(0).add(Counter::EventLoopUs, 1_600);
        stats.tick_rates(100_000);
        assert_eq!(stats.rates().value(Rate::Commands), 1_000);
        assert_eq!(stats.rates().value(Rate::EventLoopUsPerCycle), 10);
    }

    #[test]
    fn racing_threads_lose_no_count() {
        const THREADS: usize = 3;
        const ROUNDS: u64 = 20_000;
        let stats = Stats::new(THREADS, 8);
        let finished = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers: Vec<_> = (0..THREADS)
                .map(|index| {
                    let stats = &stats;
                    scope.spawn(move || write(stats, index, ROUNDS))
                })
                .collect();
            scope.spawn(|| read_while_written(&stats, &finished));
            writers.into_iter().for_each(|writer| writer.join().expect("a writer ends"));
            finished.store(true, Ordering::Release);
        });
        let expected = ROUNDS * THREADS as u64;
        assert_eq!(stats.total_since_start(Counter::CommandsProcessed), 2 * expected);
        assert_eq!(stats.command_counts_since_start(GET).calls, 2 * expected);
        let histogram = stats.histogram_since_start(GET).expect("calls were recorded");
        assert_eq!(histogram.count(), 2 * expected);
    }

    fn write(stats: &Stats, index: usize, rounds: u64) {
        for round in 0..rounds {
            stats.worker(index).add(Counter::CommandsProcessed, 1);
            stats.worker(index).record_command(GET, round);
            stats.background().add(Counter::CommandsProcessed, 1);
            stats.background().record_command(GET, round);
        }
    }

    /// Sums never go back, and a reset in between never makes one wrap around.
    fn read_while_written(stats: &Stats, finished: &AtomicBool) {
        let mut previous = 0;
        while !finished.load(Ordering::Acquire) {
            let now = stats.total_since_start(Counter::CommandsProcessed);
            assert!(now >= previous);
            previous = now;
            stats.reset();
            assert!(stats.total(Counter::CommandsProcessed) <= u64::MAX / 2);
        }
    }
}
