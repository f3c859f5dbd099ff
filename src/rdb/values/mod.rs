//! One value: which type it is written as, and from which types it is read.

mod hash;
mod list;
mod packs;

use std::io::{self, BufRead, Write};

use bytes::Bytes;

use self::hash::Deadlines;
use super::codes::{VERSION_BASE, kind};
use super::error::RdbError;
use super::input::{Input, Text};
use super::legacy::{unpack_ziplist, unpack_zipmap};
use super::output::Output;
use super::shapes::Shapes;
use crate::keyspace::Entry;
use crate::types::{Object, ObjectRef, SHARED_BYTES_MIN, StringRef, StringValue};

/// A value that was read.
#[derive(Clone, Debug)]
pub enum Value {
    Integer(i64),
    Text(Vec<u8>),
    Object(Object),
}

impl Value {
    /// Returns an entry with this value.
    pub fn into_entry(self, key: &[u8], deadline_ms: Option<u64>, stamp: u32) -> Entry {
        let string = |value| Entry::new(key, value, deadline_ms, stamp);
        match self {
            Self::Object(object) => Entry::of_object(key, object, deadline_ms, stamp),
            Self::Integer(integer) => string(StringValue::Integer(integer)),
            Self::Text(text) if text.len() >= SHARED_BYTES_MIN => {
                string(StringValue::Shared(Bytes::from(text)))
            }
            Self::Text(text) => string(StringValue::from_bytes(&text)),
        }
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) kind: u8,
    /// The first version whose readers know the type.
    pub(super) version: u16,
}

impl Form {
    /// Returns the oldest form that can hold an entry's value.
    pub(super) fn of(entry: &Entry) -> Self {
        match entry.object() {
            None => Self { kind: kind::STRING, version: VERSION_BASE },
            Some(ObjectRef::Hash(value)) => hash::form(value),
            Some(ObjectRef::List(_)) => list::FORM,
            Some(other) => unreachable!("no {} can be made yet", other.value_type().name()),
        }
    }
}

/// Writes an entry's value in its form, piece by piece.
pub(super) fn encode<W: Write>(entry: &Entry, output: &mut Output<W>) -> io::Result<()> {
    match entry.object() {
        None => match entry.string() {
            StringRef::Integer(integer) => output.integer(integer),
            StringRef::Text(text) => output.string(text),
            StringRef::Shared(text) => output.blob(text),
        },
        Some(ObjectRef::Hash(value)) => hash::encode(value, output),
        Some(ObjectRef::List(value)) => list::encode(value, output),
        Some(other) => unreachable!("no {} can be made yet", other.value_type().name()),
    }
}

/// Reads a value of a type.
pub(super) fn decode<R: BufRead>(
    kind: u8,
    input: &mut Input<R>,
    shapes: &Shapes,
) -> Result<Value, RdbError> {
    let object: Object = match kind {
        kind::STRING => return string(input),
        kind::HASH => hash::decode(input, Deadlines::None, shapes.hash)?.into(),
        kind::HASH_ZIPMAP => hash::of_pairs(unpack_zipmap(&input.string()?)?, shapes.hash)?.into(),
        kind::HASH_ZIPLIST => {
            hash::of_pairs(unpack_ziplist(&input.string()?)?, shapes.hash)?.into()
        }
        kind::HASH_LISTPACK => hash::of_pairs(packs::packed(input)?, shapes.hash)?.into(),
        kind::HASH_VALKEY => hash::decode(input, Deadlines::Behind, shapes.hash)?.into(),
        kind::HASH_DEADLINES => hash::decode(input, Deadlines::Before, shapes.hash)?.into(),
        kind::HASH_LISTPACK_DEADLINES => hash::decode_triplets(input, shapes.hash)?.into(),
        kind::LIST => list::decode(input, &shapes.list)?.into(),
        kind::LIST_ZIPLIST => {
            list::of_packed(unpack_ziplist(&input.string()?)?, &shapes.list).into()
        }
        kind::LIST_QUICKLIST => list::decode_ziplists(input, &shapes.list)?.into(),
        kind::LIST_QUICKLIST_2 => list::decode_pieces(input, &shapes.list)?.into(),
        kind::MODULE | kind::MODULE_2 => {
            return Err(RdbError::Module(module_name(input.count()?)));
        }
        other => return Err(RdbError::UnknownType(other)),
    };
    // Only streams are kept when nothing is in them.
    let is_kept = matches!(object, Object::Stream(_)) || !object.as_ref().is_empty();
    if is_kept { Ok(Value::Object(object)) } else { Err(RdbError::EmptyValue) }
}

fn string<R: BufRead>(input: &mut Input<R>) -> Result<Value, RdbError> {
    Ok(match input.text()? {
        Text::Integer(integer) => Value::Integer(integer),
        Text::Bytes(bytes) => Value::Text(bytes),
    })
}

/// Returns the name of the module that a number identifies: nine letters of six bits each.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const VERSION_BITS: u32 = 10;
    let letter = |place: u32| {
        let bits = id >> (VERSION_BITS + 6 * (8 - place)) & 0x3f;
        char::from(LETTERS[usize::try_from(bits).expect("six bits")])
    };
    (0..9).map(letter).collect()
}
