//! The text format of Prometheus: families with help and type, samples with labels.
//!
//! Lines of help and type and the escaping of labels come from `metrics-exporter-prometheus`; samples
//! are written here, because our counters may be fractions and our histograms come as buckets.

use std::fmt::Write as _;

use metrics_exporter_prometheus::formatting::{
    sanitize_label_value, write_help_line, write_type_line,
};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    /// A name that the exporter's users know, whose suffix contradicts what it is.
    Untyped,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }
}

/// A page of metrics while it is written.
#[derive(Default)]
pub(super) struct Exposition {
    text: String,
}

impl Exposition {
    /// Opens a family; its samples must follow at once.
    pub(super) fn family(&mut self, metric: &str, kind: Kind, help: &str) {
        write_help_line(&mut self.text, metric, None, None, help);
        write_type_line(&mut self.text, metric, None, None, kind.name());
    }

    /// Adds a sample to the family opened last.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{label}=\"{}\"", sanitize_label_value(text));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// Returns the page.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::{Exposition, Kind};

    #[test]
    fn families_and_samples_follow_the_format() {
        let mut page = Exposition::default();
        page.family("a_total", Kind::Counter, "What a is.");
        page.sample("a_total", &[], 1.5);
        page.sample("a_total", &[("x", "\"q\"\n"), ("y", "é")], 12_345_678_901.0);
        assert_eq!(
            page.finish(),
            "# HELP a_total What a is.\n# TYPE a_total counter\na_total 1.5\n\
             a_total{x=\"\\\"q\\\"\\n\",y=\"é\"} 12345678901\n"
        );
    }
}
