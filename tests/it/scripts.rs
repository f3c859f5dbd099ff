//! Scripts over sockets: what races with them, and what becomes of others while one takes long.

use std::thread;

use crate::support::{
    Client, Server, for_each_thread_count, for_each_thread_count_with, in_threads, is_reference,
    wait_until,
};

const CLIENTS: usize = 8;
const ENDLESS: &str = "while true do end";
const SOON_SLOW: &[(&str, &str)] = &[("busy-reply-threshold", "20")];
const BUSY: &str =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";

#[test]
fn a_script_that_reads_changes_and_writes_ends_exact() {
    const SCRIPT: &str = "local value = tonumber(redis.call('GET', KEYS[1]) or 0) \
                          redis.call('SET', KEYS[1], value + 1) return value + 1";
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in 0..200 {
                let own = format!("count:{}", (index + step) % 3);
                client.call(&["EVAL", SCRIPT, "1", &own]);
                if step % 10 == 0 {
                    client.pipeline(&["MULTI", "INCR all", "INCR all2", "EXEC"]);
                }
            }
        });
        let counts = server.client().line("MGET count:0 count:1 count:2 all all2").texts();
        let numbers: Vec<u64> = counts.iter().map(|text| text.parse().expect("a number")).collect();
        assert_eq!(numbers[..3].iter().sum::<u64>(), 200 * CLIENTS as u64);
        assert_eq!(numbers[3..], [20 * CLIENTS as u64; 2]);
    });
}

#[test]
fn keys_that_are_not_declared_are_as_safe_as_those_that_are() {
    // Moves one unit from the first key to the second; every other client declares only one of them.
    const SCRIPT: &str = "local from, to = KEYS[1], ARGV[1] \
        redis.call('INCRBY', from, -1) if ARGV[2] == 'x' then redis.call('GET', from) end \
        redis.call('INCRBY', to, 1) return redis.call('MGET', from, to)";
    const SUM: &str = "local sum = 0 for i = 0, 9 do \
        sum = sum + (redis.call('GET', 'account:' .. i) or 0) end return sum";
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in 0..150 {
                let from = format!("account:{}", (index + step) % 10);
                let to = format!("account:{}", (index + 3 * step) % 10);
                // A text of its own is a script of its own: nobody knows yet which keys it uses.
                let own = format!("{SCRIPT} -- {index} {}", step / 10);
                match step % 3 {
                    0 => client.call(&["EVAL", SCRIPT, "2", &from, &to, &to]),
                    1 => {
                        let reply = client.call(&["EVAL", &own, "1", &from, &to]);
                        if reply.is_error() {
                            // Two new scripts met: this one took one unit and gave none.
                            client.call(&["INCRBY", &from, "1"])
                        } else {
                            reply
                        }
                    }
                    _ => client
                        .pipeline(&[
                            "MULTI",
                            &format!("INCRBY {from} -1"),
                            &format!("INCRBY {to} 1"),
                            "EXEC",
                        ])
                        .remove(3),
                };
                if step % 15 == 0 {
                    client.call(&["EVAL", SUM, "0"]);
                }
            }
        });
        assert_eq!(server.client().call(&["EVAL", SUM, "0"]).int(), 0);
    });
}

/// Starts a script that does not end, on a connection of its own, and waits until it is slow.
fn start_endless(server: &Server, arguments: &[&str]) -> Client {
    let mut busy = server.client();
    busy.send(arguments);
    wait_until("the script is slow", || server.log().contains("Slow script detected"));
    busy
}

fn kill(server: &Server, mut busy: Client) {
    assert_eq!(server.client().line("SCRIPT KILL").text(), "OK");
    assert!(busy.recv().error().contains("killed"), "it was ended");
    assert_eq!(
        server.client().line("SCRIPT KILL").error(),
        "NOTBUSY No scripts in execution right now."
    );
}

#[test]
fn an_endless_script_is_killed_and_others_are_told_that_it_runs() {
    for_each_thread_count_with(SOON_SLOW, |server| {
        let mut early = server.client();
        let busy = start_endless(server, &["EVAL", ENDLESS, "0"]);
        // It may want any key, so everybody hears of it, on connections old and new.
        for client in [&mut early, &mut server.client(), &mut server.client()] {
            assert_eq!(client.line("GET a").error(), BUSY);
            assert_eq!(client.pipeline(&["MULTI", "GET a", "EXEC"])[1].error(), BUSY);
        }
        kill(server, busy);
        assert_eq!(early.line("SET a 1").text(), "OK");
    });
}

#[test]
fn clients_of_other_shards_do_not_mind_a_script_with_declared_keys() {
    if is_reference() {
        return;
    }
    let server = Server::start(&[("threads", "4"), ("busy-reply-threshold", "20")]);
    let mut others: Vec<Client> = (0..8).map(|_| server.client()).collect();
    let busy = start_endless(&server, &["EVAL", ENDLESS, "1", "held"]);
    let mut answered_count = 0;
    for round in 0..50 {
        for client in &mut others {
            let reply = client.call(&["INCR", &format!("free:{round}")]);
            // Only those of the worker that runs the script are held up with it.
            answered_count += usize::from(!reply.is_error());
            assert_eq!(client.line("GET held").error(), BUSY);
            assert_eq!(client.line("MGET held b").error(), BUSY);
        }
    }
    assert!(answered_count >= 50 * 4, "{answered_count}");
    kill(&server, busy);
    assert_eq!(others[0].line("SET held 1").text(), "OK");
}

