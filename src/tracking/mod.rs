//! Floor 3: client-side caching: which keys clients have read, and which prefixes they follow.
//!
//! A client that tracks keys is a [`Tracker`]. What it reads is noted in one table for all databases,
//! while the key's shard is locked; whoever changes the key takes its trackers out under the same
//! lock, so that no change between a read and its note is missed. Changes of keys under a followed
//! prefix gather until the end of a worker's round. Sockets and messages are other floors' matter.
//!
//! Locks: one part of the table, then the keys of one tracker; or the prefixes, perhaps while telling.

mod prefixes;
mod table;

pub use prefixes::{Gathered, Prefixes};
pub use table::{Forgotten, Tracker, Trackers, TrackingTable};
