//! Functions over sockets: libraries on several workers, what races with their changes, and functions
//! that take long.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tempfile::TempDir;

use crate::support::{
    Client, Server, for_each_thread_count, for_each_thread_count_with, in_threads, wait_until,
};

const CLIENTS: usize = 8;
const BUSY: &str =
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";

/// Returns the text of a library with one function.
fn library(name: &str, function: &str, body: &str) -> String {
    format!(
        "#!lua name={name}\nredis.register_function('{function}', function(keys, args) {body} end)"
    )
}

fn load(client: &mut Client, text: &str) {
    let reply = client.call(&["FUNCTION", "LOAD", "REPLACE", text]);
    assert!(!reply.is_error(), "{reply:?}");
}

#[test]
fn a_function_that_was_loaded_is_called_by_every_worker() {
    for_each_thread_count(|server| {
        let mut clients: Vec<Client> = (0..CLIENTS).map(|_| server.client()).collect();
        for step in 0..20 {
            let text = library("lib", "version", &format!("return {step}"));
            load(&mut clients[step % CLIENTS], &text);
            for client in &mut clients {
                assert_eq!(client.line("FCALL version 0").int(), step as i64);
            }
        }
        assert_eq!(clients[0].line("FUNCTION DELETE lib").text(), "OK");
        for client in &mut clients {
            assert_eq!(client.line("FCALL version 0").error(), "ERR Function not found");
        }
    });
}

#[test]
fn a_call_never_sees_a_library_older_than_one_that_was_seen() {
    for_each_thread_count(|server| {
        let (latest, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        load(&mut server.client(), &library("lib", "version", "return 0"));
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            if index == 0 {
                for version in 1..=200 {
                    let body = format!("return {version}");
                    load(&mut client, &library("lib", "version", &body));
                    latest.store(version, Ordering::SeqCst);
                }
                return is_over.store(true, Ordering::SeqCst);
            }
            let mut seen = 0;
            while !is_over.load(Ordering::SeqCst) {
                let least = latest.load(Ordering::SeqCst).max(seen);
                seen = client.line("FCALL version 0").int().unsigned_abs();
                assert!(seen >= least, "{seen} after {least}");
            }
        });
        assert_eq!(server.client().line("FCALL version 0").int(), 200);
    });
}

