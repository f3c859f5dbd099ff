//! Hashes: fields with values, some of which may have deadlines.
//!
//! A small hash is a packed sequence of pairs; once a field gets a deadline, one of triplets. Beyond
//! the limits it becomes a [`Table`], and stays one. A field whose time has come is there until
//! somebody removes it; who reads says what time it is, and does not see such a field.

mod deadlines;
mod iterator;
#[cfg(test)]
mod model_tests;
mod packed;
mod table;

use self::iterator::{Fields, is_due, of_pair};
use self::packed::{Place, Shape};
use self::table::Table;
use super::{Collection, Encoding, Item, Packed, PackedLimits, ValueType};

pub use iterator::{HashField, HashFields};

/// A hash.
#[derive(Clone, Debug)]
pub struct Hash(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Pairs(Packed),
    Large(Box<Large>),
}

#[derive(Clone, Debug)]
enum Large {
    Triplets(Packed),
    Table(Table),
}

/// What becomes of a field's deadline when its value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldDeadline {
    /// There is none afterwards.
    None,
    /// It stays.
    Keep,
    /// Milliseconds since 1970.
    At(u64),
}

impl FieldDeadline {
    #[inline]
    fn after(self, was_ms: Option<u64>) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Keep => was_ms,
            Self::At(deadline_ms) => Some(deadline_ms),
        }
    }
}

