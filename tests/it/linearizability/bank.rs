//! A bank: money moves between accounts on different shards, by transactions and scripts.

use stateright::semantics::SequentialSpec;

use super::{Player, check, fits, one_by_one, record};
use crate::support::{Value, for_each_thread_count};

const HISTORIES: usize = 400;
const ACCOUNTS: usize = 3;

/// Moves money between declared accounts.
const MOVE: &str = "return {redis.call('INCRBY', KEYS[1], -ARGV[1]), \
                    redis.call('INCRBY', KEYS[2], ARGV[1])}";
/// The same between accounts that it does not declare.
const MOVE_UNDECLARED: &str = "return {redis.call('INCRBY', ARGV[2], -ARGV[1]), \
                               redis.call('INCRBY', ARGV[3], ARGV[1])}";
/// The same when only the first of them is declared.
const MOVE_HALF_DECLARED: &str = "return {redis.call('INCRBY', KEYS[1], -ARGV[1]), \
                                  redis.call('INCRBY', ARGV[2], ARGV[1])}";
/// Returns the balances of accounts that it does not declare.
const LOOK: &str = "return {redis.call('GET', ARGV[1]) or '0', redis.call('GET', ARGV[2]) or '0', \
                    redis.call('GET', ARGV[3]) or '0'}";

/// The balances; all are zero at first, and may be less.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bank([i64; ACCOUNTS]);

