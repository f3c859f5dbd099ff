//! What a client publishes to itself, where it stands among its replies and among what others publish.

use std::sync::Mutex;

use crate::support::{
    Client, Rendezvous, Value, encode, for_each_thread_count, for_each_thread_count_with,
    in_threads, is_reference, wait_until,
};

/// Sends the lines in one write.
fn send(client: &mut Client, lines: &[&str]) {
    client.send_raw(lines.iter().flat_map(|line| [line, "\r\n"]).collect::<Vec<_>>().concat());
}

/// Returns what comes next, nested items in brackets and messages marked.
fn shown(value: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(shown).collect::<Vec<_>>().join(" ");
    match value {
        Value::Push(items) => format!(">{}", list(items)),
        Value::Array(items) => format!("[{}]", list(items)),
        Value::Int(number) => number.to_string(),
        Value::Error(text) => text.clone(),
        value if value.is_nil() => "nil".into(),
        value => value.text(),
    }
}

#[track_caller]
fn expect(client: &mut Client, expected: &[&str]) {
    for text in expected {
        assert_eq!(shown(&client.recv()), *text);
    }
}

/// Returns the publisher and the number that a message begins with.
fn parsed(message: &Value) -> (usize, usize) {
    let text = message.items()[2].text();
    let (publisher, number) = text.split_once(' ').expect("two numbers");
    (publisher.parse().expect("a number"), number.parse().expect("a number"))
}

#[test]
fn ones_own_message_stands_right_behind_the_reply_of_what_published_it() {
    if is_reference() {
        return; // Of the versions some put it before the reply.
    }
    for_each_thread_count(|server| {
        let mut client = server.client_resp3();
        send(&mut client, &["SUBSCRIBE a", "PUBLISH a 1", "PING", "UNSUBSCRIBE a", "PUBLISH a 2"]);
        let confirmed = ">subscribe a 1";
        expect(&mut client, &[confirmed, "1", ">message a 1", "PONG", ">unsubscribe a 0", "0"]);
        send(
            &mut client,
            &[
                "SUBSCRIBE a",
                "PSUBSCRIBE a*",
                "SSUBSCRIBE a",
                "PUBLISH a 1",
                "SPUBLISH a 2",
                "PUBLISH b 3",
                "PUBLISH a 4",
                "PUBLISH a",
                "RESET",
                "PUBLISH a 5",
            ],
        );
        expect(
            &mut client,
            &[
                confirmed,
                ">psubscribe a* 2",
                ">ssubscribe a 1",
                "2",
                ">message a 1",
                ">pmessage a* a 1",
                "1",
                ">smessage a 2",
                "0",
                "2",
                ">message a 4",
                ">pmessage a* a 4",
                "ERR wrong number of arguments for 'publish' command",
                "RESET",
                "0",
            ],
        );
    });
}

#[test]
fn a_transaction_is_answered_before_what_it_has_published() {
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        for (mark, mut client) in [(">", server.client_resp3()), ("", server.client())] {
            let lines = [
                "MULTI",
                "SUBSCRIBE a",
                "PUBLISH a 1",
                "UNSUBSCRIBE a",
                "PUBLISH a 2",
                "EXEC",
                "PING",
            ];
            send(&mut client, &lines);
            let marked = |words: &str| match mark {
                "" => format!("[{words}]"),
                mark => format!("{mark}{words}"),
            };
            let results = [marked("subscribe a 1"), "1".into(), marked("unsubscribe a 0")];
            expect(&mut client, &["OK", "QUEUED", "QUEUED", "QUEUED", "QUEUED"]);
            expect(
                &mut client,
                &[&format!("[{} 0]", results.join(" ")), &marked("message a 1"), "PONG"],
            );
        }
    });
}

#[test]
fn a_script_is_answered_before_what_it_has_published() {
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        let mut client = server.client_resp3();
        client.line("SUBSCRIBE a");
        let publish = "redis.call('publish', 'a', 1) redis.call('publish', 'a', 2)";
        client.send(&["EVAL", &format!("{publish} return 5"), "0"]);
        client.send(&["EVAL", &format!("{publish} return redis.call('x')"), "0"]);
        client.send_raw("UNSUBSCRIBE\r\n");
        expect(&mut client, &["5", ">message a 1", ">message a 2"]);
        assert!(client.recv().is_error());
        expect(&mut client, &[">message a 1", ">message a 2", ">unsubscribe a 0"]);
    });
}

