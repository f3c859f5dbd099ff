//! Collections: what a value is when it is not a string.
//!
//! The keyspace stores each of them in the entry itself, as a struct of at most
//! [`COLLECTION_BYTES_MAX`] bytes that points to the rest.

use super::{Encoding, Hash, List, Set, SortedSet, Stream, ValueType};

/// Most bytes of a collection's own struct: what lies inside its entry.
pub const COLLECTION_BYTES_MAX: usize = 16;
/// Values that take more steps to free than this are freed by a thread of their own.
pub const FREE_COST_MAX: usize = 64;

/// What all collections have in common. `Clone` copies all elements.
pub trait Collection: Clone + Send + Sync + Sized + Into<Object> {
    /// The type, as the keyspace stores it beside the value.
    const TYPE: ValueType;

    /// Returns the bytes of memory it takes beyond its own struct. Cost: O(1).
    fn memory_bytes(&self) -> usize;

    /// Returns the number of elements.
    fn len(&self) -> usize;

    /// Says whether there is no element.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how it is represented.
    fn encoding(&self) -> Encoding;

    /// Returns about how many pieces of memory it consists of. Cost: O(1).
    fn free_cost(&self) -> usize;

    /// Frees it piece by piece, with a call of `pause` after each. Cost: see [`Self::free_cost`].
    fn dismantle(self, pause: &mut dyn FnMut());

    /// Returns when the first element is due to be removed, in milliseconds since 1970. Cost: O(1).
    #[inline]
    fn due_ms(&self) -> Option<u64> {
        None
    }
}

/// Frees pieces one by one, with a call of `pause` after each.
pub(super) fn free_each<T>(pieces: impl IntoIterator<Item = T>, pause: &mut dyn FnMut()) {
    for piece in pieces {
        drop(piece);
        pause();
    }
}

impl ObjectRef<'_> {
    /// Starts to fetch what look-ups of members by these names will read, of the first
    /// [`super::FETCHED_TOGETHER_MAX`] of them at most. Nothing for what lies in one piece.
    #[inline]
    pub fn prefetch_members(self, names: &[&[u8]]) {
        match self {
            Self::Set(set) => set.prefetch(names),
            Self::Hash(hash) => hash.prefetch(names),
            Self::SortedSet(set) => set.prefetch(names),
            Self::List(_) | Self::Stream(_) => {}
        }
    }
}

macro_rules! objects {
    ($($name:ident,)+) => {
        /// A collection of any type.
        #[derive(Clone, Debug)]
        pub enum Object { $($name($name),)+ }

        /// A stored collection of any type, as its reader sees it.
        #[derive(Clone, Copy, Debug)]
        pub enum ObjectRef<'a> { $($name(&'a $name),)+ }

        impl Object {
            /// Returns the same, borrowed.
            pub fn as_ref(&self) -> ObjectRef<'_> {
                match self { $(Self::$name(value) => ObjectRef::$name(value),)+ }
            }

            /// Frees it piece by piece, with a call of `pause` after each.
            pub fn dismantle(self, pause: &mut dyn FnMut()) {
                match self { $(Self::$name(value) => value.dismantle(pause),)+ }
            }
        }

        impl<'a> ObjectRef<'a> {
            /// Returns the type.
            pub fn value_type(self) -> ValueType {
                match self { $(Self::$name(_) => $name::TYPE,)+ }
            }

            /// Returns the bytes of memory it takes beyond its own struct. Cost: O(1).
            pub fn memory_bytes(self) -> usize {
                match self { $(Self::$name(value) => value.memory_bytes(),)+ }
            }

            /// Returns the number of elements.
            pub fn len(self) -> usize {
                match self { $(Self::$name(value) => Collection::len(value),)+ }
            }

            /// Says whether there is no element.
            pub fn is_empty(self) -> bool {
                self.len() == 0
            }

            /// Returns how it is represented.
            pub fn encoding(self) -> Encoding {
                match self { $(Self::$name(value) => value.encoding(),)+ }
            }

            /// Returns about how many pieces of memory it consists of. Cost: O(1).
            pub fn free_cost(self) -> usize {
                match self { $(Self::$name(value) => value.free_cost(),)+ }
            }

            /// Returns when the first element is due to be removed, in milliseconds since 1970.
            pub fn due_ms(self) -> Option<u64> {
                match self { $(Self::$name(value) => value.due_ms(),)+ }
            }

            /// Returns a copy of all elements.
            pub fn to_owned(self) -> Object {
                match self { $(Self::$name(value) => Object::$name(value.clone()),)+ }
            }
        }

        $(
            impl From<$name> for Object {
                fn from(value: $name) -> Self {
                    Self::$name(value)
                }
            }

            const _: () = assert!(size_of::<$name>() <= COLLECTION_BYTES_MAX, "it fits an entry");
            const _: () = assert!(align_of::<$name>() <= 8, "entries are aligned to eight bytes");
        )+
    };
}

