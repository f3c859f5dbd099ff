//! From the command line to the last byte of the log: starting, refusing to, stopping.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::support::{Server, Value, is_reference, wait_until};

#[test]
fn sigterm_and_sigint_stop_it_cleanly() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut server = Server::start(&[]);
        let mut client = server.client();
        client.call(&["SET", "a", "1"]);
        let status = server.end_by(signal);
        assert!(status.success(), "{status}");
        assert!(client.is_closed_by_server());
    }
}

#[test]
fn a_second_sigint_ends_what_a_script_keeps_from_stopping() {
    for threads in ["1", "3"] {
        let settings = [("threads", threads), ("busy-reply-threshold", "20")];
        let mut server = Server::start(&settings);
        let mut client = server.client();
        client.send(&["EVAL", "while true do end", "1", "held"]);
        wait_until("the script is slow", || server.log().contains("Slow script detected"));
        server.signal(libc::SIGINT);
        wait_until("it heard the first", || server.log().contains("Received SIGINT"));
        assert_eq!(server.end_by(libc::SIGINT).code(), Some(1));
        assert!(client.is_closed_by_server());
    }
}

#[test]
fn sighup_does_not_end_it() {
    let server = Server::start(&[]);
    server.signal(libc::SIGHUP);
    for _ in 0..10 {
        assert_eq!(server.client().call(&["PING"]).text(), "PONG");
    }
}

#[test]
fn shutdown_ends_the_process_and_every_connection() {
    for command in
        [&["SHUTDOWN", "NOSAVE"][..], &["SHUTDOWN"], &["SHUTDOWN", "NOSAVE", "NOW", "FORCE"]]
    {
        let mut server = Server::start(&[]);
        let (mut other, mut client) = (server.client(), server.client());
        assert_eq!(other.call(&["PING"]).text(), "PONG");
        client.send(command);
        assert!(server.wait_for_end().success());
        assert!(client.is_closed_by_server() && other.is_closed_by_server());
    }
}

#[test]
fn a_wrong_setting_is_explained_and_nothing_starts() {
    for (name, value, why) in [
        ("timeout", "1 2 3", "wrong number of arguments"),
        ("maxmemory", "lots", "argument must be a memory"),
        ("maxmemory-policy", "sometimes", "argument(s) must be one of the following"),
        ("maxmemory-samples", "1000", "argument must be between"),
        ("appendonly", "perhaps", "argument must be 'yes' or 'no'"),
    ] {
        let (status, log) = Server::start_in_vain(&[(name, value)]);
        assert!(!status.success(), "{name} {value} is accepted");
        assert!(log.contains(why), "{name} {value}: {log}");
        assert!(log.contains(name), "{name} {value}: {log}");
    }
}

#[test]
fn an_unknown_setting_is_named_and_nothing_starts() {
    let (status, log) = Server::start_in_vain(&[("nonsense", "1")]);
    assert!(!status.success());
    assert!(log.contains("'nonsense"), "{log}");
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let server = Server::start(&[]);
    let port = server.address().port().to_string();
    let (status, log) = Server::start_in_vain(&[("port", &port)]);
    assert!(!status.success());
    assert!(log.contains("ddress already in use"), "{log}");
}

#[test]
fn a_configuration_file_is_read_and_rewritten() {
    let server = Server::start_from_file(
        "# a comment that stays\nmaxmemory 100mb\nmaxmemory-policy allkeys-lru\ntimeout 7\n",
    );
    let mut client = server.client();
    client.transcript(
        r#"
        CONFIG GET maxmemory => ["maxmemory", "104857600"]
        CONFIG GET timeout => ["timeout", "7"]
        CONFIG SET timeout 9 maxmemory-samples 8
        CONFIG REWRITE => +OK
        "#,
    );
    let path = server.folder().join("server.conf");
    let text = fs::read_to_string(path).unwrap();
    assert!(text.starts_with("# a comment that stays\n"), "{text}");
    for line in ["maxmemory-policy allkeys-lru", "timeout 9", "maxmemory-samples 8"] {
        assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
    }
    drop(server);
    // The next server has a port and a folder of its own.
    let is_own = |line: &&str| line.starts_with("port ") || line.starts_with("dir ");
    let kept: Vec<&str> = text.lines().filter(|line| !is_own(line)).collect();
    let again = Server::start_from_file(&kept.join(
        "
",
    ));
    again.client().transcript("CONFIG GET timeout => [\"timeout\", \"9\"]");
}

