//! A queue: clients wait for items that others append.

use std::collections::VecDeque;

use stateright::semantics::SequentialSpec;

use super::{CLIENTS, Player, check, fits, one_by_one, record};
use crate::support::{Value, for_each_thread_count};

const HISTORIES: usize = 200;
const APPEND: &str = "return redis.call('RPUSH', KEYS[1], ARGV[1])";

/// Items, the next one first.
#[derive(Clone, Debug, Default, PartialEq)]
struct Queue(VecDeque<u64>);

#[derive(Clone, Debug)]
enum Operation {
    Append(u64),
    /// Waits until there is one.
    Take,
    /// Does not wait.
    TakeNow,
}

#[derive(Clone, Debug, PartialEq)]
enum Reply {
    Length(usize),
    Item(Option<u64>),
}

impl SequentialSpec for Queue {
    type Op = Operation;
    type Ret = Reply;

    fn invoke(&mut self, operation: &Operation) -> Reply {
        match operation {
            Operation::Append(item) => {
                self.0.push_back(*item);
                Reply::Length(self.0.len())
            }
            Operation::Take | Operation::TakeNow => Reply::Item(self.0.pop_front()),
        }
    }
}

fn length(value: &Value) -> Reply {
    Reply::Length(usize::try_from(value.int()).expect("a length"))
}

/// Half of the clients append, the others take.
fn step(player: &mut Player<'_, Operation, Reply>, step: usize) {
    let key = player.key("queue");
    if player.index < CLIENTS / 2 {
        let item = (step * CLIENTS + player.index) as u64;
        let text = item.to_string();
        let kind = player.random.u32(..3);
        player.play(Operation::Append(item), |client| match kind {
            0 => length(&client.call(&["RPUSH", &key, &text])),
            1 => length(&client.call(&["EVAL", APPEND, "1", &key, &text])),
            _ => {
                let push = format!("RPUSH {key} {text}");
                length(&client.pipeline(&["MULTI", &push, "EXEC"])[2].items()[0])
            }
        });
        return;
    }
    // As many are waited for as are appended; who only looked comes back for it.
    while player.random.u32(..4) == 0 {
        let taken = player.play(Operation::TakeNow, |client| {
            let reply = client.call(&["LPOP", &key]);
            Reply::Item((!reply.is_nil()).then(|| reply.text().parse().expect("an item")))
        });
        if taken != Reply::Item(None) {
            return;
        }
    }
    let kind = player.random.u32(..3);
    player.play(Operation::Take, |client| {
        let reply = match kind {
            0 => client.call(&["BLPOP", &key, "0"]).items()[1].text(),
            1 => client.call(&["BLMPOP", "0", "1", &key, "LEFT"]).items()[1].texts().remove(0),
            _ => {
                client.call(&["BLMOVE", &key, &format!("{key}:taken"), "LEFT", "LEFT", "0"]).text()
            }
        };
        Reply::Item(Some(reply.parse().expect("an item")))
    });
}

#[test]
fn a_queue_with_waiting_clients_is_linearizable() {
    for_each_thread_count(|server| {
        check(&Queue::default(), &record(server, HISTORIES, step));
    });
}

#[test]
fn a_queue_that_is_not_linearizable_is_found_out() {
    use Operation::{Append, Take, TakeNow};
    use Reply::{Item, Length};
    let start = [(Append(1), Length(1)), (Append(2), Length(2))];
    let bad = [
        // Out of order, twice, from nowhere, overlooked.
        vec![(Take, Item(Some(2)))],
        vec![(Take, Item(Some(1))), (Take, Item(Some(1)))],
        vec![(Take, Item(Some(1))), (Take, Item(Some(2))), (Take, Item(Some(3)))],
        vec![(TakeNow, Item(None))],
    ];
    for rest in bad {
        let history = one_by_one(start.iter().cloned().chain(rest.clone()));
        assert!(!fits(&Queue::default(), &history), "{rest:?}");
    }
    let good = [(Take, Item(Some(1))), (Append(3), Length(2)), (Take, Item(Some(2)))];
    assert!(fits(&Queue::default(), &one_by_one(start.into_iter().chain(good))));
}
