//! What a scrape of the metrics endpoint shows: the numbers of INFO in a form without text.
//!
//! Whoever knows the whole server fills it; `control` only gives the values their metric names.

use std::borrow::Cow;

use super::histogram::Histogram;
use super::totals::CommandTotals;

/// The state of the server at one instant.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Fields of INFO with a number: name (`used_memory`) and value. Those without a metric are ignored.
    pub fields: Vec<(Cow<'static, str>, f64)>,
    /// Commands that were called or refused.
    pub commands: Vec<CommandSample>,
    /// Databases that hold keys.
    pub keyspace: Vec<KeyspaceSample>,
    /// Errors answered: first word and count.
    pub errors: Vec<(String, u64)>,
    /// Labels of `redis_instance_info`: `role`, `redis_version`, `redis_mode`, `os`, `tcp_port`, ...
    pub instance_labels: Vec<(&'static str, String)>,
    /// Latency events: name, seconds since 1970 of the last spike, its milliseconds.
    pub latency_events: Vec<(&'static str, u64, u64)>,
    /// Settings whose value is a number, by name.
    pub numeric_settings: Vec<(Cow<'static, str>, f64)>,
    /// When the server started: seconds since 1970.
    pub start_unix_seconds: f64,
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

impl Snapshot {
    /// Adds a field of INFO.
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    pub fn push_count(&mut self, field: &'static str, value: u64) {
        self.fields.push((Cow::Borrowed(field), value as f64));
    }
}
