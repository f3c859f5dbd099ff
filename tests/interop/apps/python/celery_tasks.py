"""Celery: the server as broker and result backend; results, errors, retries, chains, chords, delays, revocation."""
import datetime
import unittest
import uuid

import celery
from celery.result import AsyncResult
from celery_app import URL, add, app, fail, report, third_time_lucky, total

import redis
from support import fresh_client, until, worker

PATIENCE = 40


class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fresh_client().close()
        worker(cls, "celery", "-A", "celery_app", "worker", "--pool", "threads", "--concurrency", "4",
               "--loglevel", "WARNING", "--hostname", "worker@here", "--without-mingle")
        until("the worker answers a ping", lambda: app.control.ping(timeout=0.5), PATIENCE)
        cls.addClassCleanup(app.close)

    def test_a_result_comes_back(self):
        results = [add.delay(i, i) for i in range(20)]
        self.assertEqual([result.get(timeout=PATIENCE) for result in results], [i + i for i in range(20)])

    def test_a_result_is_stored_with_a_time_to_live(self):
        result = add.delay(1, 2)
        self.assertEqual(result.get(timeout=PATIENCE), 3)
        with redis.Redis.from_url(URL + "/2") as client:
            self.assertIn(client.ttl("celery-task-meta-" + result.id), range(1, 61))
        result.forget()
        self.assertEqual(AsyncResult(result.id, app=app).state, "PENDING")

    def test_an_error_comes_back_as_an_error(self):
        result = fail.delay("no such luck")
        with self.assertRaisesRegex(ValueError, "no such luck"):
            result.get(timeout=PATIENCE)
        self.assertEqual(result.state, "FAILURE")

    def test_a_task_is_retried(self):
        self.assertEqual(third_time_lucky.delay().get(timeout=PATIENCE), 2)

    def test_a_chain_hands_results_on(self):
        self.assertEqual(celery.chain(add.s(1, 2), add.s(10), add.s(100))().get(timeout=PATIENCE), 113)

    def test_a_chord_waits_for_all_of_its_group(self):
        header = celery.group(add.s(i, 1) for i in range(10))
        self.assertEqual(celery.chord(header)(total.s()).get(timeout=PATIENCE), 55)

    def test_a_countdown_is_waited_for(self):
        before = datetime.datetime.now(datetime.timezone.utc)
        result = add.apply_async((1, 1), countdown=1)
        self.assertEqual(result.get(timeout=PATIENCE), 2)
        self.assertGreater((result.date_done.replace(tzinfo=datetime.timezone.utc) - before).total_seconds(), 0.9)

    def test_progress_is_seen_while_a_task_runs(self):
        key = str(uuid.uuid4())
        result = report.delay(key)
        until("the task shows its progress", lambda: result.state == "PROGRESS")
        self.assertEqual(result.info, {"done": 50})
        with redis.Redis.from_url(URL) as client:
            client.rpush(key, "go on")
        self.assertEqual(result.get(timeout=PATIENCE), "done")

    def test_a_revoked_task_does_not_run(self):
        result = add.apply_async((1, 1), countdown=3)
        result.revoke()
        with self.assertRaises(celery.exceptions.TaskRevokedError):
            result.get(timeout=PATIENCE)

    def test_the_queue_is_empty_when_all_is_done(self):
        results = celery.group(add.s(i, 1) for i in range(50))()
        self.assertEqual(sum(results.get(timeout=PATIENCE)), 1275)
        with redis.Redis.from_url(URL + "/1") as client:
            until("nothing is queued", lambda: client.llen("celery") == 0)
            until("all is acknowledged", lambda: client.hlen("unacked") == 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