#[test]
fn what_others_publish_while_a_script_takes_long_stands_behind_its_reply() {
    if is_reference() {
        return; // Nobody else publishes meanwhile.
    }
    // It publishes until it is told to end.
    let script = "local number = 0 \
                  redis.call('publish', 'begun', '') \
                  repeat redis.call('publish', 'a', 'own ' .. number) number = number + 1 \
                  until number == 100000 or redis.call('publish', 'end', '') > 0 \
                  return number";
    for_each_thread_count_with(&[("busy-reply-threshold", "20")], |server| {
        let mut begun = server.client();
        begun.line("SUBSCRIBE begun");
        let mut publishers = [server.client(), server.client(), server.client_resp3()];
        publishers[2].line("SUBSCRIBE b");
        let mut client = server.client_resp3();
        client.line("SUBSCRIBE a");
        client.send(&["EVAL", script, "1", "k"]);
        send(&mut client, &["UNSUBSCRIBE a"]);
        begun.recv();
        for first in [0, 10] {
            for (id, publisher) in publishers.iter_mut().enumerate() {
                let lines: Vec<String> = (first..first + 10)
                    .map(|number| format!("PUBLISH a '{id} {number}'"))
                    .collect();
                send(publisher, &lines.iter().map(String::as_str).collect::<Vec<_>>());
                (0..10).for_each(|_| assert_eq!(publisher.recv(), Value::Int(1)));
            }
        }
        begun.send_raw("SUBSCRIBE end\r\n");
        let count = client.recv().int();
        let mut next = [0; 4];
        for _ in 0..count + 60 {
            let text = client.recv().items()[2].text();
            let (id, number) = text.split_once(' ').expect("two words");
            let id = id.parse().unwrap_or(3);
            assert_eq!(number.parse(), Ok(next[id]), "{id}");
            next[id] += 1;
        }
        expect(&mut client, &[">unsubscribe a 0"]);
    });
}

#[test]
fn client_reply_does_not_hold_back_ones_own_message() {
    for_each_thread_count(|server| {
        let mut client = server.client_resp3();
        client.line("SUBSCRIBE a");
        let lines = ["CLIENT REPLY OFF", "PUBLISH a 1", "PING", "CLIENT REPLY ON"];
        send(&mut client, &lines);
        expect(&mut client, &[">message a 1", "OK"]);
        send(&mut client, &["CLIENT REPLY SKIP", "PUBLISH a 2", "PING"]);
        expect(&mut client, &[">message a 2", "PONG"]);
    });
}

#[test]
fn events_of_ones_own_changes_stand_behind_each_reply() {
    if is_reference() {
        return;
    }
    for_each_thread_count_with(&[("notify-keyspace-events", "EA")], |server| {
        let mut client = server.client_resp3();
        client.line("PSUBSCRIBE __keyevent@0__:*");
        // So many that they would run in a row.
        let sets: Vec<String> = (0..100).map(|number| format!("SET k{number} v")).collect();
        send(&mut client, &sets.iter().map(String::as_str).collect::<Vec<_>>());
        for number in 0..100 {
            let event = format!(">pmessage __keyevent@0__:* __keyevent@0__:set k{number}");
            expect(&mut client, &["OK", &event]);
        }
        send(
            &mut client,
            &["CLIENT TRACKING ON", "GET k1", "RPUSH l a", "MULTI", "DEL k1", "LPOP l", "EXEC"],
        );
        let told = |event: &str| format!(">pmessage __keyevent@0__:* __keyevent@0__:{}", event);
        expect(&mut client, &["OK", "v", "1", &told("rpush l")]);
        expect(&mut client, &["OK", "QUEUED", "QUEUED", "[1 a]"]);
        expect(&mut client, &[&told("del k1"), &told("lpop l"), &told("del l")]);
        expect(&mut client, &[">invalidate [k1]"]);
    });
}

/// One of several clients that publish on a channel to which all of them listen.
struct Publisher {
    client: Client,
    id: usize,
    /// By publisher: the number of the message that comes next.
    next: Vec<usize>,
}

impl Publisher {
    /// Takes the next message; returns who has published it.
    #[track_caller]
    fn note(&mut self, message: &Value) -> usize {
        let (publisher, number) = parsed(message);
        assert_eq!(number, self.next[publisher], "publisher {publisher} to {}", self.id);
        self.next[publisher] += 1;
        publisher
    }

    /// Publishes in one write, and reads the replies, each with the message behind it: at most others that
    /// were published before stand between them.
    fn publish(&mut self, count: usize) {
        let first = self.next[self.id];
        let batch = (first..first + count)
            .flat_map(|number| encode(&["PUBLISH", "a", &format!("{} {number}", self.id)]));
        self.client.send_raw(batch.collect::<Vec<u8>>());
        while self.next[self.id] < first + count {
            let value = self.client.recv();
            if let Value::Int(count) = value {
                assert_eq!(count, 2 * self.next.len() as i64);
                while {
                    let message = self.client.recv();
                    self.note(&message) != self.id
                } {}
            } else {
                assert_ne!(self.note(&value), self.id);
            }
        }
    }
}

