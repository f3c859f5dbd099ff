//! Integers of any width up to 64 bits at any bit of a string: BITFIELD's arithmetic.

/// The type of a field: `i5`, `u16`. Unsigned ones have 63 bits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldType {
    pub(super) is_signed: bool,
    pub(super) width: u32,
}

/// What happens to a number that does not fit its field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Overflow {
    /// The high bits are lost.
    #[default]
    Wrap,
    /// The nearest number that fits takes its place.
    Saturate,
    /// Nothing is stored.
    Fail,
}

impl FieldType {
    /// Returns the type a word names.
    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        let (sign, digits) = word.split_first()?;
        let is_signed = match sign {
            b'i' => true,
            b'u' => false,
            _ => return None,
        };
        let width = crate::base::text::parse_u64(digits)?;
        let width_max = if is_signed { 64 } else { 63 };
        let width = u32::try_from(width).ok().filter(|width| (1..=width_max).contains(width))?;
        Some(Self { is_signed, width })
    }

    fn mask(self) -> u64 {
        u64::MAX >> (64 - self.width)
    }

    /// Returns the smallest and the largest number that fit.
    fn limits(self) -> (i128, i128) {
        if self.is_signed {
            (-(1_i128 << (self.width - 1)), (1_i128 << (self.width - 1)) - 1)
        } else {
            (0, (1_i128 << self.width) - 1)
        }
    }

    /// Returns the number whose lowest bits are these.
    fn number(self, bits: u64) -> i64 {
        let unused = if self.is_signed { 64 - self.width } else { 0 };
        ((bits & self.mask()) << unused).cast_signed() >> unused
    }

    /// Returns what a number means to a signed field. The originals take one whose distance from the
    /// largest that fits is no 64-bit number for one that is too large, not too small.
    pub(super) fn taken_for(self, number: i64) -> i128 {
        let number = i128::from(number);
        let is_too_far = self.width < 64 && self.limits().1 - number > i128::from(i64::MAX);
        if is_too_far { number + (1 << 64) } else { number }
    }

    /// Returns the number the field gets instead of one that may not fit; `None`: nothing is stored.
    pub(super) fn fit(self, number: i128, overflow: Overflow) -> Option<i64> {
        let (least, most) = self.limits();
        if (least..=most).contains(&number) {
            return i64::try_from(number).ok();
        }
        match overflow {
            Overflow::Wrap => Some(self.number(low_bits(number))),
            Overflow::Saturate => i64::try_from(number.clamp(least, most)).ok(),
            Overflow::Fail => None,
        }
    }

    /// Reads the number at a bit; what lies behind the string is zero.
    pub(super) fn read(self, bytes: &[u8], bit: u64) -> i64 {
        let (window, shift) = self.window(bytes, bit);
        self.number(low_bits((window >> shift).cast_signed()))
    }

    /// Returns the bytes that make up the field when it holds a number, and where they start.
    pub(super) fn written(self, bytes: &[u8], bit: u64, number: i64) -> (usize, FieldBytes) {
        let (window, shift) = self.window(bytes, bit);
        let mask = u128::from(self.mask()) << shift;
        let new = u128::from(number.cast_unsigned() & self.mask()) << shift;
        let count = self.last_byte(bit) - first_byte(bit) + 1;
        (first_byte(bit), FieldBytes { bytes: (window & !mask | new).to_be_bytes(), count })
    }

    /// Returns the index of the last byte of a field that starts at a bit.
    pub(super) fn last_byte(self, bit: u64) -> usize {
        first_byte(bit + u64::from(self.width) - 1)
    }

    /// Returns the sixteen bytes from the field's first one on, and how far the field is from their end.
    fn window(self, bytes: &[u8], bit: u64) -> (u128, u32) {
        let mut window = [0; 16];
        let there = bytes.get(first_byte(bit)..).unwrap_or_default();
        let count = there.len().min(window.len());
        window[..count].copy_from_slice(&there[..count]);
        let before = u32::try_from(bit % 8).expect("a remainder of eight");
        (u128::from_be_bytes(window), 128 - before - self.width)
    }
}

fn first_byte(bit: u64) -> usize {
    usize::try_from(bit / 8).expect("addresses have 64 bits")
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are what is asked for")]
fn low_bits(number: i128) -> u64 {
    number as u64
}

/// The bytes a field lies in, nine at most.
pub(super) struct FieldBytes {
    bytes: [u8; 16],
    count: usize,
}

impl FieldBytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldType, Overflow};

    fn named(word: &str) -> FieldType {
        FieldType::parse(word.as_bytes()).expect("a type")
    }

    #[test]
    fn types_have_a_sign_and_a_width() {
        assert_eq!(named("i64"), FieldType { is_signed: true, width: 64 });
        assert_eq!(named("u63").width, 63);
        for word in ["", "i", "u64", "i65", "u0", "x8", "U8", "u08", "u+8", "u-8", "i8 "] {
            assert_eq!(FieldType::parse(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_changes() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..5000 {
            let is_signed = random.bool();
            let width = random.u32(1..=if is_signed { 64 } else { 63 });
            let field = FieldType { is_signed, width };
            let bit = random.u64(..200);
            let mut bytes: Vec<u8> = (0..40).map(|_| random.u8(..)).collect();
            let old = bytes.clone();
            let number = field.fit(i128::from(random.i64(..)), Overflow::Wrap).expect("wraps");
            let (at, new) = field.written(&bytes, bit, number);
            bytes[at..at + new.as_slice().len()].copy_from_slice(new.as_slice());
            assert_eq!(field.read(&bytes, bit), number);
            let bit_of = |bytes: &[u8], at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
            let first = usize::try_from(bit).expect("below 200");
            let inside = first..first + width as usize;
            for at in (0..320).filter(|at| !inside.contains(at)) {
                assert_eq!(bit_of(&bytes, at), bit_of(&old, at));
            }
        }
    }

    #[test]
    fn numbers_that_do_not_fit_wrap_saturate_or_fail() {
        let (byte, signed) = (named("u8"), named("i8"));
        assert_eq!(byte.fit(300, Overflow::Wrap), Some(44));
        assert_eq!(byte.fit(-1, Overflow::Wrap), Some(255));
        assert_eq!(byte.fit(300, Overflow::Saturate), Some(255));
        assert_eq!(byte.fit(-3, Overflow::Saturate), Some(0));
        assert_eq!(byte.fit(256, Overflow::Fail), None);
        assert_eq!(signed.fit(128, Overflow::Wrap), Some(-128));
        assert_eq!(signed.fit(-129, Overflow::Saturate), Some(-128));
        let widest = named("i64");
        assert_eq!(widest.fit(i128::from(i64::MAX) + 1, Overflow::Wrap), Some(i64::MIN));
        assert_eq!(widest.fit(i128::from(i64::MIN) - 1, Overflow::Saturate), Some(i64::MIN));
    }
}
