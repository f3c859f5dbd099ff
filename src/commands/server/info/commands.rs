//! INFO commandstats, latencystats and errorstats: what was called, how long it took, what went wrong.

use super::section::{Fields, ratio};
use crate::base::text::format_f64;
use crate::config::Setting;
use crate::engine::Engine;

pub(super) fn fill_counts(engine: &Engine, fields: &mut Fields) {
    for known in engine.table.all() {
        let totals = engine.stats.command_totals(known.id);
        if totals.is_empty() {
            continue;
        }
        let text = format!(
            "calls={},usec={},usec_per_call={:.2},rejected_calls={},failed_calls={}",
            totals.calls,
            totals.total_us(),
            ratio(totals.total_ns, totals.calls) / 1e3,
            totals.rejected,
            totals.failed,
        );
        fields.text(format!("cmdstat_{}", known.full_name), text);
    }
}

pub(super) fn fill_errors(engine: &Engine, fields: &mut Fields) {
    for (kind, count) in engine.stats.errors().counts() {
        fields.text(format!("errorstat_{kind}"), format!("count={count}"));
    }
}

pub(super) fn fill_latencies(engine: &Engine, fields: &mut Fields) {
    if !engine.config.flag(Setting::LatencyTracking) {
        return;
    }
    let percentiles = engine.config.latency_percentiles();
    for known in engine.table.all() {
        let Some(histogram) = engine.stats.command_histogram(known.id) else { continue };
        let values: Vec<String> = percentiles
            .iter()
            .map(|&percentile| {
                let microseconds = ratio(histogram.percentile_ns(percentile), 1000);
                format!("p{}={microseconds:.3}", format_f64(percentile))
            })
            .collect();
        let name = format!("latency_percentiles_usec_{}", known.full_name);
        fields.text(name, values.join(","));
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn latencies_are_tracked_only_while_that_is_wanted() {
        let mut bench = Bench::with_settings("latency-tracking no");
        bench.say("GET a");
        bench.expect(&[("LATENCY HISTOGRAM get", "[]"), ("CONFIG SET latency-tracking yes", "OK")]);
        bench.say("GET a");
        bench.say("CONFIG SET latency-tracking-info-percentiles 50");
        let text = bench.say("INFO latencystats");
        let line = text.split("\\r\\n").find(|line| line.contains("usec_get:"));
        let value = line.and_then(|line| line.split_once(":p50=")).map(|(_, value)| value);
        assert!(value.is_some_and(|value| value.parse::<f64>().is_ok()), "{text}");
    }
}
