//! Messages to the same subscribers, put together: each of them is looked at once for all.

use std::sync::Arc;

use super::audience::Subscriber;
use super::message::Broadcast;
use super::subscriptions::Subscriptions;
use crate::resp::{Protocol, ReplyBuffer};

/// Bytes that are put together at most: more are not worth a copy.
const JOINED_BYTES_MAX: usize = 16 * 1024;

/// Messages of one name to the same subscribers of one worker, in the order they were published in.
#[derive(Default)]
pub struct Bundle {
    first: Option<Broadcast>,
    /// All messages, if there are several, in either version of the protocol.
    resp2: Vec<u8>,
    resp3: Vec<u8>,
}

impl Bundle {
    /// Says whether a message can join those that are there.
    pub fn fits(&self, broadcast: &Broadcast) -> bool {
        let Some(first) = &self.first else { return true };
        let bytes = self.bytes() + broadcast.message.body.len();
        // One list is that of one name. Whoever has since ended a subscription has done so for all of
        // the messages or for none.
        Arc::ptr_eq(&first.to, &broadcast.to)
            && first.message.ended_count == broadcast.message.ended_count
            && first.left_out == broadcast.left_out
            && bytes < JOINED_BYTES_MAX
    }

    /// Adds a message that [fits](Self::fits).
    pub fn add(&mut self, broadcast: Broadcast) {
        debug_assert!(self.fits(&broadcast), "the message has the same subscribers");
        let Some(first) = &self.first else {
            self.first = Some(broadcast);
            return;
        };
        if self.resp2.is_empty() {
            join(&first.message.body, &mut self.resp2, &mut self.resp3);
        }
        join(&broadcast.message.body, &mut self.resp2, &mut self.resp3);
    }

    /// Says whether there is no message.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Returns the bytes of all messages, as one subscriber gets them.
    pub fn bytes(&self) -> usize {
        let first_bytes = self.first.as_ref().map_or(0, |first| 1 + first.message.body.len());
        self.resp2.len().max(first_bytes)
    }

    /// Returns those that subscribed to the name when the messages were published.
    pub fn subscribers(&self) -> &[Subscriber] {
        self.first.as_ref().map_or(&[], |first| &first.to)
    }

    /// Returns the ids of those among them that have got the messages already.
    pub fn left_out(&self) -> &[u64] {
        self.first.as_ref().map_or(&[], |first| &first.left_out)
    }

    /// Says whether a client still wants the messages.
    #[inline]
    pub fn is_for(&self, subscriptions: &Subscriptions) -> bool {
        self.first.as_ref().is_some_and(|first| subscriptions.want(&first.message))
    }

    /// Appends the messages to what a client is sent.
    #[inline]
    pub fn write(&self, reply: &mut ReplyBuffer) {
        if !self.resp2.is_empty() {
            let is_resp3 = reply.protocol() == Protocol::Resp3;
            return reply.raw(if is_resp3 { &self.resp3 } else { &self.resp2 });
        }
        if let Some(only) = &self.first {
            only.message.write(reply);
        }
    }

    /// Drops all messages.
    pub fn clear(&mut self) {
        self.first = None;
        self.resp2.clear();
        self.resp3.clear();
    }
}

fn join(body: &[u8], resp2: &mut Vec<u8>, resp3: &mut Vec<u8>) {
    for (text, mark) in [(resp2, b'*'), (resp3, b'>')] {
        text.push(mark);
        text.extend_from_slice(body);
    }
}

#[cfg(test)]
mod tests {
    use super::{Bundle, JOINED_BYTES_MAX};
    use crate::pubsub::{Broadcast, PubSub, Space, Subscriber, Subscriptions};
    use crate::resp::{Protocol, ReplyBuffer};

    fn published(registry: &PubSub, channel: &[u8], payload: &[u8]) -> Broadcast {
        let mut letter = None;
        registry.publish(channel, payload, |_, broadcast| letter = Some(broadcast));
        letter.expect("somebody listens")
    }

    fn written(bundle: &Bundle, protocol: Protocol) -> Vec<u8> {
        let mut reply = ReplyBuffer::with_protocol(protocol);
        bundle.write(&mut reply);
        assert_eq!(reply.len(), bundle.bytes());
        reply.chunks().flatten().copied().collect()
    }

    #[test]
    fn messages_of_one_list_are_written_together_in_their_order() {
        let (registry, mut own) = (PubSub::default(), Subscriptions::default());
        let place = (0, Subscriber { client_id: 1, seat: 5 });
        registry.subscribe(&mut own, Space::Channel, b"a", place);
        registry.subscribe(&mut own, Space::Channel, b"b", place);
        let mut bundle = Bundle::default();
        assert!(bundle.is_empty() && !bundle.is_for(&own));
        for payload in [&b"1"[..], b"2", b"3"] {
            let broadcast = published(&registry, b"a", payload);
            assert!(bundle.fits(&broadcast));
            bundle.add(broadcast);
            assert!(bundle.is_for(&own) && bundle.subscribers() == [place.1]);
            assert!(!bundle.fits(&published(&registry, b"b", payload)), "another name");
            assert!(!bundle.fits(&published(&registry, b"a", &[0; JOINED_BYTES_MAX])), "too long");
            let mut expected = Vec::new();
            for number in b'1'..=payload[0] {
                expected.extend_from_slice(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n");
                expected.extend_from_slice(&[number, b'\r', b'\n']);
            }
            assert_eq!(written(&bundle, Protocol::Resp2), expected);
            for byte in &mut expected {
                *byte = if *byte == b'*' { b'>' } else { *byte };
            }
            assert_eq!(written(&bundle, Protocol::Resp3), expected);
        }
        bundle.clear();
        assert_eq!((bundle.is_empty(), bundle.bytes()), (true, 0));
        bundle.add(published(&registry, b"a", &[0; JOINED_BYTES_MAX]));
        assert!(written(&bundle, Protocol::Resp2).len() > JOINED_BYTES_MAX);
    }

    #[test]
    fn messages_that_leave_out_others_are_parted() {
        let (registry, mut own) = (PubSub::default(), Subscriptions::default());
        for client_id in 1..=2 {
            let place = (0, Subscriber { client_id, seat: 5 });
            registry.subscribe(&mut own, Space::Channel, b"a", place);
            own = Subscriptions::default();
        }
        let without_the_first = || {
            let mut broadcast = published(&registry, b"a", b"1");
            broadcast.leave_out(1);
            broadcast
        };
        let mut bundle = Bundle::default();
        bundle.add(without_the_first());
        assert_eq!((bundle.left_out(), bundle.subscribers().len()), (&[1][..], 2));
        assert!(bundle.fits(&without_the_first()));
        assert!(!bundle.fits(&published(&registry, b"a", b"1")));
        let mut broadcast = without_the_first();
        assert!(!broadcast.is_for(1) && broadcast.is_for(2) && !broadcast.is_for(3));
        broadcast.leave_out(2);
        assert!(!broadcast.is_for_anybody());
    }

    #[test]
    fn an_ended_subscription_parts_messages() {
        let (registry, mut own) = (PubSub::default(), Subscriptions::default());
        let place = (0, Subscriber { client_id: 1, seat: 5 });
        registry.subscribe(&mut own, Space::Channel, b"a", place);
        registry.subscribe(&mut own, Space::Channel, b"b", place);
        let mut bundle = Bundle::default();
        bundle.add(published(&registry, b"a", b"1"));
        registry.unsubscribe(&mut own, Space::Channel, b"b", (0, 1));
        assert!(!bundle.fits(&published(&registry, b"a", b"2")));
    }
}
