//! Streams as clients see them: several at once, waiting, over several workers.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::support::{
    Client, Value, for_each_thread_count, hold, hold_resp3, in_threads, wait_until,
};

const CLIENTS: usize = 6;
const ENTRIES: usize = 200;

/// Returns the identifiers of the entries in a reply about one stream.
fn ids(reply: &Value) -> Vec<String> {
    let entries = reply.items()[0].items()[1].items();
    entries.iter().map(|entry| entry.items()[0].text()).collect()
}

fn wait_for_waiters(client: &mut Client, count: i64) {
    wait_until("the clients wait", || client.info_int("blocked_clients") == count);
}

#[test]
fn each_entry_of_racing_producers_goes_to_one_consumer() {
    for_each_thread_count(|server| {
        server.client().line("XGROUP CREATE s g 0 MKSTREAM");
        let seen = Mutex::new(Vec::new());
        in_threads(2 * CLIENTS, |index| {
            let mut client = server.client();
            if index % 2 == 0 {
                for _ in 0..ENTRIES {
                    client.line("XADD s * f v");
                }
                return;
            }
            let read = format!("XREADGROUP GROUP g c{index} BLOCK 300 COUNT 3 STREAMS s >");
            loop {
                let reply = client.line(&read);
                if reply.is_nil() {
                    break;
                }
                seen.lock().extend(ids(&reply));
            }
        });
        let seen = seen.into_inner();
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (CLIENTS * ENTRIES, CLIENTS * ENTRIES));
        let mut client = server.client();
        let pending = client.line("XPENDING s g").items()[0].int();
        assert_eq!(pending, i64::try_from(CLIENTS * ENTRIES).expect("small"));
    });
}

#[test]
fn racing_copies_of_a_producer_add_each_entry_once() {
    for_each_thread_count(|server| {
        let seen = Mutex::new(BTreeSet::new());
        in_threads(CLIENTS, |index| {
            let mut client = server.client();
            for entry in 0..ENTRIES / 4 {
                let sent = if index % 2 == 0 {
                    format!("XADD s IDMP p {entry} * f {index}")
                } else {
                    format!("XADD s IDMPAUTO q * f {entry}")
                };
                let id = client.line(&sent).text();
                seen.lock().insert((index % 2, entry, id));
            }
        });
        let mut client = server.client();
        assert_eq!(seen.into_inner().len(), 2 * (ENTRIES / 4));
        assert_eq!(client.line("XLEN s").int(), i64::try_from(2 * (ENTRIES / 4)).expect("small"));
        let duplicates = (CLIENTS - 2) * (ENTRIES / 4);
        let found = client.line("XINFO STREAM s").field("iids-duplicates").int();
        assert_eq!(found, i64::try_from(duplicates).expect("small"));
    });
}

#[test]
fn entries_given_back_are_taken_over_first_in_the_order_of_giving_back() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.line("XGROUP CREATE s g 0 MKSTREAM");
        (1..=6).for_each(|ms| drop(client.line(&format!("XADD s {ms}-0 f v"))));
        client.line("XREADGROUP GROUP g a STREAMS s >");
        assert_eq!(client.line("XNACK s g FAIL IDS 2 5-0 2-0").int(), 2);
        assert_eq!(client.line("XNACK s g SILENT IDS 2 1-0 5-0").int(), 2);
        assert_eq!(client.line("XNACK s g FAIL IDS 1 4-0").int(), 1);
        let read = "XREADGROUP GROUP g b CLAIM 0 COUNT 5 STREAMS s >";
        assert_eq!(ids(&client.line(read)), ["2-0", "1-0", "5-0", "4-0", "3-0"]);
    });
}

#[test]
fn every_reader_that_waits_gets_an_entry_added_anywhere() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut readers: Vec<Client> = (0..CLIENTS).map(|_| server.client()).collect();
        for reader in &mut readers {
            reader.send(&["XREAD", "BLOCK", "0", "STREAMS", "a", "b", "$", "$"]);
        }
        wait_for_waiters(&mut client, CLIENTS as i64);
        client.line("XADD b 5-1 f v");
        for reader in &mut readers {
            let reply = reader.recv();
            assert_eq!(reply.items()[0].items()[0].text(), "b");
            assert_eq!(ids(&reply), ["5-1"]);
        }
    });
}

#[test]
fn consumers_that_wait_are_served_in_order_of_arrival() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.line("XGROUP CREATE s g 0 MKSTREAM");
        let mut readers: Vec<Client> = Vec::new();
        for index in 0..CLIENTS {
            let mut reader = server.client();
            let name = format!("c{index}");
            let line = ["XREADGROUP", "GROUP", "g", &name, "BLOCK", "0", "STREAMS", "s", ">"];
            reader.send(&line);
            readers.push(reader);
            wait_for_waiters(&mut client, index as i64 + 1);
        }
        for index in 0..CLIENTS {
            client.line(&format!("XADD s {}-0 f v", index + 1));
        }
        for (index, reader) in readers.iter_mut().enumerate() {
            assert_eq!(ids(&reader.recv()), [format!("{}-0", index + 1)]);
        }
    });
}

