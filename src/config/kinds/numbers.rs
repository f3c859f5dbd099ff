//! Numbers with bounds: counts, times, sizes with units (`100mb`), percentages, octal permissions.

use crate::base::text;

use super::{Kind, Refusal};

/// How a number is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Decimal,
    /// Bytes, with an optional unit: k, kb, m, mb, g, gb; without b a thousand, with b 1024.
    Memory,
    /// The same, or a percentage. A percentage is kept as a negative number.
    MemoryOrPercent,
    Octal,
}

/// What a number counts, for the documentation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unit {
    Bytes,
    BytesOrPercent,
    Count,
    Hertz,
    Level,
    Microseconds,
    Milliseconds,
    Minutes,
    Percent,
    Permissions,
    Port,
    Seconds,
}

impl Unit {
    /// Returns its name in the documentation.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::BytesOrPercent => "bytes or percent",
            Self::Count => "count",
            Self::Hertz => "times per second",
            Self::Level => "level",
            Self::Microseconds => "microseconds",
            Self::Milliseconds => "milliseconds",
            Self::Minutes => "minutes",
            Self::Percent => "percent",
            Self::Permissions => "octal permissions",
            Self::Port => "port",
            Self::Seconds => "seconds",
        }
    }
}

/// The rule of a numeric setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberRule {
    pub(crate) default: i64,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) form: Form,
    pub(crate) unit: Unit,
    /// Values within the bounds but outside of this are moved to its nearer end.
    clamp: Option<(i64, i64)>,
}

/// The largest percentage.
const PERCENT_MAX: i64 = 100;

/// The rule of a plain number.
pub(crate) const fn number(default: i64, min: i64, max: i64, unit: Unit) -> NumberRule {
    NumberRule { default, min, max, form: Form::Decimal, unit, clamp: None }
}

/// The rule of a number of bytes.
pub(crate) const fn memory(default: i64, min: i64, max: i64) -> NumberRule {
    NumberRule { form: Form::Memory, ..number(default, min, max, Unit::Bytes) }
}

/// A plain number.
pub(crate) const fn count(default: i64, min: i64, max: i64, unit: Unit) -> Kind {
    Kind::Number(number(default, min, max, unit))
}

/// A number of bytes, written with or without a unit.
pub(crate) const fn bytes(default: i64, min: i64, max: i64) -> Kind {
    Kind::Number(memory(default, min, max))
}

/// A number of bytes, or a percentage of something.
pub(crate) const fn bytes_or_percent(default: i64, max: i64) -> Kind {
    let rule = number(default, -PERCENT_MAX, max, Unit::BytesOrPercent);
    Kind::Number(NumberRule { form: Form::MemoryOrPercent, ..rule })
}

/// Permissions.
pub(crate) const fn octal(default: i64, max: i64) -> Kind {
    Kind::Number(NumberRule { form: Form::Octal, ..number(default, 0, max, Unit::Permissions) })
}

impl NumberRule {
    /// Moves values outside of `low..=high` to the nearer end instead of refusing them.
    pub(crate) const fn clamped(self, low: i64, high: i64) -> Self {
        Self { clamp: Some((low, high)), ..self }
    }

    /// Returns the number a word stands for, within bounds.
    pub(crate) fn parse(&self, word: &[u8]) -> Result<i64, Refusal> {
        let number = self.check(self.read(word)?)?;
        Ok(self.clamp.map_or(number, |(low, high)| number.clamp(low, high)))
    }

    /// Returns a word's number; `i128` because sizes beyond `i64` are numbers too, only too large.
    fn read(&self, word: &[u8]) -> Result<i128, Refusal> {
        match self.form {
            Form::Decimal => text::parse_i64(word)
                .map(i128::from)
                .ok_or_else(|| "argument couldn't be parsed into an integer".into()),
            Form::Memory => {
                self.read_memory(word).ok_or_else(|| "argument must be a memory value".into())
            }
            Form::MemoryOrPercent => parse_memory(word)
                .map(i128::from)
                .or_else(|| parse_percent(word).map(|percent| -i128::from(percent)))
                .ok_or_else(|| "argument must be a memory or percent value".into()),
            Form::Octal => parse_octal(word)
                .map(i128::from)
                .ok_or_else(|| "argument couldn't be parsed as an octal number".into()),
        }
    }

