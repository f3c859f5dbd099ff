//! Keys and their places.

use super::shard::shard_of;

/// Where a key lives: a logical database and a shard of it. Locks are taken in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPlace {
    pub db: u32,
    pub(super) shard: u32,
}

/// A key with its hash.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    pub bytes: &'a [u8],
    pub(super) hash: u64,
    pub(super) place: KeyPlace,
}

impl<'a> Key<'a> {
    /// Returns the key for a hash made by [`Keyspace::hash`] from the same bytes.
    #[inline(always)]
    pub fn with_hash(bytes: &'a [u8], hash: u64, db: u32) -> Self {
        let shard = u32::try_from(shard_of(hash)).expect("a shard's number has 14 bits");
        Self { bytes, hash, place: KeyPlace { db, shard } }
    }

    /// Returns where the key lives.
    pub fn place(&self) -> KeyPlace {
        self.place
    }
}

/// A key that outlasts the command it was seen by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnedKey {
    pub bytes: Box<[u8]>,
    hash: u64,
    pub db: u32,
}

impl From<&Key<'_>> for OwnedKey {
    fn from(key: &Key<'_>) -> Self {
        Self { bytes: key.bytes.into(), hash: key.hash, db: key.place.db }
    }
}

impl OwnedKey {
    /// Returns the key.
    pub fn key(&self) -> Key<'_> {
        Key::with_hash(&self.bytes, self.hash, self.db)
    }
}
