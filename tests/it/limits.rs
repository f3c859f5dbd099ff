//! Limits: how many may come, how much they may send and leave unread, how long they may idle.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{
    Client, Server, Value, for_each_thread_count, for_each_thread_count_with, in_threads,
    is_reference, wait_until,
};

#[test]
fn one_client_too_many_is_told_so_and_closed() {
    for_each_thread_count_with(&[("maxclients", "5")], |server| {
        let mut first = server.client();
        wait_until("only one client", || first.info_int("connected_clients") == 1);
        let mut others: Vec<Client> = (0..4).map(|_| server.client()).collect();
        others.iter_mut().for_each(|other| assert_eq!(other.call(&["PING"]).text(), "PONG"));
        let mut more = Client::connect(server.address());
        assert_eq!(more.recv().error(), "ERR max number of clients reached");
        assert!(more.is_closed_by_server());
        assert_eq!(others[0].call(&["PING"]).text(), "PONG");
    });
}

#[test]
fn a_place_becomes_free_when_a_client_leaves() {
    for_each_thread_count_with(&[("maxclients", "3")], |server| {
        let mut first = server.client();
        wait_until("only one client", || first.info_int("connected_clients") == 1);
        let mut held: Vec<Client> = (0..2).map(|_| server.client()).collect();
        held.iter_mut().for_each(|client| assert_eq!(client.call(&["PING"]).text(), "PONG"));
        let mut refused = Client::connect(server.address());
        assert!(refused.recv().is_error());
        assert!(first.info_int("rejected_connections") >= 1);
        drop(held.pop());
        wait_until("a free place", || {
            let mut client = Client::connect(server.address());
            client.send(&["PING"]);
            client.try_recv().is_ok_and(|reply| reply.text_or_empty() == "PONG")
        });
    });
}

#[test]
fn an_idle_client_is_closed_after_its_timeout() {
    for_each_thread_count(|server| {
        let mut busy = server.client();
        busy.call(&["CONFIG", "SET", "timeout", "1"]);
        let mut idle = server.client();
        idle.call(&["PING"]);
        let started = Instant::now();
        idle.socket().set_nonblocking(true).unwrap();
        wait_until("the idle client is closed", || {
            busy.call(&["PING"]);
            is_at_end(idle.socket())
        });
        assert!(started.elapsed() >= Duration::from_millis(900), "closed too early");
        assert_eq!(busy.call(&["PING"]).text(), "PONG");
    });
}

fn is_at_end(socket: &TcpStream) -> bool {
    matches!(socket.peek(&mut [0]), Ok(0))
}

#[test]
fn a_request_beyond_the_query_buffer_limit_ends_its_connection() {
    for_each_thread_count_with(&[("client-query-buffer-limit", "1mb")], |server| {
        let mut client = server.client();
        let value = "v".repeat(500_000);
        assert_eq!(client.call(&["SET", "a", &value]).text(), "OK");
        let mut socket = client.socket();
        let started = socket.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$5000000\r\n");
        let sent = started.and_then(|()| socket.write_all(&vec![b'v'; 4_000_000]));
        assert!(sent.is_err() || client.is_closed_by_server());
        let mut other = server.client();
        assert_eq!(other.call(&["EXISTS", "b"]), Value::Int(0));
        assert_eq!(other.info_int("client_query_buffer_limit_disconnections"), 1);
    });
}

/// Asks for far more than the sockets hold, without reading any of it.
fn ask_without_reading(client: &mut Client, key: &str, count: usize) {
    let socket = client.socket();
    socket.set_write_timeout(Some(Duration::from_millis(500))).expect("a valid time");
    let request = format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len()).repeat(count);
    // A server that stops reading from who does not read is free to: then this write ends early.
    let _ = (&mut &*socket).write_all(request.as_bytes());
}

