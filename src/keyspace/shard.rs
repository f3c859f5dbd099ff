//! The shards of one database: dashmap's locked raw tables, reached by hash.
//!
//! This file contains unsafe code: the raw table's buckets and its control bytes.
//!
//! A key's hash is used in three disjoint parts: its top 7 bits are the table's tag, the next 14 pick
//! the shard, the low bits pick the place in the table. Beside each shard's lock stands a [`Summary`]:
//! hints that may be read without the lock and are written under it.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use dashmap::{DashMap, RwLock, SharedValue};
use hashbrown::raw::{Bucket, RawTable};

use super::agenda::Agenda;
use super::entry::{Entry, EntryHint};
use super::expiry::Expired;
use crate::base::crc::SLOT_COUNT;
use crate::base::equal::is_same;
use crate::base::patience::wait_for;
use crate::base::prefetch::prefetch;
use crate::base::slab;
use crate::base::striped::Striped;
use crate::types::{Collection, Hash as HashValue, StringValue};

/// Number of shards of a database; one per hash slot, so that cluster mode can make a slot a shard.
pub const SHARD_COUNT: usize = SLOT_COUNT;

const TAG_BITS: u32 = 7;
const SHARD_SHIFT: u32 = 64 - TAG_BITS - SHARD_COUNT.trailing_zeros();

type Cell = (Entry, SharedValue<()>);
pub(super) type Table = RawTable<Cell>;
const _: () = assert!(size_of::<Cell>() == 8, "a bucket is one handle");

/// Returns the shard of a hash.
#[inline]
pub(crate) fn shard_of(hash: u64) -> usize {
    low_bits(hash >> SHARD_SHIFT) & (SHARD_COUNT - 1)
}

#[expect(clippy::cast_possible_truncation, reason = "a place is picked by the low bits")]
const fn low_bits(hash: u64) -> usize {
    hash as usize
}

/// Returns the tag of a hash: what SCAN orders a shard's keys by.
#[cfg(test)]
fn tag_of(hash: u64) -> u8 {
    (hash >> (64 - TAG_BITS)) as u8
}

/// What is known of a shard without its lock. Written under the exclusive lock with relaxed stores:
/// readers take these as hints and look again under the lock.
#[derive(Default)]
pub(super) struct Summary {
    /// No key of the shard is due before this time; `u64::MAX` when none has a deadline.
    due_ms: AtomicU64,
    key_count: AtomicU32,
    volatile_count: AtomicU32,
    /// Address of the table's control bytes and the mask of its places: where a prefetch aims.
    controls: AtomicUsize,
    place_mask: AtomicU32,
    /// Clients that wait for keys of the shard or watch them, raised under the exclusive lock; and
    /// [`EVERYTHING`].
    observer_count: AtomicU32,
}
const _: () = assert!(size_of::<Summary>() == 32, "two of them share a cache line");

/// Set in all observer counts while somebody observes all keys.
const EVERYTHING: u32 = 1 << 31;

impl Summary {
    pub(super) fn due_ms(&self) -> u64 {
        self.due_ms.load(Ordering::Relaxed)
    }

    pub(super) fn set_due_ms(&self, due_ms: u64) {
        self.due_ms.store(due_ms, Ordering::Relaxed);
    }

    pub(super) fn key_count(&self) -> usize {
        self.key_count.load(Ordering::Relaxed) as usize
    }

    pub(super) fn volatile_count(&self) -> usize {
        self.volatile_count.load(Ordering::Relaxed) as usize
    }

    fn is_observed(&self) -> bool {
        // Relaxed: raised under the lock that the caller holds, or before whoever observes takes it.
        self.observer_count.load(Ordering::Relaxed) > 0
    }

    fn has_own_observer(&self) -> bool {
        // Relaxed: as above.
        self.observer_count.load(Ordering::Relaxed) & !EVERYTHING > 0
    }

    fn clear(&self) {
        self.due_ms.store(u64::MAX, Ordering::Relaxed);
        self.key_count.store(0, Ordering::Relaxed);
        self.volatile_count.store(0, Ordering::Relaxed);
        self.place_mask.store(0, Ordering::Relaxed);
    }

