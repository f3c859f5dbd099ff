//! What clients of a worker can do while that worker runs a script that takes long.

use crate::support::{
    Client, Server, Value, for_each_thread_count_with, in_threads, is_reference, wait_until,
};

/// So many that each of four workers has some of them.
const CLIENTS: usize = 8;
const SOON_SLOW: &[(&str, &str)] = &[("busy-reply-threshold", "20")];
const BUSY: &str =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";

/// A script that holds one key and does not end.
struct Endless<'s> {
    server: &'s Server,
    client: Client,
}

impl<'s> Endless<'s> {
    /// Starts it and waits until it is slow.
    fn start(server: &'s Server, command: &str, text: &str) -> Self {
        let count = || server.log().matches("Slow script detected").count();
        let before = count();
        let mut client = server.client();
        client.send(&[command, text, "1", "held"]);
        wait_until("the script is slow", || count() > before);
        Self { server, client }
    }

    fn kill(mut self) {
        assert_eq!(self.server.client().line("SCRIPT KILL").text(), "OK");
        assert!(self.client.recv().error().contains("killed"), "it was ended");
    }
}

fn clients(server: &Server) -> Vec<Client> {
    (0..CLIENTS).map(|_| server.client()).collect()
}

/// Returns names of keys that do not share a shard with the one that is held.
fn free_keys(client: &mut Client, count: usize) -> Vec<String> {
    let names = (0..count + 3).map(|number| format!("free:{number}"));
    let mut free: Vec<String> = names
        .filter(|name| {
            let reply = client.call(&["EXISTS", name]);
            assert!(!reply.is_error() || reply.error() == BUSY, "{reply:?}");
            !reply.is_error()
        })
        .collect();
    assert!(free.len() >= count, "nearly all of them are free: {free:?}");
    free.truncate(count);
    free
}

#[test]
fn keys_of_other_shards_are_served_by_the_worker_that_runs_a_script() {
    if is_reference() {
        return;
    }
    for_each_thread_count_with(SOON_SLOW, |server| {
        let mut all = clients(server);
        all[0].line("SET held 0");
        let script = Endless::start(server, "EVAL", "while true do end");
        let keys = free_keys(&mut all[0], 3);
        let [a, b, list] = [&keys[0], &keys[1], &keys[2]];
        for (index, client) in all.iter_mut().enumerate() {
            let count = index as i64 + 1;
            assert_eq!(client.call(&["INCR", a]).int(), count);
            assert_eq!(client.call(&["SET", b, "x"]).text(), "OK");
            assert_eq!(client.call(&["MGET", a, b]).texts(), [count.to_string(), "x".into()]);
            assert_eq!(client.call(&["RPUSH", list, "x"]).int(), count);
            let transaction = [
                "MULTI",
                &format!("INCRBY {b}:sum 2"),
                &format!("GET {a}"),
                "PUBLISH news x",
                "EXEC",
            ];
            let reply = client.pipeline(&transaction).remove(4);
            assert_eq!(reply.items()[1].text(), count.to_string());
            assert_eq!(client.line("PING").text(), "PONG");
            for line in [
                "GET held".into(),
                format!("MSET held 1 {a} 2"),
                format!("SUNIONSTORE {a} held"),
                "WATCH held".into(),
            ] {
                assert_eq!(client.line(&line).error(), BUSY, "{line}");
            }
            let refused = client.pipeline(&["MULTI", &format!("INCR {a}"), "GET held", "EXEC"]);
            assert_eq!(refused[3].error(), BUSY);
            assert_eq!(client.line("FLUSHALL").error(), BUSY);
            assert_eq!(client.line("KEYS *").error(), BUSY);
        }
        script.kill();
        assert_eq!(all[0].call(&["GET", a]).text(), CLIENTS.to_string());
        assert_eq!(all[0].call(&["GET", &format!("{b}:sum")]).text(), (2 * CLIENTS).to_string());
        assert_eq!(all[0].call(&["LLEN", list]).int(), CLIENTS as i64);
        assert_eq!(all[0].line("SET held 1").text(), "OK");
    });
}

