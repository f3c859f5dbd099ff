//! Numbers as text, both ways, exactly as the protocol's world writes and accepts them.

use super::double::DoubleText;

/// Bytes the longest 64-bit integer needs.
pub const INTEGER_TEXT_BYTES_MAX: usize = 20;

/// Returns the integer a text stands for, if it is its only spelling: no sign `+`, no leading zeros,
/// no spaces.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let magnitude = parse_u64(digits)?;
    if negative {
        if magnitude == 0 { None } else { 0_i64.checked_sub_unsigned(magnitude) }
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Returns the unsigned integer a text stands for, by the same rules as [`parse_i64`].
#[inline]
pub fn parse_u64(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > INTEGER_TEXT_BYTES_MAX {
        return None;
    }
    if digits[0] == b'0' {
        return (digits.len() == 1).then_some(0);
    }
    let mut value: u64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// Returns the double a whole text stands for; infinities are accepted, NaN and spaces are not.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let first = *text.first()?;
    if first.is_ascii_whitespace() {
        return None;
    }
    let value: f64 = match parse_hexadecimal(text) {
        Some(value) => value,
        None => std::str::from_utf8(text).ok()?.parse().ok()?,
    };
    (!value.is_nan()).then_some(value)
}

/// Returns what C sees of a text: the bytes before the first zero byte.
pub fn before_zero(text: &[u8]) -> &[u8] {
    text.iter().position(|&byte| byte == 0).map_or(text, |end| &text[..end])
}

/// Says whether what is a number is written with hexadecimal digits.
pub fn is_hexadecimal(number: &[u8]) -> bool {
    number.iter().any(|byte| byte.eq_ignore_ascii_case(&b'x'))
}

/// Hexadecimal numbers (`0x1F`, `0x1.8p3`) are numbers to C's `strtod`, and so to clients that send
/// them.
fn parse_hexadecimal(text: &[u8]) -> Option<f64> {
    let (negative, rest) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let digits = rest.strip_prefix(b"0x").or_else(|| rest.strip_prefix(b"0X"))?;
    let end = digits.iter().position(|byte| byte.eq_ignore_ascii_case(&b'p'));
    let (digits, exponent) = digits.split_at(end.unwrap_or(digits.len()));
    let mut power: i32 = match exponent.split_first() {
        Some((_, power)) => std::str::from_utf8(power).ok()?.parse().ok()?,
        None => 0,
    };
    let (mut value, mut count, mut behind_point) = (0.0_f64, 0, false);
    for &byte in digits {
        if byte == b'.' && !behind_point {
            behind_point = true;
            continue;
        }
        value = value * 16.0 + f64::from(char::from(byte).to_digit(16)?);
        count += 1;
        power = power.saturating_sub(if behind_point { 4 } else { 0 });
    }
    let value = value * 2.0_f64.powi(power);
    (count > 0).then_some(if negative { -value } else { value })
}

/// Returns the shortest text that reads back as the same double; see [`DoubleText`].
pub fn format_f64(value: f64) -> String {
    String::from_utf8_lossy(DoubleText::new(value).as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{format_f64, parse_f64, parse_i64};

    #[test]
    fn an_integer_has_one_spelling() {
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_i64(b"9223372036854775807"), Some(i64::MAX));
        for text in ["", "-", "+1", " 1", "1 ", "01", "-0", "9223372036854775808", "1a"] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn doubles_read_back_as_they_were_written() {
        for value in [0.1, 3.0, -2.5, 1e21, 1.5e-9, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY] {
            assert_eq!(parse_f64(format_f64(value).as_bytes()), Some(value));
        }
        assert_eq!(parse_f64(b"nan"), None);
        assert_eq!(parse_f64(b" 1"), None);
        assert_eq!(parse_f64(b"0x10"), Some(16.0));
        assert_eq!(parse_f64(b"-0x1.8p1"), Some(-3.0));
        assert_eq!(parse_f64(b"0xp1"), None);
        assert_eq!(parse_f64(b"0x1p"), None);
    }
}
