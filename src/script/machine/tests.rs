//! Tests of machines against a server that only notes what is asked of it.

use std::sync::Arc;

use bytes::Bytes;

use super::Machine;
use crate::resp::{Protocol, ReplyBuffer};
use crate::script::{Host, KILLED, LogLevel, Meanwhile, Origin, Script, Scripts};

/// A server that answers by the command's name, or with what its argument says.
#[derive(Default)]
struct Fake {
    is_resp3: bool,
    bits: Option<u8>,
    logged: Vec<(LogLevel, Vec<u8>)>,
    asked: Vec<Vec<Vec<u8>>>,
    turns: usize,
    turns_max: Option<usize>,
}

impl Host for Fake {
    fn call(&mut self, args: &[&[u8]], reply: &mut ReplyBuffer) {
        self.asked.push(args.iter().map(|arg| arg.to_vec()).collect());
        match args[0] {
            b"raw" => reply.raw(args[1]),
            b"ok" => reply.ok(),
            b"panic" => panic!("as asked"),
            b"fail" => reply.error("ERR it failed"),
            b"large" => {
                reply.array(2);
                reply.bulk_shared(Bytes::from(vec![b'x'; 100_000]));
                reply.integer(5);
            }
            _ => reply.bulk(args.last().expect("a command has a name")),
        }
    }

    fn set_resp3(&mut self, on: bool) {
        self.is_resp3 = on;
    }

    fn set_replication(&mut self, bits: u8) {
        self.bits = Some(bits);
    }

    fn log(&mut self, level: LogLevel, text: &[u8]) {
        self.logged.push((level, text.to_vec()));
    }

    fn may_run(&mut self, args: &[&[u8]]) -> Result<bool, String> {
        match args[0] {
            b"get" => Ok(true),
            b"set" => Ok(false),
            _ => Err("no such command".to_owned()),
        }
    }

    fn meanwhile(&mut self) -> Meanwhile {
        self.turns += 1;
        if self.turns_max.is_some_and(|most| self.turns > most) {
            return Meanwhile::Kill(KILLED);
        }
        Meanwhile::GoOn
    }
}

struct Bench {
    scripts: Scripts,
    machine: Machine,
    host: Fake,
    protocol: Protocol,
}

impl Bench {
    fn new() -> Self {
        Self {
            scripts: Scripts::default(),
            machine: Machine::new(0).unwrap(),
            host: Fake::default(),
            protocol: Protocol::Resp2,
        }
    }

    fn resp3() -> Self {
        Self { protocol: Protocol::Resp3, ..Self::new() }
    }

    fn load(&self, body: &str) -> Result<Arc<Script>, String> {
        self.scripts.load(&Bytes::copy_from_slice(body.as_bytes()), Origin::Evaluated)
    }

    /// What the client gets, with errors in their own form; the digest is cut out.
    fn run(&mut self, body: &str) -> String {
        self.run_with(body, &[], &[])
    }

    fn run_with(&mut self, body: &str, keys: &[&[u8]], args: &[&[u8]]) -> String {
        let script = match self.load(body) {
            Ok(script) => script,
            Err(text) => return format!("-{text}"),
        };
        let mut reply = ReplyBuffer::with_protocol(self.protocol);
        match self.machine.run(&script, keys, args, &mut self.host, &mut reply) {
            Ok(()) => String::from_utf8_lossy(&reply.chunks().collect::<Vec<_>>().concat())
                .replace("\r\n", " ")
                .trim_end()
                .to_owned(),
            Err(error) => {
                let text = error.to_string();
                format!("-{}", text.replace(script.sha_text(), "SHA").trim_end())
            }
        }
    }

    fn expect(&mut self, body: &str, reply: &str) {
        assert_eq!(self.run(body), reply, "{body}");
    }

    /// Expects an error that the script raises in its first line.
    fn expect_error(&mut self, body: &str, text: &str) {
        let expected = format!("-ERR {text} script: SHA, on @user_script:1.");
        assert_eq!(self.run(body), expected, "{body}");
    }
}

