//! Small hashes: fields and values one behind the other in a packed sequence, or triplets of field,
//! value and deadline.
//!
//! In triplets a deadline is an integer of milliseconds since 1970, 0 for none. Those with a deadline
//! come first, the soonest at the start; so RDB files want them, and so what is due is found at once.

use crate::types::{At, Item, Packed};

/// The deadline of a triplet whose field stays for good.
const NO_DEADLINE: i64 = 0;

/// How many items belong to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Pairs,
    Triplets,
}

impl Shape {
    #[inline]
    pub(super) const fn width(self) -> usize {
        match self {
            Self::Pairs => 2,
            Self::Triplets => 3,
        }
    }
}

/// A field of a small hash.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) field: At,
    pub(super) value: At,
}

/// Returns where a field stands.
#[inline]
pub(super) fn find(packed: &Packed, shape: Shape, field: &[u8]) -> Option<Place> {
    let at = packed.find(packed.first()?, field, shape.width() - 1)?;
    Some(Place { field: at, value: packed.next(at)? })
}

/// Returns the deadline of a field.
#[inline]
pub(super) fn deadline(packed: &Packed, shape: Shape, place: Place) -> Option<u64> {
    match shape {
        Shape::Pairs => None,
        Shape::Triplets => deadline_at(packed, packed.next(place.value)?),
    }
}

/// Returns the deadline that an item of a triplet stands for.
pub(super) fn deadline_at(packed: &Packed, at: At) -> Option<u64> {
    let deadline_ms = packed.item(at).integer()?;
    (deadline_ms != NO_DEADLINE).then(|| deadline_ms.cast_unsigned())
}

/// Returns the soonest deadline of any field of triplets.
pub(super) fn due_ms(triplets: &Packed) -> Option<u64> {
    let first = triplets.first()?;
    deadline_at(triplets, triplets.on_by(first, 2)?)
}

/// Adds a field that is not there.
pub(super) fn add(packed: &mut Packed, shape: Shape, field: &[u8], value: &[u8]) {
    match shape {
        Shape::Pairs => packed.append(&[field.into(), value.into()]),
        Shape::Triplets => add_triplet(packed, field.into(), value.into(), None),
    }
}

/// Puts a new triplet where its deadline belongs.
pub(super) fn add_triplet(
    packed: &mut Packed,
    field: Item<'_>,
    value: Item<'_>,
    deadline_ms: Option<u64>,
) {
    let at = match deadline_ms {
        None => packed.end(),
        Some(deadline_ms) => place_for(packed, deadline_ms),
    };
    let deadline = deadline_ms.map_or(NO_DEADLINE, u64::cast_signed);
    packed.insert_all_before(at, &[field, value, deadline.into()]);
}

/// Returns where a triplet with this deadline is to stand: behind those that are due no later.
fn place_for(packed: &Packed, deadline_ms: u64) -> At {
    let mut next = packed.first();
    while let Some(at) = next {
        let last = packed.on_by(at, 2);
        match last.and_then(|last| deadline_at(packed, last)) {
            Some(other_ms) if other_ms <= deadline_ms => next = packed.on_by(at, 3),
            _ => return at,
        }
    }
    packed.end()
}

/// Gives a triplet another deadline, which moves it.
pub(super) fn move_triplet(packed: &mut Packed, place: Place, deadline_ms: Option<u64>) {
    if deadline(packed, Shape::Triplets, place) == deadline_ms {
        return;
    }
    let (mut field_digits, mut value_digits) = Default::default();
    let field = packed.item(place.field).bytes(&mut field_digits).to_vec();
    let value = packed.item(place.value).bytes(&mut value_digits).to_vec();
    packed.remove_range(place.field, Shape::Triplets.width());
    add_triplet(packed, field.as_slice().into(), value.as_slice().into(), deadline_ms);
}

/// Returns the triplets for pairs; no field has a deadline yet.
pub(super) fn triplets_of(pairs: &Packed) -> Packed {
    let mut items = Vec::with_capacity(pairs.len() / 2 * 3);
    for (index, item) in pairs.iter().enumerate() {
        items.push(item);
        if index % 2 == 1 {
            items.push(Item::Integer(NO_DEADLINE));
        }
    }
    items.into_iter().collect()
}
