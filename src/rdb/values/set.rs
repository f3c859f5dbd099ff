//! Sets.

use std::io::{self, BufRead, Write};

use super::Form;
use super::packs::{are_different, packed, room};
use crate::rdb::codes::{VERSION_ACTIVITY, VERSION_BASE, kind};
use crate::rdb::error::RdbError;
use crate::rdb::input::Input;
use crate::rdb::output::Output;
use crate::types::{Collection, Encoding, IntegerText, Set, SetLimits};

const TWICE: RdbError = RdbError::Corrupt("a member that stands twice");

/// Returns how a set is written. Packed sets have a form of their own only since Redis 7.2; the plain
/// form gives the same set back, unless all its members are integers.
pub(super) fn form(set: &Set) -> Form {
    let (kind, version) = match set.encoding() {
        Encoding::Intset => (kind::SET_INTSET, VERSION_BASE),
        Encoding::Listpack if set.iter().all(|member| member.integer().is_some()) => {
            (kind::SET_LISTPACK, VERSION_ACTIVITY)
        }
        _ => (kind::SET, VERSION_BASE),
    };
    Form { kind, version }
}

/// Writes a set in its form.
pub(super) fn encode<W: Write>(set: &Set, output: &mut Output<W>) -> io::Result<()> {
    if form(set).kind != kind::SET
        && let Some(bytes) = set.small_bytes()
    {
        return output.blob(bytes);
    }
    output.len(set.len())?;
    let mut digits = IntegerText::new();
    set.iter().try_for_each(|member| output.string(member.bytes(&mut digits)))
}

/// Reads a set written member by member.
pub(super) fn decode<R: BufRead>(
    input: &mut Input<R>,
    limits: &SetLimits,
) -> Result<Set, RdbError> {
    let count = input.count()?;
    if count == 0 {
        return Err(RdbError::EmptyValue);
    }
    let largest = limits.integers_max.max(limits.packed.entries_max);
    let first = input.string()?;
    let mut set = Set::for_members(&first, room(count, largest), limits);
    set.add(&first, limits);
    for _ in 1..count {
        if !set.add(&input.string()?, limits) {
            return Err(TWICE);
        }
    }
    Ok(set)
}

/// Reads a set of integers.
pub(super) fn decode_integers<R: BufRead>(
    input: &mut Input<R>,
    limits: &SetLimits,
) -> Result<Set, RdbError> {
    let mut set = Set::from_integer_bytes(&input.string()?)
        .map_err(|_| RdbError::Corrupt("a damaged set of integers"))?;
    set.expect(set.len(), limits);
    Ok(set)
}

/// Reads a packed set.
pub(super) fn decode_packed<R: BufRead>(
    input: &mut Input<R>,
    limits: &SetLimits,
) -> Result<Set, RdbError> {
    let members = packed(input)?;
    if !are_different(members.iter()) {
        return Err(TWICE);
    }
    let mut set = Set::of_packed(members);
    set.expect(set.len(), limits);
    Ok(set)
}
