//! Strings: reading, writing and counting, with every option of each command.

use crate::support::{hold, hold_resp3, reference_lacks};

#[test]
fn a_value_set_is_the_value_read() {
    hold(
        r#"
        SET a 1 => +OK
        GET a => "1"
        SET a "" => +OK
        GET a => ""
        SET bin "\x00\r\n\xff" => +OK
        GET bin => "\x00\r\n\xff"
        GET missing => nil
        "#,
    );
}

#[test]
fn set_drops_the_time_to_live() {
    hold(
        r#"
        SET a 1 EX 100 => +OK
        SET a 2 => +OK
        TTL a => :-1
        GET a => "2"
        "#,
    );
}

#[test]
fn set_nx_and_xx_depend_on_the_key() {
    hold(
        r#"
        SET a 1 XX => nil
        EXISTS a => :0
        SET a 1 NX => +OK
        SET a 2 NX => nil
        GET a => "1"
        SET a 3 XX => +OK
        GET a => "3"
        "#,
    );
}

#[test]
fn set_get_returns_the_old_value() {
    hold(
        r#"
        SET a 1 GET => nil
        SET a 2 GET => "1"
        SET a 3 NX GET => "2"
        GET a => "2"
        SET b 1 NX GET => nil
        GET b => "1"
        SET c 1 XX GET => nil
        EXISTS c => :0
        SET a 4 XX GET => "2"
        GET a => "4"
        "#,
    );
}

#[test]
fn set_takes_a_time_to_live_in_four_forms() {
    hold(
        r"
        SET a 1 EX 100 => +OK
        TTL a => :100
        SET a 1 PX 100000 => +OK
        TTL a => :100
        SET a 1 EXAT 33177117420 => +OK
        EXPIRETIME a => :33177117420
        SET a 1 PXAT 33177117420000 => +OK
        PEXPIRETIME a => :33177117420000
        SET a 1 ex 100 nx => nil
        SET b 1 ex 100 nx => +OK
        TTL b => :100
        ",
    );
}

#[test]
fn set_keepttl_keeps_the_time_to_live() {
    hold(
        r#"
        SET a 1 EX 100 => +OK
        SET a 2 KEEPTTL => +OK
        TTL a => :100
        GET a => "2"
        SET b 1 KEEPTTL => +OK
        TTL b => :-1
        "#,
    );
}

#[test]
fn set_with_a_time_in_the_past_removes_the_key() {
    hold(
        r#"
        SET a 1 => +OK
        SET a 2 EXAT 1 => +OK
        EXISTS a => :0
        SET a 1 => +OK
        SET a 2 PXAT 1 GET => "1"
        EXISTS a => :0
        "#,
    );
}

#[test]
fn set_refuses_wrong_options() {
    hold(
        r#"
        SET a => -ERR wrong number of arguments for 'set' command
        SET => -ERR wrong number of arguments for 'set' command
        SET a 1 EX => -ERR syntax error
        SET a 1 EX 0 => -ERR invalid expire time in 'set' command
        SET a 1 EX -1 => -ERR invalid expire time in 'set' command
        SET a 1 PX 0 => -ERR invalid expire time in 'set' command
        SET a 1 EXAT 0 => -ERR invalid expire time in 'set' command
        SET a 1 PXAT -5 => -ERR invalid expire time in 'set' command
        SET a 1 EX abc => -ERR value is not an integer or out of range
        SET a 1 EX 1.5 => -ERR value is not an integer or out of range
        SET a 1 EX 9223372036854775807 => -ERR invalid expire time in 'set' command
        SET a 1 PX 9223372036854775807 => -ERR invalid expire time in 'set' command
        SET a 1 EX 9223372036854775808 => -ERR value is not an integer or out of range
        SET a 1 NX XX => -ERR syntax error
        SET a 1 XX NX => -ERR syntax error
        SET a 1 NX NX => +OK
        SET a 1 EX 10 PX 10 => -ERR syntax error
        SET a 1 EX 10 KEEPTTL => -ERR syntax error
        SET a 1 KEEPTTL EX 10 => -ERR syntax error
        SET a 1 EX 10 EXAT 10 => -ERR syntax error
        SET a 1 FOO => -ERR syntax error
        SET a 1 GET GET => "1"
        SET a 1 PERSIST => -ERR syntax error
        SET a 1 "" => -ERR syntax error
        EXISTS a => :1
        GET a => "1"
        "#,
    );
}

