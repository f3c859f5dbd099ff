//! The reaper: one background thread that frees and forgets what takes long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use crate::base::breaks::Breaks;
use crate::keyspace::{self, Flushed};

/// What the thread is given.
enum Garbage {
    Keys(Flushed),
    Work(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Counts {
    pending: AtomicU64,
    freed: AtomicU64,
}

/// A handle to the thread. Dropping it waits until everything is freed.
pub struct Reaper {
    sender: Mutex<Option<Sender<Garbage>>>,
    counts: Arc<Counts>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Reaper {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start() -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Garbage>();
        let counts = Arc::new(Counts::default());
        let seen = Arc::clone(&counts);
        let thread = thread::Builder::new().name("reaper".into()).spawn(move || {
            for garbage in receiver {
                let keys = match garbage {
                    Garbage::Keys(keys) => keys,
                    Garbage::Work(work) => {
                        work();
                        continue;
                    }
                };
                let count = keys.key_count() as u64;
                let mut breaks = Breaks::new();
                keys.dismantle(&mut || breaks.pause());
                // Relaxed: statistics.
                seen.pending.fetch_sub(count, Ordering::Relaxed);
                seen.freed.fetch_add(count, Ordering::Relaxed);
            }
        })?;
        Ok(Self { sender: Mutex::new(Some(sender)), counts, thread: Mutex::new(Some(thread)) })
    }

    /// Hands keys over to be freed; costs the caller nothing that grows with them.
    pub fn free(&self, garbage: Flushed) {
        let count = garbage.key_count() as u64;
        if count == 0 {
            return;
        }
        self.counts.pending.fetch_add(count, Ordering::Relaxed);
        if let Some(sender) = &*self.sender.lock() {
            // A send fails only when the thread has ended; then the keys are freed right here.
            drop(sender.send(Garbage::Keys(garbage)));
        }
    }

    /// Has work done that takes long, behind what was handed over before.
    pub fn run(&self, work: impl FnOnce() + Send + 'static) {
        if let Some(sender) = &*self.sender.lock() {
            // A send fails only when the thread has ended, with the server.
            drop(sender.send(Garbage::Work(Box::new(work))));
        }
    }

    /// Returns the number of keys and of big values waiting to be freed.
    pub fn pending_count(&self) -> u64 {
        self.counts.pending.load(Ordering::Relaxed) + keyspace::pending_count()
    }

    /// Returns the number of keys and of big values freed so far.
    pub fn freed_count(&self) -> u64 {
        self.counts.freed.load(Ordering::Relaxed) + keyspace::freed_count()
    }

    /// Forgets how many keys were freed so far (CONFIG RESETSTAT).
    pub fn reset_freed_count(&self) {
        self.counts.freed.store(0, Ordering::Relaxed);
        keyspace::reset_freed_count();
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.sender.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread has already been reported; there is nothing left to wait for.
            drop(thread.join());
        }
    }
}
