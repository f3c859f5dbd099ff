//! Scripts over sockets: what races with them, and what becomes of others while one takes long.

use std::thread;

use crate::support::{
    Client, Server, Value, for_each_thread_count, for_each_thread_count_with, in_threads,
    is_reference, wait_until,
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
                // A text of its own is a script of its own, that nobody has seen before.
                let own = format!("{SCRIPT} -- {index} {step}");
                let reply = match step % 4 {
                    0 => client.call(&["EVAL", SCRIPT, "2", &from, &to, &to]),
                    1 => client.call(&["EVAL", &own, "1", &from, &to]),
                    2 => {
                        client.line("MULTI");
                        client.call(&["INCRBY", &to, "0"]);
                        client.call(&["EVAL", &own, "1", &from, &to]);
                        client.line("EXEC").items()[1].clone()
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
                assert_eq!(reply.items().len(), 2, "{reply:?}");
                if step % 15 == 0 {
                    client.call(&["EVAL", SUM, "0"]);
                }
            }
        });
        assert_eq!(server.client().call(&["EVAL", SUM, "0"]).int(), 0);
    });
}

#[test]
fn scripts_that_want_the_keys_of_each_other_all_go_on_to_their_end() {
    // Writes where it may, then looks at everything, then writes where it has not said that it would.
    const SCRIPT: &str = "redis.call('INCR', KEYS[1]) if #redis.call('KEYS', 'none*') == 0 then \
        redis.call('DECR', KEYS[1]) end redis.call('RPUSH', KEYS[1] .. ':log', ARGV[1]) \
        redis.call('INCR', ARGV[1]) return redis.call('GET', KEYS[1])";
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            let (own, other) = (format!("own:{}", index % 2), format!("own:{}", (index + 1) % 2));
            for step in 0..60 {
                let text = format!("{SCRIPT} -- {}", step * 4 + index % 4);
                let reply = client.call(&["EVAL", &text, "1", &own, &other]);
                assert!(!reply.is_error(), "{reply:?}");
            }
        });
        let replies = server.client().pipeline(&["MGET own:0 own:1", "LLEN own:0:log"]);
        assert_eq!(replies[0].texts(), ["240", "240"]);
        assert_eq!(replies[1].int(), 240);
    });
}

#[test]
fn functions_that_nobody_knows_yet_may_use_keys_they_have_not_declared() {
    const COUNT: usize = 120;
    let mut text = "#!lua name=moves\nlocal count = 0\n".to_owned();
    for number in 0..COUNT {
        text += &format!(
            "redis.register_function('move{number}', function(keys, args) count = count + 1 \
             redis.call('INCRBY', keys[1], -1) redis.call('INCRBY', args[1], 1) \
             redis.call('INCR', 'calls') return count end)\n"
        );
    }
    for_each_thread_count(|server| {
        server.client().call(&["FUNCTION", "LOAD", &text]);
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in 0..COUNT {
                let keys = [0, 1].map(|it| format!("account:{}", (index + step * it + it) % 5));
                let name = format!("move{step}");
                let reply = client.call(&["FCALL", &name, "1", &keys[0], &keys[1]]);
                assert!(!reply.is_error(), "{reply:?}");
            }
        });
        let mut client = server.client();
        assert_eq!(client.line("GET calls").text(), (COUNT * CLIENTS).to_string());
        let balances =
            client.line("MGET account:0 account:1 account:2 account:3 account:4").texts();
        let sum: i64 = balances.iter().map(|it| it.parse::<i64>().expect("a balance")).sum();
        assert_eq!(sum, 0);
    });
}

#[test]
fn a_command_of_a_script_is_counted_once_whatever_keys_it_uses() {
    const SCRIPT: &str = "redis.call('GET', KEYS[1]) redis.call('INCR', KEYS[1]) \
        redis.call('GET', ARGV[1]) return redis.call('INCR', ARGV[1])";
    for_each_thread_count(|server| {
        let mut client = server.client();
        for step in 1..=3 {
            assert_eq!(client.call(&["EVAL", SCRIPT, "1", "a", "b"]).int(), step);
            let stats = client.line("INFO commandstats");
            for (name, per_run) in [("get", 2), ("incr", 2), ("eval", 1)] {
                let line = format!("cmdstat_{name}:calls={},", step * per_run);
                assert!(stats.text().contains(&line), "{line} {}", stats.text());
            }
        }
    });
}

