//! Numbers of extended precision (a 64-bit mantissa): what INCRBYFLOAT and HINCRBYFLOAT compute in,
//! so that 3.0 + 1.1 is 4.1 and every digit agrees with servers that use C's `long double`.
//!
//! A value is `mantissa × 2^exponent`, rounded to nearest, ties to even (IEEE 754, 80 bits).

use std::cmp::Ordering;

use super::natural::Natural;

/// Longest text that is read as a number, in bytes.
const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;
/// Digits behind the point that are written at most.
const FRACTION_DIGITS: u32 = 17;
const MANTISSA_BITS: u32 = u64::BITS;
/// The smallest exponent: of denormal numbers.
const EXPONENT_MIN: i32 = -16_445;
/// The largest exponent of a finite number.
const EXPONENT_MAX: i32 = 16_320;
/// Written exponents count as this when they are larger; any number is infinite or zero by then.
const EXPONENT_READ_MAX: i64 = 1_000_000;
/// Decimal exponents beyond this are infinite or zero whatever the digits.
const DECIMAL_EXPONENT_MAX: i64 = 20_000;

/// A finite number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    is_negative: bool,
    mantissa: u64,
    exponent: i32,
}

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedText {
    Finite(Extended),
    Infinite,
}

impl From<i64> for Extended {
    fn from(integer: i64) -> Self {
        let magnitude = u128::from(integer.unsigned_abs());
        Self::rounded(integer < 0, magnitude, 0, false).unwrap_or(Self::ZERO)
    }
}

impl Ord for Extended {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative(), other.is_negative()) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => other.negated().cmp(&self.negated()),
            (false, false) if self.is_below(*other) => Ordering::Less,
            (false, false) if other.is_below(*self) => Ordering::Greater,
            (false, false) => Ordering::Equal,
        }
    }
}

impl PartialOrd for Extended {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Extended {
    const ZERO: Self = Self { is_negative: false, mantissa: 0, exponent: 0 };

    /// The largest finite number.
    pub const LARGEST: Self =
        Self { is_negative: false, mantissa: u64::MAX, exponent: EXPONENT_MAX };