#[test]
fn a_client_that_waited_is_answered_before_it_hears_of_what_it_took() {
    if is_reference() {
        return;
    }
    for_each_thread_count_with(&[("notify-keyspace-events", "EA")], |server| {
        let mut watcher = server.client();
        for _ in 0..8 {
            // Each on whichever worker.
            let (mut client, mut other) = (server.client_resp3(), server.client_resp3());
            client.line("PSUBSCRIBE __keyevent@0__:l*");
            other.line("PSUBSCRIBE __keyevent@0__:l*");
            send(&mut client, &["BLPOP list 0", "PUNSUBSCRIBE", "PING"]);
            wait_until("it waits", || watcher.info_int("blocked_clients") == 1);
            send(&mut other, &["RPUSH list a b", "PING"]);
            let popped = ">pmessage __keyevent@0__:l* __keyevent@0__:lpop list";
            let ended = ">punsubscribe __keyevent@0__:l* 0";
            expect(&mut client, &["[list a]", popped, ended, "PONG"]);
            expect(&mut other, &["2", popped, "PONG"]);
            watcher.line("DEL list");
        }
    });
}

#[test]
fn a_setting_holds_for_what_was_sent_with_it() {
    if is_reference() {
        return;
    }
    for_each_thread_count(|server| {
        let mut client = server.client_resp3();
        let lines = [
            "PSUBSCRIBE __keyevent@0__:*",
            "CONFIG SET notify-keyspace-events EA",
            "SET k v",
            "CONFIG SET notify-keyspace-events ''",
            "SET k v",
            "PING",
        ];
        send(&mut client, &lines);
        let event = ">pmessage __keyevent@0__:* __keyevent@0__:set k";
        let confirmed = ">psubscribe __keyevent@0__:* 1";
        expect(&mut client, &[confirmed, "OK", "OK", event, "OK", "OK", "PONG"]);
    });
}

#[test]
fn everybody_gets_the_messages_of_each_publisher_once_and_in_order() {
    const CLIENTS: usize = 8;
    const MESSAGES: usize = 400;
    for_each_thread_count(|server| {
        let mut listeners: Vec<Client> = (0..CLIENTS).map(|_| server.client()).collect();
        for listener in &mut listeners {
            listener.line("SUBSCRIBE a");
        }
        let all = Rendezvous::new(CLIENTS);
        in_threads(CLIENTS, |id| {
            let mut client = server.client_resp3();
            client.line("SUBSCRIBE a");
            let mut publisher = Publisher { client, id, next: vec![0; CLIENTS] };
            all.meet();
            (0..MESSAGES / 20).for_each(|_| publisher.publish(20));
            while publisher.next.iter().sum::<usize>() < CLIENTS * MESSAGES {
                let message = publisher.client.recv();
                publisher.note(&message);
            }
            assert_eq!(publisher.client.line("PING").text(), "PONG");
        });
        for listener in &mut listeners {
            let mut next = [0; CLIENTS];
            for _ in 0..CLIENTS * MESSAGES {
                let (publisher, number) = parsed(&listener.recv());
                assert_eq!(number, next[publisher]);
                next[publisher] += 1;
            }
            assert_eq!(listener.line("PING").items()[0].text(), "pong");
        }
    });
}

/// Reads events up to the next reply.
fn read_events(client: &mut Client, events: &mut Vec<String>) {
    while let Value::Push(items) = client.recv() {
        events.push(items[2].text());
    }
}

#[test]
fn everybody_hears_of_the_changes_of_a_key_in_their_order() {
    const ROUNDS: usize = 40;
    // Each client's changes have a name of their own.
    const COMMANDS: [&str; 6] =
        ["SET k 1", "APPEND k 1", "SETRANGE k 0 1", "SETBIT k 0 1", "EXPIRE k 100", "PERSIST k"];
    for_each_thread_count_with(&[("notify-keyspace-events", "KA")], |server| {
        let mut listener = server.client();
        listener.line("SUBSCRIBE __keyspace@0__:k");
        let all = Rendezvous::new(COMMANDS.len());
        let heard = Mutex::new(Vec::new());
        in_threads(COMMANDS.len(), |number| {
            let mut client = server.client_resp3();
            client.line("SUBSCRIBE __keyspace@0__:k");
            let mut events = Vec::new();
            all.meet();
            for _ in 0..ROUNDS {
                send(&mut client, &[COMMANDS[number]; 10]);
                (0..10).for_each(|_| read_events(&mut client, &mut events));
            }
            all.meet();
            send(&mut client, &["PING"]);
            read_events(&mut client, &mut events);
            heard.lock().expect("nobody has panicked").push(events);
        });
        let heard = heard.into_inner().expect("nobody has panicked");
        let in_order: Vec<String> =
            heard[0].iter().map(|_| listener.recv().items()[2].text()).collect();
        assert!(heard.iter().all(|events| *events == in_order));
    });
}
