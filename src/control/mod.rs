//! Floor 6: the control plane: one named thread with a tokio runtime.
//!
//! For now it serves the metrics endpoint (`/metrics`, `/healthz`). Whatever it shows comes through
//! closures ([`Sources`]), so this floor knows neither commands nor keys. It never blocks a worker:
//! reading the counters takes no lock a worker waits for.

mod endpoint;
mod exposition;
mod http;
mod metric_table;
mod metrics;
mod request;
mod runtime;
mod self_metrics;

pub use endpoint::{Health, Sources};
pub use metrics::{Names, render};
pub use runtime::{Control, ControlError, MetricsSettings, start};
