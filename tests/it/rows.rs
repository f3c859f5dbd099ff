//! Rows: many commands of one client at once do and answer what they do one by one.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::{
    Client, Server, Value, encode, for_each_thread_count, for_each_thread_count_with, in_threads,
};

type Request = Vec<String>;

fn request(words: &str) -> Request {
    words.split(' ').map(str::to_owned).collect()
}

/// Returns a command on one of a few keys: most of them plain, some of them not, some of them wrong.
fn random_request(random: &mut Rng) -> Request {
    let key = format!("key:{}", random.u32(..6));
    let number = random.i32(-3..20);
    let templates = [
        "GET K",
        "GET K",
        "SET K N",
        "SET K N XX GET",
        "SETNX K N",
        "INCR K",
        "INCRBY K N",
        "APPEND K xyz",
        "STRLEN K",
        "GETDEL K",
        "GETSET K N",
        "TYPE K",
        "PERSIST K",
        "EXPIRE K 1000",
        "PTTL missing",
        "LPUSH K N",
        "RPUSH K N N",
        "LPOP K",
        "RPOP K",
        "LPOP K 2",
        "LLEN K",
        "LINDEX K 0",
        "SADD K N",
        "SREM K N",
        "SCARD K",
        "SISMEMBER K N",
        "HSET K f N",
        "HGET K f",
        "HINCRBY K f N",
        "HDEL K f",
        "HLEN K",
        "ZADD K N m",
        "ZINCRBY K N m",
        "ZSCORE K m",
        "ZRANK K m",
        "ZPOPMIN K",
        "ZCARD K",
        "XLEN K",
        "SETRANGE K 2 ab",
        "GETRANGE K 0 1",
        "DEL K",
        "EXISTS K key:0",
        "MGET K key:1",
        "MSET K N key:2 N",
        "LRANGE K 0 -1",
        "RENAME K key:3",
        "COPY K key:4 REPLACE",
        "LMOVE K key:5 LEFT RIGHT",
        "DBSIZE",
        "GET",
        "GET K K",
        "INCR K K",
        "NOSUCH K",
        "SET K N NX XX",
        "EXPIRE K abc",
        "OBJECT ENCODING K",
        "OBJECT K",
        "ZADD K abc m",
        "HSET K f",
    ];
    let template = templates[random.usize(..templates.len())];
    let fill = |word: &str| match word {
        "K" => key.clone(),
        "N" => number.to_string(),
        word => word.to_owned(),
    };
    template.split(' ').map(fill).collect()
}

/// Returns a few alike commands, each about an element of the same large collection.
fn about_elements(random: &mut Rng) -> Vec<Request> {
    let templates = [
        "SADD set E",
        "SREM set E",
        "SISMEMBER set E",
        "SMISMEMBER set E E",
        "HSET hash E N",
        "HGET hash E",
        "HDEL hash E E",
        "HINCRBY hash E N",
        "HMGET hash E E",
        "ZADD sorted N E",
        "ZADD sorted XX N E",
        "ZINCRBY sorted N E",
        "ZSCORE sorted E",
        "ZREM sorted E",
        "ZRANK sorted E",
        "ZSCORE set E",
    ];
    let (template, count) = (templates[random.usize(..templates.len())], random.usize(1..20));
    let mut fill = |word: &str| match word {
        "E" => format!("element:{:012}", random.u32(..1_500)),
        "N" => random.i32(-3..20).to_string(),
        word => word.to_owned(),
    };
    (0..count).map(|_| template.split(' ').map(&mut fill).collect()).collect()
}

/// Sends all at once and reads all replies.
fn together(client: &mut Client, requests: &[Request]) -> Vec<Value> {
    client.send_raw(requests.iter().flat_map(|request| encode(request)).collect::<Vec<u8>>());
    requests.iter().map(|_| client.recv()).collect()
}

/// The same while the system stops the server for longer than the clock of a row may be late.
fn together_with_stops(server: &Server, client: &mut Client, requests: &[Request]) -> Vec<Value> {
    client.send_raw(requests.iter().flat_map(|request| encode(request)).collect::<Vec<u8>>());
    for _ in 0..3 {
        server.signal(libc::SIGSTOP);
        std::thread::sleep(Duration::from_millis(2));
        server.signal(libc::SIGCONT);
        std::thread::sleep(Duration::from_micros(100));
    }
    requests.iter().map(|_| client.recv()).collect()
}

