//! The stop-the-world gate: keeps the whole keyspace still for an instant without a lock on the
//! ordinary path.
//!
//! Every worker owns one flag and raises it while it runs a batch. An exclusive holder first raises
//! `barrier`, then waits until every worker's flag is down. Worker and holder each write their own
//! flag and then read the other's (Dekker's handshake), so both sides need sequential consistency:
//! with anything weaker each could miss the other's write.
//!
//! A worker that is in the middle of something may close the gate from within: it keeps its flag up and
//! waits for the other flags only. Two who did so would wait for each other, so whoever may have to
//! reserves that right before it begins; one worker has it at a time. Those who want the gate closed
//! from outside wait until it is through.
//!
//! Whoever stays inside for a while (a script) says so. Then those do not wait for him who can come back
//! later to close the gate, because everybody else would have to wait with them. When he holds something
//! for long, nobody waits: to enter and to close fail instead.
//!
//! Source of the handshake: E. W. Dijkstra, "Cooperating sequential processes", 1965 (crediting Dekker).

use crossbeam_utils::CachePadded;

use super::primitives::{
    AtomicBool, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, lock, wait,
};

/// Set in the barrier while everybody but one worker is kept out for long; the rest of it counts those
/// who have closed the gate or want to.
const SHUT: usize = 1 << (usize::BITS - 1);

/// A gate for a fixed number of workers.
pub struct Gate {
    inside: Box<[CachePadded<AtomicBool>]>,
    barrier: AtomicUsize,
    /// The number plus one of the worker that may close the gate from within; 0 for none.
    reserved: CachePadded<AtomicUsize>,
    holders: Mutex<Holders>,
    changed: Condvar,
}

/// What a worker may do besides what it is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Whatever those do who are inside.
    Free,
    /// Nothing for a moment: somebody closes the gate, or this one has.
    Later,
    /// Nothing for long.
    ShutOut,
}

/// Why the gate is not to be had now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Somebody stays inside for a while, or keeps it closed.
    ForAWhile,
    /// The same for long.
    ForLong,
}

struct Holders {
    /// Somebody from outside holds it.
    is_held: bool,
    /// The worker that closes it from within, or has closed it.
    within: Option<usize>,
    /// By worker: it stays inside for a while.
    stays: Box<[bool]>,
    /// By worker: it is inside for long.
    is_slow: Box<[bool]>,
}

impl Holders {
    fn is_slow_but_for(&self, worker: Option<usize>) -> bool {
        is_any_but(&self.is_slow, worker)
    }

    fn stays_any_but(&self, worker: Option<usize>) -> bool {
        is_any_but(&self.stays, worker)
    }
}

fn is_any_but(flags: &[bool], worker: Option<usize>) -> bool {
    flags.iter().enumerate().any(|(other, flag)| *flag && Some(other) != worker)
}

impl Gate {
    /// Creates an open gate for workers numbered below `worker_count`.
    pub fn new(worker_count: usize) -> Self {
        let none = || (0..worker_count).map(|_| false).collect();
        let (stays, is_slow) = (none(), none());
        Self {
            inside: (0..worker_count).map(|_| CachePadded::new(AtomicBool::new(false))).collect(),
            barrier: AtomicUsize::new(0),
            reserved: CachePadded::new(AtomicUsize::new(0)),
            holders: Mutex::new(Holders { is_held: false, within: None, stays, is_slow }),
            changed: Condvar::new(),
        }
    }

    /// Marks the worker as inside; waits while an exclusive holder is at work. Returns false, with the
    /// worker outside, when that takes long.
    #[inline]
    pub fn enter(&self, worker: usize) -> bool {
        loop {
            // SeqCst: this store must be visible before `barrier` is read, see the header.
            self.inside[worker].store(true, Ordering::SeqCst);
            if self.barrier.load(Ordering::SeqCst) == 0 {
                return true;
            }
            if !self.step_aside(worker) {
                return false;
            }
        }
    }

    /// Marks the worker as outside.
    #[inline]
    pub fn leave(&self, worker: usize) {
        // SeqCst: everything done inside must be visible to a holder that sees the flag down, and
        // the flag must be down before `barrier` is read, else nobody wakes the holder.
        self.inside[worker].store(false, Ordering::SeqCst);
        if self.barrier.load(Ordering::SeqCst) != 0 {
            self.notify();
        }
    }

    /// Says whether a worker is inside; it asks for itself.
    #[inline]
    pub fn is_inside(&self, worker: usize) -> bool {
        // Relaxed: only its own thread writes the flag.
        self.inside[worker].load(Ordering::Relaxed)
    }

