//! Latency histograms with log-linear cells: every octave of nanoseconds has 32 cells, so a value is
//! known within 1/32 (3 %) from 1 ns to 68 s, by two shifts and without a search.
//!
//! Model: [`HistogramCells`] is what recording threads touch, [`Histogram`] the plain sum that
//! readers work with. Octaves begin at powers of two, and so do the buckets that LATENCY HISTOGRAM
//! and the Prometheus histogram show: those are exact sums of cells.
//!
//! Source of the cell layout: G. Tene, HdrHistogram, 2012.

use std::sync::atomic::{AtomicU64, Ordering};

use super::block::Writer;

const CELLS_PER_OCTAVE_BITS: u32 = 5;
const CELLS_PER_OCTAVE: usize = 1 << CELLS_PER_OCTAVE_BITS;

/// Exponent of the first value that no longer has a cell: 2^36 ns, 68.7 s.
const EXPONENT_MAX: u32 = 36;
const VALUE_MAX_NS: u64 = (1 << EXPONENT_MAX) - 1;
const CELL_COUNT: usize = CELLS_PER_OCTAVE * (EXPONENT_MAX - CELLS_PER_OCTAVE_BITS + 1) as usize;

/// Exponent of the first bucket that is shown: 1024 ns, called 1 µs.
const BUCKET_EXPONENT_MIN: u32 = 10;

/// How many buckets LATENCY HISTOGRAM can show: 1 µs, 2 µs, 4 µs, ... 69 s.
pub const LATENCY_BUCKET_COUNT: usize = (EXPONENT_MAX - BUCKET_EXPONENT_MIN + 1) as usize;

/// Returns the cell of a value; larger values share the last cell.
#[inline]
fn cell_index(value_ns: u64) -> usize {
    let value = value_ns.min(VALUE_MAX_NS);
    let exponent = 63 - (value | 1).leading_zeros();
    let shift = exponent.saturating_sub(CELLS_PER_OCTAVE_BITS);
    // The shifted value has at most six bits, so it converts on every target.
    ((shift as usize) << CELLS_PER_OCTAVE_BITS) + usize::try_from(value >> shift).unwrap_or(0)
}

/// Returns the largest value that falls into a cell.
fn cell_value_max_ns(index: usize) -> u64 {
    let shift = (index >> CELLS_PER_OCTAVE_BITS).saturating_sub(1);
    let mantissa = index - (shift << CELLS_PER_OCTAVE_BITS);
    ((mantissa as u64 + 1) << shift) - 1
}

/// Cells that one or many threads add to, by the rule of a [`Writer`].
pub(super) struct HistogramCells {
    cells: [AtomicU64; CELL_COUNT],
}

impl HistogramCells {
    /// Returns cells of zero: 8 KiB on the heap.
    pub(super) fn new() -> Box<Self> {
        Box::new(Self { cells: [const { AtomicU64::new(0) }; CELL_COUNT] })
    }

    #[inline]
    pub(super) fn record<W: Writer>(&self, value_ns: u64) {
        W::add(&self.cells[cell_index(value_ns)], 1);
    }

    /// Adds what is in these cells to a sum.
    pub(super) fn add_to(&self, sum: &mut Histogram) {
        for (total, cell) in sum.counts.iter_mut().zip(&self.cells) {
            // Relaxed: a count says nothing about other memory, and may be a moment old.
            *total += cell.load(Ordering::Relaxed);
        }
    }
}

/// A sum of recorded latencies at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: Box<[u64; CELL_COUNT]>,
}

/// One cumulative bucket, as LATENCY HISTOGRAM shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyBucket {
    /// Upper bound in microseconds, in the numbers clients know: 1, 2, 4, 8, 16, 33, 66, 132, ...
    pub bound_us: u64,
    /// Calls that took at most that long.
    pub cumulative_count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: Box::new([0; CELL_COUNT]) }
    }
}

impl Histogram {
    /// Adds one latency.
    pub fn record(&mut self, value_ns: u64) {
        self.counts[cell_index(value_ns)] += 1;
    }

