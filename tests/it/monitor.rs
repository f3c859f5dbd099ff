//! What others see of a command: MONITOR, the slow log and the statistics, also of commands inside
//! transactions and scripts.

use std::collections::HashMap;

use crate::support::{
    Client, Server, Value, for_each_thread_count, for_each_thread_count_with, in_threads,
    wait_until,
};

fn monitor(server: &Server) -> Client {
    let mut client = server.client();
    assert_eq!(client.line("MONITOR"), Value::Simple("OK".into()));
    client
}

/// Returns database, client and command of the next line.
#[track_caller]
fn seen(monitor: &mut Client) -> (String, String, String) {
    let line = monitor.recv().text();
    let (time, rest) = line.split_once(" [").expect("a time stands first");
    let (seconds, micros) = time.split_once('.').expect("with its fraction");
    assert!(seconds.parse::<u64>().is_ok() && micros.len() == 6, "{line}");
    let (who, command) = rest.split_once("] ").expect("then the client");
    let (db, address) = who.split_once(' ').expect("with its database");
    (db.to_owned(), address.to_owned(), command.to_owned())
}

#[track_caller]
fn expect(monitor: &mut Client, lines: &[(&str, &str, &str)]) {
    for (db, address, command) in lines {
        let line = seen(monitor);
        assert_eq!((line.0.as_str(), line.1.as_str(), line.2.as_str()), (*db, *address, *command));
    }
}

