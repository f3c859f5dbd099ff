"""Scripts, transactions, publishing and more of geo for differential.py: templates, and what stands around a command."""

SCRIPTS = [
    "return 1", "return 1.9", "return -0.5", "return 'text'", "return nil", "return true", "return false", "return {}",
    "return {1, 2, {3, 'a', false, true, 1.5}, nil, 4}", "return {ok='fine'}", "return {err='MY bad'}", "return {err='bad'}",
    "return {err='bad', a=1}", "return {double=3.5}", "return {double=1/0}", "return {map={a=1}}", "return {set={a=true}}",
    "return {big_number='123456789012345678901234567890'}", "return {verbatim_string={format='txt', string='x'}}",
    "return redis.status_reply('S')", "return redis.error_reply('E x')", "return redis.error_reply('-E x')",
    "return redis.error_reply('')", "return redis.status_reply()", "return redis.error_reply(1, 2)",
    "return #KEYS + #ARGV", "return {KEYS[1], KEYS[2], ARGV[1], ARGV[2]}", "return redis.sha1hex(ARGV[1] or '')",
    "return redis.sha1hex()", "error('boom')", "error({err='MY boom'})", "error()", "return x", "x = 1", "KEYS = nil return 1",
    "return math.pi", "return math.floor(-2.5)", "return tostring(redis.call('get', KEYS[1]))", "return redis.pcall('incr', KEYS[1])",
    "return redis.call('nonsense')", "return redis.pcall('nonsense')", "return redis.call()", "return redis.pcall()",
    "return redis.call('set', 'a')", "return redis.pcall('set', 'a')['err']", "return {redis.pcall('get')}",
    "return redis.call({})", "return redis.call('set', KEYS[1], {})", "return redis.call('set', KEYS[1], 1.5)",
    "return redis.call('set', KEYS[1], true)", "return redis.call('set', KEYS[1], 10^20)", "return redis.call('echo', 2^53)",
    "local r = redis.pcall('lpush', KEYS[1], 1) if type(r) == 'table' then return r end return 'pushed ' .. r",
    "return type(redis.call('hgetall', KEYS[1]))", "return redis.call('hgetall', KEYS[1])['f1']",
    "redis.setresp(3) local r = redis.call('hgetall', KEYS[1]) return r.map and r.map['f1']",
    "redis.setresp(3) return redis.call('hget', KEYS[1], 'f1') == nil", "return redis.call('hget', KEYS[1], 'f1') == false",
    "return redis.setresp(4)", "return redis.setresp()", "return redis.call('ping')", "return redis.call('ping').ok",
    "return redis.call('select', 1)", "redis.call('select', 1) return redis.call('set', 'k1', 'in 1')", "return redis.call('multi')",
    "return redis.call('subscribe', 'a')", "return redis.call('eval', 'return 1', 0)", "return redis.call('publish', 'a', 'b')",
    "return redis.call('script', 'flush')", "return redis.call('blpop', KEYS[1], 0)", "return redis.call('debug', 'sleep', 0)",
    "return tonumber('0x10')", "return tonumber('1e3')", "return tostring(1e15)", "return tostring(2^63)", "return 2^53",
    "for i = 1, 3 do redis.call('rpush', KEYS[1], i) end return redis.call('lrange', KEYS[1], 0, -1)",
    "return cjson.encode({1, 2, 'x', {a=1}})", "return cjson.encode({})", "return cjson.encode(1/3)", "return cjson.decode('[1,2')",
    "return cjson.encode(cjson.decode('[1, 2.5, null, {\"a\": [true]}, \"\\\\u00e9\"]'))", "return cjson.decode('{\"a\":1}')['a']",
    "return cmsgpack.pack({1, -2, 'x', 1.5, {a=true}})", "return cmsgpack.unpack(cmsgpack.pack({1, 2, {3}}))", "return cmsgpack.unpack('')",
    "return bit.bor(1, 2, 4)", "return bit.tohex(255, 4)", "return bit.lshift(1, 33)", "return bit.bor('x')",
    "return struct.pack('>I2', 5)", "return {struct.unpack('<i4', '\\255\\255\\255\\255')}", "return struct.unpack('>I8', 'x')",
    "#!lua\nreturn 1", "#!lua flags=no-writes\nreturn redis.call('set', KEYS[1], 1)", "#!lua flags=no-writes,allow-stale\nreturn 5",
    "#!lua flags=foo\nreturn 1", "#!python\nreturn 1", "#!lua name=x\nreturn 1", "#!lua", "#!lua flags=no-writes\nreturn redis.call('get', KEYS[1])",
    "syntax error here", "return (", "", "return string.format('%q', ARGV[1] or '')", "return string.rep('ab', 3, ',')",
    "return pairs == nil", "return load == nil", "return loadstring('return 5')()", "return os.time == nil", "return print == nil",
    "return getmetatable('').__index == string", "getmetatable('').__index = nil", "redis.x = 1", "string.x = 1", "return _G.x",
    "_G.x = 1", "return rawget(_G, 'x')", "rawset(_G, 'x', 1)", "return setfenv == nil", "return next({}) == nil",
    "return unpack({1, 2, 3})", "return select('#', 1, nil, nil)", "return table.concat({1, 2, 'x'}, '-')", "return table.getn({1, 2})",
    "local t = {3, 1, 2} table.sort(t) return t", "return string.gsub('hello', 'l', 'L')", "return ('x'):rep(3)", "return #ARGV",
    "return redis.LOG_WARNING", "return redis.log(1)", "return redis.log('x', 'y')", "return redis.log(99, 'x')", "redis.log(0, 'x')",
    "return redis.set_repl(redis.REPL_ALL)", "return redis.set_repl(99)", "return redis.replicate_commands()", "return redis.acl_check_cmd('get', 'a')",
    "return redis.acl_check_cmd('nonsense')", "return redis.REDIS_VERSION_NUM > 0", "return type(redis.REDIS_VERSION)",
    "local ok, e = pcall(redis.call, 'nonsense') return type(e) == 'table' and e.err or e", "return pcall(error, 'x')",
    "local ok, e = pcall(error, {code=5}) return e.code", "return xpcall == nil", "return coroutine.wrap(function() return 5 end)()",
    "return redis.call('object', 'encoding', KEYS[1])", "return redis.call('type', KEYS[1])", "return redis.call('type', KEYS[1]).ok",
    "return redis.call('ttl', KEYS[1])", "return redis.call('zscore', KEYS[1], 'a')", "return redis.call('exists', unpack(KEYS))",
    "redis.call('set', KEYS[1], 'before') error('after')", "return redis.pcall('set', KEYS[1], 'x', 'FOO')",
]
WRAPPINGS = [
    "return redis.call(unpack(ARGV))", "return redis.pcall(unpack(ARGV))", "redis.setresp(3) return redis.call(unpack(ARGV))",
    "local r = redis.call(unpack(ARGV)) return r", "local r = redis.pcall(unpack(ARGV)) return r",
]
CLASSES = {"lua": SCRIPTS}
TEMPLATES = [
    (2, "GEOPOS {z} {m} [{m}]"),
    (2, "GEOSEARCH {z} FROMMEMBER {m} BYRADIUS {rad} {un} [ASC|DESC] [COUNT {cnt}|COUNT {cnt} ANY] [WITHDIST] [WITHCOORD] [WITHHASH]"),
    (1, "GEORADIUS {z} {lon} {lat} {rad} {un} [WITHDIST] [WITHCOORD] [WITHHASH] [COUNT {cnt}] [ASC|DESC] [STORE {z}|STOREDIST {z}]"),
    (1, "GEORADIUS_RO {z} {lon} {lat} {rad} {un} [WITHDIST] [COUNT {cnt}] [ASC|DESC] [STORE {z}]"),
    (1, "BZPOPMIN {z} {z} 0.01"),
    (1, "BZMPOP 0.01 2 {z} {z} [MIN|MAX] [COUNT {cnt}]"),
    (1, "PUBLISH {key} {val}"),
    (1, "SPUBLISH {key} {val}"),
    (1, "PUBSUB [CHANNELS|NUMSUB|NUMPAT|SHARDCHANNELS|SHARDNUMSUB|FOO] [{key}] [{key}]"),
    (20, "EVAL {lua} [0|1|1|2|2|3|x|-1] {key} {key} {val}"),
    (3, "EVAL_RO {lua} [0|1|1|2] {key} {key} {val}"),
    (1, "SCRIPT LOAD {lua}"),
    (1, "SCRIPT [EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db|FLUSH|FLUSH SYNC|FLUSH FOO|FOO|EXISTS]"),
    (1, "EVALSHA [e0e1f9fabfc9d4800c877a703b823ac0578ff8db|E0E1F9FABFC9D4800C877A703B823AC0578FF8DB|x] 0"),
    (4, "MULTI"),
    (1, "EXEC"),
    (1, "DISCARD"),
    (2, "WATCH {key} [{key}]"),
    (1, "UNWATCH"),
]
# How often a command is called by a script instead, and how often a transaction is ended.
WRAPPED = 0.08
ENDED = 0.2


