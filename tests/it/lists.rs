//! Lists: what racing and waiting clients can rely on, on however many workers.

use std::collections::BTreeSet;

use crate::support::{Client, Server, for_each_thread_count, in_threads, is_reference, wait_until};

/// Sends a command that is to wait, and returns once it does.
fn send_waiting(server: &Server, looker: &mut Client, line: &str, waiting: i64) -> Client {
    let mut client = server.client();
    client.send(&line.split(' ').collect::<Vec<_>>());
    wait_until("the client waits", || looker.info_int("blocked_clients") == waiting);
    client
}

#[test]
fn moves_between_lists_lose_and_double_nothing() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for index in 0..500 {
            client.line(&format!("RPUSH a element:{index}"));
        }
        in_threads(8, |index| {
            let mut client = server.client();
            let lines = if index % 2 == 0 {
                ["LMOVE a b LEFT RIGHT", "RPOPLPUSH b b", "LMOVE b a RIGHT LEFT"]
            } else {
                ["LMOVE b a LEFT RIGHT", "LMOVE a a LEFT RIGHT", "BLMOVE a b LEFT LEFT 0.01"]
            };
            for _ in 0..100 {
                client.pipeline(&lines);
            }
        });
        let mut all = client.line("LRANGE a 0 -1").texts();
        all.extend(client.line("LRANGE b 0 -1").texts());
        let different: BTreeSet<&String> = all.iter().collect();
        assert_eq!((all.len(), different.len()), (500, 500));
    });
}

#[test]
fn every_pushed_element_is_popped_once_by_those_who_wait() {
    for_each_thread_count(|server| {
        let taken = parking_lot::Mutex::new(Vec::new());
        in_threads(8, |index| {
            let mut client = server.client();
            for round in 0..200 {
                if index % 2 == 0 {
                    client.line(&format!("RPUSH queue:{} {index}-{round}", round % 3));
                } else {
                    let popped = client.line("BLPOP queue:0 queue:1 queue:2 20");
                    taken.lock().push(popped.texts()[1].clone());
                }
            }
        });
        let taken = taken.into_inner();
        let different: BTreeSet<&String> = taken.iter().collect();
        assert_eq!((taken.len(), different.len()), (800, 800));
        assert_eq!(server.client().line("EXISTS queue:0 queue:1 queue:2").int(), 0);
    });
}

#[test]
fn who_waits_is_served_in_the_order_of_arrival() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut waiting: Vec<Client> = (1..=6)
            .map(|count| send_waiting(server, &mut client, "BLPOP other queue 0", count))
            .collect();
        client.line("RPUSH queue 0 1 2 3 4 5 6");
        for (index, waiter) in waiting.iter_mut().enumerate() {
            assert_eq!(waiter.recv().texts(), ["queue".to_owned(), index.to_string()]);
        }
        assert_eq!(client.line("LRANGE queue 0 -1").texts(), ["6"]);
        assert_eq!(client.info_int("blocked_clients"), 0);
    });
}

#[test]
fn a_list_that_appears_by_any_command_is_served() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut waiter = send_waiting(server, &mut client, "BRPOP there 0", 1);
        client.line("RPUSH here 1 2");
        client.line("RENAME here there");
        assert_eq!(waiter.recv().texts(), ["there", "2"]);
        let mut waiter = send_waiting(server, &mut client, "BLMPOP 0 1 copied RIGHT COUNT 9", 1);
        client.line("COPY there copied");
        let reply = waiter.recv();
        assert_eq!(reply.items()[1].texts(), ["1"]);
    });
}

#[test]
fn who_waits_for_several_keys_that_come_at_once_gets_the_one_named_first() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let pushes = ["MULTI", "RPUSH b 1", "ZADD z 1 b", "RPUSH a 2", "EXEC"];
        let mut waiter = send_waiting(server, &mut client, "BLPOP a b 0", 1);
        pushes.iter().for_each(|line| drop(client.line(line)));
        assert_eq!(waiter.recv().texts(), ["a", "2"]);
        assert_eq!(client.line("LRANGE b 0 -1").texts(), ["1"]);
        let mut waiter = send_waiting(server, &mut client, "BLMPOP 0 2 c d LEFT", 1);
        let script = "redis.call('rpush', 'd', 1) redis.call('rpush', 'c', 2)";
        client.call(&["EVAL", script, "0"]);
        assert_eq!(waiter.recv().items()[0].text(), "c");
        assert_eq!(client.line("LRANGE d 0 -1").texts(), ["1"]);
    });
}

