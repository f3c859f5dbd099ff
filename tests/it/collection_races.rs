//! Racing clients on collections, waiting clients and transactions: nothing is lost, nothing doubled.

use std::collections::BTreeSet;
use std::thread;

use crate::support::{Client, Server, Value, for_each_thread_count, in_threads, wait_until};

const CLIENTS: usize = 6;

/// Waits until so many clients wait for a key.
fn wait_for_waiters(server: &Server, count: i64) {
    let mut client = server.client();
    wait_until("clients wait", || client.info_int("blocked_clients") == count);
}

#[test]
fn every_popped_member_is_popped_once() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for start in (0..3000).step_by(100) {
            let members: Vec<String> = (start..start + 100).map(|n| format!("m{n}")).collect();
            let words = ["SADD", "set"].into_iter().chain(members.iter().map(String::as_str));
            client.call(&words.collect::<Vec<_>>());
        }
        let popped = parking_lot::Mutex::new(Vec::new());
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            loop {
                let count = (index + 1).to_string();
                let members = client.call(&["SPOP", "set", &count]).texts();
                if members.is_empty() {
                    break;
                }
                popped.lock().extend(members);
            }
        });
        let popped = popped.into_inner();
        let distinct: BTreeSet<&String> = popped.iter().collect();
        assert_eq!((popped.len(), distinct.len()), (3000, 3000));
        assert_eq!(client.call(&["EXISTS", "set"]), Value::Int(0));
    });
}

#[test]
fn moved_elements_are_neither_lost_nor_doubled() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for number in 0..60 {
            client.call(&["RPUSH", &format!("list:{}", number % 3), &number.to_string()]);
        }
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in 0..400 {
                let from = format!("list:{}", (index + step) % 3);
                let to = format!("list:{}", (index * 2 + step / 3) % 3);
                match step % 3 {
                    0 => client.call(&["LMOVE", &from, &to, "LEFT", "RIGHT"]),
                    1 => client.call(&["RPOPLPUSH", &from, &to]),
                    _ => client.call(&["BLMOVE", &from, &to, "RIGHT", "LEFT", "0.05"]),
                };
            }
        });
        let mut elements = Vec::new();
        for list in 0..3 {
            elements.extend(client.call(&["LRANGE", &format!("list:{list}"), "0", "-1"]).texts());
        }
        elements.sort_by_key(|text| text.parse::<u32>().unwrap());
        let expected: Vec<String> = (0..60).map(|number: u32| number.to_string()).collect();
        assert_eq!(elements, expected);
    });
}

#[test]
fn sums_of_scores_and_fields_end_exact() {
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in 0..400 {
                let name = ((index + step) % 7).to_string();
                client.call(&["ZINCRBY", "board", "1.5", &name]);
                client.call(&["ZADD", "board", "INCR", "0.5", &name]);
                client.call(&["HINCRBY", "hash", &name, "2"]);
            }
        });
        let mut client = server.client();
        let sum = |texts: Vec<String>| -> f64 {
            texts.iter().skip(1).step_by(2).map(|text| text.parse::<f64>().unwrap()).sum()
        };
        let scores = client.call(&["ZRANGE", "board", "0", "-1", "WITHSCORES"]).texts();
        let fields = client.call(&["HGETALL", "hash"]).texts();
        let expected = (CLIENTS * 400 * 2) as f64;
        assert_eq!((sum(scores), sum(fields)), (expected, expected));
    });
}

#[test]
fn waiting_clients_are_served_in_the_order_they_came() {
    const WAITERS: usize = 12;
    for_each_thread_count(|server| {
        let mut waiters: Vec<Client> = Vec::new();
        for count in 1..=WAITERS {
            let mut client = server.client();
            client.send(&["BLPOP", "none", "jobs", "0"]);
            wait_for_waiters(server, count as i64);
            waiters.push(client);
        }
        let mut client = server.client();
        for number in 0..WAITERS {
            client.call(&["RPUSH", "jobs", &number.to_string()]);
        }
        for (number, waiter) in waiters.iter_mut().enumerate() {
            assert_eq!(waiter.recv().texts(), ["jobs", &number.to_string()]);
        }
        assert_eq!(client.call(&["EXISTS", "jobs"]), Value::Int(0));
    });
}