#[test]
fn set_ifeq_compares_before_it_writes() {
    if reference_lacks("DELIFEQ") {
        return;
    }
    hold(
        r#"
        SET a 1 => +OK
        SET a 2 IFEQ 1 => +OK
        GET a => "2"
        SET a 3 IFEQ 1 => nil
        GET a => "2"
        SET b 1 IFEQ 1 => nil
        EXISTS b => :0
        SET a 3 IFEQ 2 GET => "2"
        GET a => "3"
        SET a 4 IFEQ nope GET => "3"
        GET a => "3"
        SET b 1 IFEQ 1 GET => nil
        SET a 4 IFEQ 3 EX 100 => +OK
        TTL a => :100
        SET a 5 IFEQ 4 KEEPTTL => +OK
        TTL a => :100
        SET a 5 IFEQ 5 NX => -ERR syntax error
        SET a 5 NX IFEQ 5 => -ERR syntax error
        SET a 5 IFEQ 5 XX => -ERR syntax error
        SET a 5 IFEQ => -ERR syntax error
        SET a 5 IFEQ 5 IFEQ 5 => -ERR syntax error
        "#,
    );
}

#[test]
fn get_refuses_a_wrong_number_of_arguments() {
    hold(
        r"
        GET => -ERR wrong number of arguments for 'get' command
        GET a b => -ERR wrong number of arguments for 'get' command
        STRLEN => -ERR wrong number of arguments for 'strlen' command
        STRLEN a b => -ERR wrong number of arguments for 'strlen' command
        APPEND a => -ERR wrong number of arguments for 'append' command
        INCR => -ERR wrong number of arguments for 'incr' command
        INCR a b => -ERR wrong number of arguments for 'incr' command
        INCRBY a => -ERR wrong number of arguments for 'incrby' command
        MGET => -ERR wrong number of arguments for 'mget' command
        MSET => -ERR wrong number of arguments for 'mset' command
        MSET a => -ERR wrong number of arguments for 'mset' command
        MSET a 1 b => -ERR wrong number of arguments for 'mset' command
        MSETNX a 1 b => -ERR wrong number of arguments for 'msetnx' command
        MSETNX => -ERR wrong number of arguments for 'msetnx' command
        GETSET a => -ERR wrong number of arguments for 'getset' command
        GETDEL => -ERR wrong number of arguments for 'getdel' command
        GETDEL a b => -ERR wrong number of arguments for 'getdel' command
        SETNX a => -ERR wrong number of arguments for 'setnx' command
        SETEX a 1 => -ERR wrong number of arguments for 'setex' command
        PSETEX a 1 => -ERR wrong number of arguments for 'psetex' command
        SETRANGE a 1 => -ERR wrong number of arguments for 'setrange' command
        GETRANGE a 1 => -ERR wrong number of arguments for 'getrange' command
        SUBSTR a 1 => -ERR wrong number of arguments for 'substr' command
        GETEX => -ERR wrong number of arguments for 'getex' command
        LCS a => -ERR wrong number of arguments for 'lcs' command
        ",
    );
}

#[test]
fn setnx_writes_only_what_is_not_there() {
    hold(
        r#"
        SETNX a 1 => :1
        SETNX a 2 => :0
        GET a => "1"
        "#,
    );
}

#[test]
fn setex_and_psetex_take_the_time_first() {
    hold(
        r#"
        SETEX a 100 1 => +OK
        TTL a => :100
        PSETEX b 100000 2 => +OK
        TTL b => :100
        GET b => "2"
        SETEX a 0 1 => -ERR invalid expire time in 'setex' command
        SETEX a -1 1 => -ERR invalid expire time in 'setex' command
        SETEX a abc 1 => -ERR value is not an integer or out of range
        PSETEX a 0 1 => -ERR invalid expire time in 'psetex' command
        PSETEX a -10 1 => -ERR invalid expire time in 'psetex' command
        SETEX a 9223372036854775807 1 => -ERR invalid expire time in 'setex' command
        PSETEX a 9223372036854775807 1 => -ERR invalid expire time in 'psetex' command
        GET a => "1"
        "#,
    );
}

#[test]
fn getset_exchanges_and_drops_the_time_to_live() {
    hold(
        r#"
        GETSET a 1 => nil
        SET a 2 EX 100 => +OK
        GETSET a 3 => "2"
        TTL a => :-1
        GET a => "3"
        "#,
    );
}