#[test]
fn a_key_of_another_type_lets_clients_go_on_waiting() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut waiter = send_waiting(server, &mut client, "BLPOP list 0", 1);
        client.line("SET list text");
        client.line("DEL list");
        client.line("RPUSH list 1");
        assert_eq!(waiter.recv().texts(), ["list", "1"]);
        client.line("SET full text");
        let mut refused = send_waiting(server, &mut client, "BLMOVE list full LEFT LEFT 0", 1);
        let mut served = send_waiting(server, &mut client, "BLMOVE list free LEFT LEFT 0", 2);
        client.line("RPUSH list 2");
        assert!(refused.recv().error().starts_with("WRONGTYPE"));
        assert_eq!(served.recv().text(), "2");
    });
}

#[test]
fn a_key_of_another_type_before_the_one_that_is_ready_is_an_error() {
    // The reference may be older than the version that began to do so.
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.line("RPUSH source x");
        for (wait, wrong, ready, is_refused) in [
            ("BLPOP {a} {b} 0", "SET {a} x", "RPUSH {b} 1", true),
            ("BLPOP {b} {a} 0", "SET {a} x", "RPUSH {b} 1", false),
            ("BLMPOP 0 2 {a} {b} LEFT", "SADD {a} x", "RPUSH {b} 1", true),
            ("BZPOPMIN {a} {b} 0", "RPUSH {a} x", "ZADD {b} 1 x", true),
            ("BZMPOP 0 2 {b} {a} MIN", "RPUSH {a} x", "ZADD {b} 1 x", false),
            ("XREAD BLOCK 0 STREAMS {a} {b} $ $", "COPY source {a}", "XADD {b} 1-1 f v", true),
            ("XREAD BLOCK 0 STREAMS {b} {a} $ $", "COPY source {a}", "XADD {b} 1-1 f v", true),
        ] {
            for is_transaction in [false, true] {
                // Of other shards each time, and of the same one.
                for (a, b) in [("a", "b"), ("{x}a", "{x}b"), ("c", "d")] {
                    let line = |text: &str| text.replace("{a}", a).replace("{b}", b);
                    let mut waiter = send_waiting(server, &mut client, &line(wait), 1);
                    let mut lines = vec![line(wrong), line(ready)];
                    if is_transaction {
                        lines = [vec!["MULTI".into()], lines, vec!["EXEC".into()]].concat();
                    }
                    lines.iter().for_each(|line| assert!(!client.line(line).is_error(), "{line}"));
                    let reply = waiter.recv();
                    assert_eq!(reply.is_error(), is_refused, "{wait} {lines:?} {reply:?}");
                    client.call(&["DEL", a, b]);
                }
            }
        }
    });
}

#[test]
fn what_moves_on_serves_the_next_in_line() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut first = send_waiting(server, &mut client, "BLMOVE a b LEFT RIGHT 0", 1);
        let mut second = send_waiting(server, &mut client, "BRPOPLPUSH b c 0", 2);
        let mut third = send_waiting(server, &mut client, "BLPOP c 0", 3);
        client.line("RPUSH a 1");
        assert_eq!(first.recv().text(), "1");
        assert_eq!(second.recv().text(), "1");
        assert_eq!(third.recv().texts(), ["c", "1"]);
        assert_eq!(client.line("EXISTS a b c").int(), 0);
    });
}

#[test]
fn a_wait_in_vain_ends_with_nothing() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for line in ["BLPOP none 0.01", "BLMPOP 0.01 1 none LEFT", "BLMOVE none b LEFT LEFT 0.01"] {
            assert!(client.line(line).is_nil(), "{line}");
        }
        let mut waiter = send_waiting(server, &mut client, "BLPOP none 0", 1);
        waiter.half_close();
        wait_until("the wait ends with its client", || client.info_int("blocked_clients") == 0);
        client.line("RPUSH none 1");
        assert_eq!(client.line("LLEN none").int(), 1);
    });
}

#[test]
fn who_was_served_after_a_wait_costs_nothing_and_is_forgotten_when_he_goes() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut waiters: Vec<Client> = (0..4)
            .map(|count| send_waiting(server, &mut client, "BLPOP queue 0", count + 1))
            .collect();
        client.line("RPUSH queue a b c d");
        waiters.iter_mut().for_each(|waiter| assert_eq!(waiter.recv().texts()[0], "queue"));
        let before = client.info_int("eventloop_cycles");
        // Workers look at their connections ten times a second, one that turns in vain 10,000 times.
        assert!(client.line("BLPOP none 0.2").is_nil());
        assert!(client.info_int("eventloop_cycles") - before < 1000);
        drop(waiters);
        wait_until("all are forgotten", || client.info_int("connected_clients") == 1);
    });
}
