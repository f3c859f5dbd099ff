//! Doubles as text: the shortest digits that read back as the same value, laid out as the protocol's
//! world lays them out.
//!
//! Source of the digits: U. Adams, "Ryū: fast float-to-string conversion", PLDI 2018.

/// Bytes the longest text needs, and some.
const TEXT_BYTES_MAX: usize = 32;
/// Digits of the longest shortest text.
const DIGITS_MAX: usize = 17;
/// Magnitudes up to this one are written as integers if they are.
const INTEGER_MAX: f64 = (1_u64 << 62) as f64;

/// The text of a double: `3`, `3.5`, `1.5e-7`, `1e+21`, `-0`, `inf`, `-inf` or `nan`; no allocation.
#[derive(Clone, Copy, Debug)]
pub struct DoubleText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

impl DoubleText {
    /// Writes a double.
    pub fn new(value: f64) -> Self {
        let magnitude = value.abs();
        if magnitude <= INTEGER_MAX && magnitude.trunc() == magnitude {
            let mut text = Self::signed(value);
            text.put(itoa::Buffer::new().format(whole(magnitude)).as_bytes());
            return text;
        }
        Self::by_digits(value)
    }

    /// Writes a double by its digits alone: an integer with many zeros in the scientific way, such as
    /// `5e+9`.
    pub fn by_digits(value: f64) -> Self {
        let mut text = Self::signed(value);
        let magnitude = value.abs();
        if magnitude.is_nan() {
            text.put(b"nan");
        } else if magnitude.is_infinite() {
            text.put(b"inf");
        } else if magnitude == 0.0 {
            text.put(b"0");
        } else {
            Digits::of(magnitude).lay_out(&mut text);
        }
        text
    }

    /// Returns the text of the sign.
    fn signed(value: f64) -> Self {
        let mut text = Self { bytes: [0; TEXT_BYTES_MAX], len: 0 };
        if value.is_sign_negative() && !value.is_nan() {
            text.put(b"-");
        }
        text
    }

    /// Returns the text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn put_zeros(&mut self, count: usize) {
        self.bytes[self.len..self.len + count].fill(b'0');
        self.len += count;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the caller has checked the range")]
#[expect(clippy::cast_sign_loss, reason = "a magnitude has no sign")]
fn whole(magnitude: f64) -> u64 {
    magnitude as u64
}

/// A positive value: the integer of these digits times 10 to the `power`.
struct Digits {
    digits: [u8; DIGITS_MAX],
    count: usize,
    power: i32,
}

impl Digits {
    /// Returns the shortest digits of a finite value above zero.
    fn of(magnitude: f64) -> Self {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(magnitude).as_bytes();
        let mut all = Self { digits: [0; DIGITS_MAX], count: 0, power: 0 };
        let mut behind_point = false;
        for (index, &byte) in text.iter().enumerate() {
            match byte {
                b'.' => behind_point = true,
                b'e' => {
                    all.power += signed(&text[index + 1..]);
                    break;
                }
                digit => all.append(digit, behind_point),
            }
        }
        all.trim();
        all
    }

    fn append(&mut self, digit: u8, behind_point: bool) {
        self.power -= i32::from(behind_point);
        if (digit != b'0' || self.count > 0) && self.count < DIGITS_MAX {
            self.digits[self.count] = digit;
            self.count += 1;
        } else if self.count == DIGITS_MAX {
            // Behind the last digit there are only zeros.
            self.power += 1;
        }
    }

    /// Removes trailing zeros.
    fn trim(&mut self) {
        while self.count > 1 && self.digits[self.count - 1] == b'0' {
            self.count -= 1;
            self.power += 1;
        }
    }

    /// Chooses between `1200`, `1.2`, `0.0012` and `1.2e+30` as the originals do.
    fn lay_out(&self, text: &mut DoubleText) {
        let digits = &self.digits[..self.count];
        let (fraction, zeros) = (below_zero(self.power), below_zero(-self.power));
        let exponent = self.power + i32::try_from(self.count).unwrap_or(0) - 1;
        let distance = below_zero(-exponent.abs());
        if fraction == 0 && distance < self.count + 7 {
            text.put(digits);
            text.put_zeros(zeros);
        } else if fraction > 0 && (fraction < 7 || distance < 4) {
            put_decimal(text, digits, fraction);
        } else {
            put_scientific(text, digits, exponent);
        }
    }
}

/// Returns how far below zero a number is.
fn below_zero(number: i32) -> usize {
    usize::try_from(-number).unwrap_or(0)
}

/// Writes digits of which the last `fraction` stand behind the point.
fn put_decimal(text: &mut DoubleText, digits: &[u8], fraction: usize) {
    match digits.split_at_checked(digits.len().wrapping_sub(fraction)) {
        Some((whole, rest)) if !whole.is_empty() => {
            text.put(whole);
            text.put(b".");
            text.put(rest);
        }
        _ => {
            text.put(b"0.");
            text.put_zeros(fraction - digits.len());
            text.put(digits);
        }
    }
}

/// Writes digits with the point behind the first one, and an exponent with its sign.
fn put_scientific(text: &mut DoubleText, digits: &[u8], exponent: i32) {
    let (first, rest) = digits.split_at(1);
    text.put(first);
    if !rest.is_empty() {
        text.put(b".");
        text.put(rest);
    }
    text.put(if exponent < 0 { b"e-" } else { b"e+" });
    text.put(itoa::Buffer::new().format(exponent.unsigned_abs()).as_bytes());
}

/// Returns the number of an exponent's text.
fn signed(text: &[u8]) -> i32 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let magnitude = digits.iter().fold(0, |number, &digit| number * 10 + i32::from(digit - b'0'));
    if negative { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::DoubleText;

    fn text(value: f64) -> String {
        String::from_utf8(DoubleText::new(value).as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn doubles_look_as_they_do_in_the_originals() {
        for (value, expected) in [
            (3.0, "3"),
            (-0.0, "-0"),
            (0.0, "0"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (0.30000000000000004, "0.30000000000000004"),
            (1e-3, "0.001"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (0.00015, "0.00015"),
            (0.000015, "0.000015"),
            (0.0000123, "1.23e-5"),
            (0.00012345, "1.2345e-4"),
            (0.00123456789, "0.00123456789"),
            (1234.5678901234567, "1234.5678901234567"),
            (12345.678901234567, "1.2345678901234567e+4"),
            (123456.7890123, "1.234567890123e+5"),
            (99999.123456, "99999.123456"),
            (1e17, "100000000000000000"),
            (1234567890123456789.0, "1234567890123456768"),
            (4.611686018427388e18, "4611686018427387904"),
            (4.7e18, "4.7e+18"),
            (1e20, "1e+20"),
            (123456.789e20, "1.23456789e+25"),
            (-1.7976931348623157e308, "-1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (-f64::NAN, "nan"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn each_text_reads_back_as_its_double() {
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..200_000 {
            let value = match round % 3 {
                0 => f64::from_bits(random.u64(..)),
                1 => random.f64() * 10_f64.powi(random.i32(-10..25)),
                _ => f64::from(random.i32(..)) / 10_f64.powi(random.i32(0..12)),
            };
            if value.is_finite() {
                assert_eq!(text(value).parse(), Ok(value));
            }
        }
    }
}
