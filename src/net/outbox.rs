//! The connections of one worker that have got messages, until these are sent.
//!
//! To write to all subscribers of a channel takes much longer than to take in what is published. So a
//! round need not end it: it writes for a while, then the sockets are looked at again, and what is
//! published meanwhile goes to the other subscribers with the same writes. Each is served in the order
//! in which it came, with all it has got by then: nobody waits for longer than one write to each of the
//! others takes, and the rounds between.

use std::collections::VecDeque;

/// Nanoseconds for messages that every round has, however short the rest of it was.
const TIME_NS_MIN: u64 = 50_000;
/// Bytes of messages, each counted once, after which all of them are sent without another look at the
/// sockets. Whoever publishes long messages would otherwise be ahead of those who get them.
const BYTES_MAX: usize = 64 * 1024;

/// Numbers of connections with messages to send, each once.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    numbers: VecDeque<usize>,
    /// Bytes of the messages that have come since it last was sent as a whole.
    bytes: usize,
    is_urgent: bool,
}

impl Outbox {
    /// Says whether nobody has messages to send.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Adds a connection that is not there.
    #[inline]
    pub(super) fn push(&mut self, number: usize) {
        self.numbers.push_back(number);
    }

    /// Takes out the connection that has waited longest.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<usize> {
        let number = self.numbers.pop_front();
        if number.is_none() {
            self.bytes = 0;
            self.is_urgent = false;
        }
        number
    }

    /// Counts a message, once for all who get it.
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Has everything be sent in this round.
    pub(super) fn hurry(&mut self) {
        self.is_urgent = true;
    }

    /// Returns the nanoseconds that this round has for messages, whose rest took `rest_ns`; `None`
    /// where it is to send all.
    pub(super) fn time_ns(&self, rest_ns: u64) -> Option<u64> {
        let is_partial = !self.is_urgent && self.bytes <= BYTES_MAX;
        is_partial.then(|| rest_ns.max(TIME_NS_MIN))
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Outbox, TIME_NS_MIN};

    #[test]
    fn messages_have_as_much_of_a_round_as_all_else() {
        let outbox = Outbox::default();
        assert_eq!(outbox.time_ns(0), Some(TIME_NS_MIN));
        assert_eq!(outbox.time_ns(3 * TIME_NS_MIN), Some(3 * TIME_NS_MIN));
    }

    #[test]
    fn many_bytes_and_urgent_messages_are_sent_at_once() {
        let mut outbox = Outbox::default();
        outbox.push(7);
        outbox.count(BYTES_MAX);
        assert!(outbox.time_ns(0).is_some());
        outbox.count(1);
        assert_eq!(outbox.time_ns(0), None);
        assert_eq!((outbox.pop(), outbox.pop()), (Some(7), None));
        assert!(outbox.time_ns(0).is_some());
        outbox.push(7);
        outbox.hurry();
        assert_eq!(outbox.time_ns(0), None);
    }
}