/// The parts of a hash, for who writes it down.
#[derive(Clone, Copy, Debug)]
pub enum HashParts<'a> {
    /// Fields and values in turns.
    Pairs(&'a Packed),
    /// Fields, values and deadlines (0: none) in turns, soonest first.
    Triplets(&'a Packed),
    /// To be walked over.
    Table,
}

/// How a hash is held, for both directions of access.
enum View<'a> {
    Packed(&'a Packed, Shape),
    Table(&'a Table),
}

enum ViewMut<'a> {
    Packed(&'a mut Packed, Shape),
    Table(&'a mut Table),
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl Hash {
    /// Returns an empty hash.
    pub fn new() -> Self {
        Self(Repr::Pairs(Packed::new()))
    }

    /// Returns an empty hash of the form that so many fields take.
    pub fn for_fields(field_count: usize, limits: PackedLimits) -> Self {
        if field_count > limits.entries_max {
            return Self(Repr::Large(Box::new(Large::Table(Table::default()))));
        }
        Self::new()
    }

    /// Returns the hash whose fields and values stand in a sequence in turns. They are known to be
    /// whole, and no field stands twice.
    pub fn from_pairs(pairs: Packed) -> Self {
        debug_assert!(pairs.len().is_multiple_of(2));
        Self(Repr::Pairs(pairs))
    }

    /// Returns the hash of triplets: as [`HashParts::Triplets`], sorted.
    pub fn from_triplets(triplets: Packed) -> Self {
        debug_assert!(triplets.len().is_multiple_of(3));
        Self(Repr::Large(Box::new(Large::Triplets(triplets))))
    }

    /// Returns the parts.
    pub fn parts(&self) -> HashParts<'_> {
        match self.view() {
            View::Packed(packed, Shape::Pairs) => HashParts::Pairs(packed),
            View::Packed(packed, Shape::Triplets) => HashParts::Triplets(packed),
            View::Table(_) => HashParts::Table,
        }
    }

    /// Starts to fetch what look-ups of these fields will read.
    #[inline]
    pub(in crate::types) fn prefetch(&self, fields: &[&[u8]]) {
        if let View::Table(table) = self.view() {
            table.prefetch(fields);
        }
    }

    #[inline]
    fn view(&self) -> View<'_> {
        match &self.0 {
            Repr::Pairs(packed) => View::Packed(packed, Shape::Pairs),
            Repr::Large(large) => match &**large {
                Large::Table(table) => View::Table(table),
                Large::Triplets(packed) => View::Packed(packed, Shape::Triplets),
            },
        }
    }

    #[inline]
    fn view_mut(&mut self) -> ViewMut<'_> {
        match &mut self.0 {
            Repr::Pairs(packed) => ViewMut::Packed(packed, Shape::Pairs),
            Repr::Large(large) => match &mut **large {
                Large::Table(table) => ViewMut::Table(table),
                Large::Triplets(packed) => ViewMut::Packed(packed, Shape::Triplets),
            },
        }
    }

    /// Returns all fields, those included whose time has come.
    pub fn iter(&self) -> HashFields<'_> {
        HashFields(match self.view() {
            View::Packed(packed, shape) => Fields::Packed { packed, shape, next: packed.first() },
            View::Table(table) => Fields::Table(table.pairs()),
        })
    }

    /// Returns the value and the deadline of a field, even if its time has come.
    #[inline]
    pub fn find(&self, field: &[u8]) -> Option<(Item<'_>, Option<u64>)> {
        match self.view() {
            View::Packed(packed, shape) => {
                let place = packed::find(packed, shape, field)?;
                let deadline_ms = packed::deadline(packed, shape, place);
                Some((packed.item(place.value), deadline_ms))
            }
            View::Table(table) => {
                let pair = table.get(field)?;
                Some((Item::Text(pair.value()), pair.deadline_ms()))
            }
        }
    }

    /// Returns the value of a field whose time has not come.
    #[inline]
    pub fn get(&self, field: &[u8], now_ms: u64) -> Option<Item<'_>> {
        let (value, deadline_ms) = self.find(field)?;
        (!is_due(deadline_ms, now_ms)).then_some(value)
    }

    /// Says whether the field is there and its time has come.
    pub fn holds_due(&self, field: &[u8], now_ms: u64) -> bool {
        self.find(field).is_some_and(|(_, deadline_ms)| is_due(deadline_ms, now_ms))
    }

    /// Returns a random field, any as likely as any other, even one whose time has come; `None` if
    /// there is none. Cost: O(1) for a table, a walk otherwise.
    pub fn random(&self, random: &mut fastrand::Rng) -> Option<HashField<'_>> {
        let len = self.len();
        if len == 0 {
            return None;
        }
        match self.view() {
            View::Packed(..) => self.iter().nth(random.usize(..len)),
            View::Table(table) => Some(of_pair(table.random(random))),
        }
    }

    /// Says whether a random field is one step away.
    pub fn is_table(&self) -> bool {
        matches!(self.view(), View::Table(_))
    }

    /// Sets a field's value. Says whether the field is new.
    ///
    /// A field or value longer than the limits, or one field too many, makes it a table first.
    #[inline]
    pub fn set(
        &mut self,
        field: &[u8],
        value: &[u8],
        deadline: FieldDeadline,
        limits: PackedLimits,
    ) -> bool {
        self.make_room(field, value, limits);
        if matches!(deadline, FieldDeadline::At(_)) {
            self.make_triplets();
        }
        match self.view_mut() {
            ViewMut::Table(table) => table.set(field, value, |was_ms| deadline.after(was_ms)),
            ViewMut::Packed(packed, shape) => {
                let is_new = set_packed(packed, shape, field, value, deadline);
                if is_new && packed.len() / shape.width() > limits.entries_max {
                    self.make_table();
                }
                is_new
            }
        }
    }

    /// Sets or removes the deadline of a field; says whether the field is there.
    pub fn set_deadline(&mut self, field: &[u8], deadline_ms: Option<u64>) -> bool {
        if deadline_ms.is_some() {
            self.make_triplets();
        }
        match self.view_mut() {
            ViewMut::Table(table) => table.set_deadline(field, deadline_ms),
            ViewMut::Packed(packed, shape) => {
                let Some(place) = packed::find(packed, shape, field) else { return false };
                if shape == Shape::Triplets {
                    packed::move_triplet(packed, place, deadline_ms);
                }
                true
            }
        }
    }

    /// Removes a field; says whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match self.view_mut() {
            ViewMut::Table(table) => table.remove(field).is_some(),
            ViewMut::Packed(packed, shape) => {
                let place = packed::find(packed, shape, field);
                place.map(|place| packed.remove_range(place.field, shape.width())).is_some()
            }
        }
    }

    /// Removes up to `limit` fields whose time has come, the soonest first, and shows each to `visit`.
    /// Returns how many there were. Cost: of these alone.
    pub fn remove_due(&mut self, now_ms: u64, limit: usize, mut visit: impl FnMut(&[u8])) -> usize {
        let mut count = 0;
        while count < limit {
            match self.view_mut() {
                ViewMut::Packed(_, Shape::Pairs) => break,
                ViewMut::Table(table) => match table.remove_due(now_ms) {
                    Some(pair) => visit(pair.field()),
                    None => break,
                },
                ViewMut::Packed(packed, Shape::Triplets) => {
                    let Some(first) = packed.first() else { break };
                    if !is_due(packed::due_ms(packed), now_ms) {
                        break;
                    }
                    visit(packed.item(first).bytes(&mut Default::default()));
                    packed.remove_range(first, Shape::Triplets.width());
                }
            }
            count += 1;
        }
        count
    }

    /// Walks on from where `cursor` says, over about `count` fields, and returns the next cursor; 0
    /// begins and ends. A field that is there all the time is met once.
    pub fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(HashField<'a>),
    ) -> u64 {
        let View::Table(table) = self.view() else {
            self.iter().for_each(visit);
            return 0;
        };
        table.scan(cursor, count.max(1), |pair| visit(of_pair(pair)))
    }

    /// Becomes a table if `field_count` fields at once are too many for a packed sequence.
    pub fn expect_fields(&mut self, field_count: usize, limits: PackedLimits) {
        if field_count > limits.entries_max {
            self.make_table();
        }
    }

    #[inline]
    fn make_room(&mut self, field: &[u8], value: &[u8], limits: PackedLimits) {
        let View::Packed(packed, _) = self.view() else { return };
        let longest = field.len().max(value.len());
        if longest > limits.value_bytes_max || !packed.has_room(field.len() + value.len()) {
            self.make_table();
        }
    }

    /// Makes room for deadlines, even if none comes: that shows in the encoding.
    pub fn make_triplets(&mut self) {
        if let Repr::Pairs(pairs) = &self.0 {
            let triplets = packed::triplets_of(pairs);
            self.0 = Repr::Large(Box::new(Large::Triplets(triplets)));
        }
    }

    #[cold]
    fn make_table(&mut self) {
        if self.is_table() {
            return;
        }
        let mut table = Table::default();
        let (mut field_digits, mut value_digits) = Default::default();
        for HashField { field, value, deadline_ms } in self.iter() {
            let (field, value) = (field.bytes(&mut field_digits), value.bytes(&mut value_digits));
            table.add(field, value, deadline_ms);
        }
        self.0 = Repr::Large(Box::new(Large::Table(table)));
    }
}