#[test]
fn walks_over_all_keys_do_not_wait_for_a_slow_script() {
    if is_reference() {
        return;
    }
    let server = Server::start(&[("threads", "4"), ("busy-reply-threshold", "20")]);
    let mut others: Vec<Client> = (0..8).map(|_| server.client()).collect();
    for number in 0..500 {
        others[0].call(&["SET", &format!("free:{number}"), "1", "EX", "1000"]);
    }
    others[0].line("SET held 1");
    let busy = start_endless(&server, &["EVAL", ENDLESS, "1", "held"]);
    for client in &mut others {
        assert_eq!(client.line("KEYS *").error(), BUSY);
        assert_eq!(client.line("KEYS held").error(), BUSY);
        assert_eq!(client.line("SCAN 0 COUNT 1000000").error(), BUSY);
    }
    let mut fields = 0;
    for client in &mut others {
        let reply = client.line("INFO keyspace");
        fields += usize::from(!reply.is_error() && reply.text().contains("db0:keys=501"));
    }
    assert!(fields >= 4, "only clients of the script's own worker read BUSY: {fields}");
    kill(&server, busy);
    assert_eq!(others[0].line("KEYS held").items().len(), 1);
    let last = others[0].line("SCAN 0 COUNT 1000000");
    assert_eq!(last.items()[1].items().len(), 501);
}

#[test]
fn readers_do_not_mind_a_script_that_only_reads_the_same_key() {
    if is_reference() {
        return;
    }
    let server = Server::start(&[("threads", "4"), ("busy-reply-threshold", "20")]);
    let mut others: Vec<Client> = (0..8).map(|_| server.client()).collect();
    others[0].line("SET held 1");
    for script in ["EVAL_RO", "EVAL"] {
        let text = format!("#!lua flags=no-writes\n{ENDLESS}");
        let busy = start_endless(&server, &[script, &text, "1", "held"]);
        wait_until("it holds its key", || others[0].line("SET held 1").is_error());
        // Only those of the worker that runs the script are held up with it.
        let read = others.iter_mut().map(|client| client.line("GET held"));
        assert!(read.filter(|reply| !reply.is_error()).count() >= 4);
        for client in &mut others {
            assert_eq!(client.line("SET held 2").error(), BUSY);
        }
        kill(&server, busy);
        assert_eq!(others[0].line("GET held").text(), "1");
    }
}

#[test]
fn whoever_waits_when_a_script_becomes_slow_is_told() {
    for_each_thread_count_with(&[("busy-reply-threshold", "200")], |server| {
        let mut busy = server.client();
        busy.send(&["EVAL", ENDLESS, "1", "held"]);
        in_threads(4, |index| {
            let lines = ["GET held", "MSET held 1 b 2", "FLUSHALL", "EVAL"];
            let mut client = server.client();
            // The first of them may come before the script.
            let reply = loop {
                let reply = match index {
                    3 => client.call(&["EVAL", "return redis.call('SET', 'held', 1)", "0"]),
                    _ => client.line(lines[index]),
                };
                if reply.is_error() {
                    break reply;
                }
            };
            assert_eq!(reply.error(), BUSY, "{}", lines[index]);
        });
        kill(server, busy);
    });
}

#[test]
fn a_script_that_has_written_cannot_be_killed() {
    const WRITES: &str = "redis.call('SET', KEYS[1], 1) while redis.call('TIME')[1] do end";
    for thread_count in ["1", "4"] {
        let mut server =
            Server::start(&[("threads", thread_count), ("busy-reply-threshold", "20")]);
        let _busy = start_endless(&server, &["EVAL", WRITES, "1", "a"]);
        let mut client = server.client();
        assert!(
            client.line("SCRIPT KILL").error().starts_with("UNKILLABLE Sorry the script already")
        );
        assert_eq!(client.line("SHUTDOWN SAVE").error(), BUSY);
        client.send(&["SHUTDOWN", "NOSAVE"]);
        assert!(server.wait_for_end().success());
    }
}

#[test]
fn a_connection_that_goes_while_its_script_runs_is_forgotten() {
    for_each_thread_count_with(SOON_SLOW, |server| {
        drop(start_endless(server, &["EVAL", ENDLESS, "0"]));
        let mut client = server.client();
        assert_eq!(client.line("PING").error(), BUSY);
        assert_eq!(client.line("SCRIPT KILL").text(), "OK");
        wait_until("the connection is closed", || {
            let reply = client.line("INFO clients");
            !reply.is_error() && reply.text().contains("connected_clients:1\r\n")
        });
    });
}

#[test]
fn a_pipeline_goes_on_behind_a_script_that_was_killed() {
    for_each_thread_count_with(SOON_SLOW, |server| {
        let mut client = server.client();
        let killer = thread::scope(|scope| {
            let killer = scope.spawn(|| {
                let mut killer = server.client();
                wait_until("the script can be killed", || !killer.line("SCRIPT KILL").is_error());
            });
            client.send(&["SET", "a", "1"]);
            client.send(&["EVAL", ENDLESS, "1", "a"]);
            client.send(&["INCR", "a"]);
            assert_eq!(client.recv().text(), "OK");
            assert!(client.recv().is_error());
            assert_eq!(client.recv().int(), 2);
            killer.join()
        });
        killer.expect("the killer is through");
    });
}