    /// A size may be negative only where the bounds have a use for that, and then has no unit.
    fn read_memory(&self, word: &[u8]) -> Option<i128> {
        let negative = || text::parse_i64(word).filter(|_| self.min < 0).map(i128::from);
        parse_memory(word).map(i128::from).or_else(negative)
    }

    fn check(&self, number: i128) -> Result<i64, Refusal> {
        if self.form == Form::MemoryOrPercent && number < i128::from(self.min) {
            let most = -self.min;
            return Err(format!("percentage argument must be less or equal to {most}").into());
        }
        match i64::try_from(number) {
            Ok(number) if (self.min..=self.max).contains(&number) => Ok(number),
            _ => Err(self.out_of_bounds()),
        }
    }

    fn out_of_bounds(&self) -> Refusal {
        let (min, max) = (self.min, self.max);
        match self.form {
            Form::Octal => format!("argument must be between {min:o} and {max:o} inclusive").into(),
            Form::MemoryOrPercent => {
                format!("argument must be between 0 and {max} inclusive").into()
            }
            _ => format!("argument must be between {min} and {max} inclusive").into(),
        }
    }

    /// Returns the number as CONFIG GET shows it.
    pub(crate) fn show(&self, number: i64) -> String {
        match self.form {
            Form::MemoryOrPercent if number < 0 => format!("{}%", number.unsigned_abs()),
            Form::Octal => format!("{number:o}"),
            _ => number.to_string(),
        }
    }

    /// Returns the number as it is best read in a file: bytes with the largest unit that fits.
    pub(crate) fn show_in_file(&self, number: i64) -> String {
        match self.form {
            Form::Memory | Form::MemoryOrPercent if number > 0 => format_memory(number),
            _ => self.show(number),
        }
    }
}

/// Returns bytes with the largest unit that divides them.
pub(crate) fn format_memory(bytes: i64) -> String {
    for (unit, size) in [("gb", 1_i64 << 30), ("mb", 1 << 20), ("kb", 1 << 10)] {
        if bytes > 0 && bytes % size == 0 {
            return format!("{}{unit}", bytes / size);
        }
    }
    bytes.to_string()
}

/// Returns the bytes a text like `100`, `5k` or `2GB` stands for. No digits at all are zero, as the
/// originals have it; more than 64 bits can hold is no size.
pub(crate) fn parse_memory(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = word.split_at(digits);
    let size: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let number = number
        .iter()
        .try_fold(0_u64, |sum, &byte| sum.checked_mul(10)?.checked_add(u64::from(byte - b'0')))?;
    number.checked_mul(size)
}

fn parse_percent(word: &[u8]) -> Option<i64> {
    let (last, number) = word.split_last()?;
    (*last == b'%').then(|| text::parse_i64(number)).flatten().filter(|&percent| percent >= 0)
}

fn parse_octal(word: &[u8]) -> Option<i64> {
    if word.is_empty() {
        return Some(0);
    }
    i64::from_str_radix(std::str::from_utf8(word).ok()?, 8).ok()
}

