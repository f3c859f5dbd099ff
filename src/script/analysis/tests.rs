use mlua::Lua;

use super::{Argument, Call, calls};

/// Returns the commands that a code runs, one behind the other; `None` if it is not understood.
fn commands(code: &str, is_library: bool) -> Option<String> {
    let lua = Lua::new();
    let function = lua.load(code).into_function().expect("it compiles");
    let calls = calls(&function.dump(true), is_library)?;
    assert_eq!(Some(&calls), super::calls(&function.dump(false), is_library).as_ref());
    let mut texts: Vec<String> = calls.iter().map(show).collect();
    texts.dedup();
    Some(texts.join("; "))
}

fn show(call: &Call) -> String {
    let text = |argument: &Argument| match argument {
        Argument::Key => "<key>".to_owned(),
        Argument::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Argument::Given(number) => format!("<{number}>"),
        Argument::Unknown => "?".to_owned(),
    };
    let mut texts: Vec<String> = call.arguments.iter().map(text).collect();
    if let Some(rest) = &call.rest {
        texts.push(format!("+{}", text(&rest.first)));
        texts.extend(rest.others.as_ref().map(|others| format!("+{}...", text(others))));
    }
    texts.join(" ")
}

#[track_caller]
fn script(code: &str, expected: &str) {
    assert_eq!(commands(code, false).as_deref(), Some(expected), "{code}");
}

#[track_caller]
fn library(code: &str, expected: &str) {
    assert_eq!(commands(code, true).as_deref(), Some(expected), "{code}");
}

#[track_caller]
fn unclear(codes: &[&str], is_library: bool) {
    for code in codes {
        assert_eq!(commands(code, is_library), None, "{code}");
    }
}

#[test]
fn given_keys_are_told_from_other_arguments() {
    script(
        "local v = redis.call('GET', KEYS[1]) or 0 v = v + ARGV[1] redis.call('SET', KEYS[1], v) return v",
        "GET <key>; SET <key> ?",
    );
    script("return redis.pcall('GET', ARGV[1])", "GET <1>");
    script("return redis['call']('get', 'a')", "get a");
    script("return server.call('get', KEYS[1] .. ':x')", "get ?");
    script("redis.call('ZUNION', 2, KEYS[1], KEYS[#KEYS], 1.5)", "ZUNION 2 <key> <key> ?");
    script("return {#KEYS, cjson.encode(KEYS), redis.sha1hex(KEYS[1])}", "");
    script("return KEYS", "");
    unclear(&["return {KEYS}", "return {1, KEYS, 2}", "return {a = KEYS}"], false);
}

#[test]
fn keys_are_followed_through_variables_and_loops() {
    script("local k = KEYS[1] local l = k return redis.call('GET', l)", "GET <key>");
    script("local k = KEYS[1] k = 'x' return redis.call('GET', k)", "GET x");
    script("local k = KEYS[1] if ARGV[1] then k = KEYS[2] end redis.call('GET', k)", "GET <key>");
    script("local k = KEYS[1] if ARGV[1] then k = 'x' end redis.call('GET', k)", "GET ?");
    script("local k if ARGV[1] then k = KEYS[2] end redis.call('GET', k)", "GET <key>");
    script("redis.call('GET', KEYS[2] or KEYS[1])", "GET <key>");
    script("redis.call('GET', KEYS[2] or ARGV[1])", "GET ?");
    script("redis.call(ARGV[1] and 'INCR' or 'DECR', KEYS[1])", "? <key>");
    script("for i = 1, #KEYS do redis.call('DEL', KEYS[i]) end", "DEL <key>");
    script("for i, k in ipairs(KEYS) do redis.call('SET', k, i) end", "SET <key> ?");
    script("for k in pairs(KEYS) do redis.call('DEL', k) end", "DEL ?");
    script("for _, k in pairs(ARGV) do redis.call('DEL', k) end", "DEL ?");
    script("local k = KEYS[1] while true do redis.call('GET', k) k = 'x' end", "GET ?");
    script("local _, k = next(KEYS) redis.call('GET', k)", "GET <key>");
    script("local keys = KEYS return redis.call('GET', keys[1])", "GET <key>");
    script("local keys = {KEYS[1]} return redis.call('GET', keys[1])", "GET ?");
}

#[test]
fn what_follows_may_be_any_number() {
    script("return redis.call('DEL', unpack(KEYS))", "DEL +<key> +<key>...");
    script("return redis.call('RPUSH', KEYS[1], unpack(ARGV))", "RPUSH <key> +? +?...");
    script(
        "return redis.call('SET', KEYS[1], redis.call('GET', KEYS[2]))",
        "GET <key>; SET <key> +?",
    );
    script("return redis.call('GET', (unpack(KEYS)))", "GET <key>");
    script("local f = function(...) return redis.call('DEL', ...) end f(KEYS[1])", "DEL +? +?...");
}