#[test]
fn commands_about_elements_of_one_collection_answer_as_if_sent_one_by_one() {
    for_each_thread_count(|server| {
        let seed = fastrand::u64(..);
        let mut random = Rng::with_seed(seed);
        let (mut all, mut single) = (server.client(), server.client());
        single.call(&["SELECT", "1"]);
        for _ in 0..60 {
            let requests: Vec<Request> =
                (0..30).flat_map(|_| about_elements(&mut random)).collect();
            let replies = together(&mut all, &requests);
            for (request, reply) in requests.iter().zip(replies) {
                assert_eq!(reply, single.call(request), "{request:?}, seed {seed}");
            }
        }
        for read in ["SCARD set", "HLEN hash", "ZRANGE sorted 0 -1 WITHSCORES"] {
            let read = request(read);
            assert_eq!(all.call(&read), single.call(&read), "{read:?}, seed {seed}");
        }
        let encoding = request("OBJECT ENCODING set");
        assert_eq!(all.call(&encoding), Value::Bulk(b"hashtable".into()));
    });
}

#[test]
fn commands_sent_at_once_answer_as_if_sent_one_by_one() {
    for_each_thread_count(|server| {
        let seed = fastrand::u64(..);
        let mut random = Rng::with_seed(seed);
        let (mut all, mut single) = (server.client(), server.client());
        single.call(&["SELECT", "1"]);
        for round in 0..90 {
            let count = random.usize(1..200);
            let requests: Vec<Request> = (0..count).map(|_| random_request(&mut random)).collect();
            let replies = match round % 3 {
                0 => together_with_stops(server, &mut all, &requests),
                _ => together(&mut all, &requests),
            };
            for (request, reply) in requests.iter().zip(replies) {
                assert_eq!(reply, single.call(request), "{request:?}, seed {seed}");
            }
        }
        for number in 0..6 {
            let key = format!("key:{number}");
            let (left, right) = (all.call(&["DUMP", &key]), single.call(&["DUMP", &key]));
            assert_eq!(left, right, "{key}, seed {seed}");
        }
    });
}

#[test]
fn rows_of_racing_clients_lose_nothing() {
    const CLIENTS: usize = 6;
    const ROWS: usize = 40;
    const ROW: usize = 96;
    for_each_thread_count(|server| {
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            let mut random = Rng::with_seed(index as u64);
            for _ in 0..ROWS {
                // One counter in a row, several in turns, and a command that needs all of them.
                let step = random.usize(1..4);
                let counter = |number: usize| format!("INCR counter:{}", number / step % 3);
                let row: Vec<Request> = (0..ROW)
                    .map(|number| request(&counter(number)))
                    .chain([request("MGET counter:0 counter:1 counter:2")])
                    .collect();
                for reply in together(&mut client, &row).into_iter().take(ROW) {
                    assert!(reply.int() > 0);
                }
            }
        });
        let mut client = server.client();
        let counters = ["counter:0", "counter:1", "counter:2"];
        let sum: i64 = counters
            .iter()
            .filter_map(|key| client.call(&["GET", key]).text().parse::<i64>().ok())
            .sum();
        assert_eq!(sum, i64::try_from(CLIENTS * ROWS * ROW).expect("a small number"));
    });
}

#[test]
fn statistics_and_logs_count_every_command_of_a_row() {
    for_each_thread_count_with(
        &[("slowlog-log-slower-than", "0"), ("slowlog-max-len", "1000")],
        |server| {
            let mut client = server.client();
            client.call(&["CONFIG", "RESETSTAT"]);
            client.call(&["SLOWLOG", "RESET"]);
            let row: Vec<Request> = (0..100)
                .map(|number| request(if number % 4 == 3 { "INCR text" } else { "GET text" }))
                .collect();
            client.call(&["SET", "text", "abc"]);
            together(&mut client, &row);
            let stats = client.call(&["INFO", "commandstats"]).text();
            let line = |name: &str| {
                let start = format!("cmdstat_{name}:");
                stats.lines().find(|line| line.starts_with(&start)).unwrap_or_default().to_owned()
            };
            assert!(line("get").contains("calls=75,"), "{stats}");
            assert!(
                line("incr").contains("calls=25,") && line("incr").contains("failed_calls=25"),
                "{stats}"
            );
            assert_eq!(client.info_int("keyspace_hits"), 75);
            assert_eq!(client.info_int("total_error_replies"), 25);
            let entries = client.call(&["SLOWLOG", "GET", "-1"]);
            let rows = entries.items().iter().filter(|entry| {
                let words = entry.items()[3].items();
                words.len() == 2 && words[1].text() == "text"
            });
            assert_eq!(rows.count(), 100);
        },
    );
}