    /// Notes where a table lies after it has grown or shrunk.
    fn note_table(&self, table: &Table) {
        self.controls.store(table.data_end().as_ptr().addr(), Ordering::Relaxed);
        let mask = u32::try_from(table.buckets() - 1).unwrap_or(u32::MAX);
        self.place_mask.store(mask, Ordering::Relaxed);
    }
}

/// One numbered database.
pub struct Database {
    map: DashMap<Entry, (), foldhash::quality::RandomState>,
    summaries: Box<[Summary]>,
    key_count: Striped,
    volatile_count: Striped,
    agenda: Agenda,
}

impl Database {
    pub(super) fn new(hasher: foldhash::quality::RandomState) -> Self {
        let summaries: Box<[Summary]> = (0..SHARD_COUNT).map(|_| Summary::default()).collect();
        summaries.iter().for_each(Summary::clear);
        Self {
            map: DashMap::with_capacity_and_hasher_and_shard_amount(0, hasher, SHARD_COUNT),
            summaries,
            key_count: Striped::default(),
            volatile_count: Striped::default(),
            agenda: Agenda::default(),
        }
    }

    #[inline]
    fn lock(&self, shard: usize) -> &RwLock<Table> {
        &self.map.shards()[shard]
    }

    /// Returns the number of keys, expired ones that are not yet removed included.
    pub fn key_count(&self) -> u64 {
        self.key_count.total()
    }

    /// Returns the number of keys with a deadline.
    pub fn volatile_count(&self) -> u64 {
        self.volatile_count.total()
    }

    /// Returns the number of keys in whose values elements have deadlines.
    pub fn agenda_count(&self) -> u64 {
        self.agenda.value_count()
    }

    pub(super) fn agenda(&self) -> &Agenda {
        &self.agenda
    }

    pub(super) fn summary(&self, shard: usize) -> &Summary {
        &self.summaries[shard]
    }

    /// Returns the earliest time any key of any shard can be due.
    pub(super) fn summaries(&self) -> &[Summary] {
        &self.summaries
    }

