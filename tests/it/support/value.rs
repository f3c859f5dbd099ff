//! A reply of either protocol, and its notation as one line of text.
//!
//! The notation keeps what the wire tells apart: `+OK`, `-ERR text`, `:1`, `"bulk"`, `nil` (null
//! bulk), `nil-array`, `null` (RESP3), `[a, b]`, `%{k: v}`, `~[a]`, `>[push]`, `,1.5`, `#t`, `txt"..."`,
//! `(123`, and an attribute before its reply as `|{k: v}`.

use std::fmt;

/// One reply, as it came over the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Simple(String),
    Error(String),
    Int(i64),
    Bulk(Vec<u8>),
    NilBulk,
    NilArray,
    Null,
    Array(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Set(Vec<Self>),
    Push(Vec<Self>),
    Double(String),
    Bool(bool),
    Verbatim(String, Vec<u8>),
    BigNumber(String),
    Attribute(Vec<(Self, Self)>, Box<Self>),
}

impl Value {
    /// Returns the text of a bulk, simple, verbatim or double reply, or of an integer.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Bulk(bytes) | Self::Verbatim(_, bytes) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            Self::Simple(text) | Self::Double(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            other => panic!("not a text: {other}"),
        }
    }

    /// Returns the text as `text` does, or nothing for what has none.
    pub(crate) fn text_or_empty(&self) -> String {
        match self {
            Self::Bulk(_) | Self::Verbatim(..) | Self::Simple(_) | Self::Double(_) => self.text(),
            _ => String::new(),
        }
    }

    /// Returns the number of an integer reply.
    #[track_caller]
    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            other => panic!("not an integer: {other}"),
        }
    }

    /// Returns the text of an error reply.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        match self {
            Self::Error(text) => text,
            other => panic!("not an error: {other}"),
        }
    }

    /// Returns the items of an array, a set or a push.
    #[track_caller]
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) | Self::Set(items) | Self::Push(items) => items,
            other => panic!("not a list of items: {other}"),
        }
    }

    /// Returns the items as texts.
    #[track_caller]
    pub(crate) fn texts(&self) -> Vec<String> {
        self.items().iter().map(Self::text).collect()
    }

    /// Returns what stands under a name in a map, or in an array of names and values.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &Self {
        let found = match self {
            Self::Map(pairs) => pairs.iter().find(|(k, _)| k.text() == name).map(|(_, v)| v),
            Self::Array(items) => {
                items.chunks(2).find(|pair| pair[0].text() == name).map(|pair| &pair[1])
            }
            _ => None,
        };
        found.unwrap_or_else(|| panic!("no field {name:?} in {self}"))
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// Says whether this is any of the three nulls.
    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Self::NilBulk | Self::NilArray | Self::Null)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text) => write!(f, "+{text}"),
            Self::Error(text) => write!(f, "-{text}"),
            Self::Int(number) => write!(f, ":{number}"),
            Self::Bulk(bytes) => write_quoted(f, bytes),
            Self::NilBulk => f.write_str("nil"),
            Self::NilArray => f.write_str("nil-array"),
            Self::Null => f.write_str("null"),
            Self::Array(items) => write_items(f, "", items),
            Self::Set(items) => write_items(f, "~", items),
            Self::Push(items) => write_items(f, ">", items),
            Self::Map(pairs) => write_pairs(f, "%", pairs),
            Self::Double(text) => write!(f, ",{text}"),
            Self::Bool(truth) => f.write_str(if *truth { "#t" } else { "#f" }),
            Self::Verbatim(format, bytes) => {
                f.write_str(format)?;
                write_quoted(f, bytes)
            }
            Self::BigNumber(text) => write!(f, "({text}"),
            Self::Attribute(pairs, reply) => {
                write_pairs(f, "|", pairs)?;
                write!(f, " {reply}")
            }
        }
    }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write!(f, "\"{}\"", bytes.escape_ascii())
}

fn write_items(f: &mut fmt::Formatter<'_>, mark: &str, items: &[Value]) -> fmt::Result {
    let texts: Vec<String> = items.iter().map(Value::to_string).collect();
    write!(f, "{mark}[{}]", texts.join(", "))
}

fn write_pairs(f: &mut fmt::Formatter<'_>, mark: &str, pairs: &[(Value, Value)]) -> fmt::Result {
    let texts: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}: {v}")).collect();
    write!(f, "{mark}{{{}}}", texts.join(", "))
}