#[test]
fn lua_values_become_replies() {
    let mut bench = Bench::new();
    bench.expect("return 1.9", ":1");
    bench.expect("return -1.9", ":-1");
    bench.expect("return 1/0", ":-9223372036854775808");
    bench.expect("return 'abc'", "$3 abc");
    bench.expect("return true", ":1");
    bench.expect("return false", "$-1");
    bench.expect("return nil", "$-1");
    bench.expect("return", "$-1");
    bench.expect("return function() end", "$-1");
    bench.expect("return {1, 'x', {2, nil, 3}, true}", "*4 :1 $1 x *1 :2 :1");
    bench.expect("return {nil, 2}", "*0");
    bench.expect("return {ok='fine\\r\\nso'}", "+fine  so");
    bench.expect("return {err='My error'}", "-My error");
    bench.expect("return {ok=5}", "*0");
    bench.expect("return {double=2.5}", "$3 2.5");
    bench.expect("return {map={a=1}}", "*2 $1 a :1");
    bench.expect("return {set={a=true}}", "*1 $1 a");
    bench.expect("return {big_number='12'}", "$2 12");
    bench.expect("return {verbatim_string={string='x', format='mkd'}}", "$1 x");
    bench.expect("redis.setresp(3) return false", ":0");
}

#[test]
fn lua_values_become_typed_replies() {
    let mut bench = Bench::resp3();
    bench.expect("return true", ":1");
    bench.expect("return false", "_");
    bench.expect("redis.setresp(3) return {true, false}", "*2 #t #f");
    bench.expect("return {double=2.5}", ",2.5");
    bench.expect("return {map={a={double=1}}}", "%1 $1 a ,1");
    bench.expect("return {set={a=true}}", "~1 $1 a");
    bench.expect("return {big_number='12\\r\\n3'}", "(12  3");
    bench.expect("return {verbatim_string={string='x', format='mkd'}}", "=5 mkd:x");
    bench.expect("return {verbatim_string={string='x', format='a\\r'}}", "=5 a  :x");
}

#[test]
fn replies_become_lua_values() {
    let mut bench = Bench::new();
    bench.expect("return redis.call('echo', 'value')", "$5 value");
    bench.expect("return type(redis.call('raw', '$-1\\r\\n'))", "$7 boolean");
    bench.expect("return type(redis.call('raw', '*-1\\r\\n'))", "$7 boolean");
    bench.expect("return redis.call('ok').ok", "$2 OK");
    bench.expect("return redis.call('raw', ':-12\\r\\n') + 1", ":-11");
    bench.expect(
        "return redis.call('raw', '*2\\r\\n:1\\r\\n*1\\r\\n$1\\r\\nx\\r\\n')",
        "*2 :1 *1 $1 x",
    );
    bench.expect("local reply = redis.call('large') return {#reply[1], reply[2]}", "*2 :100000 :5");
    bench.expect("return redis.call('raw', ',1.5\\r\\n').double * 2", ":3");
    bench.expect("return redis.call('raw', '(123\\r\\n').big_number", "$3 123");
    bench.expect("return type(redis.call('raw', '_\\r\\n'))", "$3 nil");
    bench.expect("return tostring(redis.call('raw', '#f\\r\\n'))", "$5 false");
    bench.expect("return redis.call('raw', '%1\\r\\n$1\\r\\na\\r\\n:7\\r\\n').map.a", ":7");
    bench.expect("return tostring(redis.call('raw', '~1\\r\\n$1\\r\\na\\r\\n').set.a)", "$4 true");
    bench
        .expect("return redis.call('raw', '=5\\r\\ntxt:x\\r\\n').verbatim_string.format", "$3 txt");
    bench.expect("return redis.call('raw', '|1\\r\\n+a\\r\\n+b\\r\\n:3\\r\\n')", ":3");
}

#[test]
fn numbers_become_the_shortest_text() {
    let mut bench = Bench::new();
    for (number, text) in [
        ("3", "3"),
        ("3.1", "3.1"),
        ("1e20", "1e+20"),
        ("-5", "-5"),
        ("2^53", "9007199254740992"),
        ("1/3", "0.3333333333333333"),
        ("-math.huge", "-inf"),
        ("0/0", "-nan"),
        ("-(0/0)", "nan"),
    ] {
        bench.expect(
            &format!("return redis.call('echo', {number})"),
            &format!("${} {text}", text.len()),
        );
    }
}

