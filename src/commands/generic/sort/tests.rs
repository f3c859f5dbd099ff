//! SORT as its clients see it.

use crate::commands::testing::Bench;

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.expect(&[
        ("SADD s 3 1 2 10", "4"),
        ("MSET w_1 30 w_2 20 w_3 10 w_10 5", "OK"),
        ("MSET name_1 one name_2 two name_3 three", "OK"),
    ]);
    bench
}

#[test]
fn elements_are_sorted_by_number_or_alphabet() {
    let mut bench = bench();
    bench.expect(&[
        ("SORT s", "[\"1\", \"2\", \"3\", \"10\"]"),
        ("SORT s DESC", "[\"10\", \"3\", \"2\", \"1\"]"),
        ("SORT s ALPHA", "[\"1\", \"10\", \"2\", \"3\"]"),
        ("SORT s ALPHA DESC ASC", "[\"1\", \"10\", \"2\", \"3\"]"),
        ("SORT_RO s LIMIT 1 2", "[\"2\", \"3\"]"),
        ("SORT s LIMIT -5 2", "[\"1\", \"2\"]"),
        ("SORT s LIMIT 3 -1", "[\"10\"]"),
        ("SORT s LIMIT 9 1", "[]"),
        ("SORT s LIMIT 0 0", "[]"),
        ("SORT none", "[]"),
        ("SORT none BY w_* GET #", "[]"),
        ("SADD words b a", "2"),
        ("SORT words", "ERR One or more scores can't be converted into double"),
        ("SORT words ALPHA", "[\"a\", \"b\"]"),
    ]);
}

#[test]
fn other_keys_give_weights_and_values() {
    let mut bench = bench();
    bench.expect(&[
        ("SORT s BY w_*", "[\"10\", \"3\", \"2\", \"1\"]"),
        ("SORT s BY w_* LIMIT 0 2 GET name_* GET #", "[(nil), \"10\", \"three\", \"3\"]"),
        ("SORT s BY name_* ALPHA", "[\"10\", \"1\", \"3\", \"2\"]"),
        ("SORT s BY name_*", "ERR One or more scores can't be converted into double"),
        ("SORT s BY none_* DESC", "[\"3\", \"2\", \"10\", \"1\"]"),
        ("SORT s BY nosort GET constant LIMIT 0 1", "[(nil)]"),
        ("HSET h_1 f 9", "1"),
        ("HSET h_2 f 8 name second", "2"),
        ("SET h_3 string", "OK"),
        ("SORT s BY h_*->f GET h_*->name LIMIT 2 2", "[\"second\", (nil)]"),
        ("SORT_RO s GET w_*->f GET h_1 LIMIT 0 1", "[(nil), (nil)]"),
    ]);
}

#[test]
fn results_are_stored_as_lists() {
    let mut bench = bench();
    bench.expect(&[
        ("SORT s STORE out", "4"),
        ("TYPE out", "list"),
        ("OBJECT ENCODING out", "\"listpack\""),
        ("SORT out DESC", "[\"10\", \"3\", \"2\", \"1\"]"),
        ("SORT out BY nosort DESC LIMIT 1 2", "[\"3\", \"2\"]"),
        ("SORT s GET name_* STORE names", "4"),
        ("SORT names ALPHA", "[\"\", \"one\", \"three\", \"two\"]"),
        ("SORT s BY nosort STORE alphabetic", "4"),
        ("SORT alphabetic BY nosort", "[\"1\", \"10\", \"2\", \"3\"]"),
        ("SORT s BY w_* STORE s", "4"),
        ("SORT s BY nosort", "[\"10\", \"3\", \"2\", \"1\"]"),
        ("SORT none STORE out", "0"),
        ("EXISTS out", "0"),
        ("SORT_RO s STORE out", "ERR syntax error"),
    ]);
    bench.expect_effects("SORT s STORE out", &["0: SORT s STORE out"]);
    bench.expect_effects("SORT none STORE out", &["0: SORT none STORE out"]);
    bench.expect_effects("SORT none STORE out", &[]);
    bench.expect_effects("SORT s BY w_*", &[]);
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut bench = bench();
    let (syntax, number) = ("ERR syntax error", "ERR value is not an integer or out of range");
    bench.expect(&[
        ("SORT s LIMIT 1", syntax),
        ("SORT s LIMIT x 1", number),
        ("SORT s BY", syntax),
        ("SORT w_1 FOO", syntax),
        ("SORT w_1", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("COMMAND GETKEYS SORT s GET x STORE a STORE b BY STORE", "[\"s\", \"b\"]"),
    ]);
}

#[test]
fn many_elements_name_keys_in_all_shards() {
    let mut bench = Bench::new();
    for number in 0..2_000 {
        bench.say(&format!("SADD many {number}"));
        bench.say(&format!("SET weight:{number} {}", 2_000 - number));
    }
    let reply = bench.say("SORT many BY weight:* LIMIT 0 3 GET # GET weight:*");
    assert_eq!(reply, "[\"1999\", \"1\", \"1998\", \"2\", \"1997\", \"3\"]");
}

#[test]
fn sorted_sets_keep_their_order_unless_they_are_sorted() {
    let mut bench = Bench::new();
    bench.expect(&[
        ("ZADD z 3 1 2 2 1 3", "3"),
        ("SORT z", "[\"1\", \"2\", \"3\"]"),
        ("SORT z BY nosort", "[\"3\", \"2\", \"1\"]"),
        ("SORT z BY nosort DESC LIMIT 0 2", "[\"1\", \"2\"]"),
        ("SORT z BY nosort STORE out", "3"),
        ("LRANGE out 0 -1", "[\"3\", \"2\", \"1\"]"),
    ]);
}

#[test]
fn transactions_may_sort_by_other_keys() {
    let mut bench = bench();
    bench.expect(&[
        ("MULTI", "OK"),
        ("SET w_1 0", "QUEUED"),
        ("SORT s BY w_* STORE out", "QUEUED"),
        ("SORT_RO out BY nosort GET name_*", "QUEUED"),
        ("EXEC", "[OK, 4, [\"one\", (nil), \"three\", \"two\"]]"),
    ]);
}
