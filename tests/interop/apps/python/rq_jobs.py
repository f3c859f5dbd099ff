"""rq: a worker runs jobs, records results and failures, retries, schedules and keeps the order of dependencies."""
import datetime
import time
import unittest

import redis
import rq
import rq_work
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry

from support import URL, fresh_client, until, worker


class Jobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fresh_client().close()
        cls.client = redis.Redis.from_url(URL)
        cls.queue = rq.Queue("work", connection=cls.client)
        worker(cls, "rq.cli", "worker", "--url", URL, "--with-scheduler", "--quiet", "--name", "worker-1", "work")
        until("the worker is registered", lambda: rq.Worker.count(cls.client) == 1)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def result(self, job, status="finished"):
        """Waits until the job is done and returns its latest result."""
        until("job is %s, not %s" % (status, job.get_status()), lambda: job.get_status(refresh=True) == status)
        return job.latest_result()

    def test_results_come_back(self):
        jobs = [self.queue.enqueue(rq_work.add, i, 1) for i in range(10)]
        self.assertEqual([self.result(job).return_value for job in jobs], list(range(1, 11)))
        finished = FinishedJobRegistry(queue=self.queue).get_job_ids()
        self.assertLessEqual({job.id for job in jobs}, set(finished))

    def test_a_failure_is_recorded_with_its_traceback(self):
        job = self.queue.enqueue(rq_work.fail, "no such luck")
        self.assertIn("ValueError: no such luck", self.result(job, "failed").exc_string)
        self.assertIn(job.id, FailedJobRegistry(queue=self.queue).get_job_ids())

    def test_a_failed_job_is_tried_again(self):
        job = self.queue.enqueue(rq_work.fail_once, "tries", retry=rq.Retry(max=2))
        self.assertEqual(self.result(job).return_value, "at the second time")
        self.assertEqual(int(self.client.get("tries")), 2)

    def test_a_scheduled_job_runs_when_it_is_due(self):
        started = time.time()
        job = self.queue.enqueue_in(datetime.timedelta(seconds=2), rq_work.add, 20, 22)
        self.assertIn(job.id, ScheduledJobRegistry(queue=self.queue).get_job_ids())
        self.assertEqual(self.result(job).return_value, 42)
        self.assertGreater(time.time() - started, 0.9)

    def test_a_dependent_job_runs_after_the_one_it_depends_on(self):
        first = self.queue.enqueue(rq_work.note, "order", "first")
        second = self.queue.enqueue(rq_work.note, "order", "second", depends_on=first)
        self.assertEqual(self.result(second).return_value, 2)
        self.assertEqual(self.client.lrange("order", 0, -1), [b"first", b"second"])

    def test_meta_data_of_a_job_is_kept(self):
        job = self.queue.enqueue(rq_work.own_progress)
        self.assertEqual(self.result(job).return_value, job.id)
        self.assertEqual(job.get_meta(refresh=True)["progress"], 100)


if __name__ == "__main__":
    unittest.main(verbosity=2)
