//! Locking shards: one or several, for readers or for one writer, waiting or not.
//!
//! Nobody waits for a shard while he holds another one. So whoever has to leave the gate for somebody
//! while he waits can do so, and a script that must go on to the end finds no one in its way.

use super::access::Access;
use super::database::Keyspace;
use super::entry::EntryHint;
use super::key::{Key, KeyPlace};
use super::keys::{Keys, Shards};
use super::shard::{Database, ReadShard, WriteShard};
use crate::base::patience::{Patience, try_for_a_moment};

/// How a command locks its shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// With other readers.
    Shared,
    /// Alone.
    Exclusive,
}

/// A lock, or what needs none.
pub(super) enum Guard<'a> {
    /// The database does not exist (yet); nothing is there.
    Absent,
    Shared(ReadShard<'a>),
    Exclusive(WriteShard<'a>),
}

/// One locked shard.
pub(super) struct LockedShard<'a> {
    pub(super) place: KeyPlace,
    pub(super) guard: Guard<'a>,
}

impl LockedShard<'_> {
    /// Returns where the entry lies that a hash probably belongs to.
    #[inline]
    pub(super) fn hint(&self, hash: u64) -> Option<EntryHint> {
        match &self.guard {
            Guard::Absent => None,
            Guard::Shared(shard) => shard.hint(hash),
            Guard::Exclusive(shard) => shard.hint(hash),
        }
    }

    /// Says whether [`Self::lend`] returns the shard.
    pub(super) fn may_be_lent(&self, mode: LockMode) -> bool {
        mode == LockMode::Shared || matches!(self.guard, Guard::Exclusive(_))
    }

    /// Returns the same shard for somebody who does not outlast this borrow; `None` if he wants to
    /// write and may not.
    pub(super) fn lend(&mut self, mode: LockMode) -> Option<LockedShard<'_>> {
        let guard = match (&mut self.guard, mode) {
            (Guard::Exclusive(shard), _) => Guard::Exclusive(shard.lend()),
            (Guard::Shared(shard), LockMode::Shared) => Guard::Shared(shard.lend()),
            (Guard::Absent, LockMode::Shared) => Guard::Absent,
            _ => return None,
        };
        Some(LockedShard { place: self.place, guard })
    }
}

/// A place for a shard that is locked ahead of the command that needs it. Dropping it unlocks it.
#[derive(Default)]
pub struct HeldShard<'a>(pub(super) Shards<'a>);

impl HeldShard<'_> {
    /// Says whether no shard is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Shards::None)
    }

    /// Finds where the entry probably lies that belongs to a hash, and remembers it for the search that
    /// follows.
    #[inline]
    pub fn find_ahead(&mut self, hash: u64) -> Option<EntryHint> {
        let Shards::One(locked) = &mut self.0 else { return None };
        match &mut locked.guard {
            Guard::Absent => None,
            Guard::Shared(shard) => shard.find_ahead(hash),
            Guard::Exclusive(shard) => shard.find_ahead(hash),
        }
    }
}

impl Database {
    /// Locks the shard of a hash ahead of its command, and puts it into an empty place; `db` is this
    /// database's number. Never waits: does nothing and says so if somebody else is at work there, waits
    /// for a key of it or watches one.
    #[inline(always)]
    pub fn try_hold<'a>(
        &'a self,
        (db, hash): (u32, u64),
        mode: LockMode,
        held: &mut HeldShard<'a>,
    ) -> bool {
        if !held.is_empty() {
            return false;
        }
        let place = Key::with_hash(&[], hash, db).place;
        let shard = place.shard as usize;
        let guard = match mode {
            LockMode::Shared => match self.try_read(shard) {
                Some(shard) => Guard::Shared(shard),
                None => return false,
            },
            LockMode::Exclusive => match self.try_write(shard) {
                Some(shard) if !shard.has_own_observer() => Guard::Exclusive(shard),
                _ => return false,
            },
        };
        held.0 = Shards::One(LockedShard { place, guard });
        true
    }
}