    /// Locks a shard for readers. Waits for a writer.
    #[inline(always)]
    pub(super) fn read(&self, shard: usize) -> ReadShard<'_> {
        match self.try_read(shard) {
            Some(locked) => locked,
            None => wait_for(|| self.try_read(shard)),
        }
    }

    /// Locks a shard for readers unless a writer is at work.
    #[inline(always)]
    pub(super) fn try_read(&self, shard: usize) -> Option<ReadShard<'_>> {
        let lock = self.lock(shard);
        // The lock stays taken until the result is dropped.
        std::mem::forget(lock.try_read()?);
        // SAFETY: the shared lock is held as long as the result lives: nobody changes the table.
        let table = unsafe { &*lock.data_ptr() };
        Some(ReadShard { table, lock: Some(lock), ahead: Ahead::Unknown })
    }

    /// Locks a shard for one writer unless anybody else is at work.
    #[inline(always)]
    pub(super) fn try_write(&self, shard: usize) -> Option<WriteShard<'_>> {
        let lock = self.lock(shard);
        let ledger = Ledger { database: self, shard };
        // The lock stays taken until the result is dropped.
        std::mem::forget(lock.try_write()?);
        // SAFETY: the exclusive lock is held as long as the result lives: nobody else has the table.
        let table = unsafe { &mut *lock.data_ptr() };
        Some(WriteShard { ledger, table, lock: Some(lock), ahead: Ahead::Unknown })
    }

    /// Locks a shard for one writer. Waits for everybody else.
    #[inline(always)]
    pub(super) fn write(&self, shard: usize) -> WriteShard<'_> {
        match self.try_write(shard) {
            Some(locked) => locked,
            None => wait_for(|| self.try_write(shard)),
        }
    }

    /// Notes one observer more of a shard (a client that waits or watches), or one less. More only
    /// under the shard's exclusive lock, so that the next writer knows.
    pub(super) fn count_observer(&self, shard: usize, is_more: bool) {
        let count = &self.summaries[shard].observer_count;
        // Relaxed: the lock orders what matters.
        if is_more {
            count.fetch_add(1, Ordering::Relaxed);
        } else {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Notes that somebody observes all keys, or that nobody does any more. Needs no lock.
    pub(super) fn mark_all(&self, is_observed: bool) {
        for Summary { observer_count, .. } in &self.summaries {
            // Relaxed: the shard's lock orders what matters.
            if is_observed {
                observer_count.fetch_or(EVERYTHING, Ordering::Relaxed);
            } else {
                observer_count.fetch_and(!EVERYTHING, Ordering::Relaxed);
            }
        }
    }

    /// First pass of a batch: fetches the shard's summary and lock, reading nothing.
    #[inline]
    pub fn prefetch_shard(&self, hash: u64) {
        let shard = shard_of(hash);
        prefetch(std::ptr::from_ref(&self.summaries[shard]));
        prefetch(std::ptr::from_ref(self.lock(shard)));
    }

    /// Second pass: fetches the control bytes and the buckets a hash lands in. It aims by the
    /// summary's hints and reads no table, so it needs no lock; a stale hint costs a useless fetch.
    #[inline]
    pub fn prefetch_group(&self, hash: u64) {
        const BUCKETS_PER_LINE: usize = 64 / size_of::<Cell>();
        let summary = &self.summaries[shard_of(hash)];
        let index = low_bits(hash) & summary.place_mask.load(Ordering::Relaxed) as usize;
        let controls = summary.controls.load(Ordering::Relaxed);
        let controls = std::ptr::without_provenance::<u8>(controls);
        prefetch(controls.wrapping_add(index));
        // Buckets lie before the control bytes, growing downwards; a key is most often in the first
        // free one of its group.
        let bucket = controls.cast::<Cell>().wrapping_sub(index + 1);
        prefetch(bucket);
        prefetch(bucket.wrapping_sub(BUCKETS_PER_LINE / 2));
    }

    /// Third pass: returns where the entry lies that has the hash's tag; nothing where a writer is at
    /// work.
    #[inline]
    pub(super) fn entry_hint(&self, hash: u64) -> Option<EntryHint> {
        self.try_read(shard_of(hash))?.hint(hash)
    }

    /// Takes all keys out; the caller has closed the gate. The returned tables are freed by dropping.
    pub(super) fn take_all(&self) -> Vec<TakenTable> {
        let mut tables = Vec::new();
        for shard in 0..SHARD_COUNT {
            if self.summaries[shard].key_count() == 0 {
                continue;
            }
            let table = std::mem::take(&mut *self.lock(shard).write());
            slab::account(-table_bytes(&table).cast_signed());
            self.key_count.add(-(table.len() as i64));
            self.volatile_count.add(-(self.summaries[shard].volatile_count() as i64));
            self.summaries[shard].clear();
            self.agenda.clear(shard);
            tables.push(TakenTable(table));
        }
        tables
    }
}

/// A table on its way to be freed, on whatever thread.
pub(super) struct TakenTable(Table);

impl TakenTable {
    /// Returns the number of keys that will be freed.
    pub(super) fn key_count(&self) -> usize {
        self.0.len()
    }
}

/// Returns the bytes a table takes from the allocator: buckets, control bytes and their padding.
fn table_bytes(table: &Table) -> usize {
    const GROUP_BYTES: usize = 16;
    match table.buckets() {
        0 | 1 => 0,
        buckets => buckets * (size_of::<Cell>() + 1) + GROUP_BYTES,
    }
}

// Not inlined: it is needed where the search ahead has not found the key.
#[inline(never)]
fn find(table: &Table, hash: u64, key: &[u8]) -> Option<Bucket<Cell>> {
    table.find(hash, |cell| is_same(cell.0.key(), key))
}

/// Returns the bucket of the first entry that has the hash's tag.
#[inline]
fn candidate_in(table: &Table, hash: u64) -> Option<Bucket<Cell>> {
    // SAFETY: the table outlives the iterator, and is borrowed.
    unsafe { table.iter_hash(hash) }.next()
}

/// Returns where the first entry lies that has the hash's tag.
#[inline]
fn hint_in(table: &Table, hash: u64) -> Option<EntryHint> {
    // SAFETY: the iterator yields full buckets.
    Some(unsafe { candidate_in(table, hash)?.as_ref() }.0.hint())
}

/// What a search ahead of a command has found in a table. Kept only while that stays as it is.
enum Ahead {
    Unknown,
    /// A full bucket with the hash's tag: probably the key's.
    Full(Bucket<Cell>),
    /// No key with this hash is there.
    Absent(u64),
}

impl Ahead {
    #[inline]
    fn search(table: &Table, hash: u64) -> Self {
        candidate_in(table, hash).map_or(Self::Absent(hash), Self::Full)
    }

    /// Returns where the entry lies, if one was found.
    #[inline]
    fn hint(&self) -> Option<EntryHint> {
        let Self::Full(bucket) = self else { return None };
        // SAFETY: the bucket is full while the table stays as it is.
        Some(unsafe { bucket.as_ref() }.0.hint())
    }
}

/// Finds the bucket of a key. `ahead` is what was found in the same table.
#[inline(always)]
fn find_from(ahead: &Ahead, table: &Table, hash: u64, key: &[u8]) -> Option<Bucket<Cell>> {
    match ahead {
        Ahead::Full(bucket) => {
            // SAFETY: a full bucket of this table, which is borrowed.
            let cell = unsafe { bucket.as_ref() };
            if is_same(cell.0.key(), key) {
                return Some(bucket.clone());
            }
        }
        Ahead::Absent(absent) if *absent == hash => return None,
        _ => {}
    }
    find(table, hash, key)
}

/// A shard locked for readers.
pub(super) struct ReadShard<'a> {
    table: &'a Table,
    /// What is unlocked in the end; `None` where another holds the lock for this one.
    lock: Option<&'a RwLock<Table>>,
    ahead: Ahead,
}

