//! The wire: what is a request, what breaks the stream, and what a broken stream costs.

use std::io::{Read, Write};

use crate::support::{Client, Server, Value, for_each_thread_count, for_each_thread_count_with};

/// Sends bytes that no request can begin with; expects this error and the end of the connection.
#[track_caller]
fn breaks_with(server: &Server, bytes: impl AsRef<[u8]>, expected: &str) {
    let mut client = Client::connect(server.address());
    client.send_raw(bytes);
    assert_eq!(client.recv(), Value::Error(format!("ERR Protocol error: {expected}")));
    assert!(client.is_closed_by_server());
    assert_eq!(server.client().call(&["PING"]), Value::Simple("PONG".to_owned()));
}

#[test]
fn a_broken_request_is_named_and_ends_its_connection_only() {
    for_each_thread_count(|server| {
        breaks_with(server, "*abc\r\n", "invalid multibulk length");
        breaks_with(server, "*2147483648\r\n", "invalid multibulk length");
        breaks_with(server, "*1\r\nabc\r\n", "expected '$', got 'a'");
        breaks_with(server, "*2\r\n$3\r\nGET\r\n:1\r\n", "expected '$', got ':'");
        breaks_with(server, "*1\r\n$abc\r\n", "invalid bulk length");
        breaks_with(server, "*1\r\n$-1\r\n", "invalid bulk length");
        breaks_with(server, "*1\r\n$536870913\r\n", "invalid bulk length");
        breaks_with(server, "*1\r\n$9223372036854775808\r\n", "invalid bulk length");
        breaks_with(server, "SET a \"1\r\n", "unbalanced quotes in request");
        breaks_with(server, "SET a 'x'y\r\n", "unbalanced quotes in request");
    });
}

#[test]
fn a_line_without_an_end_is_given_up() {
    for_each_thread_count(|server| {
        let long = vec![b'a'; 70_000];
        breaks_with(server, &long, "too big inline request");
        breaks_with(server, [b"*1".as_slice(), &long].concat(), "too big mbulk count string");
        let bulk = [b"*1\r\n$1".as_slice(), &long].concat();
        breaks_with(server, bulk, "too big bulk count string");
    });
}

#[test]
fn before_signing_in_requests_are_kept_small() {
    for_each_thread_count_with(&[("requirepass", "secret")], |server| {
        let breaks = |bytes: &str, expected: &str| {
            let mut client = Client::connect(server.address());
            client.send_raw(bytes);
            assert_eq!(client.recv(), Value::Error(format!("ERR Protocol error: {expected}")));
            assert!(client.is_closed_by_server());
        };
        breaks("*11\r\n", "unauthenticated multibulk length");
        breaks("*1\r\n$16385\r\n", "unauthenticated bulk length");
        let mut client = server.client();
        client.send_raw("*11\r\n$4\r\nMGET\r\n");
        client.send_raw("$1\r\nk\r\n".repeat(10));
        assert_eq!(client.recv().items().len(), 10);
    });
}

#[test]
fn empty_requests_are_passed_over() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.send_raw("\r\n\r\n*0\r\n*-1\r\n\r\nPING\r\n*1\r\n$4\r\nPING\r\n");
        assert_eq!(client.recv(), Value::Simple("PONG".to_owned()));
        assert_eq!(client.recv(), Value::Simple("PONG".to_owned()));
    });
}

#[test]
fn inline_requests_are_split_like_a_shell_would() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.send_raw("SET key \"a b\\x41\\n\"\r\nGET key\nSET 'k 2' 'it\\'s'\r\nGET 'k 2'\r\n");
        assert_eq!(client.recv().text(), "OK");
        assert_eq!(client.recv().text(), "a bA\n");
        assert_eq!(client.recv().text(), "OK");
        assert_eq!(client.recv().text(), "it's");
        client.send_raw("  ECHO   spaced  \r\n");
        assert_eq!(client.recv().text(), "spaced");
    });
}

#[test]
fn a_request_may_come_byte_by_byte() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for byte in b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\n1\r\n23\r\nGET a\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n" {
            client.send_raw([*byte]);
        }
        assert_eq!(client.recv().text(), "OK");
        assert_eq!(client.recv().text(), "1\r\n23");
        assert_eq!(client.recv().text(), "1\r\n23");
    });
}

#[test]
fn a_pipeline_answers_in_order_wherever_it_is_cut() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut batch = Vec::new();
        for number in 0..2_000 {
            batch.extend_from_slice(
                format!("SET k{number} v{number}\r\nGET k{number}\r\n").as_bytes(),
            );
            batch.extend_from_slice(b"NONSENSE\r\n");
        }
        for part in batch.chunks(777) {
            client.send_raw(part);
        }
        for number in 0..2_000 {
            assert_eq!(client.recv().text(), "OK");
            assert_eq!(client.recv().text(), format!("v{number}"));
            assert!(client.recv().error().starts_with("ERR unknown command"));
        }
    });
}