    /// Says what a worker may do besides what it is in the middle of, inside the gate or behind the closed
    /// one. It asks for itself.
    pub fn beside(&self, worker: usize) -> Beside {
        match self.barrier.load(Ordering::SeqCst) {
            0 if self.is_inside(worker) => Beside::Free,
            barrier if barrier & SHUT == 0 => Beside::Later,
            _ => Beside::ShutOut,
        }
    }

    /// Says whether a worker is inside for long, or keeps the gate closed for long.
    pub fn is_slow(&self, worker: usize) -> bool {
        lock(&self.holders).is_slow[worker]
    }

    /// Lets others have the gate closed while a worker that is inside waits for something. It holds
    /// nothing that they could want. Returns false, with the worker outside, when that takes long.
    pub fn give_way(&self, worker: usize) -> bool {
        if self.barrier.load(Ordering::SeqCst) == 0 || !self.is_inside(worker) {
            return self.barrier.load(Ordering::SeqCst) & SHUT == 0;
        }
        if lock(&self.holders).within == Some(worker) {
            return true;
        }
        self.leave(worker);
        self.enter(worker)
    }

    /// Waits until the gate is open; returns false when that takes long.
    #[cold]
    fn step_aside(&self, worker: usize) -> bool {
        self.inside[worker].store(false, Ordering::SeqCst);
        let mut holders = lock(&self.holders);
        self.changed.notify_all();
        loop {
            let barrier = self.barrier.load(Ordering::SeqCst);
            if barrier & SHUT != 0 || barrier == 0 {
                return barrier == 0;
            }
            holders = wait(&self.changed, holders);
        }
    }

    #[cold]
    fn notify(&self) {
        let _holders = lock(&self.holders);
        self.changed.notify_all();
    }

    fn is_anybody_inside_but(&self, worker: Option<usize>) -> bool {
        let flags = self.inside.iter().enumerate();
        flags
            .filter(|(other, _)| Some(*other) != worker)
            .any(|(_, flag)| flag.load(Ordering::SeqCst))
    }

    /// Closes the gate for everybody else, waits until all have left, and keeps it closed until the
    /// returned guard is dropped. A worker that is inside passes its own number; it counts as
    /// outside meanwhile and is inside again afterwards. `None` when somebody is inside for long; then
    /// the worker may be outside.
    pub fn close(&self, worker: Option<usize>) -> Option<Closed<'_>> {
        self.close_unless(worker, |_| false).ok()
    }

    /// The same, but as soon as somebody stays inside for a while, it fails, too.
    ///
    /// # Errors
    /// Why; the worker may be outside.
    pub fn close_soon(&self, worker: usize) -> Result<Closed<'_>, Held> {
        self.close_unless(Some(worker), |holders| holders.stays_any_but(Some(worker)))
    }

    fn close_unless(
        &self,
        worker: Option<usize>,
        is_put_off: impl Fn(&Holders) -> bool,
    ) -> Result<Closed<'_>, Held> {
        let mut holders = lock(&self.holders);
        // Asked before everybody is kept out, and again whenever it may have changed.
        if is_put_off(&holders) && !holders.is_slow_but_for(worker) {
            return Err(Held::ForAWhile);
        }
        if let Some(worker) = worker {
            self.inside[worker].store(false, Ordering::SeqCst);
        }
        self.barrier.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_all();
        loop {
            let is_taken = holders.is_held || holders.within.is_some();
            if !is_taken && !self.is_anybody_inside_but(None) {
                holders.is_held = true;
                return Ok(Closed { gate: self, worker });
            }
            let is_shut = self.barrier.load(Ordering::SeqCst) & SHUT != 0;
            let held = if is_shut || holders.is_slow_but_for(worker) {
                Held::ForLong
            } else if is_put_off(&holders) {
                Held::ForAWhile
            } else {
                holders = wait(&self.changed, holders);
                continue;
            };
            self.open(holders, worker);
            return Err(held);
        }
    }

    /// Takes back one wish to have the gate closed, and goes inside again.
    fn open(&self, holders: MutexGuard<'_, Holders>, worker: Option<usize>) {
        self.barrier.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_all();
        drop(holders);
        if let Some(worker) = worker {
            self.enter(worker);
        }
    }

    /// Gives a worker the right to close the gate from within; `None` while another one has it. Waits
    /// for nobody.
    pub fn try_reserve(&self, worker: usize) -> Option<Reservation<'_>> {
        // Acquire and Release, here and where it is given back: whoever has the right next sees the gate
        // as the one before has left it.
        let taken =
            self.reserved.compare_exchange(0, worker + 1, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok().then(|| Reservation { gate: self, worker })
    }

    /// Says whether the worker that may close the gate from within is inside for long.
    pub fn is_reserved_for_long(&self) -> bool {
        // Relaxed: who does not see it yet asks again soon.
        let worker = self.reserved.load(Ordering::Relaxed).checked_sub(1);
        worker.is_some_and(|worker| lock(&self.holders).is_slow[worker])
    }

    /// Says whether it is inside for a while.
    pub fn is_reserved_for_a_while(&self) -> bool {
        // Relaxed: who does not see it yet asks again soon.
        let worker = self.reserved.load(Ordering::Relaxed).checked_sub(1);
        worker.is_some_and(|worker| lock(&self.holders).stays[worker])
    }

    /// Says that a worker stays inside, or keeps the gate closed, for a while, until the result is
    /// dropped.
    pub fn stay(&self, worker: usize) -> Stay<'_> {
        lock(&self.holders).stays[worker] = true;
        self.changed.notify_all();
        Stay { gate: self, worker }
    }

    /// Says that a worker stays inside, or keeps the gate closed, for long. With `shuts_out`, nobody
    /// else is to enter meanwhile.
    pub fn hold_for_long(&self, worker: usize, shuts_out: bool) -> HeldForLong<'_> {
        let mut holders = lock(&self.holders);
        holders.is_slow[worker] = true;
        let shuts_out = shuts_out && self.barrier.load(Ordering::SeqCst) & SHUT == 0;
        if shuts_out {
            self.barrier.fetch_or(SHUT, Ordering::SeqCst);
        }
        self.changed.notify_all();
        HeldForLong { gate: self, worker, shuts_out }
    }
}