/// Sets a field of a packed hash; says whether it is new.
fn set_packed(
    packed: &mut Packed,
    shape: Shape,
    field: &[u8],
    value: &[u8],
    deadline: FieldDeadline,
) -> bool {
    let Some(place) = packed::find(packed, shape, field) else {
        match deadline {
            FieldDeadline::At(deadline_ms) => {
                packed::add_triplet(packed, field.into(), value.into(), Some(deadline_ms));
            }
            _ => packed::add(packed, shape, field, value),
        }
        return true;
    };
    packed.replace(place.value, value);
    if shape == Shape::Triplets {
        let was_ms = packed::deadline(packed, shape, place);
        packed::move_triplet(packed, Place { ..place }, deadline.after(was_ms));
    }
    false
}

impl Collection for Hash {
    const TYPE: ValueType = ValueType::Hash;

    #[inline]
    fn memory_bytes(&self) -> usize {
        match &self.0 {
            Repr::Pairs(packed) => packed.byte_count(),
            Repr::Large(large) => {
                size_of::<Large>()
                    + match &**large {
                        Large::Table(table) => table.memory_bytes(),
                        Large::Triplets(packed) => packed.byte_count(),
                    }
            }
        }
    }

    /// Those included whose time has come.
    #[inline]
    fn len(&self) -> usize {
        match self.view() {
            View::Packed(packed, shape) => packed.len() / shape.width(),
            View::Table(table) => table.len(),
        }
    }

    fn encoding(&self) -> Encoding {
        match self.view() {
            View::Packed(_, Shape::Pairs) => Encoding::Listpack,
            View::Packed(_, Shape::Triplets) => Encoding::ListpackEx,
            View::Table(_) => Encoding::Hashtable,
        }
    }

    fn free_cost(&self) -> usize {
        match self.view() {
            View::Packed(..) => 1,
            View::Table(table) => table.piece_count(),
        }
    }

    fn dismantle(self, pause: &mut dyn FnMut()) {
        if let Repr::Large(large) = self.0
            && let Large::Table(table) = *large
        {
            table.dismantle(pause);
        }
    }

    #[inline]
    fn due_ms(&self) -> Option<u64> {
        match self.view() {
            View::Packed(_, Shape::Pairs) => None,
            View::Packed(packed, Shape::Triplets) => packed::due_ms(packed),
            View::Table(table) => table.due_ms(),
        }
    }
}
