//! Which shards somebody (a script) holds for long, so that nobody waits for them, and which for a while,
//! so that those who have something else to do do not wait either.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::key::KeyPlace;

/// The shards held for long.
#[derive(Default)]
pub(super) struct Busy {
    holder_count: AtomicUsize,
    places: Mutex<Vec<KeyPlace>>,
}

impl Busy {
    /// Says whether a shard is held for long.
    pub(super) fn holds(&self, place: KeyPlace) -> bool {
        // Relaxed: who does not see it yet asks again soon.
        self.holder_count.load(Ordering::Relaxed) > 0 && self.places.lock().contains(&place)
    }

    /// Says whether one of some shards is held for long.
    pub(super) fn holds_any(&self, places: &[KeyPlace]) -> bool {
        places.iter().any(|&place| self.holds(place))
    }

    /// Returns the shards of a database that are held for long.
    pub(super) fn places_of(&self, db: u32) -> Vec<KeyPlace> {
        // Relaxed: as above.
        if self.holder_count.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        self.places.lock().iter().filter(|place| place.db == db).copied().collect()
    }

    /// Notes shards until the result is dropped.
    pub(super) fn hold(&self, places: Vec<KeyPlace>) -> HeldForLong<'_> {
        self.places.lock().extend_from_slice(&places);
        self.holder_count.fetch_add(1, Ordering::Relaxed);
        HeldForLong { busy: self, places }
    }
}

/// Shards are held for long while this lives.
pub struct HeldForLong<'a> {
    busy: &'a Busy,
    places: Vec<KeyPlace>,
}

impl Drop for HeldForLong<'_> {
    fn drop(&mut self) {
        let mut held = self.busy.places.lock();
        for place in &self.places {
            if let Some(index) = held.iter().position(|other| other == place) {
                held.swap_remove(index);
            }
        }
        self.busy.holder_count.fetch_sub(1, Ordering::Relaxed);
    }
}
