//! Racing clients: whatever runs at once on whichever worker, the outcome is that of some order.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::{Client, Server, Value, for_each_thread_count, in_threads, reference_lacks};

const CLIENTS: usize = 8;

#[test]
fn counters_end_exact() {
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |_| {
            let mut client = server.client();
            for _ in 0..500 {
                client.call(&["INCR", "one"]);
            }
            for _ in 0..20 {
                client.pipeline(&["INCRBY many 3", "DECR many"].repeat(25));
            }
            for _ in 0..200 {
                client.call(&["INCRBYFLOAT", "float", "0.5"]);
            }
        });
        let replies = server.client().call(&["MGET", "one", "many", "float"]).texts();
        assert_eq!(replies, ["4000", "8000", "800"]);
    });
}

#[test]
fn long_pipelines_end_exact_and_wait_for_nobody_for_ever() {
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for round in 0..40 {
                // Counters of all clients in different orders, keys that expire while they are read,
                // waiters, and commands that need several shards.
                let mut lines = Vec::new();
                for step in 0..40 {
                    let number = if index % 2 == 0 { step % 10 } else { 9 - step % 10 };
                    lines.push(format!("INCR count:{number}"));
                    lines.push(format!("SET brief:{number} x PX 1"));
                    lines.push(format!("GET brief:{}", 9 - number));
                    lines.push(format!("RPUSH list:{number} {round}"));
                }
                lines.insert(50, "MSET count:a 1 count:b 2 count:c 3".into());
                lines.insert(99, format!("BLMOVE list:{} list:{index} LEFT RIGHT 0.01", index + 1));
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                client.pipeline(&lines);
            }
        });
        let keys: Vec<String> = (0..10).map(|number| format!("count:{number}")).collect();
        let call: Vec<&str> = ["MGET"].into_iter().chain(keys.iter().map(String::as_str)).collect();
        let expected = (CLIENTS * 40 * 4).to_string();
        assert_eq!(server.client().call(&call).texts(), vec![expected; 10]);
    });
}

#[test]
fn every_value_of_a_getset_chain_is_seen_once() {
    for_each_thread_count(|server| {
        let seen = parking_lot::Mutex::new(Vec::new());
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            let mut own = Vec::new();
            for round in 0..300 {
                let value = format!("{index}-{round}");
                own.push(client.call(&["GETSET", "chain", &value]));
            }
            seen.lock().extend(own);
        });
        let mut seen = seen.into_inner();
        seen.push(server.client().call(&["GET", "chain"]));
        let first = seen.iter().filter(|value| value.is_nil()).count();
        let values: HashSet<String> =
            seen.iter().filter(|value| !value.is_nil()).map(Value::text).collect();
        assert_eq!((first, values.len(), seen.len()), (1, CLIENTS * 300, CLIENTS * 300 + 1));
    });
}

#[test]
fn a_lock_by_set_nx_is_held_by_one_at_a_time() {
    let has_delifeq = !reference_lacks("DELIFEQ");
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for round in 0..60 {
                let token = format!("{index}-{round}");
                while client.call(&["SET", "lock", &token, "NX", "PX", "60000"]).is_nil() {
                    thread::yield_now();
                }
                let count = client.call(&["GET", "guarded"]);
                let count: i64 = if count.is_nil() { 0 } else { count.text().parse().unwrap() };
                client.call(&["SET", "guarded", &(count + 1).to_string()]);
                if has_delifeq {
                    assert_eq!(client.call(&["DELIFEQ", "lock", "another"]), Value::Int(0));
                    assert_eq!(client.call(&["DELIFEQ", "lock", &token]), Value::Int(1));
                } else {
                    client.call(&["DEL", "lock"]);
                }
            }
        });
        assert_eq!(server.client().call(&["GET", "guarded"]).text(), "480");
    });
}

