//! What a client may not do.

use super::bench::{Server, bulk, eventually, request};
use crate::stats::Counter;

#[test]
fn the_client_after_the_last_one_is_refused() {
    for worker_count in [1, 3] {
        let server = Server::start(worker_count, &[("maxclients", "2")]);
        let (mut first, mut second) = (server.connect(), server.connect());
        first.ping();
        second.ping();
        assert_eq!(server.connect().rest(), b"-ERR max number of clients reached\r\n");
        let mut talkative = server.connect();
        talkative.send(b"ECHO hello\r\n");
        assert_eq!(talkative.rest(), b"-ERR max number of clients reached\r\n");
        assert_eq!(server.count(Counter::RejectedConnections), 2);
        drop(first);
        eventually("there is room again", || server.engine.clients.count() == 1);
        server.connect().ping();
        second.ping();
    }
}

#[test]
fn an_idle_client_is_closed_and_a_busy_one_is_not() {
    let server = Server::start(1, &[("timeout", "1")]);
    let (mut idle, mut busy) = (server.connect(), server.connect());
    idle.ping();
    idle.stream.set_nonblocking(true).unwrap();
    let mut byte = [0];
    eventually("the idle one is closed", || {
        busy.ping();
        matches!(std::io::Read::read(&mut idle.stream, &mut byte), Ok(0))
    });
    busy.ping();
}

#[test]
fn a_client_above_the_hard_limit_is_closed_without_a_reply() {
    let settings = [("client-output-buffer-limit", "normal 100000 0 0")];
    let server = Server::start(1, &settings);
    let mut client = server.connect();
    client.send(&request(&[b"BIG", b"90000"]));
    client.expect(&bulk(&vec![b'b'; 90_000]));
    client.send(&request(&[b"BIG", b"90000"]).repeat(2));
    assert_eq!(client.rest(), b"");
    assert_eq!(server.count(Counter::OutputBufferLimitDisconnections), 1);
}

#[test]
fn a_client_may_stay_above_the_soft_limit_only_for_a_while() {
    let settings = [("client-output-buffer-limit", "normal 0 100000 1")];
    let server = Server::start(1, &settings);
    let mut client = server.connect();
    client.send(&request(&[b"BIG", b"50000000"]));
    eventually("it is closed", || server.count(Counter::OutputBufferLimitDisconnections) == 1);
    assert!(client.rest().len() < 50_000_000);
}

#[test]
fn a_request_longer_than_the_limit_ends_the_connection() {
    let server = Server::start(1, &[("client-query-buffer-limit", "1mb")]);
    let mut client = server.connect();
    client.send(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n");
    let _broken = std::io::Write::write_all(&mut client.stream, &vec![b'x'; 2_000_000]);
    assert_eq!(client.rest(), b"");
    assert_eq!(server.count(Counter::QueryBufferLimitDisconnections), 1);
}

#[test]
fn strangers_may_send_less_until_they_have_authenticated() {
    let server = Server::start(1, &[("requirepass", "secret")]);
    let big = vec![b'x'; 20_000];
    let echo = request(&[b"ECHO", &big]);
    let mut client = server.connect();
    client.send(&[&b"ENTER\r\n"[..], &echo].concat());
    client.expect(&[b"+OK\r\n", &bulk(&big)[..]].concat());
    let mut stranger = server.connect();
    stranger.send(b"ECHO x\r\n*11\r\n");
    let expected = "-NOAUTH Authentication required.\r\n\
        -ERR Protocol error: unauthenticated multibulk length\r\n";
    assert_eq!(String::from_utf8(stranger.rest()).unwrap(), expected);
}
