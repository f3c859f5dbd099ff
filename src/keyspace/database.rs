//! The numbered databases: created on first write (the first one at once), swapped and flushed whole.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::busy::Busy;
use super::entry::EntryHint;
use super::hash_with;
use super::key::Key;
use super::observers::Everybody;
use super::shard::{Database, TakenTable};
use crate::base::slab;

/// All databases of the server.
pub struct Keyspace {
    /// By physical number; SWAPDB exchanges two numbers in `order` instead of two databases.
    databases: Box<[OnceLock<Database>]>,
    order: Box<[AtomicU32]>,
    hasher: foldhash::quality::RandomState,
    /// Shards that are held for long, and those that are held for a while.
    pub(super) busy: Busy,
    pub(super) taken: Busy,
    pub(super) everybody: Everybody,
}

/// What a flush took out; dropping it frees the memory, at a cost that grows with the keys.
pub struct Flushed {
    tables: Vec<TakenTable>,
}

impl Flushed {
    /// Returns the number of keys that were removed.
    pub fn key_count(&self) -> usize {
        self.tables.iter().map(TakenTable::key_count).sum()
    }

    /// Frees the memory shard by shard, with a call of `pause` after each.
    pub fn dismantle(self, pause: &mut dyn FnMut()) {
        for table in self.tables {
            drop(table);
            pause();
        }
    }
}

impl Keyspace {
    /// Creates `database_count` databases, all of them empty.
    pub fn new(database_count: u32) -> Self {
        let keyspace = Self {
            databases: (0..database_count).map(|_| OnceLock::new()).collect(),
            order: (0..database_count).map(AtomicU32::new).collect(),
            hasher: foldhash::quality::RandomState::default(),
            busy: Busy::default(),
            taken: Busy::default(),
            everybody: Everybody::default(),
        };
        // Both take milliseconds, and nearly everybody needs them: no client waits for them.
        keyspace.database_or_create(0);
        slab::warm_up();
        keyspace
    }

    /// Returns the number of databases.
    pub fn database_count(&self) -> u32 {
        u32::try_from(self.databases.len()).expect("it was created from a u32")
    }

    /// Returns the hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        hash_with(&self.hasher, key)
    }

    /// Returns a key of a database with its hash.
    #[inline]
    pub fn key<'a>(&self, db: u32, bytes: &'a [u8]) -> Key<'a> {
        Key::with_hash(bytes, self.hash(bytes), db)
    }

    #[inline]
    fn slot(&self, db: u32) -> &OnceLock<Database> {
        // Relaxed: the order changes only while the gate is closed, and the gate orders it.
        let physical = self.order[db as usize].load(Ordering::Relaxed);
        &self.databases[physical as usize]
    }

    /// Returns a database, if anything was ever written to it.
    #[inline]
    pub fn database(&self, db: u32) -> Option<&Database> {
        self.slot(db).get()
    }

    #[inline]
    pub(super) fn database_or_create(&self, db: u32) -> &Database {
        let slot = self.slot(db);
        match slot.get() {
            Some(database) => database,
            None => self.create(slot),
        }
    }

    pub(super) fn new_database(&self) -> Database {
        Database::new(self.hasher.clone())
    }

    /// Returns the databases that exist, in no order.
    pub(super) fn all_databases(&self) -> impl Iterator<Item = &Database> {
        self.databases.iter().filter_map(OnceLock::get)
    }

    /// Returns the databases that exist, with their numbers.
    pub fn existing(&self) -> impl Iterator<Item = (u32, &Database)> {
        (0..self.database_count()).filter_map(|db| Some((db, self.database(db)?)))
    }

    /// Returns the number of keys of a database, expired ones not yet removed included.
    pub fn key_count(&self, db: u32) -> u64 {
        self.database(db).map_or(0, Database::key_count)
    }

    /// Exchanges two databases. The caller has closed the gate.
    pub fn swap(&self, first: u32, second: u32) {
        // Relaxed: the gate orders this against every reader.
        let (left, right) = (&self.order[first as usize], &self.order[second as usize]);
        let number = left.load(Ordering::Relaxed);
        left.store(right.load(Ordering::Relaxed), Ordering::Relaxed);
        right.store(number, Ordering::Relaxed);
    }

    /// Empties a database. The caller has closed the gate and decides where the memory is freed.
    pub fn flush(&self, db: u32) -> Flushed {
        Flushed { tables: self.database(db).map_or_else(Vec::new, Database::take_all) }
    }

    /// Third pass over a batch: returns where the entry lies that a hash probably belongs to.
    #[inline]
    pub fn entry_hint(&self, db: u32, hash: u64) -> Option<EntryHint> {
        self.database(db)?.entry_hint(hash)
    }
}