/// Runs `write` in some threads while `read` looks on until they are done.
fn while_written(
    server: &Server,
    write: impl Fn(&mut Client, usize) + Sync,
    read: impl Fn(&mut Client) + Sync,
) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|index| {
                let write = &write;
                scope.spawn(move || write(&mut server.client(), index))
            })
            .collect();
        scope.spawn(|| {
            let mut client = server.client();
            while !done.load(Ordering::Acquire) {
                read(&mut client);
            }
        });
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Release);
        assert!(results.iter().all(Result::is_ok), "a writer failed");
    });
}

#[test]
fn keys_written_together_are_read_together() {
    for_each_thread_count(|server| {
        let write = |client: &mut Client, index: usize| {
            for round in 0..500 {
                let value = format!("{index}-{round}");
                let order = if index.is_multiple_of(2) { ["a", "b"] } else { ["b", "a"] };
                client.call(&["MSET", order[0], &value, "c", &value, order[1], &value]);
            }
        };
        while_written(server, write, |client| {
            let values = client.call(&["MGET", "a", "b", "c"]);
            let values = values.items();
            assert!(values[0] == values[1] && values[1] == values[2], "torn: {values:?}");
        });
    });
}

#[test]
fn msetnx_of_overlapping_keys_lets_one_win() {
    for_each_thread_count(|server| {
        for round in 0..50 {
            let wins = std::sync::atomic::AtomicUsize::new(0);
            in_threads(4, |index| {
                let keys = [format!("x{round}"), format!("y{round}"), format!("z{round}")];
                let value = index.to_string();
                let (first, second) = (index % 3, (index + 1) % 3);
                let reply =
                    server.client().call(&["MSETNX", &keys[first], &value, &keys[second], &value]);
                wins.fetch_add(usize::try_from(reply.int()).unwrap(), Ordering::Relaxed);
            });
            assert_eq!(wins.into_inner(), 1, "any two of the pairs share a key");
        }
    });
}

#[test]
fn a_key_that_is_renamed_back_and_forth_is_always_in_one_place() {
    for_each_thread_count(|server| {
        server.client().call(&["SET", "here", "1"]);
        let write = |client: &mut Client, index: usize| {
            for _ in 0..500 {
                if index.is_multiple_of(2) {
                    client.call(&["RENAME", "here", "there"]);
                } else {
                    client.call(&["RENAME", "there", "here"]);
                }
            }
        };
        while_written(server, write, |client| {
            assert_eq!(client.call(&["EXISTS", "here", "there"]), Value::Int(1));
        });
    });
}

#[test]
fn append_from_many_loses_no_byte() {
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            let letter = char::from(b'a' + u8::try_from(index).unwrap()).to_string();
            for _ in 0..300 {
                client.call(&["APPEND", "text", &letter]);
            }
        });
        let text = server.client().call(&["GET", "text"]).text();
        for letter in 'a'..='h' {
            assert_eq!(text.chars().filter(|c| *c == letter).count(), 300);
        }
    });
}

/// Sets so many keys, `prefix:0` and on.
fn populate(client: &mut Client, prefix: &str, count: usize) {
    for number in 0..count {
        client.send(&["SET", &format!("{prefix}:{number}"), "1"]);
        if number % 500 == 499 {
            (0..500).for_each(|_| assert_eq!(client.recv().text(), "OK"));
        }
    }
}

/// Iterates once over all keys; fails when the iteration does not end.
fn scan_all(client: &mut Client, options: &[&str]) -> Vec<String> {
    let mut cursor = "0".to_owned();
    let mut keys = Vec::new();
    for _ in 0..1_000_000 {
        let mut command = vec!["SCAN", cursor.as_str()];
        command.extend_from_slice(options);
        let reply = client.call(&command);
        keys.extend(reply.items()[1].texts());
        cursor = reply.items()[0].text();
        if cursor == "0" {
            return keys;
        }
    }
    panic!("the iteration does not end");
}