#[test]
fn a_pause_stops_a_row_before_its_next_write() {
    for_each_thread_count(|server| {
        let (mut writer, mut other) = (server.client(), server.client());
        let deadline = Instant::now() + Duration::from_secs(20);
        let row: Vec<Request> = (0..2000).map(|_| request("INCR counter")).collect();
        writer.send_raw(row.iter().flat_map(|request| encode(request)).collect::<Vec<u8>>());
        other.call(&["CLIENT", "PAUSE", "200", "WRITE"]);
        let seen = other.call(&["GET", "counter"]);
        assert_eq!(other.call(&["GET", "counter"]), seen);
        other.call(&["CLIENT", "UNPAUSE"]);
        (1..=2000).for_each(|count| assert_eq!(writer.recv().int(), count));
        assert!(Instant::now() < deadline);
    });
}

#[test]
fn a_row_that_the_system_interrupts_goes_on_where_it_stopped() {
    const ROUNDS: i64 = 40;
    const COMMANDS: i64 = 2000;
    for_each_thread_count(|server| {
        let mut client = server.client();
        let row: Vec<Request> = (0..COMMANDS / 4)
            .flat_map(|_| ["INCR a", "INCR a", "SADD b x", "INCR a"].map(request))
            .collect();
        for round in 0..ROUNDS {
            let replies = together_with_stops(server, &mut client, &row);
            let mut count = round * COMMANDS / 4 * 3;
            for (number, reply) in (0..).zip(replies) {
                let reply = reply.int();
                if number % 4 == 2 {
                    assert_eq!(reply, i64::from((round, number) == (0, 2)));
                } else {
                    count += 1;
                    assert_eq!(reply, count);
                }
            }
        }
    });
}

#[test]
fn a_row_finds_no_key_whose_time_is_over_and_counts_it_once() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        client.call(&["CONFIG", "RESETSTAT"]);
        client.call(&["SET", "short", "value", "PX", "1"]);
        std::thread::sleep(Duration::from_millis(10));
        let row: Vec<Request> = (0..64).map(|_| request("GET short")).collect();
        for reply in together(&mut client, &row) {
            assert_eq!(reply, Value::NilBulk);
        }
        assert_eq!(client.info_int("expired_keys"), 1);
        assert_eq!(client.call(&["DBSIZE"]).int(), 0);
        let row: Vec<Request> = (0..64).map(|_| request("INCR short")).collect();
        let replies = together(&mut client, &row);
        assert_eq!(replies.last().map(Value::int), Some(64));
    });
}

#[test]
fn a_row_wakes_those_who_wait_and_tells_those_who_watch() {
    for_each_thread_count(|server| {
        let (mut waiter, mut watcher, mut client) =
            (server.client(), server.client(), server.client());
        watcher.call(&["WATCH", "watched"]);
        watcher.call(&["MULTI"]);
        watcher.call(&["PING"]);
        waiter.send(&["BLPOP", "list", "0"]);
        let id = waiter_count(server);
        assert_eq!(id, 1);
        let mut row: Vec<Request> = (0..40).map(|_| request("INCR watched")).collect();
        row.extend((0..40).map(|number| request(&format!("RPUSH list {number}"))));
        together(&mut client, &row);
        assert_eq!(waiter.recv().items()[1].text(), "0");
        assert_eq!(client.call(&["LLEN", "list"]).int(), 39);
        assert!(matches!(watcher.call(&["EXEC"]), Value::NilArray));
    });
}

/// Waits until a client waits, and returns how many do.
fn waiter_count(server: &Server) -> i64 {
    let mut client = server.client();
    crate::support::wait_until("a client waits", || client.info_int("blocked_clients") > 0);
    client.info_int("blocked_clients")
}

#[test]
fn a_batch_of_slow_commands_lets_others_have_their_turn() {
    for_each_thread_count(|server| {
        let (mut slow, mut other) = (server.client(), server.client());
        let sleep = encode(&["DEBUG", "SLEEP", "0.02"]);
        let count = encode(&["INCR", "slept"]);
        let round = [sleep, count].concat();
        const ROUNDS: i64 = 20;
        slow.send_raw(round.repeat(20));
        let mut seen = 0;
        while seen == 0 {
            let answer = other.call(&["GET", "slept"]);
            if answer != Value::NilBulk {
                seen = answer.text().parse().expect("a number");
            }
        }
        assert!(seen < ROUNDS, "the other one was served before all had run");
        for number in 1..=ROUNDS {
            assert_eq!(slow.recv().text(), "OK");
            assert_eq!(slow.recv(), Value::Int(number));
        }
    });
}
