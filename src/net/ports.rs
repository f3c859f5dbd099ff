//! How workers reach each other: per worker an inbox for accepted sockets and the count of clients.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::mailbox::Mailbox;

use super::stream::Stream;

/// Who is at the other end of a new connection.
#[derive(Debug)]
pub(super) enum PeerAddress {
    Tcp(SocketAddr),
    Unix,
}

/// A connection that was accepted and counted, on its way to its worker.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) stream: Stream,
    pub(super) peer: PeerAddress,
}

/// One worker as the others see it.
pub(super) struct Port {
    inbox: Mailbox<Arrival>,
    client_count: AtomicUsize,
}

/// All workers.
pub(super) struct Ports {
    ports: Vec<Port>,
}

impl Ports {
    /// Makes the ports of workers with these inboxes.
    pub(super) fn new(inboxes: Vec<Mailbox<Arrival>>) -> Self {
        let port = |inbox| Port { inbox, client_count: AtomicUsize::new(0) };
        Self { ports: inboxes.into_iter().map(port).collect() }
    }

    /// Returns how many clients there are, those on their way included.
    pub(super) fn client_count(&self) -> usize {
        // Relaxed, here and below: counts that order nothing.
        self.ports.iter().map(|port| port.client_count.load(Ordering::Relaxed)).sum()
    }

    /// Picks the worker of a new client, the one with the fewest, and counts the client there. Among
    /// equals the first from `first` on.
    pub(super) fn choose(&self, first: usize) -> usize {
        let count = self.ports.len();
        let load = |worker: &usize| self.ports[*worker].client_count.load(Ordering::Relaxed);
        let worker = (0..count).map(|step| (first + step) % count).min_by_key(load).unwrap_or(0);
        self.ports[worker].client_count.fetch_add(1, Ordering::Relaxed);
        worker
    }

    /// Hands an accepted socket to its worker.
    pub(super) fn send(&self, worker: usize, arrival: Arrival) {
        self.ports[worker].inbox.post(arrival);
    }

    /// Moves what has arrived for a worker into `arrivals`.
    pub(super) fn take(&self, worker: usize, arrivals: &mut Vec<Arrival>) {
        self.ports[worker].inbox.take(arrivals);
    }

    /// Forgets a client of a worker.
    pub(super) fn forget(&self, worker: usize) {
        self.ports[worker].client_count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Ports;
    use crate::base::mailbox::Mailbox;

    #[test]
    fn clients_go_where_the_fewest_are_and_else_round_robin() {
        let ports = Ports::new((0..3).map(|_| Mailbox::new(Box::new(|| {}))).collect());
        let mut first = 0;
        let mut choose = || {
            let worker = ports.choose(first);
            first = worker + 1;
            worker
        };
        assert_eq!([choose(), choose(), choose(), choose()], [0, 1, 2, 0]);
        ports.forget(2);
        assert_eq!([choose(), choose(), choose()], [2, 1, 2]);
        assert_eq!(ports.client_count(), 6);
    }
}
