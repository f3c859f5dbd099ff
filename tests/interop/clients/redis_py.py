"""redis-py against the server at REDPOLL_URL: basic use in both protocols, as an application would."""
import os
import threading
import time
import unittest

import redis

URL = os.environ["REDPOLL_URL"]


class Basics(unittest.TestCase):
    protocol = 2

    def setUp(self):
        self.client = redis.Redis.from_url(URL, protocol=self.protocol, decode_responses=True)
        self.client.flushall()

    def tearDown(self):
        self.client.close()

    def test_a_value_set_is_read_back(self):
        self.assertTrue(self.client.set("a", "1"))
        self.assertEqual(self.client.get("a"), "1")
        self.assertIsNone(self.client.get("missing"))
        self.assertEqual(self.client.getdel("a"), "1")

    def test_binary_values_survive(self):
        raw = redis.Redis.from_url(URL, protocol=self.protocol)
        value = bytes(range(256)) * 1000
        raw.set("bin", value)
        self.assertEqual(raw.get("bin"), value)
        raw.close()

    def test_times_to_live_run_down_and_expire(self):
        self.client.set("a", "1", ex=100)
        self.assertIn(self.client.ttl("a"), (99, 100))
        self.client.set("b", "1", px=30)
        deadline = time.monotonic() + 10
        while self.client.exists("b") and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(self.client.exists("b"))
        self.assertTrue(self.client.expire("a", 200, gt=True))
        self.assertTrue(self.client.persist("a"))
        self.assertEqual(self.client.ttl("a"), -1)

    def test_pipelines_answer_in_order(self):
        with self.client.pipeline(transaction=False) as pipe:
            for i in range(1000):
                pipe.set("k%d" % i, i)
                pipe.get("k%d" % i)
            replies = pipe.execute()
        self.assertEqual(replies[1::2], [str(i) for i in range(1000)])
        self.assertEqual(self.client.dbsize(), 1000)
        self.assertEqual(len(set(self.client.scan_iter(match="k*", count=50))), 1000)

    def test_an_error_in_a_pipeline_spoils_only_its_command(self):
        self.client.set("a", "text")
        with self.client.pipeline(transaction=False) as pipe:
            pipe.incr("a")
            pipe.get("a")
            first, second = pipe.execute(raise_on_error=False)
        self.assertIsInstance(first, redis.ResponseError)
        self.assertEqual(second, "text")

    def test_counters_from_many_threads_end_exact(self):
        def count():
            client = redis.Redis.from_url(URL, protocol=self.protocol)
            for _ in range(300):
                client.incr("n")
            client.close()

        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.client.get("n"), "2400")

    def test_server_calls_are_understood(self):
        self.assertTrue(self.client.ping())
        self.assertEqual(self.client.info("server")["redis_mode"], "standalone")
        self.assertEqual(self.client.config_get("maxmemory-policy"), {"maxmemory-policy": "noeviction"})
        self.assertTrue(self.client.client_setname("me"))
        self.assertEqual(self.client.client_getname(), "me")
        self.assertIn("me", [client["name"] for client in self.client.client_list()])
        self.assertIn("get", self.client.command())
        self.assertEqual(self.client.lcs("a", "b", len=True), 0)
        self.assertGreater(self.client.time()[0], 1_600_000_000)
        self.assertIsInstance(self.client.slowlog_get(), list)
        self.assertIsInstance(self.client.memory_stats(), dict)

    def test_a_lock_is_held_by_one(self):
        self.assertTrue(self.client.set("lock", "token", nx=True, ex=10))
        self.assertIsNone(self.client.set("lock", "other", nx=True, ex=10))
        self.assertEqual(self.client.set("lock", "next", xx=True, get=True), "token")


class BasicsInResp3(Basics):
    protocol = 3


if __name__ == "__main__":
    unittest.main(verbosity=2)
