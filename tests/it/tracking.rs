//! Client-side caching over sockets: who is told of which change, and that no cache stays stale.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{
    Client, Rendezvous, Server, Value, encode, for_each_thread_count, in_threads, wait_until,
};

const KEYS: usize = 8;
const WRITERS: usize = 3;
const READERS: usize = 3;

/// A client that speaks RESP3 and tracks keys.
fn tracker(server: &Server, options: &[&str]) -> Client {
    let mut client = server.client_resp3();
    let words = [&["CLIENT", "TRACKING", "ON"], options].concat();
    assert!(!client.call(&words).is_error());
    client
}

/// Returns the keys a push tells of.
#[track_caller]
fn told(value: &Value) -> Vec<String> {
    assert_eq!(value.items()[0].text(), "invalidate", "{value:?}");
    value.items()[1].texts()
}

#[test]
fn whoever_has_read_a_key_hears_once_that_it_has_changed() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        let mut client = tracker(server, &[]);
        client.line("MGET a b");
        other.line("SET a 1");
        other.line("SET a 2");
        other.line("SET c 1");
        assert_eq!(told(&client.recv()), ["a"]);
        // Its own change, behind the reply.
        assert_eq!(client.line("INCR b"), Value::Int(1));
        assert_eq!(told(&client.recv()), ["b"]);
        client.line("GET b");
        client.pipeline(&["MULTI", "INCR b", "EXEC"]);
        assert_eq!(told(&client.recv()), ["b"]);
        client.line("GET b");
        other.line("PEXPIRE b 1");
        assert_eq!(told(&client.recv()), ["b"]);
        const READS_ITS_OWN: &str =
            "redis.call('SET', KEYS[1], 1) return redis.call('GET', KEYS[1])";
        client.call(&["EVAL", READS_ITS_OWN, "1", "script"]);
        client.line("PING");
        other.pipeline(&["MULTI", "HDEL none field", "SET script 2", "EXEC"]);
        assert_eq!(told(&client.recv()), ["script"]);
        client.line("GET x");
        other.pipeline(&["MULTI", "LREM x 0 a", "EXEC"]);
        other.line("FLUSHALL");
        let push = client.recv();
        assert_eq!(
            (push.items()[0].text().as_str(), push.items()[1].is_nil()),
            ("invalidate", true)
        );
        assert_eq!(other.info_int("tracking_total_keys"), 0);
    });
}

#[test]
fn news_of_the_own_change_come_in_one_piece_with_the_reply() {
    for_each_thread_count(|server| {
        for options in [&[][..], &["BCAST"]] {
            let mut client = tracker(server, options);
            // Ordinary commands, and a long one, of which the server keeps the first part.
            for value in ["1".to_owned(), "x".repeat(200_000)] {
                for _ in 0..50 {
                    client.line("GET a");
                    client.call(&["SET", "a", &value]);
                    assert!(client.has_more(), "{options:?}");
                    assert_eq!(told(&client.recv()), ["a"]);
                }
            }
        }
    });
}

#[test]
fn news_of_the_own_change_stand_right_behind_its_reply() {
    for_each_thread_count(|server| {
        let mut client = tracker(server, &[]);
        client.pipeline(&["GET x", "GET y"]);
        client.send_raw(
            "SET x 1\r\nGET z\r\nGET x\r\nMULTI\r\nSET x 2\r\nSET y 2\r\nGET x\r\nEXEC\r\nPING\r\n\
             DEL z\r\nSET z 1\r\nGET y\r\nCLIENT REPLY OFF\r\nSET y 3\r\nCLIENT REPLY ON\r\n",
        );
        let ok = || Value::Simple("OK".into());
        assert_eq!(client.recv(), ok());
        assert_eq!(told(&client.recv()), ["x"]);
        assert!(client.recv().is_nil());
        assert_eq!(client.recv().text(), "1");
        assert_eq!(client.recv(), ok());
        (0..3).for_each(|_| assert_eq!(client.recv().text(), "QUEUED"));
        assert_eq!(client.recv().items().len(), 3);
        assert_eq!(told(&client.recv()), ["x"]);
        assert_eq!(told(&client.recv()), ["y"]);
        assert_eq!(client.recv().text(), "PONG");
        assert_eq!(client.recv(), Value::Int(0));
        assert_eq!(client.recv(), ok());
        assert_eq!(told(&client.recv()), ["z"]);
        assert_eq!(client.recv().text(), "2");
        // What is no reply is not left out.
        assert_eq!(told(&client.recv()), ["y"]);
        assert_eq!(client.recv(), ok());
        client.line("GET y");
        client.send(&["EVAL", "redis.call('DEL', KEYS[1])", "1", "y"]);
        client.send_raw("GET z\r\nFLUSHALL\r\nPING\r\n");
        assert!(client.recv().is_nil());
        assert_eq!(told(&client.recv()), ["y"]);
        assert_eq!(client.recv().text(), "1");
        assert_eq!(client.recv(), ok());
        assert!(client.recv().items()[1].is_nil());
        assert_eq!(client.recv().text(), "PONG");
    });
}

