//! The server's own commands: its table, its settings, its logs.

use crate::support::{hold, hold_resp3, hold_with, reference_lacks};

#[test]
fn dbsize_counts_the_keys() {
    hold(
        r"
        DBSIZE => :0
        MSET a 1 b 2 => +OK
        DBSIZE => :2
        DEL a => :1
        DBSIZE => :1
        DBSIZE x => -ERR wrong number of arguments for 'dbsize' command
        ",
    );
}

#[test]
fn time_is_seconds_and_microseconds() {
    hold(
        r#"
        TIME => ["...
        TIME x => -ERR wrong number of arguments for 'time' command
        "#,
    );
}

#[test]
fn role_is_that_of_a_leader() {
    hold(
        r#"
        ROLE => ["master", :...
        ROLE x => -ERR wrong number of arguments for 'role' command
        "#,
    );
}

#[test]
fn config_get_knows_names_and_patterns() {
    hold(
        r#"
        CONFIG GET maxmemory-policy => ["maxmemory-policy", "noeviction"]
        CONFIG GET MAXMEMORY-policy => ["MAXMEMORY-policy", "noeviction"]
        CONFIG GET "maxmemory-sample?" => ["maxmemory-samples", "5"]
        CONFIG GET nothing => []
        CONFIG GET => -ERR wrong number of arguments for 'config|get' command
        CONFIG GET databases => ["databases", "16"]
        CONFIG GET proto-max-bulk-len => ["proto-max-bulk-len", "536870912"]
        CONFIG GET timeout => ["timeout", "0"]
        CONFIG GET appendonly => ["appendonly", "no"]
        CONFIG GET save => ["save", ""]
        CONFIG GET requirepass => ["requirepass", ""]
        CONFIG GET client-output-buffer-limit => ["client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"]
        "#,
    );
}

#[test]
fn config_get_is_a_map_in_resp3() {
    hold_resp3(
        r#"
        CONFIG GET timeout => %{"timeout": "0"}
        CONFIG GET nothing => %{}
        "#,
    );
}

#[test]
fn config_set_changes_several_at_once() {
    hold(
        r#"
        CONFIG SET maxmemory-samples 7 lfu-log-factor 20 => +OK
        CONFIG GET maxmemory-samples => ["maxmemory-samples", "7"]
        CONFIG GET lfu-log-factor => ["lfu-log-factor", "20"]
        CONFIG SET maxmemory-samples 5 lfu-log-factor 10 => +OK
        CONFIG GET maxmemory-samples => ["maxmemory-samples", "5"]
        "#,
    );
}

#[test]
fn config_set_is_all_or_nothing() {
    hold(
        r#"
        CONFIG SET maxmemory-samples 7 lfu-log-factor x => -ERR CONFIG SET failed (possibly related to argument 'lfu-log-factor') - argument couldn't be parsed into an integer
        CONFIG GET maxmemory-samples => ["maxmemory-samples", "5"]
        CONFIG SET maxmemory-samples 7 nothing 1 => -ERR Unknown option or number of arguments for CONFIG SET - 'nothing'
        CONFIG GET maxmemory-samples => ["maxmemory-samples", "5"]
        CONFIG SET maxmemory-samples 7 maxmemory-samples 8 => -ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - duplicate parameter
        CONFIG GET maxmemory-samples => ["maxmemory-samples", "5"]
        "#,
    );
}

#[test]
fn config_set_takes_units() {
    hold(
        r#"
        CONFIG SET maxmemory 100mb => +OK
        CONFIG GET maxmemory => ["maxmemory", "104857600"]
        CONFIG SET maxmemory 1GB => +OK
        CONFIG GET maxmemory => ["maxmemory", "1073741824"]
        CONFIG SET maxmemory 1g => +OK
        CONFIG GET maxmemory => ["maxmemory", "1000000000"]
        CONFIG SET maxmemory 12345678kb => +OK
        CONFIG GET maxmemory => ["maxmemory", "12641974272"]
        CONFIG SET maxmemory 0 => +OK
        CONFIG GET maxmemory => ["maxmemory", "0"]
        "#,
    );
}

#[test]
fn config_set_refuses_what_it_cannot_take() {
    hold(
        r#"
        CONFIG SET => -ERR wrong number of arguments for 'config|set' command
        CONFIG SET maxmemory => -ERR wrong number of arguments for 'config|set' command
        CONFIG SET maxmemory x => -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory...
        CONFIG SET maxmemory -1 => -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory...
        CONFIG SET maxmemory 1zb => -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory...
        CONFIG SET maxmemory-policy foo => -ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction
        CONFIG SET maxmemory-samples 0 => -ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument must be between 1 and 64 inclusive
        CONFIG SET maxmemory-samples 100 => -ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument must be between 1 and 64 inclusive
        CONFIG SET maxmemory-samples x => -ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument couldn't be parsed into an integer
        CONFIG SET nothing 1 => -ERR Unknown option or number of arguments for CONFIG SET - 'nothing'
        CONFIG SET databases 5 => -ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
        CONFIG SET port x => -ERR CONFIG SET failed (possibly related to argument 'port') - argument couldn't be parsed into an integer
        CONFIG SET timeout -1 => -ERR CONFIG SET failed (possibly related to argument 'timeout') - argument must be between 0 and 2147483647 inclusive
        CONFIG SET appendonly maybe => -ERR CONFIG SET failed (possibly related to argument 'appendonly') - argument must be 'yes' or 'no'
        CONFIG SET slowlog-max-len x => -ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - argument couldn't be parsed into an integer
        CONFIG SET maxmemory 0 timeout => -ERR syntax error
        CONFIG SET client-output-buffer-limit foo => -ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Wrong number of arguments in buffer limit configuration.
        CONFIG SET client-output-buffer-limit "foo 1 2 3" => -ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Invalid client class specified in buffer limit configuration.
        CONFIG SET client-output-buffer-limit "normal 1 2 x" => -ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Error in hard, soft or soft_seconds setting in buffer limit configuration.
        CONFIG SET notify-keyspace-events KEA => +OK
        CONFIG GET notify-keyspace-events => ["notify-keyspace-events", "AKE"]
        CONFIG SET notify-keyspace-events "" => +OK
        CONFIG FOO => -ERR unknown subcommand 'FOO'. Try CONFIG HELP.
        CONFIG => -ERR wrong number of arguments for 'config' command
        CONFIG RESETSTAT x => -ERR wrong number of arguments for 'config|resetstat' command
        CONFIG REWRITE x => -ERR wrong number of arguments for 'config|rewrite' command
        CONFIG REWRITE => -ERR The server is running without a config file
        "#,
    );
}

#[test]
fn config_set_keeps_its_words() {
    hold(
        r#"
        CONFIG SET maxmemory-policy ALLKEYS-LRU => +OK
        CONFIG GET maxmemory-policy => ["maxmemory-policy", "allkeys-lru"]
        CONFIG SET maxmemory-policy noeviction => +OK
        CONFIG SET client-output-buffer-limit "normal 1mb 2mb 60" => +OK
        CONFIG GET client-output-buffer-limit => ["client-output-buffer-limit", "normal 1048576 2097152 60 slave 268435456 67108864 60 pubsub 33554432 8388608 60"]
        CONFIG SET client-output-buffer-limit "normal 0 0 0 pubsub 1 1 1" => +OK
        CONFIG GET client-output-buffer-limit => ["client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 1 1 1"]
        CONFIG SET client-output-buffer-limit "pubsub 33554432 8388608 60" => +OK
        CONFIG SET latency-monitor-threshold 100 => +OK
        CONFIG GET latency-monitor-threshold => ["latency-monitor-threshold", "100"]
        CONFIG SET latency-monitor-threshold 0 => +OK
        "#,
    );
}

#[test]
fn command_count_and_list() {
    hold(
        r#"
        COMMAND COUNT x => -ERR wrong number of arguments for 'command|count' command
        COMMAND COUNT => :...
        COMMAND LIST FILTERBY => -ERR syntax error
        COMMAND LIST FILTERBY FOO x => -ERR syntax error
        COMMAND LIST FILTERBY MODULE x => []
        COMMAND LIST FILTERBY PATTERN getr* => ["getrange"]
        COMMAND LIST FILTERBY PATTERN nothing => []
        COMMAND LIST FILTERBY ACLCAT nothing => []
        COMMAND FOO => -ERR unknown subcommand 'FOO'. Try COMMAND HELP.
        "#,
    );
}

#[test]
fn command_info_of_one() {
    hold(
        r#"
        COMMAND INFO nothing => [nil]
        COMMAND INFO nothing GET => [nil, ["get", :2, [+readonly, +fast], :1, :1, :1, [+@read, +@string, +@fast], [], [["flags", [+RO, +access], "begin_search", ["type", "index", "spec", ["index", :1]], "find_keys", ["type", "range", "spec", ["lastkey", :0, "keystep", :1, "limit", :0]]]], []]]
        COMMAND INFO get => [["get", :2, [+readonly, +fast], :1, :1, :1, [+@read, +@string, +@fast], [], [["flags", [+RO, +access], "begin_search", ["type", "index", "spec", ["index", :1]], "find_keys", ["type", "range", "spec", ["lastkey", :0, "keystep", :1, "limit", :0]]]], []]]
        COMMAND INFO mget => [["mget", :-2, [+readonly, +fast], :1, :-1, :1, [+@read, +@string, +@fast], ["request_policy:multi_shard"], [["flags", [+RO, +access], "begin_search", ["type", "index", "spec", ["index", :1]], "find_keys", ["type", "range", "spec", ["lastkey", :-1, "keystep", :1, "limit", :0]]]], []]]
        COMMAND INFO ping => [["ping", :-1, [+fast], :0, :0, :0, [+@fast, +@connection], ["request_policy:all_shards", "response_policy:all_succeeded"], [], []]]
        COMMAND INFO incr => [["incr", :2, [+write, +denyoom, +fast], :1, :1, :1, [+@write, +@string, +@fast], [], [["flags", [+RW, +access, +update], "begin_search", ["type", "index", "spec", ["index", :1]], "find_keys", ["type", "range", "spec", ["lastkey", :0, "keystep", :1, "limit", :0]]]], []]]
        COMMAND INFO config|get => [["config|get", :-3, [+admin, +noscript, +loading, +stale], :0, :0, :0, [+@admin, +@slow, +@dangerous], [], [], []]]
        COMMAND INFO "get|foo" => [nil]
        "#,
    );
}

#[test]
fn command_info_of_one_in_resp3() {
    hold_resp3(
        r#"
        COMMAND INFO nothing => [null]
        COMMAND INFO get => [["get", :2, ~[+readonly, +fast], :1, :1, :1, ~[+@read, +@string, +@fast], ~[], ~[%{"flags": ~[+RO, +access], "begin_search": %{"type": "index", "spec": %{"index": :1}}, "find_keys": %{"type": "range", "spec": %{"lastkey": :0, "keystep": :1, "limit": :0}}}], ~[]]]
        "#,
    );
}

#[test]
fn command_getkeys_finds_the_keys() {
    hold(
        r#"
        COMMAND GETKEYS GET a => ["a"]
        COMMAND GETKEYS MSET a 1 b 2 => ["a", "b"]
        COMMAND GETKEYS MGET a b c => ["a", "b", "c"]
        COMMAND GETKEYS SET a 1 EX 10 => ["a"]
        COMMAND GETKEYS DEL a b => ["a", "b"]
        COMMAND GETKEYS RENAME a b => ["a", "b"]
        COMMAND GETKEYS OBJECT ENCODING a => ["a"]
        COMMAND GETKEYS LCS a b => ["a", "b"]
        COMMAND GETKEYS COPY a b DB 1 => ["a", "b"]
        COMMAND GETKEYS PING => -ERR The command has no key arguments
        COMMAND GETKEYS GET => -ERR Invalid number of arguments specified for command
        COMMAND GETKEYS NOTHING a => -ERR Invalid command specified
        COMMAND GETKEYS => -ERR wrong number of arguments for 'command|getkeys' command
        COMMAND GETKEYS MSET a => -ERR Invalid number of arguments specified for command
        COMMAND GETKEYSANDFLAGS GET a => [["a", [+RO, +access]]]
        COMMAND GETKEYSANDFLAGS SET a 1 => [["a", [+OW, +update]]]
        COMMAND GETKEYSANDFLAGS SET a 1 GET => [["a", [+RW, +access, +update]]]
        COMMAND GETKEYSANDFLAGS MSET a 1 b 2 => [["a", [+OW, +update]], ["b", [+OW, +update]]]
        COMMAND GETKEYSANDFLAGS GETDEL a => [["a", [+RW, +access, +delete]]]
        COMMAND GETKEYSANDFLAGS RENAME a b => [["a", [+RW, +access, +delete]], ["b", [+OW, +update]]]
        COMMAND GETKEYSANDFLAGS COPY a b => [["a", [+RO, +access]], ["b", [+OW, +update]]]
        COMMAND GETKEYSANDFLAGS PING => -ERR The command has no key arguments
        "#,
    );
}

#[test]
fn command_getkeys_counts_the_keys_of_msetex() {
    if reference_lacks("MSETEX") {
        return;
    }
    hold(
        r#"
        COMMAND GETKEYS MSETEX 2 a 1 b 2 => ["a", "b"]
        COMMAND GETKEYS MSETEX 3 a 1 b 2 => -ERR Invalid arguments specified for command
        COMMAND GETKEYS MSETEX 0 a 1 => -ERR Invalid arguments specified for command
        "#,
    );
}

#[test]
fn slowlog_keeps_slow_commands() {
    hold(
        r"
        SLOWLOG LEN => :0
        CONFIG SET slowlog-log-slower-than 0 => +OK
        SET a 1 => +OK
        CONFIG SET slowlog-log-slower-than -1 => +OK
        SLOWLOG LEN => :2
        SLOWLOG GET 1 => [[:...
        SLOWLOG GET 0 => []
        SLOWLOG RESET => +OK
        SLOWLOG LEN => :0
        SLOWLOG GET => []
        SLOWLOG GET -1 => []
        SLOWLOG GET -2 => -ERR count should be greater than or equal to -1
        SLOWLOG GET x => -ERR count should be greater than or equal to -1
        SLOWLOG GET 1 2 => -ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.
        SLOWLOG FOO => -ERR unknown subcommand 'FOO'. Try SLOWLOG HELP.
        SLOWLOG => -ERR wrong number of arguments for 'slowlog' command
        SLOWLOG LEN x => -ERR wrong number of arguments for 'slowlog|len' command
        CONFIG SET slowlog-log-slower-than 10000 => +OK
        ",
    );
}

#[test]
fn commandlog_has_three_logs() {
    if reference_lacks("COMMANDLOG") {
        return;
    }
    hold(
        r#"
        COMMANDLOG LEN slow => :0
        COMMANDLOG LEN large-request => :0
        COMMANDLOG LEN large-reply => :0
        COMMANDLOG LEN foo => -ERR type should be one of the following: slow, large-request, large-reply
        COMMANDLOG LEN => -ERR wrong number of arguments for 'commandlog|len' command
        COMMANDLOG GET 1 => -ERR wrong number of arguments for 'commandlog|get' command
        COMMANDLOG GET 10 foo => -ERR type should be one of the following: slow, large-request, large-reply
        COMMANDLOG GET x slow => -ERR count should be greater than or equal to -1
        COMMANDLOG GET -2 slow => -ERR count should be greater than or equal to -1
        COMMANDLOG GET -1 slow => []
        COMMANDLOG GET 1 slow => []
        COMMANDLOG RESET slow => +OK
        COMMANDLOG RESET large-request => +OK
        COMMANDLOG RESET foo => -ERR type should be one of the following: slow, large-request, large-reply
        COMMANDLOG RESET => -ERR wrong number of arguments for 'commandlog|reset' command
        COMMANDLOG FOO => -ERR unknown subcommand 'FOO'. Try COMMANDLOG HELP.
        COMMANDLOG => -ERR wrong number of arguments for 'commandlog' command
        CONFIG SET commandlog-request-larger-than 64 => +OK
        SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa => +OK
        COMMANDLOG LEN large-request => :...
        COMMANDLOG GET -1 large-request => [[:...
        CONFIG SET commandlog-reply-larger-than 64 => +OK
        GET a => "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        COMMANDLOG LEN large-reply => :1
        COMMANDLOG GET -1 large-reply => [[:0, :...
        COMMANDLOG RESET large-reply => +OK
        COMMANDLOG RESET large-request => +OK
        CONFIG SET commandlog-request-larger-than 1048576 commandlog-reply-larger-than 1048576 => +OK
        "#,
    );
}

#[test]
fn latency_knows_no_event_at_first() {
    hold(
        r"
        LATENCY LATEST => []
        LATENCY HISTORY command => []
        LATENCY HISTORY => -ERR wrong number of arguments for 'latency|history' command
        LATENCY RESET => :0
        LATENCY RESET command => :0
        LATENCY GRAPH => -ERR wrong number of arguments for 'latency|graph' command
        LATENCY GRAPH command => -ERR No samples available for event 'command'
        LATENCY FOO => -ERR unknown subcommand 'FOO'. Try LATENCY HELP.
        LATENCY => -ERR wrong number of arguments for 'latency' command
        LATENCY LATEST x => -ERR wrong number of arguments for 'latency|latest' command
        ",
    );
}

#[test]
fn latency_histogram_counts_commands() {
    hold(
        r#"
        CONFIG RESETSTAT => +OK
        LATENCY HISTOGRAM set => []
        SET a 1 => +OK
        LATENCY HISTOGRAM set => ["set", ["calls", :1, "histogram_usec", [:...
        LATENCY HISTOGRAM nothing => []
        CONFIG RESETSTAT => +OK
        LATENCY HISTOGRAM set => []
        "#,
    );
}

#[test]
fn memory_usage_and_friends() {
    hold(
        r#"
        MEMORY USAGE missing => nil
        SET a 1 => +OK
        MEMORY USAGE a => :...
        MEMORY USAGE a SAMPLES 5 => :...
        MEMORY USAGE a SAMPLES => -ERR syntax error
        MEMORY USAGE a SAMPLES -1 => -ERR syntax error
        MEMORY USAGE a SAMPLES x => -ERR value is not an integer or out of range
        MEMORY USAGE a FOO 1 => -ERR syntax error
        MEMORY USAGE => -ERR wrong number of arguments for 'memory|usage' command
        MEMORY FOO => -ERR unknown subcommand 'FOO'. Try MEMORY HELP.
        MEMORY => -ERR wrong number of arguments for 'memory' command
        MEMORY PURGE => +OK
        MEMORY PURGE x => -ERR wrong number of arguments for 'memory|purge' command
        MEMORY MALLOC-STATS
        MEMORY DOCTOR
        MEMORY STATS => ["peak.allocated", :...
        "#,
    );
}

#[test]
fn info_refuses_nothing() {
    hold(
        r##"
        INFO server => "# Server\r\nredis_version:...
        INFO nothing => ""
        INFO nothing server => "# Server\r\nredis_version:...
        "##,
    );
}

#[test]
fn lolwut_draws() {
    hold(
        r#"
        LOLWUT => "...
        LOLWUT VERSION 5 1 1 1 => "...
        LOLWUT VERSION x => -ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn debug_answers_what_it_offers() {
    hold(
        r#"
        DEBUG SLEEP 0 => +OK
        DEBUG SLEEP 0.001 => +OK
        DEBUG SET-ACTIVE-EXPIRE 0 => +OK
        DEBUG SET-ACTIVE-EXPIRE 1 => +OK
        DEBUG ERROR "MY error" => -MY error
        DEBUG LOG hello => +OK
        DEBUG FOO => -ERR unknown subcommand or wrong number of arguments for 'FOO'. Try DEBUG HELP.
        DEBUG => -ERR wrong number of arguments for 'debug' command
        DEBUG POPULATE 10 k 5 => +OK
        DBSIZE => :10
        GET k:3 => "value"
        STRLEN k:3 => :5
        DEBUG POPULATE 12 => +OK
        GET key:11 => "value:11"
        DEBUG OBJECT missing => -ERR no such key
        DEBUG DIGEST => +9b4aec0fac683af31cfa49ad79f1be6f69d38669
        FLUSHALL => +OK
        DEBUG DIGEST => +0000000000000000000000000000000000000000
        SET a 1 => +OK
        DEBUG DIGEST => +943d800368fb9c0e951138f1bc0e313ac769d91f
        DEBUG DIGEST-VALUE a missing => [+b4fc66738120fba0b5aa500ab5c2bf89cea1c5da, +0000000000000000000000000000000000000000]
        SET a 1 EX 1000 => +OK
        DEBUG DIGEST-VALUE a => [+5279988c5d1911f474bcbbf2f0a87012d40f8459]
        DEBUG OBJECT a => +Value at:...
        SET s abc => +OK
        DEBUG SDSLEN s => +key_sds_len:1...
        DEBUG PROTOCOL string => "Hello World"
        DEBUG PROTOCOL integer => :12345
        DEBUG PROTOCOL double => "3.141"
        DEBUG PROTOCOL null => nil
        DEBUG PROTOCOL array => [:0, :1, :2]
        DEBUG PROTOCOL set => [:0, :1, :2]
        DEBUG PROTOCOL map => [:0, :0, :1, :1, :2, :0]
        DEBUG PROTOCOL true => :1
        DEBUG PROTOCOL verbatim => "This is a verbatim\nstring"
        DEBUG PROTOCOL bignum => "1234567999999999999999999999999999999"
        DEBUG PROTOCOL attrib => "Some real reply following the attribute"
        DEBUG PROTOCOL foo => -ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false
        DEBUG PAUSE-CRON 0 => +OK
        "#,
    );
}

#[test]
fn debug_protocol_in_resp3() {
    hold_resp3(
        r#"
        DEBUG PROTOCOL string => "Hello World"
        DEBUG PROTOCOL integer => :12345
        DEBUG PROTOCOL double => ,3.141
        DEBUG PROTOCOL null => null
        DEBUG PROTOCOL array => [:0, :1, :2]
        DEBUG PROTOCOL set => ~[:0, :1, :2]
        DEBUG PROTOCOL map => %{:0: #f, :1: #t, :2: #f}
        DEBUG PROTOCOL true => #t
        DEBUG PROTOCOL false => #f
        DEBUG PROTOCOL verbatim => txt"This is a verbatim\nstring"
        DEBUG PROTOCOL bignum => (1234567999999999999999999999999999999
        "#,
    );
}

#[test]
fn debug_is_refused_unless_enabled() {
    hold_with(
        &[("enable-debug-command", "no")],
        r#"
        DEBUG SLEEP 0 => -ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.
        DEBUG => -ERR wrong number of arguments for 'debug' command
        "#,
    );
}

#[test]
fn shutdown_checks_its_arguments() {
    hold(
        r"
        SHUTDOWN FOO => -ERR syntax error
        SHUTDOWN SAVE NOSAVE => -ERR syntax error
        SHUTDOWN ABORT => -ERR No shutdown in progress.
        SHUTDOWN NOW ABORT => -ERR syntax error
        SHUTDOWN NOSAVE SAVE NOW => -ERR syntax error
        ",
    );
}
