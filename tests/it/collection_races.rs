//! Racing clients on collections, waiting clients and transactions: nothing is lost, nothing doubled.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
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

#[test]
fn members_that_move_between_sets_are_in_one_of_them() {
    const MEMBERS: usize = 40;
    for_each_thread_count(|server| {
        let mut client = server.client();
        for number in 0..MEMBERS {
            client.call(&["SADD", &format!("set:{}", number % 2), &number.to_string()]);
        }
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in 0..300 {
                if index == 0 {
                    let replies = client.pipeline(&[
                        "MULTI",
                        "SCARD set:0",
                        "SCARD set:1",
                        "SINTERCARD 2 set:0 set:1",
                        "EXEC",
                    ]);
                    let counts: Vec<i64> = replies[4].items().iter().map(Value::int).collect();
                    assert_eq!((counts[0] + counts[1], counts[2]), (MEMBERS as i64, 0));
                    continue;
                }
                let (from, to) =
                    if step % 2 == 0 { ("set:0", "set:1") } else { ("set:1", "set:0") };
                let member = ((index * 7 + step * 3) % MEMBERS).to_string();
                client.call(&["SMOVE", from, to, &member]);
            }
        });
        let union = client.line("SUNION set:0 set:1").items().len();
        assert_eq!(union, MEMBERS);
    });
}

#[test]
fn every_scored_member_is_popped_once() {
    const ROUNDS: usize = 100;
    for_each_thread_count(|server| {
        let taken = parking_lot::Mutex::new(Vec::new());
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for round in 0..ROUNDS {
                if index % 2 == 0 {
                    let member = (index * ROUNDS + round).to_string();
                    assert_eq!(client.call(&["ZADD", "board", &member, &member]).int(), 1);
                    continue;
                }
                let reply = match round % 3 {
                    0 => client.line("BZPOPMIN board 0"),
                    1 => client.line("BZMPOP 0 1 board MIN"),
                    _ => client.line("BZPOPMIN none board 0"),
                };
                let member = match &reply.items()[1] {
                    Value::Array(pairs) => pairs[0].items()[0].text(),
                    member => member.text(),
                };
                taken.lock().push(member);
            }
        });
        let taken = taken.into_inner();
        let distinct: BTreeSet<&String> = taken.iter().collect();
        assert_eq!((taken.len(), distinct.len()), (CLIENTS / 2 * ROUNDS, CLIENTS / 2 * ROUNDS));
        assert_eq!(server.client().line("EXISTS board"), Value::Int(0));
    });
}

#[test]
fn entries_of_a_stream_reach_one_consumer_of_a_group_each() {
    const ENTRIES: usize = 150;
    for_each_thread_count(|server| {
        server.client().line("XGROUP CREATE jobs group $ MKSTREAM");
        let producers_left = AtomicUsize::new(CLIENTS / 2);
        let added = parking_lot::Mutex::new(BTreeSet::new());
        let taken = parking_lot::Mutex::new(Vec::new());
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            if index % 2 == 0 {
                let mut last = (0, 0);
                for _ in 0..ENTRIES {
                    let id = client.line("XADD jobs * field value").text();
                    let (ms, number) = id.split_once('-').expect("an id has two parts");
                    let parts: (u64, u64) = (ms.parse().unwrap(), number.parse().unwrap());
                    assert!(parts > last, "ids grow");
                    last = parts;
                    added.lock().insert(id);
                }
                producers_left.fetch_sub(1, Ordering::SeqCst);
                return;
            }
            let read = format!("XREADGROUP GROUP group c{index} COUNT 3 BLOCK 20 STREAMS jobs >");
            loop {
                let is_last = producers_left.load(Ordering::SeqCst) == 0;
                let reply = client.line(&read);
                match (reply.is_nil(), is_last) {
                    (true, true) => return,
                    (true, false) => continue,
                    (false, _) => {}
                }
                for entry in reply.items()[0].items()[1].items() {
                    let id = entry.items()[0].text();
                    assert_eq!(client.call(&["XACK", "jobs", "group", &id]).int(), 1);
                    taken.lock().push(id);
                }
            }
        });
        let (added, mut taken) = (added.into_inner(), taken.into_inner());
        taken.sort_unstable();
        let mut expected: Vec<String> = added.into_iter().collect();
        expected.sort_unstable();
        assert_eq!(taken, expected);
        let mut client = server.client();
        assert_eq!(client.line("XPENDING jobs group").items()[0], Value::Int(0));
        assert_eq!(client.line("XLEN jobs").int(), (CLIENTS / 2 * ENTRIES) as i64);
    });
}