    /// Adds all of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts.iter()) {
            *count += more;
        }
    }

    /// Takes an earlier state of the same histogram away.
    pub fn subtract(&mut self, earlier: &Self) {
        for (count, less) in self.counts.iter_mut().zip(earlier.counts.iter()) {
            *count = count.saturating_sub(*less);
        }
    }

    /// Returns how many latencies were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the nanoseconds that `percentile` (0 to 100) of the calls did not exceed, to 3 %; 0 if
    /// nothing was recorded.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank between 1 and the count; rounding at 2^53 calls does not matter"
    )]
    pub fn percentile_ns(&self, percentile: f64) -> u64 {
        let count = self.count();
        let rank = ((percentile.clamp(0.0, 100.0) / 100.0 * count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, &cell) in self.counts.iter().enumerate() {
            seen += cell;
            if seen >= rank {
                return cell_value_max_ns(index);
            }
        }
        0
    }

    /// Returns all cumulative buckets, one per power of two from 1 µs on.
    pub fn buckets(&self) -> [LatencyBucket; LATENCY_BUCKET_COUNT] {
        let mut seen = 0;
        let mut next_cell = 0;
        std::array::from_fn(|index| {
            let exponent = BUCKET_EXPONENT_MIN as usize + index;
            let end = (exponent - CELLS_PER_OCTAVE_BITS as usize + 1) << CELLS_PER_OCTAVE_BITS;
            seen += self.counts[next_cell..end].iter().sum::<u64>();
            next_cell = end;
            LatencyBucket { bound_us: bucket_bound_us(exponent), cumulative_count: seen }
        })
    }

    /// Returns the buckets that hold something of their own: what LATENCY HISTOGRAM lists.
    pub fn filled_buckets(&self) -> impl Iterator<Item = LatencyBucket> {
        let mut previous = 0;
        self.buckets().into_iter().filter(move |bucket| {
            let filled = bucket.cumulative_count > previous;
            previous = bucket.cumulative_count;
            filled
        })
    }
}

/// Returns the number clients know a bucket by. The originals keep two decimal digits of a latency,
/// in cells of 1/128 of an octave, and print the end of the cell at the power of two.
fn bucket_bound_us(exponent: usize) -> u64 {
    ((1_u64 << exponent) + (1 << (exponent - 7)) - 1) / 1000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    use super::{CELL_COUNT, Histogram, VALUE_MAX_NS, cell_index, cell_value_max_ns};

    #[test]
    fn cells_follow_each_other_without_a_gap() {
        let mut first = 0;
        for index in 0..CELL_COUNT {
            assert_eq!(cell_index(first), index);
            assert_eq!(cell_index(cell_value_max_ns(index)), index);
            first = cell_value_max_ns(index) + 1;
        }
        assert_eq!(first, VALUE_MAX_NS + 1);
        assert_eq!(cell_index(u64::MAX), CELL_COUNT - 1);
    }

    #[test]
    fn a_bucket_is_called_what_clients_call_it() {
        let bounds: Vec<u64> = Histogram::default().buckets().iter().map(|b| b.bound_us).collect();
        assert_eq!(bounds[..10], [1, 2, 4, 8, 16, 33, 66, 132, 264, 528]);
        assert_eq!(bounds[12], 4227);
        assert_eq!(bounds[19], 541_065);
    }

    #[test]
    fn only_filled_buckets_are_listed() {
        let mut histogram = Histogram::default();
        for value_ns in [700, 900, 3_000, 500_000_000, u64::MAX] {
            histogram.record(value_ns);
        }
        let listed: Vec<(u64, u64)> =
            histogram.filled_buckets().map(|b| (b.bound_us, b.cumulative_count)).collect();
        assert_eq!(listed, [(1, 2), (4, 3), (541_065, 4), (69_256_347, 5)]);
    }

    #[test]
    fn an_empty_histogram_has_percentiles_of_zero() {
        assert_eq!(Histogram::default().percentile_ns(99.0), 0);
    }

    #[test]
    fn what_is_merged_can_be_subtracted() {
        let (mut left, mut right) = (Histogram::default(), Histogram::default());
        left.record(5);
        right.record(5);
        right.record(70_000);
        let before = left.clone();
        left.merge(&right);
        assert_eq!(left.count(), 3);
        left.subtract(&right);
        assert_eq!(left, before);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn percentiles_are_within_three_percent(
            mut values in proptest::collection::vec(1_u64..60_000_000_000, 1..400),
            percentile in 0.0_f64..100.0,
        ) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|&value| histogram.record(value));
            values.sort_unstable();
            let part = percentile / 100.0 * values.len() as f64;
            let exact = *values.iter().enumerate().find(|(rank, _)| (rank + 1) as f64 >= part)
                .map(|(_, value)| value).expect("a rank within");
            let found = histogram.percentile_ns(percentile);
            prop_assert!(found >= exact && found - exact <= exact / 32, "{found} for {exact}");
        }
    }
}
