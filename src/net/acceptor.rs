//! Accepting: who may connect, and which worker serves them.
//!
//! One worker accepts for all: handing a socket over costs one wake-up per burst, and no listener has
//! to be registered anywhere else. A server with a single worker takes its own sockets directly.

use std::io;
use std::sync::Arc;

use mio::Token;

use super::listen::Listeners;
use super::ports::{Arrival, Ports};
use super::settings::Settings;
use super::stream::Stream;
use crate::base::log;
use crate::stats::{Counter, WorkerStats};

/// How long nothing is accepted after the system has refused for want of descriptors or memory.
const REST_MS: u64 = 100;
const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";
/// What a stranger reads; clients match on the first word, people need the rest.
const PROTECTED: &[u8] = b"-DENIED Redis is running in protected mode because protected mode is \
enabled and no password is set for the default user. In this mode connections are only accepted from \
the loopback interface. If you want to connect from external computers to Redis you may adopt one of \
the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode \
no' from the loopback interface by connecting to Redis from the same host the server is running, \
however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to \
make this change permanent. 2) Alternatively you can just disable the protected mode by editing the \
Redis configuration file, and setting the protected mode option to 'no', and then restarting the \
server. 3) If you started the server manually just for testing, restart it with the '--protected-mode \
no' option. 4) Set up an authentication password for the default user. NOTE: You only need to do one \
of the above things in order for the server to start accepting connections from the outside.\r\n";

/// The accepting side of worker 0.
pub(super) struct Acceptor {
    listeners: Arc<Listeners>,
    ports: Arc<Ports>,
    /// Whose turn it is among workers with equally many clients.
    next_worker: usize,
    rests_until_ms: u64,
    /// Connections may be waiting.
    is_ready: bool,
}

impl Acceptor {
    /// Makes the acceptor of these listeners.
    pub(super) fn new(listeners: Arc<Listeners>, ports: Arc<Ports>) -> Self {
        Self { listeners, ports, next_worker: 0, rests_until_ms: 0, is_ready: false }
    }

    /// Notes an event of a listener.
    pub(super) fn mark_ready(&mut self, token: Token) {
        self.listeners.mark_ready(token);
        self.is_ready = true;
    }

    /// Says whether [`Self::accept`] has something to do.
    #[inline]
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        self.is_ready && now_ms >= self.rests_until_ms
    }

    /// Accepts a few connections. Those of this worker, number 0, are appended to `own`.
    pub(super) fn accept(
        &mut self,
        settings: &Settings,
        stats: &WorkerStats,
        now_ms: u64,
        own: &mut Vec<Arrival>,
    ) {
        for _ in 0..settings.accept_count_max {
            match self.listeners.accept() {
                Ok(Some(arrival)) => self.admit(arrival, settings, stats, own),
                Ok(None) => {
                    self.is_ready = false;
                    return;
                }
                Err(error) if is_shortage(&error) => {
                    log::warning(format_args!("Error accepting a client connection: {error}"));
                    self.rests_until_ms = now_ms + REST_MS;
                    return;
                }
                // The peer has given up while it was waiting.
                Err(_) => {}
            }
        }
    }

    fn admit(
        &mut self,
        arrival: Arrival,
        settings: &Settings,
        stats: &WorkerStats,
        own: &mut Vec<Arrival>,
    ) {
        if self.ports.client_count() >= settings.client_count_max {
            stats.add(Counter::RejectedConnections, 1);
            return refuse(arrival.stream, TOO_MANY);
        }
        let worker = self.ports.choose(self.next_worker);
        self.next_worker = worker + 1;
        match worker {
            0 => own.push(arrival),
            worker => self.ports.send(worker, arrival),
        }
    }
}

fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

/// Tells a peer of another machine why it is not let in.
pub(super) fn refuse_stranger(stream: Stream) {
    refuse(stream, PROTECTED);
}

/// Sends a last line, as far as the system takes it at once.
fn refuse(mut stream: Stream, line: &[u8]) {
    let mut unread = [0; 4096];
    let _sent = stream.write(line);
    stream.end_writing();
    // Closing with unread bytes would reset the connection, and the line could get lost.
    let _read = stream.read(&mut unread);
}
