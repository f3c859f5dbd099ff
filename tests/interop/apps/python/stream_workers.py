"""A stream read by a group of workers: every entry is processed, those of a worker that died by another one."""
import time
import unittest

import redis

from support import URL, fresh_client, race_of_processes

ENTRIES = 500
WORKERS = 4


def produce():
    client = redis.Redis.from_url(URL)
    for number in range(ENTRIES):
        client.xadd("orders", {"number": number}, maxlen=10 * ENTRIES)
    client.set("all-added", 1)
    client.close()


def work(index):
    """Reads, does and acknowledges; the first worker stops in the middle and acknowledges nothing of its last reads."""
    client = redis.Redis.from_url(URL, decode_responses=True)
    done = []
    while True:
        entries = client.xreadgroup("group", "worker:%d" % index, {"orders": ">"}, count=7, block=100)
        batch = [entry for _, found in (entries or []) for entry in found]
        if index == 0 and done and batch:
            break
        for id, fields in batch:
            done.append(int(fields["number"]))
            if client.xack("orders", "group", id) != 1:
                raise AssertionError("entry %s was not pending" % id)
        if not batch and client.get("all-added"):
            break
    client.close()
    return done


def part(index):
    return produce() if index == WORKERS else work(index)


class StreamWorkers(unittest.TestCase):
    def test_every_entry_is_done_once_though_a_worker_dies(self):
        client = fresh_client()
        client.xgroup_create("orders", "group", id="0", mkstream=True)
        outcomes = race_of_processes(WORKERS + 1, part)
        done = [number for numbers in outcomes if numbers for number in numbers]
        self.assertEqual(len(done), len(set(done)), "an entry was done twice")
        left = client.xpending("orders", "group")
        self.assertEqual(left["pending"], ENTRIES - len(done))
        self.assertGreater(left["pending"], 0)
        self.assertEqual([consumer["name"] for consumer in left["consumers"]], ["worker:0"])
        time.sleep(0.02)
        cursor = "0-0"
        while True:
            cursor, claimed, _ = client.xautoclaim("orders", "group", "rescuer", min_idle_time=10, start_id=cursor, count=3)
            done += [int(fields["number"]) for _, fields in claimed]
            client.xack("orders", "group", *[id for id, _ in claimed])
            if cursor == "0-0":
                break
        self.assertEqual(sorted(done), list(range(ENTRIES)))
        group = client.xinfo_groups("orders")[0]
        self.assertEqual((group["pending"], group["lag"], group["entries-read"]), (0, 0, ENTRIES))
        client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
