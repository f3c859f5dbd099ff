//! Several clients at once, on whichever worker: seeing, naming, pausing and ending one another.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::support::{Client, Server, Value, for_each_thread_count, is_reference, wait_until};

/// Returns the value of a field of a line of CLIENT LIST.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
    fields
        .find(|(key, _)| *key == name)
        .map_or_else(|| panic!("no {name} in {line}"), |(_, value)| value)
}

fn list(client: &mut Client) -> Vec<String> {
    client.call(&["CLIENT", "LIST"]).text().lines().map(str::to_owned).collect()
}

fn id(client: &mut Client) -> String {
    client.call(&["CLIENT", "ID"]).int().to_string()
}

/// Connects so many clients and waits until no earlier one is left over.
fn crowd(server: &Server, count: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..count).map(|_| server.client()).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.call(&["PING"]).text(), "PONG"));
    let expected = i64::try_from(count).expect("a small number");
    wait_until("all others are gone", || clients[0].info_int("connected_clients") == expected);
    clients
}

#[test]
fn hello_introduces_the_server() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let greeting = client.call(&["HELLO"]);
        assert_eq!(greeting.field("proto"), &Value::Int(2));
        let greeting = client.call(&["HELLO", "3"]);
        assert!(matches!(greeting, Value::Map(_)));
        assert_eq!(greeting.field("proto"), &Value::Int(3));
        assert_eq!(greeting.field("mode").text(), "standalone");
        assert_eq!(greeting.field("role").text(), "master");
        assert_eq!(greeting.field("id").int(), client.call(&["CLIENT", "ID"]).int());
        if !is_reference() {
            assert_eq!(greeting.field("modules"), &Value::Array(Vec::new()));
            assert_eq!(greeting.field("server").text(), "redis");
        }
        let version = greeting.field("version").text();
        assert_eq!(client.info("redis_version"), version);
        assert!(matches!(client.call(&["HELLO", "2"]), Value::Array(_)));
        assert_eq!(client.call(&["GET", "missing"]), Value::NilBulk);
    });
}

#[test]
fn every_client_is_listed_whichever_worker_it_is_on() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 12);
        for (index, client) in clients.iter_mut().enumerate() {
            client.call(&["CLIENT", "SETNAME", &format!("name{index}")]);
            client.call(&["SELECT", &(index % 4).to_string()]);
        }
        let lines = list(&mut clients[3]);
        assert_eq!(lines.len(), 12);
        for (index, client) in clients.iter_mut().enumerate() {
            let own = client.local_address();
            let line = lines.iter().find(|line| field(line, "addr") == own).expect("it is listed");
            assert_eq!(field(line, "name"), format!("name{index}"));
            assert_eq!(field(line, "db"), (index % 4).to_string());
            assert_eq!(field(line, "laddr"), server.address().to_string());
            assert_eq!(field(line, "id"), id(client));
        }
    });
}

#[test]
fn a_line_of_client_list_has_the_known_fields() {
    for_each_thread_count(|server| {
        let mut client = server.client_resp3();
        client.call(&["CLIENT", "SETINFO", "lib-name", "lib"]);
        client.call(&["CLIENT", "SETINFO", "lib-ver", "1.2"]);
        let reply = client.call(&["CLIENT", "INFO"]);
        assert!(matches!(&reply, Value::Verbatim(format, _) if format == "txt"));
        let text = reply.text();
        let line = text.trim_end();
        let numbers = [
            "id",
            "fd",
            "age",
            "idle",
            "db",
            "sub",
            "psub",
            "ssub",
            "multi",
            "watch",
            "qbuf",
            "qbuf-free",
            "argv-mem",
            "multi-mem",
            "rbs",
            "rbp",
            "obl",
            "oll",
            "omem",
            "tot-mem",
            "redir",
            "resp",
        ];
        for name in numbers {
            assert!(field(line, name).parse::<i64>().is_ok(), "{name} is no number in {line}");
        }
        assert_eq!(field(line, "resp"), "3");
        assert_eq!(field(line, "cmd"), "client|info");
        assert_eq!(field(line, "user"), "default");
        assert_eq!(field(line, "flags"), "N");
        assert_eq!(field(line, "lib-name"), "lib");
        assert_eq!(field(line, "lib-ver"), "1.2");
        assert!(field(line, "events").contains('r'));
        assert!(text.ends_with('\n'));
    });
}

#[test]
fn ids_are_never_given_twice() {
    for_each_thread_count(|server| {
        let mut seen = HashSet::new();
        for _ in 0..50 {
            assert!(seen.insert(id(&mut server.client())));
        }
    });
}

