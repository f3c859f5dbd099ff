//! Floor 1: the data types. They know their own bytes, never a key and never a clock.

mod hash;
mod list;
mod member_table;
mod object;
mod packed;
mod pair;
mod set;
mod sorted_set;
mod stream;
mod string;
mod text;

pub use hash::{FieldDeadline, Hash, HashField, HashFields, HashParts};
pub use list::{Element, End, List, ListLimits, NodeRef, Side, TextMatch, Viewer};
pub use object::{COLLECTION_BYTES_MAX, Collection, FREE_COST_MAX, Object, ObjectRef};
pub use packed::{At, Corrupt, Item, Iter as PackedIter, Packed};
pub use set::{Set, SetLimits, Taken as TakenMember};
pub use sorted_set::{LexEnd, LexRange, ScoreEnd, ScoreRange, SortedSet, Walk};
pub use stream::{
    BlockLimits, Consumer, ConsumerId, Deletion, Group, GroupEditing, Groups, IdRefusal,
    NewStreamId, Parts, Pending, ProducerCounts, ProducerLimits, Producers, References, Stream,
    StreamEntry, StreamFields, StreamId, StreamIdText, StreamLog, StreamMarks, StreamRange,
    StreamRangeBack, Trim, TrimGoal,
};
pub use string::{EMBSTR_BYTES_MAX, IntegerText, SHARED_BYTES_MIN, StringRef, StringValue};
pub use text::{INLINE_BYTES_MAX, Text};

/// Members whose look-ups are prepared together at most.
pub const FETCHED_TOGETHER_MAX: usize = 8;

/// The type of a value, as TYPE names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueType {
    String = 0,
    List = 1,
    Set = 2,
    SortedSet = 3,
    Hash = 4,
    Stream = 5,
}

impl ValueType {
    /// All types, by number.
    pub const ALL: [Self; 6] =
        [Self::String, Self::List, Self::Set, Self::SortedSet, Self::Hash, Self::Stream];

    /// Returns the name TYPE answers with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
        }
    }
}

/// How a value is represented, as OBJECT ENCODING names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Integer,
    Embstr,
    Raw,
    Listpack,
    /// A listpack whose hash fields have deadlines.
    ListpackEx,
    Intset,
    Hashtable,
    Quicklist,
    Skiplist,
    Stream,
}

impl Encoding {
    /// Returns the name OBJECT ENCODING answers with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "int",
            Self::Embstr => "embstr",
            Self::Raw => "raw",
            Self::Listpack => "listpack",
            Self::ListpackEx => "listpackex",
            Self::Intset => "intset",
            Self::Hashtable => "hashtable",
            Self::Quicklist => "quicklist",
            Self::Skiplist => "skiplist",
            Self::Stream => "stream",
        }
    }
}

/// Up to where a collection stays in one packed buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedLimits {
    pub entries_max: usize,
    /// Longest element, in bytes.
    pub value_bytes_max: usize,
}
