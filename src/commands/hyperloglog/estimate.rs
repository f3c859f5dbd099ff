//! From registers to a count: Ertl's improved estimator.
//!
//! The order of the floating point operations is that of the paper, so that equal registers give equal
//! counts on all servers.

use super::element::{RANK_MAX, REGISTER_COUNT};

/// How many registers hold each rank. Six bits can hold more than ranks go up to.
pub(super) type Histogram = [u32; 64];

/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// Returns the estimated number of different elements.
pub(super) fn estimate(histogram: &Histogram) -> u64 {
    let registers = REGISTER_COUNT as f64;
    let full = f64::from(histogram[usize::from(RANK_MAX)]);
    let mut denominator = registers * tau((registers - full) / registers);
    for rank in (1..usize::from(RANK_MAX)).rev() {
        denominator += f64::from(histogram[rank]);
        denominator *= 0.5;
    }
    denominator += registers * sigma(f64::from(histogram[0]) / registers);
    rounded(ALPHA * registers * registers / denominator)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "estimates are positive and far below 2^64; infinity saturates"
)]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

/// The correction for empty registers.
fn sigma(share: f64) -> f64 {
    if share == 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let before = sum;
        sum += power * weight;
        weight += weight;
        if before == sum {
            return sum;
        }
    }
}

/// The correction for registers at the highest rank.
fn tau(share: f64) -> f64 {
    if share == 0.0 || share == 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = root.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - root).powi(2) * weight;
        if before == sum {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Histogram, estimate};
    use crate::commands::hyperloglog::element::{Observation, RANK_MAX, REGISTER_COUNT};

    #[test]
    fn no_elements_are_estimated_as_none() {
        let mut histogram: Histogram = [0; 64];
        histogram[0] = 16_384;
        assert_eq!(estimate(&histogram), 0);
    }

    #[test]
    fn strange_histograms_give_some_number() {
        let mut histogram: Histogram = [0; 64];
        assert!(estimate(&histogram) > 0);
        histogram[usize::from(RANK_MAX)] = 16_384;
        assert!(estimate(&histogram) > 0);
        histogram[63] = u32::MAX;
        histogram[0] = u32::MAX;
        estimate(&histogram);
    }

    #[test]
    fn estimates_stay_close_to_the_truth() {
        let mut registers = vec![0_u8; REGISTER_COUNT];
        for number in 1..=200_000_u32 {
            let seen = Observation::of(format!("element:{number}").as_bytes());
            registers[seen.index] = registers[seen.index].max(seen.rank);
            if [10, 100, 1000, 10_000, 50_000, 200_000].contains(&number) {
                let mut histogram: Histogram = [0; 64];
                registers.iter().for_each(|&rank| histogram[usize::from(rank)] += 1);
                let error = (estimate(&histogram) as f64 / f64::from(number) - 1.0).abs();
                assert!(error < 0.03, "{number}: off by {error}");
            }
        }
    }
}
