//! Hashes: fields, their values and their deadlines.

use crate::support::{Value, for_each_thread_count, hold, hold_resp3, wait_until};

#[test]
fn fields_are_set_read_and_removed() {
    hold(
        r#"
        HSET h a 1 b two => :2
        HSET h a 3 c 4 => :1
        HGET h a => "3"
        HMGET h a x b => ["3", nil, "two"]
        HLEN h => :3
        HSTRLEN h b => :3
        HEXISTS h c => :1
        HDEL h a b x => :2
        HGETALL h => ["c", "4"]
        HDEL h c => :1
        EXISTS h => :0
        "#,
    );
}

#[test]
fn pairs_come_as_maps_in_resp3() {
    hold_resp3(
        r#"
        HSET h a 1 => :1
        HGETALL h => %{"a": "1"}
        HKEYS h => ["a"]
        HRANDFIELD h 1 WITHVALUES => [["a", "1"]]
        HRANDFIELD h => "a"
        "#,
    );
}

#[test]
fn numbers_in_fields_are_counted() {
    hold(
        r#"
        HINCRBY h n 5 => :5
        HINCRBY h n -7 => :-2
        HINCRBYFLOAT h f 3.0e3 => "3000"
        HINCRBYFLOAT h f 0.5 => "3000.5"
        HSET h t x => :1
        HINCRBY h t 1 => -ERR hash value is not an integer
        HINCRBYFLOAT h t 1 => -ERR hash value is not a float
        "#,
    );
}

#[test]
fn other_types_are_refused() {
    hold(
        r#"
        SET s 1 => +OK
        HSET s a 1 => -WRONGTYPE Operation against a key holding the wrong kind of value
        HGETALL s => -WRONGTYPE Operation against a key holding the wrong kind of value
        HSCAN s 0 => -WRONGTYPE Operation against a key holding the wrong kind of value
        GET s => "1"
        "#,
    );
}

#[test]
fn due_fields_leave_without_being_asked_for() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["HSET", "stays", "a", "1", "b", "2"]);
        client.call(&["HPEXPIRE", "stays", "20", "FIELDS", "1", "a"]);
        for number in 0..200 {
            let name = format!("goes{number}");
            client.call(&["HSETEX", &name, "PX", "20", "FIELDS", "2", "a", "1", "b", "2"]);
        }
        let mut large = vec!["HSET".to_owned(), "large".to_owned()];
        large.extend((0..2_000).map(|number| number.to_string()));
        client.call(&large.iter().map(String::as_str).collect::<Vec<_>>());
        for field in (0..2_000).step_by(4) {
            client.call(&["HPEXPIRE", "large", "20", "FIELDS", "1", &field.to_string()]);
        }
        wait_until("two keys are left", || client.call(&["DBSIZE"]) == Value::Int(2));
        wait_until("half of a large hash", || client.call(&["HLEN", "large"]) == Value::Int(500));
        wait_until("one field is left", || client.call(&["HLEN", "stays"]) == Value::Int(1));
        wait_until("all are counted", || client.info_int("expired_subkeys") == 901);
    });
}

#[test]
fn a_hash_keeps_its_deadlines_under_another_name() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.transcript(
            r"
            HSET h a 1 b 2 => :2
            HPEXPIREAT h 33177117420123 FIELDS 1 a => [:1]
            RENAME h i => +OK
            COPY i j => :1
            HPEXPIRETIME i FIELDS 2 a b => [:33177117420123, :-1]
            HPEXPIRETIME j FIELDS 2 a b => [:33177117420123, :-1]
            DEL i => :1
            ",
        );
        let line = |client: &mut crate::support::Client| {
            client.call(&["INFO", "keyspace"]).text().contains("subexpiry=1")
        };
        assert!(line(&mut client));
        client.call(&["SET", "j", "1"]);
        assert!(!line(&mut client));
    });
}
