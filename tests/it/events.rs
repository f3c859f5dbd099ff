//! Keyspace events: which ones a command causes, and in which order.

use crate::support::{Client, Server, for_each_thread_count, is_reference, wait_until};

/// A client that hears of every event of every key.
fn listener(server: &Server) -> Client {
    listener_to(server, "EAn")
}

/// A client that hears of the events of some classes.
fn listener_to(server: &Server, classes: &str) -> Client {
    let mut client = server.client();
    assert!(!client.line(&format!("CONFIG SET notify-keyspace-events {classes}")).is_error());
    client.line("PSUBSCRIBE __keyevent@*__:*");
    client
}

/// Sets a key that has expired, but is still there.
fn set_expired(server: &Server, key: &str) {
    let mut client = server.client();
    client.line("DEBUG SET-ACTIVE-EXPIRE 0");
    client.line(&format!("SET {key} 1 PX 1"));
    wait_until("it has expired", || client.line(&format!("KEYS {key}")).items().is_empty());
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

#[test]
fn a_key_expires_before_it_is_missed() {
    for_each_thread_count(|server| {
        let mut listener = listener_to(server, "Exm$gsn");
        let mut heard = |lines: &[&str]| announced(server, &mut listener, lines);
        for line in [
            "GET a",
            "HGET a f",
            "TTL a",
            "GETDEL a",
            "EVAL_RO return(redis.call('get',KEYS[1])) 1 a",
        ] {
            set_expired(server, "a");
            assert_eq!(
                heard(&[line]).replacen("new a, set a, expire a, ", "", 1),
                "expired a, keymiss a",
                "{line}"
            );
        }
        set_expired(server, "a");
        set_expired(server, "b");
        heard(&[]);
        assert_eq!(heard(&["MGET a c b"]), "expired a, keymiss a, keymiss c, expired b, keymiss b");
        set_expired(server, "a");
        set_expired(server, "b");
        heard(&["SADD s x"]);
        assert_eq!(
            heard(&["SUNIONSTORE b s a"]),
            "expired a, keymiss a, expired b, new b, sunionstore b"
        );
        set_expired(server, "a");
        heard(&["DEL b"]);
        assert_eq!(heard(&["GETSET a 2"]), "expired a, keymiss a, new a, set a");
        set_expired(server, "b");
        set_expired(server, "c");
        heard(&[]);
        // Whoever puts nothing in its place does not ask whether its time had come.
        assert_eq!(heard(&["SINTERSTORE b s none"]), "keymiss none, del b");
        assert_eq!(heard(&["MSETNX s 1 c 2"]), "");
        assert_eq!(heard(&["MSETNX d 1 c 2"]), "expired c, new d, set d, new c, set c");
        set_expired(server, "a");
        heard(&[]);
        assert_eq!(heard(&["MULTI", "GET a", "GET c", "EXEC"]), "expired a, keymiss a");
    });
}

#[test]
fn a_value_replaced_as_a_whole_is_announced_as_overwritten() {
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        let mut listener = listener_to(server, "EA$nco");
        let mut heard = |lines: &[&str]| announced(server, &mut listener, lines);
        let (over, changed) = ("overwritten k", "overwritten k, type_changed k");
        assert_eq!(heard(&["SET k 1", "SET k 2"]), format!("new k, set k, {over}, set k"));
        for (line, main) in [
            ("GETSET k 1", "set k"),
            ("SETEX k 100 1", "set k, expire k"),
            ("SET k 1 KEEPTTL", "set k"),
            ("MSET k 1", "set k"),
            ("MSETEX 1 k 1 EX 9", "set k, expire k"),
            ("BITOP NOT k k", "set k"),
        ] {
            assert_eq!(heard(&[line]), format!("{over}, {main}"), "{line}");
        }
        // What is changed in its place is not overwritten.
        let edits =
            ["SET k 1", "INCR k", "INCRBYFLOAT k 1", "APPEND k 1", "SETRANGE k 0 1", "INCREX k"];
        assert_eq!(heard(&edits).matches("overwritten").count(), 1);
        heard(&["SADD s 1 2", "ZADD z 1 a", "GEOADD g 1 1 a", "RPUSH l 1"]);
        for (line, main) in [
            ("SUNIONSTORE k s", "sunionstore k"),
            ("SDIFFSTORE k s", "sdiffstore k"),
            ("SINTERSTORE k s", "sinterstore k"),
            ("ZUNIONSTORE k 1 z", "zunionstore k"),
            ("ZINTERSTORE k 1 z", "zinterstore k"),
            ("ZDIFFSTORE k 1 z", "zdiffstore k"),
            ("ZRANGESTORE k z 0 -1", "zrangestore k"),
            ("GEOSEARCHSTORE k g FROMMEMBER a BYRADIUS 1 m", "geosearchstore k"),
            ("GEORADIUS g 1 1 1 m STORE k", "georadiusstore k"),
            ("SORT l STORE k", "sortstore k"),
        ] {
            heard(&["DEL k", "HSET k f v"]);
            assert_eq!(heard(&[line]), format!("{changed}, {main}"), "{line}");
            assert_eq!(heard(&[line]), format!("{over}, {main}"), "{line}");
            assert_eq!(heard(&["SET k 1"]), format!("{changed}, set k"));
        }
        assert_eq!(heard(&["SINTERSTORE k none"]), "del k");
    });
}