#[test]
fn a_list_can_be_narrowed_by_id_and_type() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 4);
        let (first, second) = (id(&mut clients[1]), id(&mut clients[2]));
        let text = clients[0].call(&["CLIENT", "LIST", "ID", &first, &second, "999999"]).text();
        assert_eq!(text.lines().count(), 2);
        let text = clients[0].call(&["CLIENT", "LIST", "TYPE", "normal"]).text();
        assert_eq!(text.lines().count(), 4);
        assert_eq!(clients[0].call(&["CLIENT", "LIST", "TYPE", "pubsub"]).text(), "");
    });
}

#[test]
fn a_client_is_ended_by_id_or_address() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 4);
        let victim = id(&mut clients[1]);
        assert_eq!(clients[0].call(&["CLIENT", "KILL", "ID", &victim]), Value::Int(1));
        assert!(clients[1].is_closed_by_server());
        let address = clients[2].local_address();
        assert_eq!(clients[0].call(&["CLIENT", "KILL", &address]).text(), "OK");
        assert!(clients[2].is_closed_by_server());
        let address = clients[3].local_address();
        assert_eq!(clients[0].call(&["CLIENT", "KILL", "ADDR", &address]), Value::Int(1));
        assert!(clients[3].is_closed_by_server());
        wait_until("they are off the list", || list(&mut clients[0]).len() == 1);
    });
}

#[test]
fn ending_all_spares_the_one_who_asks_unless_it_says_otherwise() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 6);
        assert_eq!(clients[0].call(&["CLIENT", "KILL", "TYPE", "normal"]), Value::Int(5));
        for client in &mut clients[1..] {
            assert!(client.is_closed_by_server());
        }
        let own = id(&mut clients[0]);
        assert_eq!(clients[0].call(&["CLIENT", "KILL", "ID", &own]), Value::Int(0));
        assert_eq!(clients[0].call(&["CLIENT", "KILL", "ID", &own, "SKIPME", "no"]), Value::Int(1));
        assert!(clients[0].is_closed_by_server());
    });
}

#[test]
fn filters_of_kill_all_have_to_hold() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 3);
        let (first, address) = (id(&mut clients[1]), clients[2].local_address());
        let reply = clients[0].call(&["CLIENT", "KILL", "ID", &first, "ADDR", &address]);
        assert_eq!(reply, Value::Int(0));
        let laddr = server.address().to_string();
        let reply =
            clients[0].call(&["CLIENT", "KILL", "ID", &first, "LADDR", &laddr, "USER", "default"]);
        assert_eq!(reply, Value::Int(1));
        assert!(clients[1].is_closed_by_server());
        assert_eq!(clients[2].call(&["PING"]).text(), "PONG");
    });
}

#[test]
fn replies_can_be_switched_off() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.send_raw("CLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\n");
        assert_eq!(client.recv().text(), "1");
        client.send_raw(
            "CLIENT REPLY OFF\r\nSET a 2\r\nNONSENSE\r\nINCR a\r\nCLIENT REPLY ON\r\nGET a\r\n",
        );
        assert_eq!(client.recv().text(), "OK");
        assert_eq!(client.recv().text(), "3");
    });
}