impl Drop for ReadShard<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(lock) = self.lock {
            // SAFETY: locked when this was made, and `table` is not used any more.
            unsafe { lock.force_unlock_read() };
        }
    }
}

impl ReadShard<'_> {
    /// Returns the same shard for somebody who does not outlast `self`.
    pub(super) fn lend(&self) -> ReadShard<'_> {
        ReadShard { table: self.table, lock: None, ahead: Ahead::Unknown }
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<&Entry> {
        find_in(&self.ahead, self.table, hash, key)
    }

    /// Returns where the entry lies that a hash probably belongs to.
    #[inline]
    pub(super) fn hint(&self, hash: u64) -> Option<EntryHint> {
        hint_in(self.table, hash)
    }

    /// The same, and remembers it for the search that follows.
    #[inline]
    pub(super) fn find_ahead(&mut self, hash: u64) -> Option<EntryHint> {
        self.ahead = Ahead::search(self.table, hash);
        self.ahead.hint()
    }

    pub(super) fn table(&self) -> TableView<'_> {
        TableView { table: self.table }
    }
}

#[inline]
fn find_in<'t>(ahead: &Ahead, table: &'t Table, hash: u64, key: &[u8]) -> Option<&'t Entry> {
    let bucket = find_from(ahead, table, hash, key)?;
    // SAFETY: `find_from` returns a full bucket of this table, and `table` stays borrowed with the result.
    Some(unsafe { &bucket.as_ref().0 })
}

/// A table as sweeps and scans see it: by position and by tag.
pub(super) struct TableView<'a> {
    table: &'a Table,
}

impl<'a> TableView<'a> {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn bucket_count(&self) -> usize {
        self.table.buckets()
    }

