//! The stop-the-world gate: keeps the whole keyspace still for an instant without a lock on the
//! ordinary path.
//!
//! Every worker owns one flag and raises it while it runs a batch. An exclusive holder first raises
//! `closing`, then waits until every worker's flag is down. Worker and holder each write their own
//! flag and then read the other's (Dekker's handshake), so both sides need sequential consistency:
//! with anything weaker each could miss the other's write.
//!
//! Source of the handshake: E. W. Dijkstra, "Cooperating sequential processes", 1965 (crediting Dekker).

use crossbeam_utils::CachePadded;

use super::primitives::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, lock, wait};

/// A gate for a fixed number of workers.
pub struct Gate {
    inside: Box<[CachePadded<AtomicBool>]>,
    closing: AtomicBool,
    turn: Mutex<()>,
    waiting: Mutex<()>,
    changed: Condvar,
}

impl Gate {
    /// Creates an open gate for workers numbered below `worker_count`.
    pub fn new(worker_count: usize) -> Self {
        Self {
            inside: (0..worker_count).map(|_| CachePadded::new(AtomicBool::new(false))).collect(),
            closing: AtomicBool::new(false),
            turn: Mutex::new(()),
            waiting: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    /// Marks the worker as inside; waits while an exclusive holder is at work.
    #[inline]
    pub fn enter(&self, worker: usize) {
        loop {
            // SeqCst: this store must be visible before `closing` is read, see the header.
            self.inside[worker].store(true, Ordering::SeqCst);
            if !self.closing.load(Ordering::SeqCst) {
                return;
            }
            self.step_aside(worker);
        }
    }

    /// Marks the worker as outside.
    #[inline]
    pub fn leave(&self, worker: usize) {
        // SeqCst: everything done inside must be visible to a holder that sees the flag down, and
        // the flag must be down before `closing` is read, else nobody wakes the holder.
        self.inside[worker].store(false, Ordering::SeqCst);
        if self.closing.load(Ordering::SeqCst) {
            self.notify();
        }
    }

    #[cold]
    fn step_aside(&self, worker: usize) {
        self.inside[worker].store(false, Ordering::SeqCst);
        let mut waiting = lock(&self.waiting);
        self.changed.notify_all();
        while self.closing.load(Ordering::SeqCst) {
            waiting = wait(&self.changed, waiting);
        }
    }

    #[cold]
    fn notify(&self) {
        let _waiting = lock(&self.waiting);
        self.changed.notify_all();
    }

    /// Closes the gate for everybody else, waits until all have left, and keeps it closed until the
    /// returned guard is dropped. A worker that is inside passes its own number; it counts as
    /// outside meanwhile and is inside again afterwards.
    pub fn close(&self, worker: Option<usize>) -> Closed<'_> {
        if let Some(worker) = worker {
            self.leave(worker);
        }
        let turn = lock(&self.turn);
        self.closing.store(true, Ordering::SeqCst);
        let mut waiting = lock(&self.waiting);
        while self.inside.iter().any(|flag| flag.load(Ordering::SeqCst)) {
            waiting = wait(&self.changed, waiting);
        }
        drop(waiting);
        Closed { gate: self, worker, turn: Some(turn) }
    }
}

/// The gate is closed while this lives.
pub struct Closed<'a> {
    gate: &'a Gate,
    worker: Option<usize>,
    turn: Option<MutexGuard<'a, ()>>,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.gate.closing.store(false, Ordering::SeqCst);
        self.gate.notify();
        self.turn = None;
        if let Some(worker) = self.worker {
            self.gate.enter(worker);
        }
    }
}