#[test]
fn replies_can_be_switched_off_inside_a_transaction() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut replies = |lines: &str, queued_count: usize| -> Vec<String> {
            client.send_raw(lines.replace('|', "\r\n") + "\r\n");
            assert_eq!(client.recv().text(), "OK");
            (0..queued_count).for_each(|_| assert_eq!(client.recv().text(), "QUEUED"));
            client.recv().texts()
        };
        assert_eq!(replies("MULTI|CLIENT REPLY ON|ECHO a|EXEC", 2), ["OK", "a"]);
        // The array says how many commands there were; what is left out is made up for by what comes
        // behind the transaction.
        let lines = "MULTI|ECHO a|CLIENT REPLY OFF|ECHO b|EXEC|ECHO c|CLIENT REPLY ON|ECHO d";
        assert_eq!(replies(lines, 3), ["a", "OK", "d"]);
        let lines = "MULTI|CLIENT REPLY OFF|ECHO a|CLIENT REPLY ON|ECHO b|EXEC|ECHO c|ECHO d";
        assert_eq!(replies(lines, 4), ["OK", "b", "c", "d"]);
        let lines = "MULTI|ECHO a|CLIENT REPLY SKIP|ECHO b|ECHO c|EXEC|ECHO d|ECHO e";
        assert_eq!(replies(lines, 4), ["a", "b", "c", "e"]);
        let lines = "MULTI|CLIENT REPLY SKIP|CLIENT REPLY ON|ECHO a|EXEC|ECHO b|ECHO c";
        assert_eq!(replies(lines, 3), ["OK", "a", "c"]);
        client.send_raw("CLIENT REPLY OFF\r\nMULTI\r\nECHO a\r\nCLIENT REPLY ON\r\nECHO b\r\n");
        client.send_raw("EXEC\r\nCLIENT REPLY SKIP\r\nMULTI\r\nECHO c\r\nEXEC\r\n");
        assert_eq!(client.recv().text(), "OK");
        assert_eq!(client.recv().text(), "b");
        assert_eq!(client.recv().text(), "QUEUED");
        assert_eq!(client.recv().texts(), ["c"]);
        client.send_raw("MULTI\r\nECHO a\r\nCLIENT REPLY SKIP\r\nEXEC\r\nPING\r\nECHO b\r\n");
        client.send_raw(
            "CLIENT REPLY SKIP\r\nEXEC\r\nCLIENT REPLY OFF\r\nEXEC\r\nCLIENT REPLY ON\r\n",
        );
        assert_eq!(client.recv().text(), "OK");
        assert_eq!(client.recv().text(), "QUEUED");
        assert_eq!(client.recv().text(), "QUEUED");
        assert_eq!(client.recv().texts(), ["a", "b"]);
        assert_eq!(client.recv().text(), "OK");
    });
}

#[test]
fn a_pause_of_writes_lets_reads_pass() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 3);
        clients[0].call(&["SET", "a", "1"]);
        assert_eq!(clients[0].call(&["CLIENT", "PAUSE", "100000", "WRITE"]).text(), "OK");
        clients[1].send(&["SET", "a", "2"]);
        wait_until("the write waits", || clients[0].info_int("blocked_clients") == 1);
        assert_eq!(clients[2].call(&["GET", "a"]).text(), "1");
        assert_eq!(clients[0].call(&["CLIENT", "UNPAUSE"]).text(), "OK");
        assert_eq!(clients[1].recv().text(), "OK");
        assert_eq!(clients[2].call(&["GET", "a"]).text(), "2");
    });
}

#[test]
fn those_who_wait_for_a_key_are_served_behind_a_pause_of_writes() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 5);
        clients[1].send(&["BLPOP", "list", "0"]);
        clients[2].send(&["BRPOP", "other", "0.1"]);
        clients[3].send(&["XREAD", "BLOCK", "0", "STREAMS", "stream", "$"]);
        wait_until("three wait", || clients[0].info_int("blocked_clients") == 3);
        clients[0].pipeline(&["MULTI", "CLIENT PAUSE 100000 WRITE", "XADD stream 1-1 a b"]);
        clients[0].pipeline(&["RPUSH list x y", "EXEC"]);
        // Reading goes on, and so does the time of those who wait.
        assert_eq!(clients[3].recv().items()[0].items()[0].text(), "stream");
        assert!(clients[2].recv().is_nil());
        assert_eq!(clients[4].line("LLEN list").int(), 2);
        assert_eq!(clients[0].info_int("blocked_clients"), 1);
        clients[4].line("CLIENT UNPAUSE");
        assert_eq!(clients[1].recv().texts(), ["list", "x"]);
        assert_eq!(clients[4].line("LLEN list").int(), 1);
    });
}

#[test]
fn messages_and_scripts_that_may_write_wait_like_writes() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 6);
        clients[0].line("SET k 1");
        for index in [1, 2] {
            clients[index].pipeline(&["MULTI", if index == 1 { "INCR k" } else { "GET k" }]);
        }
        clients[0].line("CLIENT PAUSE 100000 WRITE");
        clients[1].send(&["EXEC"]);
        assert_eq!(clients[2].line("EXEC").texts(), ["1"]);
        clients[3].send(&["PUBLISH", "a", "b"]);
        clients[4].send(&["EVAL", "return 1", "0"]);
        clients[5].send(&["SPUBLISH", "a", "b"]);
        wait_until("four wait", || clients[0].info_int("blocked_clients") == 4);
        assert_eq!(clients[0].call(&["EVAL_RO", "return 2", "0"]).int(), 2);
        clients[0].line("CLIENT UNPAUSE");
        assert_eq!(clients[1].recv().texts(), ["2"]);
        let replies: Vec<i64> = clients[3..].iter_mut().map(|client| client.recv().int()).collect();
        assert_eq!(replies, [0, 1, 0]);
    });
}

