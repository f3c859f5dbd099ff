"""redis-py's client-side cache (RESP3): what it keeps is served without the server until another client changes it."""
import unittest

import redis
from redis.cache import CacheConfig

from support import URL, fresh_client, race_of_threads, until


class ClientCache(unittest.TestCase):
    def setUp(self):
        fresh_client().close()
        self.cached = self.client_with_cache()
        self.other = redis.Redis.from_url(URL, protocol=3, decode_responses=True)
        self.addCleanup(self.other.close)

    def client_with_cache(self):
        """One of its own for each thread: redis-py reads the invalidations of all its connections from any thread."""
        client = redis.Redis.from_url(URL, protocol=3, decode_responses=True, cache_config=CacheConfig(max_size=1000))
        self.addCleanup(client.close)
        return client

    def reads(self):
        """Returns how many GETs the server has answered."""
        return self.other.info("commandstats").get("cmdstat_get", {}).get("calls", 0)

    def follows(self, what, name, expected, read=None):
        until(what, lambda: (read or self.cached.get)(name) == expected, 10)

    def test_a_value_is_fetched_once_and_then_kept(self):
        self.other.set("page", "1")
        self.assertEqual(self.cached.get("page"), "1")
        before = self.reads()
        self.assertEqual([self.cached.get("page") for _ in range(50)], ["1"] * 50)
        self.assertEqual(self.reads(), before)
        self.assertEqual(self.cached.get_cache().size, 1)

    def test_every_kind_of_change_by_another_client_is_seen(self):
        changes = [
            (lambda: self.other.set("page", "2"), "2"),
            (lambda: self.other.append("page", "3"), "23"),
            (lambda: self.other.incr("page"), "24"),
            (lambda: self.other.delete("page"), None),
            (lambda: self.other.mset({"page": "5"}), "5"),
            (lambda: self.other.rename("page", "elsewhere"), None),
            (lambda: self.other.rename("elsewhere", "page"), "5"),
            (lambda: self.other.eval("return redis.call('set', KEYS[1], ARGV[1])", 1, "page", "6"), "6"),
            (lambda: self.other.pipeline().set("page", "7").execute(), "7"),
            (lambda: self.other.flushdb(), None),
            (lambda: self.other.set("page", "8"), "8"),
            (lambda: self.other.flushall(), None),
        ]
        self.other.set("page", "1")
        for number, (change, expected) in enumerate(changes):
            self.cached.get("page")
            change()
            self.follows("change %d is seen: %r" % (number, expected), "page", expected)

    def test_a_value_that_expires_is_seen_to_be_gone(self):
        self.other.set("short", "1", px=100)
        self.cached.get("short")
        self.follows("the end of a key is seen", "short", None)

    def test_the_own_change_is_seen_at_once(self):
        for number in range(100):
            self.cached.set("own", number)
            self.assertEqual(self.cached.get("own"), str(number))

    def test_collections_are_kept_and_followed_too(self):
        self.other.hset("user", mapping={"name": "Ada"})
        self.other.sadd("set", "a")
        self.other.zadd("board", {"ada": 1})
        self.other.rpush("list", "a")
        reads = {
            "user": (self.cached.hgetall, {"name": "Ada"}, lambda: self.other.hset("user", "name", "Bob"), {"name": "Bob"}),
            "set": (self.cached.smembers, {"a"}, lambda: self.other.sadd("set", "b"), {"a", "b"}),
            "board": (lambda key: self.cached.zscore(key, "ada"), 1.0, lambda: self.other.zincrby("board", 4, "ada"), 5.0),
            "list": (lambda key: self.cached.lrange(key, 0, -1), ["a"], lambda: self.other.lpop("list"), []),
        }
        for name, (read, before, change, after) in reads.items():
            self.assertEqual(read(name), before)
            change()
            self.follows("the change of %s is seen" % name, name, after, read)

    def test_many_writers_are_followed_to_the_last_value(self):
        names = ["shared:%d" % i for i in range(40)]
        readers = [self.client_with_cache() for _ in range(4)]

        def write(index):
            client = redis.Redis.from_url(URL, protocol=3)
            for number in range(50):
                for name in names[index::4]:
                    client.set(name, number)
            client.close()

        def read(reader):
            for _ in range(50):
                for name in names:
                    reader.get(name)

        race_of_threads(8, lambda index: write(index) if index < 4 else read(readers[index - 4]))
        for reader in readers:
            for name in names:
                self.follows("the last value of %s is seen" % name, name, "49", reader.get)


if __name__ == "__main__":
    unittest.main(verbosity=2)
