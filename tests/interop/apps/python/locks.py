"""Locks of redis-py and of pottery (Redlock over three databases): held by one at a time, freed, extended, taken over."""
import os
import time
import unittest

import redis
from pottery import Redlock

from support import URL, fresh_client, race_of_processes, until

ROUNDS = 12


def clients():
    return [redis.Redis.from_url(URL + "/%d" % database) for database in (0, 1, 2)]


def redlock(seconds=20):
    """Returns pottery's lock; three databases stand for three servers."""
    return Redlock(key="resource", masters=set(clients()), auto_release_time=seconds, num_extensions=10)


def in_turns(lock, index):
    """Takes the lock again and again; returns how often another one was inside at the same time."""
    client, overlaps = redis.Redis.from_url(URL, decode_responses=True), 0
    for _ in range(ROUNDS):
        if not lock.acquire():
            raise AssertionError("process %d did not get the lock" % index)
        client.set("inside", index)
        count = int(client.get("plain") or 0)
        time.sleep(0.001)
        overlaps += client.get("inside") != str(index)
        client.set("plain", count + 1)
        lock.release()
    client.close()
    return overlaps


def with_redlock(index):
    return in_turns(redlock(), index)


def with_lock_of_redis_py(index):
    client = redis.Redis.from_url(URL)
    return in_turns(client.lock("lock", timeout=20, sleep=0.005, blocking_timeout=40), index)


class Locks(unittest.TestCase):
    def setUp(self):
        self.client = fresh_client()
        self.addCleanup(self.client.close)

    def test_a_redlock_is_held_by_one_process_at_a_time(self):
        self.assertEqual(race_of_processes(4, with_redlock), [0] * 4)
        self.assertEqual(int(self.client.get("plain")), 4 * ROUNDS)

    def test_a_lock_of_redis_py_is_held_by_one_process_at_a_time(self):
        self.assertEqual(race_of_processes(4, with_lock_of_redis_py), [0] * 4)
        self.assertEqual(int(self.client.get("plain")), 4 * ROUNDS)

    def test_a_redlock_is_not_given_to_a_second_client(self):
        first, second = redlock(), redlock()
        self.assertTrue(first.acquire(blocking=False))
        self.assertFalse(second.acquire(blocking=False))
        self.assertGreater(first.locked(), 0)
        first.extend()
        first.release()
        self.assertTrue(second.acquire(blocking=False))
        second.release()

    def test_a_redlock_whose_holder_is_gone_frees_itself(self):
        self.assertTrue(redlock(seconds=2).acquire(blocking=False))
        until("the lock is free again", lambda: redlock().acquire(blocking=False), 10)

    def test_a_lock_of_redis_py_is_extended_and_only_its_owner_releases_it(self):
        lock = self.client.lock("lock", timeout=20)
        self.assertTrue(lock.acquire())
        self.assertTrue(lock.extend(30))
        self.assertGreater(self.client.pttl("lock"), 20_000)
        self.assertTrue(lock.reacquire())
        self.client.set("lock", "stolen")
        with self.assertRaises(redis.exceptions.LockNotOwnedError):
            lock.release()
        self.assertEqual(self.client.get("lock"), "stolen")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    unittest.main(verbosity=2)
