//! The range of BITCOUNT and BITPOS: from where to where, in bytes or in bits.

use super::bits::Bits;
use crate::engine::{Args, Argument, ArgumentKind, CommandError, Context};

/// `[end [BYTE|BIT]]` in COMMAND DOCS.
pub(super) const END: Argument = Argument::block(
    "end-unit-block",
    &[
        Argument::new("end", ArgumentKind::Integer),
        Argument::one_of("unit", &[Argument::word("byte", "BYTE"), Argument::word("bit", "BIT")])
            .optional()
            .since("7.0.0"),
    ],
)
.optional();

/// A range as given: negative numbers count from the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    start: i64,
    end: i64,
    is_in_bits: bool,
    /// The end was given; the range does not go on behind the string.
    pub(super) has_end: bool,
}

impl Range {
    /// All of the string.
    pub(super) const WHOLE: Self = Self { start: 0, end: -1, is_in_bits: false, has_end: false };

    /// Reads start, end and unit, from an argument to the last; `unit_first` says that the unit is
    /// looked at before the end.
    ///
    /// # Errors
    /// Numbers that are none, another unit, more arguments.
    pub(super) fn parse(
        context: &Context<'_>,
        first: usize,
        unit_first: bool,
    ) -> Result<Self, CommandError> {
        let args = context.args;
        let mut range = Self::WHOLE;
        if args.len() > first + 3 {
            return Err(CommandError::Syntax);
        }
        if args.len() > first {
            range.start = context.integer(first)?;
        }
        if unit_first {
            range.is_in_bits = unit_is_bit(args, first + 2)?;
        }
        if args.len() > first + 1 {
            range.end = context.integer(first + 1)?;
            range.has_end = true;
        }
        range.is_in_bits = unit_is_bit(args, first + 2)?;
        Ok(range)
    }

    /// Says that the range is empty whatever the string: it ends before it starts, both from the end.
    pub(super) fn is_backwards(self) -> bool {
        self.start < 0 && self.end < 0 && self.start > self.end
    }

    /// Returns the bits of a string that lie in the range, if any do.
    pub(super) fn of(self, bytes: &[u8]) -> Option<Bits<'_>> {
        let unit_bits = if self.is_in_bits { 1 } else { 8 };
        let count = i64::try_from(bytes.len()).ok()? * (8 / unit_bits);
        let from_end =
            |place: i64| if place < 0 { count.saturating_add(place).max(0) } else { place };
        let (start, end) = (from_end(self.start), from_end(self.end).min(count - 1));
        if start > end {
            return None;
        }
        let first = u64::try_from(start * unit_bits).ok()?;
        let last = u64::try_from(end * unit_bits + unit_bits - 1).ok()?;
        Some(Bits::between(bytes, first, last))
    }
}

/// Reads the unit, the last argument; bytes without one.
fn unit_is_bit(args: Args<'_>, index: usize) -> Result<bool, CommandError> {
    match args.get(index) {
        None => Ok(false),
        Some(_) if args.len() > index + 1 => Err(CommandError::Syntax),
        Some(unit) if unit.eq_ignore_ascii_case(b"BIT") => Ok(true),
        Some(unit) if unit.eq_ignore_ascii_case(b"BYTE") => Ok(false),
        Some(_) => Err(CommandError::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    fn count(range: (i64, i64), is_in_bits: bool) -> Option<u64> {
        let range = Range { start: range.0, end: range.1, is_in_bits, has_end: true };
        range.of(&[0xff; 4]).map(|bits| bits.count())
    }

    #[test]
    fn ends_are_cut_to_the_string() {
        assert_eq!(count((0, -1), false), Some(32));
        assert_eq!(count((1, 100), false), Some(24));
        assert_eq!(count((-100, 0), false), Some(8));
        assert_eq!(count((i64::MIN, i64::MAX), false), Some(32));
        assert_eq!(count((3, 2), false), None);
        assert_eq!(count((4, 9), false), None);
        assert_eq!(count((-1, -2), false), None);
        assert_eq!(count((-5, -9), false), Some(8), "both ends are cut to the first byte");
        assert_eq!(count((-100, -50), false), Some(8), "both ends lie before the string");
        assert_eq!(count((5, 9), true), Some(5));
        assert_eq!(count((-3, -1), true), Some(3));
        assert_eq!(count((31, 99), true), Some(1));
        assert!(Range::WHOLE.of(b"").is_none());
    }
}