    /// Calls `visit` with every entry.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&'a Entry)) {
        // SAFETY: the table is borrowed for the iterator's whole life.
        for bucket in unsafe { self.table.iter() } {
            // SAFETY: the iterator yields full buckets of the borrowed table.
            visit(unsafe { &bucket.as_ref().0 });
        }
    }

    /// Returns the entry at a position below [`TableView::bucket_count`], if that bucket is full.
    pub(super) fn at(&self, index: usize) -> Option<&'a Entry> {
        if self.table.is_empty() || index >= self.table.buckets() {
            return None;
        }
        // SAFETY: the index is below the number of buckets.
        let is_full = unsafe { self.table.is_bucket_full(index) };
        if !is_full {
            return None;
        }
        // SAFETY: as above.
        let bucket = unsafe { self.table.bucket(index) };
        // SAFETY: the bucket is full.
        Some(unsafe { &bucket.as_ref().0 })
    }

    /// Returns the control bytes: a full bucket's is the tag of its hash, an empty one's is 128 or more.
    fn controls(&self) -> &'a [u8] {
        if self.table.is_empty() {
            return &[];
        }
        let start = self.table.data_end().as_ptr().cast::<u8>();
        // SAFETY: hashbrown 0.14 keeps one control byte per bucket behind the end of its data.
        unsafe { std::slice::from_raw_parts(start, self.table.buckets()) }
    }

    /// Calls `visit` with every entry whose hash has this tag. Growth and deletion of other keys never
    /// change a key's tag. Cost: one pass over the control bytes.
    pub(super) fn for_each_tagged(&self, tag: u8, mut visit: impl FnMut(&'a Entry)) {
        for (index, &control) in self.controls().iter().enumerate() {
            if control == tag
                && let Some(entry) = self.at(index)
            {
                visit(entry);
            }
        }
    }
}

/// Keeps a shard's summary and its database's counts true; used under the shard's exclusive lock.
#[derive(Clone, Copy)]
pub(super) struct Ledger<'a> {
    database: &'a Database,
    shard: usize,
}

impl Ledger<'_> {
    #[inline]
    fn summary(&self) -> &Summary {
        &self.database.summaries[self.shard]
    }

    /// Notes that an entry's deadline changed from `was` to `is`.
    #[inline]
    fn deadline_changed(&self, was_volatile: bool, is: Option<u64>) {
        if let Some(due_ms) = is
            && due_ms < self.summary().due_ms()
        {
            self.summary().set_due_ms(due_ms);
        }
        self.count_volatile(i64::from(is.is_some()) - i64::from(was_volatile));
    }

    #[inline]
    fn count_volatile(&self, change: i64) {
        if change != 0 {
            let cell = &self.summary().volatile_count;
            // Relaxed load and store: the exclusive lock makes this the only writer.
            let count = i64::from(cell.load(Ordering::Relaxed)) + change;
            cell.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            self.database.volatile_count.add(change);
        }
    }

    /// Notes and accounts for a table that may have grown or shrunk since it took `before` bytes.
    #[inline]
    fn table_changed(&self, before: usize, table: &Table) {
        let after = table_bytes(table);
        if before != after {
            slab::account(after.cast_signed() - before.cast_signed());
            self.summary().note_table(table);
        }
    }

    /// Notes that the soonest deadline inside of a key's value changed.
    #[inline]
    fn elements_changed(&self, key: &[u8], was_ms: Option<u64>, is_ms: Option<u64>) {
        if was_ms != is_ms {
            self.note_elements(key, was_ms, is_ms);
        }
    }

    #[cold]
    fn note_elements(&self, key: &[u8], was_ms: Option<u64>, is_ms: Option<u64>) {
        let hash = super::hash_with(self.database.map.hasher(), key);
        self.database.agenda.change(self.shard, hash, was_ms, is_ms);
    }

    fn count_keys(&self, now: usize, change: i64) {
        let count = u32::try_from(now).unwrap_or(u32::MAX);
        // Relaxed: a hint, written under the exclusive lock.
        self.summary().key_count.store(count, Ordering::Relaxed);
        self.database.key_count.add(change);
    }
}

/// An entry of an exclusively locked shard, open for changes.
pub struct EntryMut<'a> {
    entry: &'a mut Entry,
    ledger: Ledger<'a>,
}

impl std::ops::Deref for EntryMut<'_> {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        self.entry
    }
}

