//! Keyspace events: which ones a command causes, and in which order.

use crate::support::{Client, Server, for_each_thread_count};

/// A client that hears of every event of every key.
fn listener(server: &Server) -> Client {
    let mut client = server.client();
    client.line("CONFIG SET notify-keyspace-events EAn");
    client.line("PSUBSCRIBE __keyevent@*__:*");
    client
}

/// Runs commands, and returns what was announced: events with their keys.
fn announced(server: &Server, listener: &mut Client, lines: &[&str]) -> String {
    let mut client = server.client();
    for line in lines.iter().chain(&["DEL none", "SETBIT end 1 1", "DEL end"]) {
        client.line(line);
    }
    let mut events = Vec::new();
    loop {
        let message = listener.recv();
        let channel = message.items()[2].text();
        let event = channel.rsplit(':').next().unwrap_or_default().to_owned();
        let key = message.items()[3].text();
        if key == "end" {
            if event == "del" {
                return events.join(", ");
            }
        } else {
            events.push(format!("{event} {key}"));
        }
    }
}

#[test]
fn only_reads_of_values_miss_keys() {
    for_each_thread_count(|server| {
        let mut listener = listener(server);
        server.client().line("CONFIG SET notify-keyspace-events Em");
        let mut client = server.client();
        for line in [
            "OBJECT ENCODING a",
            "OBJECT IDLETIME a",
            "OBJECT REFCOUNT a",
            "HGETDEL a FIELDS 1 f",
            "GETSET b 1",
            "GETDEL c",
            "HGET d f",
            "TTL e",
        ] {
            client.line(line);
        }
        let missed = (0..4).map(|_| listener.recv().items()[3].text()).collect::<Vec<_>>();
        assert_eq!(missed, ["b", "c", "d", "e"]);
    });
}

#[test]
fn a_stored_result_is_new_only_where_nothing_was() {
    for_each_thread_count(|server| {
        let mut listener = listener(server);
        let mut heard = |lines: &[&str]| announced(server, &mut listener, lines);
        heard(&["SADD s 1 2", "ZADD z 1 a", "GEOADD g 1 1 a", "RPUSH l 1", "SET there 1"]);
        for (command, event) in [
            ("SUNIONSTORE", "sunionstore"),
            ("SDIFFSTORE", "sdiffstore"),
            ("SINTERSTORE", "sinterstore"),
        ] {
            let lines = [format!("{command} there s"), format!("{command} absent s")];
            assert_eq!(
                heard(&[&lines[0], &lines[1], "DEL absent"]),
                format!("{event} there, new absent, {event} absent, del absent"),
            );
        }
        assert_eq!(heard(&["ZUNIONSTORE there 1 z"]), "zunionstore there");
        assert_eq!(heard(&["ZRANGESTORE there z 0 -1"]), "zrangestore there");
        assert_eq!(heard(&["ZRANGESTORE there z 5 6"]), "del there");
        assert_eq!(heard(&["SORT l STORE there"]), "new there, sortstore there");
        assert_eq!(heard(&["SORT l STORE there"]), "sortstore there");
        assert_eq!(heard(&["SORT none STORE there"]), "del there");
        assert_eq!(
            heard(&["COPY l there", "COPY l there REPLACE"]).matches("new there").count(),
            2
        );
    });
}

#[test]
fn fields_set_for_a_time_long_gone_are_announced_as_set_and_as_deleted() {
    for_each_thread_count(|server| {
        let mut listener = listener(server);
        let mut heard = |lines: &[&str]| announced(server, &mut listener, lines);
        heard(&["HSET h a 1 b 2"]);
        assert_eq!(heard(&["HSETEX h PXAT 1 FIELDS 1 a 3"]), "hset h, hdel h");
        assert_eq!(heard(&["HSETEX h PXAT 1 FIELDS 1 b 3"]), "hset h, hdel h, del h");
        assert_eq!(heard(&["HSETEX h PXAT 1 FIELDS 1 b 3"]), "new h, hset h, hdel h, del h");
        assert_eq!(heard(&["HSETEX h FXX PXAT 1 FIELDS 1 b 3"]), "");
    });
}

#[test]
fn consumers_that_appear_by_themselves_are_announced() {
    for_each_thread_count(|server| {
        let mut listener = listener(server);
        let mut heard = |lines: &[&str]| announced(server, &mut listener, lines);
        heard(&["XADD s 1 a b", "XGROUP CREATE s g 0"]);
        let read = "XREADGROUP GROUP g c STREAMS s >";
        assert_eq!(heard(&[read, read]), "xgroup-createconsumer s");
        assert_eq!(heard(&["XCLAIM s g d 0 1-0"]), "xgroup-createconsumer s");
        assert_eq!(heard(&["XAUTOCLAIM s g e 0 0"]), "xgroup-createconsumer s");
    });
}