#[test]
fn a_reader_beyond_the_hard_output_limit_is_closed() {
    let limit = [("client-output-buffer-limit", "normal 2mb 0 0")];
    for_each_thread_count_with(&limit, |server| {
        let mut other = server.client();
        other.call(&["SET", "a", &"v".repeat(10_000)]);
        let mut lazy = server.client();
        // One reply, so that a server that reads no more from who does not read comes to it too.
        let keys = vec!["a"; 10_000];
        let command: Vec<&str> = ["MGET"].into_iter().chain(keys).collect();
        lazy.send(&command);
        wait_until("the lazy reader is closed", || {
            other.info_int("client_output_buffer_limit_disconnections") >= 1
        });
        assert_eq!(other.call(&["STRLEN", "a"]), Value::Int(10_000));
        wait_until("it is gone", || other.info_int("connected_clients") == 1);
    });
}

#[test]
fn who_never_reads_costs_no_other_client_its_answers() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        other.call(&["SET", "a", &"v".repeat(10_000)]);
        let mut lazy: Vec<Client> = (0..8).map(|_| server.client()).collect();
        lazy.iter_mut().for_each(|client| ask_without_reading(client, "a", 2_000));
        for number in 1..=1_000 {
            assert_eq!(other.call(&["INCR", "n"]), Value::Int(number));
        }
        drop(lazy);
        wait_until("they are gone", || other.info_int("connected_clients") == 1);
    });
}

#[test]
fn a_slow_reader_or_a_big_pipeline_never_evicts_data() {
    // The originals count what readers leave unread as data, and evict for it.
    if is_reference() {
        return;
    }
    for_each_thread_count_with(&[("maxmemory-policy", "allkeys-lru")], |server| {
        let mut other = server.client();
        for number in 0..500 {
            other.call(&["SET", &format!("k{number}"), &"v".repeat(1_000)]);
        }
        let used = other.info_int("used_memory");
        other.call(&["CONFIG", "SET", "maxmemory", &(used + 4_000_000).to_string()]);
        let mut lazy: Vec<Client> = (0..4).map(|_| server.client()).collect();
        lazy.iter_mut().for_each(|client| ask_without_reading(client, "k1", 30_000));
        let mut big = server.client();
        big.send_raw("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8000000\r\n");
        big.send_raw(vec![b'v'; 7_000_000]);
        for number in 0..500 {
            let reply = other.call(&["STRLEN", &format!("k{number}")]);
            assert_eq!(reply, Value::Int(1_000));
            assert_eq!(other.call(&["SET", "probe", "1"]).text(), "OK");
        }
        assert_eq!(other.info_int("evicted_keys"), 0);
    });
}

#[test]
fn protected_mode_lets_local_clients_in() {
    let settings = [("bind", "*"), ("protected-mode", "yes")];
    for_each_thread_count_with(&settings, |server| {
        assert_eq!(server.client().call(&["PING"]).text(), "PONG");
    });
}

#[test]
fn a_thousand_idle_connections_are_held_and_let_go() {
    for_each_thread_count(|server| {
        let mut first = server.client();
        let idle: Vec<Client> = (0..1_000).map(|_| Client::connect(server.address())).collect();
        wait_until("all are counted", || first.info_int("connected_clients") >= 1_001);
        assert_eq!(first.call(&["PING"]).text(), "PONG");
        drop(idle);
        wait_until("all are gone", || first.info_int("connected_clients") == 1);
    });
}

#[test]
fn a_bulk_longer_than_proto_max_bulk_len_is_refused() {
    for_each_thread_count_with(&[("proto-max-bulk-len", "1mb")], |server| {
        let mut client = server.client();
        client.send_raw("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1048577\r\n");
        assert_eq!(client.recv().error(), "ERR Protocol error: invalid bulk length");
        assert!(client.is_closed_by_server());
        let mut client = server.client();
        let reply = client.call(&["SETRANGE", "a", "1048576", "x"]);
        assert_eq!(reply.error(), "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
        assert_eq!(client.call(&["SETRANGE", "a", "1048575", "x"]), Value::Int(1_048_576));
    });
}

#[test]
fn changed_limits_take_effect_at_once() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.call(&["CONFIG", "SET", "maxclients", "100"]);
    assert_eq!(client.call(&["CONFIG", "GET", "maxclients"]).texts(), ["maxclients", "100"]);
    client.call(&["CONFIG", "SET", "requirepass", "later"]);
    let mut other = Client::connect(server.address());
    assert!(other.call(&["GET", "a"]).error().starts_with("NOAUTH"));
    assert_eq!(client.call(&["GET", "a"]), Value::NilBulk);
    client.call(&["CONFIG", "SET", "requirepass", ""]);
}