#[test]
fn every_worker_gives_back_what_its_scripts_took_when_they_are_flushed() {
    for_each_thread_count(|server| {
        let mut clients: Vec<Client> = (0..CLIENTS).map(|_| server.client()).collect();
        let run = |clients: &mut [Client]| {
            clients.iter_mut().for_each(|client| {
                assert_eq!(
                    client.call(&["EVAL", "return redis.call('ECHO', 'x')", "0"]).text(),
                    "x"
                );
            });
        };
        run(&mut clients);
        let before = clients[0].info_int("used_memory_vm_eval");
        for number in 0..200 {
            let text = format!("local t = {{}} for i = 1, {number} do t[i] = i end return #t");
            assert_eq!(clients[number % CLIENTS].call(&["EVAL", &text, "0"]).int(), number as i64);
        }
        assert_eq!(clients[0].line("SCRIPT FLUSH").text(), "OK");
        wait_until("the memory is given back", || {
            clients[0].info_int("used_memory_vm_eval") < before / 2 || is_reference()
        });
        run(&mut clients);
        assert!(clients[0].info_int("used_memory_vm_eval") <= before + before / 2);
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
    for round in 0..20 {
        for client in &mut others {
            let reply = client.call(&["INCR", &format!("free:{round}")]);
            // One or two may be in the shard of the script's key.
            answered_count += usize::from(!reply.is_error());
            assert_eq!(client.line("GET held").error(), BUSY);
            assert_eq!(client.line("MGET held b").error(), BUSY);
        }
    }
    assert!(answered_count >= 18 * 8, "{answered_count}");
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
    for client in &mut others {
        assert!(client.line("INFO keyspace").text().contains("db0:keys=501"));
    }
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
        for client in &mut others {
            assert_eq!(client.line("GET held").text(), "1");
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
        in_threads(5, |index| {
            const HALF_DECLARED: &str =
                "redis.call('GET', KEYS[1]) pcall(redis.call, 'GET', 'held') return 1";
            let lines = ["GET held", "MSET held 1 b 2", "FLUSHALL", "EVAL", "EVAL"];
            let mut client = server.client();
            // The first of them may come before the script.
            let reply = loop {
                let reply = match index {
                    3 => client.call(&["EVAL", "return redis.call('SET', 'held', 1)", "0"]),
                    4 => client.call(&["EVAL", HALF_DECLARED, "1", "own"]),
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

/// Starts a script that does not end, then others that want a key they have not declared. One of these
/// waits until it is alone, all others are answered at once; returns all, which wait for replies.
fn start_one_that_waits(server: &Server, endless: &[&str], waiting: &str) -> (Client, Vec<Client>) {
    let busy = start_endless(server, endless);
    let mut clients: Vec<Client> = (0..12).map(|_| server.client()).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(&["EVAL", waiting, "1", &format!("own:{index}"), "other"]);
    }
    let slow_count = || server.log().matches("Slow script detected").count();
    wait_until("one that waits is slow, too", || slow_count() == 2);
    let is_answered = |client: &Client| {
        let socket = client.socket();
        socket.set_nonblocking(true).expect("a socket");
        let is_answered = socket.peek(&mut [0]).is_ok();
        socket.set_nonblocking(false).expect("a socket");
        is_answered
    };
    wait_until("all others are answered", || {
        clients.iter().filter(|client| is_answered(client)).count() == clients.len() - 1
    });
    assert_eq!(server.client().line("GET none").error(), BUSY);
    (busy, clients)
}

/// Receives the replies of those that were started; returns the one that is not about others.
fn receive_all(clients: Vec<Client>) -> Value {
    let replies = clients.into_iter().map(|mut client| client.recv());
    let mut own: Vec<Value> =
        replies.filter(|reply| !reply.is_error() || reply.error() != BUSY).collect();
    assert_eq!(own.len(), 1, "{own:?}");
    own.remove(0)
}

const WAITS_TELLING: &str = "redis.call('PUBLISH', 'c', KEYS[1]) return redis.call('GET', ARGV[1])";
const WAITS_WRITING: &str = "redis.call('INCR', KEYS[1]) return redis.call('INCR', ARGV[1])";
const WRITES: &str = "redis.call('SET', KEYS[1], 1) while redis.call('TIME')[1] do end";

#[test]
fn a_script_that_waits_for_a_slow_one_goes_on_when_that_is_killed() {
    if is_reference() {
        return;
    }
    let server = Server::start(&[("threads", "4"), ("busy-reply-threshold", "20")]);
    let endless = ["EVAL", ENDLESS, "1", "held"];
    let (mut busy, clients) = start_one_that_waits(&server, &endless, WAITS_WRITING);
    assert_eq!(server.client().line("SCRIPT KILL").text(), "OK");
    assert!(busy.recv().error().contains("killed"), "it was ended");
    assert_eq!(receive_all(clients).int(), 1);
    assert_eq!(server.client().line("GET other").text(), "1");
}

#[test]
fn a_script_that_waits_for_a_slow_one_can_be_killed_as_long_as_it_has_written_nothing() {
    if is_reference() {
        return;
    }
    let mut server = Server::start(&[("threads", "4"), ("busy-reply-threshold", "20")]);
    let (_busy, clients) =
        start_one_that_waits(&server, &["EVAL", WRITES, "1", "held"], WAITS_TELLING);
    let mut client = server.client();
    assert_eq!(client.line("SCRIPT KILL").text(), "OK");
    assert!(receive_all(clients).error().contains("killed"));
    // What it kept others from is free again; the other one runs on.
    wait_until("others run", || !client.line("GET none").is_error());
    assert_eq!(client.line("GET held").error(), BUSY);
    client.send(&["SHUTDOWN", "NOSAVE"]);
    assert!(server.wait_for_end().success());
}

#[test]
fn a_server_with_a_script_that_waits_for_one_that_never_ends_is_shut_down() {
    if is_reference() {
        return;
    }
    let mut server = Server::start(&[("threads", "4"), ("busy-reply-threshold", "20")]);
    let (_busy, _clients) =
        start_one_that_waits(&server, &["EVAL", WRITES, "1", "held"], WAITS_WRITING);
    let mut client = server.client();
    assert!(client.line("SCRIPT KILL").error().starts_with("UNKILLABLE"));
    client.send(&["SHUTDOWN", "NOSAVE"]);
    assert!(server.wait_for_end().success());
}

#[test]
fn a_script_that_has_written_cannot_be_killed() {
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
