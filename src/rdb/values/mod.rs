//! One value: which type it is written as, and from which types it is read.

mod hash;
mod list;
mod packs;
mod set;
mod sorted_set;
mod stream;

use std::io::{self, BufRead, Write};

use bytes::Bytes;

use self::hash::Deadlines;
use self::stream::StreamForm;
use super::codes::{VERSION_BASE, kind};
use super::error::RdbError;
use super::input::{Input, Text};
use super::legacy::{unpack_ziplist, unpack_zipmap};
use super::output::Output;
use super::shapes::Shapes;
use crate::keyspace::Entry;
use crate::types::{
    Hash, List, Object, ObjectRef, SHARED_BYTES_MIN, SortedSet, StringRef, StringValue,
};

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
            Some(ObjectRef::Set(value)) => set::form(value),
            Some(ObjectRef::SortedSet(value)) => sorted_set::form(value),
            Some(ObjectRef::Stream(value)) => stream::form(value),
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
        Some(ObjectRef::Set(value)) => set::encode(value, output),
        Some(ObjectRef::SortedSet(value)) => sorted_set::encode(value, output),
        Some(ObjectRef::Stream(value)) => stream::encode(value, output),
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
        kind::LIST | kind::LIST_ZIPLIST | kind::LIST_QUICKLIST | kind::LIST_QUICKLIST_2 => {
            decode_list(kind, input, shapes)?.into()
        }
        kind::SET => set::decode(input, &shapes.set)?.into(),
        kind::SET_INTSET => set::decode_integers(input, &shapes.set)?.into(),
        kind::SET_LISTPACK => set::decode_packed(input, &shapes.set)?.into(),
        kind::SORTED_SET
        | kind::SORTED_SET_2
        | kind::SORTED_SET_ZIPLIST
        | kind::SORTED_SET_LISTPACK => decode_sorted_set(kind, input, shapes)?.into(),
        kind::STREAM => stream::decode(input, StreamForm::First)?.into(),
        kind::STREAM_2 => stream::decode(input, StreamForm::Marks)?.into(),
        kind::STREAM_3 => stream::decode(input, StreamForm::Activity)?.into(),
        kind::STREAM_4 => stream::decode(input, StreamForm::Producers)?.into(),
        kind::STREAM_5 => stream::decode(input, StreamForm::Returned)?.into(),
        kind::MODULE | kind::MODULE_2 => {
            return Err(RdbError::Module(module_name(input.count()?)));
        }
        other => decode_hash(other, input, shapes)?.into(),
    };
    // Only streams are kept when nothing is in them.
    let is_kept = matches!(object, Object::Stream(_)) || !object.as_ref().is_empty();
    if is_kept { Ok(Value::Object(object)) } else { Err(RdbError::EmptyValue) }
}

fn decode_list<R: BufRead>(
    kind: u8,
    input: &mut Input<R>,
    shapes: &Shapes,
) -> Result<List, RdbError> {
    match kind {
        kind::LIST_ZIPLIST => Ok(list::of_packed(unpack_ziplist(&input.string()?)?, &shapes.list)),
        kind::LIST_QUICKLIST => list::decode_ziplists(input, &shapes.list),
        kind::LIST_QUICKLIST_2 => list::decode_pieces(input, &shapes.list),
        _ => list::decode(input, &shapes.list),
    }
}

fn decode_sorted_set<R: BufRead>(
    kind: u8,
    input: &mut Input<R>,
    shapes: &Shapes,
) -> Result<SortedSet, RdbError> {
    let limits = shapes.sorted_set;
    match kind {
        kind::SORTED_SET_ZIPLIST => {
            sorted_set::of_packed(unpack_ziplist(&input.string()?)?, limits)
        }
        kind::SORTED_SET_LISTPACK => sorted_set::of_packed(packs::packed(input)?, limits),
        _ => sorted_set::decode(input, kind == kind::SORTED_SET, limits),
    }
}

/// Reads a hash; a type that is none of a hash is none at all.
fn decode_hash<R: BufRead>(
    kind: u8,
    input: &mut Input<R>,
    shapes: &Shapes,
) -> Result<Hash, RdbError> {
    let limits = shapes.hash;
    match kind {
        kind::HASH => hash::decode(input, Deadlines::None, limits),
        kind::HASH_VALKEY => hash::decode(input, Deadlines::Behind, limits),
        kind::HASH_DEADLINES => hash::decode(input, Deadlines::Before, limits),
        kind::HASH_ZIPMAP => hash::of_pairs(unpack_zipmap(&input.string()?)?, limits),
        kind::HASH_ZIPLIST => hash::of_pairs(unpack_ziplist(&input.string()?)?, limits),
        kind::HASH_LISTPACK => hash::of_pairs(packs::packed(input)?, limits),
        kind::HASH_LISTPACK_DEADLINES => hash::decode_triplets(input, limits),
        other => Err(RdbError::UnknownType(other)),
    }
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
