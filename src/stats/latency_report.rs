//! What LATENCY DOCTOR and LATENCY GRAPH say about the events of the latency monitor.

use std::fmt::Write as _;

use super::latency::LatencyEvent;

/// Columns of one line of a graph.
const GRAPH_COLUMN_COUNT: usize = 80;

/// Text lines the bars of a graph may fill.
const GRAPH_ROW_COUNT: usize = 4;

/// The tops of a bar: low, middle and high within a text line.
const BAR_TOPS: [char; 3] = ['_', 'o', '#'];
const BAR_BODY: char = '|';

/// The settings a diagnosis depends on.
#[derive(Clone, Copy, Debug)]
pub struct LatencyReportSettings {
    /// `latency-monitor-threshold`; 0 is off.
    pub threshold_ms: u64,
    /// `slowlog-log-slower-than`; negative is off.
    pub slow_log_threshold_us: i64,
    /// `slowlog-max-len`.
    pub slow_log_entry_count_max: usize,
}

/// Returns the diagnosis of LATENCY DOCTOR.
pub fn doctor_report(
    events: &[LatencyEvent],
    now_unix_seconds: u64,
    settings: LatencyReportSettings,
) -> String {
    if settings.threshold_ms == 0 {
        return "Latency monitoring is off in this Redpoll instance. Turn it on with \
                'CONFIG SET latency-monitor-threshold <milliseconds>'; the page of LATENCY DOCTOR \
                in the manual says how to choose the threshold.\n"
            .into();
    }
    if events.is_empty() {
        return "No latency spike was seen in this Redpoll instance since it started or since the \
                last LATENCY RESET: nothing to treat.\n"
            .into();
    }
    let mut text = String::from("Latency spikes were seen in this Redpoll instance.\n\n");
    for (index, event) in events.iter().enumerate() {
        push_event(&mut text, index + 1, event, now_unix_seconds);
    }
    text.push_str("\nWhat may help:\n\n");
    for advice in advices(events, settings) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {advice}");
    }
    text
}

fn push_event(text: &mut String, number: usize, event: &LatencyEvent, now_unix_seconds: u64) {
    let count = event.samples.len().max(1) as u64;
    let average = event.samples.iter().map(|sample| sample.latency_ms).sum::<u64>() / count;
    let deviation =
        event.samples.iter().map(|sample| sample.latency_ms.abs_diff(average)).sum::<u64>() / count;
    let first = event.samples.first().map_or(now_unix_seconds, |sample| sample.unix_seconds);
    let tenths = now_unix_seconds.saturating_sub(first) * 10 / count;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{number}. {}: {count} latency spikes (average {average}ms, mean deviation {deviation}ms, \
         period {}.{} sec). Worst all time event {}ms.",
        event.name,
        tenths / 10,
        tenths % 10,
        event.max_ms,
    );
}

/// Returns advice for the events that happened; every line at most once.
fn advices(events: &[LatencyEvent], settings: LatencyReportSettings) -> Vec<String> {
    let happened = |prefix: &str| events.iter().any(|event| event.name.starts_with(prefix));
    let mut advices = Vec::new();
    if happened("command") || happened("fast-command") {
        advices.extend(slow_log_advice(settings));
        advices.push(
            "Look at SLOWLOG GET: it names the commands that took long and their arguments.".into(),
        );
        advices.push(
            "Commands whose work grows with a value (KEYS, SMEMBERS, SORT, DEL of a large \
             collection) are better replaced by SCAN and its relatives, or by UNLINK."
                .into(),
        );
    }
    if happened("fast-command") {
        advices.push(
            "Commands that do constant work were slow, so the machine is the suspect: check for \
             swapping, CPU limits of the container, noisy neighbours and more threads than cores."
                .into(),
        );
    }
    if happened("expire-") {
        advices.push(
            "Many keys expire at the same time: add a random part to their time to live.".into(),
        );
    }
    if happened("eviction-") {
        advices.push(
            "Eviction takes long: raise maxmemory, store smaller values, or write more slowly."
                .into(),
        );
    }
    if happened("aof-") || happened("rdb-") {
        advices.push(
            "The disk is slow: use a faster one, or 'appendfsync everysec' instead of 'always'."
                .into(),
        );
    }
    if advices.is_empty() {
        advices.push("Watch LATENCY HISTORY of the events above while the load goes on.".into());
    }
    advices
}

fn slow_log_advice(settings: LatencyReportSettings) -> Option<String> {
    let threshold_us = i64::try_from(settings.threshold_ms.saturating_mul(1000)).ok()?;
    if settings.slow_log_threshold_us < 0 || settings.slow_log_entry_count_max == 0 {
        return Some(format!(
            "The slow log is off. Turn it on with 'CONFIG SET slowlog-log-slower-than \
             {threshold_us}' and a slowlog-max-len above 0."
        ));
    }
    (settings.slow_log_threshold_us > threshold_us).then(|| {
        format!(
            "The slow log misses commands that the latency monitor sees. Lower its threshold with \
             'CONFIG SET slowlog-log-slower-than {threshold_us}'."
        )
    })
}

