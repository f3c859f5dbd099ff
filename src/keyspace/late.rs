//! What a command met, besides its own business, that others must hear of: keys whose time had come,
//! changes that somebody observes, events that somebody listens to.
//!
//! Most commands meet nothing of it, so it is allocated when there is the first thing to tell.

use super::access::{Access, KeyEvent};
use super::key::{Key, KeyPlace, OwnedKey};
use super::shard::WriteShard;

/// What was found expired and removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredThing {
    pub db: u32,
    pub key: Box<[u8]>,
    /// The field of the key's hash, where not the key itself had expired.
    pub field: Option<Box<[u8]>>,
}

/// What was found expired by a command that could not remove it there and then.
pub struct Overdue {
    pub(super) key: OwnedKey,
    pub(super) what: OverdueWhat,
}

/// What somebody came upon that is due.
pub(super) enum OverdueWhat {
    Key,
    /// The key was to be read, which is to be announced behind the removal.
    Missed,
    /// Those of these fields whose time has come.
    Fields(Vec<Box<[u8]>>),
    /// All fields whose time has come.
    AllFields,
}

impl Overdue {
    /// Returns where it is.
    pub fn place(&self) -> KeyPlace {
        self.key.key().place
    }

    /// Returns the key if nothing is to be removed: it was to be read and is not there, which is to be
    /// announced behind what is to be removed before.
    pub fn missed(&self) -> Option<&OwnedKey> {
        matches!(self.what, OverdueWhat::Missed).then_some(&self.key)
    }
}

/// What a command met that somebody must hear of before the locks are gone.
#[derive(Default)]
pub(super) struct Late {
    /// Found expired and removed.
    pub(super) expired: Vec<ExpiredThing>,
    /// Found expired where it could not be removed.
    pub(super) overdue: Vec<Overdue>,
    /// Opened for changes while somebody observes.
    pub(super) touched: Vec<OwnedKey>,
    /// What somebody listens to, in order.
    pub(super) events: Vec<(KeyEvent, OwnedKey)>,
}

/// Notes a key that was found expired and removed.
#[cold]
pub(super) fn note_expired(late: &mut Option<Box<Late>>, access: &Access, key: &Key<'_>) {
    let expired = ExpiredThing { db: key.place.db, key: key.bytes.into(), field: None };
    late.get_or_insert_default().expired.push(expired);
    if access.noted.expired {
        note_event(late, KeyEvent::Expired, key);
    }
}

/// Notes what somebody listens to.
#[cold]
pub(super) fn note_event(late: &mut Option<Box<Late>>, event: KeyEvent, key: &Key<'_>) {
    late.get_or_insert_default().events.push((event, OwnedKey::from(key)));
}

/// Notes that a key was to be read, behind what is still to be removed before that is announced.
#[cold]
pub(super) fn note_missed(late: &mut Option<Box<Late>>, key: &Key<'_>) {
    if late.as_ref().is_some_and(|late| !late.overdue.is_empty()) {
        note_overdue(late, key, OverdueWhat::Missed);
    } else {
        note_event(late, KeyEvent::Missed, key);
    }
}

/// Notes what is due and cannot be removed there and then.
#[cold]
pub(super) fn note_overdue(late: &mut Option<Box<Late>>, key: &Key<'_>, what: OverdueWhat) {
    late.get_or_insert_default().overdue.push(Overdue { key: OwnedKey::from(key), what });
}

/// Notes a key that was opened for changes if somebody observes its shard.
#[inline]
pub(super) fn note_touched(late: &mut Option<Box<Late>>, shard: &WriteShard<'_>, key: &Key<'_>) {
    if shard.is_observed() {
        note(late, key);
    }
}

/// Notes a key that was opened for changes.
#[cold]
pub(super) fn note(late: &mut Option<Box<Late>>, key: &Key<'_>) {
    late.get_or_insert_default().touched.push(OwnedKey::from(key));
}