objects! { List, Set, SortedSet, Hash, Stream, }

#[cfg(test)]
mod tests {
    use super::Object;
    use crate::types::{
        BlockLimits, End, FieldDeadline, Hash, List, ListLimits, PackedLimits, Parts, Pending, Set,
        SetLimits, SortedSet, Stream, StreamId, StringRef,
    };

    const COUNT: u64 = 20_000;
    const LIMITS: PackedLimits = PackedLimits { entries_max: 128, value_bytes_max: 64 };

    fn name(number: u64) -> Vec<u8> {
        format!("element:{number}").into_bytes()
    }

    fn hash() -> Hash {
        let mut hash = Hash::new();
        for number in 0..COUNT {
            hash.set(&name(number), b"value", FieldDeadline::At(number + 1), LIMITS);
        }
        hash
    }

    fn list() -> List {
        let mut list = List::new();
        let limits = ListLimits::new(-2, None);
        (0..COUNT).for_each(|n| list.push(End::Back, StringRef::Text(&name(n)), &limits));
        list
    }

    fn set() -> Set {
        let limits = SetLimits { integers_max: 512, packed: LIMITS };
        let mut set = Set::for_members(&name(0), 1, &limits);
        (0..COUNT).for_each(|number| assert!(set.add(&name(number), &limits)));
        set
    }

    fn sorted_set() -> SortedSet {
        let mut sorted = SortedSet::default();
        (0..COUNT).for_each(|number| sorted.insert(&name(number), 0.5, LIMITS));
        sorted
    }

    fn stream() -> Stream {
        let limits = BlockLimits { bytes_max: 4096, entries_max: 100 };
        let id = |number| StreamId { ms: number, sequence: 1 };
        let mut stream = Stream::new();
        let Parts { log, groups, .. } = stream.parts_mut();
        let mut group = groups.create(b"group", id(COUNT), None).expect("it is the first");
        let reader = group.create_consumer(b"reader", 1).expect("it is the first");
        for number in 1..=COUNT {
            log.append(id(number), [name(number), name(0)].iter().map(|text| &text[..]), limits);
            let pending = Pending { consumer: Some(reader), delivered_ms: 1, delivery_count: 1 };
            group.assign(id(number), pending);
        }
        drop(group);
        stream
    }

    #[test]
    fn a_large_value_is_freed_in_pieces_of_bounded_size() {
        let objects: [Object; 5] =
            [hash().into(), list().into(), set().into(), sorted_set().into(), stream().into()];
        for object in objects {
            let value_type = object.as_ref().value_type();
            let mut pause_count = 0;
            object.dismantle(&mut || pause_count += 1);
            assert!(pause_count > COUNT / 1000, "{value_type:?}: {pause_count}");
        }
    }

    #[test]
    fn a_small_value_is_freed_at_once() {
        let small: [Object; 2] = [Hash::new().into(), SortedSet::default().into()];
        small.into_iter().for_each(|object| object.dismantle(&mut || panic!("one piece")));
    }
}