#[test]
fn prefixes_are_told_together_and_never_to_whoever_changed_them_itself() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        let mut all = tracker(server, &["BCAST", "NOLOOP"]);
        let mut users = tracker(server, &["BCAST", "PREFIX", "user:"]);
        all.line("SET user:own 1");
        assert_eq!(told(&users.recv()), ["user:own"]);
        other.line("MSET user:2 x user:1 y other z");
        assert_eq!(told(&users.recv()), ["user:1", "user:2"]);
        assert_eq!(told(&all.recv()), ["other", "user:1", "user:2"]);
    });
}

#[test]
fn redirected_news_reach_a_subscriber_of_the_old_protocol() {
    for_each_thread_count(|server| {
        let mut listener = server.client();
        let id = listener.line("CLIENT ID").int().to_string();
        listener.line("SUBSCRIBE __redis__:invalidate");
        let mut client = tracker(server, &["REDIRECT", &id]);
        client.line("GET a");
        assert_eq!(client.line("SET a 1"), Value::Simple("OK".into()));
        let message = listener.recv();
        assert_eq!(message.items()[1].text(), "__redis__:invalidate");
        assert_eq!(message.items()[2].texts(), ["a"]);
        drop(listener);
        let mut other = server.client();
        wait_until("the listener is gone", || other.info_int("connected_clients") == 2);
        client.line("GET a");
        other.line("SET a 2");
        assert_eq!(client.recv().items()[0].text(), "tracking-redir-broken");
        let info = client.line("CLIENT TRACKINGINFO");
        assert!(info.field("flags").texts().contains(&"broken_redirect".to_owned()));
    });
}

#[test]
fn a_client_that_has_quit_is_told_nothing_in_place_of_another() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        for last_words in ["QUIT", "CLIENT KILL ID"] {
            for _ in 0..20 {
                let mut listener = server.client();
                let id = listener.line("CLIENT ID").int().to_string();
                let mut client = tracker(server, &["REDIRECT", &id]);
                client.line("GET a");
                match last_words {
                    "QUIT" => assert_eq!(listener.line(last_words).text(), "OK"),
                    _ => assert_eq!(other.line(&format!("{last_words} {id}")).int(), 1),
                }
                other.line("SET a 1");
                assert_eq!(client.recv().items()[0].text(), "tracking-redir-broken");
            }
        }
    });
}

#[test]
fn clients_that_leave_leave_nothing_behind() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        let mut client = tracker(server, &[]);
        let mut follower = tracker(server, &["BCAST"]);
        client.line("MGET a b c");
        follower.line("GET a");
        assert_eq!(other.info_int("tracking_total_keys"), 3);
        assert_eq!(other.info_int("tracking_clients"), 2);
        drop((client, follower));
        wait_until("all are gone", || other.info_int("tracking_clients") == 0);
        for field in ["tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"] {
            assert_eq!(other.info_int(field), 0, "{field}");
        }
    });
}

/// A reader with a cache that news clear.
struct Reader {
    client: Client,
    cache: HashMap<String, String>,
}

impl Reader {
    /// Sends a command and returns its reply; forgets what the news before it tell.
    fn call(&mut self, words: &[&str]) -> Value {
        self.client.send(words);
        self.reply()
    }

    fn reply(&mut self) -> Value {
        loop {
            match self.client.recv() {
                news @ Value::Push(_) => {
                    told(&news).iter().for_each(|key| drop(self.cache.remove(key)));
                }
                reply => return reply,
            }
        }
    }

    /// Begins to track and reads keys, all in one go.
    fn begin(&mut self, keys: &[String]) {
        let tracking = encode(&["CLIENT", "TRACKING", "ON"]);
        let reads = keys.iter().flat_map(|key| encode(&["GET", key]));
        self.client.send_raw(tracking.into_iter().chain(reads).collect::<Vec<u8>>());
        assert_eq!(self.reply().text(), "OK");
        for key in keys {
            let value = self.reply().text_or_empty();
            self.cache.insert(key.clone(), value);
        }
    }