impl EntryMut<'_> {
    /// Replaces value and deadline; in place where the new value takes the same room.
    #[inline]
    pub fn set_value(&mut self, value: StringValue<'_>, deadline_ms: Option<u64>) {
        let was_volatile = self.entry.is_volatile();
        if let Some(due_ms) = self.entry.elements_due_ms() {
            self.ledger.note_elements(self.entry.key(), Some(due_ms), None);
        }
        self.entry.set_value(value, deadline_ms);
        if was_volatile || deadline_ms.is_some() {
            self.ledger.deadline_changed(was_volatile, deadline_ms);
        }
    }

    /// Returns the value for changes if it is kept as an integer.
    #[inline]
    pub fn integer_mut(&mut self) -> Option<&mut i64> {
        self.entry.integer_mut()
    }

    /// Sets or removes the deadline, milliseconds since 1970.
    pub fn set_deadline(&mut self, deadline_ms: Option<u64>) {
        let was_volatile = self.entry.is_volatile();
        self.entry.set_deadline(deadline_ms);
        self.ledger.deadline_changed(was_volatile, deadline_ms);
    }

    /// Opens the value for changes if it is a collection of the type asked for.
    // Always inlined: of most types nothing but the memory is noted.
    #[inline(always)]
    pub fn collection_mut<T: Collection>(&mut self) -> Option<Editing<'_, T>> {
        let (key, value) = self.entry.key_and_collection_mut::<T>()?;
        let (before, due_ms) = (value.memory_bytes(), value.due_ms());
        Some(Editing { value, before, due_ms, key, ledger: self.ledger })
    }

    /// Overwrites part of the string from `offset` on, padding with zeros up to there. Returns the
    /// new length. Cost: amortized by the written bytes.
    pub fn write_range(&mut self, offset: usize, bytes: &[u8]) -> usize {
        self.entry.write_range(offset, bytes)
    }
}

/// A collection open for changes; when it is closed, its memory is accounted for.
pub struct Editing<'a, T: Collection> {
    value: &'a mut T,
    before: usize,
    due_ms: Option<u64>,
    key: &'a [u8],
    ledger: Ledger<'a>,
}

impl<T: Collection> std::ops::Deref for Editing<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T: Collection> std::ops::DerefMut for Editing<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.value
    }
}

impl<T: Collection> Drop for Editing<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let after = self.value.memory_bytes();
        if after != self.before {
            slab::account(after.cast_signed() - self.before.cast_signed());
        }
        self.ledger.elements_changed(self.key, self.due_ms, self.value.due_ms());
    }
}

/// A shard locked for one writer.
pub(super) struct WriteShard<'a> {
    ledger: Ledger<'a>,
    table: &'a mut Table,
    /// What is unlocked in the end; `None` where another holds the lock for this one.
    lock: Option<&'a RwLock<Table>>,
    ahead: Ahead,
}

impl Drop for WriteShard<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(lock) = self.lock {
            // SAFETY: locked when this was made, and `table` is not used any more.
            unsafe { lock.force_unlock_write() };
        }
    }
}

