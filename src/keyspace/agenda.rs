//! What is due inside of values: keys whose collections have elements with deadlines of their own.
//!
//! Per shard, an ordered set of (soonest deadline in the value, hash of its key), exact at any time, so
//! that a sweep finds what is due without looking at the rest. The array exists from the first such
//! value on. A shard's set changes only under the shard's exclusive lock; its mutex is never waited
//! for.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::shard::SHARD_COUNT;
use crate::base::striped::Striped;

/// The values of one database with something due some time.
#[derive(Default)]
pub(super) struct Agenda {
    shards: OnceLock<Box<[Page]>>,
    value_count: Striped,
}

/// One shard's part.
struct Page {
    /// The first deadline of the set; `u64::MAX` for none. A hint for who does not hold the lock.
    due_ms: AtomicU64,
    turns: Mutex<BTreeSet<(u64, u64)>>,
}

impl Agenda {
    /// Returns the number of values that have elements with deadlines.
    pub(super) fn value_count(&self) -> u64 {
        self.value_count.total()
    }

    /// Returns when the first element of a shard is due; `u64::MAX` for never.
    pub(super) fn due_ms(&self, shard: usize) -> u64 {
        // Relaxed: a hint; who acts on it locks the shard and looks again.
        self.shards.get().map_or(u64::MAX, |pages| pages[shard].due_ms.load(Ordering::Relaxed))
    }

    /// Returns the hash of the key whose value has been due longest, if it is due by now.
    pub(super) fn first_due(&self, shard: usize, now_ms: u64) -> Option<u64> {
        let turns = self.shards.get()?[shard].turns.lock();
        let &(due_ms, hash) = turns.first()?;
        (due_ms <= now_ms).then_some(hash)
    }

    /// Notes that the soonest deadline in a value changed. Called under its shard's exclusive lock.
    pub(super) fn change(&self, shard: usize, hash: u64, was_ms: Option<u64>, is_ms: Option<u64>) {
        let page = &self.shards.get_or_init(pages)[shard];
        let mut turns = page.turns.lock();
        if let Some(was_ms) = was_ms {
            turns.remove(&(was_ms, hash));
        }
        if let Some(is_ms) = is_ms {
            turns.insert((is_ms, hash));
        }
        page.note(&turns);
        let change = i64::from(is_ms.is_some()) - i64::from(was_ms.is_some());
        if change != 0 {
            self.value_count.add(change);
        }
    }

    /// Strikes out the first turn of a shard: it leads nowhere.
    pub(super) fn skip_first(&self, shard: usize) {
        let Some(pages) = self.shards.get() else { return };
        let mut turns = pages[shard].turns.lock();
        if turns.pop_first().is_some() {
            self.value_count.add(-1);
        }
        pages[shard].note(&turns);
    }

    /// Forgets a shard whose keys are all gone.
    pub(super) fn clear(&self, shard: usize) {
        let Some(pages) = self.shards.get() else { return };
        let mut turns = pages[shard].turns.lock();
        self.value_count.add(-(turns.len() as i64));
        turns.clear();
        pages[shard].note(&turns);
    }
}

impl Page {
    fn note(&self, turns: &BTreeSet<(u64, u64)>) {
        let due_ms = turns.first().map_or(u64::MAX, |&(due_ms, _)| due_ms);
        // Relaxed: see `Agenda::due_ms`.
        self.due_ms.store(due_ms, Ordering::Relaxed);
    }
}

fn pages() -> Box<[Page]> {
    let page = || Page { due_ms: AtomicU64::new(u64::MAX), turns: Mutex::default() };
    (0..SHARD_COUNT).map(|_| page()).collect()
}

#[cfg(test)]
mod tests {
    use super::Agenda;

    #[test]
    fn the_first_turn_is_known() {
        let agenda = Agenda::default();
        assert_eq!((agenda.due_ms(3), agenda.first_due(3, u64::MAX)), (u64::MAX, None));
        agenda.change(3, 7, None, Some(100));
        agenda.change(3, 8, None, Some(50));
        assert_eq!((agenda.due_ms(3), agenda.value_count()), (50, 2));
        assert_eq!((agenda.first_due(3, 49), agenda.first_due(3, 50)), (None, Some(8)));
        agenda.change(3, 8, Some(50), Some(200));
        assert_eq!((agenda.due_ms(3), agenda.due_ms(4)), (100, u64::MAX));
        agenda.change(3, 7, Some(100), None);
        assert_eq!((agenda.first_due(3, 200), agenda.value_count()), (Some(8), 1));
        agenda.clear(3);
        assert_eq!((agenda.due_ms(3), agenda.value_count()), (u64::MAX, 0));
    }
}
