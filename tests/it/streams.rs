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
        for removal in ["DEL s", "XGROUP DESTROY s g", "SET s x"] {
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