/// The gate is closed while this lives.
pub struct Closed<'a> {
    gate: &'a Gate,
    worker: Option<usize>,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        let mut holders = lock(&self.gate.holders);
        holders.is_held = false;
        self.gate.open(holders, self.worker);
    }
}

/// The right of one worker to close the gate from within; dropping it gives it back.
pub struct Reservation<'a> {
    gate: &'a Gate,
    worker: usize,
}

impl<'a> Reservation<'a> {
    /// Closes the gate from within: the worker is inside, in the middle of something that nobody may
    /// see half done. Nobody enters any more; those who are inside may still be at work.
    pub fn close(&self) -> ClosedFromWithin<'a> {
        let mut holders = lock(&self.gate.holders);
        debug_assert!(holders.within.is_none() && !holders.is_held, "{OTHERS_WITHIN}");
        holders.within = Some(self.worker);
        self.gate.barrier.fetch_add(1, Ordering::SeqCst);
        ClosedFromWithin { gate: self.gate, worker: self.worker }
    }
}

const OTHERS_WITHIN: &str = "one worker at a time may do this, and it is inside";

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.gate.reserved.store(0, Ordering::Release);
    }
}

/// The gate is closed for all workers but one while this lives.
pub struct ClosedFromWithin<'a> {
    gate: &'a Gate,
    worker: usize,
}

impl ClosedFromWithin<'_> {
    /// Says whether all others have left.
    pub fn is_alone(&self) -> bool {
        !self.gate.is_anybody_inside_but(Some(self.worker))
    }

    /// Says for how long one of the others stays inside, if he does.
    pub fn waits_for(&self) -> Option<Held> {
        let holders = lock(&self.gate.holders);
        let worker = Some(self.worker);
        if holders.is_slow_but_for(worker) {
            Some(Held::ForLong)
        } else {
            holders.stays_any_but(worker).then_some(Held::ForAWhile)
        }
    }
}

impl Drop for ClosedFromWithin<'_> {
    fn drop(&mut self) {
        let mut holders = lock(&self.gate.holders);
        holders.within = None;
        self.gate.open(holders, None);
    }
}

/// A worker stays inside for a while, as long as this lives.
pub struct Stay<'a> {
    gate: &'a Gate,
    worker: usize,
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        lock(&self.gate.holders).stays[self.worker] = false;
    }
}

/// A worker stays inside for long while this lives.
pub struct HeldForLong<'a> {
    gate: &'a Gate,
    worker: usize,
    shuts_out: bool,
}

impl Drop for HeldForLong<'_> {
    fn drop(&mut self) {
        let mut holders = lock(&self.gate.holders);
        holders.is_slow[self.worker] = false;
        if self.shuts_out {
            self.gate.barrier.fetch_and(!SHUT, Ordering::SeqCst);
        }
        self.gate.changed.notify_all();
    }
}
