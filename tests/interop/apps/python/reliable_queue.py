"""A queue that loses no job when a worker dies: a job moves to a list of the worker's own (LMOVE, BLMOVE, RPOPLPUSH,
BRPOPLPUSH), and leaves it when it is done."""
import random
import unittest

import redis

from support import URL, fresh_client, race_of_processes

JOBS = 400
WORKERS = 5
CRASHES = 3


def take(client, index, blocking):
    """Takes a job to the worker's own list; the older command in half of the workers."""
    own = "processing:%d" % index
    if index % 2 == 0:
        return client.brpoplpush("jobs", own, timeout=1) if blocking else client.rpoplpush("jobs", own)
    if blocking:
        return client.blmove("jobs", own, 1, src="RIGHT", dest="LEFT")
    return client.lmove("jobs", own, src="RIGHT", dest="LEFT")


def work(index):
    """Works until the producer has ended and no job is left; "crashes" now and then, as far as the queue can tell."""
    client = redis.Redis.from_url(URL, decode_responses=True)
    chance, crashes, done, own = random.Random(index), 0, [], "processing:%d" % index
    while True:
        job = take(client, index, chance.random() < 0.7)
        if job is None:
            if client.get("all-queued") and not client.exists("jobs"):
                break
            continue
        if crashes < CRASHES and chance.random() < 0.05:
            crashes += 1
            client.close()
            client = redis.Redis.from_url(URL, decode_responses=True)
            # What the dead worker had taken goes back, in one step each.
            while client.lmove(own, "jobs", src="LEFT", dest="RIGHT"):
                pass
            continue
        with client.pipeline() as pipe:
            replies = pipe.lrem(own, 1, job).hincrby("done", job, 1).execute()
        if replies[0] != 1:
            raise AssertionError("job %s was not in the list of its worker" % job)
        done.append(job)
    client.close()
    return done


def produce():
    client = redis.Redis.from_url(URL)
    for number in range(JOBS):
        client.lpush("jobs", "job:%d" % number)
    client.set("all-queued", 1)
    client.close()


def part(index):
    return produce() if index == WORKERS else work(index)


class ReliableQueue(unittest.TestCase):
    def test_every_job_is_done_once_though_workers_die(self):
        client = fresh_client()
        outcomes = race_of_processes(WORKERS + 1, part)
        done = [job for jobs in outcomes if jobs for job in jobs]
        self.assertEqual(len(done), JOBS)
        self.assertEqual(set(done), {"job:%d" % number for number in range(JOBS)})
        self.assertEqual(set(client.hvals("done")), {"1"})
        self.assertEqual(client.keys("processing:*") + client.keys("jobs"), [])
        client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