#[test]
fn a_pause_of_all_ends_by_itself() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 2);
        let started = Instant::now();
        assert_eq!(clients[0].call(&["CLIENT", "PAUSE", "300"]).text(), "OK");
        let replies = clients[1].pipeline(&["PING", "SET a 1", "GET a"]);
        assert!(started.elapsed() >= Duration::from_millis(290), "after {:?}", started.elapsed());
        let texts: Vec<String> = replies.iter().map(Value::text).collect();
        assert_eq!(texts, ["PONG", "OK", "1"]);
    });
}

#[test]
fn a_pause_within_a_pause_makes_it_longer_or_stricter_only() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 3);
        let started = Instant::now();
        clients[0].transcript("CLIENT PAUSE 400 WRITE\nCLIENT PAUSE 50 ALL");
        for client in &mut clients[1..] {
            client.send(&["SET", "a", "1"]);
            client.send(&["GET", "a"]);
        }
        for client in &mut clients[1..] {
            assert_eq!(client.recv().text(), "OK");
            assert!(started.elapsed() >= Duration::from_millis(390), "{:?}", started.elapsed());
            assert_eq!(client.recv().text(), "1");
        }
        // What one holds back the next may let pass.
        clients[0].transcript("CLIENT PAUSE 100 ALL");
        clients[0].send(&["CLIENT", "PAUSE", "100000", "WRITE"]);
        clients[1].send(&["SET", "a", "2"]);
        assert_eq!(clients[0].recv().text(), "OK");
        assert!(!clients[2].line("GET a").is_error());
        clients[0].transcript("CLIENT UNPAUSE");
        assert_eq!(clients[1].recv().text(), "OK");
    });
}

#[test]
fn those_who_wait_for_the_end_of_a_pause_go_on_in_the_order_they_came() {
    let server = Server::start(&[("threads", "1")]);
    let mut clients = crowd(&server, 7);
    for number in [4, 1, 6, 2, 5, 3] {
        clients[0].line("CLIENT PAUSE 100000 WRITE");
        let waiting = clients[0].info_int("blocked_clients");
        clients[number].send(&["RPUSH", "order", &number.to_string()]);
        wait_until("it waits", || clients[0].info_int("blocked_clients") == waiting + 1);
    }
    clients[0].line("CLIENT UNPAUSE");
    clients[1..].iter_mut().for_each(|client| assert!(client.recv().int() > 0));
    assert_eq!(clients[0].line("LRANGE order 0 -1").texts(), ["4", "1", "6", "2", "5", "3"]);
}

#[test]
fn one_reply_is_left_out_whatever_kind_it_is_of() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        // It waits, and finds nothing.
        client.send_raw("CLIENT REPLY SKIP\r\nBLPOP none 0.05\r\nPING\r\n");
        assert_eq!(client.recv().text(), "PONG");
        client.send_raw("CLIENT REPLY SKIP\r\nRESET\r\nPING\r\n");
        assert_eq!(client.recv().text(), "PONG");
        // Confirmations are no replies, but count as one.
        client.send_raw("CLIENT REPLY SKIP\r\nSUBSCRIBE a b\r\nPING\r\n");
        assert_eq!(client.recv().items()[0].text(), "subscribe");
        assert_eq!(client.recv().items()[1].text(), "b");
        assert_eq!(client.recv().items()[0].text(), "pong");
    });
}

#[test]
fn each_client_has_its_own_database() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 2);
        clients[0].transcript("SELECT 5\nSET a five");
        clients[1].transcript("GET a => nil\nSET a zero");
        clients[0].transcript("GET a => \"five\"");
    });
}

#[test]
fn a_client_sees_its_own_writes_and_then_everyone_does() {
    for_each_thread_count(|server| {
        let mut clients = crowd(server, 8);
        for round in 0..200 {
            let writer = round % 8;
            let value = round.to_string();
            clients[writer].call(&["SET", "a", &value]);
            for client in &mut clients {
                assert_eq!(client.call(&["GET", "a"]).text(), value);
            }
        }
    });
}

#[test]
fn reset_forgets_the_name_the_protocol_and_the_password() {
    let server = Server::start(&[("requirepass", "secret")]);
    let mut client = server.client_resp3();
    assert_eq!(client.call(&["GET", "missing"]), Value::Null);
    assert_eq!(client.call(&["RESET"]).text(), "RESET");
    assert!(client.call(&["GET", "missing"]).error().starts_with("NOAUTH"));
    client.call(&["AUTH", "secret"]);
    assert_eq!(client.call(&["GET", "missing"]), Value::NilBulk);
}
