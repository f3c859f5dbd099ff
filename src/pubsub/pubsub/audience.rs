//! The subscribers of one channel or pattern, worker by worker.

use std::sync::Arc;

use smallvec::SmallVec;

/// A client that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriber {
    pub client_id: u64,
    /// Where its worker finds it. Another client may come to that place later: compare the ids.
    pub seat: usize,
}

/// The subscribers of one worker; shared with the messages on their way to them.
pub(super) type Listeners = Arc<Vec<Subscriber>>;

/// All subscribers.
#[derive(Default)]
pub(super) struct Audience {
    /// Nearly always one or two workers.
    by_worker: SmallVec<[(usize, Listeners); 1]>,
}

impl Audience {
    /// Adds a subscriber that is not there.
    pub(super) fn add(&mut self, worker: usize, subscriber: Subscriber) {
        match self.by_worker.iter_mut().find(|(other, _)| *other == worker) {
            // Copied only while a message holds the list.
            Some((_, listeners)) => Arc::make_mut(listeners).push(subscriber),
            None => self.by_worker.push((worker, Arc::new(vec![subscriber]))),
        }
    }

    /// Removes a client.
    pub(super) fn remove(&mut self, worker: usize, client_id: u64) {
        let at = self.by_worker.iter().position(|(other, _)| *other == worker);
        let Some(at) = at else { return };
        let listeners = Arc::make_mut(&mut self.by_worker[at].1);
        if let Some(index) = listeners.iter().position(|other| other.client_id == client_id) {
            listeners.swap_remove(index);
        }
        if listeners.is_empty() {
            self.by_worker.swap_remove(at);
        }
    }

    /// Says whether nobody is left.
    pub(super) fn is_empty(&self) -> bool {
        self.by_worker.is_empty()
    }

    /// Returns the number of subscribers.
    pub(super) fn len(&self) -> usize {
        self.by_worker.iter().map(|(_, listeners)| listeners.len()).sum()
    }

    /// Returns the lists of all workers.
    pub(super) fn lists(&self) -> impl Iterator<Item = (usize, Listeners)> {
        self.by_worker.iter().map(|(worker, listeners)| (*worker, Arc::clone(listeners)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Audience, Subscriber};

    #[test]
    fn a_list_on_its_way_does_not_change() {
        let mut audience = Audience::default();
        for client_id in 1..=3 {
            audience.add(0, Subscriber { client_id, seat: 7 });
        }
        audience.add(1, Subscriber { client_id: 4, seat: 0 });
        let (_, sent) = audience.lists().next().expect("a list");
        audience.remove(0, 2);
        audience.remove(0, 9);
        assert_eq!((sent.len(), audience.len()), (3, 3));
        for client_id in [1, 3] {
            audience.remove(0, client_id);
        }
        audience.remove(1, 4);
        assert!(audience.is_empty());
    }
}
