//! Walking over a hash.

use super::packed::{self, Shape};
use crate::types::member_table::Members;
use crate::types::pair::Pair;
use crate::types::{At, Item, Packed};

/// A field of a hash as its reader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashField<'a> {
    pub field: Item<'a>,
    pub value: Item<'a>,
    /// Milliseconds since 1970.
    pub deadline_ms: Option<u64>,
}

impl HashField<'_> {
    /// Says whether the field's time has come: then it is only not removed yet.
    #[inline]
    pub fn is_due(&self, now_ms: u64) -> bool {
        is_due(self.deadline_ms, now_ms)
    }
}

/// Says whether a deadline has come.
#[inline]
pub(super) fn is_due(deadline_ms: Option<u64>, now_ms: u64) -> bool {
    deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms)
}

/// All fields of a hash, those included whose time has come.
#[derive(Clone)]
pub struct HashFields<'a>(pub(super) Fields<'a>);

#[derive(Clone)]
pub(super) enum Fields<'a> {
    Packed { packed: &'a Packed, shape: Shape, next: Option<At> },
    Table(Members<'a, Pair>),
}

/// Returns a pair as its reader sees it.
#[inline]
pub(super) fn of_pair(pair: &Pair) -> HashField<'_> {
    let (field, value) = pair.parts();
    HashField {
        field: Item::Text(field),
        value: Item::Text(value),
        deadline_ms: pair.deadline_ms(),
    }
}

impl<'a> Iterator for HashFields<'a> {
    type Item = HashField<'a>;

    #[inline]
    fn next(&mut self) -> Option<HashField<'a>> {
        match &mut self.0 {
            Fields::Table(pairs) => pairs.next().map(of_pair),
            Fields::Packed { packed, shape, next } => {
                let at = (*next)?;
                let value = packed.next(at)?;
                let mut deadline_ms = None;
                let mut last = value;
                if *shape == Shape::Triplets {
                    last = packed.next(value)?;
                    deadline_ms = packed::deadline_at(packed, last);
                }
                *next = packed.next(last);
                let (field, value) = (packed.item(at), packed.item(value));
                Some(HashField { field, value, deadline_ms })
            }
        }
    }
}
