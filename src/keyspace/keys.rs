//! The keys of one command: its shards, locked, and what may be done with the entries in them.

use std::cell::Cell;

use super::access::{Access, KeyEvent, Lookup};
use super::busy::HeldForLong;
use super::database::Keyspace;
use super::entry::{Entry, EntryHint};
use super::key::{Key, KeyPlace, OwnedKey};
use super::late::{
    ExpiredThing, Late, Overdue, OverdueWhat, note, note_event, note_expired, note_missed,
    note_overdue, note_touched,
};
use super::locks::{Guard, HeldShard, LockMode, LockedShard};
use super::scan::ShardBusy;
use super::shard::{EntryMut, SHARD_COUNT, WriteShard};
use crate::types::{Collection, Hash, Object, StringValue, ValueType};

/// What a hit and a miss add to the look-ups of a command.
const HIT: u64 = 1;
const MISS: u64 = 1 << 32;

const DECLARED: &str = "a handler uses declared keys only";
const ALONE: &str = "only write commands change keys, and they lock exclusively";

/// The shards of one command.
#[derive(Default)]
pub(super) enum Shards<'a> {
    #[default]
    None,
    One(LockedShard<'a>),
    /// In ascending order of their places.
    Many(Vec<LockedShard<'a>>),
}

impl<'a> Shards<'a> {
    #[inline]
    fn find(&self, place: KeyPlace) -> Option<&LockedShard<'a>> {
        match self {
            Self::One(shard) => (shard.place == place).then_some(shard),
            Self::Many(shards) => {
                let found = shards.binary_search_by_key(&place, |shard| shard.place);
                Some(&shards[found.ok()?])
            }
            Self::None => None,
        }
    }

    #[inline]
    fn find_mut(&mut self, place: KeyPlace) -> Option<&mut LockedShard<'a>> {
        match self {
            Self::One(shard) => (shard.place == place).then_some(shard),
            Self::Many(shards) => {
                let found = shards.binary_search_by_key(&place, |shard| shard.place);
                Some(&mut shards[found.ok()?])
            }
            Self::None => None,
        }
    }

    #[inline(always)]
    fn writable(&mut self, place: KeyPlace) -> &mut WriteShard<'a> {
        let shard = match self {
            Self::One(shard) if shard.place == place => shard,
            Self::Many(shards) => one_of(shards, place),
            _ => panic!("{DECLARED}"),
        };
        match &mut shard.guard {
            Guard::Exclusive(shard) => shard,
            _ => unreachable!("{ALONE}"),
        }
    }
}

#[inline(never)]
fn one_of<'s, 'a>(shards: &'s mut [LockedShard<'a>], place: KeyPlace) -> &'s mut LockedShard<'a> {
    let found = shards.binary_search_by_key(&place, |shard| shard.place);
    &mut shards[found.expect(DECLARED)]
}

/// The locked shards of one command. Dropping it unlocks them.
///
/// It is made and moved for every command, so it is kept small.
pub struct Keys<'a> {
    shards: Shards<'a>,
    access: &'a Access,
    /// Hits, and misses times [`MISS`]: one word, because two that are written one by one and then
    /// read together would have to wait for each other.
    look_ups: Cell<u64>,
    /// Allocated when there is the first thing to tell.
    late: Option<Box<Late>>,
    /// The shards are locked by somebody for whom this command runs.
    is_lent: bool,
}

impl Keyspace {
    /// Returns the places of all shards of a database.
    pub fn all_places(db: u32) -> impl ExactSizeIterator<Item = KeyPlace> {
        let count = u32::try_from(SHARD_COUNT).expect("a shard's number has 14 bits");
        (0..count).map(move |shard| KeyPlace { db, shard })
    }

    /// Adds a key unless it is there, for tools that load data; says whether it was added. Locks the
    /// key's shard: the caller holds no lock.
    pub fn add(&self, key: &Key<'_>, value: StringValue<'_>, access: &Access) -> bool {
        let mut keys = self.lock_one(key.place, LockMode::Exclusive, access);
        if keys.peek(key).is_some() {
            return false;
        }
        keys.set(key, value, None);
        true
    }

