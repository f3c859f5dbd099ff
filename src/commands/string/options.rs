//! The options of SET, GETEX and MSETEX: conditions, expiry, GET.

use super::compare::Comparison;
use crate::commands::deadline::TimeForm;
use crate::engine::{Args, CommandError};

/// When a value is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    #[default]
    Always,
    /// NX.
    IfAbsent,
    /// XX.
    IfPresent,
    /// IFEQ, IFNE, IFDEQ, IFDNE: what is there compares like this.
    If(Comparison<'a>),
}

/// What becomes of the deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Expiry<'a> {
    /// Whatever the command does unasked.
    #[default]
    Default,
    /// KEEPTTL.
    Keep,
    /// PERSIST.
    Remove,
    /// EX, PX, EXAT, PXAT with their number.
    At(TimeForm, &'a [u8]),
}

/// Which words a command knows besides EX, PX, EXAT and PXAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// NX, XX, IFEQ and its kin, GET, KEEPTTL.
    Set,
    /// PERSIST.
    GetEx,
    /// NX, XX, KEEPTTL.
    MSetEx,
}

/// Options as given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options<'a> {
    pub(super) condition: Condition<'a>,
    pub(super) expiry: Expiry<'a>,
    /// GET: reply with the old value.
    pub(super) returns_old: bool,
}

impl<'a> Options<'a> {
    /// Reads the options from an argument on. The same option may be repeated; the last one counts.
    ///
    /// # Errors
    /// Unknown words, contradicting ones, missing values: [`CommandError::Syntax`].
    pub(super) fn parse(
        args: Args<'a>,
        first: usize,
        dialect: Dialect,
    ) -> Result<Self, CommandError> {
        let mut options = Self::default();
        let mut index = first;
        while let Some(word) = args.get(index) {
            let value = args.get(index + 1);
            let taken = options
                .take_condition(word, value, dialect)
                .or_else(|| options.take_expiry(word, value, dialect))
                .ok_or(CommandError::Syntax)?;
            index += taken;
        }
        Ok(options)
    }

    /// Returns the number of arguments used if the word is a condition or GET that may stand here.
    fn take_condition(
        &mut self,
        word: &[u8],
        value: Option<&'a [u8]>,
        dialect: Dialect,
    ) -> Option<usize> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if dialect == Dialect::GetEx {
            return None;
        }
        if is("GET") && dialect == Dialect::Set {
            self.returns_old = true;
            return Some(1);
        }
        let (condition, taken) = if is("NX") {
            (Condition::IfAbsent, 1)
        } else if is("XX") {
            (Condition::IfPresent, 1)
        } else {
            let comparison = Comparison::named(word, value?).filter(|_| dialect == Dialect::Set)?;
            (Condition::If(comparison), 2)
        };
        let repeats = condition == self.condition && taken == 1;
        if self.condition != Condition::Always && !repeats {
            return None;
        }
        self.condition = condition;
        Some(taken)
    }

    /// Returns the number of arguments used if the word is about expiry and may stand here.
    fn take_expiry(
        &mut self,
        word: &[u8],
        value: Option<&'a [u8]>,
        dialect: Dialect,
    ) -> Option<usize> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let (expiry, taken) = if is("KEEPTTL") && dialect != Dialect::GetEx {
            (Expiry::Keep, 1)
        } else if is("PERSIST") && dialect == Dialect::GetEx {
            (Expiry::Remove, 1)
        } else {
            let form = match () {
                () if is("EX") => TimeForm::EX,
                () if is("PX") => TimeForm::PX,
                () if is("EXAT") => TimeForm::EXAT,
                () if is("PXAT") => TimeForm::PXAT,
                () => return None,
            };
            (Expiry::At(form, value?), 2)
        };
        let agrees = match (self.expiry, expiry) {
            (Expiry::Default, _) => true,
            (Expiry::At(old, _), Expiry::At(new, _)) => old == new,
            (old, new) => old == new,
        };
        if !agrees {
            return None;
        }
        self.expiry = expiry;
        Some(taken)
    }
}
