//! Floor 1: the data types. They know their own bytes, never a key and never a clock.

mod string;
mod text;

pub use string::{EMBSTR_BYTES_MAX, IntegerText, SHARED_BYTES_MIN, StringRef, StringValue};
pub use text::{INLINE_BYTES_MAX, Text};

/// The type of a value, as TYPE names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueType {
    String = 0,
}

impl ValueType {
    /// Returns the name TYPE answers with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
        }
    }
}

/// How a value is represented, as OBJECT ENCODING names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Integer,
    Embstr,
    Raw,
}

impl Encoding {
    /// Returns the name OBJECT ENCODING answers with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "int",
            Self::Embstr => "embstr",
            Self::Raw => "raw",
        }
    }
}