/// Returns the picture of LATENCY GRAPH: a bar per spike, with its age below.
pub fn event_graph(event: &LatencyEvent, now_unix_seconds: u64) -> String {
    let latencies = || event.samples.iter().map(|sample| sample.latency_ms);
    let (low, high) = (latencies().min().unwrap_or(0), latencies().max().unwrap_or(0));
    let mut text = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        event.name,
        event.max_ms,
        "-".repeat(GRAPH_COLUMN_COUNT),
    );
    let columns: Vec<Column> = event
        .samples
        .iter()
        .map(|sample| Column {
            height: bar_height(sample.latency_ms - low, high - low),
            age: age_text(now_unix_seconds.saturating_sub(sample.unix_seconds)),
        })
        .collect();
    for (index, columns) in columns.chunks(GRAPH_COLUMN_COUNT).enumerate() {
        if index > 0 {
            text.push('\n');
        }
        push_columns(&mut text, columns);
    }
    text
}

struct Column {
    /// Height of the bar in thirds of a text line, from 0.
    height: usize,
    /// Age of the spike, written downwards.
    age: String,
}

/// Returns a bar's height, at most that of a graph minus one.
fn bar_height(value: u64, range: u64) -> usize {
    let steps = GRAPH_ROW_COUNT * BAR_TOPS.len();
    let scaled = u128::from(value) * steps as u128 / u128::from(range.max(1));
    usize::try_from(scaled).unwrap_or(steps).min(steps - 1)
}

fn push_columns(text: &mut String, columns: &[Column]) {
    for row in (0..GRAPH_ROW_COUNT).rev() {
        text.extend(columns.iter().map(|column| bar_char(column.height, row)));
        text.push('\n');
    }
    text.extend(columns.iter().map(|_| ' '));
    text.push('\n');
    let age_rows = columns.iter().map(|column| column.age.len()).max().unwrap_or(0);
    for row in 0..age_rows {
        text.extend(columns.iter().map(|column| column.age.chars().nth(row).unwrap_or(' ')));
        text.push('\n');
    }
}

/// Returns what a bar of this height shows in a text line, counted from the bottom.
fn bar_char(height: usize, row: usize) -> char {
    match height.checked_sub(row * BAR_TOPS.len()) {
        None => ' ',
        Some(above) => BAR_TOPS.get(above).copied().unwrap_or(BAR_BODY),
    }
}

fn age_text(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::{LatencyReportSettings, doctor_report, event_graph};
    use crate::stats::{LatencyEvent, LatencySample};

    const SETTINGS: LatencyReportSettings = LatencyReportSettings {
        threshold_ms: 10,
        slow_log_threshold_us: 20_000,
        slow_log_entry_count_max: 128,
    };

    fn event(name: &'static str, samples: &[(u64, u64)]) -> LatencyEvent {
        let samples: Vec<_> = samples
            .iter()
            .map(|&(unix_seconds, latency_ms)| LatencySample { unix_seconds, latency_ms })
            .collect();
        let max_ms = samples.iter().map(|sample| sample.latency_ms).max().unwrap_or(0);
        LatencyEvent { name, count: samples.len() as u64, samples, max_ms, sum_ms: 0 }
    }

    #[test]
    fn a_graph_has_bars_and_ages() {
        let event = event("command", &[(97, 10), (98, 20), (100, 500)]);
        let expected = [
            "command - high 500 ms, low 10 ms (all time high 500 ms)",
            &"-".repeat(80),
            "  #",
            "  |",
            "  |",
            "__|",
            "   ",
            "320",
            "sss",
            "",
        ];
        assert_eq!(event_graph(&event, 100), expected.join("\n"));
    }

    #[test]
    fn spikes_of_equal_length_make_a_flat_graph() {
        assert!(event_graph(&event("command", &[(1, 5), (2, 5)]), 90_000).contains("\n__\n"));
    }

    #[test]
    fn a_long_history_wraps() {
        let samples: Vec<_> = (0..160).map(|second| (second, second)).collect();
        let graph = event_graph(&event("command", &samples), 160);
        assert!(graph.lines().all(|line| line.len() <= 80));
    }

    #[test]
    fn the_doctor_counts_and_advises() {
        let report = doctor_report(&[event("command", &[(90, 10), (95, 30)])], 100, SETTINGS);
        assert!(report.contains(
            "1. command: 2 latency spikes (average 20ms, mean deviation 10ms, period 5.0 sec). \
             Worst all time event 30ms."
        ));
        assert!(report.contains("slowlog-log-slower-than 10000"));
    }

    #[test]
    fn the_doctor_says_so_when_there_is_nothing() {
        assert!(doctor_report(&[], 100, SETTINGS).contains("No latency spike"));
        let off = LatencyReportSettings { threshold_ms: 0, ..SETTINGS };
        assert!(doctor_report(&[], 100, off).contains("is off"));
    }
}
