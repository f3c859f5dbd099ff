//! Publish and subscribe for one client: ties its session to the registry and the workers' mailboxes.

use super::clients::Gauges;
use super::context::Context;
use super::session::Session;
use super::state::{Engine, WorkerMessage};
use crate::pubsub::{Broadcast, Space, Subscriber};

const SPACES: [Space; 3] = [Space::Channel, Space::Pattern, Space::ShardChannel];

impl Engine {
    /// Has a client listen to a channel or pattern, if it does not already.
    pub fn subscribe(&self, session: &mut Session, space: Space, name: &[u8]) {
        // Relaxed: its worker, this thread, wrote it.
        let seat = session.cell.seat.load(std::sync::atomic::Ordering::Relaxed);
        let subscriber = Subscriber { client_id: session.id(), seat };
        let place = (session.cell.worker, subscriber);
        if self.pubsub.subscribe(&mut session.subscriptions, space, name, place) {
            show_counts(session, space);
        }
    }

    /// Has a client no longer listen to a channel or pattern.
    pub fn unsubscribe(&self, session: &mut Session, space: Space, name: &[u8]) {
        let place = (session.cell.worker, session.id());
        if self.pubsub.unsubscribe(&mut session.subscriptions, space, name, place) {
            show_counts(session, space);
        }
    }

    /// Has a client listen to nothing any more.
    pub fn end_subscriptions(&self, session: &mut Session) {
        for space in SPACES {
            for name in session.subscriptions.names(space) {
                self.unsubscribe(session, space, &name);
            }
        }
    }

    /// Hands a message to whoever listens to a channel or to a pattern that matches it; returns how
    /// many do. `from` is the worker whose commands this thread is running, if it runs any.
    pub fn publish(&self, from: Option<usize>, channel: &[u8], payload: &[u8]) -> usize {
        self.pubsub.publish(channel, payload, |to, broadcast| self.hand(from, to, broadcast))
    }

    /// The same for a shard channel.
    pub fn publish_to_shard(&self, from: Option<usize>, channel: &[u8], payload: &[u8]) -> usize {
        self.pubsub.publish_to_shard(channel, payload, |to, broadcast| {
            self.hand(from, to, broadcast);
        })
    }

    fn hand(&self, from: Option<usize>, to: usize, mut broadcast: Broadcast) {
        if let Some(from) = from {
            let letters = (from == to).then(|| self.mailbox(to));
            self.own_messages[from].keep(&mut broadcast, letters);
            if !broadcast.is_for_anybody() {
                return;
            }
        }
        self.post(from, to, WorkerMessage::Publish(Box::new(broadcast)));
    }
}

impl Context<'_> {
    /// Hands a message to whoever listens to a channel; returns how many do.
    pub fn publish(&self, channel: &[u8], payload: &[u8]) -> usize {
        self.engine.publish(Some(self.worker), channel, payload)
    }

    /// Hands a message to whoever listens to a shard channel; returns how many do.
    pub fn publish_to_shard(&self, channel: &[u8], payload: &[u8]) -> usize {
        self.engine.publish_to_shard(Some(self.worker), channel, payload)
    }
}

/// Shows others how much a client listens to.
fn show_counts(session: &Session, space: Space) {
    let gauges = &session.cell.gauges;
    let gauge = match space {
        Space::Channel => &gauges.channel_count,
        Space::Pattern => &gauges.pattern_count,
        Space::ShardChannel => &gauges.shard_channel_count,
    };
    Gauges::set(gauge, session.subscriptions.len(space) as u64);
    Gauges::set(&gauges.subscribed_bytes, session.subscriptions.bytes() as u64);
}
