"""The jobs that rq_jobs.py enqueues; the worker's processes import them from here."""
import os

import redis
import rq


def add(a, b):
    return a + b


def fail(message):
    raise ValueError(message)


def fail_once(key):
    """Fails the first time that it is called with this key."""
    with redis.Redis.from_url(os.environ["REDPOLL_URL"]) as client:
        if client.incr(key) == 1:
            raise RuntimeError("the first time fails")
    return "at the second time"


def note(key, text):
    with redis.Redis.from_url(os.environ["REDPOLL_URL"]) as client:
        return client.rpush(key, text)


def own_progress():
    job = rq.get_current_job()
    job.meta["progress"] = 100
    job.save_meta()
    return job.id
