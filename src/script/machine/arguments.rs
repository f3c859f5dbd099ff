//! Values that scripts pass to the functions of this module.

use mlua::{BorrowedBytes, Lua, Value};

use crate::base::double::DoubleText;

/// The text of an argument: borrowed from Lua, or made from a number.
pub(super) enum Text {
    Lua(BorrowedBytes),
    Integer(itoa::Buffer, i64),
    Double(DoubleText),
    /// Not a number, with a sign that C shows.
    NegativeNan,
}

/// Magnitude from which on doubles are not written as integers.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl Text {
    /// Returns the text of a string or number as commands get it, `None` for other values.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Lua(text.as_bytes())),
            Value::Integer(number) => Some(Self::Integer(itoa::Buffer::new(), *number)),
            Value::Number(number) => Some(Self::of_number(*number)),
            _ => None,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers of 54 bits come there")]
    fn of_number(number: f64) -> Self {
        if number.fract() == 0.0 && number.abs() <= WHOLE_MAX {
            return Self::Integer(itoa::Buffer::new(), number as i64);
        }
        if number.is_nan() && number.is_sign_negative() {
            return Self::NegativeNan;
        }
        Self::Double(DoubleText::by_digits(number))
    }

    /// Returns the bytes.
    pub(super) fn bytes(&mut self) -> &[u8] {
        match self {
            Self::Lua(bytes) => bytes,
            Self::Integer(buffer, number) => buffer.format(*number).as_bytes(),
            Self::Double(text) => text.as_bytes(),
            Self::NegativeNan => b"-nan",
        }
    }
}

/// Returns a number, or what a string spells.
pub(super) fn number(lua: &Lua, value: &Value) -> Option<f64> {
    lua.coerce_number(value.clone()).ok().flatten()
}

/// Returns an error with the place of the call in front, where the caller is Lua code.
pub(super) fn complain(lua: &Lua, text: &str) -> mlua::Error {
    let place = lua.inspect_stack(1, |frame| {
        let line = frame.current_line()?;
        let source = frame.source().short_src?;
        Some(format!("{source}:{line}: "))
    });
    mlua::Error::RuntimeError(format!("{}{text}", place.flatten().unwrap_or_default()))
}