#[test]
fn getdel_returns_and_removes() {
    hold(
        r#"
        GETDEL a => nil
        SET a 1 => +OK
        GETDEL a => "1"
        EXISTS a => :0
        "#,
    );
}

#[test]
fn getex_reads_and_changes_the_time_to_live() {
    hold(
        r#"
        SET a 1 => +OK
        GETEX a => "1"
        TTL a => :-1
        GETEX a EX 100 => "1"
        TTL a => :100
        GETEX a => "1"
        TTL a => :100
        GETEX a PX 200000 => "1"
        TTL a => :200
        GETEX a EXAT 33177117420 => "1"
        EXPIRETIME a => :33177117420
        GETEX a PXAT 33177117420001 => "1"
        PEXPIRETIME a => :33177117420001
        GETEX a PERSIST => "1"
        TTL a => :-1
        GETEX a EXAT 1 => "1"
        EXISTS a => :0
        GETEX a EX 10 => nil
        "#,
    );
}

#[test]
fn getex_refuses_wrong_options() {
    hold(
        r"
        SET a 1 => +OK
        GETEX a EX => -ERR syntax error
        GETEX a EX 0 => -ERR invalid expire time in 'getex' command
        GETEX a EX -1 => -ERR invalid expire time in 'getex' command
        GETEX a EX abc => -ERR value is not an integer or out of range
        GETEX a PX 9223372036854775807 => -ERR invalid expire time in 'getex' command
        GETEX a EX 9223372036854775807 => -ERR invalid expire time in 'getex' command
        GETEX a EX 10 PX 10 => -ERR syntax error
        GETEX a EX 10 PERSIST => -ERR syntax error
        GETEX a PERSIST EX 10 => -ERR syntax error
        GETEX a FOO => -ERR syntax error
        GETEX a KEEPTTL => -ERR syntax error
        GETEX a NX => -ERR syntax error
        GETEX a GET => -ERR syntax error
        TTL a => :-1
        ",
    );
}

#[test]
fn mget_answers_for_every_key_in_order() {
    hold(
        r#"
        MSET a 1 b 2 => +OK
        MGET a missing b a => ["1", nil, "2", "1"]
        MSET a 3 a 4 => +OK
        GET a => "4"
        "#,
    );
}

#[test]
fn mset_drops_times_to_live() {
    hold(
        r#"
        SET a 1 EX 100 => +OK
        MSET a 2 b 3 => +OK
        TTL a => :-1
        MGET a b => ["2", "3"]
        "#,
    );
}

#[test]
fn msetnx_writes_all_or_nothing() {
    hold(
        r#"
        MSETNX a 1 b 2 => :1
        MSETNX b 3 c 4 => :0
        MGET a b c => ["1", "2", nil]
        MSETNX d 1 d 2 => :1
        GET d => "2"
        "#,
    );
}

#[test]
fn msetex_writes_several_with_one_time() {
    if reference_lacks("MSETEX") {
        return;
    }
    hold(
        r#"
        MSETEX 2 a 1 b 2 EX 100 => :1
        TTL a => :100
        TTL b => :100
        MGET a b => ["1", "2"]
        MSETEX 2 a 3 c 3 NX => :0
        MGET a c => ["1", nil]
        MSETEX 2 a 3 c 3 XX => :0
        MGET a c => ["1", nil]
        MSETEX 1 a 5 XX KEEPTTL => :1
        TTL a => :100
        GET a => "5"
        MSETEX 1 a 6 => :1
        TTL a => :-1
        MSETEX 1 a 7 PX 100000 => :1
        TTL a => :100
        MSETEX 1 a 7 EXAT 33177117420 => :1
        EXPIRETIME a => :33177117420
        MSETEX 1 a 7 PXAT 33177117420000 => :1
        PEXPIRETIME a => :33177117420000
        MSETEX 2 x 1 y 2 NX EX 50 => :1
        TTL x => :50
        "#,
    );
}

