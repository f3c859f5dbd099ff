//! Keys of any type: removing, naming, copying, moving and looking at them.

use crate::support::{hold, hold_with};

#[test]
fn del_unlink_exists_and_touch_count_the_keys_that_were_there() {
    hold(
        r"
        MSET a 1 b 2 c 3 => +OK
        EXISTS a b missing a => :3
        TOUCH a missing b => :2
        DEL a missing => :1
        DEL a => :0
        UNLINK b c missing => :2
        EXISTS a b c => :0
        DEL => -ERR wrong number of arguments for 'del' command
        UNLINK => -ERR wrong number of arguments for 'unlink' command
        EXISTS => -ERR wrong number of arguments for 'exists' command
        TOUCH => -ERR wrong number of arguments for 'touch' command
        ",
    );
}

#[test]
fn a_key_named_twice_is_deleted_once() {
    hold(
        r"
        SET a 1 => +OK
        DEL a a => :1
        SET a 1 => +OK
        UNLINK a a => :1
        SET a 1 => +OK
        TOUCH a a => :2
        ",
    );
}

#[test]
fn type_names_the_kind() {
    hold(
        r"
        TYPE missing => +none
        SET a 1 => +OK
        TYPE a => +string
        TYPE => -ERR wrong number of arguments for 'type' command
        TYPE a b => -ERR wrong number of arguments for 'type' command
        ",
    );
}

#[test]
fn rename_moves_the_value_and_its_time_to_live() {
    hold(
        r#"
        SET a 1 EX 100 => +OK
        SET b 2 => +OK
        RENAME a b => +OK
        EXISTS a => :0
        GET b => "1"
        TTL b => :100
        RENAME missing b => -ERR no such key
        RENAME b b => +OK
        RENAME missing missing => -ERR no such key
        GET b => "1"
        RENAME a => -ERR wrong number of arguments for 'rename' command
        "#,
    );
}

#[test]
fn renamenx_leaves_what_is_there() {
    hold(
        r#"
        SET a 1 => +OK
        SET b 2 => +OK
        RENAMENX a b => :0
        GET b => "2"
        RENAMENX a c => :1
        GET c => "1"
        EXISTS a => :0
        RENAMENX c c => :0
        RENAMENX missing d => -ERR no such key
        RENAMENX missing missing => -ERR no such key
        RENAMENX a => -ERR wrong number of arguments for 'renamenx' command
        "#,
    );
}

#[test]
fn a_rename_over_a_key_with_a_time_to_live_drops_that_time() {
    hold(
        r"
        SET a 1 => +OK
        SET b 2 EX 100 => +OK
        RENAME a b => +OK
        TTL b => :-1
        ",
    );
}

#[test]
fn copy_leaves_the_source() {
    hold(
        r#"
        SET a 1 EX 100 => +OK
        COPY a b => :1
        GET a => "1"
        GET b => "1"
        TTL b => :100
        COPY a b => :0
        COPY a b REPLACE => :1
        COPY missing b => :0
        COPY missing b REPLACE => :0
        GET b => "1"
        COPY a a => -ERR source and destination objects are the same
        COPY a a REPLACE => -ERR source and destination objects are the same
        COPY a a DB 0 => -ERR source and destination objects are the same
        COPY a a DB 1 => :1
        COPY a c DB 0 => :1
        SELECT 1 => +OK
        GET a => "1"
        TTL a => :100
        COPY a a DB 0 => :0
        COPY a a DB 0 REPLACE => :1
        COPY a a DB 16 => -ERR DB index is out of range
        COPY a a DB -1 => -ERR DB index is out of range
        COPY a a DB x => -ERR value is not an integer or out of range
        COPY a b DB => -ERR syntax error
        COPY a b FOO => -ERR syntax error
        COPY a => -ERR wrong number of arguments for 'copy' command
        COPY a x REPLACE REPLACE DB 1 DB 2 => :1
        SELECT 2 => +OK
        GET x => "1"
        "#,
    );
}

