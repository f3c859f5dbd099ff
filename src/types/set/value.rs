//! The set: which representation it has, when that changes, and what can be done with its members.

use super::integers::{self, Integers};
use super::small::{Small, View};
use crate::base::text;
use crate::types::member_table::MemberTable;
use crate::types::{
    Collection, Corrupt, Encoding, IntegerText, Item, Packed, PackedLimits, Text, ValueType,
};

/// Up to where a set stays small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetLimits {
    /// Members of a set of nothing but integers.
    pub integers_max: usize,
    /// Any other set.
    pub packed: PackedLimits,
}

/// A set of texts.
#[derive(Clone)]
pub struct Set {
    repr: Repr,
}

#[derive(Clone)]
enum Repr {
    Small(Small),
    Table(Box<MemberTable<Text>>),
}
const _: () = assert!(size_of::<Set>() == 16, "a set is two words");

impl std::fmt::Debug for Set {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl Collection for Set {
    const TYPE: ValueType = ValueType::Set;

    #[inline]
    fn memory_bytes(&self) -> usize {
        match &self.repr {
            Repr::Small(small) => small.byte_count(),
            Repr::Table(table) => size_of::<MemberTable<Text>>() + table.memory_bytes(),
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match &self.repr {
            Repr::Small(small) => match small.view() {
                View::Integers(integers) => integers.len(),
                View::Packed(packed) => packed.len(),
            },
            Repr::Table(table) => table.len(),
        }
    }

    fn encoding(&self) -> Encoding {
        match &self.repr {
            Repr::Small(small) => match small.view() {
                View::Integers(_) => Encoding::Intset,
                View::Packed(_) => Encoding::Listpack,
            },
            Repr::Table(_) => Encoding::Hashtable,
        }
    }

    fn free_cost(&self) -> usize {
        match &self.repr {
            Repr::Small(_) => 1,
            Repr::Table(table) => table.piece_count(),
        }
    }

    fn dismantle(self, pause: &mut dyn FnMut()) {
        if let Repr::Table(table) = self.repr {
            table.dismantle(pause);
        }
    }
}

/// Making sets.
impl Set {
    /// Returns an empty set in the representation that suits its first member and about so many in all.
    pub fn for_members(first: &[u8], count: usize, limits: &SetLimits) -> Self {
        if count <= limits.integers_max && text::parse_i64(first).is_some() {
            Self::of_integers()
        } else if count <= limits.packed.entries_max {
            Self::of_packed(Packed::new())
        } else {
            Self { repr: Repr::Table(Box::default()) }
        }
    }

    /// Returns an empty set that stays one of integers as long as it can.
    pub fn of_integers() -> Self {
        Self { repr: Repr::Small(Small::integers()) }
    }

    /// Returns a set of packed members, which are all different.
    pub fn of_packed(members: Packed) -> Self {
        Self { repr: Repr::Small(Small::packed(members)) }
    }

    /// Returns a copy to which the members of other sets may be added, if that is the quickest way to
    /// their union and no set of the limits could be smaller.
    pub fn union_base(&self, limits: &SetLimits) -> Option<Self> {
        let small_max = limits.integers_max.max(limits.packed.entries_max);
        match &self.repr {
            Repr::Table(table) if table.len() > small_max => Some(self.clone()),
            _ => None,
        }
    }

    /// Returns an empty set that never becomes small.
    pub fn of_table() -> Self {
        Self { repr: Repr::Table(Box::default()) }
    }

    /// Takes bytes of a set of integers as RDB files hold them, after looking at all of them.
    ///
    /// # Errors
    /// [`Corrupt`].
    pub fn from_integer_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let is_good = Integers::new(bytes).is_some_and(Integers::is_sorted);
        if is_good {
            Ok(Self { repr: Repr::Small(Small::of_integers(bytes.into())) })
        } else {
            Err(Corrupt)
        }
    }

    /// Returns the bytes of a small set, in the format of its encoding; `None` for a table.
    pub fn small_bytes(&self) -> Option<&[u8]> {
        match &self.repr {
            Repr::Small(small) => Some(match small.view() {
                View::Integers(integers) => integers.as_bytes(),
                View::Packed(packed) => packed.as_bytes(),
            }),
            Repr::Table(_) => None,
        }
    }

