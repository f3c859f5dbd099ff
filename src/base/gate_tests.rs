//! The gate and the mailbox on real threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use super::gate::{Beside, Gate};
use super::mailbox::Mailbox;

#[test]
fn a_holder_never_meets_a_worker() {
    const WORKERS: usize = 3;
    let gate = Arc::new(Gate::new(WORKERS));
    let cells: Arc<[AtomicU64; 2]> = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let threads: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (gate, cells) = (Arc::clone(&gate), Arc::clone(&cells));
            thread::spawn(move || {
                for round in 0..2_000 {
                    assert!(gate.enter(worker), "nobody holds it for long");
                    if round % 50 == worker {
                        let closed = gate.close(Some(worker)).expect("nobody is slow");
                        // Not atomic together on purpose: only exclusion keeps the two equal.
                        let first = cells[0].load(Ordering::Relaxed);
                        cells[0].store(first + 1, Ordering::Relaxed);
                        thread::yield_now();
                        let second = cells[1].load(Ordering::Relaxed);
                        cells[1].store(second + 1, Ordering::Relaxed);
                        drop(closed);
                    }
                    let first = cells[0].load(Ordering::Relaxed);
                    assert_eq!(first, cells[1].load(Ordering::Relaxed));
                    gate.leave(worker);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("the worker's asserts hold");
    }
    assert_eq!(cells[0].load(Ordering::Relaxed), 120);
}

#[test]
fn only_the_first_letter_wakes_the_owner() {
    let woken = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&woken);
    let mailbox = Mailbox::new(Box::new(move || {
        seen.fetch_add(1, Ordering::Relaxed);
    }));
    mailbox.post(1);
    let other = mailbox.clone();
    other.post(2);
    drop(other);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    let mut letters = Vec::new();
    mailbox.take(&mut letters);
    assert_eq!(letters, [1, 2]);
    mailbox.post(3);
    assert_eq!(woken.load(Ordering::Relaxed), 2);
}

#[test]
fn letters_that_are_looked_through_stay_and_are_not_shown_again() {
    let mailbox = Mailbox::new(Box::new(|| {}));
    let show = |seen_count, expected: &[i32]| {
        let mut shown = Vec::new();
        let count = mailbox.look_through(seen_count, |letter| {
            shown.push(*letter);
            *letter += 10;
        });
        assert_eq!(shown, expected);
        count
    };
    assert_eq!(show(0, &[]), 0);
    mailbox.post(1);
    mailbox.post(2);
    assert_eq!(show(0, &[1, 2]), 2);
    assert_eq!(show(2, &[]), 2);
    mailbox.post(3);
    assert_eq!(show(2, &[3]), 3);
    let mut letters = Vec::new();
    mailbox.take(&mut letters);
    assert_eq!(letters, [11, 12, 13]);
    mailbox.post(4);
    assert_eq!(show(3, &[4]), 4);
    assert_eq!(show(0, &[14]), 4);
}

#[test]
fn a_worker_that_is_inside_knows_what_may_run_beside_what_it_does() {
    let gate = Gate::new(2);
    assert_eq!(gate.beside(0), Beside::Later, "it is outside");
    assert!(gate.enter(0));
    assert_eq!(gate.beside(0), Beside::Free);
    let reservation = gate.try_reserve(0).expect("nobody else wants it");
    let closed = reservation.close();
    assert_eq!(gate.beside(0), Beside::Later);
    drop(closed);
    let slow = gate.hold_for_long(0, false);
    assert_eq!((gate.beside(0), gate.is_slow(0), gate.is_slow(1)), (Beside::Free, true, false));
    drop(slow);
    let slow = gate.hold_for_long(1, true);
    assert_eq!((gate.beside(0), gate.is_slow(0)), (Beside::ShutOut, false));
    drop(slow);
    assert_eq!(gate.beside(0), Beside::Free);
    gate.leave(0);
}
