//! The data outlives the process: SAVE, loading at the start, saving at the end, DEBUG RELOAD.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Server, Value, hold, is_reference};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the data")
}

fn start_in(folder: &Path, settings: &[(&str, &str)]) -> Server {
    let place = folder.to_string_lossy();
    let mut all = vec![("dir", &*place)];
    all.extend_from_slice(settings);
    Server::start(&all)
}

#[test]
fn what_was_saved_is_there_after_a_restart() {
    let folder = folder();
    let server = start_in(folder.path(), &[]);
    let mut client = server.client();
    client.transcript(
        r"
        SET text hello
        SET number 12345
        SETRANGE long 100000 x
        SET lasting 1 EX 1000
        SELECT 3
        SET other 1
        SAVE => +OK
        SET unsaved 1
        ",
    );
    assert_eq!(client.info_int("rdb_changes_since_last_save"), 1);
    drop((client, server));
    let server = start_in(folder.path(), &[]);
    let mut client = server.client();
    client.transcript(
        r#"
        GET text => "hello"
        GET number => "12345"
        OBJECT ENCODING number => "int"
        STRLEN long => :100001
        TTL lasting => :1000
        DBSIZE => :4
        SELECT 3
        KEYS * => ["other"]
        "#,
    );
    assert_eq!(client.info_int("rdb_last_load_keys_loaded"), 5);
}

#[test]
fn keys_due_meanwhile_are_not_loaded() {
    let folder = folder();
    let server = start_in(folder.path(), &[]);
    server.client().transcript(
        r"
        DEBUG SET-ACTIVE-EXPIRE 0
        SET stays 1
        SET goes 1 PX 1
        SAVE => +OK
        ",
    );
    drop(server);
    let server = start_in(folder.path(), &[]);
    let mut client = server.client();
    client.transcript("KEYS * => [\"stays\"]");
    assert_eq!(client.info_int("rdb_last_load_keys_expired"), 1);
}

#[test]
fn the_end_saves_as_the_request_or_the_save_points_say() {
    let by_default = &["SHUTDOWN"][..];
    for (settings, command, is_saved) in [
        (&[][..], by_default, false),
        (&[], &["SHUTDOWN", "SAVE"], true),
        (&[("save", "3600 1")], by_default, true),
        (&[("save", "3600 1")], &["SHUTDOWN", "NOSAVE"], false),
    ] {
        let folder = folder();
        let mut server = start_in(folder.path(), settings);
        let mut client = server.client();
        client.transcript("SET a 1");
        client.send(command);
        assert!(server.wait_for_end().success());
        assert_eq!(folder.path().join("dump.rdb").exists(), is_saved, "{settings:?} {command:?}");
    }
    let folder = folder();
    let mut server = start_in(folder.path(), &[("save", "3600 1")]);
    server.client().transcript("SET a 1");
    assert!(server.end_by(libc::SIGTERM).success());
    assert!(folder.path().join("dump.rdb").exists());
}

#[test]
fn a_server_that_cannot_save_goes_on() {
    let folder = folder();
    let server = start_in(folder.path(), &[("save", "3600 1")]);
    let mut client = server.client();
    client.transcript("SET a 1");
    // A folder in the file's place.
    fs::create_dir_all(folder.path().join("dump.rdb/x")).expect("a folder");
    client.transcript(
        r#"
        SAVE => -ERR
        SHUTDOWN => -ERR Errors trying to SHUTDOWN. Check logs.
        SET b 2
        MGET a b => ["1", "2"]
        "#,
    );
    let left = fs::read_dir(folder.path()).expect("our folder");
    let names: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("temp-")), "{names:?}");
    server.client().send(&["SHUTDOWN", "NOSAVE"]);
}

#[test]
fn a_damaged_file_is_fatal() {
    let folder = folder();
    let server = start_in(folder.path(), &[]);
    server.client().transcript("MSET a 1 b 2\nSAVE");
    drop(server);
    let file = folder.path().join("dump.rdb");
    let whole = fs::read(&file).expect("it was saved");
    let place = folder.path().to_string_lossy().into_owned();
    let mut flipped = whole.clone();
    flipped[whole.len() - 12] ^= 1;
    for damaged in [&whole[..whole.len() / 2], b"nonsense, but long enough", &flipped] {
        fs::write(&file, damaged).expect("our file");
        let (status, log) = Server::start_in_vain(&[("dir", &place)]);
        assert!(!status.success(), "{log}");
        assert!(is_reference() || log.contains("Fatal error loading the DB"), "{log}");
        assert_eq!(fs::read(&file).expect("it stays"), damaged);
    }
}

#[test]
fn a_reload_brings_everything_back() {
    hold(
        r#"
        SET a 1
        SET b 2 EX 1000
        DEBUG RELOAD => +OK
        MGET a b => ["1", "2"]
        TTL b => :1000
        SET a 3
        DEBUG RELOAD NOSAVE => +OK
        GET a => "1"
        SET a 4
        SET c 5
        DEBUG RELOAD NOSAVE NOFLUSH MERGE => +OK
        MGET a b c => ["1", "2", "5"]
        DEBUG RELOAD FOO => -ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.
        "#,
    );
}

#[test]
fn saving_in_the_background_is_refused_until_it_can_be_done() {
    if is_reference() {
        return;
    }
    hold(
        r"
        BGSAVE => -ERR BGSAVE needs snapshots in the background...
        BGSAVE FOO => -ERR syntax error
        LASTSAVE => :...
        ",
    );
}

#[test]
fn whoever_watches_or_tracks_keys_takes_a_reload_for_a_flush() {
    let folder = folder();
    let server = start_in(folder.path(), &[]);
    let (mut other, mut client) = (server.client(), server.client_resp3());
    other.line("SET key 1");
    client.line("CLIENT TRACKING ON");
    client.line("WATCH key");
    assert_eq!(client.line("GET key").text(), "1");
    assert_eq!(other.line("DEBUG RELOAD").text(), "OK");
    let news = client.recv();
    assert_eq!(news.items()[0].text(), "invalidate");
    assert_eq!(news.items()[1], Value::Null);
    client.line("MULTI");
    client.line("GET key");
    assert_eq!(client.line("EXEC"), Value::Null);
    assert_eq!(client.line("GET key").text(), "1");
}