#[test]
fn as_many_items_as_waiters_reach_each_of_them_once() {
    const WAITERS: usize = 8;
    const ROUNDS: usize = 40;
    for_each_thread_count(|server| {
        let taken = parking_lot::Mutex::new(Vec::new());
        in_threads(WAITERS + 2, |index| {
            let mut client = server.client();
            if index < WAITERS {
                for round in 0..ROUNDS {
                    let item = match (index + round) % 3 {
                        0 => client.call(&["BLPOP", "q:0", "q:1", "q:2", "0"]),
                        1 => client.call(&["BRPOP", "q:2", "q:1", "q:0", "0"]),
                        _ => client.call(&["BLMPOP", "0", "3", "q:1", "q:0", "q:2", "LEFT"]),
                    };
                    taken.lock().push(item);
                }
            } else {
                for number in 0..WAITERS * ROUNDS / 2 {
                    let item = format!("{index}-{number}");
                    let queue = format!("q:{}", number % 3);
                    match number % 4 {
                        // Keys come into being by other commands, too.
                        0 => {
                            let own = format!("own:{index}:{number}");
                            client.call(&["RPUSH", &own, &item]);
                            client.call(&["LMOVE", &own, &queue, "LEFT", "RIGHT"]);
                        }
                        1 => {
                            client.pipeline(&["MULTI", &format!("RPUSH {queue} {item}"), "EXEC"]);
                        }
                        _ => {
                            client.call(&["LPUSH", &queue, &item]);
                        }
                    }
                }
            }
        });
        let taken = taken.into_inner();
        let items: BTreeSet<String> = taken
            .iter()
            .map(|item| match &item.items()[1] {
                list @ Value::Array(_) => list.items()[0].text(),
                item => item.text(),
            })
            .collect();
        assert_eq!((taken.len(), items.len()), (WAITERS * ROUNDS, WAITERS * ROUNDS));
        let left = server.client().call(&["EXISTS", "q:0", "q:1", "q:2"]);
        assert_eq!(left, Value::Int(0));
    });
}

/// Moves money between two accounts by WATCH, retrying until nobody came between.
fn transfer(client: &mut Client, from: &str, to: &str, amount: i64) {
    loop {
        client.call(&["WATCH", from, to]);
        let balances = client.call(&["MGET", from, to]).texts();
        let balances: Vec<i64> =
            balances.iter().map(|text| text.parse().expect("a balance")).collect();
        client.call(&["MULTI"]);
        client.call(&["SET", from, &(balances[0] - amount).to_string()]);
        client.call(&["SET", to, &(balances[1] + amount).to_string()]);
        if !client.call(&["EXEC"]).is_nil() {
            return;
        }
        thread::yield_now();
    }
}

#[test]
fn transfers_keep_the_sum_whoever_looks_on() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for account in 0..4 {
            client.call(&["SET", &format!("account:{account}"), "1000"]);
        }
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in 0..60 {
                let (from, to) = ((index + step) % 4, (index + step + 1 + step % 3) % 4);
                let accounts = (format!("account:{from}"), format!("account:{to}"));
                if index == 0 {
                    let reply = client.pipeline(&[
                        "MULTI",
                        "MGET account:0 account:1",
                        "MGET account:2 account:3",
                        "EXEC",
                    ]);
                    let halves = reply[3].items();
                    let texts = [halves[0].texts(), halves[1].texts()].concat();
                    let sum: i64 = texts.iter().map(|text| text.parse::<i64>().unwrap()).sum();
                    assert_eq!(sum, 4000);
                } else if from != to {
                    transfer(&mut client, &accounts.0, &accounts.1, 7);
                }
            }
        });
        let texts =
            client.call(&["MGET", "account:0", "account:1", "account:2", "account:3"]).texts();
        assert_eq!(texts.iter().map(|text| text.parse::<i64>().unwrap()).sum::<i64>(), 4000);
    });
}