    /// Says whether the entry of a key, if there is one, has expired. Locks its shard: the caller holds
    /// no lock.
    pub fn is_expired(&self, key: &Key<'_>, now_ms: u64) -> Option<bool> {
        let shard = self.database(key.place.db)?.read(key.place.shard as usize);
        Some(shard.find(key.hash, key.bytes)?.is_expired(now_ms))
    }

    /// Returns the type of what a key holds, if it holds anything. Never waits: an error if somebody is at
    /// work there.
    ///
    /// # Errors
    /// [`ShardBusy`].
    pub fn peek_type(&self, key: &Key<'_>, now_ms: u64) -> Result<Option<ValueType>, ShardBusy> {
        let Some(database) = self.database(key.place.db) else { return Ok(None) };
        let shard = database.try_read(key.place.shard as usize).ok_or(ShardBusy(key.place))?;
        let entry = shard.find(key.hash, key.bytes).filter(|entry| !entry.is_expired(now_ms));
        Ok(entry.map(Entry::value_type))
    }

    /// Does what [`Keys::observe`] does while the gate is closed.
    pub fn begin_observation(&self, key: &Key<'_>) {
        self.database_or_create(key.place.db).count_observer(key.place.shard as usize, true);
    }

    /// Takes back what [`Keys::observe`] noted. Needs no lock.
    pub fn end_observation(&self, key: &Key<'_>) {
        if let Some(database) = self.database(key.place.db) {
            database.count_observer(key.place.shard as usize, false);
        }
    }
}

impl<'a> Keys<'a> {
    /// Returns the keys of a command that has none.
    #[inline]
    pub fn none(access: &'a Access) -> Self {
        Self::of(Shards::None, access)
    }

    /// Takes a shard that was locked ahead out of its place, instead of those locked now.
    #[inline(always)]
    pub fn hold<'k: 'a>(&mut self, shard: &mut HeldShard<'k>) {
        // First unlocked, so that the other one is moved at once and not by way of a third place: reading
        // what was written just now in other pieces costs as much as locking.
        self.shards = Shards::None;
        self.shards = std::mem::take(&mut shard.0);
    }

    #[inline(always)]
    pub(super) fn of(shards: Shards<'a>, access: &'a Access) -> Self {
        Self { shards, access, look_ups: Cell::new(0), late: None, is_lent: false }
    }

    /// Says whether nothing is locked.
    #[inline]
    pub fn is_unlocked(&self) -> bool {
        matches!(self.shards, Shards::None)
    }

    /// Unlocks before the command ends: what follows takes long and looks up nothing more.
    pub fn unlock(&mut self) {
        self.shards = Shards::None;
    }

    /// Unlocks everything and locks the shards of `places` instead; false, with nothing locked, as soon as
    /// somebody holds one of them for a while. In between others may have changed whatever was seen. Not
    /// for lent locks.
    pub fn relock_soon(
        &mut self,
        keyspace: &'a Keyspace,
        places: &mut [KeyPlace],
        mode: LockMode,
    ) -> bool {
        assert!(!self.is_lent, "others rely on these locks");
        self.shards = Shards::None;
        let locked = keyspace.lock_soon(places, mode, self.access);
        locked.map(|keys| self.shards = keys.shards).is_some()
    }

    /// Says whether the database was not there when the shards were to be locked, so that they are not.
    pub fn lack_database(&self) -> bool {
        self.locked().iter().any(|shard| matches!(shard.guard, Guard::Absent))
    }

    fn locked(&self) -> &[LockedShard<'a>] {
        match &self.shards {
            Shards::None => &[],
            Shards::One(shard) => std::slice::from_ref(shard),
            Shards::Many(shards) => shards,
        }
    }

    /// Says whether somebody else holds the shards, for whom this command runs.
    pub fn is_lent(&self) -> bool {
        self.is_lent
    }

    /// Says whether the shards of all these places are locked as `mode` demands.
    pub fn covers_all(&self, places: &[KeyPlace], mode: LockMode) -> bool {
        places
            .iter()
            .all(|&place| self.shards.find(place).is_some_and(|shard| shard.may_be_lent(mode)))
    }

