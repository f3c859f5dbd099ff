//! Messages as subscribers see them.

use bytes::Bytes;

use super::audience::{Listeners, Subscriber};
use crate::resp::{Protocol, ReplyBuffer};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// A channel (SUBSCRIBE, PUBLISH).
    Channel,
    /// A pattern that names of channels match (PSUBSCRIBE).
    Pattern,
    /// A channel of a slot (SSUBSCRIBE, SPUBLISH).
    ShardChannel,
}

impl Space {
    fn message_word(self) -> &'static [u8] {
        match self {
            Self::Channel => b"message",
            Self::Pattern => b"pmessage",
            Self::ShardChannel => b"smessage",
        }
    }
}

/// One message for the subscribers of one name.
#[derive(Clone, Debug)]
pub struct Message {
    pub space: Space,
    /// The channel or pattern that was subscribed to.
    pub name: Bytes,
    /// Everything behind the first byte, which is `*` in RESP2 and `>` in RESP3.
    pub body: Bytes,
    /// Number of subscriptions that had ended when it was published.
    pub ended_count: u64,
}

impl Message {
    pub(super) fn new(
        space: Space,
        name: &[u8],
        channel: &[u8],
        payload: &[u8],
        ended_count: u64,
    ) -> Self {
        const LINES_BYTES_MAX: usize = 96;
        let bytes = LINES_BYTES_MAX + name.len() + channel.len() + payload.len();
        let mut body = Vec::with_capacity(bytes);
        let is_pattern = space == Space::Pattern;
        body.extend_from_slice(if is_pattern { b"4\r\n" } else { b"3\r\n" });
        push_bulk(&mut body, space.message_word());
        let name_at = push_bulk(&mut body, name);
        if is_pattern {
            push_bulk(&mut body, channel);
        }
        push_bulk(&mut body, payload);
        let body = Bytes::from(body);
        Self { space, name: body.slice(name_at..name_at + name.len()), body, ended_count }
    }

    /// Appends it to what a client is sent.
    #[inline]
    pub fn write(&self, reply: &mut ReplyBuffer) {
        reply.raw(if reply.protocol() == Protocol::Resp3 { b">" } else { b"*" });
        reply.raw_shared(&self.body);
    }
}

/// Appends a string and returns where it begins.
fn push_bulk(out: &mut Vec<u8>, text: &[u8]) -> usize {
    out.push(b'$');
    out.extend_from_slice(itoa::Buffer::new().format(text.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    let at = out.len();
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
    at
}

/// A message with the subscribers of one worker.
#[derive(Clone)]
pub struct Broadcast {
    pub message: Message,
    pub to: Listeners,
    /// The ids of those among them that have got it already; hardly ever any.
    pub(super) left_out: Vec<u64>,
}

impl Broadcast {
    pub(super) fn new(message: Message, to: Listeners) -> Self {
        Self { message, to, left_out: Vec::new() }
    }

    /// Makes one for a single subscriber.
    pub fn to_one(message: Message, subscriber: Subscriber) -> Self {
        Self::new(message, Listeners::new(vec![subscriber]))
    }

    /// Says whether a client is still to get it. Cost: linear in the subscribers.
    pub fn is_for(&self, client_id: u64) -> bool {
        let is_there = self.to.iter().any(|listener| listener.client_id == client_id);
        is_there && !self.left_out.contains(&client_id)
    }

    /// Leaves out a client that it [is for](Self::is_for).
    pub fn leave_out(&mut self, client_id: u64) {
        self.left_out.push(client_id);
    }

    /// Says whether anybody is still to get it.
    #[inline]
    pub fn is_for_anybody(&self) -> bool {
        self.to.len() > self.left_out.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Space};

    #[test]
    fn a_message_is_encoded_behind_its_first_byte() {
        let message = Message::new(Space::Channel, b"news", b"news", b"hi", 0);
        assert_eq!(&message.body[..], b"3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
        assert_eq!(&message.name[..], b"news");
        let message = Message::new(Space::Pattern, b"n*", b"news", b"", 0);
        let expected = b"4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$0\r\n\r\n";
        assert_eq!(&message.body[..], expected);
        assert_eq!(&message.name[..], b"n*");
    }
}