#[test]
fn only_one_script_runs_on_a_worker() {
    if is_reference() {
        return;
    }
    const RUNS_NONE: &str = "return redis.call('INCR', KEYS[1])";
    let server = Server::start(&[("threads", "1"), ("busy-reply-threshold", "20")]);
    let mut client = server.client();
    assert!(
        !client
            .call(&[
                "FUNCTION",
                "LOAD",
                "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
            ])
            .is_error()
    );
    let script = Endless::start(&server, "EVAL", "while true do end");
    let key = free_keys(&mut client, 1).remove(0);
    assert_eq!(client.call(&["EVAL", RUNS_NONE, "1", &key]).error(), BUSY);
    assert_eq!(client.call(&["FCALL", "f", "1", &key]).error(), BUSY);
    assert_eq!(client.call(&["SCRIPT", "LOAD", "return 1"]).error(), BUSY);
    client.line("MULTI");
    assert_eq!(client.call(&["EVAL", RUNS_NONE, "1", &key]).error(), BUSY);
    assert!(client.line("EXEC").error().starts_with("EXECABORT"));
    assert!(client.call(&["GET", &key]).is_nil());
    script.kill();
    assert_eq!(client.call(&["EVAL", RUNS_NONE, "1", &key]).int(), 1);
}

#[test]
fn readers_share_the_key_of_a_script_that_only_reads_on_its_own_worker() {
    if is_reference() {
        return;
    }
    for_each_thread_count_with(SOON_SLOW, |server| {
        let mut all = clients(server);
        all[0].line("SET held x PX 300");
        let script = Endless::start(server, "EVAL_RO", "while true do end");
        // Whether its time is over or not: who sees that it is cannot remove it now.
        wait_until("its time is over", || {
            all.iter_mut().all(|client| {
                let reply = client.line("GET held");
                assert!(reply.is_nil() || reply.text() == "x");
                reply.is_nil()
            })
        });
        for client in &mut all {
            assert!(client.line("GET held").is_nil());
            assert_eq!(client.line("SET held y").error(), BUSY);
        }
        script.kill();
        wait_until("it is removed", || all[0].line("DBSIZE").int() == 0);
        assert_eq!(all[0].line("SET held y").text(), "OK");
    });
}

