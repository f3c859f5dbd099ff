"""Rate limiters in Lua, called by EVALSHA from many processes at once: never more is let through than allowed."""
import time
import unittest

import redis

from support import URL, fresh_client, race_of_processes

PROCESSES = 5
TRIES = 120

# A window that slides: one member per request that was let through.
SLIDING = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - tonumber(ARGV[2]))
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('ZADD', KEYS[1], now, redis.call('INCR', KEYS[2]))
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] / 1000))
return 1
"""

# A bucket that fills again with time; the state is a hash.
BUCKET = """
local capacity, per_second, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = math.min(capacity, (tonumber(state[1]) or capacity) + (now - (tonumber(state[2]) or now)) * per_second)
local allowed = tokens >= cost
if allowed then tokens = tokens - cost end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.9f', tokens), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 60)
return {allowed and 1 or 0, string.format('%.3f', tokens)}
"""


def slide(_):
    """Asks again and again; returns how often it was let through."""
    client = redis.Redis.from_url(URL)
    limiter = client.register_script(SLIDING)
    passed = sum(limiter(keys=["window", "window:count"], args=[100, 60_000_000]) for _ in range(TRIES))
    client.close()
    return passed


def drink(_):
    client = redis.Redis.from_url(URL)
    limiter = client.register_script(BUCKET)
    passed = sum(limiter(keys=["bucket"], args=[50, 20, 1])[0] for _ in range(TRIES))
    client.close()
    return passed


class RateLimiter(unittest.TestCase):
    def setUp(self):
        self.client = fresh_client()
        self.addCleanup(self.client.close)
        self.client.script_flush()

    def test_a_sliding_window_lets_exactly_its_limit_through(self):
        self.assertEqual(sum(race_of_processes(PROCESSES, slide)), 100)
        self.assertEqual(self.client.zcard("window"), 100)
        self.assertEqual(self.client.get("window:count"), "100")

    def test_a_bucket_lets_through_what_it_holds_and_what_flows_in(self):
        started = time.time()
        passed = sum(race_of_processes(PROCESSES, drink))
        most = 50 + 20 * (time.time() - started)
        self.assertGreaterEqual(passed, 50)
        self.assertLessEqual(passed, most)

    def test_a_script_that_the_server_has_forgotten_is_sent_again(self):
        limiter = self.client.register_script(SLIDING)
        for _ in range(3):
            self.assertEqual(limiter(keys=["again", "again:count"], args=[10, 60_000_000]), 1)
            self.client.script_flush()
        self.assertEqual(self.client.script_exists(limiter.sha), [False])
        with self.assertRaises(redis.exceptions.NoScriptError):
            self.client.evalsha(limiter.sha, 0)
        self.assertEqual(self.client.script_load(SLIDING), limiter.sha)

    def test_scripts_in_a_pipeline_are_loaded_with_it(self):
        limiter = self.client.register_script(SLIDING)
        with self.client.pipeline() as pipe:
            for _ in range(15):
                limiter(keys=["piped", "piped:count"], args=[10, 60_000_000], client=pipe)
            self.assertEqual(sum(pipe.execute()), 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