#[test]
fn move_takes_a_key_to_another_database() {
    hold(
        r#"
        SET a 1 EX 100 => +OK
        MOVE a 1 => :1
        EXISTS a => :0
        SELECT 1 => +OK
        GET a => "1"
        TTL a => :100
        MOVE a 1 => -ERR source and destination objects are the same
        MOVE a 16 => -ERR DB index is out of range
        MOVE a -1 => -ERR DB index is out of range
        MOVE a x => -ERR value is not an integer or out of range
        MOVE missing 2 => :0
        MOVE a => -ERR wrong number of arguments for 'move' command
        SELECT 0 => +OK
        SET a 2 => +OK
        MOVE a 1 => :0
        GET a => "2"
        SELECT 1 => +OK
        GET a => "1"
        "#,
    );
}

#[test]
fn a_time_to_live_is_set_read_and_taken_away() {
    hold(
        r"
        SET a 1 => +OK
        TTL a => :-1
        PTTL a => :-1
        EXPIRETIME a => :-1
        PEXPIRETIME a => :-1
        TTL missing => :-2
        PTTL missing => :-2
        EXPIRETIME missing => :-2
        PEXPIRETIME missing => :-2
        EXPIRE a 100 => :1
        TTL a => :100
        PEXPIRE a 100000 => :1
        TTL a => :100
        EXPIREAT a 33177117420 => :1
        EXPIRETIME a => :33177117420
        PEXPIRETIME a => :33177117420000
        PEXPIREAT a 33177117420123 => :1
        EXPIRETIME a => :33177117420
        PEXPIRETIME a => :33177117420123
        PERSIST a => :1
        PERSIST a => :0
        PERSIST missing => :0
        TTL a => :-1
        EXPIRE missing 100 => :0
        TTL => -ERR wrong number of arguments for 'ttl' command
        PTTL a b => -ERR wrong number of arguments for 'pttl' command
        PERSIST => -ERR wrong number of arguments for 'persist' command
        ",
    );
}

#[test]
fn a_time_in_the_past_deletes_the_key() {
    hold(
        r"
        SET a 1 => +OK
        EXPIRE a 0 => :1
        EXISTS a => :0
        SET a 1 => +OK
        EXPIRE a -1 => :1
        EXISTS a => :0
        SET a 1 => +OK
        PEXPIRE a -1 => :1
        EXISTS a => :0
        SET a 1 => +OK
        EXPIREAT a 1 => :1
        EXISTS a => :0
        SET a 1 => +OK
        PEXPIREAT a 1 => :1
        EXISTS a => :0
        SET a 1 => +OK
        EXPIREAT a -1 => :1
        EXISTS a => :0
        ",
    );
}

#[test]
fn expire_with_nx_only_where_there_is_no_time() {
    hold(
        r"
        SET a 1 => +OK
        EXPIRE a 100 NX => :1
        EXPIRE a 200 NX => :0
        TTL a => :100
        PEXPIRE a 200000 NX => :0
        EXPIREAT a 33177117420 NX => :0
        PEXPIREAT a 33177117420000 NX => :0
        TTL a => :100
        EXPIRE missing 1 NX => :0
        ",
    );
}

#[test]
fn expire_with_xx_only_where_there_is_one() {
    hold(
        r"
        SET a 1 => +OK
        EXPIRE a 100 XX => :0
        TTL a => :-1
        EXPIRE a 100 => :1
        EXPIRE a 200 XX => :1
        TTL a => :200
        ",
    );
}

#[test]
fn expire_with_gt_only_forward_and_never_has_no_forward() {
    hold(
        r"
        SET a 1 => +OK
        EXPIRE a 99 GT => :0
        TTL a => :-1
        EXPIRE a 100 => :1
        EXPIRE a 50 GT => :0
        EXPIRE a 99 GT => :0
        EXPIRE a 200 GT => :1
        TTL a => :200
        EXPIRE a 300 XX GT => :1
        TTL a => :300
        EXPIRE a 50 xx gt => :0
        ",
    );
}

#[test]
fn expire_with_lt_only_backward_and_from_never() {
    hold(
        r"
        SET a 1 => +OK
        EXPIRE a 100 LT => :1
        TTL a => :100
        EXPIRE a 200 LT => :0
        EXPIRE a 50 LT => :1
        TTL a => :50
        EXPIRE a 40 XX LT => :1
        SET b 1 => +OK
        EXPIRE b 40 XX LT => :0
        TTL b => :-1
        EXPIRE a -1 LT => :1
        EXISTS a => :0
        ",
    );
}

