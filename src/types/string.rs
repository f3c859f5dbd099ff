//! String values: what a client's bytes become when they are stored.
//!
//! A text that is the one spelling of a 64-bit integer is kept as that integer (`int`); other texts
//! are `embstr` up to [`EMBSTR_BYTES_MAX`] bytes and `raw` above or once they have been edited in place.

use bytes::Bytes;

use crate::base::text;

/// Longest text that is reported as `embstr`, in bytes.
pub const EMBSTR_BYTES_MAX: usize = 44;
/// Values of this many bytes and more are shared with the replies that carry them, never copied.
pub const SHARED_BYTES_MIN: usize = 16 * 1024;

/// A string value on its way into the keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringValue<'a> {
    /// An integer; reported as `int`.
    Integer(i64),
    /// A text that is copied into its entry; `is_raw` keeps a short text from being `embstr`.
    Text { bytes: &'a [u8], is_raw: bool },
    /// A large text that replies share.
    Shared(Bytes),
}

impl<'a> StringValue<'a> {
    /// Returns the stored form of a client's bytes: an integer where they spell one.
    #[inline]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        if bytes.len() <= text::INTEGER_TEXT_BYTES_MAX
            && let Some(integer) = text::parse_i64(bytes)
        {
            return Self::Integer(integer);
        }
        Self::text(bytes, false)
    }

    /// Returns the stored form of a text that was built by an edit (APPEND, SETRANGE); never an integer.
    pub fn edited(bytes: &'a [u8]) -> Self {
        Self::text(bytes, true)
    }

    /// Returns the stored form of a text that must not become an integer (INCRBYFLOAT's results).
    pub fn text(bytes: &'a [u8], is_raw: bool) -> Self {
        if bytes.len() >= SHARED_BYTES_MIN {
            Self::Shared(Bytes::copy_from_slice(bytes))
        } else {
            Self::Text { bytes, is_raw }
        }
    }
}

/// A stored string as its reader sees it.
#[derive(Clone, Copy, Debug)]
pub enum StringRef<'a> {
    /// An integer.
    Integer(i64),
    /// A text inside its entry.
    Text(&'a [u8]),
    /// A text of its own allocation; replies may share it.
    Shared(&'a Bytes),
}

/// The decimal text of an integer, on the stack.
pub type IntegerText = itoa::Buffer;

impl<'a> StringRef<'a> {
    /// Returns the bytes, writing an integer's digits into `digits`.
    #[inline]
    pub fn bytes<'b>(self, digits: &'b mut IntegerText) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Integer(integer) => digits.format(integer).as_bytes(),
            Self::Text(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Returns the length in bytes.
    pub fn len(self) -> usize {
        self.bytes(&mut IntegerText::new()).len()
    }

    /// Says whether the text is empty.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the integer this string is or spells, by the rules of [`text::parse_i64`].
    pub fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Text(bytes) => text::parse_i64(bytes),
            Self::Shared(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{IntegerText, SHARED_BYTES_MIN, StringValue};

    #[test]
    fn only_the_one_spelling_of_an_integer_becomes_one() {
        assert_eq!(StringValue::from_bytes(b"-12"), StringValue::Integer(-12));
        for text in ["012", "+1", "", " 1", "1.0", "99999999999999999999"] {
            let value = StringValue::from_bytes(text.as_bytes());
            assert_eq!(value, StringValue::Text { bytes: text.as_bytes(), is_raw: false });
        }
    }

    #[test]
    fn large_texts_are_shared() {
        let text = vec![b'x'; SHARED_BYTES_MIN];
        assert!(matches!(StringValue::from_bytes(&text), StringValue::Shared(_)));
        let reference = super::StringRef::Text(b"42");
        assert_eq!(reference.integer(), Some(42));
        assert_eq!(super::StringRef::Integer(-7).bytes(&mut IntegerText::new()), b"-7");
    }
}
