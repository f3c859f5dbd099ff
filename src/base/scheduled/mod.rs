//! The gate and the mailbox on shuttle's scheduler: the same source files, other primitives.
//!
//! This file contains unsafe code: one cell that is shared without a lock, to see who meets whom in it.
//!
//! Shuttle runs the threads of a test one at a time and chooses at every lock and atomic who goes on,
//! over many seeded schedules; a schedule that fails is printed and can be replayed.

#[path = "../gate.rs"]
#[expect(unreachable_pub, reason = "public where the same file stands for the server")]
mod gate;
#[path = "../mailbox.rs"]
#[expect(unreachable_pub, dead_code, reason = "public where the same file stands for the server")]
mod mailbox;
mod primitives;

use std::cell::Cell;

use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;

use gate::{Beside, Gate, Held};
use mailbox::Mailbox;

const SCHEDULE_COUNT: usize = 2_000;

/// A cell that nothing protects but what is tested.
struct Unprotected(Cell<u32>);

// SAFETY: shuttle runs one thread at a time; the tests check that no two meet between two steps.
unsafe impl Sync for Unprotected {}

#[test]
fn a_holder_never_meets_a_worker_in_any_schedule() {
    const WORKERS: usize = 3;
    shuttle::check_random(
        || {
            let gate = Arc::new(Gate::new(WORKERS));
            let cell = Arc::new(Unprotected(Cell::new(0)));
            let threads: Vec<_> = (0..WORKERS)
                .map(|worker| {
                    let (gate, cell) = (Arc::clone(&gate), Arc::clone(&cell));
                    thread::spawn(move || {
                        for round in 0..2 {
                            assert!(gate.enter(worker), "nobody holds it for long");
                            assert_eq!(cell.0.get() % 2, 0, "a holder is at work");
                            if round == 1 && worker > 0 {
                                let closed = gate.close(Some(worker)).expect("nobody is slow");
                                cell.0.set(cell.0.get() + 1);
                                thread::yield_now();
                                cell.0.set(cell.0.get() + 1);
                                drop(closed);
                            }
                            thread::yield_now();
                            assert_eq!(cell.0.get() % 2, 0, "a holder is at work");
                            gate.leave(worker);
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().expect("the worker's asserts hold");
            }
            assert_eq!(cell.0.get(), 4);
        },
        SCHEDULE_COUNT,
    );
}

#[test]
fn who_closes_it_from_within_meets_nobody_in_any_schedule() {
    shuttle::check_random(
        || {
            let gate = Arc::new(Gate::new(3));
            let cell = Arc::new(Unprotected(Cell::new(0)));
            let work = |cell: &Unprotected| {
                assert_eq!(cell.0.get() % 2, 0, "somebody is at work");
                cell.0.set(cell.0.get() + 1);
                thread::yield_now();
                cell.0.set(cell.0.get() + 1);
            };
            let threads: Vec<_> = (0..3)
                .map(|worker| {
                    let (gate, cell) = (Arc::clone(&gate), Arc::clone(&cell));
                    thread::spawn(move || {
                        assert!(gate.enter(worker));
                        if worker == 0 {
                            let closed = gate.close(Some(worker)).expect("nobody is slow");
                            work(&cell);
                            drop(closed);
                        } else {
                            let reservation = loop {
                                match gate.try_reserve(worker) {
                                    Some(reservation) => break reservation,
                                    None => {
                                        assert!(!gate.is_reserved_for_long());
                                        assert!(gate.give_way(worker));
                                    }
                                }
                                thread::yield_now();
                            };
                            let closed = reservation.close();
                            while !closed.is_alone() {
                                thread::yield_now();
                            }
                            assert!(gate.is_inside(worker) && closed.waits_for().is_none());
                            work(&cell);
                            drop(closed);
                        }
                        assert!(gate.give_way(worker));
                        gate.leave(worker);
                    })
                })
                .collect();
            for thread in threads {
                thread.join().expect("the worker's asserts hold");
            }
            assert_eq!(cell.0.get(), 6);
        },
        SCHEDULE_COUNT,
    );
}

#[test]
fn nobody_waits_for_who_holds_it_for_long_in_any_schedule() {
    shuttle::check_random(
        || {
            let gate = Arc::new(Gate::new(3));
            let is_over = Arc::new(AtomicUsize::new(0));
            let holder = {
                let (gate, is_over) = (Arc::clone(&gate), Arc::clone(&is_over));
                thread::spawn(move || {
                    if !gate.enter(0) {
                        return;
                    }
                    let held = gate.hold_for_long(0, true);
                    assert!(gate.is_slow(0) && gate.beside(0) == Beside::ShutOut);
                    while is_over.load(Ordering::SeqCst) < 2 {
                        thread::yield_now();
                    }
                    drop(held);
                    gate.leave(0);
                })
            };
            let others: Vec<_> = (1..3)
                .map(|worker| {
                    let (gate, is_over) = (Arc::clone(&gate), Arc::clone(&is_over));
                    thread::spawn(move || {
                        if gate.enter(worker) {
                            drop(gate.close(Some(worker)));
                            gate.leave(worker);
                        }
                        is_over.fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            for thread in others.into_iter().chain([holder]) {
                thread.join().expect("nobody waits for ever");
            }
        },
        SCHEDULE_COUNT,
    );
}

#[test]
fn who_can_come_back_does_not_wait_for_who_stays_in_any_schedule() {
    shuttle::check_random(
        || {
            let gate = Arc::new(Gate::new(3));
            let is_over = Arc::new(AtomicUsize::new(0));
            let holder = {
                let (gate, is_over) = (Arc::clone(&gate), Arc::clone(&is_over));
                thread::spawn(move || {
                    assert!(gate.enter(0), "nobody holds it for long");
                    let reservation = gate.try_reserve(0).expect("nobody else wants it");
                    let stay = gate.stay(0);
                    assert!(gate.is_reserved_for_a_while() && !gate.is_slow(0));
                    while is_over.load(Ordering::SeqCst) < 2 {
                        thread::yield_now();
                    }
                    drop(stay);
                    assert!(!gate.is_reserved_for_a_while());
                    drop(reservation);
                    gate.leave(0);
                })
            };
            let others: Vec<_> = (1..3)
                .map(|worker| {
                    let (gate, is_over) = (Arc::clone(&gate), Arc::clone(&is_over));
                    thread::spawn(move || {
                        assert!(gate.enter(worker), "nobody holds it for long");
                        let closed = gate.close_soon(worker);
                        assert!(!matches!(closed, Err(Held::ForLong)));
                        drop(closed);
                        gate.leave(worker);
                        is_over.fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            for thread in others.into_iter().chain([holder]) {
                thread.join().expect("nobody waits for ever");
            }
            assert!(gate.close_soon(0).is_ok(), "nobody is inside");
        },
        SCHEDULE_COUNT,
    );
}

#[test]
fn no_letter_waits_without_a_wake_up_in_any_schedule() {
    const POSTERS: usize = 2;
    const LETTERS: usize = 3;
    shuttle::check_random(
        || {
            let wake_ups = Arc::new(AtomicUsize::new(0));
            let seen = Arc::clone(&wake_ups);
            let mailbox = Mailbox::new(Box::new(move || {
                seen.fetch_add(1, Ordering::SeqCst);
            }));
            let posters: Vec<_> = (0..POSTERS)
                .map(|poster| {
                    let mailbox = mailbox.clone();
                    thread::spawn(move || {
                        for letter in 0..LETTERS {
                            mailbox.post((poster, letter));
                        }
                    })
                })
                .collect();
            let mut letters = Vec::new();
            // A letter of the owner's own wakes nobody, and neither do those that join it.
            mailbox.post_own((POSTERS, 0));
            mailbox.take(&mut letters);
            while letters.len() < POSTERS * LETTERS + 1 {
                // An owner that sleeps until it is woken: it looks only after a wake-up.
                if wake_ups.swap(0, Ordering::SeqCst) == 0 {
                    thread::yield_now();
                    continue;
                }
                mailbox.take(&mut letters);
            }
            for poster in posters {
                poster.join().expect("posters do not panic");
            }
            for poster in 0..POSTERS {
                let order = letters.iter().filter(|(from, _)| *from == poster).map(|(_, n)| *n);
                assert!(order.eq(0..LETTERS), "letters of one poster keep their order");
            }
        },
        SCHEDULE_COUNT,
    );
}
