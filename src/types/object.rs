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

    /// Returns when the first element is due to be removed, in milliseconds since 1970. Cost: O(1).
    #[inline]
    fn due_ms(&self) -> Option<u64> {
        None
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