#[test]
fn those_who_monitor_see_commands_as_they_came() {
    for_each_thread_count(|server| {
        let mut eyes = [monitor(server), monitor(server), monitor(server)];
        let mut client = server.client();
        let me = client.local_address();
        client.call::<&[u8]>(&[b"set", b"a\n\x01\"", b"\xff\\"]);
        client.line("SELECT 3");
        client.line("AUTH default secret");
        client.line("HELLO 2 AUTH default secret SETNAME me");
        client.pipeline(&["CONFIG SET maxmemory-samples 5", "CLIENT LIST", "NOTHING", "GET"]);
        client.line("CLIENT ID");
        for eye in &mut eyes {
            expect(
                eye,
                &[
                    ("0", &me, r#""set" "a\n\x01\"" "\xff\\""#),
                    ("3", &me, r#""SELECT" "3""#),
                    ("3", &me, r#""AUTH" "(redacted)" "(redacted)""#),
                    ("3", &me, r#""HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me""#),
                    ("3", &me, r#""CLIENT" "ID""#),
                ],
            );
        }
    });
}

#[test]
fn commands_of_transactions_and_scripts_stand_where_they_run() {
    const SCRIPT: &str = "redis.call('get', KEYS[1]) redis.pcall('config', 'get', 'x') \
                          redis.call('get', 'other') redis.call('set', KEYS[1], 'y') return 1";
    for_each_thread_count(|server| {
        let mut eye = monitor(server);
        let mut client = server.client();
        let me = client.local_address();
        client.pipeline(&["MULTI", "SET a 1", "SELECT 2", "EXEC", "SELECT 0"]);
        client.pipeline(&["MULTI", "SET a", "EXEC"]);
        let set = [("0", me.as_str(), r#""SET" "a" "1""#), ("2", &me, r#""SELECT" "2""#)];
        let (multi, exec) = (("0", me.as_str(), r#""MULTI""#), ("2", me.as_str(), r#""EXEC""#));
        expect(&mut eye, &[multi, set[0], set[1], exec, ("0", &me, r#""SELECT" "0""#)]);
        expect(&mut eye, &[multi, ("0", &me, r#""EXEC""#)]);
        // The script is run again when it is found to use a key that it has not declared.
        let shown = [
            ("0", me.as_str(), format!("\"EVAL\" \"{SCRIPT}\" \"1\" \"k\"")),
            ("0", "lua", r#""get" "k""#.into()),
            ("0", "lua", r#""get" "other""#.into()),
            ("0", "lua", r#""set" "k" "y""#.into()),
        ];
        let shown: Vec<_> = shown.iter().map(|line| (line.0, line.1, line.2.as_str())).collect();
        assert_eq!(client.call(&["EVAL", SCRIPT, "1", "k"]).int(), 1);
        expect(&mut eye, &shown);
        client.line("MULTI");
        client.call(&["EVAL", SCRIPT, "1", "k"]);
        client.line("EXEC");
        expect(&mut eye, &[multi]);
        expect(&mut eye, &shown);
        expect(&mut eye, &[("0", &me, r#""EXEC""#)]);
    });
}

#[test]
fn nothing_is_shown_behind_a_reset() {
    for_each_thread_count(|server| {
        let mut eye = monitor(server);
        let mut client = server.client();
        assert!(client.line("CLIENT LIST").text().contains(" flags=O "));
        assert_eq!(client.info_int("monitor_clients"), 1);
        client.line("PING");
        let me = client.local_address();
        expect(&mut eye, &[("0", &me, r#""INFO" "everything""#), ("0", &me, r#""PING""#)]);
        assert!(eye.line("GET a").is_error());
        assert_eq!(eye.line("RESET"), Value::Simple("RESET".into()));
        client.line("SET a 1");
        assert_eq!(eye.line("GET a").text(), "1");
        assert_eq!(client.info_int("monitor_clients"), 0);
    });
}

#[test]
fn the_commands_of_one_client_come_in_their_order() {
    const CLIENTS: usize = 6;
    const COMMANDS: usize = 300;
    for_each_thread_count(|server| {
        let mut eye = monitor(server);
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for step in (0..COMMANDS).step_by(3) {
                let lines: Vec<String> =
                    (step..step + 3).map(|step| format!("ECHO {index}:{step}")).collect();
                client.pipeline(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            }
        });
        let mut next: HashMap<String, usize> = HashMap::new();
        for _ in 0..CLIENTS * COMMANDS {
            let (_, _, command) = seen(&mut eye);
            let text = command.trim_matches('"').strip_prefix("ECHO\" \"").expect("an ECHO");
            let (client, step) = text.split_once(':').expect("two numbers");
            let expected = next.entry(client.to_owned()).or_default();
            assert_eq!(step.parse::<usize>().expect("a number"), *expected);
            *expected += 1;
        }
    });
}

#[test]
fn one_who_does_not_read_is_closed_at_the_limit() {
    let settings = [("client-output-buffer-limit", "normal 1mb 0 0")];
    for_each_thread_count_with(&settings, |server| {
        let _eye = monitor(server);
        let mut client = server.client();
        let text = "x".repeat(100_000);
        wait_until("the one who monitors is closed", || {
            client.call(&["ECHO", &text]);
            client.info_int("monitor_clients") == 0
        });
        assert_eq!(client.info_int("client_output_buffer_limit_disconnections"), 1);
    });
}

#[test]
fn commands_inside_others_are_counted_and_logged() {
    for_each_thread_count_with(&[("slowlog-log-slower-than", "0")], |server| {
        let mut client = server.client();
        let me = client.local_address();
        client.line("CLIENT SETNAME me");
        client.line("CONFIG RESETSTAT");
        client.line("SLOWLOG RESET");
        client.pipeline(&["MULTI", "SET a 1", "GET a", "GET b", "EXEC"]);
        client.call(&["EVAL", "return redis.call('incr', KEYS[1])", "1", "a"]);
        let log = client.line("SLOWLOG GET -1");
        let commands: Vec<String> =
            log.items().iter().map(|entry| entry.items()[3].texts()[0].clone()).collect();
        assert_eq!(commands, ["EVAL", "incr", "GET", "GET", "SET", "MULTI", "SLOWLOG"]);
        let entry = log.items()[1].items();
        assert_eq!((entry[4].text(), entry[5].text()), (me, "me".to_owned()));
        // RESETSTAT, RESET, MULTI, three of the queue, EXEC, INCR, EVAL, SLOWLOG GET.
        assert_eq!(client.info_int("total_commands_processed"), 10);
        assert_eq!(client.info_int("keyspace_hits"), 1);
        assert_eq!(client.info_int("keyspace_misses"), 1);
    });
}

#[test]
fn whoever_comes_and_goes_sees_nothing_in_between() {
    for_each_thread_count(|server| {
        in_threads(5, |index| {
            let mut client = server.client();
            if index < 2 {
                for _ in 0..300 {
                    client.pipeline(&["SET a 1", "MULTI", "GET a", "EXEC"]);
                }
                return;
            }
            for _ in 0..100 {
                client.send_raw("MONITOR\r\nRESET\r\n");
                assert_eq!(client.recv().text(), "OK");
                while client.recv().text() != "RESET" {}
                assert_eq!(client.line("PING").text(), "PONG");
            }
        });
        assert_eq!(server.client().info_int("monitor_clients"), 0);
    });
}
