//! Numbers as C's `printf` and `strtod` treat them, which scripts can see.

/// Returns a number as C's `%.{precision}g` writes it.
pub(super) fn general(value: f64, precision: usize) -> String {
    if !value.is_finite() {
        let sign = if value.is_sign_negative() { "-" } else { "" };
        return format!("{sign}{}", if value.is_nan() { "nan" } else { "inf" });
    }
    if let Some(text) = small_integer(value) {
        return text;
    }
    let precision = precision.max(1);
    let scientific = format!("{value:.*e}", precision - 1);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let wanted = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= wanted {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(digits), exponent.unsigned_abs());
    }
    let decimals = usize::try_from(wanted - 1 - exponent).unwrap_or(0);
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// Returns the text of an integer so short that no precision shortens it.
#[expect(clippy::cast_possible_truncation, reason = "compared with the double right here")]
fn small_integer(value: f64) -> Option<String> {
    let integer = value as i32;
    let is_same = f64::from(integer).to_bits() == value.to_bits() && integer.unsigned_abs() < 10;
    is_same.then(|| itoa::Buffer::new().format(integer).to_owned())
}

/// Drops zeros at the end of a fraction, and the point when nothing is left behind it.
fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Reads the number a text begins with; returns it and the bytes it takes.
///
/// Takes what C's `strtod` takes: decimal and hexadecimal digits, infinities and not-a-number.
pub(super) fn leading_double(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let signs = usize::from(negative || text.first() == Some(&b'+'));
    let body = &text[signs..];
    let (value, length) = leading_word(body)
        .or_else(|| leading_hexadecimal(body))
        .or_else(|| leading_decimal(body))?;
    Some((if negative { -value } else { value }, signs + length))
}

/// Reads `inf`, `infinity`, `nan` and `nan(...)` in any case.
fn leading_word(text: &[u8]) -> Option<(f64, usize)> {
    let begins =
        |word: &[u8]| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if begins(b"infinity") {
        return Some((f64::INFINITY, 8));
    }
    if begins(b"inf") {
        return Some((f64::INFINITY, 3));
    }
    if !begins(b"nan") {
        return None;
    }
    let is_payload = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let payload = text.get(3) == Some(&b'(');
    let length = text.iter().skip(4).take_while(|byte| is_payload(byte)).count();
    let closed = payload && text.get(4 + length) == Some(&b')');
    Some((f64::NAN, if closed { 5 + length } else { 3 }))
}

/// Reads `0x` digits, perhaps with a point and a binary exponent.
fn leading_hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    if !(text.len() > 2 && text[0] == b'0' && text[1] | 0x20 == b'x') {
        return None;
    }
    let (digits, mut length) = mantissa(&text[2..], u8::is_ascii_hexdigit)?;
    length += 2;
    let mut value = 0.0_f64;
    let mut scale = 0_i32;
    let mut behind_point = false;
    for byte in digits {
        if *byte == b'.' {
            behind_point = true;
            continue;
        }
        value = value * 16.0 + f64::from(char::from(*byte).to_digit(16).unwrap_or(0));
        scale -= if behind_point { 4 } else { 0 };
    }
    if let Some((exponent, used)) = exponent(&text[length..], b'p') {
        scale = scale.saturating_add(exponent);
        length += used;
    }
    Some((value * 2.0_f64.powi(scale), length))
}

/// Reads decimal digits, perhaps with a point and an exponent.
fn leading_decimal(text: &[u8]) -> Option<(f64, usize)> {
    let (_, mut length) = mantissa(text, u8::is_ascii_digit)?;
    if let Some((_, used)) = exponent(&text[length..], b'e') {
        length += used;
    }
    let digits = std::str::from_utf8(&text[..length]).ok()?;
    Some((digits.parse().ok()?, length))
}

/// Returns digits with at most one point among them, and how many bytes they are.
fn mantissa(text: &[u8], is_digit: fn(&u8) -> bool) -> Option<(&[u8], usize)> {
    let whole = text.iter().take_while(|byte| is_digit(byte)).count();
    let mut length = whole;
    let mut fraction = 0;
    if text.get(whole) == Some(&b'.') {
        fraction = text[whole + 1..].iter().take_while(|byte| is_digit(byte)).count();
        length += 1 + fraction;
    }
    (whole + fraction > 0).then(|| (&text[..length], length))
}

/// Reads an exponent behind its letter; without digits there is none.
fn exponent(text: &[u8], letter: u8) -> Option<(i32, usize)> {
    if text.first()? | 0x20 != letter {
        return None;
    }
    let negative = text.get(1) == Some(&b'-');
    let signs = usize::from(negative || text.get(1) == Some(&b'+'));
    let digits = text[1 + signs..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let length = 1 + signs + digits;
    let value = text[1 + signs..length]
        .iter()
        .fold(0_i32, |value, byte| value.saturating_mul(10).saturating_add(i32::from(byte - b'0')));
    Some((if negative { -value } else { value }, length))
}

#[cfg(test)]
mod tests {
    use super::{general, leading_double};

    #[test]
    fn numbers_are_written_as_printf_writes_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (100.0, "100"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (99_999_999_999_999.9, "1e+14"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (-2.5e-300, "-2.5e-300"),
            (f64::INFINITY, "inf"),
        ];
        for (value, text) in cases {
            assert_eq!(general(value, 14), text);
        }
        assert_eq!(general(12.5, 1), "1e+01");
        assert_eq!(general(12.5, 2), "12");
        assert_eq!(general(9.5, 1), "1e+01");
    }

    #[test]
    fn a_text_begins_with_the_longest_number() {
        let cases: [(&str, Option<(f64, usize)>); 12] = [
            ("12abc", Some((12.0, 2))),
            ("1.", Some((1.0, 2))),
            ("-.5e1x", Some((-5.0, 5))),
            ("1e", Some((1.0, 1))),
            ("1e+", Some((1.0, 1))),
            ("0x", Some((0.0, 1))),
            ("0x1Fp1,", Some((62.0, 6))),
            ("0x.8", Some((0.5, 4))),
            ("-Infinityx", Some((f64::NEG_INFINITY, 9))),
            ("+inf", Some((f64::INFINITY, 4))),
            ("-", None),
            (".", None),
        ];
        for (text, expected) in cases {
            assert_eq!(leading_double(text.as_bytes()), expected, "{text}");
        }
        assert!(
            leading_double(b"nan(abc)]").is_some_and(|(value, used)| value.is_nan() && used == 8)
        );
    }
}