#[test]
fn the_function_that_runs_commands_is_followed() {
    script("local call = redis.call return call('GET', KEYS[1])", "GET <key>");
    script("local r = redis return r.call('GET', KEYS[1])", "GET <key>");
    script("local ok, e = pcall(redis.call, 'GET', KEYS[1]) return ok", "GET <key>");
    script(
        "local call = redis.call local function get(k) return call('GET', k) end return get(KEYS[1])",
        "GET <key>",
    );
    unclear(
        &[
            "local t = {redis.call} return t[1]('GET', 'x')",
            "local t = {} t.x = redis return t.x.call('GET', 'x')",
            "return (ARGV[1] and redis.call or redis.sha1hex)('GET', 'x')",
            "return xpcall(redis.call, print)",
            "return coroutine.wrap(redis.call)('GET', 'x')",
            "for x in redis.call, 'GET' do end",
            "return redis[ARGV[1]]('GET', KEYS[1])",
            "local function f() return redis.call, 1 end local a, b = f() return pcall(f)",
            "return setmetatable({}, {__index = redis}).call('GET', 'x')",
            "local t = setmetatable({}, {__concat = function(a, b) b('GET', 'x') end}) return t .. redis.call",
            "return _G.redis.call('GET', 'x')",
            "return loadstring('return redis.call([[GET]], [[x]])')()",
            "return (function(...) return ... end)(redis.call)('GET', 'x')",
        ],
        false,
    );
}

#[test]
fn the_table_of_keys_must_stay_as_it_is() {
    unclear(
        &[
            "KEYS[1] = 'x' return redis.call('GET', KEYS[1])",
            "table.insert(KEYS, 'x')",
            "rawset(KEYS, 1, 'x')",
            "setmetatable(KEYS, {__index = function() return 'x' end})",
            "local keys = KEYS keys[2] = 'x'",
            "local t = {KEYS} t[1][1] = 'x'",
            "local function f(k) k[1] = 'x' end f(KEYS)",
            "select(1, KEYS)[1] = 'x'",
        ],
        false,
    );
}

#[test]
fn functions_of_the_code_are_called_with_what_is_passed() {
    script(
        "local function f(k, v) redis.call('SET', k, v) end f(KEYS[1], 1) f(KEYS[2], 2)",
        "SET <key> ?",
    );
    script("local function f(k) redis.call('GET', k) end f(KEYS[1]) f('x')", "GET ?");
    script("local function f(k) redis.call('GET', k) end f(KEYS[1]) ARGV[1] = f", "GET ?");
    script("local function k(i) return KEYS[i] end redis.call('GET', k(1))", "GET +<key> +?...");
    script(
        "local function k(i) return KEYS[i] end local a = k(1) redis.call('GET', a)",
        "GET <key>",
    );
    script(
        "local function k() if ARGV[1] then return KEYS[1] end return 'x' end local a = k() redis.call('GET', a)",
        "GET ?",
    );
    script(
        "local function f(n) if n > 0 then redis.call('GET', KEYS[1]) return f(n - 1) end end f(3)",
        "GET <key>",
    );
    script("local function f(keys) redis.call('GET', keys[1]) end f(KEYS)", "GET <key>");
    script(
        "local a, b function a() return b() end function b() redis.call('GET', KEYS[1]) end a()",
        "GET <key>",
    );
    script("local ok = pcall(function() redis.call('GET', KEYS[1]) end)", "GET <key>");
    script("pcall(function(k) redis.call('GET', k) end, KEYS[1])", "GET ?");
}

#[test]
fn variables_of_outer_functions_are_whatever_anybody_puts_there() {
    script("local k = KEYS[1] local function f() redis.call('GET', k) end f()", "GET <key>");
    script("local k = KEYS[1] local function f() redis.call('GET', k) end k = 'x' f()", "GET ?");
    script("local k = KEYS[1] local function f() k = 'x' end f() redis.call('GET', k)", "GET ?");
    script(
        "local k = KEYS[1] local function f() k = KEYS[2] end f() redis.call('GET', k)",
        "GET <key>",
    );
    script(
        "local k = KEYS[1] local f = function() return function() k = 'x' end end f()() redis.call('GET', k)",
        "GET ?",
    );
    script(
        "for i = 1, 2 do local k = KEYS[i] pcall(function() redis.call('GET', k) end) k = KEYS[3] end",
        "GET <key>",
    );
    script(
        "do local k = 'x' pcall(function() return k end) end local k = KEYS[1] \
         pcall(function() redis.call('GET', k) end)",
        "GET ?",
    );
}