#[test]
fn letters_are_read_while_a_script_runs() {
    if is_reference() {
        return;
    }
    for_each_thread_count_with(SOON_SLOW, |server| {
        let mut all = clients(server);
        let mut victims = clients(server);
        let mut sleepers = clients(server);
        let ids = |clients: &mut [Client]| -> Vec<String> {
            clients.iter_mut().map(|it| it.line("CLIENT ID").int().to_string()).collect()
        };
        let (victim_ids, sleeper_ids) = (ids(&mut victims), ids(&mut sleepers));
        let mut trackers: Vec<Client> = (0..CLIENTS).map(|_| server.client_resp3()).collect();
        for (index, client) in trackers.iter_mut().enumerate() {
            assert_eq!(client.line("CLIENT TRACKING ON").text(), "OK");
            assert!(client.line(&format!("GET free:{index}")).is_nil());
        }
        let mut subscribers = clients(server);
        for client in &mut subscribers {
            client.line("SUBSCRIBE news");
        }
        let mut monitors = clients(server);
        for client in &mut monitors {
            assert_eq!(client.line("MONITOR").text(), "OK");
        }
        let script = Endless::start(server, "EVAL", "while true do end");
        for client in &mut all {
            assert_eq!(client.line("PUBLISH news hello").int(), CLIENTS as i64);
        }
        for client in &mut subscribers {
            for _ in 0..CLIENTS {
                assert_eq!(client.recv().texts(), ["message", "news", "hello"]);
            }
        }
        for id in &victim_ids {
            assert_eq!(all[0].call(&["CLIENT", "KILL", "ID", id]).int(), 1);
        }
        assert!(victims.iter_mut().all(Client::is_closed_by_server));
        let keys = free_keys(&mut all[0], 2 * CLIENTS);
        for (client, key) in sleepers.iter_mut().zip(&keys[CLIENTS..]) {
            client.send(&["BLPOP", key, "0"]);
        }
        wait_until("all of them wait", || {
            all[0].line("INFO clients").text().contains(&format!("blocked_clients:{CLIENTS}\r\n"))
        });
        let (pushed, unblocked) = sleepers.split_at_mut(CLIENTS / 2);
        for (number, client) in pushed.iter_mut().enumerate() {
            let key = &keys[CLIENTS + number];
            assert_eq!(all[number].call(&["RPUSH", key, "x"]).int(), 1);
            assert_eq!(client.recv().texts(), [key, "x"]);
        }
        for (id, client) in sleeper_ids[CLIENTS / 2..].iter().zip(unblocked) {
            assert_eq!(all[0].call(&["CLIENT", "UNBLOCK", id]).int(), 1);
            assert!(client.recv().is_nil());
        }
        // In vain, by the clock of the worker that is busy.
        for client in &mut all {
            assert!(client.call(&["BLPOP", &keys[0], "0.01"]).is_nil());
        }
        for (index, client) in trackers.iter_mut().enumerate() {
            let key = format!("free:{index}");
            if keys.contains(&key) {
                assert_eq!(all[index].call(&["SET", &key, "1"]).text(), "OK");
                let push = client.recv();
                assert_eq!(push.items()[0].text(), "invalidate");
                assert_eq!(push.items()[1].texts(), [key]);
            }
        }
        for client in &mut monitors {
            while !client.recv().text().contains("\"SET\" \"free:") {}
        }
        script.kill();
    });
}

#[test]
fn watched_keys_and_expiring_ones_are_minded_while_a_script_runs() {
    if is_reference() {
        return;
    }
    for_each_thread_count_with(SOON_SLOW, |server| {
        let mut all = clients(server);
        let script = Endless::start(server, "EVAL", "while true do end");
        let keys = free_keys(&mut all[0], 2);
        let mut other = server.client();
        for client in &mut all {
            assert_eq!(client.call(&["WATCH", &keys[0]]).text(), "OK");
            other.call(&["INCR", &keys[0]]);
            let lines = ["MULTI", &format!("SET {} 1", keys[1]), "EXEC"];
            assert!(client.pipeline(&lines)[2].is_nil());
            assert_eq!(client.call(&["WATCH", &keys[0]]).text(), "OK");
            assert_eq!(client.pipeline(&lines)[2].texts(), ["OK"]);
            assert_eq!(client.call(&["PEXPIRE", &keys[1], "1"]).int(), 1);
            wait_until("its time is over", || client.call(&["GET", &keys[1]]).is_nil());
        }
        script.kill();
        assert_eq!(all[0].call(&["GET", &keys[0]]).text(), CLIENTS.to_string());
        assert_eq!(all[0].call(&["EXISTS", &keys[1]]).int(), 0);
    });
}

#[test]
fn keys_are_evicted_for_others_while_a_script_runs() {
    if is_reference() {
        return;
    }
    let settings =
        [SOON_SLOW, &[("maxmemory", "20mb"), ("maxmemory-policy", "allkeys-lru")]].concat();
    for_each_thread_count_with(&settings, |server| {
        let mut all = clients(server);
        let script = Endless::start(server, "EVAL", "while true do end");
        let value = "x".repeat(100_000);
        let mut stored_count = 0;
        for number in 0..500 {
            let key = format!("large:{number}");
            let reply = all[number % CLIENTS].call(&["SET", &key, &value]);
            stored_count += usize::from(!reply.is_error());
            assert!(!reply.is_error() || reply.error() == BUSY, "{reply:?}");
        }
        assert!(stored_count >= 497, "{stored_count}");
        assert!(all[0].line("DBSIZE").int() < 300);
        script.kill();
    });
}