    /// Becomes a table if so many members at once would be too many for what it is.
    pub fn expect(&mut self, count: usize, limits: &SetLimits) {
        let Repr::Small(small) = &self.repr else { return };
        let count_max = match small.view() {
            View::Integers(_) => limits.integers_max,
            View::Packed(_) => limits.packed.entries_max,
        };
        if count > count_max {
            self.table_mut();
        }
    }

    /// Becomes a set of integers if all members are integers and few enough.
    pub fn settle(&mut self, limits: &SetLimits) {
        if self.encoding() == Encoding::Intset || self.len() > limits.integers_max {
            return;
        }
        let integers: Option<Vec<i64>> = self.iter().map(Item::integer).collect();
        let Some(mut integers) = integers else { return };
        integers.sort_unstable();
        let mut small = Self::of_integers();
        for integer in integers {
            small.add_item(Item::Integer(integer), limits);
        }
        *self = small;
    }

    /// Returns the table it is, or becomes one.
    fn table_mut(&mut self) -> &mut MemberTable<Text> {
        if matches!(self.repr, Repr::Small(_)) {
            let mut table = Box::<MemberTable<Text>>::default();
            let mut digits = IntegerText::new();
            for member in self.iter() {
                add_to(&mut table, member.bytes(&mut digits));
            }
            self.repr = Repr::Table(table);
        }
        match &mut self.repr {
            Repr::Table(table) => table,
            Repr::Small(_) => unreachable!("it has just become a table"),
        }
    }
}

/// Members by name.
impl Set {
    /// Says whether a member is there.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.repr {
            Repr::Table(table) => table.contains(member),
            Repr::Small(small) => match small.view() {
                View::Integers(integers) => {
                    text::parse_i64(member).is_some_and(|integer| integers.find(integer).is_ok())
                }
                View::Packed(packed) => find(packed, member).is_some(),
            },
        }
    }

    /// Starts to fetch what look-ups of these members will read.
    #[inline]
    pub(in crate::types) fn prefetch(&self, members: &[&[u8]]) {
        if let Repr::Table(table) = &self.repr {
            table.prefetch(members);
        }
    }

    /// The same for a member of another set.
    #[inline]
    pub fn contains_item(&self, member: Item<'_>) -> bool {
        if let (Repr::Small(small), Item::Integer(integer)) = (&self.repr, member)
            && let View::Integers(integers) = small.view()
        {
            return integers.find(integer).is_ok();
        }
        self.contains(member.bytes(&mut IntegerText::new()))
    }

    /// Adds a member; says whether it is new.
    #[inline]
    pub fn add(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        match &mut self.repr {
            Repr::Table(table) => add_to(table, member),
            Repr::Small(small) => match small.view() {
                View::Integers(_) => match text::parse_i64(member) {
                    Some(integer) => self.add_integer(integer, limits),
                    None => {
                        self.add_first_text(member, limits);
                        true
                    }
                },
                View::Packed(packed) => {
                    if find(packed, member).is_some() {
                        return false;
                    }
                    if fits(packed.len(), member.len(), limits) && packed.has_room(member.len()) {
                        small.packed_mut().push_back(member);
                    } else {
                        add_to(self.table_mut(), member);
                    }
                    true
                }
            },
        }
    }

    /// The same for a member of another set.
    #[inline]
    pub fn add_item(&mut self, member: Item<'_>, limits: &SetLimits) -> bool {
        match member {
            Item::Integer(integer) if self.encoding() == Encoding::Intset => {
                self.add_integer(integer, limits)
            }
            _ => self.add(member.bytes(&mut IntegerText::new()), limits),
        }
    }

    /// Adds an integer to a set of integers.
    fn add_integer(&mut self, integer: i64, limits: &SetLimits) -> bool {
        /// Integers that the format is used for at most, whatever the limit says.
        const COUNT_MAX: usize = 1 << 30;
        let Repr::Small(small) = &mut self.repr else { unreachable!("the set is one of integers") };
        let View::Integers(integers) = small.view() else { unreachable!("as above") };
        let Err(position) = integers.find(integer) else { return false };
        let count = integers.len() + 1;
        small.edit_integers(|bytes| integers::insert(bytes, position, integer));
        if count > limits.integers_max.min(COUNT_MAX) {
            self.table_mut();
        }
        true
    }

    /// Adds a member that is no integer to a set of integers.
    fn add_first_text(&mut self, member: &[u8], limits: &SetLimits) {
        let Repr::Small(small) = &mut self.repr else { unreachable!("the set is one of integers") };
        let View::Integers(integers) = small.view() else { unreachable!("as above") };
        let ends = integers.iter().next().into_iter().chain(integers.iter().next_back());
        let longest = ends.map(|integer| Item::Integer(integer).len()).max().unwrap_or(0);
        if fits(integers.len(), member.len().max(longest), limits) {
            let mut packed: Packed = integers.iter().map(Item::Integer).collect();
            packed.push_back(member);
            *small = Small::packed(packed);
        } else {
            add_to(self.table_mut(), member);
        }
    }

    /// Removes a member; says whether it was there.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.repr {
            Repr::Table(table) => table.remove(member).is_some(),
            Repr::Small(small) => match small.view() {
                View::Integers(integers) => {
                    let integer = text::parse_i64(member);
                    let found = integer.and_then(|integer| integers.find(integer).ok());
                    if let Some(position) = found {
                        small.edit_integers(|bytes| integers::remove(bytes, position));
                    }
                    found.is_some()
                }
                View::Packed(packed) => {
                    let found = find(packed, member);
                    if let Some(at) = found {
                        small.packed_mut().remove(at);
                    }
                    found.is_some()
                }
            },
        }
    }

    /// The same for a member of another set.
    pub fn remove_item(&mut self, member: Item<'_>) -> bool {
        self.remove(member.bytes(&mut IntegerText::new()))
    }
}