#[test]
fn an_option_beats_the_line_of_the_file() {
    let server = Server::start(&[("timeout", "3"), ("timeout", "4")]);
    server.client().transcript("CONFIG GET timeout => [\"timeout\", \"4\"]");
}

#[test]
fn a_pidfile_holds_the_process_and_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pid");
    let mut server = Server::start(&[("pidfile", path.to_str().unwrap())]);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.trim(), server.process_id().to_string());
    assert!(server.end_by(libc::SIGTERM).success());
    assert!(!path.exists());
}

#[test]
fn the_log_can_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.log");
    let server = Server::start(&[("logfile", path.to_str().unwrap())]);
    let ready = "Ready to accept connections";
    wait_until("the log says it is ready", || fs::read_to_string(&path).unwrap().contains(ready));
    assert!(!server.log().contains(ready));
}

#[test]
fn a_unix_socket_serves_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.sock");
    let settings = [("unixsocket", path.to_str().unwrap()), ("unixsocketperm", "700")];
    let server = Server::start(&settings);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"SET a 1\r\nCLIENT LIST\r\nQUIT\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("+OK\r\n"), "{text}");
    assert!(text.contains(&format!("addr={}:0", path.display())), "{text}");
    assert!(text.contains("flags=U"), "{text}");
    assert_eq!(server.client().call(&["GET", "a"]).text(), "1");
}

#[test]
fn it_listens_on_every_address_it_is_told() {
    let server = Server::start(&[("bind", "127.0.0.1 127.0.0.2 -::1")]);
    let port = server.address().port();
    for address in ["127.0.0.1", "127.0.0.2"] {
        let address: SocketAddr = format!("{address}:{port}").parse().unwrap();
        let mut client = crate::support::Client::connect(address);
        assert_eq!(client.call(&["PING"]).text(), "PONG");
    }
}

fn run_program(arguments: &[&str]) -> (bool, String) {
    let output =
        Command::new(crate::support::program()).args(arguments).stdin(Stdio::null()).output();
    let output = output.expect("the program runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn it_says_which_version_it_is_and_how_it_is_called() {
    for option in ["--version", "-v"] {
        let (success, text) = run_program(&[option]);
        assert!(success && text.lines().count() == 1, "{option}: {text}");
        assert!(text.contains("v="), "{option}: {text}");
    }
    for option in ["--help", "-h"] {
        let (_, text) = run_program(&[option]);
        assert!(text.contains("Usage:"), "{option}: {text}");
        assert!(text.contains("--port"), "{option}: {text}");
    }
}

#[test]
fn settings_can_come_from_standard_input() {
    let mut child = Command::new(crate::support::program())
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"port 0\nmaxmemory lots\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success());
    assert!(text.contains("argument must be a memory"), "{text}");
}

/// Asks for a page as a scraper would; returns the status line and the body.
fn fetch(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("the metrics port is open");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

#[test]
fn metrics_and_health_are_served() {
    if is_reference() {
        return;
    }
    let (server, metrics) = Server::start_with_metrics(&[]);
    let mut client = server.client();
    client.transcript("SET a 1\nGET a\nGET missing\nSET b 1 EX 1000");
    let (status, _) = fetch(metrics, "/healthz");
    assert!(status.contains(" 200 "), "{status}");
    let (status, page) = fetch(metrics, "/metrics");
    assert!(status.contains(" 200 "), "{status}");
    for line in [
        "redis_up 1",
        "redis_connected_clients 1",
        "redis_keyspace_hits_total 1",
        "redis_keyspace_misses_total 1",
        "redis_db_keys{db=\"db0\"} 2",
        "redis_db_keys_expiring{db=\"db0\"} 1",
        "redis_commands_total{cmd=\"get\"} 2",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is missing:\n{page}");
    }
    let (status, _) = fetch(metrics, "/nothing");
    assert!(status.contains(" 404 "), "{status}");
}

#[test]
fn every_database_up_to_the_setting_is_there() {
    let server = Server::start(&[("databases", "3")]);
    server.client().transcript(
        r"
        SELECT 2 => +OK
        SELECT 3 => -ERR DB index is out of range
        SWAPDB 0 3 => -ERR DB index is out of range
        ",
    );
    assert_eq!(server.client().call(&["DBSIZE"]), Value::Int(0));
}