#[test]
fn who_waits_to_move_something_to_a_key_of_a_script_is_served_when_that_has_ended() {
    if is_reference() {
        return;
    }
    for_each_thread_count_with(SOON_SLOW, |server| {
        let mut all = clients(server);
        let mut waiting = server.client();
        waiting.send(&["BLMOVE", "free:0", "held", "LEFT", "RIGHT", "0"]);
        wait_until("it waits", || {
            all[0].line("INFO clients").text().contains("blocked_clients:1\r\n")
        });
        let script = Endless::start(server, "EVAL", "while true do end");
        // If the two keys share a shard, it can be pushed only later.
        let is_pushed = !all[0].line("RPUSH free:0 x").is_error();
        for client in &mut all {
            assert_eq!(client.line("GET held").error(), BUSY);
            assert_eq!(client.line("PING").text(), "PONG");
        }
        script.kill();
        if !is_pushed {
            all[0].line("RPUSH free:0 x");
        }
        assert_eq!(waiting.recv().text(), "x");
        assert_eq!(all[0].line("LRANGE held 0 -1").texts(), ["x"]);
    });
}

/// Ends as soon as there is a key.
const UNTIL_FILLED: &str =
    "while redis.call('DBSIZE') == 0 do end return redis.call('EXISTS', KEYS[1])";

#[test]
fn a_script_that_is_not_slow_yet_holds_up_only_who_wants_its_keys() {
    if is_reference() {
        return;
    }
    // Never slow: nobody reads BUSY.
    for_each_thread_count_with(&[("busy-reply-threshold", "0")], |server| {
        let mut busy = server.client();
        let mut waiting = clients(server);
        let mut watching = server.client();
        assert_eq!(watching.line("WATCH none").text(), "OK");
        let mut closing = server.client();
        busy.send(&["EVAL", UNTIL_FILLED, "2", "held", "appended"]);
        for (index, client) in waiting.iter_mut().enumerate() {
            match index % 4 {
                0 => client.send(&["GET", "held"]),
                1 => client.send_raw("MULTI\r\nINCR held:count\r\nEXISTS held\r\nEXEC\r\n"),
                2 => client.send_raw("GET held\r\n".repeat(20)),
                _ => client.send(&["EVAL", "return redis.call('GET', KEYS[1])", "1", "held"]),
            }
        }
        watching.send_raw("MULTI\r\nEXISTS held\r\nEXEC\r\n");
        closing.send(&["APPEND", "appended", "x"]);
        closing.half_close();
        // Workers with clients who want the key serve the others.
        for mut client in clients(server) {
            assert!(client.line("GET free").is_nil());
        }
        // The script ends only if this is run while it runs.
        assert_eq!(server.client().line("SET other 1").text(), "OK");
        assert_eq!(busy.recv(), Value::Int(0));
        for (index, client) in waiting.iter_mut().enumerate() {
            match index % 4 {
                1 => {
                    (0..3).for_each(|_| drop(client.recv()));
                    assert_eq!(client.recv().items()[1], Value::Int(0));
                }
                2 => (0..20).for_each(|_| assert!(client.recv().is_nil())),
                _ => assert!(client.recv().is_nil()),
            }
        }
        let replies = (0..3).map(|_| watching.recv());
        assert_eq!(replies.last(), Some(Value::Array(vec![Value::Int(0)])));
        assert_eq!(closing.recv(), Value::Int(1));
        let transactions = (CLIENTS / 4).to_string();
        assert_eq!(server.client().line("GET held:count").text(), transactions);
        assert_eq!(server.client().line("FLUSHALL").text(), "OK");
    });
}