#[test]
fn expire_refuses_what_it_cannot_take() {
    hold(
        r#"
        SET a 1 => +OK
        EXPIRE a => -ERR wrong number of arguments for 'expire' command
        EXPIRE a x => -ERR value is not an integer or out of range
        EXPIRE a 1.5 => -ERR value is not an integer or out of range
        EXPIRE a "" => -ERR value is not an integer or out of range
        EXPIRE a 9223372036854775807 => -ERR invalid expire time in 'expire' command
        EXPIRE a -9223372036854775808 => -ERR invalid expire time in 'expire' command
        PEXPIRE a 9223372036854775807 => -ERR invalid expire time in 'pexpire' command
        PEXPIRE a 9223372036854770000 => -ERR invalid expire time in 'pexpire' command
        EXPIREAT a 9223372036854775807 => -ERR invalid expire time in 'expireat' command
        PEXPIREAT a 9223372036854775807 => :1
        PEXPIREAT a 9223372036854775808 => -ERR value is not an integer or out of range
        PERSIST a => :1
        EXPIRE a 100 NX XX => -ERR NX and XX, GT or LT options at the same time are not compatible
        EXPIRE a 100 NX GT => -ERR NX and XX, GT or LT options at the same time are not compatible
        EXPIRE a 100 NX LT => -ERR NX and XX, GT or LT options at the same time are not compatible
        EXPIRE a 100 GT LT => -ERR GT and LT options at the same time are not compatible
        EXPIRE a 100 FOO => -ERR Unsupported option FOO
        EXPIRE a 100 XX FOO => -ERR Unsupported option FOO
        EXPIRE a 100 NX GT FOO => -ERR Unsupported option FOO
        EXPIRE a x FOO => -ERR Unsupported option FOO
        EXPIRE missing x => -ERR value is not an integer or out of range
        EXPIRE missing 100 FOO => -ERR Unsupported option FOO
        TTL a => :-1
        "#,
    );
}

#[test]
fn keys_filters_by_pattern() {
    hold(
        r#"
        MSET key1 1 key2 2 other 3 "k\\x" 4 => +OK
        KEYS key1 => ["key1"]
        KEYS nothing* => []
        KEYS "k[\\\\]x" => ["k\\x"]
        KEYS ?the? => ["other"]
        KEYS "oth[a-f]r" => ["other"]
        KEYS "oth[^a-f]r" => []
        KEYS o*r => ["other"]
        KEYS => -ERR wrong number of arguments for 'keys' command
        KEYS a b => -ERR wrong number of arguments for 'keys' command
        "#,
    );
}

#[test]
fn keys_sees_only_its_database() {
    hold(
        r#"
        SELECT 3 => +OK
        SET three 3 => +OK
        KEYS * => ["three"]
        SELECT 4 => +OK
        KEYS * => []
        RANDOMKEY => nil
        SELECT 3 => +OK
        RANDOMKEY => "three"
        RANDOMKEY a => -ERR wrong number of arguments for 'randomkey' command
        "#,
    );
}

#[test]
fn scan_refuses_what_it_cannot_take() {
    hold(
        r#"
        SCAN => -ERR wrong number of arguments for 'scan' command
        SCAN x => -ERR invalid cursor
        SCAN -1 => -ERR invalid cursor
        SCAN 18446744073709551616 => -ERR invalid cursor
        SCAN 0 COUNT => -ERR syntax error
        SCAN 0 COUNT 0 => -ERR syntax error
        SCAN 0 COUNT -1 => -ERR syntax error
        SCAN 0 COUNT x => -ERR value is not an integer or out of range
        SCAN 0 MATCH => -ERR syntax error
        SCAN 0 TYPE => -ERR syntax error
        SCAN 0 FOO => -ERR syntax error
        SCAN 0 FOO 1 => -ERR syntax error
        SCAN 0 COUNT 10 MATCH => -ERR syntax error
        SCAN 0 => ["0", []]
        SCAN 0 COUNT 10 MATCH a* TYPE string => ["0", []]
        SCAN 0 TYPE hash => ["0", []]
        "#,
    );
}