impl WriteShard<'_> {
    /// Returns the same shard for somebody who does not outlast this borrow.
    pub(super) fn lend(&mut self) -> WriteShard<'_> {
        self.ahead = Ahead::Unknown;
        WriteShard { ledger: self.ledger, table: self.table, lock: None, ahead: Ahead::Unknown }
    }

    /// Says whether clients wait for keys of this shard or watch them, or observe all keys.
    #[inline]
    pub(super) fn is_observed(&self) -> bool {
        self.ledger.summary().is_observed()
    }

    /// Says whether clients wait for keys of this shard or watch them.
    #[inline]
    pub(super) fn has_own_observer(&self) -> bool {
        self.ledger.summary().has_own_observer()
    }

    /// Notes one observer more.
    pub(super) fn add_observer(&self) {
        self.ledger.database.count_observer(self.ledger.shard, true);
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<&Entry> {
        find_in(&self.ahead, self.table, hash, key)
    }

    /// Returns where the entry lies that a hash probably belongs to.
    #[inline]
    pub(super) fn hint(&self, hash: u64) -> Option<EntryHint> {
        hint_in(self.table, hash)
    }

    /// The same, and remembers it for the search that follows.
    #[inline]
    pub(super) fn find_ahead(&mut self, hash: u64) -> Option<EntryHint> {
        self.ahead = Ahead::search(self.table, hash);
        self.ahead.hint()
    }

    pub(super) fn table(&self) -> TableView<'_> {
        TableView { table: &*self.table }
    }

    /// Returns the entry of a key for changes, in one search. An expired one is not returned; if
    /// `expired` takes note of it, it is removed as well.
    #[inline]
    pub(super) fn find_live_mut(
        &mut self,
        hash: u64,
        key: &[u8],
        now_ms: u64,
        expired: Option<impl FnOnce()>,
    ) -> Option<EntryMut<'_>> {
        let bucket = find_from(&self.ahead, self.table, hash, key)?;
        // SAFETY: a full bucket of this table, whose guard stays borrowed mutably with the result.
        let cell = unsafe { bucket.as_mut() };
        if cell.0.is_expired(now_ms) {
            if let Some(note) = expired {
                self.take(bucket);
                note();
            }
            return None;
        }
        Some(EntryMut { entry: &mut cell.0, ledger: self.ledger })
    }

    /// The same for somebody who only looks.
    #[inline]
    pub(super) fn find_live(
        &mut self,
        hash: u64,
        key: &[u8],
        now_ms: u64,
        expired: Option<impl FnOnce()>,
    ) -> Option<&Entry> {
        self.find_live_mut(hash, key, now_ms, expired).map(|found| &*found.entry)
    }

    /// Returns the entry of a key for changes, expired or not.
    pub(super) fn find_mut(&mut self, hash: u64, key: &[u8]) -> Option<EntryMut<'_>> {
        let bucket = find_from(&self.ahead, self.table, hash, key)?;
        // SAFETY: a full bucket of this table, whose guard stays borrowed mutably with the result.
        let cell = unsafe { bucket.as_mut() };
        Some(EntryMut { entry: &mut cell.0, ledger: self.ledger })
    }

    /// Adds an entry whose key is not there.
    pub(super) fn insert(&mut self, hash: u64, entry: Entry) {
        debug_assert!(self.find(hash, entry.key()).is_none(), "a key stands once in a table");
        let deadline_ms = entry.deadline_ms();
        if let Some(due_ms) = entry.elements_due_ms() {
            self.ledger.note_elements(entry.key(), None, Some(due_ms));
        }
        self.ahead = Ahead::Unknown;
        let before = table_bytes(self.table);
        let hasher = self.ledger.database.map.hasher();
        if self.table.len() == self.table.capacity() {
            // It grows, and hashes every key again: all misses of the cache at once take a fraction
            // of the time that they take one by one.
            self.table().for_each(Entry::prefetch);
        }
        self.table.insert(hash, (entry, SharedValue::new(())), |cell| {
            super::hash_with(hasher, cell.0.key())
        });
        self.ledger.table_changed(before, self.table);
        self.ledger.count_keys(self.table.len(), 1);
        if deadline_ms.is_some() {
            self.ledger.deadline_changed(false, deadline_ms);
        }
    }

    /// Removes a key and returns its entry.
    pub(super) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Entry> {
        let bucket = find(self.table, hash, key)?;
        Some(self.take(bucket))
    }

    /// Removes the entry at a position of the table, if that bucket is full.
    pub(super) fn remove_at(&mut self, index: usize) -> Option<Entry> {
        self.table().at(index)?;
        // SAFETY: `at` has checked that the index is below the number of buckets.
        let bucket = unsafe { self.table.bucket(index) };
        Some(self.take(bucket))
    }

    fn take(&mut self, bucket: Bucket<Cell>) -> Entry {
        self.ahead = Ahead::Unknown;
        // SAFETY: callers pass a full bucket of this table.
        let ((entry, _), _) = unsafe { self.table.remove(bucket) };
        self.ledger.count_keys(self.table.len(), -1);
        self.ledger.count_volatile(-i64::from(entry.is_volatile()));
        if let Some(due_ms) = entry.elements_due_ms() {
            self.ledger.note_elements(entry.key(), Some(due_ms), None);
        }
        entry
    }

    /// Removes elements whose time has come from the value that is first on the agenda; up to `limit`.
    /// Returns how many there were, or `None` when nothing is due. An entry left empty goes into
    /// `removed`.
    pub(super) fn expire_elements(
        &mut self,
        now_ms: u64,
        limit: usize,
        removed: &mut Vec<Entry>,
        on_expired: &mut dyn FnMut(Expired<'_>),
    ) -> Option<usize> {
        let (ledger, hasher) = (self.ledger, self.ledger.database.map.hasher());
        let hash = ledger.database.agenda.first_due(ledger.shard, now_ms)?;
        let is_due = |entry: &Entry| {
            entry.elements_due_ms().is_some_and(|due_ms| due_ms <= now_ms)
                && super::hash_with(hasher, entry.key()) == hash
        };
        let Some(bucket) = self.table.find(hash, |cell| is_due(&cell.0)) else {
            ledger.database.agenda.skip_first(ledger.shard);
            return Some(0);
        };
        // SAFETY: a full bucket of this table, which `self` has alone.
        let cell = unsafe { bucket.as_mut() };
        let (count, is_empty) = expire_elements(&mut cell.0, ledger, now_ms, limit, on_expired);
        if is_empty {
            removed.push(self.take(bucket));
        }
        Some(count)
    }

    pub(super) fn set_due_ms(&self, due_ms: u64) {
        self.ledger.summary().set_due_ms(due_ms);
    }

    /// Gives memory back when little of the table is in use; called after removals.
    #[inline]
    pub(super) fn shrink_if_sparse(&mut self) {
        const SMALLEST_BUCKETS: usize = 16;
        const SPARSE: usize = 8;
        let (buckets, len) = (self.table.buckets(), self.table.len());
        if buckets > SMALLEST_BUCKETS && len * SPARSE < buckets {
            self.ahead = Ahead::Unknown;
            let before = table_bytes(self.table);
            let hasher = self.ledger.database.map.hasher();
            self.table.shrink_to(len * 2, |cell| super::hash_with(hasher, cell.0.key()));
            self.ledger.table_changed(before, self.table);
        }
    }
}

