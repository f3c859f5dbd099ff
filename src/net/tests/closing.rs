//! How connections end.

use std::sync::Arc;

use super::bench::{Server, bulk, eventually, gauge, request};
use crate::base::clock;
use crate::engine::PauseKind;

#[test]
fn what_was_complete_is_answered_after_the_client_has_finished() {
    for worker_count in [1, 3] {
        let server = Server::start(worker_count, &[]);
        for count in [1, 100, 5000] {
            let mut client = server.connect();
            let echo = request(&[b"ECHO", b"last words"]);
            let sent = [&echo.repeat(count)[..], b"*2\r\n$4\r\nECHO\r\n$9\r\nnot all"].concat();
            client.send(&sent);
            client.end();
            assert!(client.rest() == bulk(b"last words").repeat(count));
        }
    }
}

#[test]
fn big_replies_reach_a_client_that_has_finished() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    client.send(&request(&[b"BIG", b"3000000"]).repeat(10));
    client.end();
    assert!(client.rest() == bulk(&vec![b'b'; 3_000_000]).repeat(10));
    eventually("it is forgotten", || server.engine.clients.count() == 0);
}

#[test]
fn a_command_can_end_the_connection_after_its_reply() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    client.send(b"BIG 2000000\r\nBYE\r\nECHO unheard\r\n");
    let replies = [&bulk(&vec![b'b'; 2_000_000])[..], b"+OK\r\n"].concat();
    assert!(client.rest() == replies);
    eventually("it is forgotten", || server.engine.clients.count() == 0);
}

#[test]
fn a_broken_stream_is_told_so_and_ends() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    client.send(b"ECHO 1\r\n*1\r\n!4\r\nPING\r\n");
    let expected = "$1\r\n1\r\n-ERR Protocol error: expected '$', got '!'\r\n";
    assert_eq!(String::from_utf8(client.rest()).unwrap(), expected);
}

#[test]
fn the_last_reply_survives_what_the_client_was_still_sending() {
    let server = Server::start(1, &[]);
    for _ in 0..20 {
        let mut client = server.connect();
        client.send(&[&b"*x\r\n"[..], &vec![b'x'; 1_000_000]].concat());
        client.end();
        let expected = b"-ERR Protocol error: invalid multibulk length\r\n";
        assert_eq!(client.rest(), expected);
    }
}

#[test]
fn a_killed_client_is_closed() {
    let server = Server::start(3, &[]);
    let mut clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.ping();
    }
    for cell in server.engine.clients.all() {
        server.engine.close_client(&cell);
    }
    for client in &mut clients {
        assert_eq!(client.rest(), b"");
    }
    assert_eq!(server.engine.clients.count(), 0);
}

#[test]
fn a_postponed_client_that_goes_is_noticed() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    client.ping();
    server.engine.pause.begin(PauseKind::All, clock::unix_ms(), clock::unix_ms() + 3_600_000);
    client.send(b"ECHO never\r\n");
    let cell = server.client();
    eventually("it waits", || gauge(&cell, |gauges| &gauges.query_bytes) > 0);
    drop(client);
    eventually("it is forgotten", || server.engine.clients.count() == 0);
}

#[test]
fn a_client_that_goes_without_reading_is_noticed() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    client.send(&request(&[b"BIG", b"1000000"]).repeat(100));
    let cell = server.client();
    eventually("replies wait", || gauge(&cell, |gauges| &gauges.reply_bytes) > 0);
    drop(client);
    eventually("it is forgotten", || server.engine.clients.count() == 0);
}

#[test]
fn a_stopping_server_closes_everything() {
    let mut server = Server::start(3, &[]);
    let mut clients: Vec<_> = (0..6).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.ping();
    }
    let address = server.address();
    server.plane.take().unwrap().stop();
    for client in &mut clients {
        assert_eq!(client.rest(), b"");
    }
    assert!(std::net::TcpStream::connect(address).is_err());
    assert_eq!(server.engine.clients.count(), 0);
    assert_eq!(Arc::strong_count(&server.engine), 1);
}