impl Keyspace {
    /// Locks the shards of `places`, which this sorts. Waits; the caller holds no lock.
    pub fn lock<'a>(
        &'a self,
        places: &mut [KeyPlace],
        mode: LockMode,
        access: &'a Access,
    ) -> Keys<'a> {
        let shards = self.lock_places(places, mode, &|place| Some(self.lock_place(place, mode)));
        Keys::of(shards.expect("this one waits"), access)
    }

    /// The same, but `None` as soon as somebody holds one of the shards for a while: for those who can do
    /// something else meanwhile.
    pub fn lock_soon<'a>(
        &'a self,
        places: &mut [KeyPlace],
        mode: LockMode,
        access: &'a Access,
    ) -> Option<Keys<'a>> {
        let lock_soon = |place| self.lock_place_soon(place, mode);
        Some(Keys::of(self.lock_places(places, mode, &lock_soon)?, access))
    }

    /// Says whether somebody holds one of some shards for long.
    pub fn is_held_for_long(&self, places: &[KeyPlace]) -> bool {
        self.busy.holds_any(places)
    }

    /// Locks shards in one order, so that two who want the same rarely meet. Nobody waits while he
    /// holds one: if a shard cannot be had, all others are let go, and it comes first in the next try.
    fn lock_places<'a>(
        &'a self,
        places: &mut [KeyPlace],
        mode: LockMode,
        wait_for: &dyn Fn(KeyPlace) -> Option<LockedShard<'a>>,
    ) -> Option<Shards<'a>> {
        if let [place] = *places {
            let shard = match self.try_place(place, mode) {
                Some(shard) => shard,
                None => wait_for(place)?,
            };
            return Some(Shards::One(shard));
        }
        places.sort_unstable();
        let mut first = None;
        loop {
            match self.try_places(places, mode, first.take()) {
                Ok(shards) => return Some(Shards::Many(shards)),
                Err(missing) => first = Some(wait_for(missing)?),
            }
        }
    }

    /// Locks shards, one of which is locked already, or says which one cannot be had.
    fn try_places<'a>(
        &'a self,
        places: &[KeyPlace],
        mode: LockMode,
        mut first: Option<LockedShard<'a>>,
    ) -> Result<Vec<LockedShard<'a>>, KeyPlace> {
        let mut shards = Vec::with_capacity(places.len());
        let mut last = None;
        for &place in places {
            if last == Some(place) {
                continue;
            }
            last = Some(place);
            let is_first = first.as_ref().is_some_and(|shard| shard.place == place);
            let held = if is_first { first.take() } else { self.try_place(place, mode) };
            // Those who hold one wait for nothing, so it is free again in a moment.
            let held = held.or_else(|| try_for_a_moment(|| self.try_place(place, mode)));
            shards.push(held.ok_or(place)?);
        }
        Ok(shards)
    }

    /// Locks one shard: what most commands need. Waits; allocates nothing.
    // Always inlined, like all that returns the locked shard: copying it costs more than locking.
    #[inline(always)]
    pub fn lock_one<'a>(&'a self, place: KeyPlace, mode: LockMode, access: &'a Access) -> Keys<'a> {
        Keys::of(Shards::One(self.lock_place(place, mode)), access)
    }

    /// The same, but `None` as soon as somebody holds the shard for a while.
    #[inline(always)]
    pub fn lock_one_soon<'a>(
        &'a self,
        place: KeyPlace,
        mode: LockMode,
        access: &'a Access,
    ) -> Option<Keys<'a>> {
        let shard = match self.try_place(place, mode) {
            Some(shard) => shard,
            None => self.lock_place_soon(place, mode)?,
        };
        Some(Keys::of(Shards::One(shard), access))
    }

    #[inline(always)]
    fn try_place(&self, place: KeyPlace, mode: LockMode) -> Option<LockedShard<'_>> {
        let shard = place.shard as usize;
        let guard = match mode {
            LockMode::Shared => match self.database(place.db) {
                None => Guard::Absent,
                Some(database) => Guard::Shared(database.try_read(shard)?),
            },
            LockMode::Exclusive => {
                Guard::Exclusive(self.database_or_create(place.db).try_write(shard)?)
            }
        };
        Some(LockedShard { place, guard })
    }

    /// Locks a shard that was not to be had at once, unless somebody holds it for a while.
    #[cold]
    fn lock_place_soon(&self, place: KeyPlace, mode: LockMode) -> Option<LockedShard<'_>> {
        let mut patience = Patience::default();
        loop {
            if let Some(shard) = self.try_place(place, mode) {
                return Some(shard);
            }
            if self.is_held_for_a_while(place) || !patience.pause() {
                return None;
            }
        }
    }

    /// Says whether somebody holds a shard for a while, or for long.
    fn is_held_for_a_while(&self, place: KeyPlace) -> bool {
        self.taken.holds(place) || self.busy.holds(place)
    }

    /// Locks a shard for readers that was not to be had at once, unless somebody holds it for a while.
    #[cold]
    pub(super) fn wait_to_read<'a>(
        &self,
        database: &'a Database,
        place: KeyPlace,
    ) -> Option<ReadShard<'a>> {
        let mut patience = Patience::default();
        loop {
            if self.is_held_for_a_while(place) || !patience.pause() {
                return None;
            }
            if let Some(shard) = database.try_read(place.shard as usize) {
                return Some(shard);
            }
        }
    }

    #[inline(always)]
    pub(super) fn lock_place(&self, place: KeyPlace, mode: LockMode) -> LockedShard<'_> {
        let shard = place.shard as usize;
        let guard = match mode {
            LockMode::Shared => self
                .database(place.db)
                .map_or(Guard::Absent, |database| Guard::Shared(database.read(shard))),
            LockMode::Exclusive => Guard::Exclusive(self.database_or_create(place.db).write(shard)),
        };
        LockedShard { place, guard }
    }
}