    /// Returns what a whole text stands for: decimal with an optional exponent, hexadecimal
    /// (`0x1.8p1`) or `inf`; `None` for anything else, for NaN, and for what is too large or small.
    pub fn parse(text: &[u8]) -> Option<ExtendedText> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (is_negative, rest) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
            return Some(ExtendedText::Infinite);
        }
        let is_hexadecimal = rest.len() > 2 && rest[..2].eq_ignore_ascii_case(b"0x");
        let number = if is_hexadecimal {
            parse_hexadecimal(is_negative, &rest[2..])
        } else {
            parse_decimal(is_negative, rest)
        };
        number.map(ExtendedText::Finite)
    }

    /// Returns the sum, or `None` when it is infinite.
    pub fn plus(self, other: Self) -> Option<Self> {
        // Guard bits below the larger mantissa: enough that one sticky bit decides every rounding.
        const GUARD_BITS: i32 = 62;
        let (large, small) = if self.is_below(other) { (other, self) } else { (self, other) };
        if small.mantissa == 0 {
            return Some(if large.mantissa == 0 { Self::ZERO } else { large });
        }
        let shift = GUARD_BITS - (large.exponent - small.exponent);
        let (addend, lost) = if shift >= 0 {
            (u128::from(small.mantissa) << shift, false)
        } else {
            let shift = shift.unsigned_abs();
            let kept = small.mantissa.checked_shr(shift).unwrap_or(0);
            (u128::from(kept), kept.checked_shl(shift).unwrap_or(0) != small.mantissa)
        };
        let augend = u128::from(large.mantissa) << GUARD_BITS;
        let magnitude = if large.is_negative == small.is_negative {
            augend + addend
        } else {
            // What was lost below the last bit makes the difference a little smaller.
            augend - addend - u128::from(lost)
        };
        Self::rounded(large.is_negative, magnitude, large.exponent - GUARD_BITS, lost)
    }

    /// Returns the difference, or `None` when it is infinite.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negated())
    }

    /// Returns the number with the other sign; zero has none.
    pub fn negated(self) -> Self {
        Self { is_negative: !self.is_negative && self.mantissa != 0, ..self }
    }

    /// Says whether the number is below zero.
    pub fn is_negative(self) -> bool {
        self.is_negative && self.mantissa != 0
    }

    /// Says whether the magnitude is the smaller one; mantissas of equal exponents decide.
    fn is_below(self, other: Self) -> bool {
        if self.mantissa == 0 || other.mantissa == 0 {
            return self.mantissa < other.mantissa;
        }
        (self.exponent, self.mantissa) < (other.exponent, other.mantissa)
    }

    /// Rounds `magnitude × 2^exponent` (and a little more if `sticky`) to what a value can hold;
    /// `None` when that is infinite.
    fn rounded(is_negative: bool, magnitude: u128, exponent: i32, sticky: bool) -> Option<Self> {
        if magnitude == 0 {
            return Some(Self::ZERO);
        }
        let bits = i32::try_from(u128::BITS - magnitude.leading_zeros()).unwrap_or(0);
        let excess = bits - MANTISSA_BITS.cast_signed();
        let excess = excess.max(EXPONENT_MIN - exponent);
        let exponent = exponent + excess;
        if excess <= 0 {
            let mantissa = u64::try_from(magnitude << excess.unsigned_abs()).ok()?;
            return Self::finite(is_negative, mantissa, exponent);
        }
        let excess = excess.unsigned_abs();
        let kept = magnitude.checked_shr(excess).unwrap_or(0);
        let half = 1_u128.checked_shl(excess - 1).unwrap_or(0);
        let below = magnitude & half.wrapping_sub(1);
        let reaches_half = magnitude & half != 0;
        let is_above_half = below != 0 || sticky;
        let rises = reaches_half && (is_above_half || kept & 1 == 1);
        let kept = kept + u128::from(rises);
        match u64::try_from(kept) {
            Ok(mantissa) => Self::finite(is_negative, mantissa, exponent),
            Err(_) => Self::finite(is_negative, 1 << (MANTISSA_BITS - 1), exponent + 1),
        }
    }

    fn finite(is_negative: bool, mantissa: u64, exponent: i32) -> Option<Self> {
        (exponent <= EXPONENT_MAX).then_some(Self { is_negative, mantissa, exponent })
    }

    /// Rounds a natural number times `2^exponent` and a little more if `sticky`.
    fn from_natural(
        is_negative: bool,
        number: &Natural,
        exponent: i32,
        sticky: bool,
    ) -> Option<Self> {
        let (top, shift, lost) = number.top_bits();
        let shift = i32::try_from(shift).ok()?;
        Self::rounded(is_negative, top, exponent + shift, sticky || lost)
    }

    /// Returns the number in decimal with up to 17 digits behind the point, without trailing zeros
    /// or an exponent; `0` for what is too small to show.
    pub fn to_text(self) -> String {
        let text = match u32::try_from(self.exponent) {
            Ok(exponent) => {
                let mut whole = Natural::from(self.mantissa);
                whole.shift_left(exponent);
                whole.to_decimal()
            }
            Err(_) => self.fraction_text(),
        };
        if self.is_negative && text != "0" { format!("-{text}") } else { text }
    }

    /// Writes the magnitude of a number with a negative exponent.
    fn fraction_text(self) -> String {
        const SCALE: u128 = 10_u128.pow(FRACTION_DIGITS);
        // Exact: 64 bits of mantissa times 57 of scale.
        let scaled = u128::from(self.mantissa) * SCALE;
        let shift = self.exponent.unsigned_abs();
        let kept = scaled.checked_shr(shift).unwrap_or(0);
        let half = 1_u128.checked_shl(shift - 1).unwrap_or(0);
        let reaches_half = scaled & half != 0;
        let is_above_half = scaled & half.wrapping_sub(1) != 0;
        let rises = half != 0 && reaches_half && (is_above_half || kept & 1 == 1);
        let kept = kept + u128::from(rises);
        let text = format!("{}.{:017}", kept / SCALE, kept % SCALE);
        text.trim_end_matches('0').trim_end_matches('.').into()
    }
}

/// Splits digits at the exponent's letter and reads the exponent.
fn split_exponent(text: &[u8], letter: u8) -> Option<(&[u8], i64)> {
    let Some(at) = text.iter().position(|byte| byte.eq_ignore_ascii_case(&letter)) else {
        return Some((text, 0));
    };
    let (digits, exponent) = (&text[..at], &text[at + 1..]);
    let (is_negative, exponent) = match exponent.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, exponent),
    };
    if exponent.is_empty() || !exponent.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = exponent
        .iter()
        .fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(EXPONENT_READ_MAX));
    Some((digits, if is_negative { -value } else { value }))
}

/// Adds the digits of a base to a number, passing over one point; returns the digits behind it.
fn read_digits(text: &[u8], base: u32, number: &mut Natural) -> Option<i64> {
    let (mut behind_point, mut digit_count, mut has_point) = (0, 0, false);
    for &byte in text {
        if byte == b'.' && !has_point {
            has_point = true;
            continue;
        }
        number.multiply_add(base, char::from(byte).to_digit(base)?);
        behind_point += i64::from(has_point);
        digit_count += 1;
    }
    (digit_count > 0).then_some(behind_point)
}

fn parse_decimal(is_negative: bool, text: &[u8]) -> Option<Extended> {
    /// Bits that the division must leave, so that the quotient fills a mantissa and more.
    const QUOTIENT_BITS: u32 = 2 * MANTISSA_BITS;
    let (digits, exponent) = split_exponent(text, b'e')?;
    let mut number = Natural::from(0);
    let behind_point = read_digits(digits, 10, &mut number)?;
    if number.is_zero() {
        return Some(Extended::ZERO);
    }
    let exponent = exponent - behind_point;
    if exponent.abs() > DECIMAL_EXPONENT_MAX {
        return None;
    }
    let power = u32::try_from(exponent.unsigned_abs()).ok()?;
    if exponent >= 0 {
        number.multiply_by_power_of_ten(power);
        return Extended::from_natural(is_negative, &number, 0, false);
    }
    // 10^n has less than 4n bits.
    let shift = 4 * power + QUOTIENT_BITS;
    number.shift_left(shift);
    let sticky = number.divide_by_power_of_ten(power);
    let value = Extended::from_natural(is_negative, &number, -shift.cast_signed(), sticky)?;
    (value.mantissa != 0).then_some(value)
}