#[test]
fn a_client_may_send_all_it_has_to_say_before_it_reads() {
    const COUNT: usize = 15_000;
    for_each_thread_count(|server| {
        let mut client = server.client();
        let text = "v".repeat(1000);
        // More than the system keeps for two sockets.
        let echo = format!("*2\r\n$4\r\nECHO\r\n$1000\r\n{text}\r\n");
        client.send_raw(echo.repeat(COUNT));
        for _ in 0..COUNT {
            assert_eq!(client.recv().text(), text);
        }
    });
}

#[test]
fn the_largest_clients_are_closed_when_all_take_too_much() {
    for_each_thread_count(|server| {
        let mut control = server.client();
        control.line("CLIENT NO-EVICT on");
        let mut clients: Vec<(usize, Client)> = [1, 3, 2, 4, 1, 2]
            .into_iter()
            .map(|size| {
                let mut client = server.client();
                client.call(&["CLIENT", "SETNAME", &format!("size-{size}")]);
                let text = vec![b'v'; size << 20];
                client.send_raw(format!("*2\r\n${}\r\n", text.len()));
                client.send_raw(text);
                (size, client)
            })
            .collect();
        let tail = |control: &mut Client| {
            let list = control.line("CLIENT LIST").text();
            let sizes =
                [1, 2, 3, 4].map(|size| list.matches(&format!("name=size-{size} ")).count());
            let queries =
                list.lines().filter_map(|line| line.split_once(" qbuf=")?.1.split_once(' '));
            (
                sizes,
                queries.map(|(bytes, _)| bytes.parse::<usize>().expect("a number")).sum::<usize>(),
            )
        };
        wait_until("all have sent", || tail(&mut control).1 >= 13 << 20);
        control.line("CONFIG SET maxmemory-clients 7mb");
        // 13 MB are there: the ones of 4 and 3 MB have to go, and no other.
        assert_eq!(tail(&mut control).0, [2, 2, 0, 0]);
        for (size, client) in &mut clients {
            if *size > 2 {
                assert!(client.is_closed_by_server());
            }
        }
        assert_eq!(control.info_int("evicted_clients"), 2);
        // One that grows is closed in the middle of it.
        control.line("CONFIG SET maxmemory-clients 9mb");
        let mut last = server.client();
        last.send_raw(b"*1\r\n$8000000\r\n");
        for _ in 0..60 {
            let sent = last.socket().write_all(&[b'v'; 100_000]);
            if sent.is_err() {
                break;
            }
        }
        assert!(last.is_closed_by_server());
        assert_eq!(control.info_int("evicted_clients"), 3);
        assert_eq!(tail(&mut control).0, [2, 2, 0, 0]);
    });
}

#[test]
fn clients_that_have_gone_no_longer_count() {
    let settings = [("maxmemory-clients", "4mb")];
    for_each_thread_count_with(&settings, |server| {
        let announce = |bytes: usize| {
            let mut client = server.client();
            client.send_raw(format!("*2\r\n${bytes}\r\n"));
            // The server may close it any time.
            let _sent = client.socket().write_all(&vec![b'v'; bytes]);
            client
        };
        in_threads(4, |index| {
            for round in 0..20 {
                announce((index + round) % 4 * 700_000 + 1000);
            }
        });
        let mut control = server.client();
        control.line("CLIENT NO-EVICT on");
        wait_until("all have gone", || control.info_int("connected_clients") == 1);
        let evicted_count = control.info_int("evicted_clients");
        let _last = announce(3 << 20);
        wait_until("the last one has sent all", || {
            control.line("CLIENT LIST").text().contains(" qbuf=3145728 ")
        });
        assert_eq!(control.info_int("evicted_clients"), evicted_count);
    });
}