/// Removes elements whose time has come; says how many, and whether none is left.
fn expire_elements(
    entry: &mut Entry,
    ledger: Ledger<'_>,
    now_ms: u64,
    limit: usize,
    on_expired: &mut dyn FnMut(Expired<'_>),
) -> (usize, bool) {
    let mut entry = EntryMut { entry, ledger };
    let Some(mut hash) = entry.collection_mut::<HashValue>() else { return (0, false) };
    let key = hash.key;
    let count = hash.remove_due(now_ms, limit, |field| on_expired(Expired::Field { key, field }));
    let is_empty = hash.is_empty();
    if count > 0 {
        on_expired(Expired::AllFields { key });
    }
    if is_empty {
        on_expired(Expired::LastField { key });
    }
    (count, is_empty)
}

#[cfg(test)]
mod tests {
    use super::{Database, shard_of, tag_of};
    use crate::keyspace::entry::Entry;
    use crate::types::StringValue;

    #[test]
    fn control_bytes_hold_the_tags() {
        let hasher = foldhash::quality::RandomState::default();
        let database = Database::new(hasher.clone());
        let mut by_tag = vec![0_usize; 128];
        let mut shard = database.write(0);
        for number in 0..2_000_u32 {
            let key = number.to_le_bytes();
            let hash = crate::keyspace::hash_with(&hasher, &key);
            shard.insert(hash, Entry::new(&key, StringValue::Integer(1), None, 0));
            by_tag[usize::from(tag_of(hash))] += 1;
            assert!(shard_of(hash) < super::SHARD_COUNT);
        }
        for (tag, &expected) in by_tag.iter().enumerate() {
            let mut seen = 0;
            shard.table().for_each_tagged(u8::try_from(tag).expect("below 128"), |_| seen += 1);
            assert_eq!(seen, expected);
        }
    }
}
