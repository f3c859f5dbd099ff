//! A snapshot of the server as a page of metrics, under the names that dashboards know.

use std::collections::HashMap;

use super::exposition::{Exposition, Kind};
use super::metric_table::{FIELD_METRICS, LABELLED_METRICS, abbreviates_unit};
use crate::stats::{CommandSample, Histogram, KeyspaceSample, LabelledSample, Snapshot};

/// Buckets of the latency histograms: 1 µs to 1 s. Nothing in between is lost, the rest is `+Inf`.
const BUCKET_COUNT: usize = 21;

/// Percentiles of the latency summaries, labelled as the exporter labels them.
const PERCENTILES: [(&str, f64); 3] = [("50", 50.0), ("99", 99.0), ("99.9", 99.9)];

/// Which names a page uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Those that `promtool check metrics` has nothing against.
    WellFormed,
    /// Also the exporter's names with abbreviated units (`_ms`, `_sec`).
    All,
}

/// Returns the page of a snapshot in the text format.
pub fn render(snapshot: &Snapshot, names: Names) -> String {
    let mut page = Exposition::default();
    page.family("redis_up", Kind::Gauge, "Whether the server answers; always 1 here.");
    page.sample("redis_up", &[], 1.0);
    write_instance(&mut page, snapshot);
    write_fields(&mut page, snapshot, names);
    write_keyspace(&mut page, &snapshot.keyspace);
    write_errors(&mut page, &snapshot.errors);
    write_commands(&mut page, &snapshot.commands);
    write_labelled(&mut page, &snapshot.labelled);
    page.finish()
}

fn write_instance(page: &mut Exposition, snapshot: &Snapshot) {
    let labels: Vec<(&str, &str)> =
        snapshot.instance_labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
    page.family("redis_instance_info", Kind::Gauge, "What this instance is, in its labels.");
    page.sample("redis_instance_info", &labels, 1.0);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.family("redpoll_build_info", Kind::Gauge, "Which Redpoll this is, in its labels.");
    page.sample("redpoll_build_info", &version, 1.0);
}

