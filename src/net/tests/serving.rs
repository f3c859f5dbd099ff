//! Requests in, replies out.

use std::io::Read;

use super::bench::{Client, Server, bulk, eventually, gauge, request};
use crate::base::clock;
use crate::engine::{PauseKind, WorkerMessage};
use crate::stats::Counter;

fn echo(word: &[u8]) -> Vec<u8> {
    request(&[b"ECHO", word])
}

#[test]
fn a_pipeline_is_answered_in_order_wherever_it_is_split() {
    let pipeline =
        [&echo(b"one")[..], b"\r\nECHO \"t\\x77o\"\r\n*0\r\n", &echo(b"three"), b"NO\r\n"];
    let pipeline = pipeline.concat();
    let replies =
        b"$3\r\none\r\n$3\r\ntwo\r\n$5\r\nthree\r\n-ERR unknown command 'NO', with args beginning with: \r\n";
    for worker_count in [1, 3] {
        let server = Server::start(worker_count, &[]);
        let mut client = server.connect();
        let mut sent = 0;
        for split in 0..pipeline.len() {
            client.send(&pipeline[..split]);
            sent += split as u64;
            eventually("the first part arrives", || server.count(Counter::NetInputBytes) == sent);
            client.send(&pipeline[split..]);
            sent += (pipeline.len() - split) as u64;
            client.expect(replies);
        }
    }
}

#[test]
fn a_pipeline_longer_than_a_turn_is_answered_whole() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    let (requests, replies): (Vec<_>, Vec<_>) = (0..20_000)
        .map(|index: u32| index.to_string().into_bytes())
        .map(|word| (echo(&word), bulk(&word)))
        .unzip();
    let (mut reader, replies) = (client.stream.try_clone().unwrap(), replies.concat());
    let reading = std::thread::spawn(move || {
        let mut bytes = vec![0; replies.len()];
        reader.read_exact(&mut bytes).unwrap();
        assert!(bytes == replies);
    });
    client.send(&requests.concat());
    reading.join().unwrap();
    assert_eq!(server.count(Counter::CommandsProcessed), 20_000);
}

#[test]
fn a_big_argument_arrives_and_its_memory_goes() {
    for worker_count in [1, 3] {
        let server = Server::start(worker_count, &[]);
        let mut client = server.connect();
        let value: Vec<u8> = (0..10_000_000_u32).map(|index| index.to_le_bytes()[1]).collect();
        client.send(&echo(&value));
        client.expect(&bulk(&value));
        client.ping();
        let cell = server.client();
        eventually("the query buffer is given back", || {
            gauge(&cell, |gauges| &gauges.query_free_bytes) == 0
        });
        eventually("the reply buffer is given back", || {
            gauge(&cell, |gauges| &gauges.reply_capacity_bytes) <= 64 * 1024
        });
    }
}

#[test]
fn a_client_that_does_not_read_is_not_served_further() {
    const COUNT: u64 = 300;
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    for _ in 0..COUNT {
        client.send(&request(&[b"BIG", b"1000000"]));
    }
    let cell = server.client();
    eventually("replies wait", || gauge(&cell, |gauges| &gauges.reply_bytes) > 0);
    let mut other = server.connect();
    other.ping();
    assert!(gauge(&cell, |gauges| &gauges.command_count) < COUNT / 2);
    let reply = bulk(&vec![b'b'; 1_000_000]);
    for _ in 0..COUNT {
        client.expect(&reply);
    }
    client.ping();
}

#[test]
fn a_long_pipeline_does_not_keep_others_waiting() {
    let server = Server::start(1, &[]);
    let mut busy = server.connect();
    let mut sender = busy.stream.try_clone().unwrap();
    let requests = echo(b"x").repeat(200_000);
    let sending = std::thread::spawn(move || {
        use std::io::Write;
        sender.write_all(&requests).unwrap();
    });
    let mut other = server.connect();
    for _ in 0..10 {
        other.ping();
    }
    let replies = bulk(b"x").repeat(200_000);
    busy.expect(&replies);
    sending.join().unwrap();
}

#[test]
fn postponed_commands_run_when_the_pause_is_over() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    client.ping();
    let far = clock::unix_ms() + 3_600_000;
    server.engine.pause.begin(PauseKind::All, clock::unix_ms(), far);
    client.send(b"ECHO 'a b'\r\nECHO \"\\x41\"\r\n*2\r\n$4\r\nECHO\r\n$3\r\nha");
    let cell = server.client();
    eventually("it waits", || gauge(&cell, |gauges| &gauges.query_bytes) > 30);
    client.send(b"h\r\n");
    server.engine.pause.end();
    server.engine.tell_all(|| WorkerMessage::Resume);
    client.expect(b"$3\r\na b\r\n$1\r\nA\r\n$3\r\nhah\r\n");
}

#[test]
fn a_pause_that_runs_out_needs_no_message() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    server.engine.pause.begin(PauseKind::All, clock::unix_ms(), clock::unix_ms() + 50);
    client.ping();
    assert!(server.engine.pause.current(clock::unix_ms()).is_none());
}

#[test]
fn traffic_is_counted() {
    let server = Server::start(3, &[]);
    let mut clients: Vec<Client> = (0..6).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.ping();
    }
    assert_eq!(server.count(Counter::ConnectionsReceived), 6);
    assert_eq!(server.count(Counter::NetInputBytes), 6 * 11);
    assert_eq!(server.count(Counter::ReadsProcessed), 6);
    // Counted after the bytes have gone.
    eventually("writes count", || server.count(Counter::NetOutputBytes) == 6 * 10);
    eventually("writes count", || server.count(Counter::WritesProcessed) == 6);
}