#[test]
fn what_comes_from_elsewhere_is_announced_before_what_it_overwrites() {
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        let mut listener = listener_to(server, "EAco");
        let mut heard = |lines: &[&str]| announced(server, &mut listener, lines);
        heard(&["SET a 1", "SET b 1", "RPUSH l 1", "RPUSH m 1"]);
        assert_eq!(heard(&["COPY a b REPLACE"]), "copy_to b, overwritten b");
        assert_eq!(heard(&["COPY l b REPLACE"]), "copy_to b, overwritten b, type_changed b");
        assert_eq!(heard(&["COPY l c REPLACE", "DEL c"]), "copy_to c, del c");
        assert_eq!(
            heard(&["RENAME a b"]),
            "rename_from a, rename_to b, overwritten b, type_changed b"
        );
        assert_eq!(heard(&["RENAME m l"]), "rename_from m, rename_to l, overwritten l");
        assert_eq!(heard(&["RENAMENX l c"]), "rename_from l, rename_to c");
        assert_eq!(heard(&["MOVE c 1"]), "move_from c, move_to c");
        let mut client = server.client();
        client.send(&["DUMP", "b"]);
        let payload = client.recv();
        let crate::support::Value::Bulk(payload) = payload else { panic!("{payload:?}") };
        for (before, events) in [
            ("SET r 1", "set r, restore r, overwritten r"),
            ("RPUSH r 1", "rpush r, restore r, overwritten r, type_changed r"),
            ("DEL none", "restore r"),
        ] {
            client.line("DEL r");
            heard(&[]);
            client.line(before);
            let restore: [&[u8]; 5] = [b"RESTORE", b"r", b"0", &payload, b"REPLACE"];
            client.call(&restore);
            assert_eq!(heard(&[]), events, "{before}");
        }
    });
}

/// Returns what a listener is told up to a message on the channel `end`: channels without what all have
/// in common, with texts.
fn told(server: &Server, listener: &mut Client) -> Vec<String> {
    server.client().line("PUBLISH __subend 1");
    let mut told = Vec::new();
    loop {
        let message = listener.recv();
        let (channel, text) = (message.items()[2].text(), message.items()[3].text());
        if channel == "__subend" {
            return told;
        }
        told.push(format!("{} {text}", channel.trim_start_matches("__").replace("@0__", "")));
    }
}

