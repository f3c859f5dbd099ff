//! Deadlines as clients write them: seconds or milliseconds, from now on or since 1970.

use crate::base::text;
use crate::engine::CommandError;

/// How a deadline is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeForm {
    is_seconds: bool,
    is_relative: bool,
}

impl TimeForm {
    /// Seconds from now on.
    pub(super) const EX: Self = Self { is_seconds: true, is_relative: true };
    /// Milliseconds from now on.
    pub(super) const PX: Self = Self { is_seconds: false, is_relative: true };
    /// Seconds since 1970.
    pub(super) const EXAT: Self = Self { is_seconds: true, is_relative: false };
    /// Milliseconds since 1970.
    pub(super) const PXAT: Self = Self { is_seconds: false, is_relative: false };

    /// Returns the deadline a number stands for, in milliseconds since 1970; `None` when it lies
    /// outside of what 64 signed bits hold. It may lie in the past, even before 1970.
    pub(super) fn at(self, number: i64, now_ms: u64) -> Option<i64> {
        let ms = if self.is_seconds { number.checked_mul(1000)? } else { number };
        if self.is_relative { ms.checked_add(i64::try_from(now_ms).ok()?) } else { Some(ms) }
    }

    /// Returns the deadline that an option of a command that stores a value gives it.
    ///
    /// # Errors
    /// Not an integer, not positive, or too far away.
    pub(super) fn positive(
        self,
        number: &[u8],
        now_ms: u64,
        command: &str,
    ) -> Result<u64, CommandError> {
        let number = text::parse_i64(number).ok_or(CommandError::NotAnInteger)?;
        if number <= 0 {
            return Err(CommandError::invalid_expire_time(command));
        }
        self.at(number, now_ms)
            .and_then(|at| u64::try_from(at).ok())
            .ok_or_else(|| CommandError::invalid_expire_time(command))
    }
}

#[cfg(test)]
mod tests {
    use super::TimeForm;
    use crate::engine::CommandError;

    #[test]
    fn each_form_means_its_own_deadline() {
        assert_eq!(TimeForm::EX.at(2, 500), Some(2500));
        assert_eq!(TimeForm::PX.at(-600, 500), Some(-100));
        assert_eq!(TimeForm::EXAT.at(2, 500), Some(2000));
        assert_eq!(TimeForm::PXAT.at(2, 500), Some(2));
        assert_eq!(TimeForm::EXAT.at(i64::MAX / 1000 + 1, 0), None);
        assert_eq!(TimeForm::PX.at(i64::MAX, 1), None);
    }

    #[test]
    fn options_take_positive_numbers_only() {
        assert_eq!(TimeForm::PX.positive(b"1", 7, "set"), Ok(8));
        let refused = Err(CommandError::invalid_expire_time("set"));
        for number in ["0", "-1", "9223372036854775807"] {
            assert_eq!(TimeForm::EX.positive(number.as_bytes(), 7, "set"), refused);
        }
        assert_eq!(TimeForm::EX.positive(b"1x", 7, "set"), Err(CommandError::NotAnInteger));
    }
}
