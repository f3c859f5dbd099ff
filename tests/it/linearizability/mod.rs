//! Histories of racing clients, judged by a checker: what they saw must fit one order of all their
//! commands in which no command stands before another one that was answered before it was sent.
//!
//! A history is short and has keys of its own; there are many. Values that are written are different, so
//! that a reply tells what it comes from. The checker tries orders until one fits, or none does.
//!
//! The condition: M. Herlihy, J. Wing, "Linearizability: a correctness condition for concurrent
//! objects", TOPLAS 12(3), 1990.

mod bank;
mod queue;
mod register;

use std::fmt::Debug;

use parking_lot::Mutex;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use crate::support::{Client, Rendezvous, Server, in_threads};

const CLIENTS: usize = 4;
/// Operations of one client in one history; some of them take two entries.
const STEPS: usize = 4;

/// An entry of a history.
#[derive(Clone, Debug)]
enum Event<O, R> {
    Sent { client: usize, operation: O },
    Answered { client: usize, reply: R },
}

/// A history, in the order of real time.
type History<O, R> = Mutex<Vec<Event<O, R>>>;

/// One client in one history.
struct Player<'a, O, R> {
    connection: &'a mut Client,
    index: usize,
    history: &'a History<O, R>,
    /// What the names of this history's keys begin with.
    prefix: String,
    random: fastrand::Rng,
}

impl<O, R: Clone> Player<'_, O, R> {
    /// Returns the name of a key.
    fn key(&self, name: impl std::fmt::Display) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// Runs an operation and records it.
    fn play(&mut self, operation: O, run: impl FnOnce(&mut Client) -> R) -> R {
        let client = self.index;
        self.history.lock().push(Event::Sent { client, operation });
        let reply = run(self.connection);
        self.history.lock().push(Event::Answered { client, reply: reply.clone() });
        reply
    }
}

/// Says whether a history fits some order of its operations.
fn fits<S>(start: &S, history: &[Event<S::Op, S::Ret>]) -> bool
where
    S: SequentialSpec + Clone,
    S::Op: Clone + Debug,
    S::Ret: Clone + Debug,
{
    let mut tester = LinearizabilityTester::new(start.clone());
    for event in history.iter().cloned() {
        let outcome = match event {
            Event::Sent { client, operation } => tester.on_invoke(client, operation),
            Event::Answered { client, reply } => tester.on_return(client, reply),
        };
        outcome.expect("a client sends when it has its last reply");
    }
    tester.is_consistent()
}

/// Has clients play histories against a server: `step` is one move of a client, told its number.
fn record<O: Send, R: Send>(
    server: &Server,
    count: usize,
    step: impl Fn(&mut Player<'_, O, R>, usize) + Sync,
) -> Vec<Vec<Event<O, R>>> {
    let histories: Vec<History<O, R>> = (0..count).map(|_| Mutex::default()).collect();
    let start = Rendezvous::new(CLIENTS);
    in_threads(CLIENTS, |index| {
        let mut connection = server.client();
        for (number, history) in histories.iter().enumerate() {
            let random = fastrand::Rng::with_seed((number * CLIENTS + index) as u64);
            let prefix = format!("{number}");
            let connection = &mut connection;
            let mut player = Player { connection, index, history, prefix, random };
            start.meet();
            (0..STEPS).for_each(|number| step(&mut player, number));
        }
    });
    histories.into_iter().map(Mutex::into_inner).collect()
}

/// Has the checker judge histories; shows the first that fits no order.
#[track_caller]
fn check<S>(start: &S, histories: &[Vec<Event<S::Op, S::Ret>>])
where
    S: SequentialSpec + Clone,
    S::Op: Clone + Debug,
    S::Ret: Clone + Debug,
{
    for history in histories {
        assert!(fits(start, history), "this fits no order:\n{}", show(history));
    }
}

fn show<O: Debug, R: Debug>(history: &[Event<O, R>]) -> String {
    history.iter().map(|event| format!("{event:?}\n")).collect()
}

/// Returns the history of operations that were answered one after the other, each by its own client.
fn one_by_one<O, R>(steps: impl IntoIterator<Item = (O, R)>) -> Vec<Event<O, R>> {
    let pairs = steps.into_iter().enumerate().map(|(client, (operation, reply))| {
        [Event::Sent { client, operation }, Event::Answered { client, reply }]
    });
    pairs.flatten().collect()
}