/// Returns the number at the start of a text as C's `strtoll` reads it (leading spaces, a sign,
/// nothing at all is zero), if nothing follows it. Numbers that are too large become the largest.
pub(crate) fn parse_loose(word: &[u8]) -> Option<i64> {
    let word = word.trim_ascii_start();
    let (negative, digits) = match word.split_first() {
        None => return Some(0),
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        Some(_) => (false, word),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits
        .iter()
        .fold(0_i64, |sum, &byte| sum.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{
        Form, NumberRule, Unit, format_memory, number, parse_loose, parse_memory, parse_octal,
    };

    fn with_form(form: Form, min: i64, max: i64) -> NumberRule {
        NumberRule { form, ..number(0, min, max, Unit::Count) }
    }

    fn refusal(rule: &NumberRule, word: &str) -> String {
        rule.parse(word.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn units_mean_thousands_or_powers_of_two() {
        for (word, bytes) in [
            ("", 0),
            ("05", 5),
            ("7b", 7),
            ("1k", 1000),
            ("1KB", 1024),
            ("2m", 2_000_000),
            ("2mb", 2 << 20),
            ("3g", 3_000_000_000),
            ("3Gb", 3 << 30),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_memory(word.as_bytes()), Some(bytes), "{word}");
        }
        for word in
            ["-1", "+1", " 1", "1 ", "1tb", "1.5", "0x10", "18446744073709551616", "20000000000gb"]
        {
            assert_eq!(parse_memory(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn each_form_refuses_in_its_own_words() {
        let port = with_form(Form::Decimal, 0, 65_535);
        assert_eq!(refusal(&port, "wat"), "argument couldn't be parsed into an integer");
        assert_eq!(refusal(&port, "-1"), "argument must be between 0 and 65535 inclusive");
        let limit = with_form(Form::Memory, 1, i64::MAX);
        assert_eq!(refusal(&limit, "-1"), "argument must be a memory value");
        assert_eq!(
            refusal(&limit, "0"),
            "argument must be between 1 and 9223372036854775807 inclusive"
        );
        let mode = with_form(Form::Octal, 0, 0o777);
        assert_eq!(refusal(&mode, "8"), "argument couldn't be parsed as an octal number");
        assert_eq!(refusal(&mode, "1000"), "argument must be between 0 and 777 inclusive");
        let share = with_form(Form::MemoryOrPercent, -100, i64::MAX);
        assert_eq!(refusal(&share, "-1"), "argument must be a memory or percent value");
        assert_eq!(refusal(&share, "101%"), "percentage argument must be less or equal to 100");
    }

    #[test]
    fn a_percentage_is_shown_as_one() {
        let share = with_form(Form::MemoryOrPercent, -100, i64::MAX);
        assert_eq!(share.show(share.parse(b"50%").unwrap()), "50%");
        assert_eq!(share.show(share.parse(b"50mb").unwrap()), "52428800");
        assert_eq!(share.show_in_file(share.parse(b"50mb").unwrap()), "50mb");
    }

    #[test]
    fn values_outside_of_the_useful_range_are_moved_into_it() {
        let hertz = number(10, 0, i64::from(i32::MAX), Unit::Hertz).clamped(1, 500);
        assert_eq!(hertz.parse(b"0"), Ok(1));
        assert_eq!(hertz.parse(b"1000"), Ok(500));
        assert!(hertz.parse(b"-1").is_err());
    }

    #[test]
    fn octal_and_loose_numbers_read_as_in_c() {
        assert_eq!(parse_octal(b"0700"), Some(0o700));
        assert_eq!(parse_octal(b""), Some(0));
        assert_eq!(parse_loose(b"  -12"), Some(-12));
        assert_eq!(parse_loose(b""), Some(0));
        assert_eq!(parse_loose(b"5 "), None);
        assert_eq!(parse_loose(b"+"), None);
        assert_eq!(parse_loose(b"99999999999999999999"), Some(i64::MAX));
    }

    proptest! {
        #[test]
        fn formatted_bytes_read_back(bytes in 0..i64::MAX, shift in 0..40_u32) {
            let bytes = (bytes >> shift) << (shift % 33) >> (shift % 33);
            prop_assert_eq!(parse_memory(format_memory(bytes).as_bytes()), Some(bytes as u64));
        }

        #[test]
        fn no_word_makes_the_reader_panic(word: Vec<u8>) {
            for form in [Form::Decimal, Form::Memory, Form::MemoryOrPercent, Form::Octal] {
                if let Ok(number) = with_form(form, -100, 1000).parse(&word) {
                    assert!((-100..=1000).contains(&number));
                }
            }
            parse_loose(&word);
        }
    }
}