    /// Returns the circumstances of the command's accesses.
    pub fn access(&self) -> &'a Access {
        self.access
    }

    /// Returns hits and misses counted so far.
    #[inline]
    pub fn hits_and_misses(&self) -> (u64, u64) {
        let look_ups = self.look_ups.get();
        (look_ups % MISS, look_ups / MISS)
    }

    /// Says whether there is something to tell: keys whose time had come, or changes that somebody
    /// observes.
    #[inline]
    pub fn has_news(&self) -> bool {
        self.late.is_some()
    }

    /// Forgets what there was to tell.
    pub fn forget_news(&mut self) {
        self.late = None;
    }

    /// Returns the keys opened for changes that somebody observes, in order, perhaps repeated.
    pub fn take_touched(&mut self) -> Vec<OwnedKey> {
        self.late.as_mut().map(|late| std::mem::take(&mut late.touched)).unwrap_or_default()
    }

    /// Notes a change of a key that is not made through its entry alone.
    pub fn note_touched(&mut self, key: &Key<'_>) {
        let shard = self.shards.writable(key.place);
        note_touched(&mut self.late, shard, key);
    }

    /// Notes keys that may have changed with their whole database.
    pub fn note_changed(&mut self, keys: Vec<OwnedKey>) {
        if !keys.is_empty() {
            self.late.get_or_insert_default().touched.extend(keys);
        }
    }

    /// Returns where the entry probably lies that belongs to a hash, if its shard is locked.
    #[inline]
    pub fn entry_hint(&self, db: u32, hash: u64) -> Option<EntryHint> {
        self.shards.find(Key::with_hash(&[], hash, db).place)?.hint(hash)
    }

    /// Says whether a key's shard is among those locked.
    pub fn covers(&self, key: &Key<'_>) -> bool {
        self.shards.find(key.place).is_some()
    }

    /// Notes that one client more observes a key (it waits for it, or watches it). Its shard must be
    /// locked exclusively. [`Keyspace::end_observation`] takes it back.
    pub fn observe(&mut self, key: &Key<'_>) {
        self.shards.writable(key.place).add_observer();
    }

    /// Returns the entry of a key even if its time is over, for those who look after the server.
    /// Changes nothing.
    pub fn stored(&self, key: &Key<'_>) -> Option<&Entry> {
        match &self.shards.find(key.place).expect(DECLARED).guard {
            Guard::Absent => None,
            Guard::Shared(shard) => shard.find(key.hash, key.bytes),
            Guard::Exclusive(shard) => shard.find(key.hash, key.bytes),
        }
    }

    /// Says whether a key is still there though its time is over. Changes nothing.
    pub fn holds_expired(&self, key: &Key<'_>) -> bool {
        self.stored(key).is_some_and(|entry| entry.is_expired(self.access.now_ms))
    }

    /// Lends the shards of some places to a command that runs under these locks; `None` if one of
    /// them is not locked, or not as `mode` demands. `places` are in ascending order.
    pub fn lend<'b>(
        &'b mut self,
        places: &[KeyPlace],
        mode: LockMode,
        access: &'b Access,
    ) -> Option<Keys<'b>> {
        let mut rest = self.slice();
        if let [place] = places {
            let at = rest.binary_search_by_key(place, |shard| shard.place).ok()?;
            let shards = Shards::One(rest[at].lend(mode)?);
            return Some(Keys { is_lent: true, ..Keys::of(shards, access) });
        }
        let mut lent = Vec::with_capacity(places.len());
        let mut last = None;
        for &place in places {
            if last == Some(place) {
                continue;
            }
            last = Some(place);
            let at = rest.binary_search_by_key(&place, |shard| shard.place).ok()?;
            let (shard, behind) = rest[at..].split_first_mut()?;
            lent.push(shard.lend(mode)?);
            rest = behind;
        }
        let shards = match lent.len() {
            0 => Shards::None,
            1 => lent.pop().map_or(Shards::None, Shards::One),
            _ => Shards::Many(lent),
        };
        Some(Keys { is_lent: true, ..Keys::of(shards, access) })
    }

    /// Lends all shards.
    pub fn lend_all<'b>(&'b mut self, access: &'b Access) -> Keys<'b> {
        let places = self.places();
        let lent = self.lend(&places, LockMode::Shared, access);
        lent.expect("a reader may have every shard that is locked")
    }

    /// Returns the places of the locked shards in ascending order.
    pub fn places(&self) -> Vec<KeyPlace> {
        self.locked().iter().map(|shard| shard.place).collect()
    }

    /// Lets everybody know that these shards are held for long, until the result is dropped.
    pub fn hold_for_long<'b>(&self, keyspace: &'b Keyspace) -> HeldForLong<'b> {
        keyspace.busy.hold(self.places())
    }

    /// Lets everybody know that these shards are held for a while, until the result is dropped.
    pub fn hold_for_a_while<'b>(&self, keyspace: &'b Keyspace) -> HeldForLong<'b> {
        keyspace.taken.hold(self.places())
    }

    fn slice(&mut self) -> &mut [LockedShard<'a>] {
        match &mut self.shards {
            Shards::None => &mut [],
            Shards::One(shard) => std::slice::from_mut(shard),
            Shards::Many(shards) => &mut shards[..],
        }
    }

    /// Returns what was removed because it had expired, in order.
    pub fn take_expired(&mut self) -> Vec<ExpiredThing> {
        self.late.as_mut().map(|late| std::mem::take(&mut late.expired)).unwrap_or_default()
    }

    /// Returns what befell keys since the last call, as far as somebody listens to it.
    pub fn take_events(&mut self) -> Vec<(KeyEvent, OwnedKey)> {
        self.late.as_mut().map(|late| std::mem::take(&mut late.events)).unwrap_or_default()
    }

    /// Notes a key that a walk over the database found expired.
    pub fn note_overdue(&mut self, key: &Key<'_>) {
        if self.access.removes_expired {
            note_overdue(&mut self.late, key, OverdueWhat::Key);
        }
    }

    /// Notes fields of a key's hash whose time has come.
    #[cold]
    pub fn note_due_fields(&mut self, key: &Key<'_>, fields: &[&[u8]]) {
        if self.access.removes_expired {
            let fields = fields.iter().map(|&field| field.into()).collect();
            note_overdue(&mut self.late, key, OverdueWhat::Fields(fields));
        }
    }

    /// Notes that the time of some fields of a key's hash has come.
    #[cold]
    pub fn note_due_hash(&mut self, key: &Key<'_>) {
        if self.access.removes_expired {
            note_overdue(&mut self.late, key, OverdueWhat::AllFields);
        }
    }

    /// Takes over what somebody who runs under these locks has left to be removed.
    pub fn note_all_overdue(&mut self, mut overdue: Vec<Overdue>) {
        if !overdue.is_empty() {
            self.late.get_or_insert_default().overdue.append(&mut overdue);
        }
    }

    /// Removes what the command saw expired, where its locks allow it; returns the rest, to be removed
    /// once these locks are gone.
    pub fn settle_overdue(&mut self) -> Vec<Overdue> {
        let overdue = self.late.as_mut().map(|late| std::mem::take(&mut late.overdue));
        let mut overdue = overdue.unwrap_or_default();
        overdue.retain(|seen| !self.removes(seen));
        overdue
    }

    #[cold]
    fn removes(&mut self, seen: &Overdue) -> bool {
        let held = self.shards.find(seen.place());
        let may = held.is_some_and(|shard| matches!(shard.guard, Guard::Exclusive(_)));
        if may {
            self.remove_overdue(seen);
        }
        may
    }

    /// Removes what was seen expired, if it still is: somebody may have been quicker. Its shard is
    /// locked exclusively.
    pub fn remove_overdue(&mut self, seen: &Overdue) {
        let key = seen.key.key();
        match &seen.what {
            OverdueWhat::Key => self.remove_if_expired(&key),
            OverdueWhat::Missed => note_event(&mut self.late, KeyEvent::Missed, &key),
            OverdueWhat::Fields(fields) => self.remove_due_fields(&key, Some(fields)),
            OverdueWhat::AllFields => self.remove_due_fields(&key, None),
        }
    }

    /// Removes the fields of a hash whose time has come, all or some of them, and the key with its last
    /// field.
    fn remove_due_fields(&mut self, key: &Key<'_>, some: Option<&[Box<[u8]>]>) {
        let now_ms = self.access.now_ms;
        let Some(mut entry) = self.get_mut(key) else { return };
        let Some(mut hash) = entry.collection_mut::<Hash>() else { return };
        let mut gone: Vec<Box<[u8]>> = Vec::new();
        match some {
            Some(fields) => {
                for field in fields.iter().filter(|field| hash.holds_due(field, now_ms)) {
                    gone.push(field.clone());
                }
                gone.retain(|field| hash.remove(field));
            }
            None => {
                hash.remove_due(now_ms, usize::MAX, |field| gone.push(field.into()));
            }
        }
        let is_empty = hash.is_empty();
        drop(hash);
        if is_empty {
            self.remove(key);
        }
        if gone.is_empty() {
            return;
        }
        if self.access.noted.fields_expired {
            note_event(&mut self.late, KeyEvent::FieldsExpired(gone.clone()), key);
        }
        let expired = &mut self.late.get_or_insert_default().expired;
        expired.extend(gone.into_iter().map(|field| ExpiredThing {
            db: key.place.db,
            key: key.bytes.into(),
            field: Some(field),
        }));
        if is_empty && self.access.noted.emptied {
            note_event(&mut self.late, KeyEvent::Emptied, key);
        }
    }

    /// Returns the entry of a key that has not expired. An expired one is removed, at once where the lock
    /// allows it.
    #[inline]
    pub fn get(&mut self, key: &Key<'_>, lookup: Lookup) -> Option<&Entry> {
        let access = self.access;
        let late = &mut self.late;
        let found = match &mut self.shards.find_mut(key.place).expect(DECLARED).guard {
            Guard::Absent => None,
            Guard::Shared(shard) => shard.find(key.hash, key.bytes).filter(|entry| {
                let is_expired = entry.is_expired(access.now_ms);
                if is_expired && access.removes_expired {
                    note_overdue(late, key, OverdueWhat::Key);
                }
                !is_expired
            }),
            Guard::Exclusive(shard) => {
                let expired = access.removes_expired.then_some(|| note_expired(late, access, key));
                shard.find_live(key.hash, key.bytes, access.now_ms, expired)
            }
        };
        if lookup.counts {
            let step = if found.is_some() { HIT } else { MISS };
            self.look_ups.set(self.look_ups.get() + step);
            if access.noted.missed && lookup.announces && found.is_none() {
                note_missed(&mut self.late, key);
            }
        }
        if lookup.touches
            && self.access.touches
            && let Some(entry) = found
        {
            self.access.aging.touch(entry);
        }
        found
    }

    /// Returns the entry of a key that has not expired, without a trace. Several may be seen at once.
    #[inline]
    pub fn peek(&self, key: &Key<'_>) -> Option<&Entry> {
        let found = match &self.shards.find(key.place).expect(DECLARED).guard {
            Guard::Absent => None,
            Guard::Shared(shard) => shard.find(key.hash, key.bytes),
            Guard::Exclusive(shard) => shard.find(key.hash, key.bytes),
        };
        found.filter(|entry| !entry.is_expired(self.access.now_ms))
    }

    /// Returns the entry of a key for changes and stamps it. An expired one is removed first; a replica
    /// only hides it.
    #[inline]
    pub fn get_mut(&mut self, key: &Key<'_>) -> Option<EntryMut<'_>> {
        let access = self.access;
        let shard = self.shards.writable(key.place);
        let late = &mut self.late;
        let expired = || note_expired(late, access, key);
        let expired = access.removes_expired.then_some(expired);
        let is_observed = shard.is_observed();
        let entry = shard.find_live_mut(key.hash, key.bytes, access.now_ms, expired)?;
        if access.touches {
            access.aging.touch(&entry);
        }
        if is_observed {
            note(&mut self.late, key);
        }
        Some(entry)
    }

    /// Removes the key if its time has come. A replica keeps it.
    #[inline]
    pub fn remove_if_expired(&mut self, key: &Key<'_>) {
        let access = self.access;
        let shard = self.shards.writable(key.place);
        let is_expired = access.removes_expired
            && shard
                .find(key.hash, key.bytes)
                .is_some_and(|entry| entry.is_volatile() && entry.is_expired(access.now_ms));
        if is_expired {
            shard.remove(key.hash, key.bytes);
            note_expired(&mut self.late, access, key);
        }
    }

    /// Creates or replaces a key's value and deadline. Says whether the key was there.
    #[inline]
    pub fn set(&mut self, key: &Key<'_>, value: StringValue<'_>, deadline_ms: Option<u64>) -> bool {
        let stamp = self.access.aging.first_stamp();
        if let Some(mut entry) = self.get_mut(key) {
            let was = entry.value_type();
            entry.set_value(value, deadline_ms);
            self.note_replaced(key, was, ValueType::String);
            return true;
        }
        let entry = Entry::new(key.bytes, value, deadline_ms, stamp);
        self.put(key, entry);
        false
    }

    /// Creates a key that is not there, with a collection as its value.
    pub fn create(&mut self, key: &Key<'_>, object: impl Into<Object>) -> EntryMut<'_> {
        let stamp = self.access.aging.first_stamp();
        let entry = Entry::of_object(key.bytes, object.into(), None, stamp);
        self.put(key, entry);
        let shard = self.shards.writable(key.place);
        shard.find_mut(key.hash, key.bytes).expect("it was put there just now")
    }

    /// Puts a collection in a key's place, whatever is there: the key is new only if nothing was. Says
    /// whether something was.
    pub fn replace(&mut self, key: &Key<'_>, object: impl Into<Object>) -> bool {
        let was = self.remove(key).map(|entry| entry.value_type());
        let stamp = self.access.aging.first_stamp();
        let entry = Entry::of_object(key.bytes, object.into(), None, stamp);
        let is = entry.value_type();
        self.place(key, entry);
        match was {
            Some(was) => self.note_replaced(key, was, is),
            None => self.note_created(key),
        }
        was.is_some()
    }

    /// Stores an entry under its key in place of whatever is there: a new key all the same. Returns the
    /// type of what was there.
    pub fn insert(&mut self, key: &Key<'_>, entry: Entry) -> Option<ValueType> {
        debug_assert_eq!(entry.key(), key.bytes);
        let was = self.remove(key).map(|entry| entry.value_type());
        self.put(key, entry);
        was
    }

    fn put(&mut self, key: &Key<'_>, entry: Entry) {
        self.place(key, entry);
        self.note_created(key);
    }

    #[inline]
    fn note_created(&mut self, key: &Key<'_>) {
        if self.access.noted.created {
            note_event(&mut self.late, KeyEvent::Created, key);
        }
    }

    #[inline]
    fn note_replaced(&mut self, key: &Key<'_>, was: ValueType, is: ValueType) {
        let noted = &self.access.noted;
        if noted.overwritten {
            note_event(&mut self.late, KeyEvent::Overwritten, key);
        }
        if noted.type_changed && was != is {
            note_event(&mut self.late, KeyEvent::TypeChanged, key);
        }
    }

    fn place(&mut self, key: &Key<'_>, entry: Entry) {
        let is_clear = self.access.removes_expired;
        let shard = self.shards.writable(key.place);
        if !is_clear {
            // A replica may still hold an expired entry here.
            shard.remove(key.hash, key.bytes);
        }
        shard.insert(key.hash, entry);
        note_touched(&mut self.late, shard, key);
    }

    /// Removes a key and returns its entry, if it was there and had not expired.
    pub fn remove(&mut self, key: &Key<'_>) -> Option<Entry> {
        self.remove_if_expired(key);
        let now_ms = self.access.now_ms;
        let shard = self.shards.writable(key.place);
        let entry = shard.remove(key.hash, key.bytes)?;
        shard.shrink_if_sparse();
        note_touched(&mut self.late, shard, key);
        (!entry.is_expired(now_ms)).then_some(entry)
    }

    /// Removes a key even if its time has come, as if it had not; says whether it was there.
    pub fn discard(&mut self, key: &Key<'_>) -> bool {
        let shard = self.shards.writable(key.place);
        let was_there = shard.remove(key.hash, key.bytes).is_some();
        if was_there {
            shard.shrink_if_sparse();
            note_touched(&mut self.late, shard, key);
        }
        was_there
    }

    /// Gives an entry another key, replacing what is there, whose type is returned.
    pub fn rename(&mut self, from: &Key<'_>, to: &Key<'_>) -> Option<ValueType> {
        let renamed = self.remove(from)?.renamed(to.bytes);
        self.insert(to, renamed)
    }
}
