//! Floor 1: what the server counts and measures: counters, command latencies, errors, the command
//! logs, latency events and rates.
//!
//! Threads: the hot cells belong to one worker each ([`WorkerStats`]: relaxed load and store, no
//! locked instruction), everyone may read them, and readers sum. What is rare (a slow command, an
//! error, a latency event) sits behind a short mutex.

mod block;
mod command_log;
mod counters;
mod errors;
mod histogram;
mod latency;
mod latency_report;
mod rates;
mod snapshot;
mod totals;

pub use block::{Block, ManyWriters, SharedStats, SingleWriter, WorkerStats, Writer};
pub use command_log::{CommandLog, CommandLogClient, CommandLogEntry, CommandLogKind};
pub use counters::Counter;
pub use errors::ErrorStats;
pub use histogram::{Histogram, LATENCY_BUCKET_COUNT, LatencyBucket};
pub use latency::{LatencyEvent, LatencyMonitor, LatencySample};
pub use latency_report::{LatencyReportSettings, doctor_report, event_graph};
pub use rates::{Rate, Rates};
pub use snapshot::{CommandSample, KeyspaceSample, LabelledSample, Snapshot};
pub use totals::{CommandTotals, Stats};