#[test]
fn msetex_refuses_wrong_options() {
    if reference_lacks("MSETEX") {
        return;
    }
    hold(
        r"
        MSETEX => -ERR wrong number of arguments for 'msetex' command
        MSETEX 1 => -ERR wrong number of arguments for 'msetex' command
        MSETEX 1 a => -ERR wrong number of arguments for 'msetex' command
        MSETEX 2 a 1 => -ERR syntax error
        MSETEX 0 a 1 => -ERR invalid numkeys value or out of range
        MSETEX -1 a 1 => -ERR invalid numkeys value or out of range
        MSETEX x a 1 => -ERR invalid numkeys value or out of range
        MSETEX 1 a 1 EX => -ERR syntax error
        MSETEX 1 a 1 EX 0 => -ERR invalid expire time in 'msetex' command
        MSETEX 1 a 1 EX abc => -ERR value is not an integer or out of range
        MSETEX 1 a 1 NX XX => -ERR syntax error
        MSETEX 1 a 1 EX 1 PX 1 => -ERR syntax error
        MSETEX 1 a 1 EX 1 KEEPTTL => -ERR syntax error
        MSETEX 1 a 1 FOO => -ERR syntax error
        MSETEX 1 a 1 b 2 => -ERR syntax error
        MSETEX 2147483648 a 1 => -ERR invalid numkeys value or out of range
        EXISTS a => :0
        ",
    );
}

#[test]
fn delifeq_deletes_what_is_equal() {
    if reference_lacks("DELIFEQ") {
        return;
    }
    hold(
        r"
        DELIFEQ a 1 => :0
        SET a 1 => +OK
        DELIFEQ a 2 => :0
        EXISTS a => :1
        DELIFEQ a 1 => :1
        EXISTS a => :0
        DELIFEQ a => -ERR wrong number of arguments for 'delifeq' command
        DELIFEQ a 1 2 => -ERR wrong number of arguments for 'delifeq' command
        ",
    );
}

#[test]
fn append_lengthens_and_strlen_measures() {
    hold(
        r#"
        APPEND a abc => :3
        APPEND a "" => :3
        APPEND a def => :6
        GET a => "abcdef"
        STRLEN a => :6
        STRLEN missing => :0
        SET n 12 => +OK
        APPEND n 3 => :3
        GET n => "123"
        INCR n => :124
        SET t 1 EX 100 => +OK
        APPEND t 2 => :2
        TTL t => :100
        APPEND empty "" => :0
        EXISTS empty => :1
        GET empty => ""
        "#,
    );
}

#[test]
fn strlen_of_a_number_counts_its_digits() {
    hold(
        r"
        SET a -1234567890 => +OK
        STRLEN a => :11
        SET a 0 => +OK
        STRLEN a => :1
        ",
    );
}