#[test]
fn fields_are_announced_on_channels_of_four_kinds() {
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut listener = server.client();
        listener.line("PSUBSCRIBE __sub*");
        let mut heard = |classes: &str, lines: &[&str]| {
            client.line(&format!("CONFIG SET notify-keyspace-events {classes}"));
            lines.iter().for_each(|line| drop(client.line(line)));
            client.line("CONFIG SET notify-keyspace-events \"\"");
            told(server, &mut listener)
        };
        assert_eq!(
            heard("STIVh", &["HSET hash ab 1 c 2"]),
            [
                "subkeyspace:hash hset|2:ab,1:c",
                "subkeyevent:hset 4:hash|2:ab,1:c",
                "subkeyspaceitem:hash\nab hset",
                "subkeyspaceitem:hash\nc hset",
                "subkeyspaceevent:hset|hash 2:ab,1:c",
            ]
        );
        assert_eq!(heard("KESTIV$", &["HSET hash ab 1", "SET k 1"]), [""; 0]);
        assert_eq!(heard("KEAg", &["HSET hash ab 1"]), [""; 0]);
        let lines = [
            "HMSET h a 1 b 2",
            "HSETNX h a 3",
            "HSETNX h c 3",
            "HINCRBY h a 1",
            "HINCRBYFLOAT h a 1",
            "HEXPIRE h 100 FIELDS 3 a none b",
            "HPERSIST h FIELDS 2 a c",
            "HGETEX h EX 100 FIELDS 2 a none",
            "HGETEX h PERSIST FIELDS 2 a c",
            "HGETEX h PXAT 1 FIELDS 2 a none",
            "HSETEX h EX 100 FIELDS 2 x 1 y 2",
            "HSETEX h PXAT 1 FIELDS 1 x 1",
            "HGETDEL h FIELDS 2 y none",
            "HPEXPIREAT h 1 FIELDS 1 c",
            "HDEL h none b",
        ];
        assert_eq!(
            heard("TAnm", &lines),
            [
                "hset 1:h|1:a,1:b",
                "hset 1:h|1:c",
                "hincrby 1:h|1:a",
                "hincrbyfloat 1:h|1:a",
                "hexpire 1:h|1:a,1:b",
                "hpersist 1:h|1:a",
                "hexpire 1:h|1:a",
                "hpersist 1:h|1:a",
                "hdel 1:h|1:a",
                "hset 1:h|1:x,1:y",
                "hexpire 1:h|1:x,1:y",
                "hset 1:h|1:x",
                "hdel 1:h|1:x",
                "hdel 1:h|1:y",
                "hdel 1:h|1:c",
                "hdel 1:h|1:b",
            ]
            .map(|event| format!("subkeyevent:{event}"))
        );
    });
}

#[test]
fn fields_that_expire_are_announced_together() {
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.line("DEBUG SET-ACTIVE-EXPIRE 0");
        client.line("CONFIG SET notify-keyspace-events Sh");
        let mut listener = server.client();
        listener.line("PSUBSCRIBE __sub*");
        let expire = |client: &mut Client, fields: &str| {
            client.line("HSET h a 1 b 2 c 3");
            client.line(&format!("HPEXPIRE h 1 FIELDS {fields}"));
            let seen = format!("HPTTL h FIELDS {fields}");
            wait_until("they have expired", || {
                client.line(&seen).items().iter().all(|left| left.int() == -2)
            });
        };
        expire(&mut client, "2 a b");
        client.line("HMGET h b a c");
        expire(&mut client, "2 a b");
        client.line("HINCRBY h b 1");
        client.line("HGET h a");
        expire(&mut client, "2 a b");
        client.line("HGETDEL h FIELDS 3 c b a");
        assert_eq!(
            told(server, &mut listener),
            [
                "hset|1:a,1:b,1:c",
                "hexpire|1:a,1:b",
                "hexpired|1:b,1:a",
                "hset|1:a,1:b,1:c",
                "hexpire|1:a,1:b",
                "hexpired|1:b",
                "hincrby|1:b",
                "hexpired|1:a",
                "hset|1:a,1:b,1:c",
                "hexpire|1:a,1:b",
                "hexpired|1:b,1:a",
                "hdel|1:c",
            ]
            .map(|event| format!("subkeyspace:h {event}"))
        );
        expire(&mut client, "3 a b c");
        client.line("DEBUG SET-ACTIVE-EXPIRE 1");
        wait_until("all are gone", || client.line("EXISTS h").int() == 0);
        let mut told = told(server, &mut listener);
        // All fields at once, in any order.
        let last = told.pop().unwrap_or_default();
        let mut named: Vec<&str> =
            last.trim_start_matches("subkeyspace:h hexpired|").split(',').collect();
        named.sort_unstable();
        assert_eq!(named, ["1:a", "1:b", "1:c"]);
    });
}

#[test]
fn of_a_key_with_a_line_end_no_channel_names_a_field() {
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut listener = server.client();
        listener.line("PSUBSCRIBE __sub*");
        client.line("CONFIG SET notify-keyspace-events SIh");
        client.call(&["HSET", "a\nb", "f|,", "1"]);
        assert_eq!(told(server, &mut listener), ["subkeyspace:a\nb hset|3:f|,"]);
    });
}