#[test]
fn errors_name_their_place() {
    let mut bench = Bench::new();
    bench.expect_error("error('boom')", "user_script:1: boom");
    bench.expect_error("error('boom', 0)", "boom");
    bench.expect_error("error()", "nil");
    bench.expect_error("error({1})", "unknown error");
    bench.expect_error(
        "return nil + 1",
        "user_script:1: attempt to perform arithmetic on a nil value",
    );
    bench.expect_error("assert(false)", "user_script:1: assertion failed!");
    bench.expect_error(
        "return string.rep()",
        "user_script:1: bad argument #1 to 'rep' (string expected, got no value)",
    );
    bench.expect_error("return unpack({}, 1, 1e8)", "user_script:1: too many results to unpack");
    bench.expect_error(
        "local function f() return string.find('x', {}) end return (f())",
        "user_script:1: bad argument #2 to 'find' (string expected, got table)",
    );
    let lost = bench.run("if true then\nreturn next(1) end");
    let expected = "-ERR bad argument #1 to 'next' (table expected, got number) script: SHA, on \
                    @user_script:?.";
    assert_eq!(lost, expected);
    bench.expect_error("return redis.call('fail')", "it failed");
    bench.expect_error(
        "return redis.call()",
        "Please specify at least one argument for this redis lib call",
    );
    bench.expect_error(
        "redis.call({})",
        "Lua redis lib command arguments must be strings or integers",
    );
    bench.expect_error(
        "string.rep()",
        "user_script:1: bad argument #1 to 'rep' (string expected, got no value)",
    );
    bench.expect_error(
        "table.insert(nil, 1)",
        "user_script:1: bad argument #1 to 'insert' (table expected, got nil)",
    );
    bench.expect_error(
        "for k in pairs(nil) do end",
        "user_script:1: bad argument #1 to 'pairs' (table expected, got nil)",
    );
    bench.expect_error(
        "string.find(nil, 'a')",
        "user_script:1: bad argument #1 to 'find' (string expected, got nil)",
    );
    bench.expect_error("string.find('a', '%')", "user_script:1: malformed pattern (ends with '%')");
    bench.expect_error(
        "math.random(0)",
        "user_script:1: bad argument #1 to 'random' (interval is empty)",
    );
    bench.expect_error(
        "local function f() return f() + 1 end return f()",
        "user_script:1: stack overflow",
    );
    bench.expect_error("coroutine.yield(1)", "attempt to yield across metamethod/C-call boundary");
    bench.expect_error(
        "coroutine.wrap(function() error('in') end)()",
        "user_script:1: user_script:1: in",
    );
    bench.expect("error({err='My boom'})", "-My boom script: SHA, on @user_script:1.");
    bench.expect(
        "foo(",
        "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'",
    );
    bench.expect(
        "#!lua\n\nfoo(",
        "-ERR Error compiling script (new function): user_script:3: unexpected symbol near '<eof>'",
    );
}

#[test]
fn errors_can_be_caught() {
    let mut bench = Bench::new();
    bench.expect("return {pcall(error, 'x')}", "*2 $-1 $1 x");
    bench.expect("local ok, text = pcall(redis.call, 'fail') return text", "$13 ERR it failed");
    bench.expect(
        "local ok, text = pcall(redis.log) return text",
        "$47 ERR redis.log() requires two arguments or more.",
    );
    bench.expect("return redis.pcall('fail')", "-ERR it failed");
    bench.expect("return tostring(redis.pcall('fail').ignore_error_stats_update)", "$4 true");
    bench.expect(
        "return {xpcall(function() error('a', 0) end, function(e) return e .. 'b' end)}",
        "*2 $-1 $2 ab",
    );
    bench.expect(
        "return {xpcall(function() redis.call('fail') end, function(e) return e.err end)}",
        "*2 $-1 $13 ERR it failed",
    );
    bench.expect(
        "return {pcall(xpcall, function() return 1 end)}",
        "*2 $-1 $44 bad argument #2 to 'xpcall' (value expected)",
    );
    bench.expect("redis.setresp(2.5) redis.log('2', 'x') return getmetatable(redis)", "$-1");
    bench.expect(
        "return setmetatable(_G, {})",
        "-ERR Attempt to modify a readonly table script: SHA, on @user_script:1.",
    );
    bench.expect(
        "return {coroutine.resume(coroutine.create(function() error('in') end))}",
        "*2 $-1 $17 user_script:1: in",
    );
    bench.expect("return {pcall(function() return 1, 2, 3 end)}", "*4 :1 :1 :2 :3");
    bench.expect(
        "return select(2, pcall(pcall))",
        "$43 bad argument #1 to 'pcall' (value expected)",
    );
}