#[test]
fn calls_race_with_every_change_of_the_libraries() {
    const BODY: &str = "redis.call('INCR', keys[1]) return redis.call('INCR', 'all')";
    for_each_thread_count(|server| {
        let text = library("lib", "count", BODY);
        let other = library("other", "nothing", "return 1");
        let (called, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            if index < 2 {
                for step in 0..150 {
                    match (step + index) % 5 {
                        0 => drop(client.line("FUNCTION DELETE lib")),
                        1 => drop(client.line("FUNCTION FLUSH")),
                        2 => drop(client.call(&["FUNCTION", "LOAD", &other])),
                        _ => load(&mut client, &text),
                    }
                }
                return is_over.store(true, Ordering::SeqCst);
            }
            while !is_over.load(Ordering::SeqCst) {
                let key = format!("key:{}", index % 3);
                let reply = client.call(&["FCALL", "count", "1", &key]);
                if reply.is_error() {
                    // Besides having lost the race, two calls of a new library may get into each
                    // other's way, since both use a key that they have not declared.
                    let error = reply.error().to_owned();
                    assert!(
                        error == "ERR Function not found" || error.contains("Another script"),
                        "{error}"
                    );
                    if error != "ERR Function not found" {
                        client.line("INCR all");
                        called.fetch_add(1, Ordering::SeqCst);
                    }
                } else {
                    called.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let mut client = server.client();
        let counts = client.line("MGET key:0 key:1 key:2").texts();
        let sum: u64 = counts.iter().map(|text| text.parse::<u64>().unwrap_or(0)).sum();
        assert_eq!(sum, called.load(Ordering::SeqCst));
        assert_eq!(client.line("GET all").text().parse(), Ok(sum));
    });
}

#[test]
fn an_endless_function_is_killed_by_its_own_command_only() {
    for_each_thread_count_with(&[("busy-reply-threshold", "20")], |server| {
        let mut client = server.client();
        load(&mut client, &library("lib", "endless", "while true do end"));
        let mut busy = server.client();
        busy.send(&["FCALL", "endless", "0", "argument"]);
        wait_until("the function is slow", || {
            server.log().contains("killing the script using the FUNCTION KILL command")
        });
        for client in [&mut client, &mut server.client(), &mut server.client()] {
            assert_eq!(client.line("GET a").error(), BUSY);
            assert_eq!(client.line("FCALL endless 0").error(), BUSY);
            assert_eq!(client.line("FUNCTION LIST").error(), BUSY);
            assert_eq!(client.line("SCRIPT KILL").error(), BUSY);
        }
        let stats = client.line("FUNCTION STATS").to_string();
        for word in ["running_script", "endless", "argument", "duration_ms", "libraries_count"] {
            assert!(stats.contains(word), "{stats}");
        }
        assert_eq!(client.line("FUNCTION KILL").text(), "OK");
        assert_eq!(
            busy.recv().error(),
            "ERR Script killed by user with SCRIPT KILL... script: endless, on @user_function:2."
        );
        let idle = "NOTBUSY No scripts in execution right now.";
        assert_eq!(client.line("FUNCTION KILL").error(), idle);
        load(&mut client, &library("lib", "endless", "return 1"));
        assert_eq!(busy.line("FCALL endless 0").int(), 1);
    });
}

#[test]
fn a_library_whose_code_does_not_end_is_refused_and_holds_up_nobody_for_long() {
    for_each_thread_count(|server| {
        in_threads(3, |index| {
            let mut client = server.client();
            if index > 0 {
                client.pipeline(&["SET a 1"; 50]);
                return;
            }
            let reply = client.call(&["FUNCTION", "LOAD", "#!lua name=lib\nwhile true do end"]);
            assert_eq!(reply.error(), "ERR Error registering functions: ERR FUNCTION LOAD timeout");
        });
        assert!(server.client().line("FUNCTION LIST").items().is_empty());
    });
}

#[test]
fn libraries_outlive_the_process_and_a_flush_of_the_data() {
    let folder = TempDir::new().expect("a folder for the data");
    let place = folder.path().to_string_lossy();
    for thread_count in ["1", "4"] {
        let settings = [("dir", &*place), ("threads", thread_count)];
        let server = Server::start(&settings);
        let mut client = server.client();
        load(&mut client, &library("lib", "number", "return 7"));
        client.line("FLUSHALL");
        assert_eq!(client.line("SAVE").text(), "OK");
        load(&mut client, &library("unsaved", "other", "return 8"));
        drop((client, server));
        let server = Server::start(&settings);
        in_threads(4, |_| {
            let mut client = server.client();
            assert_eq!(client.line("FCALL number 0").int(), 7);
            assert_eq!(client.line("FCALL other 0").error(), "ERR Function not found");
        });
        let mut client = server.client();
        assert_eq!(client.info_int("number_of_libraries"), 1);
        assert_eq!(client.info_int("number_of_functions"), 1);
        assert!(client.info_int("used_memory_vm_functions") > 0);
        assert_eq!(client.line("FUNCTION FLUSH").text(), "OK");
    }
}

#[test]
fn flags_say_what_runs_while_memory_is_short() {
    const TEXT: &str = "#!lua name=lib\n\
        redis.register_function{function_name='reads', flags={'no-writes'}, \
        callback=function(keys) return redis.call('EXISTS', keys[1]) end} \
        redis.register_function{function_name='writes', flags={'allow-oom'}, \
        callback=function(keys) return redis.call('SET', keys[1], 1) end} \
        redis.register_function('plain', function() return 1 end)";
    for_each_thread_count(|server| {
        let mut client = server.client();
        load(&mut client, TEXT);
        client.call(&["SET", "filler", &"x".repeat(1000)]);
        client.line("CONFIG SET maxmemory 1");
        let full = "OOM command not allowed when used memory > 'maxmemory'.";
        // Workers hear of the setting one after the other.
        wait_until("memory is short", || client.line("FCALL plain 0").is_error());
        assert_eq!(client.line("FCALL plain 0").error(), full);
        assert_eq!(client.call(&["FUNCTION", "LOAD", "REPLACE", TEXT]).error(), full);
        assert_eq!(client.line("FCALL reads 1 a").int(), 0);
        assert_eq!(client.line("FCALL_RO reads 1 a").int(), 0);
        assert_eq!(client.line("FCALL writes 1 a").text(), "OK");
        client.line("CONFIG SET maxmemory 0");
        wait_until("there is memory", || !client.line("FCALL plain 0").is_error());
    });
}
