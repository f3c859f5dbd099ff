//! What every contract test stands on: a server of its own, a client, and replies as text.

mod client;
mod rendezvous;
mod server;
mod transcript;
mod value;

pub(crate) use client::{Client, encode};
pub(crate) use rendezvous::Rendezvous;
pub(crate) use server::{
    Server, for_each_thread_count, for_each_thread_count_with, is_reference, program,
    reference_lacks,
};
pub(crate) use transcript::{hold, hold_resp3, hold_with, words};
pub(crate) use value::Value;

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take to come true before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until the condition holds; fails with `what` when it does not.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs the body in so many threads, numbered from 0, and waits for all of them.
pub(crate) fn in_threads(count: usize, body: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for index in 0..count {
            let body = &body;
            scope.spawn(move || body(index));
        }
    });
}