#[test]
fn the_interface_answers() {
    let mut bench = Bench::new();
    bench.expect("return redis.error_reply('ab')", "-ERR ab");
    bench.expect("return redis.error_reply('-MY ab\\r\\n')", "-MY ab");
    bench.expect("return redis.error_reply('')", "-ERR");
    bench.expect("return redis.error_reply(1, 2)", "-ERR wrong number or type of arguments");
    bench.expect("return redis.status_reply('ab')", "+ab");
    bench.expect("return redis.sha1hex('')", "$40 da39a3ee5e6b4b0d3255bfef95601890afd80709");
    bench.expect("return redis.sha1hex(5)", "$40 ac3478d69a3c81fa62e60f5c3696165a4e5e6ac4");
    bench.expect_error("redis.sha1hex()", "wrong number of arguments");
    bench.expect_error("redis.setresp()", "redis.setresp() requires one argument.");
    bench.expect_error("redis.setresp(4)", "RESP version must be 2 or 3.");
    bench.expect_error(
        "redis.set_repl(9)",
        "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
    );
    bench.expect_error("redis.log('a', 'b')", "First argument must be a number (log level).");
    bench.expect_error("redis.log(7, 'b')", "Invalid log level.");
    bench.expect_error(
        "redis.acl_check_cmd('foo')",
        "Invalid command passed to redis.acl_check_cmd()",
    );
    bench.expect(
        "return {redis.acl_check_cmd('get', 'x'), redis.acl_check_cmd('set')}",
        "*2 :1 $-1",
    );
    bench.expect("return redis.replicate_commands()", ":1");
    bench.expect("return server.call('echo', 'x')", "$1 x");
    bench.expect("return {redis.REPL_ALL, redis.LOG_WARNING}", "*2 :3 :3");
    bench.run("redis.set_repl(redis.REPL_AOF) redis.log(redis.LOG_NOTICE, 'a', 1)");
    assert_eq!(bench.host.bits, Some(1));
    assert_eq!(bench.host.logged, [(LogLevel::Notice, b"a 1".to_vec())]);
}

#[test]
fn keys_and_arguments_are_those_of_the_call() {
    let mut bench = Bench::new();
    let reply =
        bench.run_with("return {KEYS[1], #KEYS, ARGV[1], ARGV[2]}", &[b"k"], &[b"a", b"\xffb"]);
    assert_eq!(reply, "*4 $1 k :1 $1 a $2 \u{fffd}b");
    bench.expect("return #KEYS + #ARGV", ":0");
}

#[test]
fn what_scripts_share_cannot_be_changed() {
    const READONLY: &str = "Attempt to modify a readonly table";
    let mut bench = Bench::new();
    for body in [
        "x = 1",
        "_G.x = 1",
        "redis.x = 1",
        "redis.call = nil",
        "string.x = 1",
        "KEYS = 1",
        "tostring = 1",
        "getmetatable(_G).__index = 1",
        "getmetatable('').__index = 1",
        "getmetatable('').__index.rep = 1",
        "getmetatable(getmetatable(_G)).x = 1",
        "math.random = 1",
        "getmetatable(_G).__index.x = 1",
        "getmetatable(_G).__index.redis.call = 1",
    ] {
        bench.expect_error(body, &format!("user_script:1: {READONLY}"));
    }
    bench.expect(
        "return {type(getmetatable(redis)), type(getmetatable(string))}",
        "*2 $3 nil $3 nil",
    );
    for body in [
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'x', 1)",
        "setmetatable(_G, {})",
        "setmetatable(redis, nil)",
        "table.insert(redis, 1)",
        "table.insert(_G, 5, 1)",
        "rawset(getmetatable(_G), 'x', 1)",
    ] {
        bench.expect_error(body, READONLY);
    }
    bench.expect_error(
        "return x",
        "user_script:1: Script attempted to access nonexistent global variable 'x'",
    );
    for name in [
        "print", "dofile", "loadfile", "setfenv", "getfenv", "newproxy", "require", "module", "io",
        "debug", "package",
    ] {
        let text = format!(
            "user_script:1: Script attempted to access nonexistent global variable '{name}'"
        );
        bench.expect_error(&format!("return {name}"), &text);
    }
}

