"""Values and libraries of functions travel: between our server and a released one, by DUMP and RESTORE and by the file
that SAVE writes."""
import os
import random
import shutil
import time

import differential
import streams
from resp import Connection, Server

# Field deadlines that lie far ahead, so that nothing expires on the way.
FAR_MS = 4_000_000_000_000


def commands(seed, knows_field_deadlines):
    """Returns commands that create keys of every type and encoding that both servers know."""
    chance = random.Random(seed)
    text = lambda size: "".join(chance.choice("abcdefgh 0123456789") for _ in range(size))
    many = lambda count, size: ["%s:%d" % (text(size), number) for number in range(count)]
    numbers = lambda count, bits: [str(chance.randrange(-2**bits, 2**bits)) for _ in range(count)]
    pairs = lambda names: [word for name in names for word in (name, text(chance.randrange(40)))]
    scored = lambda names: [word for name in names for word in (repr(chance.uniform(-1e6, 1e6)), name)]
    yield from (
        ("SET", "string:empty", ""), ("SET", "string:int", "-123456"), ("SET", "string:int64", str(2**62)),
        ("SET", "string:embstr", "hello"), ("SET", "string:raw", "x" * 100), ("SET", "string:noise", text(5000)),
        ("SET", "string:large", "abc" * 100_000), ("APPEND", "string:edited", "12"),
        ("SET", "string:lasting", "1"), ("PEXPIREAT", "string:lasting", str(FAR_MS)),
        ("RPUSH", "list:packed", "1", "a", "", "70000", "b" * 60), ("RPUSH", "list:long", *many(3000, 30)),
        ("RPUSH", "list:large", "a", "x" * 200_000, "b", "y" * 9000, *many(50, 200)),
        ("SADD", "set:ints16", *numbers(20, 10)), ("SADD", "set:ints32", *numbers(20, 30)),
        ("SADD", "set:ints64", *numbers(20, 60)), ("SADD", "set:ints", *numbers(2000, 50)),
        ("SADD", "set:packed", "a", "12", "b" * 60, "c"), ("SADD", "set:table", *many(1000, 20)),
        ("SADD", "set:longmember", "z" * 1000, "1"),
        ("ZADD", "zset:packed", "1", "a", "-inf", "b", "0.1", "c", "1e300", "d", "2", "17"),
        ("ZADD", "zset:tree", *scored(many(1500, 15))), ("ZADD", "zset:longmember", "1", "z" * 1000),
        ("HSET", "hash:packed", "a", "1", "b", "two", "3", "c" * 60), ("HSET", "hash:table", *pairs(many(900, 12))),
        ("HSET", "hash:longvalue", "a", "z" * 1000),
        ("PFADD", "hll:sparse", *many(10, 5)), ("PFADD", "hll:dense", *many(5000, 5)),
        ("GEOADD", "geo", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania"),
        ("XADD", "stream:one", "1-1", "field", "value"),
    )
    for number in range(1, 400):
        names = ("a", "b") if number % 7 else ("c", "d", str(number))
        yield ("XADD", "stream:many", "%d-%d" % (number, number % 3), *pairs(names))
    for number in range(1, 200, 5):
        yield ("XDEL", "stream:many", "%d-%d" % (number, number % 3))
    yield from (
        ("XGROUP", "CREATE", "stream:many", "group", "10-0"), ("XGROUP", "CREATE", "stream:many", "idle", "$"),
        ("XREADGROUP", "GROUP", "group", "alice", "COUNT", "20", "STREAMS", "stream:many", ">"),
        ("XREADGROUP", "GROUP", "group", "bob", "COUNT", "5", "STREAMS", "stream:many", ">"),
        ("XACK", "stream:many", "group", "12-0", "13-1"),
        ("XADD", "stream:emptied", "5-5", "a", "b"), ("XTRIM", "stream:emptied", "MAXLEN", "0"),
    )
    if knows_field_deadlines:
        yield from (
            ("HSET", "hash:deadlines", "a", "1", "b", "2", "c", "3"),
            ("HPEXPIREAT", "hash:deadlines", str(FAR_MS), "FIELDS", "1", "b"),
            ("HPEXPIREAT", "hash:deadlines", str(FAR_MS - 1000), "FIELDS", "1", "c"),
            ("HSET", "hash:manydeadlines", *pairs(many(700, 8)), "x", "1", "y", "2"),
            ("HPEXPIREAT", "hash:manydeadlines", str(FAR_MS + 5), "FIELDS", "2", "x", "y"),
        )


def fill(connection, seed, knows_field_deadlines):
    """Creates the keys, without those of commands that the server does not know."""
    for command in commands(seed, knows_field_deadlines):
        kind, answer = connection.call(*command)
        assert kind != "-" or b"unknown command" in answer, (command[:4], answer)


# Libraries of functions: flags, descriptions, a text long enough to be compressed.
LIBRARIES = (
    "#!lua name=plain\nredis.register_function('echo', function(keys, args) return args end)",
    "#!lua name=\"named\"\nlocal function double(number)\n  return 2 * number\nend\n"
    "redis.register_function{function_name='double', description='twice as much', flags={'no-writes', 'allow-oom'},"
    " callback=function(keys, args) return double(args[1]) end}\n"
    "redis.register_function('count', function(keys, args) return redis.call('INCR', keys[1]) end)\n" + "-- filler\n" * 500,
)


def load_libraries(connection):
    connection.call("FUNCTION", "FLUSH")
    for text in LIBRARIES:
        kind, answer = connection.call("FUNCTION", "LOAD", text)
        assert kind == "$", answer


def libraries(connection):
    """Returns all there is to see of the libraries, and what some functions answer."""
    seen = {}
    for library in plain(connection.call("FUNCTION", "LIST", "WITHCODE")):
        facts = dict(zip(library[::2], library[1::2]))
        functions = [dict(zip(one[::2], one[1::2])) for one in facts[b"functions"]]
        facts[b"functions"] = {one[b"name"]: (one[b"description"], sorted(one[b"flags"])) for one in functions}
        seen[facts[b"library_name"]] = facts
    calls = ("FCALL", "echo", "0", "a", "b"), ("FCALL_RO", "DOUBLE", "0", "21"), ("FCALL", "none", "0")
    return seen, [connection.call(*call) for call in calls]


def functions_travel(ours, reference):
    """Holds that libraries survive the way from one server to the other by FUNCTION DUMP and RESTORE."""
    for writer, reader in ((ours, reference), (reference, ours)):
        with Server(writer) as first, Server(reader) as second:
            source, target = Connection(first.port, 60), Connection(second.port, 60)
            load_libraries(source)
            payload = source.call("FUNCTION", "DUMP")[1]
            for policy, answer in (("APPEND", "+"), ("APPEND", "-"), ("REPLACE", "+"), ("FLUSH", "+")):
                given = target.call("FUNCTION", "RESTORE", payload, policy)
                assert given[0] == answer, (reader, policy, given)
                assert libraries(source) == libraries(target), "%s restores what %s dumped" % (reader, writer)
            assert libraries(source)[1][1] == (":", 42), libraries(source)[1]
    return len(LIBRARIES)


def plain(reply):
    """Returns a reply without the marks of its items."""
    content = reply[1]
    return [plain(item) for item in content] if isinstance(content, tuple) else content


def content(connection, key):
    """Returns all there is to see of a key."""
    call = lambda *words: plain(connection.call(*words))
    kind = call("TYPE", key)
    if kind == b"string":
        seen = call("GET", key)
    elif kind == b"list":
        seen = call("LRANGE", key, "0", "-1")
    elif kind == b"set":
        seen = sorted(call("SMEMBERS", key))
    elif kind == b"zset":
        words = call("ZRANGE", key, "0", "-1", "WITHSCORES")
        # Servers before 7.2 write scores with more digits.
        seen = [(member, float(score)) for member, score in zip(words[::2], words[1::2])]
    elif kind == b"hash":
        fields = call("HGETALL", key)
        seen = sorted(zip(fields[::2], fields[1::2]))
        if key.endswith(b"deadlines"):
            seen.append([call("HPEXPIRETIME", key, "FIELDS", "1", field) for field, _ in seen])
    else:
        full = call("XINFO", "STREAM", key, "FULL", "COUNT", "0")
        marks = [full[full.index(name) + 1] for name in (b"length", b"last-generated-id", b"entries-added",
                                                         b"max-deleted-entry-id", b"recorded-first-entry-id")]
        seen = call("XRANGE", key, "-", "+"), marks, [group(one) for one in full[full.index(b"groups") + 1]]
    return kind, seen, call("PEXPIRETIME", key)


def group(words):
    """Returns a group as XINFO tells it, without the times of its consumers, of which servers before 7.2
    know only one."""
    facts = dict(zip(words[::2], words[1::2]))
    # Since Redis 8.8.
    facts.pop(b"nacked-count", None)
    consumers = [dict(zip(one[::2], one[1::2])) for one in facts.pop(b"consumers")]
    return facts, [(one[b"name"], one[b"pel-count"], one[b"pending"]) for one in consumers]


def keys_of(connection):
    return sorted(plain(connection.call("KEYS", "*")))


def carry(source, target):
    """Carries all keys by DUMP and RESTORE; returns how many."""
    keys = keys_of(source)
    for key in keys:
        deadline = source.call("PEXPIRETIME", key)[1]
        payload = source.call("DUMP", key)[1]
        answer = target.call("RESTORE", key, str(max(deadline, 0)), payload, "ABSTTL", "REPLACE")
        assert answer == ("+", b"OK"), (key, answer, payload[:60])
    return len(keys)


def compare(one, other, what):
    """Fails at the first key that is not the same on both."""
    keys = keys_of(one)
    assert keys == keys_of(other), "%s: %s" % (what, set(keys) ^ set(keys_of(other)))
    for key in keys:
        ours, theirs = content(one, key), content(other, key)
        assert ours == theirs, "%s: %s\n%.2000s\n%.2000s" % (what, key, ours, theirs)


def travels(ours, reference, seed=1, knows_field_deadlines=None):
    """Holds that every value survives the way from one server to the other and back, both ways round."""
    with Server(ours) as first, Server(reference) as second:
        here, there = Connection(first.port, 60), Connection(second.port, 60)
        if knows_field_deadlines is None:
            knows_field_deadlines = there.call("HPEXPIRETIME", "none", "FIELDS", "1", "a")[0] != "-"
        fill(here, seed, knows_field_deadlines)
        count = carry(here, there)
        compare(here, there, "ours, restored there")
        there.call("FLUSHALL")
        fill(there, seed + 1, knows_field_deadlines)
        here.call("FLUSHALL")
        carry(there, here)
        compare(there, here, "theirs, restored here")
    return count


def files_travel(ours, reference, seed=1, knows_field_deadlines=False):
    """Holds that each server loads what the other has saved."""
    for writer, reader in ((ours, reference), (reference, ours)):
        with Server(writer) as first:
            source = Connection(first.port, 60)
            fill(source, seed, knows_field_deadlines)
            source.call("SELECT", "5")
            source.call("SET", "elsewhere", "1")
            source.call("SELECT", "0")
            load_libraries(source)
            answer = source.call("SAVE")
            assert answer[0] == "+", answer
            folder = first.folder + "-copy"
            os.makedirs(folder)
            shutil.copy(os.path.join(first.folder, "dump.rdb"), folder)
            try:
                with Server(reader, "--dir", folder) as second:
                    target = Connection(second.port, 60)
                    while b"\r\nloading:0" not in target.call("INFO", "persistence")[1]:
                        time.sleep(0.01)
                    compare(source, target, "%s loads what %s saved" % (reader, writer))
                    assert libraries(source) == libraries(target), "libraries in what %s saved" % writer
                    target.call("SELECT", "5")
                    assert target.call("GET", "elsewhere")[1] == b"1"
            finally:
                shutil.rmtree(folder)


def stream_views():
    """Returns the commands that show all there is to see of the streams, and what consumers read of them."""
    for key in streams.STREAMS:
        yield from (("XINFO", "STREAM", key, "FULL", "COUNT", "0"), ("XINFO", "STREAM", key), ("XINFO", "GROUPS", key))
        for one in streams.CLASSES["group"]:
            yield from (("XINFO", "CONSUMERS", key, one), ("XPENDING", key, one), ("XPENDING", key, one, "-", "+", "100"))
            for consumer in streams.CLASSES["consumer"]:
                yield "XREADGROUP", "GROUP", one, consumer, "COUNT", "2", "STREAMS", key, "0"
                yield "XREADGROUP", "GROUP", one, consumer, "COUNT", "2", "STREAMS", key, ">"
        yield from (("XINFO", "STREAM", key, "FULL", "COUNT", "0"), ("XPENDING", key, one, "-", "+", "100"))


def without_lag(reply):
    """A reply without what only Redis 8 reckons as we do, of the same data: how much groups have read, and how far they lag
    behind; and without the times that servers before 7.2 do not know."""
    mark, content = reply if isinstance(reply, tuple) and len(reply) == 2 else (None, None)
    if not isinstance(content, tuple):
        return reply
    names = {at for at, item in enumerate(content) if item[1] in (b"lag", b"entries-read", b"active-time", b"inactive")}
    return mark, tuple(without_lag(item) for at, item in enumerate(content) if not {at, at - 1} & names)


def streams_of_a_file(ours, reference, seeds=range(1, 6)):
    """Holds that streams, their groups and what is pending look alike on both servers, once the reference and we have
    loaded the file that the reference has saved. Returns how many files."""
    for seed in seeds:
        chance = random.Random(seed)
        templates = [template for weight, template in streams.TEMPLATES for _ in range(weight)]
        with Server(reference) as writer:
            source = Connection(writer.port, 60)
            for _ in range(600):
                source.call(*differential.expand(chance.choice(templates), chance))
            assert source.call("SAVE")[0] == "+"
            folders = [writer.folder + "-ours", writer.folder + "-theirs"]
            for folder in folders:
                os.makedirs(folder)
                shutil.copy(os.path.join(writer.folder, "dump.rdb"), folder)
        try:
            with Server(ours, "--dir", folders[0]) as one, Server(reference, "--dir", folders[1]) as other:
                here, there = Connection(one.port, 60), Connection(other.port, 60)
                reckons_alike = b"redis_version:8" in there.call("INFO", "server")[1]
                for view in stream_views():
                    view = [word.encode() for word in view]
                    ours_seen, theirs = (streams.without_moments(view, one.call(*view)) for one in (here, there))
                    if not reckons_alike:
                        ours_seen, theirs = without_lag(ours_seen), without_lag(theirs)
                    assert ours_seen == theirs, "seed %d: %s\n%.3000s\n%.3000s" % (seed, view, ours_seen, theirs)
        finally:
            for folder in folders:
                shutil.rmtree(folder)
    return len(seeds)
