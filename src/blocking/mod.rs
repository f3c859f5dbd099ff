//! Floor 3: clients that wait for keys: who waits for which key, and in what order.
//!
//! A waiter is parked while the shards of all its keys are locked, and served under the lock of the
//! key that became ready, so no wake-up is lost. Whoever wants to end a wait (to serve it, because its
//! time is over, because its client is gone) takes the waiter's own state first; only one succeeds.
//! Locks are taken in the order shards, waiter, queues.

mod waiter;
mod waiters;

pub use waiter::Waiter;
pub use waiters::Waiters;