#[test]
fn what_scripts_share_can_be_read() {
    let mut bench = Bench::new();
    bench.expect(
        "local n = 0 for k in pairs(redis) do if k == 'call' then n = n + 1 end end return n",
        ":1",
    );
    bench.expect(
        "local n = 0 for k in next, _G do if k == '_G' then n = n + 1 end end return n",
        ":1",
    );
    bench.expect("return type(rawget(_G, 'redis'))", "$5 table");
    bench.expect("return tostring(rawget(_G, 'foo'))", "$3 nil");
    bench.expect("return tostring(_G._G == _G)", "$4 true");
    bench.expect("return ('x'):rep(3)", "$3 xxx");
    bench.expect(
        "local n = 0 table.foreach(redis, function() n = n + 1 end) return tostring(n > 10)",
        "$4 true",
    );
    bench.expect("return table.getn({1, 2})", ":2");
    bench.expect("return os.clock() >= 0", ":1");
    bench.expect(
        "local names = {} for k in pairs(os) do names[#names + 1] = k end return names",
        "*1 $5 clock",
    );
}

#[test]
fn scripts_may_use_lua() {
    let mut bench = Bench::new();
    bench.expect("return loadstring('return 5')()", ":5");
    bench.expect(
        "return select(2, loadstring('foo('))",
        "$49 [string \"foo(\"]:1: unexpected symbol near '<eof>'",
    );
    bench.expect(
        "local n = 0 return load(function() n = n + 1 return ({'return ', '7'})[n] end)()",
        ":7",
    );
    bench.expect("return tostring(loadstring(string.dump(function() end)))", "$3 nil");
    bench.expect("return tostring(load(function() return nil end) ~= nil)", "$4 true");
    bench.expect(
        "local t = setmetatable({}, {__index = function(_, k) return k .. '!' end}) return t.x",
        "$2 x!",
    );
    bench.expect(
        "local t = {3, 1, 2} table.sort(t) table.insert(t, 1, 9) table.insert(t, 8) return t",
        "*5 :9 :1 :2 :3 :8",
    );
    bench.expect("return {unpack({1, 2, 3}, 2)}", "*2 :2 :3");
    bench.expect("return {unpack({1, 2, 3})}", "*3 :1 :2 :3");
    bench.expect(
        "local t = {} for i = 1, 7999 do t[i] = 1 end return select('#', unpack(t))",
        ":7999",
    );
    bench.expect("return {('a,b'):match('(%a),(%a)')}", "*2 $1 a $1 b");
    bench.expect("return (string.gsub('abc', 'b', 'x'))", "$3 axc");
    bench.expect("return string.format('%5.1f|%s', 2.25, 'x')", "$7   2.2|x");
    bench
        .expect("return coroutine.wrap(function() return redis.call('echo', 'co') end)()", "$2 co");
    bench.expect("return type(collectgarbage('count'))", "$6 number");
    bench.expect("return collectgarbage('stop')", ":0");
}

#[test]
fn nothing_a_script_does_reaches_the_next() {
    let mut bench = Bench::new();
    for body in [
        "local t = getmetatable('') pcall(function() t.__index = nil end)",
        "pcall(rawset, _G, 'leak', 1) pcall(rawset, string, 'rep', 1) pcall(table.insert, redis, 1)",
        "setmetatable(KEYS, {__index = function() return 'leak' end}) KEYS[1] = 'leak' ARGV.x = 1",
        "redis.setresp(3) math.randomseed(1)",
        "pcall(table.sort, redis) pcall(table.remove, string, 1) pcall(table.setn, string, 5)",
        "coroutine.create(function() leak = 1 end)",
        "collectgarbage('stop')",
        "for k, v in pairs(_G) do if type(v) == 'table' then pcall(rawset, v, 'leak', 1) end end",
        "string.gsub('leak', '.', function(c) pcall(function() redis[c] = 1 end) end)",
        "table.foreach(_G, function(k, v) pcall(function() v.leak = 1 end) end)",
    ] {
        bench.run(body);
    }
    bench.expect("return tostring(rawget(_G, 'leak'))", "$3 nil");
    bench.expect(
        "return {('x'):rep(2), tostring(redis[1]), tostring(string.leak), #KEYS}",
        "*4 $2 xx $3 nil $3 nil :0",
    );
    bench.expect("return {tostring(KEYS[1]), tostring(ARGV.x)}", "*2 $3 nil $3 nil");
    bench.expect("return false", "$-1");
}

