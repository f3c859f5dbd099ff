//! Keys with a time to live: gone for readers at once, gone from memory soon after.

use std::time::{Duration, Instant};

use crate::support::{Client, Value, for_each_thread_count, wait_until};

/// Sets so many keys that expire after `ms`, in pipelines.
fn set_volatile(client: &mut Client, count: usize, ms: u64) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(1_000) {
        for number in chunk {
            client.send(&["SET", &format!("v{number}"), "1", "PX", &ms.to_string()]);
        }
        for _ in chunk {
            assert_eq!(client.recv().text(), "OK");
        }
    }
}

#[test]
fn an_expired_key_reads_as_absent_everywhere() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        client.call(&["SET", "a", "1", "PX", "1"]);
        wait_until("the key has expired", || client.call(&["PTTL", "a"]) == Value::Int(-2));
        for command in ["EXISTS a", "TOUCH a", "TTL a", "STRLEN a", "DEL a", "PERSIST a"] {
            client.call(&["SET", "a", "1", "PX", "1"]);
            wait_until("the key has expired", || client.call(&["PTTL", "a"]) == Value::Int(-2));
            let expected = if command.starts_with("TTL") { -2 } else { 0 };
            assert_eq!(client.line(command), Value::Int(expected), "{command}");
        }
        client.transcript(
            r#"
            GET a => nil
            TYPE a => +none
            RENAME a b => -ERR no such key
            COPY a b => :0
            KEYS * => []
            RANDOMKEY => nil
            SET a 2 NX => +OK
            TTL a => :-1
            "#,
        );
    });
}

#[test]
fn a_value_written_over_an_expired_one_starts_anew() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        client.call(&["SET", "n", "41", "PX", "1"]);
        wait_until("the key has expired", || client.call(&["EXISTS", "n"]) == Value::Int(0));
        client.transcript("INCR n => :1\nTTL n => :-1");
        client.call(&["SET", "s", "abc", "PX", "1"]);
        wait_until("the key has expired", || client.call(&["EXISTS", "s"]) == Value::Int(0));
        client.transcript("APPEND s d => :1\nGETSET s x => \"d\"");
    });
}

#[test]
fn expired_keys_leave_without_being_asked_for_and_are_counted() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["SET", "stays", "1"]);
        client.call(&["SET", "stays longer", "1", "EX", "1000"]);
        set_volatile(&mut client, 5_000, 50);
        wait_until("only two are left", || client.call(&["DBSIZE"]) == Value::Int(2));
        wait_until("all are counted", || client.info_int("expired_keys") == 5_000);
        assert_eq!(client.call(&["EXISTS", "stays", "stays longer"]), Value::Int(2));
    });
}

#[test]
fn nothing_leaves_before_its_time() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let started = Instant::now();
        set_volatile(&mut client, 1_000, 400);
        let set = started.elapsed();
        loop {
            let left = client.call(&["DBSIZE"]).int();
            let early = started.elapsed() < Duration::from_millis(395);
            assert!(left == 1_000 || !early, "{left} left after {:?}", started.elapsed());
            if left == 0 {
                break;
            }
            assert!(started.elapsed() < set + Duration::from_secs(20), "they never leave");
        }
    });
}

#[test]
fn active_expiry_can_be_switched_off_and_on() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        set_volatile(&mut client, 100, 1);
        wait_until("the last has expired", || client.call(&["PTTL", "v99"]) == Value::Int(-2));
        assert!(client.call(&["DBSIZE"]).int() >= 98, "keys left though nobody looked");
        client.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "1"]);
        wait_until("all are gone", || client.call(&["DBSIZE"]) == Value::Int(0));
    });
}

#[test]
fn volatile_keys_of_every_database_leave() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for database in ["0", "3", "15"] {
            client.call(&["SELECT", database]);
            set_volatile(&mut client, 200, 20);
        }
        for database in ["0", "3", "15"] {
            client.call(&["SELECT", database]);
            wait_until("the database is empty", || client.call(&["DBSIZE"]) == Value::Int(0));
        }
    });
}

#[test]
fn a_deadline_travels_with_its_key() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.transcript(
            r"
            SET a 1 PXAT 33177117420123
            RENAME a b
            PEXPIRETIME b => :33177117420123
            COPY b c
            PEXPIRETIME c => :33177117420123
            MOVE c 5
            SELECT 5
            PEXPIRETIME c => :33177117420123
            SWAPDB 5 6
            SELECT 6
            PEXPIRETIME c => :33177117420123
            ",
        );
    });
}

#[test]
fn ttl_rounds_to_the_nearest_second() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["SET", "a", "1", "PX", "1900"]);
        assert_eq!(client.call(&["TTL", "a"]), Value::Int(2));
        let left = client.call(&["PTTL", "a"]).int();
        assert!((1_000..=1_900).contains(&left), "{left} ms left");
    });
}
