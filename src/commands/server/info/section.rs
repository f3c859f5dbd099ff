//! A section of INFO as data: fields with their text and, where they have one, their number.

use std::borrow::Cow;

/// One line of INFO.
pub(super) struct Field {
    pub(super) name: Cow<'static, str>,
    pub(super) text: String,
    /// The value as a metric; `None` for words.
    pub(super) number: Option<f64>,
}

/// The fields of a section in their order.
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<Field>);

impl Fields {
    fn push(&mut self, name: impl Into<Cow<'static, str>>, text: String, number: Option<f64>) {
        self.0.push(Field { name: name.into(), text, number });
    }

    /// Adds a count.
    pub(super) fn count(&mut self, name: &'static str, value: u64) {
        self.push(name, value.to_string(), Some(as_double(value)));
    }

    /// Adds counts of what does not exist yet but is read by tools.
    pub(super) fn zeros(&mut self, names: &[&'static str]) {
        names.iter().for_each(|name| self.count(name, 0));
    }

    /// Adds a number that may be negative.
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    pub(super) fn signed(&mut self, name: &'static str, value: i64) {
        self.push(name, value.to_string(), Some(value as f64));
    }

    /// Adds a fraction with this many decimals.
    pub(super) fn decimal(&mut self, name: &'static str, value: f64, decimals: usize) {
        self.push(name, format!("{value:.decimals$}"), Some(value));
    }

    /// Adds a percentage with its sign.
    pub(super) fn percent(&mut self, name: &'static str, value: f64) {
        self.push(name, format!("{value:.2}%"), None);
    }

    /// Adds a word.
    pub(super) fn text(&mut self, name: impl Into<Cow<'static, str>>, text: impl Into<String>) {
        self.push(name, text.into(), None);
    }

    /// Adds `ok` or `err`.
    pub(super) fn status(&mut self, name: &'static str, is_ok: bool) {
        let text = if is_ok { "ok" } else { "err" };
        self.push(name, text.into(), Some(f64::from(u8::from(is_ok))));
    }

    /// Adds bytes, and once more in a form for people under the name with `_human`.
    pub(super) fn bytes(&mut self, name: &'static str, human_name: &'static str, value: u64) {
        self.count(name, value);
        self.text(human_name, human(value));
    }
}

/// Returns bytes with a unit, as in `1.50M`.
#[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
pub(in crate::commands::server) fn human(bytes: u64) -> String {
    const STEP: u64 = 1024;
    if bytes < STEP {
        return format!("{bytes}B");
    }
    let mut unit_bytes = STEP;
    for unit in ["K", "M", "G", "T", "P"] {
        if bytes / unit_bytes < STEP {
            return format!("{:.2}{unit}", bytes as f64 / unit_bytes as f64);
        }
        unit_bytes *= STEP;
    }
    format!("{bytes}B")
}

/// Returns a count as a double.
#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
pub(super) fn as_double(value: u64) -> f64 {
    value as f64
}

/// Returns `part / whole`, or 0 of nothing.
pub(in crate::commands::server) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { as_double(part) / as_double(whole) }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn bytes_are_shown_in_the_largest_unit_they_fill() {
        assert_eq!(human(0), "0B");
        assert_eq!(human(1023), "1023B");
        assert_eq!(human(1024), "1.00K");
        assert_eq!(human(1_048_576 + 524_288), "1.50M");
        assert_eq!(human(5 << 30), "5.00G");
    }
}
