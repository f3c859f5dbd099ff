//! The registry of all subscriptions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::RwLock;

use super::audience::{Audience, Subscriber};
use super::message::{Broadcast, Message, Space};
use super::subscriptions::Subscriptions;
use crate::base::glob;

type Hasher = foldhash::quality::RandomState;

/// Everybody's subscriptions.
#[derive(Default)]
pub struct PubSub {
    channels: DashMap<Bytes, Audience, Hasher>,
    shard_channels: DashMap<Bytes, Audience, Hasher>,
    patterns: RwLock<HashMap<Bytes, Audience, Hasher>>,
    /// Patterns there are, to see without the lock that there are none.
    pattern_count: AtomicUsize,
    /// Clients that listen to something.
    client_count: AtomicUsize,
    /// Subscriptions that have ended so far.
    ended_count: AtomicU64,
}

impl PubSub {
    fn map(&self, space: Space) -> Option<&DashMap<Bytes, Audience, Hasher>> {
        match space {
            Space::Channel => Some(&self.channels),
            Space::ShardChannel => Some(&self.shard_channels),
            Space::Pattern => None,
        }
    }

    /// Has a client listen to a name. Says whether it did not before.
    pub fn subscribe(
        &self,
        own: &mut Subscriptions,
        space: Space,
        name: &[u8],
        (worker, subscriber): (usize, Subscriber),
    ) -> bool {
        let name = Bytes::copy_from_slice(name);
        let was_silent = own.is_empty();
        if !own.add(space, name.clone()) {
            return false;
        }
        // Relaxed, here and below: statistics, or hints that a lock orders.
        self.client_count.fetch_add(usize::from(was_silent), Ordering::Relaxed);
        match self.map(space) {
            Some(map) => map.entry(name).or_default().add(worker, subscriber),
            None => {
                let mut patterns = self.patterns.write();
                patterns.entry(name).or_default().add(worker, subscriber);
                self.pattern_count.store(patterns.len(), Ordering::Relaxed);
            }
        }
        true
    }

    /// Has a client no longer listen to a name. Says whether it did.
    pub fn unsubscribe(
        &self,
        own: &mut Subscriptions,
        space: Space,
        name: &[u8],
        (worker, client_id): (usize, u64),
    ) -> bool {
        if !own.remove(space, name) {
            return false;
        }
        self.forget(space, name, (worker, client_id));
        // Behind the removal: a message with a higher number did not find this client any more.
        let ended_count = self.ended_count.fetch_add(1, Ordering::Relaxed) + 1;
        own.note_end(ended_count);
        self.client_count.fetch_sub(usize::from(own.is_empty()), Ordering::Relaxed);
        true
    }

    fn forget(&self, space: Space, name: &[u8], (worker, client_id): (usize, u64)) {
        let Some(map) = self.map(space) else {
            let mut patterns = self.patterns.write();
            if let Some(audience) = patterns.get_mut(name) {
                audience.remove(worker, client_id);
                if audience.is_empty() {
                    patterns.remove(name);
                }
            }
            self.pattern_count.store(patterns.len(), Ordering::Relaxed);
            return;
        };
        if let Some(mut audience) = map.get_mut(name) {
            audience.remove(worker, client_id);
        }
        map.remove_if(name, |_, audience| audience.is_empty());
    }

    /// Hands a message to the subscribers of a channel, and to those of patterns that match its name;
    /// returns how many there are.
    pub fn publish(
        &self,
        channel: &[u8],
        payload: &[u8],
        mut post: impl FnMut(usize, Broadcast),
    ) -> usize {
        let count = self.publish_in(Space::Channel, channel, payload, &mut post);
        if self.pattern_count.load(Ordering::Relaxed) == 0 {
            return count;
        }
        count + self.publish_to_patterns(channel, payload, &mut post)
    }

    /// Hands a message to the subscribers of a shard channel; returns how many there are.
    pub fn publish_to_shard(
        &self,
        channel: &[u8],
        payload: &[u8],
        mut post: impl FnMut(usize, Broadcast),
    ) -> usize {
        self.publish_in(Space::ShardChannel, channel, payload, &mut post)
    }

    fn publish_in(
        &self,
        space: Space,
        channel: &[u8],
        payload: &[u8],
        post: &mut impl FnMut(usize, Broadcast),
    ) -> usize {
        let Some(audience) = self.map(space).and_then(|map| map.get(channel)) else { return 0 };
        // Under the lock: who ends a subscription after this is still sent the message.
        let ended_count = self.ended_count.load(Ordering::Relaxed);
        let message = Message::new(space, channel, channel, payload, ended_count);
        send(&audience, message, post)
    }

    #[cold]
    fn publish_to_patterns(
        &self,
        channel: &[u8],
        payload: &[u8],
        post: &mut impl FnMut(usize, Broadcast),
    ) -> usize {
        let patterns = self.patterns.read();
        let ended_count = self.ended_count.load(Ordering::Relaxed);
        let matching =
            patterns.iter().filter(|(pattern, _)| glob::matches(pattern, channel, false));
        let sent = matching.map(|(pattern, audience)| {
            let message = Message::new(Space::Pattern, pattern, channel, payload, ended_count);
            send(audience, message, post)
        });
        sent.sum()
    }

