//! What the metrics endpoint answers to which path.

use std::sync::Arc;
use std::time::Instant;

use super::http::{Response, Status};
use super::metrics::{Names, render};
use super::request::{Method, Request};
use super::self_metrics::SelfMetrics;
use crate::stats::Snapshot;

/// Version 0.0.4 of the text format, which every scraper accepts.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether clients are being served, as probes want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Commands are executed.
    Serving,
    /// A data set is being loaded.
    Loading,
    /// The server is going down.
    Stopping,
}

/// Where the control plane learns what it shows and does. All are called on its thread and must not
/// block.
#[derive(Clone)]
pub struct Sources {
    /// Returns the numbers of the whole server.
    pub snapshot: Arc<dyn Fn() -> Snapshot + Send + Sync>,
    /// Returns whether clients are being served.
    pub health: Arc<dyn Fn() -> Health + Send + Sync>,
    /// Does what is due ten times a second: sampling of rates, for example.
    pub upkeep: Arc<dyn Fn() + Send + Sync>,
}

/// The pages, and the counters of their use.
pub(super) struct Endpoint {
    sources: Sources,
    self_metrics: SelfMetrics,
}

impl Endpoint {
    pub(super) fn new(sources: Sources) -> Self {
        Self { sources, self_metrics: SelfMetrics::new() }
    }

    /// Returns the answer to a request.
    pub(super) fn respond(&self, request: &Request) -> Response {
        let page = match request.path.as_str() {
            "/metrics" => "metrics",
            "/healthz" => "healthz",
            _ => "other",
        };
        let response = match (page, request.method) {
            ("other", _) => Response::text(Status::NotFound, "see /metrics and /healthz"),
            (_, Method::Other) => {
                Response::text(Status::MethodNotAllowed, "only GET and HEAD are offered")
            }
            ("metrics", _) => self.metrics(request),
            _ => self.health(),
        };
        self.count_request(page, response.status);
        response
    }

    /// Counts a request by page and status.
    pub(super) fn count_request(&self, page: &'static str, status: Status) {
        self.self_metrics.count_request(page, status.code());
    }

    /// Counts a connection closed because there were too many.
    pub(super) fn count_refusal(&self) {
        self.self_metrics.count_refusal();
    }

    fn metrics(&self, request: &Request) -> Response {
        let started = Instant::now();
        let names = if request.has_parameter("names=all") { Names::All } else { Names::WellFormed };
        let mut body = render(&(self.sources.snapshot)(), names);
        self.self_metrics.record_scrape(started.elapsed());
        body.push_str(&self.self_metrics.render());
        Response { status: Status::Ok, content_type: METRICS_CONTENT_TYPE, body }
    }

    fn health(&self) -> Response {
        match (self.sources.health)() {
            Health::Serving => Response::text(Status::Ok, "ok"),
            Health::Loading => Response::text(Status::Unavailable, "loading"),
            Health::Stopping => Response::text(Status::Unavailable, "stopping"),
        }
    }
}
