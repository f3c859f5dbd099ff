//! How often each kind of error was answered: `errorstat_*` of INFO.
//!
//! A kind is the first word of the error. Scripts can invent kinds, so their number is bounded;
//! what comes after the bound is counted together under one name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

/// Kinds counted one by one.
const KIND_COUNT_MAX: usize = 128;

/// An error whose first word is longer than this has no kind of its own.
const KIND_BYTES_MAX: usize = 31;

/// The kind of an error without a first word.
const DEFAULT_KIND: &[u8] = b"ERR";

/// Where the errors of all further kinds are counted.
const OVERFLOW_KIND: &[u8] = b"ERRORSTATS_OVERFLOW";

/// Error replies by kind. Lock: readers and counters of known kinds share it, a new kind takes it alone.
#[derive(Default)]
pub struct ErrorStats {
    kinds: RwLock<BTreeMap<Box<[u8]>, AtomicU64>>,
}

impl ErrorStats {
    /// Counts an error by its text without the leading `-`.
    pub fn record(&self, text: &[u8]) {
        let kind = kind_of(text);
        if let Some(count) = self.kinds.read().get(kind) {
            // Relaxed: a count publishes no other memory.
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut kinds = self.kinds.write();
        let full = kinds.len() >= KIND_COUNT_MAX && !kinds.contains_key(kind);
        let kind = if full { OVERFLOW_KIND } else { kind };
        *kinds.entry(kind.into()).or_default().get_mut() += 1;
    }

    /// Returns every kind with its count, in the order of their names.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let kinds = self.kinds.read();
        let text = |kind: &[u8]| String::from_utf8_lossy(kind).into_owned();
        kinds.iter().map(|(kind, count)| (text(kind), count.load(Ordering::Relaxed))).collect()
    }

    /// Forgets everything.
    pub fn reset(&self) {
        self.kinds.write().clear();
    }
}

/// Returns the first word of an error.
fn kind_of(text: &[u8]) -> &[u8] {
    let head = &text[..text.len().min(KIND_BYTES_MAX + 1)];
    match head.iter().position(|&byte| byte == b' ') {
        Some(end) if end > 0 => &text[..end],
        _ => DEFAULT_KIND,
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorStats, KIND_COUNT_MAX, kind_of};

    #[test]
    fn the_first_word_is_the_kind() {
        assert_eq!(kind_of(b"WRONGTYPE Operation against a key"), b"WRONGTYPE");
        assert_eq!(kind_of(b"nothing"), b"ERR");
        assert_eq!(kind_of(b""), b"ERR");
        assert_eq!(kind_of(b" x"), b"ERR");
        assert_eq!(kind_of(&[b'x'; 40]), b"ERR");
    }

    #[test]
    fn kinds_are_listed_by_name() {
        let errors = ErrorStats::default();
        for text in ["WRONGTYPE a", "ERR b", "WRONGTYPE c"] {
            errors.record(text.as_bytes());
        }
        assert_eq!(errors.counts(), [("ERR".to_string(), 1), ("WRONGTYPE".to_string(), 2)]);
        errors.reset();
        assert!(errors.counts().is_empty());
    }

    #[test]
    fn invented_kinds_are_bounded() {
        let errors = ErrorStats::default();
        for number in 0..KIND_COUNT_MAX + 10 {
            errors.record(format!("E{number} text").as_bytes());
        }
        errors.record(b"E5 again");
        let counts = errors.counts();
        assert_eq!(counts.len(), KIND_COUNT_MAX + 1);
        assert!(counts.contains(&("ERRORSTATS_OVERFLOW".to_string(), 10)));
        assert!(counts.contains(&("E5".to_string(), 2)));
    }
}