#[test]
fn a_killed_script_says_so() {
    let mut bench = Bench::new();
    bench.host.turns_max = Some(3);
    let killed = "Script killed by user with SCRIPT KILL...";
    bench.expect_error("while true do end", killed);
    assert_eq!(bench.host.turns, 4);
    bench.expect_error("while true do pcall(function() while true do end end) end", killed);
}

#[test]
fn a_deep_reply_ends_in_an_error_within() {
    let mut bench = Bench::new();
    let reply = bench.run("local t = {} t[1] = t return t");
    assert!(reply.ends_with("*1 -ERR reached lua stack limit"), "{reply}");
}

#[test]
fn the_first_line_says_what_a_script_may() {
    let bench = Bench::new();
    let flags = bench.load("#!lua flags=no-writes,allow-oom\nreturn 1").unwrap().flags;
    assert!(flags.has_shebang && flags.no_writes && flags.allow_oom && !flags.allow_stale);
    assert!(!bench.load("return 1").unwrap().flags.has_shebang);
    for (body, text) in [
        ("#!lua", "ERR Invalid script shebang"),
        ("#!lua flags=foo\n", "ERR Unexpected flag in script shebang: foo"),
        ("#!lua foo=bar\n", "ERR Unknown lua shebang option: foo=bar"),
        ("#!python\n", "ERR Unexpected engine in script shebang: #!python"),
    ] {
        assert_eq!(bench.load(body).unwrap_err(), text, "{body}");
    }
}

#[test]
fn hostile_scripts_end_in_errors() {
    let mut bench = Bench::new();
    bench.host.turns_max = Some(30);
    for body in [
        "return string.rep('x', 1e10)",
        "return string.rep('x', 2^63)",
        "local t = {} t[1] = t t[2] = t return t",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} while true do t[#t + 1] = string.rep('x', 1e6) .. #t end",
        "local t = {} while true do t[#t + 1] = string.rep('x', 1e6) end",
        "local s, t = string.rep('x', 1e5), {} for i = 1, 4000 do t[i] = s end return #table.concat(t)",
        "return unpack({}, 0, 2147483647)",
        "return unpack({}, -2147483648, 2147483647)",
        "return {unpack({}, 1, 1e9)}",
        "return string.find(string.rep('a', 1e5), string.rep('a?', 1e5))",
        "return loadstring('\\27Lua')()",
        "return loadstring('return ' .. string.rep('(', 1e5) .. '1' .. string.rep(')', 1e5))()",
        "return loadstring('return ' .. string.rep('{', 1e5))()",
        "local f = function(f) return f(f) .. 'x' end return f(f)",
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(s, k) return s[k] end return t.x",
        "local function f(n) return coroutine.wrap(function() return f(n + 1) end)() end return f(1)",
        "return string.gsub('x', 'x', function() return string.gsub('x', 'x', error) end)",
        "while true do pcall(function() while true do end end) end",
        "while true do pcall(error) end",
        "local co = coroutine.create(function() while true do end end) coroutine.resume(co) while true do end",
        "return xpcall(error, function() error('again') end) and 1 or error('end')",
        "local t = {} for i = 1, 1e6 do t[i] = 1 end table.sort(t, function() return true end)",
        "error(setmetatable({}, {__index = function() error('x') end}))",
        "error(setmetatable({}, {__tostring = function() error('x') end}))",
    ] {
        bench.host.turns = 0;
        let reply = bench.run(body);
        assert!(reply.contains("-ERR"), "{body}: {}", &reply[..reply.len().min(200)]);
        bench.expect("return 'alive'", "$5 alive");
    }
}

#[test]
fn a_machine_begins_small() {
    let bytes = Machine::new(0).unwrap().memory_bytes();
    assert!(bytes < 100 * 1024, "{bytes}");
}

#[test]
fn a_panic_of_the_server_ends_the_script_only() {
    let mut bench = Bench::new();
    for body in ["redis.call('panic')", "pcall(redis.call, 'panic') return 1"] {
        assert!(bench.run(body).starts_with("-ERR"), "{body}");
        bench.expect("return redis.call('echo', 'alive')", "$5 alive");
    }
}