#[test]
fn values_of_any_size_come_back_unchanged() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for size in [0, 1, 44, 45, 100, 1_023, 16_383, 16_384, 16_385, 100_000, 5_000_000] {
            let value: Vec<u8> = (0..=255).cycle().take(size).collect();
            let set = client.call(&[b"SET".as_slice(), b"a", &value]);
            assert_eq!(set.text(), "OK");
            assert!(client.call(&["GET", "a"]) == Value::Bulk(value), "a value of {size} bytes");
            assert_eq!(client.call(&["STRLEN", "a"]), Value::Int(i64::try_from(size).unwrap()));
        }
    });
}

#[test]
fn large_replies_in_a_pipeline_keep_their_order() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["SET", "small", "s"]);
        client.call(&["SET", "large", &"l".repeat(300_000)]);
        let lines = ["GET small", "GET large", "MGET small large small", "PING"].repeat(20);
        for (line, reply) in lines.iter().zip(client.pipeline(&lines)) {
            let length = match reply {
                Value::Array(items) => items.iter().map(|item| item.text().len()).sum(),
                other => other.text().len(),
            };
            let expected = match *line {
                "GET small" => 1,
                "GET large" => 300_000,
                "PING" => 4,
                _ => 300_002,
            };
            assert_eq!(length, expected, "{line}");
        }
    });
}

#[test]
fn a_half_closed_connection_gets_all_its_replies() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["SET", "a", &"v".repeat(100)]);
        client.send_raw(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n".repeat(200));
        client.send(&["INCR", "n"]);
        client.half_close();
        for _ in 0..200 {
            assert_eq!(client.recv().text().len(), 100);
        }
        assert_eq!(client.recv(), Value::Int(1));
        assert!(client.is_closed_by_server());
    });
}

#[test]
fn half_a_request_is_never_run() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.send_raw("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\n123");
        client.half_close();
        assert!(client.is_closed_by_server());
        assert_eq!(server.client().call(&["EXISTS", "a"]), Value::Int(0));
    });
}

#[test]
fn errors_repeat_bytes_as_they_came_up_to_a_zero() {
    for_each_thread_count(|server| {
        let requests: [(&[u8], &[u8]); 4] = [
            (
                b"*2\r\n$4\r\na\xff\0b\r\n$3\r\nc\xfed\r\n",
                b"-ERR unknown command 'a\xff', with args beginning with: 'c\xfed' \r\n",
            ),
            (
                b"*2\r\n$6\r\nCLIENT\r\n$2\r\n\xff\0\r\n",
                b"-ERR unknown subcommand '\xff'. Try CLIENT HELP.\r\n",
            ),
            (
                b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$2\r\n\xff\0\r\n$1\r\n1\r\n",
                b"-ERR Unknown option or number of arguments for CONFIG SET - '\xff'\r\n",
            ),
            (
                b"*4\r\n$6\r\nEXPIRE\r\n$1\r\na\r\n$1\r\n1\r\n$2\r\n\xff\0\r\n",
                b"-ERR Unsupported option \xff\r\n",
            ),
        ];
        for (request, expected) in requests {
            let client = Client::connect(server.address());
            let mut socket = client.socket();
            socket.write_all(request).unwrap();
            let mut reply = vec![0; expected.len()];
            socket.read_exact(&mut reply).unwrap();
            assert_eq!(reply.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
    });
}

#[test]
fn a_browser_that_posts_here_is_cut_off_before_its_body_is_run() {
    for_each_thread_count(|server| {
        let attempts: [&[u8]; 2] = [
            b"POST / HTTP/1.1\r\nSET a 1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET a 1\r\n",
        ];
        for attempt in attempts {
            let client = Client::connect(server.address());
            let mut socket = client.socket();
            socket.write_all(attempt).unwrap();
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest);
        }
        assert_eq!(server.client().call(&["EXISTS", "a"]), Value::Int(0));
    });
}

#[test]
fn quit_answers_and_closes() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.send_raw("QUIT\r\nSET a 1\r\n");
        assert_eq!(client.recv().text(), "OK");
        assert!(client.is_closed_by_server());
        assert_eq!(server.client().call(&["EXISTS", "a"]), Value::Int(0));
    });
}

#[test]
fn an_error_in_a_pipeline_spoils_only_its_command() {
    for_each_thread_count(|server| {
        let lines = ["SET a text", "INCR a", "GET", "NONSENSE", "GET a"];
        let replies = server.client().pipeline(&lines);
        let errors: Vec<bool> = replies.iter().map(Value::is_error).collect();
        assert_eq!(errors, [false, true, true, true, false]);
    });
}

#[test]
fn one_large_pipeline_without_reading_is_answered_whole() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["SET", "a", &"v".repeat(1_000)]);
        let mut writer = client.socket().try_clone().unwrap();
        let sender = std::thread::spawn(move || {
            let batch = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n".repeat(1_000);
            for _ in 0..30 {
                writer.write_all(&batch).unwrap();
            }
        });
        for _ in 0..30_000 {
            assert_eq!(client.recv().text().len(), 1_000);
        }
        sender.join().unwrap();
    });
}