#[test]
fn a_scan_of_a_quiet_keyspace_sees_every_key_once() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        populate(&mut client, "key", 10_000);
        for options in [&[] as &[&str], &["COUNT", "1"], &["COUNT", "777"], &["MATCH", "key:*"]] {
            let keys = scan_all(&mut client, options);
            assert_eq!(keys.len(), 10_000);
            assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len(), 10_000);
        }
        assert_eq!(scan_all(&mut client, &["MATCH", "key:12?"]).len(), 10);
        assert_eq!(scan_all(&mut client, &["TYPE", "hash"]).len(), 0);
    });
}

#[test]
fn a_scan_sees_every_key_that_was_there_throughout() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        populate(&mut client, "stays", 3_000);
        let write = |client: &mut Client, index: usize| {
            for round in 0..40 {
                // Up to some thousands at once, so that tables grow and shrink under the iteration.
                for number in 0..500 {
                    client.send(&["SET", &format!("comes{index}-{round}-{number}"), "1"]);
                }
                for _ in 0..500 {
                    client.recv();
                }
                if round % 5 == 4 {
                    for number in 0..500 {
                        for old in round - 4..=round {
                            client.send(&["DEL", &format!("comes{index}-{old}-{number}")]);
                        }
                    }
                    for _ in 0..2_500 {
                        client.recv();
                    }
                }
            }
        };
        while_written(server, write, |client| {
            let keys = scan_all(client, &["COUNT", "50"]);
            let stays: HashSet<&String> =
                keys.iter().filter(|key| key.starts_with("stays:")).collect();
            assert_eq!(stays.len(), 3_000);
        });
    });
}

#[test]
fn flushall_among_writers_leaves_what_came_after_it() {
    for_each_thread_count(|server| {
        let write = |client: &mut Client, index: usize| {
            for round in 0..400 {
                if index == 0 && round % 20 == 0 {
                    assert_eq!(client.call(&["FLUSHALL"]).text(), "OK");
                }
                let key = format!("k{index}-{round}");
                assert_eq!(client.call(&["SET", &key, "1"]).text(), "OK");
            }
        };
        while_written(server, write, |client| {
            assert!(!client.call(&["DBSIZE"]).is_error());
        });
        let mut client = server.client();
        let count = client.call(&["DBSIZE"]).int();
        let keys = client.call(&["KEYS", "*"]).texts();
        assert_eq!(i64::try_from(keys.len()).unwrap(), count);
        client.call(&["FLUSHALL"]);
        assert_eq!(client.call(&["DBSIZE"]), Value::Int(0));
        assert!(client.call(&["KEYS", "*"]).items().is_empty());
    });
}

#[test]
fn swapdb_shows_readers_one_database_or_the_other() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.transcript("MSET a zero b zero\nSELECT 1\nMSET a one b one");
        let write = |client: &mut Client, index: usize| {
            if index == 0 {
                for _ in 0..400 {
                    assert_eq!(client.call(&["SWAPDB", "0", "1"]).text(), "OK");
                }
            } else {
                for round in 0..400 {
                    client.call(&["SET", &format!("w{index}-{round}"), "1"]);
                }
            }
        };
        while_written(server, write, |client| {
            let values = client.call(&["MGET", "a", "b"]).texts();
            assert_eq!(values[0], values[1]);
        });
        client.transcript("SELECT 0\nMGET a b => [\"zero\", \"zero\"]");
        let first = client.call(&["DBSIZE"]).int();
        client.call(&["SELECT", "1"]);
        assert_eq!(first + client.call(&["DBSIZE"]).int(), 4 + 3 * 400);
    });
}

#[test]
fn connections_that_come_and_go_disturb_nobody() {
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            for round in 0..100 {
                let mut client = server.client();
                match (index + round) % 4 {
                    0 => drop(client.call(&["INCR", "n"])),
                    1 => client.send(&["INCR", "ignored"]),
                    2 => client.send_raw("*2\r\n$4\r\nINCR\r\n$7\r\nnev"),
                    _ => drop(client.pipeline(&["INCR n", "QUIT"])),
                }
            }
        });
        let mut client = server.client();
        assert_eq!(client.call(&["GET", "n"]).text(), "400");
        assert_eq!(client.call(&["EXISTS", "never"]), Value::Int(0));
    });
}
