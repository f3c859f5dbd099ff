//! The latency monitor: per event a ring of the last 160 spikes, one per second, and the worst ever.
//!
//! An event is named by who reports it (`command`, `expire-cycle`, ...); he compares with the
//! threshold first, so the lock here is taken only for spikes and by the LATENCY commands.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

/// Spikes kept per event.
const SAMPLE_COUNT_MAX: usize = 160;

/// The worst spike of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySample {
    /// Seconds since 1970.
    pub unix_seconds: u64,
    /// How long it took.
    pub latency_ms: u64,
}

/// All that is known about one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyEvent {
    /// The event's name.
    pub name: &'static str,
    /// The last spikes, oldest first; never empty.
    pub samples: Vec<LatencySample>,
    /// The worst spike since the last reset.
    pub max_ms: u64,
    /// All spikes since the last reset together, those of one second one by one.
    pub sum_ms: u64,
    /// How many spikes that were.
    pub count: u64,
}

impl LatencyEvent {
    /// Returns the newest spike.
    pub fn latest(&self) -> Option<LatencySample> {
        self.samples.last().copied()
    }
}

/// The events and their spikes.
#[derive(Default)]
pub struct LatencyMonitor {
    events: Mutex<BTreeMap<&'static str, Ring>>,
}

#[derive(Default)]
struct Ring {
    samples: VecDeque<LatencySample>,
    max_ms: u64,
    sum_ms: u64,
    count: u64,
}

impl LatencyMonitor {
    /// Notes a spike; of several within a second the worst is kept.
    pub fn record(&self, event: &'static str, unix_seconds: u64, latency_ms: u64) {
        self.events.lock().entry(event).or_default().record(unix_seconds, latency_ms);
    }

    /// Returns one event, if it ever happened.
    pub fn event(&self, name: &[u8]) -> Option<LatencyEvent> {
        let events = self.events.lock();
        let (&name, ring) = events.get_key_value(std::str::from_utf8(name).ok()?)?;
        Some(ring.to_event(name))
    }

    /// Returns all events by name.
    pub fn events(&self) -> Vec<LatencyEvent> {
        self.events.lock().iter().map(|(&name, ring)| ring.to_event(name)).collect()
    }

    /// Forgets one event; says whether it had happened.
    pub fn reset(&self, name: &[u8]) -> bool {
        let Ok(name) = std::str::from_utf8(name) else { return false };
        self.events.lock().remove(name).is_some()
    }

    /// Forgets all events; returns how many there were.
    pub fn reset_all(&self) -> usize {
        std::mem::take(&mut *self.events.lock()).len()
    }
}

impl Ring {
    fn record(&mut self, unix_seconds: u64, latency_ms: u64) {
        self.max_ms = self.max_ms.max(latency_ms);
        self.sum_ms = self.sum_ms.saturating_add(latency_ms);
        self.count += 1;
        match self.samples.back_mut() {
            Some(last) if last.unix_seconds == unix_seconds => {
                last.latency_ms = last.latency_ms.max(latency_ms);
            }
            _ => {
                if self.samples.len() == SAMPLE_COUNT_MAX {
                    self.samples.pop_front();
                }
                self.samples.push_back(LatencySample { unix_seconds, latency_ms });
            }
        }
    }

    fn to_event(&self, name: &'static str) -> LatencyEvent {
        LatencyEvent {
            name,
            samples: self.samples.iter().copied().collect(),
            max_ms: self.max_ms,
            sum_ms: self.sum_ms,
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LatencyMonitor, LatencySample, SAMPLE_COUNT_MAX};

    #[test]
    fn spikes_of_one_second_merge_to_the_worst() {
        let monitor = LatencyMonitor::default();
        for (second, latency_ms) in [(10, 5), (10, 9), (10, 7), (11, 3)] {
            monitor.record("command", second, latency_ms);
        }
        let event = monitor.event(b"command").expect("it happened");
        let pairs: Vec<_> = event.samples.iter().map(|s| (s.unix_seconds, s.latency_ms)).collect();
        assert_eq!(pairs, [(10, 9), (11, 3)]);
        assert_eq!((event.max_ms, event.sum_ms, event.count), (9, 24, 4));
        assert_eq!(event.latest(), Some(LatencySample { unix_seconds: 11, latency_ms: 3 }));
    }

    #[test]
    fn the_oldest_spikes_go_but_the_worst_is_remembered() {
        let monitor = LatencyMonitor::default();
        monitor.record("command", 0, 1_000);
        for second in 1..=SAMPLE_COUNT_MAX as u64 {
            monitor.record("command", second, 1);
        }
        let event = monitor.event(b"command").expect("it happened");
        assert_eq!(event.samples.len(), SAMPLE_COUNT_MAX);
        assert_eq!(event.samples[0].unix_seconds, 1);
        assert_eq!(event.max_ms, 1_000);
    }

    #[test]
    fn a_reset_says_what_it_forgot() {
        let monitor = LatencyMonitor::default();
        monitor.record("command", 1, 1);
        monitor.record("expire-cycle", 1, 1);
        assert!(!monitor.reset(b"blabla"));
        assert!(monitor.reset(b"command"));
        assert_eq!(monitor.events().len(), 1);
        assert_eq!(monitor.reset_all(), 1);
        assert_eq!(monitor.event(b"expire-cycle"), None);
    }
}