#[test]
fn others_are_served_between_commands_of_a_script_that_take_long() {
    if is_reference() {
        return;
    }
    const ELEMENTS: usize = 50_000;
    let server = Server::start(&[("threads", "1"), ("busy-reply-threshold", "0")]);
    let mut client = server.client();
    let elements: Vec<String> = (0..ELEMENTS).map(|number| number.to_string()).collect();
    let push: Vec<&str> =
        ["RPUSH", "held"].into_iter().chain(elements.iter().map(String::as_str)).collect();
    assert_eq!(client.call(&push).int(), ELEMENTS as i64);
    let mut busy = server.client();
    let text = "repeat redis.call('LRANGE', KEYS[1], 0, -1) until redis.call('DBSIZE') > 1";
    busy.send(&["EVAL", text, "1", "held"]);
    assert_eq!(client.line("PING").text(), "PONG");
    assert_eq!(client.line("SET other 1").text(), "OK");
    assert!(busy.recv().is_nil());
}

#[test]
fn who_wants_everything_while_a_script_runs_holds_up_nobody() {
    if is_reference() {
        return;
    }
    const DECLARES_NONE: &str = "return redis.call('GET', 'a' .. ARGV[1])";
    for_each_thread_count_with(&[("busy-reply-threshold", "0")], |server| {
        let mut busy = server.client();
        busy.line("SELECT 1");
        // The script ends with the next key of this database.
        busy.line("SET held 1");
        busy.line("RPUSH numbers d");
        busy.send(&["EVAL", &UNTIL_FILLED.replace("== 0", "== 2"), "1", "held"]);
        let lines: &[&[&str]] = &[
            &["KEYS", "*"],
            &["SCAN", "0", "COUNT", "100000"],
            &["RANDOMKEY"],
            &["KEYS", "held"],
            &["FLUSHDB"],
            &["EVAL", DECLARES_NONE, "0", "b"],
            &["SORT", "numbers", "BY", "hel*", "GET", "held"],
            &["DEBUG", "DIGEST"],
            &["SWAPDB", "2", "3"],
        ];
        let mut waiting: Vec<Client> = (0..CLIENTS + 2)
            .map(|index| {
                let mut client = server.client();
                client.line("SELECT 1");
                client.send(lines[index % lines.len()]);
                client
            })
            .collect();
        let mut flushing = server.client();
        flushing.send_raw("SELECT 1\r\nMULTI\r\nFLUSHDB\r\nDBSIZE\r\nEXEC\r\n");
        // Long enough for them to ask for quiet: then no script begins any more, but all else runs.
        let began = std::time::Instant::now();
        while began.elapsed().as_millis() < 200 {
            for mut client in clients(server) {
                assert!(client.line("INCR free").int() > 0);
                assert_eq!(client.line("PING").text(), "PONG");
            }
        }
        let mut later = server.client();
        later.send(&["EVAL", "return redis.call('INCR', KEYS[1])", "1", "later"]);
        let mut filling = server.client();
        filling.line("SELECT 1");
        assert_eq!(filling.line("SET other 1").text(), "OK");
        assert!(!busy.recv().is_error());
        for client in &mut waiting {
            let reply = client.recv();
            assert!(!reply.is_error(), "{reply:?}");
        }
        assert_eq!(later.recv().int(), 1);
        let flushed = (0..5).map(|_| flushing.recv()).last().expect("five replies");
        assert_eq!(flushed.items()[1].int(), 0);
        server.client().line("FLUSHALL");
    });
}

#[test]
fn who_wants_everything_gets_its_turn_between_scripts_that_follow_each_other() {
    if is_reference() {
        return;
    }
    const ROUNDS: usize = 5;
    for_each_thread_count_with(&[("busy-reply-threshold", "0")], |server| {
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let spin = SPIN.replace("4000", "20000");
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            let key = format!("script:{index}");
            if index > 1 {
                // At every moment, one of them runs.
                while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                    assert!(client.call(&["EVAL", &spin, "1", &key]).int() > 0);
                }
                return;
            }
            for _ in 0..ROUNDS {
                assert_eq!(client.line("FLUSHALL").text(), "OK");
                assert!(!client.line("KEYS *").is_error());
                assert!(!client.line("SCAN 0 COUNT 1000000").is_error());
                let alone = ["EVAL", "return redis.call('DBSIZE') + #redis.call('KEYS', '*')", "0"];
                assert!(!client.call(&alone).is_error());
            }
            is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        });
    });
}

