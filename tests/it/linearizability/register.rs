//! Two registers: read, written, exchanged and compared, one by one and both at once.

use stateright::semantics::SequentialSpec;

use super::{Event, Player, check, fits, one_by_one, record};
use crate::support::{Value, for_each_thread_count};

const HISTORIES: usize = 400;
/// Writes a value if the register holds the one that is expected.
const SWAP: &str = "if (redis.call('GET', KEYS[1]) or '0') == ARGV[1] then \
                    redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0";

/// What the registers hold; 0: nothing yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Registers([u64; 2]);

#[derive(Clone, Debug)]
enum Operation {
    Read(usize),
    ReadBoth,
    Write(usize, u64),
    WriteBoth(u64),
    Exchange(usize, u64),
    /// Writes the second value if the register holds the first.
    Swap(usize, u64, u64),
    /// The same by a transaction of somebody who has seen the first value while he watched.
    Commit(usize, u64, u64),
}

#[derive(Clone, Debug, PartialEq)]
enum Reply {
    Done,
    Holds(u64),
    Both([u64; 2]),
    Did(bool),
}

impl SequentialSpec for Registers {
    type Op = Operation;
    type Ret = Reply;

    fn invoke(&mut self, operation: &Operation) -> Reply {
        match *operation {
            Operation::Read(index) => return Reply::Holds(self.0[index]),
            Operation::ReadBoth => return Reply::Both(self.0),
            Operation::Write(index, value) => self.0[index] = value,
            Operation::WriteBoth(value) => self.0 = [value; 2],
            Operation::Exchange(index, value) => {
                return Reply::Holds(std::mem::replace(&mut self.0[index], value));
            }
            Operation::Swap(index, old, new) | Operation::Commit(index, old, new) => {
                let does = self.0[index] == old;
                if does {
                    self.0[index] = new;
                }
                return Reply::Did(does);
            }
        }
        Reply::Done
    }

    fn is_valid_step(&mut self, operation: &Operation, reply: &Reply) -> bool {
        // The register may have changed between the beginning of the watch and the look at it.
        let is_refused = matches!(operation, Operation::Commit(..)) && *reply == Reply::Did(false);
        is_refused || self.invoke(operation) == *reply
    }
}

fn number(value: &Value) -> u64 {
    if value.is_nil() { 0 } else { value.text().parse().expect("a number") }
}

fn both(values: &[Value]) -> Reply {
    Reply::Both([number(&values[0]), number(&values[1])])
}

/// Makes a move chosen by chance.
fn step(player: &mut Player<'_, Operation, Reply>, step: usize) {
    let index = player.random.usize(..2);
    let (own, keys) = (player.key(index), [player.key(0), player.key(1)]);
    let value = (step * super::CLIENTS + player.index + 1) as u64;
    let text = value.to_string();
    match player.random.u32(..9) {
        0 => {
            read(player, index);
        }
        1 => {
            player.play(Operation::ReadBoth, |client| {
                both(client.call(&["MGET", &keys[0], &keys[1]]).items())
            });
        }
        2 => {
            player.play(Operation::ReadBoth, |client| {
                let gets = keys.each_ref().map(|key| format!("GET {key}"));
                both(client.pipeline(&["MULTI", &gets[0], &gets[1], "EXEC"])[3].items())
            });
        }
        3 => {
            player.play(Operation::Write(index, value), |client| {
                assert_eq!(client.call(&["SET", &own, &text]).text(), "OK");
                Reply::Done
            });
        }
        4 => {
            player.play(Operation::WriteBoth(value), |client| {
                assert_eq!(client.call(&["MSET", &keys[1], &text, &keys[0], &text]).text(), "OK");
                Reply::Done
            });
        }
        5 => {
            player.play(Operation::WriteBoth(value), |client| {
                let sets = keys.each_ref().map(|key| format!("SET {key} {text}"));
                let replies = client.pipeline(&["MULTI", &sets[0], &sets[1], "EXEC"]);
                assert_eq!(replies[3].texts(), ["OK", "OK"]);
                Reply::Done
            });
        }
        6 => {
            player.play(Operation::Exchange(index, value), |client| {
                Reply::Holds(number(&client.call(&["GETSET", &own, &text])))
            });
        }
        7 => {
            let seen = read(player, index);
            player.play(Operation::Swap(index, seen, value), |client| {
                let reply = client.call(&["EVAL", SWAP, "1", &own, &seen.to_string(), &text]);
                Reply::Did(reply.int() == 1)
            });
        }
        _ => {
            player.connection.call(&["WATCH", &own]);
            let seen = read(player, index);
            player.play(Operation::Commit(index, seen, value), |client| {
                let set = format!("SET {own} {text}");
                Reply::Did(!client.pipeline(&["MULTI", &set, "EXEC"])[2].is_nil())
            });
        }
    }
}

/// Returns what a register holds.
fn read(player: &mut Player<'_, Operation, Reply>, index: usize) -> u64 {
    let key = player.key(index);
    let reply = player
        .play(Operation::Read(index), |client| Reply::Holds(number(&client.call(&["GET", &key]))));
    match reply {
        Reply::Holds(value) => value,
        other => unreachable!("a value was made: {other:?}"),
    }
}

#[test]
fn registers_are_linearizable() {
    for_each_thread_count(|server| {
        let histories = record(server, HISTORIES, step);
        check(&Registers::default(), &histories);
        let did = |wanted: bool| {
            let all = histories.iter().flatten();
            all.filter(|event| {
                matches!(event, Event::Answered { reply: Reply::Did(did), .. } if *did == wanted)
            })
            .count()
        };
        assert!(did(true) > 0 && did(false) > 0, "nobody came in anybody's way");
    });
}

#[test]
fn registers_that_are_not_linearizable_are_found_out() {
    use Operation::{Commit, Exchange, Read, ReadBoth, Swap, Write, WriteBoth};
    use Reply::{Both, Did, Done, Holds};
    let bad = [
        // Stale, torn, lost, from nowhere, without what it needs.
        vec![(Write(0, 1), Done), (Write(0, 2), Done), (Read(0), Holds(1))],
        vec![(WriteBoth(1), Done), (ReadBoth, Both([1, 0]))],
        vec![(Exchange(0, 1), Holds(0)), (Exchange(0, 2), Holds(0))],
        vec![(Read(1), Holds(3))],
        vec![(Write(0, 1), Done), (Swap(0, 0, 2), Did(true))],
        vec![(Write(0, 1), Done), (Commit(0, 0, 2), Did(true))],
    ];
    for history in bad {
        assert!(!fits(&Registers::default(), &one_by_one(history.clone())), "{history:?}");
    }
    let good = vec![(Write(0, 1), Done), (Swap(0, 1, 2), Did(true)), (ReadBoth, Both([2, 0]))];
    assert!(fits(&Registers::default(), &one_by_one(good)));
    // Two who look while it is written may see it or not, but not one after the other.
    let sent = |client, operation| Event::Sent { client, operation };
    let answered = |client, reply| Event::Answered { client, reply };
    let looks = |first, second| {
        vec![
            sent(0, Write(0, 1)),
            sent(1, Read(0)),
            answered(1, Holds(first)),
            sent(2, Read(0)),
            answered(2, Holds(second)),
            answered(0, Done),
        ]
    };
    assert!(fits(&Registers::default(), &looks(0, 1)));
    assert!(!fits(&Registers::default(), &looks(1, 0)));
}
