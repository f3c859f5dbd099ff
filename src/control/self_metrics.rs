//! The endpoint's own metrics, kept by a recorder of our own: nothing global, so that several
//! servers can live in one process.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram, with_local_recorder,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

const SCRAPE_SECONDS: &str = "redpoll_scrape_duration_seconds";
const REQUESTS: &str = "redpoll_http_requests_total";

/// Upper bounds of the scrape histogram; a scrape is to stay below 20 ms.
const SCRAPE_BUCKETS_SECONDS: [f64; 8] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.2];

/// Counters and timings of scrapes and requests.
pub(super) struct SelfMetrics {
    recorder: PrometheusRecorder,
    scrapes: Counter,
    last_scrape_seconds: Gauge,
    scrape_seconds: Histogram,
    refusals: Counter,
}

impl SelfMetrics {
    pub(super) fn new() -> Self {
        let builder = PrometheusBuilder::new();
        // Setting buckets fails only for an empty list; the scrape would then be a summary.
        let recorder = match builder.set_buckets(&SCRAPE_BUCKETS_SECONDS) {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        with_local_recorder(&recorder, describe);
        let (scrapes, refusals) = with_local_recorder(&recorder, || {
            gauge!("redis_exporter_last_scrape_error", "err" => "").set(0.0);
            (
                counter!("redis_exporter_scrapes_total"),
                counter!("redpoll_http_connections_refused_total"),
            )
        });
        let (last_scrape_seconds, scrape_seconds) = with_local_recorder(&recorder, || {
            (gauge!("redis_exporter_last_scrape_duration_seconds"), histogram!(SCRAPE_SECONDS))
        });
        Self { recorder, scrapes, last_scrape_seconds, scrape_seconds, refusals }
    }

    /// Notes a finished scrape.
    pub(super) fn record_scrape(&self, elapsed: Duration) {
        self.scrapes.increment(1);
        self.last_scrape_seconds.set(elapsed);
        self.scrape_seconds.record(elapsed);
    }

    /// Counts a request.
    pub(super) fn count_request(&self, page: &'static str, code: &'static str) {
        with_local_recorder(&self.recorder, || {
            counter!(REQUESTS, "page" => page, "code" => code).increment(1);
        });
    }

    /// Counts a refused connection.
    pub(super) fn count_refusal(&self) {
        self.refusals.increment(1);
    }

    /// Returns these metrics in the text format.
    pub(super) fn render(&self) -> String {
        self.recorder.handle().render()
    }
}

fn describe() {
    describe_counter!(
        "redis_exporter_scrapes_total",
        Unit::Count,
        "Scrapes of the metrics endpoint."
    );
    describe_gauge!(
        "redis_exporter_last_scrape_error",
        Unit::Count,
        "Whether the last scrape failed; here it cannot."
    );
    describe_gauge!(
        "redis_exporter_last_scrape_duration_seconds",
        Unit::Seconds,
        "Time the last scrape took inside the server."
    );
    describe_histogram!(SCRAPE_SECONDS, Unit::Seconds, "Time scrapes took inside the server.");
    describe_counter!(REQUESTS, Unit::Count, "Requests to the metrics endpoint.");
    describe_counter!(
        "redpoll_http_connections_refused_total",
        Unit::Count,
        "Connections to the metrics endpoint closed because there were too many."
    );
}