/// Adds a member to a table; says whether it is new.
#[inline]
fn add_to(table: &mut MemberTable<Text>, member: &[u8]) -> bool {
    table.add(member, || Text::from(member))
}

#[inline]
fn find(packed: &Packed, member: &[u8]) -> Option<crate::types::At> {
    packed.find(packed.first()?, member, 0)
}

/// Says whether a packed sequence of so many members takes one more of this length.
#[inline]
fn fits(count: usize, member_bytes: usize, limits: &SetLimits) -> bool {
    count < limits.packed.entries_max && member_bytes <= limits.packed.value_bytes_max
}

/// All members.
impl Set {
    /// Returns the members, integers in ascending order, others in no order.
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        let (integers, packed, table) = match &self.repr {
            Repr::Small(small) => match small.view() {
                View::Integers(integers) => (Some(integers), None, None),
                View::Packed(packed) => (None, Some(packed), None),
            },
            Repr::Table(table) => (None, None, Some(table)),
        };
        let integers = integers.into_iter().flat_map(Integers::iter).map(Item::Integer);
        let packed = packed.into_iter().flatten();
        let texts = table.into_iter().flat_map(|table| table.iter());
        integers.chain(packed).chain(texts.map(|text| Item::Text(text.as_bytes())))
    }

    /// Calls `visit` with every member, in the order of [`Set::iter`].
    pub fn for_each<'a>(&'a self, mut visit: impl FnMut(Item<'a>)) {
        match &self.repr {
            Repr::Small(small) => match small.view() {
                View::Integers(integers) => integers.iter().map(Item::Integer).for_each(visit),
                View::Packed(packed) => packed.iter().for_each(visit),
            },
            Repr::Table(table) => {
                table.iter().for_each(|text| visit(Item::Text(text.as_bytes())));
            }
        }
    }

    /// Visits about `count` members from a cursor on, and returns the next cursor, 0 behind the last
    /// member. A small set is visited whole.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(Item<'_>)) -> u64 {
        match &self.repr {
            Repr::Small(_) => {
                self.for_each(visit);
                0
            }
            Repr::Table(table) => {
                table.scan(cursor, count, |text| visit(Item::Text(text.as_bytes())))
            }
        }
    }
}

/// A member that was taken out of a set.
#[derive(Clone, Debug)]
pub enum Taken {
    Integer(i64),
    Text(Text),
}

