//! Floor 6: the data plane: listening sockets, connections, and the worker threads that serve them.
//!
//! ```text
//! listeners --accept, worker 0--> inbox of the worker with the fewest clients --> its event loop
//! event loop: wait -> per ready client: read, run its commands, write -> letters -> upkeep
//! ```
//!
//! Each worker thread has one event loop with one `mio` poll and owns its connections alone; a
//! connection never moves to another worker. Between threads there are only mailboxes (accepted
//! sockets, the engine's messages), a count of clients per worker, and the set of listeners, which
//! worker 0 accepts from and whoever changes `bind` or `port` replaces.

mod acceptor;
mod connection;
mod connections;
mod event_loop;
mod floor;
mod input;
mod kit;
mod letters;
mod listen;
mod options;
mod outbox;
mod output;
mod plane;
mod ports;
mod settings;
mod stream;
#[cfg(test)]
mod tests;

pub use options::NetOptions;
pub use plane::{DataPlane, Rebinder};
