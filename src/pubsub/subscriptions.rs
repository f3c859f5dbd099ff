//! What one client listens to. Owned by its worker.

use std::collections::HashSet;

use bytes::Bytes;

use super::audience::Subscriber;
use super::message::{Message, Space};

#[derive(Default)]
struct Names {
    channels: HashSet<Bytes, foldhash::quality::RandomState>,
    patterns: HashSet<Bytes, foldhash::quality::RandomState>,
    shard_channels: HashSet<Bytes, foldhash::quality::RandomState>,
}

/// The names a client has subscribed to; allocates nothing for those that never did.
#[derive(Default)]
pub struct Subscriptions {
    names: Option<Box<Names>>,
    /// Number of subscriptions, of all clients, that had ended behind the last one that this client
    /// ended.
    ended_count: u64,
    name_bytes: usize,
}

impl Subscriptions {
    fn set(&self, space: Space) -> Option<&HashSet<Bytes, foldhash::quality::RandomState>> {
        let names = self.names.as_deref()?;
        Some(match space {
            Space::Channel => &names.channels,
            Space::Pattern => &names.patterns,
            Space::ShardChannel => &names.shard_channels,
        })
    }

    fn set_mut(&mut self, space: Space) -> &mut HashSet<Bytes, foldhash::quality::RandomState> {
        let names = self.names.get_or_insert_default();
        match space {
            Space::Channel => &mut names.channels,
            Space::Pattern => &mut names.patterns,
            Space::ShardChannel => &mut names.shard_channels,
        }
    }

    /// Adds a name; says whether it was not there.
    pub(super) fn add(&mut self, space: Space, name: Bytes) -> bool {
        let bytes = name.len();
        let is_new = self.set_mut(space).insert(name);
        self.name_bytes += if is_new { bytes } else { 0 };
        is_new
    }

    /// Removes a name; says whether it was there.
    pub(super) fn remove(&mut self, space: Space, name: &[u8]) -> bool {
        let was_there = self.names.is_some() && self.set_mut(space).remove(name);
        self.name_bytes -= if was_there { name.len() } else { 0 };
        was_there
    }

    /// Notes that a subscription has ended.
    pub(super) fn note_end(&mut self, ended_count: u64) {
        self.ended_count = ended_count;
        if self.is_empty() {
            self.names = None;
        }
    }

    /// Returns the bytes that the subscriptions take, here and in the registry.
    pub fn bytes(&self) -> usize {
        /// Of a name here and there, without its bytes.
        const NAME_BYTES: usize = 2 * size_of::<Bytes>() + size_of::<Subscriber>();
        let counts =
            [Space::Channel, Space::Pattern, Space::ShardChannel].map(|space| self.len(space));
        2 * self.name_bytes + NAME_BYTES * counts.iter().sum::<usize>()
    }

    /// Returns how many names of a space there are.
    pub fn len(&self, space: Space) -> usize {
        self.set(space).map_or(0, HashSet::len)
    }

    /// Says whether the client listens to nothing.
    pub fn is_empty(&self) -> bool {
        [Space::Channel, Space::Pattern, Space::ShardChannel]
            .iter()
            .all(|&space| self.len(space) == 0)
    }

    /// Returns the names of a space.
    pub fn names(&self, space: Space) -> Vec<Bytes> {
        self.set(space).into_iter().flatten().cloned().collect()
    }

    /// Says whether a message still is for this client: it may have been published before the client
    /// ended its subscription.
    #[inline]
    pub fn want(&self, message: &Message) -> bool {
        message.ended_count >= self.ended_count
            || self.set(message.space).is_some_and(|names| names.contains(&message.name))
    }
}