#[test]
fn scan_of_few_keys_ends_at_once() {
    hold(
        r#"
        SET a 1 => +OK
        SCAN 0 COUNT 1000 => ["0", ["a"]]
        SCAN 0 COUNT 1000 MATCH b* => ["0", []]
        SCAN 0 COUNT 1000 TYPE string => ["0", ["a"]]
        SCAN 0 COUNT 1000 TYPE STRING => ["0", ["a"]]
        SCAN 0 COUNT 1000 TYPE hash => ["0", []]
        SCAN 0 COUNT 1000 MATCH a TYPE list => ["0", []]
        "#,
    );
}

#[test]
fn object_looks_inside() {
    hold(
        r#"
        SET a 1 => +OK
        SET b abc => +OK
        OBJECT ENCODING a => "int"
        OBJECT ENCODING b => "embstr"
        OBJECT ENCODING missing => nil
        OBJECT REFCOUNT b => :1
        OBJECT REFCOUNT missing => nil
        OBJECT IDLETIME a => :...
        OBJECT IDLETIME missing => nil
        OBJECT FREQ a => -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        OBJECT FREQ missing => nil
        OBJECT => -ERR wrong number of arguments for 'object' command
        OBJECT ENCODING => -ERR wrong number of arguments for 'object|encoding' command
        OBJECT ENCODING a b => -ERR wrong number of arguments for 'object|encoding' command
        OBJECT FOO a => -ERR unknown subcommand 'FOO'. Try OBJECT HELP.
        "#,
    );
}

#[test]
fn object_freq_answers_under_an_lfu_policy() {
    hold_with(
        &[("maxmemory-policy", "allkeys-lfu")],
        r"
        SET a 1 => +OK
        OBJECT FREQ a => :...
        OBJECT FREQ missing => nil
        OBJECT IDLETIME a => -ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        OBJECT IDLETIME missing => nil
        ",
    );
}

#[test]
fn databases_are_apart() {
    hold(
        r#"
        SET a 0 => +OK
        SELECT 1 => +OK
        GET a => nil
        SET a 1 => +OK
        SELECT 0 => +OK
        GET a => "0"
        SELECT 15 => +OK
        SELECT 16 => -ERR DB index is out of range
        SELECT -1 => -ERR DB index is out of range
        SELECT x => -ERR value is not an integer or out of range
        SELECT => -ERR wrong number of arguments for 'select' command
        SELECT 99999999999999999999 => -ERR value is not an integer or out of range
        DBSIZE => :0
        "#,
    );
}

#[test]
fn swapdb_exchanges_two_databases() {
    hold(
        r#"
        SET a 0 => +OK
        SELECT 1 => +OK
        SET a 1 => +OK
        SWAPDB 0 1 => +OK
        GET a => "0"
        SELECT 0 => +OK
        GET a => "1"
        SWAPDB 0 0 => +OK
        GET a => "1"
        SWAPDB 0 16 => -ERR DB index is out of range
        SWAPDB 16 0 => -ERR DB index is out of range
        SWAPDB -1 0 => -ERR DB index is out of range
        SWAPDB x 0 => -ERR invalid first DB index
        SWAPDB 0 x => -ERR invalid second DB index
        SWAPDB 0 => -ERR wrong number of arguments for 'swapdb' command
        "#,
    );
}

#[test]
fn flushdb_empties_one_database_and_flushall_all() {
    hold(
        r"
        SET a 0 => +OK
        SELECT 1 => +OK
        SET a 1 => +OK
        FLUSHDB => +OK
        DBSIZE => :0
        SELECT 0 => +OK
        DBSIZE => :1
        FLUSHDB ASYNC => +OK
        DBSIZE => :0
        SET a 1 => +OK
        FLUSHDB SYNC => +OK
        DBSIZE => :0
        FLUSHDB FOO => -ERR syntax error
        FLUSHDB SYNC ASYNC => -ERR syntax error
        SELECT 1 => +OK
        SET a 1 => +OK
        SELECT 2 => +OK
        FLUSHALL => +OK
        SELECT 1 => +OK
        DBSIZE => :0
        FLUSHALL ASYNC => +OK
        FLUSHALL SYNC => +OK
        FLUSHALL FOO => -ERR syntax error
        FLUSHALL ASYNC SYNC => -ERR syntax error
        ",
    );
}