#[cfg(test)]
mod tests {
    use super::{Guard, HeldShard, LockMode, LockedShard, Shards};
    use crate::keyspace::entry::Entry;
    use crate::keyspace::{Key, Keyspace};
    use crate::types::StringValue;

    /// Whatever becomes of the table in between, a search finds what is there now.
    #[test]
    fn what_was_found_ahead_is_forgotten_when_the_table_changes() {
        let keyspace = Keyspace::new(1);
        let database = keyspace.database_or_create(0);
        let mut held = HeldShard::default();
        assert!(database.try_hold((0, 1), LockMode::Exclusive, &mut held));
        let Shards::One(LockedShard { guard: Guard::Exclusive(shard), .. }) = &mut held.0 else {
            panic!("it was locked for a writer")
        };
        let key = |number: u64| number.to_le_bytes();
        let hash = |number: u64| keyspace.hash(&key(number));
        let insert = |shard: &mut super::WriteShard<'_>, number: u64| {
            shard.insert(hash(number), Entry::new(&key(number), StringValue::Integer(1), None, 0));
        };
        assert!(shard.find_ahead(hash(0)).is_none());
        assert!(shard.find(hash(0), &key(0)).is_none());
        insert(shard, 0);
        assert!(shard.find(hash(0), &key(0)).is_some());
        assert!(shard.remove(hash(0), &key(0)).is_some());
        // All in one table, whatever their own shards are.
        for number in 0..200 {
            insert(shard, number);
            assert!(shard.find_ahead(hash(number / 2)).is_some());
            // The bucket found is another key's, or moves when the table grows at the next insertion.
            assert_eq!(
                shard.find(hash(number), &key(number)).map(Entry::key),
                Some(&key(number)[..])
            );
        }
        for number in 0..200 {
            shard.find_ahead(hash(number));
            assert!(shard.remove(hash(number), &key(number)).is_some());
            shard.shrink_if_sparse();
            assert!(shard.find(hash(number), &key(number)).is_none());
            assert!(shard.find_mut(hash(number), &key(number)).is_none());
        }
        insert(shard, 7);
        shard.find_ahead(hash(7));
        drop(shard.lend().remove(hash(7), &key(7)));
        assert!(shard.find(hash(7), &key(7)).is_none());
    }

    #[test]
    fn a_shard_is_held_by_one_writer_or_by_readers() {
        let keyspace = Keyspace::new(2);
        let hash = keyspace.hash(b"key");
        assert!(keyspace.database(1).is_none(), "no such database yet");
        let database = keyspace.database_or_create(0);
        let may_hold = |mode| database.try_hold((0, hash), mode, &mut HeldShard::default());
        let mut reader = HeldShard::default();
        assert!(database.try_hold((0, hash), LockMode::Shared, &mut reader) && !reader.is_empty());
        assert!(!database.try_hold((0, hash), LockMode::Shared, &mut reader), "it is not empty");
        assert!(may_hold(LockMode::Shared));
        assert!(!may_hold(LockMode::Exclusive));
        drop(reader);
        let key = Key::with_hash(b"key", hash, 0);
        keyspace.begin_observation(&key);
        assert!(!may_hold(LockMode::Exclusive), "somebody waits there");
        keyspace.end_observation(&key);
        assert!(may_hold(LockMode::Exclusive));
    }
}