impl Taken {
    /// Returns the member.
    #[inline]
    pub fn as_item(&self) -> Item<'_> {
        match self {
            Self::Integer(integer) => Item::Integer(*integer),
            Self::Text(text) => Item::Text(text.as_bytes()),
        }
    }
}

impl From<Item<'_>> for Taken {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Integer(integer) => Self::Integer(integer),
            Item::Text(text) => Self::Text(text.into()),
        }
    }
}

/// Members by chance. All members are equally likely; the set must not be empty.
impl Set {
    /// Returns a random member.
    pub fn random(&self, random: &mut fastrand::Rng) -> Item<'_> {
        match &self.repr {
            Repr::Table(table) => Item::Text(table.random(random).as_bytes()),
            Repr::Small(small) => match small.view() {
                View::Integers(integers) => {
                    Item::Integer(integers.at(random.usize(..integers.len())))
                }
                View::Packed(packed) => packed.item(random_at(packed, random)),
            },
        }
    }

    /// Removes and returns a random member.
    #[inline]
    pub fn pop(&mut self, random: &mut fastrand::Rng) -> Taken {
        match &mut self.repr {
            Repr::Table(table) => Taken::Text(table.pop(random)),
            Repr::Small(small) => match small.view() {
                View::Integers(integers) => {
                    let position = random.usize(..integers.len());
                    let integer = integers.at(position);
                    small.edit_integers(|bytes| integers::remove(bytes, position));
                    Taken::Integer(integer)
                }
                View::Packed(packed) => {
                    let at = random_at(packed, random);
                    let taken = packed.item(at).into();
                    small.packed_mut().remove(at);
                    taken
                }
            },
        }
    }

    /// Visits `count` random members, perhaps some of them several times.
    pub fn draw(&self, random: &mut fastrand::Rng, count: usize, mut visit: impl FnMut(Item<'_>)) {
        /// From so many draws on, a packed set is unpacked first.
        const UNPACKED_COUNT_MIN: usize = 4;
        if let Repr::Small(_) = &self.repr
            && count >= UNPACKED_COUNT_MIN
        {
            let members: Vec<Item<'_>> = self.iter().collect();
            (0..count).for_each(|_| visit(members[random.usize(..members.len())]));
        } else {
            (0..count).for_each(|_| visit(self.random(random)));
        }
    }

    /// Visits `count` different random members, all of them if there are not so many.
    pub fn sample(&self, random: &mut fastrand::Rng, count: usize, visit: impl FnMut(Item<'_>)) {
        /// How many times fewer members than there are may be sought one by one.
        const SPARSE: usize = 4;
        match &self.repr {
            Repr::Table(table) if count.saturating_mul(SPARSE) < table.len() => {
                sample_sparsely(table, random, count, visit);
            }
            _ => self.sample_in_passing(random, count, visit),
        }
    }

    /// Chooses while passing over all members (selection sampling: Fan, Muller and Rezucha, 1962).
    fn sample_in_passing(
        &self,
        random: &mut fastrand::Rng,
        count: usize,
        mut visit: impl FnMut(Item<'_>),
    ) {
        let (mut left, mut wanted) = (self.len(), count);
        self.for_each(|member| {
            if wanted > 0 && random.usize(..left) < wanted {
                wanted -= 1;
                visit(member);
            }
            left -= 1;
        });
    }
}

/// Draws members until `count` different ones have come.
fn sample_sparsely(
    table: &MemberTable<Text>,
    random: &mut fastrand::Rng,
    count: usize,
    mut visit: impl FnMut(Item<'_>),
) {
    let mut seen = std::collections::HashSet::with_capacity(count);
    while seen.len() < count {
        let member = table.random(random);
        // A member is known by its place in memory: the table does not change meanwhile.
        if seen.insert(std::ptr::from_ref(member)) {
            visit(Item::Text(member.as_bytes()));
        }
    }
}

fn random_at(packed: &Packed, random: &mut fastrand::Rng) -> crate::types::At {
    let index = random.usize(..packed.len());
    let index = i64::try_from(index).expect("a sequence has fewer entries than bytes");
    packed.at_index(index).expect("the index is below the number of entries")
}