    /// Reads a key unless it is cached.
    fn read(&mut self, key: &str) {
        if !self.cache.contains_key(key) {
            let value = self.call(&["GET", key]).text_or_empty();
            self.cache.insert(key.to_owned(), value);
        }
    }

    /// Compares the cache with what the server holds. Nobody writes.
    fn check(&self, server: &Server) {
        let mut plain = server.client();
        for (key, value) in &self.cache {
            assert_eq!(&plain.call(&["GET", key]).text_or_empty(), value, "{key} is stale");
        }
    }
}

#[test]
fn no_cache_stays_stale_when_readers_and_writers_race() {
    for_each_thread_count(|server| {
        let writers_left = AtomicUsize::new(WRITERS);
        in_threads(WRITERS + READERS, |index| {
            if index < WRITERS {
                let mut client = server.client();
                for step in 0..600 {
                    client.call(&["INCR", &format!("key:{}", (step * 5 + index) % KEYS)]);
                }
                writers_left.fetch_sub(1, Ordering::SeqCst);
                return;
            }
            let mut reader = Reader { client: tracker(server, &[]), cache: HashMap::new() };
            let mut step = index;
            while writers_left.load(Ordering::SeqCst) > 0 {
                step += 1;
                reader.read(&format!("key:{}", step % KEYS));
                // News come with replies.
                reader.call(&["PING"]);
            }
            // All writes were answered: whatever is told of them comes before this reply.
            reader.call(&["PING"]);
            reader.check(server);
        });
    });
}

/// Reads what a client is told up to the reply of a PING; returns the keys.
fn news_until_now(client: &mut Client) -> Vec<String> {
    client.send(&["PING"]);
    let mut keys = Vec::new();
    loop {
        match client.recv() {
            news @ Value::Push(_) => keys.extend(told(&news)),
            reply => {
                assert_eq!(reply.text(), "PONG");
                return keys;
            }
        }
    }
}

/// Has a client wait for entries of streams, adds some to the first, and returns whether the reply came
/// with news of that before it.
fn is_served_with_news(server: &Server, waiting: &mut Client, read: &str) -> bool {
    waiting.send_raw(format!("{read}\r\n"));
    let mut other = server.client();
    wait_until("the reader waits", || other.info_int("blocked_clients") == 1);
    other.line("XADD s * f v");
    let first = waiting.recv();
    let has_news = matches!(first, Value::Push(_));
    if has_news {
        assert_eq!(told(&first), ["s"]);
        assert_eq!(waiting.recv().field("s").items().len(), 1);
    }
    has_news
}

#[test]
fn what_a_waiting_client_reads_at_last_is_tracked() {
    const READ: &str = "XREAD BLOCK 0 STREAMS s t $ $";
    for_each_thread_count(|server| {
        let mut other = server.client();
        for options in [&[][..], &["OPTOUT"], &["NOLOOP"]] {
            let mut client = tracker(server, options);
            assert!(is_served_with_news(server, &mut client, READ));
            other.line("XADD s * f v");
            assert_eq!(news_until_now(&mut client), ["s"], "{options:?}");
            // Absent, but read; the other one has been forgotten.
            other.pipeline(&["XADD s * f v", "XADD t * f v", "DEL s t"]);
            assert_eq!(news_until_now(&mut client), ["t"], "{options:?}");
        }
        assert_eq!(other.info_int("tracking_total_keys"), 0);
    });
}

#[test]
fn what_stands_under_caching_before_a_wait_holds_behind_it() {
    const READ: &str = "XREAD BLOCK 0 STREAMS s $";
    for_each_thread_count(|server| {
        let mut other = server.client();
        let mut client = tracker(server, &["OPTIN"]);
        assert!(!is_served_with_news(server, &mut client, READ));
        other.line("XADD s * f v");
        assert_eq!(news_until_now(&mut client), [""; 0]);
        client.line("CLIENT CACHING YES");
        assert!(is_served_with_news(server, &mut client, READ));
        client.line("GET other");
        other.pipeline(&["XADD s * f v", "SET other 1"]);
        assert_eq!(news_until_now(&mut client), ["s"]);
        let mut client = tracker(server, &["OPTOUT"]);
        client.line("CLIENT CACHING NO");
        assert!(!is_served_with_news(server, &mut client, READ));
        other.line("XADD s * f v");
        assert_eq!(news_until_now(&mut client), [""; 0]);
    });
}

