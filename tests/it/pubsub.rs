//! Messages to many subscribers, while others go on publishing, leave, or keep the server busy.

use crate::support::{
    Client, Server, Value, encode, for_each_thread_count, for_each_thread_count_with, in_threads,
    is_reference, wait_until,
};

/// So many that not all of them are served before publishers get another turn.
const SUBSCRIBERS: usize = 150;

fn subscribers(server: &Server, count: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..count)
        .map(|number| if number % 2 == 0 { server.client() } else { server.client_resp3() })
        .collect();
    for client in &mut clients {
        client.send(&["SUBSCRIBE", "news"]);
    }
    clients.iter_mut().for_each(|client| assert_eq!(client.recv().items()[2], Value::Int(1)));
    clients
}

/// Returns the text of the message that comes next.
#[track_caller]
fn message(client: &mut Client) -> String {
    let message = client.recv();
    let parts = message.items();
    assert_eq!(
        (parts.len(), parts[0].text(), parts[1].text()),
        (3, "message".into(), "news".into())
    );
    parts[2].text()
}

#[test]
fn all_messages_reach_all_subscribers_in_the_order_of_each_publisher() {
    const PUBLISHERS: usize = 3;
    const MESSAGES: usize = 120;
    for_each_thread_count(|server| {
        let mut clients = subscribers(server, SUBSCRIBERS);
        in_threads(PUBLISHERS, |publisher| {
            let mut client = server.client();
            for first in (0..MESSAGES).step_by(6) {
                let batch = (first..first + 6).flat_map(|number| {
                    // Some so long that they are shared between subscribers.
                    let tail = if number % 40 == 0 { "x".repeat(40_000) } else { String::new() };
                    encode(&["PUBLISH", "news", &format!("{publisher} {number} {tail}")])
                });
                client.send_raw(batch.collect::<Vec<u8>>());
                (0..6).for_each(|_| assert_eq!(client.recv().int(), SUBSCRIBERS as i64));
            }
        });
        for client in &mut clients {
            let mut next = [0; PUBLISHERS];
            for _ in 0..PUBLISHERS * MESSAGES {
                let text = message(client);
                let mut words = text.split(' ');
                let mut word = || words.next().and_then(|word| word.parse::<usize>().ok());
                let publisher = word().expect("the publisher's number");
                assert_eq!(word(), Some(next[publisher]), "publisher {publisher}");
                next[publisher] += 1;
            }
            assert!(!client.has_more());
        }
    });
}

#[test]
fn a_message_stands_before_the_replies_to_what_is_sent_later() {
    let server = Server::start(&[("threads", "1")]);
    let mut clients = subscribers(&server, SUBSCRIBERS);
    let mut publisher = server.client();
    for round in 0..3 {
        assert_eq!(publisher.line(&format!("PUBLISH news {round}")).int(), SUBSCRIBERS as i64);
        for client in clients.iter_mut().rev() {
            client.send(&["PING", "me"]);
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(message(client), round.to_string());
            let pong = client.recv();
            let text = if number % 2 == 0 { pong.items()[1].text() } else { pong.text() };
            assert_eq!(text, "me");
        }
    }
}

#[test]
fn what_was_for_those_who_have_left_reaches_nobody_else() {
    for_each_thread_count(|server| {
        let mut publisher = server.client();
        for round in 0..6 {
            let mut clients = subscribers(server, SUBSCRIBERS);
            let batch: Vec<u8> =
                (0..20).flat_map(|_| encode(&["PUBLISH", "news", "to all"])).collect();
            publisher.send_raw(&batch);
            // Others come to their places while messages are on their way.
            let staying = clients.split_off(SUBSCRIBERS / 2);
            drop(clients);
            for number in 0..20 {
                let mut stranger = server.client();
                assert_eq!(stranger.call(&["ECHO", "alone"]).text(), "alone", "{round} {number}");
                assert_eq!(stranger.call(&["PING"]).text(), "PONG", "{round} {number}");
            }
            (0..20).for_each(|_| assert!(publisher.recv().int() >= SUBSCRIBERS as i64 / 2));
            for mut client in staying {
                (0..20).for_each(|_| assert_eq!(message(&mut client), "to all"));
            }
            // So that the next round's subscribers are the only ones.
            wait_until("all have left", || publisher.line("PUBLISH news x").int() == 0);
        }
    });
}

#[test]
fn messages_are_sent_while_a_script_takes_long() {
    if is_reference() {
        return;
    }
    for_each_thread_count_with(&[("busy-reply-threshold", "20")], |server| {
        let mut clients = subscribers(server, 2 * SUBSCRIBERS);
        let (mut publisher, mut busy) = (server.client(), server.client());
        assert_eq!(publisher.line("PUBLISH news x").int(), 2 * SUBSCRIBERS as i64);
        // Its worker has taken in the message when it answers again, and sent it to some.
        assert_eq!(busy.line("PING").text(), "PONG");
        busy.send(&["EVAL", "while true do end", "0"]);
        for client in &mut clients {
            assert_eq!(message(client), "x");
        }
        wait_until("it is killed", || !publisher.line("SCRIPT KILL").is_error());
        assert!(busy.recv().error().contains("killed"));
    });
}

#[test]
fn a_message_that_was_sent_before_reaches_whoever_unsubscribes() {
    for_each_thread_count(|server| {
        let (mut publisher, mut busy) = (server.client(), server.client());
        let mut listeners = subscribers(server, 4);
        for _ in 0..10 {
            // The workers find the message and the request behind it at the same time.
            busy.send(&["DEBUG", "SLEEP", "0.03"]);
            (0..10).for_each(|_| assert_eq!(publisher.line("PING").text(), "PONG"));
            assert_eq!(publisher.line("PUBLISH news x").int(), 4);
            listeners.iter_mut().for_each(|client| client.send(&["UNSUBSCRIBE", "news"]));
            for client in &mut listeners {
                assert_eq!(message(client), "x");
                assert_eq!(client.recv().items()[2], Value::Int(0));
                client.send(&["SUBSCRIBE", "news"]);
                assert_eq!(client.recv().items()[2], Value::Int(1));
            }
            assert_eq!(busy.recv().text(), "OK");
        }
    });
}