#[test]
fn one_push_of_many_serves_those_who_wait_in_order() {
    const WAITERS: usize = 8;
    for_each_thread_count(|server| {
        let mut client = server.client();
        let waits =
            ["BLPOP jobs 0", "BLMOVE jobs done LEFT RIGHT 0", "BLMPOP 0 1 jobs LEFT COUNT 1"];
        let mut waiters: Vec<Client> = Vec::new();
        for count in 1..=WAITERS {
            let mut waiter = server.client();
            waiter.send(&crate::support::words(waits[count % 3]));
            wait_for_waiters(server, count as i64);
            waiters.push(waiter);
        }
        let length = client.line("RPUSH jobs 0 1 2 3 4 5 6 7 8 9").int();
        assert_eq!(length, 10, "all were there for a moment");
        for (number, waiter) in waiters.iter_mut().enumerate() {
            let reply = waiter.recv();
            let item = match &reply {
                Value::Array(items) => match &items[1] {
                    Value::Array(popped) => popped[0].text(),
                    item => item.text(),
                },
                item => item.text(),
            };
            assert_eq!(item, number.to_string());
        }
        assert_eq!(client.line("LRANGE jobs 0 -1").texts(), ["8", "9"]);
    });
}

#[test]
fn nothing_is_lost_between_clients_that_give_up() {
    const ITEMS: usize = 300;
    for_each_thread_count(|server| {
        let taken = parking_lot::Mutex::new(Vec::new());
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            if index == 0 {
                for number in 0..ITEMS {
                    client.call(&["RPUSH", "jobs", &number.to_string()]);
                }
                return;
            }
            for step in 0..ITEMS / 4 {
                // Nobody waits longer than the next item takes to come.
                let reply = match step % 3 {
                    0 => client.line("BLPOP jobs 0.001"),
                    1 => client.line("BRPOP none jobs 0.001"),
                    _ => client.line("BLMOVE jobs moved LEFT RIGHT 0.001"),
                };
                if step % 3 < 2 && !reply.is_nil() {
                    taken.lock().push(reply.items()[1].text());
                }
            }
        });
        let mut client = server.client();
        let mut all = taken.into_inner();
        all.extend(client.line("LRANGE jobs 0 -1").texts());
        all.extend(client.line("LRANGE moved 0 -1").texts());
        all.sort_by_key(|text| text.parse::<u32>().unwrap());
        let expected: Vec<String> = (0..ITEMS).map(|number| number.to_string()).collect();
        assert_eq!(all, expected);
    });
}

#[test]
fn every_number_of_a_counter_is_handed_out_once() {
    const SCRIPT: &str = "return redis.call('INCR', KEYS[1])";
    const STEPS: usize = 200;
    for_each_thread_count(|server| {
        let seen = parking_lot::Mutex::new(Vec::new());
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in 0..STEPS {
                let number = match (index + step) % 4 {
                    0 => client.line("INCR ticket").int(),
                    1 => client.line("INCRBY ticket 1").int(),
                    2 => client.call(&["EVAL", SCRIPT, "1", "ticket"]).int(),
                    _ => client.pipeline(&["MULTI", "INCR ticket", "EXEC"])[2].items()[0].int(),
                };
                seen.lock().push(number);
            }
        });
        let mut seen = seen.into_inner();
        seen.sort_unstable();
        assert_eq!(seen, (1..=(CLIENTS * STEPS) as i64).collect::<Vec<_>>());
    });
}