#[test]
fn whoever_leaves_while_he_is_served_leaves_nothing_behind() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        for _ in 0..100 {
            let mut client = tracker(server, &[]);
            client.send_raw("XREAD BLOCK 0 STREAMS s $\r\n");
            wait_until("the reader waits", || other.info_int("blocked_clients") == 1);
            other.send(&["XADD", "s", "*", "f", "v"]);
            drop(client);
            other.recv();
            wait_until("it is gone", || other.info_int("tracking_clients") == 0);
            wait_until("so are its keys", || other.info_int("tracking_total_keys") == 0);
        }
    });
}

#[test]
fn what_a_move_changes_is_told_destination_first() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        let mut client = tracker(server, &[]);
        for line in ["LMOVE a b LEFT LEFT", "RPOPLPUSH a b", "BLMOVE a b LEFT LEFT 0"] {
            other.line("RPUSH a 1");
            client.line("MGET a b");
            other.line(line);
            assert_eq!(news_until_now(&mut client), ["b", "a"], "{line}");
        }
    });
}

#[test]
fn a_new_group_of_a_stream_changes_nothing_for_those_who_have_read_it() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        let mut client = tracker(server, &[]);
        client.line("XLEN s");
        other.line("XGROUP CREATE s one $ MKSTREAM");
        assert_eq!(news_until_now(&mut client), ["s"]);
        client.line("XLEN s");
        client.line("WATCH s");
        other.line("XGROUP CREATE s two $");
        assert_eq!(client.pipeline(&["MULTI", "XLEN s", "EXEC"])[2].items().len(), 1);
        assert_eq!(news_until_now(&mut client), [""; 0]);
    });
}

#[test]
fn a_change_by_another_is_told_even_if_the_client_changed_the_key_as_well() {
    for_each_thread_count(|server| {
        let mut own = tracker(server, &["BCAST", "NOLOOP"]);
        let mut other = server.client();
        for round in 0..300 {
            let key = format!("key:{round}");
            // Both in one go, so that they often meet in one round of the server.
            own.send(&["SET", &key, "own"]);
            other.send(&["SET", &key, "other"]);
            assert_eq!(other.recv().text(), "OK");
            let mut keys = Vec::new();
            loop {
                match own.recv() {
                    news @ Value::Push(_) => keys.extend(told(&news)),
                    reply => break assert_eq!(reply.text(), "OK"),
                }
            }
            keys.extend(news_until_now(&mut own));
            assert_eq!(keys, [key]);
        }
    });
}

#[test]
fn news_of_prefixes_come_before_the_reply_of_the_change() {
    for_each_thread_count(|server| {
        let mut other = server.client();
        let mut follower = tracker(server, &["BCAST"]);
        for round in 0..300 {
            other.line(&format!("SET key:{round} 1"));
            assert_eq!(news_until_now(&mut follower), [format!("key:{round}")]);
        }
    });
}

#[test]
fn whoever_begins_to_track_misses_no_change_of_those_at_work() {
    const ROUNDS: usize = 200;
    for_each_thread_count(|server| {
        let all = Rendezvous::new(WRITERS + 1);
        let keys: Vec<String> = (0..KEYS).map(|number| format!("key:{number}")).collect();
        // A swap waits until all others have left the keyspace: the reader may begin there and then.
        let write = |key| ["SWAPDB 5 6".to_owned(), format!("INCR {key}")];
        let writes: Vec<String> = keys.iter().cycle().take(5 * KEYS).flat_map(write).collect();
        let writes: Vec<&str> = writes.iter().map(String::as_str).collect();
        in_threads(WRITERS + 1, |index| {
            if index < WRITERS {
                let mut client = server.client();
                for _ in 0..ROUNDS {
                    all.meet();
                    client.pipeline(&writes);
                    all.meet();
                }
                return;
            }
            let mut reader = Reader { client: server.client_resp3(), cache: HashMap::new() };
            for _ in 0..ROUNDS {
                all.meet();
                reader.begin(&keys);
                all.meet();
                reader.call(&["PING"]);
                reader.check(server);
                reader.call(&["CLIENT", "TRACKING", "OFF"]);
                reader.cache.clear();
            }
        });
    });
}