#[derive(Clone, Debug)]
enum Operation {
    Look,
    LookAtTwo([usize; 2]),
    Move {
        pair: [usize; 2],
        amount: i64,
    },
    /// Moves money if the balances are as they were seen.
    Commit {
        pair: [usize; 2],
        amount: i64,
        seen: [i64; 2],
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Reply {
    All([i64; ACCOUNTS]),
    Two([i64; 2]),
    Did(bool),
}

impl Bank {
    fn two(&self, pair: [usize; 2]) -> [i64; 2] {
        pair.map(|account| self.0[account])
    }
}

impl SequentialSpec for Bank {
    type Op = Operation;
    type Ret = Reply;

    fn invoke(&mut self, operation: &Operation) -> Reply {
        match *operation {
            Operation::Look => Reply::All(self.0),
            Operation::LookAtTwo(pair) => Reply::Two(self.two(pair)),
            Operation::Move { pair, amount } => {
                self.0[pair[0]] -= amount;
                self.0[pair[1]] += amount;
                Reply::Two(self.two(pair))
            }
            Operation::Commit { pair, amount, seen } => {
                let does = self.two(pair) == seen;
                if does {
                    self.invoke(&Operation::Move { pair, amount });
                }
                Reply::Did(does)
            }
        }
    }

    fn is_valid_step(&mut self, operation: &Operation, reply: &Reply) -> bool {
        // The accounts may have changed between the beginning of the watch and the look at them, and
        // they may have changed and be as before.
        let is_refused =
            matches!(operation, Operation::Commit { .. }) && *reply == Reply::Did(false);
        is_refused || self.invoke(operation) == *reply
    }
}

fn balance(value: &Value) -> i64 {
    if value.is_nil() { 0 } else { value.text().parse().expect("a balance") }
}

fn two(values: &[Value]) -> Reply {
    Reply::Two([balance(&values[0]), balance(&values[1])])
}

fn all(values: &[Value]) -> Reply {
    Reply::All(std::array::from_fn(|account| balance(&values[account])))
}

/// Makes a move chosen by chance.
fn step(player: &mut Player<'_, Operation, Reply>, step: usize) {
    let keys: [String; ACCOUNTS] = std::array::from_fn(|account| player.key(account));
    let first = player.random.usize(..ACCOUNTS);
    let pair = [first, (first + 1 + player.random.usize(..ACCOUNTS - 1)) % ACCOUNTS];
    let [from, to] = pair.map(|account| keys[account].as_str());
    // Sums of these are different whatever is in them.
    let amount = 1 << (step * super::CLIENTS + player.index);
    let text = i64::to_string(&amount);
    let operation = Operation::Move { pair, amount };
    let kind = player.random.u32(..9);
    // A script that the server has seen or one that it has not, so that it knows nothing of its keys.
    let number = player.random.u32(..40);
    let new = |script: &str| format!("{script} -- {number}");
    let mut run = |arguments: &[&str]| {
        player.play(operation.clone(), |client| two(client.call(arguments).items()));
    };
    match kind {
        0 => run(&["EVAL", MOVE, "2", from, to, &text]),
        1 => run(&["EVAL", &new(MOVE_UNDECLARED), "0", &text, from, to]),
        2 => run(&["EVAL", &new(MOVE_HALF_DECLARED), "1", from, &text, to]),
        3 => {
            player.play(operation, |client| {
                let changes = [format!("INCRBY {from} -{text}"), format!("INCRBY {to} {text}")];
                two(client.pipeline(&["MULTI", &changes[0], &changes[1], "EXEC"])[3].items())
            });
        }
        4 | 5 => {
            player.connection.call(&["WATCH", from, to]);
            let seen = player.play(Operation::LookAtTwo(pair), |client| {
                two(client.call(&["MGET", from, to]).items())
            });
            let Reply::Two(seen) = seen else { unreachable!("two balances") };
            player.play(Operation::Commit { pair, amount, seen }, |client| {
                commit(client, [from, to], [seen[0] - amount, seen[1] + amount])
            });
        }
        6 => {
            player.play(Operation::Look, |client| {
                all(client.call(&["MGET", &keys[2], &keys[0], &keys[1]]).items()).turned()
            });
        }
        7 => {
            player.play(Operation::Look, |client| {
                let gets = keys.each_ref().map(|key| format!("GET {key}"));
                all(client.pipeline(&["MULTI", &gets[0], &gets[1], &gets[2], "EXEC"])[4].items())
            });
        }
        _ => {
            player.play(Operation::Look, |client| {
                all(client.call(&["EVAL", LOOK, "0", &keys[0], &keys[1], &keys[2]]).items())
            });
        }
    }
}

impl Reply {
    /// Returns the balances in order when the last account's stands first.
    fn turned(self) -> Self {
        match self {
            Self::All([last, first, second]) => Self::All([first, second, last]),
            other => other,
        }
    }
}

fn commit(client: &mut crate::support::Client, keys: [&str; 2], balances: [i64; 2]) -> Reply {
    let sets = [0, 1].map(|index| format!("SET {} {}", keys[index], balances[index]));
    Reply::Did(!client.pipeline(&["MULTI", &sets[0], &sets[1], "EXEC"])[3].is_nil())
}

#[test]
fn a_bank_is_linearizable() {
    for_each_thread_count(|server| {
        check(&Bank::default(), &record(server, HISTORIES, step));
    });
}

#[test]
fn a_bank_without_transactions_is_found_out() {
    for_each_thread_count(|server| {
        let careless = |player: &mut Player<'_, Operation, Reply>, step: usize| {
            let (pair, amount) = ([0, 1], 1 << (step * super::CLIENTS + player.index));
            let keys = [player.key(0), player.key(1)];
            player.play(Operation::Move { pair, amount }, |client| {
                let seen = client.call(&["MGET", &keys[0], &keys[1]]);
                let seen = seen.items().iter().map(balance).collect::<Vec<_>>();
                let new: [i64; 2] = [seen[0] - amount, seen[1] + amount];
                let texts = new.map(|balance| balance.to_string());
                client.call(&["MSET", &keys[0], &texts[0], &keys[1], &texts[1]]);
                Reply::Two(new)
            });
        };
        let histories = record(server, 50, careless);
        assert!(histories.iter().any(|history| !fits(&Bank::default(), history)));
    });
}

#[test]
fn a_bank_that_is_not_linearizable_is_found_out() {
    let transfer =
        |amount, balances| (Operation::Move { pair: [0, 1], amount }, Reply::Two(balances));
    let commit = |seen, did| (Operation::Commit { pair: [0, 1], amount: 1, seen }, Reply::Did(did));
    let bad = [
        // Half a transfer, a lost one, one that was based on what was not there any more.
        vec![transfer(1, [-1, 1]), (Operation::Look, Reply::All([-1, 0, 0]))],
        vec![transfer(1, [-1, 1]), transfer(2, [-2, 2])],
        vec![transfer(2, [-2, 2]), commit([0, 0], true)],
    ];
    for history in bad {
        assert!(!fits(&Bank::default(), &one_by_one(history.clone())), "{history:?}");
    }
    let good = vec![transfer(2, [-2, 2]), commit([-2, 2], true), commit([0, 0], false)];
    assert!(fits(&Bank::default(), &one_by_one(good)));
}
