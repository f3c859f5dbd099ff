//! Memory: what happens at `maxmemory`, by each policy.

use crate::support::{Client, Value, for_each_thread_count_with, wait_until};

/// Allows so many bytes more than are used now.
fn allow_more(client: &mut Client, bytes: i64) -> i64 {
    let limit = client.info_int("used_memory") + bytes;
    assert_eq!(client.call(&["CONFIG", "SET", "maxmemory", &limit.to_string()]).text(), "OK");
    limit
}

/// Writes keys of one kilobyte each; returns how many were refused.
fn fill(client: &mut Client, prefix: &str, count: usize, options: &[&str]) -> usize {
    let value = "v".repeat(1_000);
    let mut refused = 0;
    for number in 0..count {
        let key = format!("{prefix}{number}");
        let mut command = vec!["SET", &key, &value];
        command.extend_from_slice(options);
        let reply = client.call(&command);
        if reply.is_error() {
            let expected = "OOM command not allowed when used memory > 'maxmemory'.";
            assert_eq!(reply.error(), expected);
            refused += 1;
        }
    }
    refused
}

fn count_keys(client: &mut Client, pattern: &str) -> usize {
    client.call(&["KEYS", pattern]).items().len()
}

#[test]
fn without_eviction_writes_are_refused_and_reads_and_deletes_are_not() {
    for_each_thread_count_with(&[("maxmemory-policy", "noeviction")], |server| {
        let mut client = server.client();
        allow_more(&mut client, 2_000_000);
        let refused = fill(&mut client, "k", 4_000, &[]);
        assert!(refused > 0, "nothing was refused");
        assert_eq!(client.info_int("evicted_keys"), 0);
        client.transcript(
            r"
            STRLEN k0 => :1000
            APPEND k0 x => -OOM command not allowed when used memory > 'maxmemory'.
            INCR n => -OOM command not allowed when used memory > 'maxmemory'.
            EXPIRE k0 1000 => :1
            DEL k0 => :1
            PING => +PONG
            ",
        );
        client.call(&["FLUSHALL"]);
        wait_until("there is room again", || !client.call(&["SET", "a", "1"]).is_error());
    });
}

#[test]
fn allkeys_policies_make_room_and_stay_within_the_limit() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random"] {
        for_each_thread_count_with(&[("maxmemory-policy", policy)], |server| {
            let mut client = server.client();
            let limit = allow_more(&mut client, 4_000_000);
            assert_eq!(fill(&mut client, "k", 15_000, &[]), 0, "{policy}");
            assert!(client.info_int("evicted_keys") > 5_000, "{policy}");
            let used = client.info_int("used_memory");
            assert!(used < limit + limit / 10, "{policy}: {used} used of {limit}");
            assert!(client.call(&["DBSIZE"]).int() > 1_000, "{policy} evicts far too much");
        });
    }
}

#[test]
fn volatile_policies_take_only_keys_with_a_time_to_live() {
    for policy in ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] {
        for_each_thread_count_with(&[("maxmemory-policy", policy)], |server| {
            let mut client = server.client();
            allow_more(&mut client, 6_000_000);
            assert_eq!(fill(&mut client, "stays", 1_000, &[]), 0, "{policy}");
            assert_eq!(fill(&mut client, "goes", 8_000, &["EX", "10000"]), 0, "{policy}");
            assert!(client.info_int("evicted_keys") > 500, "{policy}");
            assert_eq!(count_keys(&mut client, "stays*"), 1_000, "{policy}");
        });
    }
}

#[test]
fn a_volatile_policy_without_volatile_keys_refuses_writes() {
    for_each_thread_count_with(&[("maxmemory-policy", "volatile-lru")], |server| {
        let mut client = server.client();
        allow_more(&mut client, 2_000_000);
        assert!(fill(&mut client, "k", 4_000, &[]) > 0);
        assert_eq!(client.info_int("evicted_keys"), 0);
    });
}

#[test]
fn volatile_ttl_takes_first_what_would_end_first() {
    for_each_thread_count_with(&[("maxmemory-policy", "volatile-ttl")], |server| {
        let mut client = server.client();
        client.call(&["CONFIG", "SET", "maxmemory-samples", "20"]);
        fill(&mut client, "late", 1_000, &["EX", "100000"]);
        fill(&mut client, "early", 1_000, &["EX", "1000"]);
        allow_more(&mut client, 100_000);
        fill(&mut client, "new", 600, &[]);
        let (early, late) = (count_keys(&mut client, "early*"), count_keys(&mut client, "late*"));
        assert!(early < 800 && late > 950, "{early} early and {late} late ones are left");
    });
}

#[test]
fn lru_keeps_what_is_used() {
    for_each_thread_count_with(&[("maxmemory-policy", "allkeys-lru")], |server| {
        let mut client = server.client();
        client.call(&["CONFIG", "SET", "maxmemory-samples", "10"]);
        fill(&mut client, "used", 200, &[]);
        fill(&mut client, "idle", 3_000, &[]);
        wait_until("the idle ones have idled", || {
            (0..200).for_each(|number| drop(client.call(&["GET", &format!("used{number}")])));
            client.call(&["OBJECT", "IDLETIME", "idle0"]).int() >= 2
        });
        allow_more(&mut client, 200_000);
        fill(&mut client, "new", 2_500, &[]);
        let used = count_keys(&mut client, "used*");
        assert!(used > 180, "only {used} of 200 used keys are left");
    });
}

#[test]
fn lowering_the_limit_evicts_at_once_or_soon() {
    for_each_thread_count_with(&[("maxmemory-policy", "allkeys-random")], |server| {
        let mut client = server.client();
        let empty = client.info_int("used_memory");
        fill(&mut client, "k", 8_000, &[]);
        let limit = empty + 4_000_000;
        client.call(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
        wait_until("memory is below the limit", || {
            client.call(&["SET", "k", "1"]);
            client.info_int("used_memory") <= limit + 200_000
        });
        assert!(client.call(&["DBSIZE"]).int() > 0);
    });
}

#[test]
fn deleted_data_gives_its_memory_back() {
    for_each_thread_count_with(&[], |server| {
        let mut client = server.client();
        let empty = client.info_int("used_memory");
        fill(&mut client, "k", 10_000, &[]);
        assert!(client.info_int("used_memory") > empty + 9_000_000);
        client.call(&["FLUSHALL"]);
        wait_until("memory is given back", || client.info_int("used_memory") < empty + 3_000_000);
        fill(&mut client, "k", 10_000, &[]);
        let keys: Vec<String> = (0..10_000).map(|number| format!("k{number}")).collect();
        for chunk in keys.chunks(500) {
            let command: Vec<&str> =
                ["UNLINK"].into_iter().chain(chunk.iter().map(String::as_str)).collect();
            assert_eq!(client.call(&command), Value::Int(500));
        }
        wait_until("memory is given back", || client.info_int("used_memory") < empty + 3_000_000);
    });
}
