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
