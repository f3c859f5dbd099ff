"""The Celery application of celery_tasks.py, with the server as broker and as backend of results."""
import os

import redis
from celery import Celery

URL = os.environ["REDPOLL_URL"]
app = Celery("celery_app", broker=URL + "/1", backend=URL + "/2")
app.conf.update(
    broker_connection_retry_on_startup=False, worker_prefetch_multiplier=1, task_acks_late=True,
    broker_transport_options={"polling_interval": 0.05, "visibility_timeout": 60}, result_expires=60,
    task_queue_max_priority=10, worker_enable_remote_control=True)


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def fail(message):
    raise ValueError(message)


@app.task(bind=True, max_retries=3)
def third_time_lucky(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0.05)
    return self.request.retries


@app.task(bind=True)
def report(self, key):
    """Shows its progress, then waits for its caller to have seen it."""
    self.update_state(state="PROGRESS", meta={"done": 50})
    with redis.Redis.from_url(URL) as client:
        client.blpop(key, timeout=20)
    return "done"