#[test]
fn a_consumer_that_waits_hears_that_its_group_is_gone() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for removal in ["DEL s", "XGROUP DESTROY s g", "SET s x", "PEXPIRE s 1"] {
            client.line("DEL s");
            client.line("XGROUP CREATE s g 0 MKSTREAM");
            let mut reader = server.client();
            reader.send(&["XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"]);
            wait_for_waiters(&mut client, 1);
            client.line(removal);
            let reply = reader.recv();
            let code = if removal == "SET s x" { "WRONGTYPE" } else { "NOGROUP" };
            assert!(reply.error().starts_with(code), "{removal}: {}", reply.error());
        }
    });
}

#[test]
fn a_reader_that_waits_gets_all_that_comes_at_once() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for read in
            ["XREAD BLOCK 0 STREAMS a b $ $", "XREADGROUP GROUP g c BLOCK 0 STREAMS a b > >"]
        {
            client.line("DEL a b");
            client.line("XGROUP CREATE a g 0 MKSTREAM");
            client.line("XGROUP CREATE b g 0 MKSTREAM");
            let mut reader = server.client();
            reader.send(&read.split(' ').collect::<Vec<_>>());
            wait_for_waiters(&mut client, 1);
            for line in ["MULTI", "XADD b 1-1 f v", "XADD a 2-1 f v", "XADD a 2-2 f v", "EXEC"] {
                client.line(line);
            }
            let reply = reader.recv();
            assert_eq!(ids(&reply), ["2-1", "2-2"], "{read}");
            assert_eq!(reply.items()[1].items()[0].text(), "b", "{read}");
        }
    });
}

#[test]
fn a_consumer_that_waits_takes_over_what_has_become_idle_or_was_given_back() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.line("XGROUP CREATE s g 0 MKSTREAM");
        let mut waiting = |name: &str, idle_ms: &str, count: i64| {
            let mut reader = server.client();
            let read = ["XREADGROUP", "GROUP", "g", name, "BLOCK", "0", "CLAIM", idle_ms];
            reader.send(&[&read[..], &["STREAMS", "s", ">"]].concat());
            wait_for_waiters(&mut client, count);
            reader
        };
        // Both get the new entry: one as such, one when it has been idle for long enough.
        let mut readers =
            ["a", "b"].map(|name| waiting(name, "30", if name == "a" { 1 } else { 2 }));
        server.client().line("XADD s 1-0 f v");
        let counts = readers.each_mut().map(|reader| {
            let reply = reader.recv();
            assert_eq!(ids(&reply), ["1-0"]);
            reply.items()[0].items()[1].items()[0].items()[3].int()
        });
        assert_eq!(counts, [0, 1]);
        let mut reader = waiting("c", "100000000", 1);
        assert_eq!(server.client().line("XNACK s g FAIL IDS 1 1-0").int(), 1);
        assert_eq!(ids(&reader.recv()), ["1-0"]);
    });
}

#[test]
fn a_group_that_goes_back_is_read_by_who_waits_when_the_next_entry_comes() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for back in [&["XGROUP SETID s g 0"][..], &["MULTI", "XGROUP SETID s g 0", "EXEC"]] {
            for line in ["DEL s", "XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g $"] {
                client.line(line);
            }
            let mut reader = server.client();
            reader.send(&["XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"]);
            wait_for_waiters(&mut client, 1);
            back.iter().for_each(|line| drop(client.line(line)));
            client.line("XDEL s 2-1");
            wait_for_waiters(&mut client, 1);
            client.line("XADD s 3-1 f v");
            assert_eq!(ids(&reader.recv()), ["1-1", "3-1"]);
        }
    });
}

#[test]
fn who_waits_for_the_last_entry_of_a_stream_that_is_to_come_gets_only_that() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut reader = server.client();
        reader.send(&["XREAD", "BLOCK", "0", "STREAMS", "s", "+"]);
        wait_for_waiters(&mut client, 1);
        for line in ["MULTI", "XADD s 1-1 f v", "XADD s 2-1 f v", "EXEC"] {
            client.line(line);
        }
        assert_eq!(ids(&reader.recv()), ["2-1"]);
    });
}

#[test]
fn streams_hold_their_conversation() {
    hold(
        r#"
        XADD s 1-1 f v => "1-1"
        XREAD STREAMS s 0 => [["s", [["1-1", ["f", "v"]]]]]
        XREAD BLOCK 1 STREAMS s $ => nil-array
        XADD s 1-1 f v => -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XGROUP CREATE s g 0 => +OK
        XREADGROUP GROUP g c BLOCK 1 STREAMS s > => [["s", [["1-1", ["f", "v"]]]]]
        XREADGROUP GROUP g c BLOCK 1 STREAMS s > => nil-array
        XPENDING s g => [:1, "1-1", "1-1", [["c", "1"]]]
        XACK s g 1-1 => :1
        TYPE s => +stream
        OBJECT ENCODING s => "stream"
        "#,
    );
}

#[test]
fn several_streams_are_a_map_in_resp3() {
    hold_resp3(
        r#"
        XADD s 1-1 f v => "1-1"
        XREAD STREAMS s none 0 0 => %{"s": [["1-1", ["f", "v"]]]}
        XREAD STREAMS s $ => null
        XGROUP CREATE s g 0 => +OK
        XREADGROUP GROUP g c STREAMS s > => %{"s": [["1-1", ["f", "v"]]]}
        XINFO CONSUMERS s g => [%{"name": "c", "pending": :1...
        "#,
    );
}
