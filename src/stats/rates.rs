//! Rates of the last moments: the mean of the last 16 samples, one per tick (100 ms in life).

use parking_lot::Mutex;

/// Samples a rate is the mean of.
const SAMPLE_COUNT: usize = 16;

/// What has a rate.
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Commands per second.
    Commands,
    /// Bytes read from clients per second.
    InputBytes,
    /// Bytes written to clients per second.
    OutputBytes,
    /// Bytes read from the leader per second.
    ReplicationInputBytes,
    /// Bytes written to replicas per second.
    ReplicationOutputBytes,
    /// Rounds of the event loops per second.
    EventLoopCycles,
    /// Microseconds of work per round of an event loop.
    EventLoopUsPerCycle,
}

impl Rate {
    /// All rates.
    pub const ALL: [Self; 7] = [
        Self::Commands,
        Self::InputBytes,
        Self::OutputBytes,
        Self::ReplicationInputBytes,
        Self::ReplicationOutputBytes,
        Self::EventLoopCycles,
        Self::EventLoopUsPerCycle,
    ];
}

const RATE_COUNT: usize = Rate::ALL.len();

/// How far a total has come, and the unit of what it is measured against.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// The total that grows.
    pub(super) total: u64,
    /// What it is divided by: the clock in microseconds, or another total.
    pub(super) base: u64,
    /// Units of `base` that make one unit of the rate.
    pub(super) per: u64,
}

/// The last samples of all rates. Lock: one ticking thread, and readers of INFO.
#[derive(Default)]
pub struct Rates {
    series: Mutex<[Series; RATE_COUNT]>,
}

#[derive(Default)]
struct Series {
    previous: Option<Reading>,
    samples: [u64; SAMPLE_COUNT],
    next: usize,
}

impl Rates {
    /// Takes one sample of every rate.
    pub(super) fn tick(&self, reading: impl Fn(Rate) -> Reading) {
        let mut series = self.series.lock();
        for rate in Rate::ALL {
            series[rate as usize].push(reading(rate));
        }
    }

    /// Returns a rate: the mean of the last samples.
    pub fn value(&self, rate: Rate) -> u64 {
        self.series.lock()[rate as usize].samples.iter().sum::<u64>() / SAMPLE_COUNT as u64
    }

    /// Returns a rate of bytes in KiB per second, as INFO shows it.
    #[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
    pub fn kibibytes_per_second(&self, rate: Rate) -> f64 {
        self.value(rate) as f64 / 1024.0
    }

    /// Sets all rates to zero.
    pub(super) fn reset(&self) {
        for series in self.series.lock().iter_mut() {
            series.samples = [0; SAMPLE_COUNT];
        }
    }
}

impl Series {
    fn push(&mut self, now: Reading) {
        let Some(before) = self.previous.replace(now) else { return };
        let grown = u128::from(now.total.saturating_sub(before.total));
        let base = u128::from(now.base.saturating_sub(before.base));
        let rate = (grown * u128::from(now.per)).checked_div(base).unwrap_or(0);
        self.samples[self.next] = u64::try_from(rate).unwrap_or(u64::MAX >> 4);
        self.next = (self.next + 1) % SAMPLE_COUNT;
    }
}

#[cfg(test)]
mod tests {
    use super::{Rate, Rates, Reading, SAMPLE_COUNT};

    fn tick(rates: &Rates, total: u64, clock_us: u64) {
        rates.tick(|_| Reading { total, base: clock_us, per: 1_000_000 });
    }

    #[test]
    fn a_steady_stream_has_its_rate() {
        let rates = Rates::default();
        for step in 0..=SAMPLE_COUNT as u64 {
            tick(&rates, step * 500, step * 100_000);
        }
        assert_eq!(rates.value(Rate::Commands), 5_000);
        assert!((rates.kibibytes_per_second(Rate::InputBytes) - 4.8828).abs() < 0.001);
        rates.reset();
        assert_eq!(rates.value(Rate::Commands), 0);
    }

    #[test]
    fn a_late_tick_does_not_inflate_a_rate() {
        let rates = Rates::default();
        tick(&rates, 0, 0);
        tick(&rates, 1_600, 1_000_000);
        assert_eq!(rates.value(Rate::Commands), 100);
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_rate() {
        let rates = Rates::default();
        tick(&rates, 0, 5);
        tick(&rates, 100, 5);
        assert_eq!(rates.value(Rate::Commands), 0);
    }
}
