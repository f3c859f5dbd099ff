//! Time: the wall clock in milliseconds and microseconds, and a counter cheap enough to be read
//! around every command.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

static TICKER: LazyLock<quanta::Clock> = LazyLock::new(quanta::Clock::new);

#[cfg(test)]
thread_local! {
    static STOPPED_AT_MS: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

/// Stops this thread's wall clock of milliseconds at a time, for tests that move it by hand.
#[cfg(test)]
pub(crate) fn stop_at(now_ms: u64) {
    STOPPED_AT_MS.set(Some(now_ms));
}

/// Returns the wall clock: milliseconds since 1970.
pub fn unix_ms() -> u64 {
    #[cfg(test)]
    if let Some(now_ms) = STOPPED_AT_MS.get() {
        return now_ms;
    }
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

/// Returns the wall clock: microseconds since 1970.
pub fn unix_us() -> u64 {
    u64::try_from(since_epoch().as_micros()).unwrap_or(u64::MAX)
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A reader of the processor's time-stamp counter. Copies are independent and cheap to read.
#[derive(Clone, Debug)]
pub struct Ticker {
    clock: quanta::Clock,
    /// Nanoseconds of a tick, times 2^[`SCALE_BITS`].
    scale: u64,
}

const SCALE_BITS: u32 = 24;
/// Ticks up to which the product with a scale stays inside 64 bits.
const SHORT_TICKS: u64 = 1 << 32;

impl Default for Ticker {
    fn default() -> Self {
        let scale = TICKER.delta_as_nanos(0, SHORT_TICKS) >> (32 - SCALE_BITS);
        Self { clock: TICKER.clone(), scale }
    }
}

impl Ticker {
    /// Returns the counter's raw value; meaningful only as the operand of [`Ticker::elapsed_ns`].
    #[inline]
    pub fn raw(&self) -> u64 {
        self.clock.raw()
    }

    /// Returns the nanoseconds between two raw values.
    #[inline]
    pub fn elapsed_ns(&self, from: u64, to: u64) -> u64 {
        let ticks = to.wrapping_sub(from);
        if ticks < SHORT_TICKS {
            return (ticks * self.scale) >> SCALE_BITS;
        }
        self.clock.delta_as_nanos(from, to)
    }
}

/// Returns a counter that runs on; meaningful only as the operand of [`elapsed_ns`].
#[inline]
pub fn raw() -> u64 {
    TICKER.raw()
}

/// Returns the nanoseconds since [`raw`] had a value.
#[inline]
pub fn elapsed_ns(from: u64) -> u64 {
    TICKER.delta_as_nanos(from, TICKER.raw())
}

/// Returns microseconds of a clock that never goes back; its zero is arbitrary.
pub fn monotonic_us() -> u64 {
    monotonic_ns() / 1000
}

/// Returns nanoseconds of the same clock.
pub fn monotonic_ns() -> u64 {
    static ORIGIN: LazyLock<quanta::Instant> = LazyLock::new(|| TICKER.now());
    let origin = *ORIGIN;
    u64::try_from(TICKER.now().saturating_duration_since(origin).as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Ticker;

    #[test]
    fn short_spans_agree_with_the_exact_conversion() {
        let ticker = Ticker::default();
        for ticks in [1_u64, 1_000, 1_000_000, (1 << 32) - 1, 1 << 33] {
            let exact = ticker.clock.delta_as_nanos(5, 5 + ticks);
            let quick = ticker.elapsed_ns(5, 5 + ticks);
            assert!(exact.abs_diff(quick) <= 1 + exact / 1_000_000, "{ticks}: {exact} {quick}");
        }
    }
}
