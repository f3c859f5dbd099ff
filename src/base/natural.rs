//! Natural numbers of any size: what reading and writing numbers beyond 128 bits takes, no more.

const LIMB_BITS: u32 = u32::BITS;
/// The largest power of ten a limb holds, and its exponent.
const TEN_POWER: u32 = 1_000_000_000;
const TEN_POWER_DIGITS: u32 = 9;

/// A number as limbs of 32 bits, the lowest first; the last one is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Natural {
    limbs: Vec<u32>,
}

impl From<u64> for Natural {
    fn from(number: u64) -> Self {
        let (low, high) = (number & u64::from(u32::MAX), number >> LIMB_BITS);
        let limb = |part: u64| u32::try_from(part).expect("half of 64 bits");
        let mut natural = Self { limbs: vec![limb(low), limb(high)] };
        natural.trim();
        natural
    }
}

impl Natural {
    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    fn bit_count(&self) -> usize {
        self.limbs
            .last()
            .map_or(0, |last| self.limbs.len() * LIMB_BITS as usize - last.leading_zeros() as usize)
    }

    /// Multiplies by a small number and adds another one.
    pub(super) fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for limb in &mut self.limbs {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = low_half(carry);
            carry >>= LIMB_BITS;
        }
        if carry > 0 {
            self.limbs.push(low_half(carry));
        }
    }

    /// Divides by a small number and returns the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut remainder = 0_u64;
        for limb in self.limbs.iter_mut().rev() {
            let dividend = remainder << LIMB_BITS | u64::from(*limb);
            *limb = low_half(dividend / u64::from(divisor));
            remainder = dividend % u64::from(divisor);
        }
        self.trim();
        low_half(remainder)
    }

    pub(super) fn multiply_by_power_of_ten(&mut self, power: u32) {
        for_each_factor(power, |factor| self.multiply_add(factor, 0));
    }

    /// Divides, rounding down; says whether anything was left over.
    pub(super) fn divide_by_power_of_ten(&mut self, power: u32) -> bool {
        let mut is_inexact = false;
        for_each_factor(power, |factor| is_inexact |= self.divide(factor) != 0);
        is_inexact
    }

    /// Multiplies by a power of two.
    pub(super) fn shift_left(&mut self, bits: u32) {
        self.multiply_add(1 << (bits % LIMB_BITS), 0);
        if !self.is_zero() {
            let zeros = std::iter::repeat_n(0, (bits / LIMB_BITS) as usize);
            self.limbs.splice(0..0, zeros);
        }
    }

    /// Returns the highest bits (97 to 128 of them, or all), how many bits lie below them, and
    /// whether any of those is set.
    pub(super) fn top_bits(&self) -> (u128, usize, bool) {
        const LIMBS: usize = 4;
        let below = self.limbs.len().saturating_sub(LIMBS);
        let top = self.limbs[below..].iter().rev();
        let top = top.fold(0_u128, |top, &limb| top << LIMB_BITS | u128::from(limb));
        let lost = self.limbs[..below].iter().any(|&limb| limb != 0);
        debug_assert!(self.bit_count() <= below * LIMB_BITS as usize + 128);
        (top, below * LIMB_BITS as usize, lost)
    }

    /// Writes the number in decimal.
    pub(super) fn to_decimal(&self) -> String {
        let (mut rest, mut parts) = (self.clone(), Vec::new());
        while !rest.is_zero() {
            parts.push(rest.divide(TEN_POWER));
        }
        let Some(first) = parts.pop() else { return "0".into() };
        let mut text = first.to_string();
        parts.iter().rev().for_each(|part| text.push_str(&format!("{part:09}")));
        text
    }
}

/// Calls `each` with factors that make up a power of ten.
fn for_each_factor(power: u32, mut each: impl FnMut(u32)) {
    (0..power / TEN_POWER_DIGITS).for_each(|_| each(TEN_POWER));
    each(10_u32.pow(power % TEN_POWER_DIGITS));
}

#[expect(clippy::cast_possible_truncation, reason = "the upper half is carried on")]
const fn low_half(number: u64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::Natural;

    #[test]
    fn powers_of_ten_cancel_out() {
        let mut number = Natural::from(u64::MAX);
        number.multiply_by_power_of_ten(100);
        assert_eq!(number.to_decimal(), format!("{}{}", u64::MAX, "0".repeat(100)));
        assert!(!number.divide_by_power_of_ten(100));
        assert_eq!(number, Natural::from(u64::MAX));
        assert!(number.divide_by_power_of_ten(1));
    }

    #[test]
    fn the_top_bits_are_exact_when_nothing_lies_below() {
        let mut number = Natural::from(5);
        assert_eq!(number.top_bits(), (5, 0, false));
        number.shift_left(300);
        assert_eq!(number.top_bits(), (5 << 108, 192, false));
        number.multiply_add(1, 1);
        assert!(number.top_bits().2);
        assert_eq!(Natural::from(0).to_decimal(), "0");
    }
}