/// Spins for some milliseconds.
const SPIN: &str = "local now = redis.call('TIME') local ends = now[1] * 1e6 + now[2] + 4000 \
    repeat now = redis.call('TIME') until now[1] * 1e6 + now[2] >= ends \
    return redis.call('INCR', KEYS[1])";

#[test]
fn who_may_not_wait_for_a_script_is_served_once_it_ends() {
    if is_reference() {
        return;
    }
    // Scripts that are never slow follow each other on one key; everybody gets his turn in between.
    const ROUNDS: usize = 20;
    for_each_thread_count_with(&[("busy-reply-threshold", "0")], |server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for _ in 0..ROUNDS {
                let reply = match index % 2 {
                    0 => client.call(&["EVAL", SPIN, "1", "count"]),
                    _ => client.line("INCR count"),
                };
                assert!(reply.int() > 0);
            }
        });
        let count = (CLIENTS * ROUNDS).to_string();
        assert_eq!(server.client().line("GET count").text(), count);
        assert_eq!(server.client().line("DEL count").int(), 1);
    });
}

/// Starts a script that runs until there is a key, and waits until others are put off because of it.
fn start_until_filled(server: &Server) -> Client {
    let mut busy = server.client();
    busy.send(&["EVAL", UNTIL_FILLED, "1", "held"]);
    wait_until("somebody waits for it", || {
        let mut waiting = server.client();
        let id = format!("id={} ", waiting.line("CLIENT ID").int());
        waiting.send(&["GET", "held"]);
        let list = server.client().line("CLIENT LIST").text();
        let line = list.lines().find(|line| line.starts_with(&id));
        line.is_some_and(|line| line.contains(" flags=b "))
    });
    busy
}

#[test]
fn who_wants_a_script_to_end_waits_until_it_takes_long_or_ends() {
    if is_reference() {
        return;
    }
    const NOT_BUSY: &str = "NOTBUSY No scripts in execution right now.";
    for_each_thread_count_with(&[("busy-reply-threshold", "2000")], |server| {
        for kill in ["SCRIPT KILL", "FUNCTION KILL"] {
            assert_eq!(server.client().line(kill).error(), NOT_BUSY);
        }
        let mut busy = start_until_filled(server);
        let (mut killing, mut mistaken) = (server.client(), server.client());
        killing.send(&["SCRIPT", "KILL"]);
        mistaken.send_raw("FUNCTION KILL\r\nFUNCTION KILL\r\n");
        for mut client in clients(server) {
            assert_eq!(client.line("PING").text(), "PONG");
        }
        assert_eq!(killing.recv().text(), "OK");
        assert!(busy.recv().error().contains("killed"));
        // The one came before the script ended, or after it, and the other one before or after that.
        for _ in 0..2 {
            let error = mistaken.recv().error().to_owned();
            assert!(error == BUSY || error == NOT_BUSY, "{error}");
        }
        assert_eq!(server.client().line("CONFIG SET busy-reply-threshold 0").text(), "OK");
        let mut busy = start_until_filled(server);
        let mut killing = server.client();
        killing.send_raw(
            "SCRIPT KILL
SCRIPT KILL
",
        );
        for mut client in clients(server) {
            assert_eq!(client.line("PING").text(), "PONG");
        }
        assert_eq!(server.client().line("SET other 1").text(), "OK");
        assert_eq!(busy.recv(), Value::Int(0));
        assert_eq!(killing.recv().error(), NOT_BUSY);
        assert_eq!(killing.recv().error(), NOT_BUSY);
        assert_eq!(server.client().line("FLUSHALL").text(), "OK");
        assert_eq!(server.client().line("CONFIG SET busy-reply-threshold 2000").text(), "OK");
    });
}