#[test]
fn given_arguments_are_told_from_each_other_as_long_as_they_stay_as_they_are() {
    script("return redis.call(ARGV[2], KEYS[1], ARGV[1])", "<2> <key> <1>");
    script("local a = ARGV return redis.call(a[1], KEYS[1], a[#a])", "<1> <key> ?");
    script("local c = ARGV[1] or 'GET' return redis.call(c, KEYS[1])", "? <key>");
    script("return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))", "<1> <key> +? +?...");
    script("for i, v in ipairs(ARGV) do redis.call(ARGV[1], KEYS[1], v) end", "<1> <key> ?");
    script(
        "local n = table.concat(ARGV, ' ') return redis.call(ARGV[1], KEYS[1], n)",
        "<1> <key> ?",
    );
    for change in [
        "ARGV[1] = 'x'",
        "table.remove(ARGV, 1)",
        "local t = {ARGV} t[1][1] = 'x'",
        "local function f(a) a[1] = 'x' end f(ARGV)",
        "pcall(function(a) a[1] = 'x' end, ARGV)",
        "pcall(function() ARGV[1] = 'x' end)",
    ] {
        script(&format!("{change} return redis.call(ARGV[1], KEYS[1])"), "? <key>");
        script(&format!("redis.call(ARGV[1], KEYS[1]) {change}"), "? <key>");
    }
    unclear(
        &["local a = ARGV if a[1] then a = {} end a[1] = 'x' return redis.call(ARGV[1])"],
        false,
    );
    library(
        "redis.register_function('f', function(keys, args) redis.call(args[1], keys[1]) end)",
        "<1> <key>",
    );
    library(
        "local last redis.register_function('f', function(keys, args) redis.call(last, keys[1]) \
         last = args[1] end)",
        "? <key>",
    );
}

#[test]
fn the_functions_of_a_library_get_keys() {
    library(
        "redis.register_function('f', function(keys, args) redis.call('SET', keys[1], args[1]) end)",
        "SET <key> <1>",
    );
    library(
        "redis.register_function{function_name='f', flags={'allow-oom'}, callback=function(keys) \
         redis.call('GET', keys[1]) end}",
        "GET <key>",
    );
    library(
        "local function get(keys, i) return redis.call('GET', keys[i]) end \
         local function f(keys) return get(keys, 1) end redis.register_function('f', f)",
        "GET <key>",
    );
    library(
        "local count = 0 redis.register_function('f', function(keys) count = count + 1 \
         return redis.call('SET', keys[1], count) end)",
        "SET <key> ?",
    );
    // It may be changed before it is registered.
    library(
        "local t = {function_name='f', callback=function(keys) redis.call('GET', keys[1]) end} \
         local u = t u.callback = nil redis.register_function(t)",
        "GET ?",
    );
}

#[test]
fn what_a_library_keeps_are_no_keys_of_a_later_run() {
    library(
        "local last redis.register_function('f', function(keys) redis.call('GET', last) \
         last = keys[1] end)",
        "GET ?",
    );
    unclear(
        &[
            "local all redis.register_function('f', function(keys) if all then \
             redis.call('GET', all[1]) end all = keys end)",
            "local get redis.register_function('f', function(keys) if get then get() end \
             local k = keys[1] get = function() redis.call('GET', k) end end)",
            "local t = {} redis.register_function('f', function(keys) if t.get then t.get() end \
             local k = keys[1] t.get = function() redis.call('GET', k) end end)",
            "redis.register_function('f', function(keys) redis.call('GET', KEYS[1]) end)",
        ],
        true,
    );
}

#[test]
fn what_is_no_compiled_code_is_not_understood() {
    let lua = Lua::new();
    let whole = lua.load("return redis.call('GET', KEYS[1])").into_function().expect("code");
    let whole = whole.dump(true);
    assert!(calls(&whole, false).is_some());
    for end in 0..whole.len() {
        assert_eq!(calls(&whole[..end], false), None);
    }
    // Whatever is changed, nothing panics.
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let mut code = whole.clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..code.len());
            code[at] = random.u8(..);
        }
        calls(&code, random.bool());
    }
}

#[test]
fn code_that_would_take_long_is_not_understood() {
    let long = |count: usize| -> String {
        (0..count).map(|it| format!("if ARGV[{it}] then redis.call('GET', KEYS[1]) end ")).collect()
    };
    script(&long(500), "GET <key>");
    assert_eq!(commands(&long(60_000), false), None);
}
