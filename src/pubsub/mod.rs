//! Floor 3: publish and subscribe: who listens to which channel, and what is said there.
//!
//! The registry knows a subscriber by its client's id and by its seat at a worker. A message is
//! encoded once, behind its first byte alike in both versions of the protocol, and handed out worker by
//! worker with the list of that worker's subscribers; sockets are the workers' matter.
//!
//! Locks: one shard of the registry at a time, briefly. A subscription changes on the worker of its
//! client only; messages are made on any thread.

mod audience;
mod bundle;
mod message;
mod registry;
mod subscriptions;

pub use audience::Subscriber;
pub use bundle::Bundle;
pub use message::{Broadcast, Message, Space};
pub use registry::PubSub;
pub use subscriptions::Subscriptions;