#[test]
fn what_stops_everybody_waits_for_a_script_on_its_own_worker() {
    if is_reference() {
        return;
    }
    let server = Server::start(&[("threads", "1"), ("busy-reply-threshold", "0")]);
    let mut all = clients(&server);
    let mut busy = server.client();
    busy.send(&["EVAL", UNTIL_FILLED, "1", "held"]);
    all[0].send(&["FLUSHALL"]);
    all[1].send(&["EVAL", "return redis.call('EXISTS', KEYS[1])", "1", "free"]);
    all[2].send(&["CONFIG", "GET", "maxmemory"]);
    all[3].send_raw("MULTI\r\nSWAPDB 0 1\r\nEXEC\r\n");
    assert_eq!(all[4].line("PUBLISH news x").int(), 0);
    assert_eq!(all[4].line("SET free 1").text(), "OK");
    assert_eq!(busy.recv(), Value::Int(0));
    assert_eq!(all[0].recv().text(), "OK");
    assert!(!all[1].recv().is_error() && !all[2].recv().is_error());
    assert_eq!((0..3).map(|_| all[3].recv()).last().expect("three replies").texts(), ["OK"]);
}

#[test]
fn counts_are_exact_whatever_runs_beside_scripts() {
    const SCRIPTS: usize = 3;
    const SCRIPT: &str = "redis.call('INCR', KEYS[1]) for step = 1, 2000000 do end \
                          redis.call('INCR', KEYS[1]) return redis.call('GET', KEYS[1])";
    for (threshold, count) in [("1000", 6), ("5", 6)] {
        for_each_thread_count_with(&[("busy-reply-threshold", threshold)], |server| {
            let is_done = |reply: &Value| {
                let is_busy = reply.is_error() && reply.error().contains("BUSY");
                assert!(is_busy || !reply.is_error(), "{reply:?}");
                !is_busy
            };
            in_threads(SCRIPTS + CLIENTS, |index| {
                let mut client = server.client();
                if index < SCRIPTS {
                    let key = format!("script:{index}");
                    for _ in 0..count {
                        wait_until("it runs", || {
                            is_done(&client.call(&["EVAL", SCRIPT, "1", &key]))
                        });
                    }
                    return;
                }
                for step in 0..100 {
                    let (from, to) = ((index + step) % 4, (index + 3 * step + 1) % 4);
                    let script = format!("INCRBY script:{} 1", step % SCRIPTS);
                    let transfer = [
                        "MULTI",
                        &format!("INCRBY account:{from} -1"),
                        &format!("INCRBY account:{to} 1"),
                        "INCR transfers",
                        "EXEC",
                    ];
                    wait_until("it is counted", || is_done(&client.line("INCR count")));
                    wait_until("it is counted", || is_done(&client.line(&script)));
                    wait_until("it is done", || {
                        let replies = client.pipeline(&transfer);
                        is_done(&replies[4])
                    });
                }
            });
            let mut client = server.client();
            let total = 100 * CLIENTS;
            assert_eq!(
                client.line("MGET count transfers").texts(),
                [total.to_string(), total.to_string()]
            );
            let sum = |name: &str, keys: usize| -> i64 {
                let values = (0..keys).map(|index| client_text(server, &format!("{name}:{index}")));
                values.map(|text| text.parse::<i64>().expect("a number")).sum()
            };
            assert_eq!(sum("account", 4), 0);
            assert_eq!(sum("script", SCRIPTS), (total + 2 * count * SCRIPTS) as i64);
        });
    }
}

fn client_text(server: &Server, key: &str) -> String {
    server.client().call(&["GET", key]).text()
}
