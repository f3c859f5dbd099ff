//! Hashes, with and without deadlines of fields.

use std::io::{self, BufRead, Write};

use super::Form;
use super::packs::{are_different, packed, room};
use crate::rdb::codes::{VERSION_BASE, VERSION_FIELD_DEADLINES, kind};
use crate::rdb::error::RdbError;
use crate::rdb::input::Input;
use crate::rdb::output::Output;
use crate::types::{
    Collection, FieldDeadline, Hash, HashParts, IntegerText, Item, Packed, PackedLimits,
};

const UNEVEN: RdbError = RdbError::Corrupt("a field without a value");
/// Stands for a deadline at the beginning of 1970: a zero means that there is none.
const DEADLINE_MS_MIN: u64 = 1;
const TWICE: RdbError = RdbError::Corrupt("a field that stands twice");

/// Returns how a hash is written.
pub(super) fn form(hash: &Hash) -> Form {
    let (kind, version) = match (hash.parts(), hash.due_ms()) {
        (HashParts::Pairs(_), _) => (kind::HASH_LISTPACK, VERSION_BASE),
        (HashParts::Triplets(_), _) => (kind::HASH_LISTPACK_DEADLINES, VERSION_FIELD_DEADLINES),
        (HashParts::Table, Some(_)) => (kind::HASH_DEADLINES, VERSION_FIELD_DEADLINES),
        (HashParts::Table, None) => (kind::HASH, VERSION_BASE),
    };
    Form { kind, version }
}

/// Writes a hash in its form.
pub(super) fn encode<W: Write>(hash: &Hash, output: &mut Output<W>) -> io::Result<()> {
    match hash.parts() {
        HashParts::Pairs(pairs) => output.blob(pairs.as_bytes()),
        HashParts::Triplets(triplets) => {
            output.u64(hash.due_ms().unwrap_or(0))?;
            output.blob(triplets.as_bytes())
        }
        HashParts::Table => encode_table(hash, output),
    }
}

/// Writes all fields; deadlines relative to the first one, as small numbers.
fn encode_table<W: Write>(hash: &Hash, output: &mut Output<W>) -> io::Result<()> {
    let first_ms = hash.due_ms();
    if let Some(first_ms) = first_ms {
        output.u64(first_ms)?;
    }
    output.len(hash.len())?;
    let (mut field_digits, mut value_digits) = (IntegerText::new(), IntegerText::new());
    for field in hash.iter() {
        if let Some(first_ms) = first_ms {
            let behind_ms = field.deadline_ms.map(|deadline_ms| deadline_ms - first_ms + 1);
            output.count(behind_ms.unwrap_or(0))?;
        }
        output.string(field.field.bytes(&mut field_digits))?;
        output.string(field.value.bytes(&mut value_digits))?;
    }
    Ok(())
}

/// Where a field's deadline stands.
#[derive(Clone, Copy)]
pub(super) enum Deadlines {
    None,
    /// Before the field, relative to the first one.
    Before,
    /// Behind the value, as Valkey has it.
    Behind,
}

/// Reads a hash written field by field.
pub(super) fn decode<R: BufRead>(
    input: &mut Input<R>,
    deadlines: Deadlines,
    limits: PackedLimits,
) -> Result<Hash, RdbError> {
    let first_ms = match deadlines {
        Deadlines::Before => input.u64()?,
        _ => 0,
    };
    let count = input.count()?;
    let mut hash = Hash::for_fields(room(count, limits.entries_max), limits);
    for _ in 0..count {
        let before = match deadlines {
            Deadlines::Before => input.count()?,
            _ => 0,
        };
        let (field, value) = (input.string()?, input.string()?);
        let deadline = match deadlines {
            Deadlines::Behind => absolute(input.u64()?),
            _ => relative(before, first_ms)?,
        };
        if !hash.set(&field, &value, deadline, limits) {
            return Err(TWICE);
        }
    }
    Ok(hash)
}

/// Returns what a deadline relative to the first one means; zero is none.
fn relative(behind_ms: u64, first_ms: u64) -> Result<FieldDeadline, RdbError> {
    let Some(behind_ms) = behind_ms.checked_sub(1) else { return Ok(FieldDeadline::None) };
    let deadline_ms = first_ms.checked_add(behind_ms).filter(|&ms| i64::try_from(ms).is_ok());
    deadline_ms.map(at).ok_or(RdbError::Corrupt("a deadline that is no time"))
}

/// Returns what a signed deadline means; a negative one is none.
fn absolute(bits: u64) -> FieldDeadline {
    u64::try_from(bits.cast_signed()).map_or(FieldDeadline::None, at)
}

fn at(deadline_ms: u64) -> FieldDeadline {
    FieldDeadline::At(deadline_ms.max(DEADLINE_MS_MIN))
}

/// Takes pairs for a hash, once they are seen to be some.
pub(super) fn of_pairs(pairs: Packed, limits: PackedLimits) -> Result<Hash, RdbError> {
    if !pairs.len().is_multiple_of(2) {
        return Err(UNEVEN);
    }
    if !are_different(pairs.iter().step_by(2)) {
        return Err(TWICE);
    }
    let mut hash = Hash::from_pairs(pairs);
    hash.expect_fields(hash.len(), limits);
    Ok(hash)
}

/// Reads a packed hash of fields, values and deadlines.
pub(super) fn decode_triplets<R: BufRead>(
    input: &mut Input<R>,
    limits: PackedLimits,
) -> Result<Hash, RdbError> {
    // The first deadline, which the triplets tell as well.
    input.u64()?;
    let triplets = packed(input)?;
    if !triplets.len().is_multiple_of(3) {
        return Err(UNEVEN);
    }
    if !are_different(triplets.iter().step_by(3)) {
        return Err(TWICE);
    }
    if !are_in_order(triplets.iter().skip(2).step_by(3)) {
        return Err(RdbError::Corrupt("fields out of the order of their deadlines"));
    }
    let mut hash = Hash::from_triplets(triplets);
    hash.expect_fields(hash.len(), limits);
    Ok(hash)
}

/// Says whether all items are deadlines, the soonest first and those that are none (0) last.
fn are_in_order<'a>(deadlines: impl Iterator<Item = Item<'a>>) -> bool {
    let ranks: Option<Vec<u64>> = deadlines
        .map(|item| match item {
            Item::Integer(0) => Some(u64::MAX),
            Item::Integer(deadline_ms) => u64::try_from(deadline_ms).ok(),
            Item::Text(_) => None,
        })
        .collect();
    ranks.is_some_and(|ranks| ranks.is_sorted())
}
