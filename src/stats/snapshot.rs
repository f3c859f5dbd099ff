//! What a scrape of the metrics endpoint shows: the numbers of INFO in a form without text.
//!
//! [`Snapshot::of_stats`] fills in what is counted here; whoever knows the whole server adds the
//! rest. `control` only gives the values their metric names.

use std::borrow::Cow;

use super::command_log::{CommandLog, CommandLogKind};
use super::counters::Counter;
use super::histogram::Histogram;
use super::rates::Rate;
use super::totals::{CommandTotals, Stats};

/// The state of the server at one instant.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Fields of INFO with a number: name (`used_memory`) and value; a status of `ok` is 1, of `err`
    /// 0. Fields without a metric are ignored. Besides those of INFO there are `start_time_seconds`,
    /// `maxclients`, and the settings of the command logs (`commandlog_execution_slower_than`, ...).
    pub fields: Vec<(Cow<'static, str>, f64)>,
    /// Commands that were called or refused.
    pub commands: Vec<CommandSample>,
    /// Databases that hold keys.
    pub keyspace: Vec<KeyspaceSample>,
    /// Errors answered: first word and count.
    pub errors: Vec<(String, u64)>,
    /// Labels of `redis_instance_info`: `role`, `redis_version`, `redis_mode`, `os`, `tcp_port`,
    /// `maxmemory_policy`, `run_id`, `process_id`, `master_replid`, `server_name`, ...
    pub instance_labels: Vec<(&'static str, String)>,
    /// Values that differ by labels, for metrics without a place of their own above.
    pub labelled: Vec<LabelledSample>,
}

/// One command's numbers.
#[derive(Clone, Debug, Default)]
pub struct CommandSample {
    /// Lower-case name; `container|subcommand` for a subcommand.
    pub name: String,
    /// Calls, time, refusals and failures.
    pub totals: CommandTotals,
    /// Latencies, if they are recorded.
    pub histogram: Option<Histogram>,
}

/// One database's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceSample {
    /// Number of the database.
    pub database: usize,
    /// Keys in it.
    pub key_count: u64,
    /// Those of them that expire.
    pub expiring_key_count: u64,
    /// Mean time to live of those.
    pub average_ttl_ms: u64,
}

/// One value of a metric with labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledSample {
    /// The metric's full name; one without a description in `control` is ignored.
    pub metric: &'static str,
    /// Label names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The value, in the metric's unit.
    pub value: f64,
}

impl Snapshot {
    /// Returns what is counted in `stats`; `command_name` gives each command id its name.
    pub fn of_stats<Name: Into<String>>(
        stats: &Stats,
        command_name: impl Fn(usize) -> Name,
    ) -> Self {
        let mut snapshot = Self { errors: stats.errors().counts(), ..Self::default() };
        for &counter in Counter::ALL {
            snapshot.push_count(counter.info_field(), stats.info_value(counter));
        }
        for (field, rate) in [
            ("instantaneous_eventloop_cycles_per_sec", Rate::EventLoopCycles),
            ("instantaneous_eventloop_duration_usec", Rate::EventLoopUsPerCycle),
        ] {
            snapshot.push_count(field, stats.rates().value(rate));
        }
        for id in 0..stats.command_count() {
            let totals = stats.command_totals(id);
            if !totals.is_empty() {
                let (name, histogram) = (command_name(id).into(), stats.command_histogram(id));
                snapshot.commands.push(CommandSample { name, totals, histogram });
            }
        }
        // The exporter shows these in milliseconds, under names that only some pages have.
        for (metric, counter) in [
            ("redpoll_expire_cycle_seconds_total", Counter::ExpireCycleUs),
            ("redpoll_eviction_exceeded_seconds_total", Counter::EvictionExceededUs),
        ] {
            snapshot.push_labelled(metric, [], as_double(stats.total(counter)) / 1e6);
        }
        snapshot.push_command_logs(stats.command_log());
        snapshot.push_latency_events(stats);
        snapshot.push_workers(stats);
        snapshot
    }

    /// Adds a field of INFO that is a whole number.
    pub fn push_count(&mut self, field: &'static str, value: u64) {
        self.fields.push((Cow::Borrowed(field), as_double(value)));
    }

    /// Adds a value that differs by labels.
    pub fn push_labelled(
        &mut self,
        metric: &'static str,
        labels: impl IntoIterator<Item = (&'static str, String)>,
        value: f64,
    ) {
        let labels = labels.into_iter().collect();
        self.labelled.push(LabelledSample { metric, labels, value });
    }

    fn push_command_logs(&mut self, log: &CommandLog) {
        for (field, kind) in [
            ("slowlog_length", CommandLogKind::Slow),
            ("commandlog_slow_length", CommandLogKind::Slow),
            ("commandlog_large_request_length", CommandLogKind::LargeRequest),
            ("commandlog_large_reply_length", CommandLogKind::LargeReply),
        ] {
            self.push_count(field, log.entry_count(kind) as u64);
        }
        if let Some(newest) = log.newest(CommandLogKind::Slow, 1).first() {
            self.push_count("slowlog_last_id", newest.id);
            let seconds = as_double(newest.amount) / 1e6;
            self.fields.push(("last_slow_execution_duration_seconds".into(), seconds));
        }
    }

    fn push_latency_events(&mut self, stats: &Stats) {
        for event in stats.latency_monitor().events() {
            let Some(latest) = event.latest() else { continue };
            for (metric, value) in [
                ("redis_latency_spike_last", as_double(latest.unix_seconds)),
                ("redis_latency_spike_duration_seconds", as_double(latest.latency_ms) / 1e3),
            ] {
                self.push_labelled(metric, [("event_name", event.name.into())], value);
            }
        }
    }

    fn push_workers(&mut self, stats: &Stats) {
        for index in 0..stats.worker_count() {
            let count = |counter| as_double(stats.worker(index).count(counter));
            for (metric, value) in [
                ("redpoll_worker_commands_total", count(Counter::CommandsProcessed)),
                ("redpoll_worker_busy_seconds_total", count(Counter::EventLoopUs) / 1e6),
                ("redpoll_worker_input_bytes_total", count(Counter::NetInputBytes)),
                ("redpoll_worker_output_bytes_total", count(Counter::NetOutputBytes)),
            ] {
                self.push_labelled(metric, [("worker", index.to_string())], value);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn as_double(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::Snapshot;
    use crate::stats::{Counter, Stats};

    #[test]
    fn a_snapshot_holds_what_was_counted() {
        let stats = Stats::new(2, 3);
        stats.worker(1).add(Counter::KeyspaceHits, 7);
        stats.worker(1).record_command(2, 1_000);
        stats.worker(0).record_error(b"ERR no");
        stats.latency_monitor().record("command", 1_700_000_000, 250);
        let snapshot = Snapshot::of_stats(&stats, |id| format!("command-{id}"));

        assert!(snapshot.fields.contains(&("keyspace_hits".into(), 7.0)));
        assert_eq!(snapshot.commands.len(), 1);
        assert_eq!(snapshot.commands[0].name, "command-2");
        assert_eq!(snapshot.errors, [("ERR".to_string(), 1)]);
        let spike = snapshot
            .labelled
            .iter()
            .find(|sample| sample.metric == "redis_latency_spike_duration_seconds")
            .expect("the spike is shown");
        assert_eq!(spike.labels, [("event_name", "command".to_string())]);
        assert!((spike.value - 0.25).abs() < 1e-9);
    }
}
