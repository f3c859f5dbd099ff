"""redis-py's pub/sub: channels, patterns, sharded channels, order and counts under load, and keyspace notifications."""
import time
import unittest

import redis

from support import URL, fresh_client, race_of_threads, until


class Messages:
    """In both protocols."""
    protocol = None

    def setUp(self):
        self.client = fresh_client(protocol=self.protocol)
        self.addCleanup(self.client.close)
        self.client.config_set("notify-keyspace-events", "")

    def subscriber(self, **options):
        subscriber = redis.Redis.from_url(URL, decode_responses=True, protocol=self.protocol).pubsub(**options)
        self.addCleanup(subscriber.close)
        return subscriber

    def next(self, subscriber):
        """Returns type, pattern, channel and data of the next message."""
        message = until("a message comes", lambda: subscriber.get_message(timeout=0.5), 20)
        return message["type"], message["pattern"], message["channel"], message["data"]

    def test_channels_and_patterns_get_what_they_listen_to(self):
        subscriber = self.subscriber()
        subscriber.subscribe("news", "sport")
        self.assertEqual([self.next(subscriber) for _ in range(2)],
                         [("subscribe", None, "news", 1), ("subscribe", None, "sport", 2)])
        subscriber.psubscribe("n*", "*[st]")
        self.assertEqual([self.next(subscriber) for _ in range(2)],
                         [("psubscribe", None, "n*", 3), ("psubscribe", None, "*[st]", 4)])
        self.assertEqual(self.client.publish("news", "hello"), 3)
        got = [self.next(subscriber) for _ in range(3)]
        self.assertEqual(got[0], ("message", None, "news", "hello"))
        self.assertEqual(sorted(got[1:]), [("pmessage", "*[st]", "news", "hello"), ("pmessage", "n*", "news", "hello")])
        self.assertEqual(self.client.publish("nobody", "x"), 1)
        self.assertEqual(self.next(subscriber), ("pmessage", "n*", "nobody", "x"))
        self.assertEqual(self.client.publish("elsewhere", "x"), 0)
        self.assertEqual(sorted(self.client.pubsub_channels()), ["news", "sport"])
        self.assertEqual(self.client.pubsub_channels("s*"), ["sport"])
        self.assertEqual(self.client.pubsub_numsub("news", "other"), [("news", 1), ("other", 0)])
        self.assertEqual(self.client.pubsub_numpat(), 2)
        subscriber.unsubscribe("news")
        self.assertEqual(self.next(subscriber), ("unsubscribe", None, "news", 3))
        subscriber.punsubscribe()
        self.assertEqual({self.next(subscriber)[:3] for _ in range(2)},
                         {("punsubscribe", None, "n*"), ("punsubscribe", None, "*[st]")})
        subscriber.unsubscribe()
        self.assertEqual(self.next(subscriber), ("unsubscribe", None, "sport", 0))
        self.assertEqual(self.client.publish("news", "hello"), 0)

    def test_sharded_channels_are_apart_from_the_others(self):
        subscriber, other = self.subscriber(), self.subscriber()
        subscriber.ssubscribe("news")
        other.subscribe("news")
        self.assertEqual(self.next(subscriber), ("ssubscribe", None, "news", 1))
        self.assertEqual(self.next(other), ("subscribe", None, "news", 1))
        self.assertEqual(self.client.spublish("news", "sharded"), 1)
        self.assertEqual(self.client.publish("news", "plain"), 1)
        self.assertEqual(self.next(subscriber), ("smessage", None, "news", "sharded"))
        self.assertEqual(self.next(other), ("message", None, "news", "plain"))
        self.assertEqual(self.client.pubsub_shardchannels(), ["news"])
        self.assertEqual(self.client.pubsub_shardnumsub("news"), [("news", 1)])
        subscriber.sunsubscribe()
        self.assertEqual(self.next(subscriber), ("sunsubscribe", None, "news", 0))
        self.assertEqual(self.client.spublish("news", "x"), 0)

    def test_every_subscriber_gets_all_of_every_publisher_in_order(self):
        publishers, messages = 4, 300
        subscribers = [self.subscriber() for _ in range(6)]
        for index, subscriber in enumerate(subscribers):
            subscriber.psubscribe("topic:*") if index % 2 else subscriber.subscribe(*["topic:%d" % i for i in range(publishers)])
            for _ in range(1 if index % 2 else publishers):
                self.assertIn("subscribe", self.next(subscriber)[0])

        def take_part(index):
            if index < publishers:
                client = redis.Redis.from_url(URL, protocol=self.protocol)
                counts = {client.publish("topic:%d" % index, number) for number in range(messages)}
                client.close()
                return counts
            got = {"topic:%d" % i: [] for i in range(publishers)}
            while sum(map(len, got.values())) < publishers * messages:
                _, _, channel, data = self.next(subscribers[index - publishers])
                got[channel].append(int(data))
            return got

        outcomes = race_of_threads(publishers + len(subscribers), take_part)
        self.assertEqual(outcomes[:publishers], [{len(subscribers)}] * publishers)
        for got in outcomes[publishers:]:
            self.assertEqual(set(map(tuple, got.values())), {tuple(range(messages))})

    def test_a_subscriber_in_a_thread_is_called_and_its_connection_stays_usable(self):
        got = []
        subscriber = self.subscriber(ignore_subscribe_messages=True)
        subscriber.subscribe(**{"jobs": lambda message: got.append(message["data"])})
        thread = subscriber.run_in_thread(sleep_time=0.05, daemon=True)
        until("it listens", lambda: self.client.publish("jobs", "first") == 1)
        with self.client.pipeline() as pipe:
            pipe.publish("jobs", "second").set("a", "1").publish("jobs", "third")
            self.assertEqual(pipe.execute(), [1, True, 1])
        self.client.eval("redis.call('publish', KEYS[1], ARGV[1])", 1, "jobs", "fourth")
        until("all are there", lambda: len(got) >= 4)
        thread.stop()
        thread.join(10)
        self.assertEqual(got[-4:], ["first", "second", "third", "fourth"])

    def test_changes_of_keys_are_told_in_their_order(self):
        self.client.config_set("notify-keyspace-events", "KEA")
        subscriber = self.subscriber()
        subscriber.psubscribe("__key*@0__:*")
        self.next(subscriber)
        changes = [
            (lambda: self.client.set("a", "1", ex=100), [("a", "set"), ("a", "expire")]),
            (lambda: self.client.incr("a"), [("a", "incrby")]),
            (lambda: self.client.rename("a", "b"), [("a", "rename_from"), ("b", "rename_to")]),
            (lambda: self.client.persist("b"), [("b", "persist")]),
            (lambda: self.client.delete("b", "none"), [("b", "del")]),
            (lambda: self.client.rpush("list", "x", "y"), [("list", "rpush")]),
            (lambda: self.client.lmove("list", "other"), [("other", "rpush"), ("list", "lpop")]),
            (lambda: self.client.ltrim("list", 5, 6), [("list", "ltrim"), ("list", "del")]),
            (lambda: self.client.sadd("s", "a", "b"), [("s", "sadd")]),
            (lambda: self.client.sinterstore("t", "s"), [("t", "sinterstore")]),
            (lambda: self.client.srem("s", "a", "b"), [("s", "srem"), ("s", "del")]),
            (lambda: self.client.hset("h", "f", "1"), [("h", "hset")]),
            (lambda: self.client.hincrby("h", "f", 2), [("h", "hincrby")]),
            (lambda: self.client.hdel("h", "f"), [("h", "hdel"), ("h", "del")]),
            (lambda: self.client.zadd("z", {"a": 1}), [("z", "zadd")]),
            (lambda: self.client.zpopmin("z"), [("z", "zpopmin"), ("z", "del")]),
            (lambda: self.client.xadd("x", {"f": "1"}), [("x", "xadd")]),
            (lambda: self.client.xgroup_create("x", "g"), [("x", "xgroup-create")]),
            (lambda: self.client.copy("t", "u"), [("u", "copy_to")]),
            (lambda: self.client.get("missing"), []),
        ]
        for number, (change, events) in enumerate(changes):
            change()
            expected = []
            for key, event in events:
                expected += [("__keyspace@0__:" + key, event), ("__keyevent@0__:" + event, key)]
            got = [self.next(subscriber)[2:] for _ in expected]
            self.assertEqual(got, expected, "change %d" % number)

    def test_expired_keys_are_told_and_other_classes_are_left_out(self):
        self.client.config_set("notify-keyspace-events", "Ex")
        self.assertEqual(self.client.config_get("notify-keyspace-events"), {"notify-keyspace-events": "xE"})
        subscriber = self.subscriber()
        subscriber.psubscribe("__key*__:*")
        self.next(subscriber)
        started = time.monotonic()
        with self.client.pipeline() as pipe:
            for number in range(50):
                pipe.set("short:%d" % number, "1", px=30)
            pipe.execute()
        got = {self.next(subscriber)[2:] for _ in range(50)}
        self.assertEqual(got, {("__keyevent@0__:expired", "short:%d" % number) for number in range(50)})
        self.assertLess(time.monotonic() - started, 20)


class MessagesInResp2(Messages, unittest.TestCase):
    protocol = 2

    def test_a_subscriber_in_resp2_can_ping_and_little_else(self):
        subscriber = self.subscriber()
        subscriber.subscribe("news")
        self.next(subscriber)
        subscriber.ping("are you there")
        self.assertEqual(self.next(subscriber), ("pong", None, None, "are you there"))
        subscriber.execute_command("GET", "a")
        with self.assertRaisesRegex(redis.ResponseError, "Can't execute 'get'"):
            self.next(subscriber)


class MessagesInResp3(Messages, unittest.TestCase):
    protocol = 3


if __name__ == "__main__":
    unittest.main(verbosity=2)
