//! Sorted sets.

use std::io::{self, BufRead, Write};

use super::Form;
use super::packs::room;
use crate::rdb::codes::{VERSION_BASE, kind};
use crate::rdb::error::RdbError;
use crate::rdb::input::Input;
use crate::rdb::output::Output;
use crate::types::{IntegerText, Packed, PackedLimits, SortedSet};

/// Returns how a sorted set is written.
pub(super) fn form(set: &SortedSet) -> Form {
    let kind = match set.as_packed() {
        Some(_) => kind::SORTED_SET_LISTPACK,
        None => kind::SORTED_SET_2,
    };
    Form { kind, version: VERSION_BASE }
}

/// Writes a sorted set in its form; the largest score first, as readers expect.
pub(super) fn encode<W: Write>(set: &SortedSet, output: &mut Output<W>) -> io::Result<()> {
    if let Some(packed) = set.as_packed() {
        return output.blob(packed.as_bytes());
    }
    output.len(set.len())?;
    let mut digits = IntegerText::new();
    for (member, score) in set.walk(0..set.len(), true) {
        output.string(member.bytes(&mut digits))?;
        output.f64(score)?;
    }
    Ok(())
}

/// Reads a sorted set written member by member; old releases wrote scores as text.
pub(super) fn decode<R: BufRead>(
    input: &mut Input<R>,
    has_text_scores: bool,
    limits: PackedLimits,
) -> Result<SortedSet, RdbError> {
    let count = input.count()?;
    let mut set = SortedSet::for_members(room(count, limits.entries_max), 0, limits);
    for _ in 0..count {
        let member = input.string()?;
        let score = if has_text_scores { input.text_f64()? } else { input.f64()? };
        if score.is_nan() {
            return Err(RdbError::Corrupt("a score that is no number"));
        }
        if set.upsert(&member, limits, |_| Some(score)).is_some() {
            return Err(RdbError::Corrupt("a member that stands twice"));
        }
    }
    Ok(set)
}

/// Takes a packed sequence for a sorted set, once it is seen to be one.
pub(super) fn of_packed(packed: Packed, limits: PackedLimits) -> Result<SortedSet, RdbError> {
    SortedSet::from_packed(packed, limits)
        .map_err(|_| RdbError::Corrupt("members and scores that are no sorted set"))
}