def wrap(command, chance):
    """Returns a command by which a script calls this one."""
    return [b"EVAL", chance.choice(WRAPPINGS).encode(), b"0", *command]


def suits(command, in_transaction):
    """Says whether a command can be compared where it stands."""
    name = command[0].upper()
    if in_transaction and name in (b"SORT", b"SORT_RO"):
        return False  # whether its order is chance has to be asked first
    # Redis loses count of the replies of a transaction when a client gives them up in it, or fails to log in; of
    # COMMAND, Redis 7.0 asks for other arguments than its successors.
    is_reply = name == b"CLIENT" and [word.upper() for word in command[1:2]] == [b"REPLY"]
    return not in_transaction or not (is_reply or name in (b"COMMAND", b"AUTH", b"HELLO"))


def calls(command, chance):
    """Says whether a script is to call a command: the error of COMMAND GETKEYS is another one there, and a map of XINFO
    becomes a table, whose order depends on all names in it."""
    return command[0].upper() not in (b"COMMAND", b"XINFO") and chance.random() < WRAPPED


def leave_out_what_is_new():
    """Leaves out the scripts that Redis 7.0 answers otherwise than its successors."""
    SCRIPTS[:] = [script for script in SCRIPTS if not any(word in script for word in ("os.", "blpop", "log(99", "push"))]


def bare(reply):
    """An error without the script that it comes from."""
    mark, content = reply
    return (mark, content.split(b" script: ")[0]) if mark == "-" else reply


class Transaction:
    """The commands that wait for EXEC, so that each of its replies is compared as that of its command."""

    def __init__(self, same):
        self.compare = same
        self.queued = None

    def same(self, command, inner, ours, theirs):
        """Says whether two replies to a command, which may call an inner one, are the same."""
        name = command[0].upper()
        if ours == theirs == ("+", b"QUEUED"):
            self.queued.append(inner)
            return True
        if name == b"MULTI" and ours == theirs == ("+", b"OK"):
            self.queued = []
            return True
        queued = self.queued or []
        if name in (b"EXEC", b"DISCARD") and len(command) == 1:
            self.queued = None
        if name == b"EXEC" and ours[0] == theirs[0] == "*" and ours[1] is not None and theirs[1] is not None:
            return len(ours[1]) == len(theirs[1]) == len(queued) and all(
                self.compare(command, bare(a), bare(b)) for command, a, b in zip(queued, ours[1], theirs[1]))
        if inner is not command:
            ours, theirs = bare(ours), bare(theirs)
        return self.compare(inner, ours, theirs)
