//! The undertaker: one thread of the process that frees collections which take long to free.
//!
//! Whoever drops an entry with such a value (a command, a sweep, an eviction) hands it over here and
//! goes on. Several engines in one process share the thread, which takes breaks from a value piece by
//! piece, so that workers find a CPU.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use crate::base::breaks::Breaks;
use crate::types::Object;

/// Values handed over and not yet freed, and those freed. Relaxed: statistics.
static PENDING: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);
static THREAD: OnceLock<Option<Sender<Object>>> = OnceLock::new();

fn start() -> Option<Sender<Object>> {
    let (sender, receiver) = mpsc::channel::<Object>();
    let work = move || {
        let mut breaks = Breaks::new();
        for object in receiver {
            object.dismantle(&mut || breaks.pause());
            breaks.pause();
            PENDING.fetch_sub(1, Ordering::Relaxed);
            FREED.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::Builder::new().name("undertaker".into()).spawn(work).is_ok().then_some(sender)
}

/// Frees a value in the background; right here if no thread can be had. Cost: O(1).
pub(super) fn take(object: Object) {
    let Some(sender) = THREAD.get_or_init(start) else { return drop(object) };
    PENDING.fetch_add(1, Ordering::Relaxed);
    // A send fails only when the thread has ended; then the value is freed right here.
    if sender.send(object).is_err() {
        PENDING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the number of values waiting to be freed.
pub fn pending_count() -> u64 {
    PENDING.load(Ordering::Relaxed)
}

/// Returns the number of values freed so far.
pub fn freed_count() -> u64 {
    FREED.load(Ordering::Relaxed)
}

/// Forgets how many values were freed so far (CONFIG RESETSTAT).
pub fn reset_freed_count() {
    FREED.store(0, Ordering::Relaxed);
}