#[test]
fn incr_and_decr_count() {
    hold(
        r#"
        INCR a => :1
        INCRBY a 41 => :42
        DECR a => :41
        DECRBY a 1 => :40
        GET a => "40"
        INCRBY a -50 => :-10
        DECRBY a -10 => :0
        SET t 5 EX 100 => +OK
        INCR t => :6
        TTL t => :100
        SET b "00" => +OK
        INCR b => -ERR value is not an integer or out of range
        SET s " 1" => +OK
        INCR s => -ERR value is not an integer or out of range
        SET s "1 " => +OK
        INCR s => -ERR value is not an integer or out of range
        SET s "+1" => +OK
        INCR s => -ERR value is not an integer or out of range
        SET s "" => +OK
        INCR s => -ERR value is not an integer or out of range
        SET s "1.0" => +OK
        INCR s => -ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn counting_refuses_what_is_no_integer_or_overflows() {
    hold(
        r#"
        SET a abc => +OK
        INCR a => -ERR value is not an integer or out of range
        DECR a => -ERR value is not an integer or out of range
        INCRBY a 1 => -ERR value is not an integer or out of range
        INCRBY b abc => -ERR value is not an integer or out of range
        INCRBY b 1.5 => -ERR value is not an integer or out of range
        INCRBY b 9223372036854775808 => -ERR value is not an integer or out of range
        DECRBY b -9223372036854775808 => -ERR decrement would overflow
        DECRBY b abc => -ERR value is not an integer or out of range
        EXISTS b => :0
        SET max 9223372036854775807 => +OK
        INCR max => -ERR increment or decrement would overflow
        INCRBY max 1 => -ERR increment or decrement would overflow
        GET max => "9223372036854775807"
        SET min -9223372036854775808 => +OK
        DECR min => -ERR increment or decrement would overflow
        DECRBY min 1 => -ERR increment or decrement would overflow
        INCRBY min -1 => -ERR increment or decrement would overflow
        GET min => "-9223372036854775808"
        SET big 9223372036854775808 => +OK
        INCR big => -ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn incrbyfloat_adds_with_seventeen_digits() {
    hold(
        r#"
        INCRBYFLOAT a 1 => "1"
        INCRBYFLOAT a 0.25 => "1.25"
        INCRBYFLOAT a -1.25 => "0"
        GET a => "0"
        SET a 3.0e3 => +OK
        INCRBYFLOAT a 200 => "3200"
        SET a 5.0e3 => +OK
        INCRBYFLOAT a 2.0e2 => "5200"
        SET a 0.1 => +OK
        INCRBYFLOAT a 0.2 => "0.3"
        INCRBYFLOAT a 1e17 => "100000000000000000.296875"
        SET a 10.5 => +OK
        INCRBYFLOAT a 0.1 => "10.6"
        INCRBYFLOAT a -5 => "5.6"
        SET a 1e20 => +OK
        INCRBYFLOAT a 1 => "100000000000000000000"
        SET a -0 => +OK
        INCRBYFLOAT a -0.0 => "0"
        SET a 3 => +OK
        INCRBYFLOAT a 1.1 => "4.1"
        SET t 1 EX 100 => +OK
        INCRBYFLOAT t 1 => "2"
        TTL t => :100
        "#,
    );
}

#[test]
fn incrbyfloat_refuses_what_is_no_number() {
    hold(
        r#"
        SET a abc => +OK
        INCRBYFLOAT a 1 => -ERR value is not a valid float
        SET a " 1" => +OK
        INCRBYFLOAT a 1 => -ERR value is not a valid float
        SET a 1 => +OK
        INCRBYFLOAT a abc => -ERR value is not a valid float
        INCRBYFLOAT a "" => -ERR value is not a valid float
        INCRBYFLOAT a "1 " => -ERR value is not a valid float
        INCRBYFLOAT a nan => -ERR value is not a valid float
        INCRBYFLOAT a inf => -ERR increment would produce NaN or Infinity
        INCRBYFLOAT a -inf => -ERR increment would produce NaN or Infinity
        INCRBYFLOAT a +inf => -ERR increment would produce NaN or Infinity
        INCRBYFLOAT a 1e400 => "10000000000000000000281880683947586514586453433629052038625910693539685534008629862039363994848324160522094053927317616200295822777259255734023828976593340661017797447434546173917862448116674971723778943824391593338047470675026246684401359237513603830343735485505244955964979021825038280091068414947402456898653040951017512658092615827588920183472511643316591362664138176309734806343732497430221946880"
        INCRBYFLOAT a 1e5000 => -ERR value is not a valid float
        GET a => "10000000000000000000281880683947586514586453433629052038625910693539685534008629862039363994848324160522094053927317616200295822777259255734023828976593340661017797447434546173917862448116674971723778943824391593338047470675026246684401359237513603830343735485505244955964979021825038280091068414947402456898653040951017512658092615827588920183472511643316591362664138176309734806343732497430221946880"
        INCRBYFLOAT a => -ERR wrong number of arguments for 'incrbyfloat' command
        SET a 1e308 => +OK
        INCRBYFLOAT a 1e308 => "199999999999999999993371759311691291321120199694831134415594095989843469737676123744200253843777078640893494450108026446304269499187921167194841628860392837535918200039206381557326219209014213335878306791577877829121087126122536729803237260434173178506889763247582601711514636284849020905456510092687857156096"
        "#,
    );
}

#[test]
fn getrange_cuts_by_either_end() {
    hold(
        r#"
        SET a "Hello World" => +OK
        GETRANGE a 0 4 => "Hello"
        GETRANGE a -5 -1 => "World"
        GETRANGE a 0 -1 => "Hello World"
        GETRANGE a 4 100 => "o World"
        GETRANGE a 100 200 => ""
        GETRANGE a 3 1 => ""
        GETRANGE a -1 -5 => ""
        GETRANGE a -100 3 => "Hell"
        GETRANGE a -100 -200 => ""
        GETRANGE missing 0 -1 => ""
        GETRANGE a x 1 => -ERR value is not an integer or out of range
        GETRANGE a 0 1.5 => -ERR value is not an integer or out of range
        SUBSTR a 0 4 => "Hello"
        SUBSTR a -3 -1 => "rld"
        SET n 12345 => +OK
        GETRANGE n 1 3 => "234"
        SET e "" => +OK
        GETRANGE e 0 -1 => ""
        GETRANGE a 0 9223372036854775807 => "Hello World"
        GETRANGE a -9223372036854775808 2 => "Hel"
        "#,
    );
}

#[test]
fn setrange_overwrites_and_pads_with_zeros() {
    hold(
        r#"
        SETRANGE a 3 xyz => :6
        GET a => "\x00\x00\x00xyz"
        SETRANGE a 0 AB => :6
        GET a => "AB\x00xyz"
        SETRANGE a 10 "" => :6
        STRLEN a => :6
        SETRANGE missing 5 "" => :0
        EXISTS missing => :0
        SETRANGE a -1 x => -ERR offset is out of range
        SETRANGE a x y => -ERR value is not an integer or out of range
        SETRANGE a 536870912 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        SETRANGE a 536870909 abcd => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        SETRANGE a 9223372036854775807 a => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        SET n 12345 => +OK
        SETRANGE n 1 99 => :5
        GET n => "19945"
        INCR n => :19946
        SET t 1 EX 100 => +OK
        SETRANGE t 1 x => :2
        TTL t => :100
        "#,
    );
}

#[test]
fn lcs_finds_the_longest_common_subsequence() {
    hold(
        r#"
        MSET a ohmytext b mynewtext => +OK
        LCS a b => "mytext"
        LCS a b LEN => :6
        LCS a b IDX => ["matches", [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], "len", :6]
        LCS a b IDX MINMATCHLEN 4 => ["matches", [[[:4, :7], [:5, :8]]], "len", :6]
        LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN => ["matches", [[[:4, :7], [:5, :8], :4]], "len", :6]
        LCS a b IDX WITHMATCHLEN => ["matches", [[[:4, :7], [:5, :8], :4], [[:2, :3], [:0, :1], :2]], "len", :6]
        LCS a b idx minmatchlen 0 withmatchlen => ["matches", [[[:4, :7], [:5, :8], :4], [[:2, :3], [:0, :1], :2]], "len", :6]
        LCS a b IDX MINMATCHLEN -1 => ["matches", [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], "len", :6]
        LCS a b MINMATCHLEN 4 => "mytext"
        LCS a b WITHMATCHLEN => "mytext"
        LCS a missing => ""
        LCS a missing LEN => :0
        LCS a missing IDX => ["matches", [], "len", :0]
        LCS a a => "ohmytext"
        LCS a b IDX LEN => -ERR If you want both the length and indexes, please just use IDX.
        LCS a b FOO => -ERR syntax error
        LCS a b MINMATCHLEN => -ERR syntax error
        LCS a b MINMATCHLEN x => -ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn lcs_answers_with_a_map_in_resp3() {
    hold_resp3(
        r#"
        MSET a ohmytext b mynewtext => +OK
        LCS a b IDX => %{"matches": [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], "len": :6}
        LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN => %{"matches": [[[:4, :7], [:5, :8], :4]], "len": :6}
        LCS a b LEN => :6
        "#,
    );
}

#[test]
fn resp3_has_one_null() {
    hold_resp3(
        r"
        GET missing => null
        MGET missing => [null]
        GETSET a 1 => null
        SET a 2 NX => null
        SET missing 1 XX GET => null
        GETDEL missing => null
        ",
    );
}

#[test]
fn encodings_follow_the_value() {
    hold(
        r#"
        SET a 12 => +OK
        OBJECT ENCODING a => "int"
        SET a 12x => +OK
        OBJECT ENCODING a => "embstr"
        SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa => +OK
        OBJECT ENCODING a => "embstr"
        SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa => +OK
        OBJECT ENCODING a => "raw"
        SET a 9223372036854775807 => +OK
        OBJECT ENCODING a => "int"
        SET a 9223372036854775808 => +OK
        OBJECT ENCODING a => "embstr"
        SET a 012 => +OK
        OBJECT ENCODING a => "embstr"
        SET a -0 => +OK
        OBJECT ENCODING a => "embstr"
        SET a 1 => +OK
        APPEND a 2 => :2
        OBJECT ENCODING a => "raw"
        INCR a => :13
        OBJECT ENCODING a => "int"
        INCRBYFLOAT a 0.5 => "13.5"
        OBJECT ENCODING a => "embstr"
        SETRANGE s 0 abc => :3
        OBJECT ENCODING s => "raw"
        "#,
    );
}