fn parse_hexadecimal(is_negative: bool, text: &[u8]) -> Option<Extended> {
    let (digits, exponent) = split_exponent(text, b'p')?;
    let mut number = Natural::from(0);
    let behind_point = read_digits(digits, 16, &mut number)?;
    if number.is_zero() {
        return Some(Extended::ZERO);
    }
    let exponent = exponent - 4 * behind_point;
    if exponent.abs() > 4 * DECIMAL_EXPONENT_MAX {
        return None;
    }
    let exponent = i32::try_from(exponent).ok()?;
    let value = Extended::from_natural(is_negative, &number, exponent, false)?;
    (value.mantissa != 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{Extended, ExtendedText};

    fn number(text: &str) -> Extended {
        match Extended::parse(text.as_bytes()) {
            Some(ExtendedText::Finite(number)) => number,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn sum(left: &str, right: &str) -> String {
        number(left).plus(number(right)).map_or("infinite".into(), Extended::to_text)
    }

    #[test]
    fn sums_have_the_digits_of_the_originals() {
        for (left, right, expected) in [
            ("3.0", "1.1", "4.1"),
            ("4.1", "0.1", "4.2"),
            ("1", "-1.1", "-0.1"),
            ("5.0e3", "2.0e2", "5200"),
            ("10.50", "0.1", "10.6"),
            ("10.6", "-5", "5.6"),
            ("17179869184", "1.5", "17179869185.5"),
            ("0", "1e-20", "0"),
            ("0", "1e-17", "0.00000000000000001"),
            ("0.00000000000000001", "0.1", "0.10000000000000001"),
            ("0.10000000000000001", "0.2", "0.30000000000000001"),
            ("0.1", "0.2", "0.3"),
            ("-0.5", "0.5", "0"),
            ("-0.000000000000000001", "0", "0"),
            ("123456789.123456789", "987654321.987654321", "1111111111.11111110995989293"),
            ("99999999999999999999", "1", "100000000000000000000"),
            ("2.5", "0x1.8p1", "5.5"),
            ("4", "0x1p-3", "4.125"),
            ("10.625", "1e-4940", "10.625"),
            ("10.625", "0e-9999", "10.625"),
            (".5", "5.", "5.5"),
        ] {
            assert_eq!(sum(left, right), expected, "{left} + {right}");
        }
    }

    #[test]
    fn large_numbers_are_written_out() {
        let thirty = sum("1e30", "0");
        assert_eq!(thirty, "1000000000000000000024696061952");
        assert_eq!(sum("1e4932", "1e4932"), "infinite");
        assert_eq!(sum("1e4932", "-1e4932"), "0");
        assert_eq!(number("1e4932").to_text().len(), 4933);
        assert_eq!(Extended::from(i64::MIN).to_text(), i64::MIN.to_string());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "1e+",
            "1e 1",
            " 1",
            "1 ",
            "1x",
            "nan",
            "nan(1)",
            "0x",
            "0x.",
            "0x.p1",
            "1.2.3",
            "--1",
            "1e5000",
            "1e-5000",
            "1e99999999999999999999",
            "1.5e-99999999999999999999",
            "0x1p99999999999999999999",
            "0x1.8p-99999999999999999999",
            "infinit",
        ] {
            assert_eq!(Extended::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Extended::parse(&[b'1'; 5120]), None);
        assert_eq!(Extended::parse(b"-INF"), Some(ExtendedText::Infinite));
        assert_eq!(Extended::parse(b"infinity"), Some(ExtendedText::Infinite));
    }

    #[test]
    fn small_sums_agree_with_integers() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let bits = random.u32(1..63);
            let (left, right) = (random.i64(..) >> bits, random.i64(..) >> bits);
            let sum = Extended::from(left).plus(Extended::from(right)).expect("finite");
            assert_eq!(sum.to_text(), (i128::from(left) + i128::from(right)).to_string());
        }
    }

    #[test]
    fn reading_rounds_to_nearest() {
        // 2^64 + 1 and 2^64 + 3 lie half way between two values.
        for (text, expected) in [
            ("18446744073709551617", "18446744073709551616"),
            ("18446744073709551619", "18446744073709551620"),
            ("18446744073709551617.0000000001", "18446744073709551618"),
            ("0x10000000000000001", "18446744073709551616"),
            ("0x10000000000000003", "18446744073709551620"),
        ] {
            assert_eq!(number(text).to_text(), expected, "{text}");
        }
    }
}