fn write_fields(page: &mut Exposition, snapshot: &Snapshot, names: Names) {
    let values: HashMap<&str, f64> =
        snapshot.fields.iter().map(|(field, value)| (field.as_ref(), *value)).collect();
    for row in FIELD_METRICS {
        let Some(&value) = values.get(row.field) else { continue };
        if names == Names::WellFormed && abbreviates_unit(row.metric) {
            continue;
        }
        page.family(row.metric, row.kind, row.help);
        page.sample(row.metric, &[], value);
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn write_keyspace(page: &mut Exposition, keyspace: &[KeyspaceSample]) {
    type Value = fn(&KeyspaceSample) -> f64;
    let families: [(&str, &str, Value); 3] = [
        ("redis_db_keys", "Keys of a database.", |db| db.key_count as f64),
        ("redis_db_keys_expiring", "Keys of a database that expire.", |db| {
            db.expiring_key_count as f64
        }),
        ("redis_db_avg_ttl_seconds", "Mean time to live of the keys that expire.", |db| {
            db.average_ttl_ms as f64 / 1e3
        }),
    ];
    if keyspace.is_empty() {
        return;
    }
    for (metric, help, value) in families {
        page.family(metric, Kind::Gauge, help);
        for database in keyspace {
            let name = format!("db{}", database.database);
            page.sample(metric, &[("db", &name)], value(database));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn write_errors(page: &mut Exposition, errors: &[(String, u64)]) {
    if errors.is_empty() {
        return;
    }
    page.family("redis_errors_total", Kind::Counter, "Error replies by their first word.");
    for (kind, count) in errors {
        page.sample("redis_errors_total", &[("err", kind)], *count as f64);
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn write_commands(page: &mut Exposition, commands: &[CommandSample]) {
    type Value = fn(&CommandSample) -> f64;
    let families: [(&str, &str, Value); 4] = [
        ("redis_commands_total", "Calls of a command.", |c| c.totals.calls as f64),
        ("redis_commands_duration_seconds_total", "Time spent in a command.", |c| {
            c.totals.total_ns as f64 / 1e9
        }),
        ("redis_commands_rejected_calls_total", "Calls refused before they ran.", |c| {
            c.totals.rejected as f64
        }),
        ("redis_commands_failed_calls_total", "Calls that ran and ended in an error.", |c| {
            c.totals.failed as f64
        }),
    ];
    if commands.is_empty() {
        return;
    }
    for (metric, help, value) in families {
        page.family(metric, Kind::Counter, help);
        for command in commands {
            page.sample(metric, &[("cmd", &command.name)], value(command));
        }
    }
    write_latencies(page, commands);
}

fn write_latencies(page: &mut Exposition, commands: &[CommandSample]) {
    let measured: Vec<(&CommandSample, &Histogram)> =
        commands.iter().filter_map(|c| Some((c, c.histogram.as_ref()?))).collect();
    if measured.is_empty() {
        return;
    }
    let metric = "redis_commands_latencies_usec";
    page.family(metric, Kind::Histogram, "Latencies of a command in microseconds.");
    for &(command, histogram) in &measured {
        write_buckets(page, metric, command, histogram);
        write_sum_and_count(page, metric, command, histogram);
    }
    let metric = "redis_latency_percentiles_usec";
    page.family(metric, Kind::Summary, "Percentiles of a command's latency in microseconds.");
    for &(command, histogram) in &measured {
        for (label, percentile) in PERCENTILES {
            let labels = [("cmd", command.name.as_str()), ("quantile", label)];
            page.sample(metric, &labels, as_us(histogram.percentile_ns(percentile)));
        }
        write_sum_and_count(page, metric, command, histogram);
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn write_buckets(
    page: &mut Exposition,
    metric: &str,
    command: &CommandSample,
    histogram: &Histogram,
) {
    let name = format!("{metric}_bucket");
    for bucket in &histogram.buckets()[..BUCKET_COUNT] {
        let bound = bucket.bound_us.to_string();
        let labels = [("cmd", command.name.as_str()), ("le", bound.as_str())];
        page.sample(&name, &labels, bucket.cumulative_count as f64);
    }
    let labels = [("cmd", command.name.as_str()), ("le", "+Inf")];
    page.sample(&name, &labels, histogram.count() as f64);
}

/// The count comes from the histogram, not from the calls: both change while they are read, and a
/// bucket must never hold more than the count.
#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn write_sum_and_count(
    page: &mut Exposition,
    metric: &str,
    command: &CommandSample,
    histogram: &Histogram,
) {
    let labels = [("cmd", command.name.as_str())];
    page.sample(&format!("{metric}_sum"), &labels, as_us(command.totals.total_ns));
    page.sample(&format!("{metric}_count"), &labels, histogram.count() as f64);
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn as_us(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}

fn write_labelled(page: &mut Exposition, samples: &[LabelledSample]) {
    for row in LABELLED_METRICS {
        let mut is_open = false;
        for sample in samples.iter().filter(|sample| sample.metric == row.metric) {
            if !is_open {
                page.family(row.metric, row.kind, row.help);
                is_open = true;
            }
            let labels: Vec<(&str, &str)> =
                sample.labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
            page.sample(row.metric, &labels, sample.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{FIELD_METRICS, LABELLED_METRICS, Names, render};
    use crate::control::self_metrics::SelfMetrics;
    use crate::stats::{CommandSample, CommandTotals, Histogram, KeyspaceSample, Snapshot};

    fn command() -> CommandSample {
        let mut histogram = Histogram::default();
        for value_ns in [800, 900, 3_000, 2_000_000_000] {
            histogram.record(value_ns);
        }
        let totals = CommandTotals { calls: 4, total_ns: 2_000_004_700, rejected: 1, failed: 2 };
        CommandSample { name: "get".into(), totals, histogram: Some(histogram) }
    }

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.push_count("used_memory", 1_000_000);
        snapshot.push_count("no_such_field", 1);
        snapshot.fields.push(("used_cpu_sys".into(), 1.25));
        snapshot.commands.push(command());
        snapshot.keyspace.push(KeyspaceSample {
            database: 3,
            key_count: 10,
            expiring_key_count: 4,
            average_ttl_ms: 1_500,
        });
        snapshot.errors.push(("WRONGTYPE".into(), 6));
        snapshot.instance_labels.push(("role", "master".into()));
        snapshot.push_labelled("redis_config_value", [("key", "hz".into())], 10.0);
        snapshot.push_labelled("unknown", [], 1.0);
        snapshot
    }

    fn assert_lines(lines: &[&str]) {
        let page = render(&snapshot(), Names::WellFormed);
        let present: HashSet<&str> = page.lines().collect();
        for line in lines {
            assert!(present.contains(line), "{line} is missing in\n{page}");
        }
    }

    #[test]
    fn fields_get_their_names() {
        assert_lines(&[
            "redis_up 1",
            "redis_memory_used_bytes 1000000",
            "# TYPE redis_memory_used_bytes gauge",
            "redis_cpu_sys_seconds_total 1.25",
            "# TYPE redis_cpu_sys_seconds_total counter",
            "redis_instance_info{role=\"master\"} 1",
            "redis_db_keys{db=\"db3\"} 10",
            "redis_db_keys_expiring{db=\"db3\"} 4",
            "redis_db_avg_ttl_seconds{db=\"db3\"} 1.5",
            "redis_errors_total{err=\"WRONGTYPE\"} 6",
            "redis_config_value{key=\"hz\"} 10",
        ]);
        assert!(!render(&snapshot(), Names::All).contains("no_such_field"));
        assert!(!render(&snapshot(), Names::All).contains("unknown"));
    }

    #[test]
    fn commands_have_counts_times_and_latencies() {
        assert_lines(&[
            "redis_commands_total{cmd=\"get\"} 4",
            "redis_commands_duration_seconds_total{cmd=\"get\"} 2.0000047",
            "redis_commands_rejected_calls_total{cmd=\"get\"} 1",
            "redis_commands_failed_calls_total{cmd=\"get\"} 2",
            "redis_commands_latencies_usec_bucket{cmd=\"get\",le=\"1\"} 2",
            "redis_commands_latencies_usec_bucket{cmd=\"get\",le=\"2\"} 2",
            "redis_commands_latencies_usec_bucket{cmd=\"get\",le=\"4\"} 3",
            "redis_commands_latencies_usec_bucket{cmd=\"get\",le=\"1082130\"} 3",
            "redis_commands_latencies_usec_bucket{cmd=\"get\",le=\"+Inf\"} 4",
            "redis_commands_latencies_usec_count{cmd=\"get\"} 4",
            "redis_commands_latencies_usec_sum{cmd=\"get\"} 2000004.7",
            "redis_latency_percentiles_usec{cmd=\"get\",quantile=\"50\"} 0.911",
        ]);
    }

    /// Returns the names of all families of a page that shows everything there is.
    fn all_families() -> HashSet<String> {
        let mut snapshot = snapshot();
        for row in FIELD_METRICS {
            snapshot.push_count(row.field, 1);
        }
        for row in LABELLED_METRICS {
            snapshot.push_labelled(row.metric, [], 1.0);
        }
        let mut page = render(&snapshot, Names::All);
        page.push_str(&SelfMetrics::new().render());
        let families = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        families.filter_map(|line| Some(line.split_once(' ')?.0.to_string())).collect()
    }

    fn assert_exported(text: &str) {
        let families = all_families();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let is_metric = word.starts_with("redis_") || word.starts_with("redpoll_");
            let family = word.strip_suffix("_bucket").unwrap_or(word);
            assert!(
                !is_metric || family == "redis_exporter" || families.contains(family),
                "{word} is not exported"
            );
        }
    }

    #[test]
    fn our_dashboard_and_alerts_find_their_metrics() {
        assert_exported(include_str!("../../conf/grafana-dashboard.json"));
        assert_exported(include_str!("../../conf/redpoll-alerts.yml"));
    }

    #[test]
    fn public_dashboards_find_their_metrics() {
        // The panels and variables of Grafana's dashboards 763 and 11835, of the mixin, and the
        // alert rules in wide use.
        assert_exported(
            "redis_up redis_uptime_in_seconds redis_connected_clients redis_blocked_clients \
             redis_memory_used_bytes redis_memory_max_bytes redis_memory_used_rss_bytes \
             redis_commands_total redis_commands_processed_total redis_instance_info \
             redis_commands_duration_seconds_total redis_keyspace_hits_total \
             redis_keyspace_misses_total redis_net_input_bytes_total redis_net_output_bytes_total \
             redis_db_keys redis_db_keys_expiring redis_expired_keys_total redis_evicted_keys_total \
             redis_connected_slaves redis_master_last_io_seconds_ago redis_config_maxclients \
             redis_config_maxmemory redis_rejected_connections_total redis_mem_fragmentation_ratio \
             redis_rdb_last_save_timestamp_seconds redis_total_system_memory_bytes \
             redis_start_time_seconds redis_slowlog_length redis_master_link_up \
             redis_latest_fork_usec redis_pubsub_channels redis_cpu_sys_seconds_total \
             redis_cpu_user_seconds_total redis_exporter_last_scrape_error",
        );
    }

    #[test]
    fn every_family_is_opened_once() {
        let page = render(&snapshot(), Names::All);
        let types: Vec<&str> = page.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let distinct: HashSet<&&str> = types.iter().collect();
        assert_eq!(types.len(), distinct.len());
    }
}