    /// Says whether nobody listens to any channel or pattern, shard channels aside.
    #[inline]
    pub fn is_silent(&self) -> bool {
        self.client_count.load(Ordering::Relaxed) == 0
    }

    /// Returns the names of a space that somebody listens to.
    pub fn names(&self, space: Space) -> Vec<Bytes> {
        match self.map(space) {
            Some(map) => map.iter().map(|entry| entry.key().clone()).collect(),
            None => self.patterns.read().keys().cloned().collect(),
        }
    }

    /// Returns how many names of a space somebody listens to.
    pub fn name_count(&self, space: Space) -> usize {
        self.map(space).map_or_else(|| self.pattern_count.load(Ordering::Relaxed), DashMap::len)
    }

    /// Returns how many clients listen to a name.
    pub fn subscriber_count(&self, space: Space, name: &[u8]) -> usize {
        match self.map(space) {
            Some(map) => map.get(name).map_or(0, |audience| audience.len()),
            None => self.patterns.read().get(name).map_or(0, Audience::len),
        }
    }

    /// Returns how many clients listen to something.
    pub fn client_count(&self) -> usize {
        self.client_count.load(Ordering::Relaxed)
    }
}

fn send(audience: &Audience, message: Message, post: &mut impl FnMut(usize, Broadcast)) -> usize {
    let mut count = 0;
    for (worker, to) in audience.lists() {
        count += to.len();
        post(worker, Broadcast::new(message.clone(), to));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::PubSub;
    use crate::pubsub::{Broadcast, Space, Subscriber, Subscriptions};

    const ALL: [Space; 3] = [Space::Channel, Space::Pattern, Space::ShardChannel];

    fn subscriber(client_id: u64) -> (usize, Subscriber) {
        (0, Subscriber { client_id, seat: 0 })
    }

    fn published(registry: &PubSub, channel: &[u8]) -> Vec<Broadcast> {
        let mut letters = Vec::new();
        let count = registry.publish(channel, b"x", |_, letter| letters.push(letter));
        assert_eq!(count, letters.iter().map(|letter| letter.to.len()).sum::<usize>());
        letters
    }

    #[test]
    fn channels_and_patterns_hear_of_a_message() {
        let (registry, mut one, mut two) =
            (PubSub::default(), Subscriptions::default(), Subscriptions::default());
        assert!(registry.subscribe(&mut one, Space::Channel, b"news", subscriber(1)));
        assert!(!registry.subscribe(&mut one, Space::Channel, b"news", subscriber(1)));
        assert!(registry.subscribe(&mut one, Space::Pattern, b"n*", subscriber(1)));
        assert!(registry.subscribe(&mut two, Space::Pattern, b"ne*", subscriber(2)));
        assert!(registry.subscribe(&mut two, Space::ShardChannel, b"news", subscriber(2)));
        assert_eq!(published(&registry, b"news").len(), 3);
        assert_eq!(published(&registry, b"no").len(), 1);
        assert_eq!(published(&registry, b"other").len(), 0);
        assert_eq!(registry.publish_to_shard(b"news", b"x", |_, _| {}), 1);
        assert_eq!(registry.client_count(), 2);
    }

    #[test]
    fn nothing_is_left_of_those_who_have_gone() {
        let registry = PubSub::default();
        let mut own = Subscriptions::default();
        for space in ALL {
            registry.subscribe(&mut own, space, b"a", subscriber(1));
            registry.subscribe(&mut own, space, b"b", subscriber(1));
        }
        for space in ALL {
            for name in own.names(space) {
                assert!(registry.unsubscribe(&mut own, space, &name, (0, 1)));
            }
            assert_eq!((registry.name_count(space), registry.names(space).len()), (0, 0));
        }
        assert!(own.is_empty() && registry.is_silent());
        assert!(!registry.unsubscribe(&mut own, Space::Channel, b"a", (0, 1)));
    }

    #[test]
    fn a_message_from_before_the_end_of_a_subscription_is_not_wanted() {
        let registry = PubSub::default();
        let mut own = Subscriptions::default();
        registry.subscribe(&mut own, Space::Channel, b"a", subscriber(1));
        registry.subscribe(&mut own, Space::Channel, b"b", subscriber(1));
        let mut letters = published(&registry, b"a");
        letters.extend(published(&registry, b"b"));
        assert!(letters.iter().all(|letter| own.want(&letter.message)));
        registry.unsubscribe(&mut own, Space::Channel, b"a", (0, 1));
        assert!(!own.want(&letters[0].message));
        assert!(own.want(&letters[1].message));
        let letters = published(&registry, b"b");
        assert!(own.want(&letters[0].message));
    }
}
