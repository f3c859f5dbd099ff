"""Django's Redis cache and the sessions in it: values, deadlines, counters, add() as a lock, visits of a page."""
import time
import unittest

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

from support import URL, fresh_client, race_of_threads, until


def visit(request):
    """A page that counts the visits of its session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


def leave(request):
    request.session.flush()
    return HttpResponse("gone")


urlpatterns = [path("visit", visit), path("leave", leave)]
settings.configure(
    ROOT_URLCONF=__name__, SECRET_KEY="for tests only", ALLOWED_HOSTS=["testserver"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.cache.UpdateCacheMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache", SESSION_COOKIE_AGE=100, CACHE_MIDDLEWARE_SECONDS=0,
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": URL + "/4", "TIMEOUT": 300}})
django.setup()

from django.core.cache import cache  # noqa: E402 - needs the settings
from django.test import Client  # noqa: E402


class Site(unittest.TestCase):
    def setUp(self):
        self.client = fresh_client()
        self.addCleanup(self.client.close)
        self.client.select(4)

    def test_values_of_python_are_kept_and_expire(self):
        value = {"name": "Ada", "tags": ["a", "b"], "at": time.time(), "bytes": bytes(range(256))}
        cache.set("object", value)
        self.assertEqual(cache.get("object"), value)
        self.assertIn(self.client.ttl(":1:object"), range(295, 301))
        cache.set("forever", 1, timeout=None)
        self.assertEqual(self.client.ttl(":1:forever"), -1)
        cache.set("short", 1, timeout=1)
        until("the value is gone", lambda: cache.get("short") is None, 10)
        self.assertTrue(cache.touch("object", 50))
        self.assertLessEqual(self.client.ttl(":1:object"), 50)
        cache.set("never", 1, timeout=0)
        self.assertIsNone(cache.get("never"))

    def test_many_at_once(self):
        values = {"key:%d" % i: i for i in range(500)}
        self.assertEqual(cache.set_many(values, timeout=60), [])
        self.assertEqual(cache.get_many(values), values)
        cache.delete_many(list(values)[:250])
        self.assertEqual(len(cache.get_many(values)), 250)
        self.assertTrue(cache.clear())
        self.assertEqual(self.client.dbsize(), 0)

    def test_counters_of_many_threads_end_exact(self):
        cache.set("hits", 0)
        race_of_threads(8, lambda _: [cache.incr("hits") for _ in range(100)])
        self.assertEqual(cache.get("hits"), 800)
        self.assertEqual(cache.decr("hits", 300), 500)
        with self.assertRaises(ValueError):
            cache.incr("missing")

    def test_only_one_of_many_adds_a_value(self):
        for number in range(20):
            winners = race_of_threads(6, lambda index: cache.add("job:%d" % number, index, timeout=30))
            self.assertEqual(winners.count(True), 1)
            self.assertEqual(cache.get("job:%d" % number), winners.index(True))

    def test_a_session_lives_in_the_cache(self):
        browser, other = Client(), Client()
        self.assertEqual([browser.get("/visit").content for _ in range(3)], [b"1", b"2", b"3"])
        self.assertEqual(other.get("/visit").content, b"1")
        keys = self.client.keys(":1:django.contrib.sessions.cache*")
        self.assertEqual(len(keys), 2)
        self.assertTrue(all(self.client.ttl(key) in range(90, 101) for key in keys), "the age of the cookie")
        self.assertEqual(browser.get("/leave").content, b"gone")
        self.assertEqual(browser.get("/visit").content, b"1")
        self.assertEqual(len(self.client.keys(":1:django.contrib.sessions.cache*")), 2)

    def test_get_or_set_computes_once_for_all_who_come_later(self):
        calls = []
        values = [cache.get_or_set("slow", lambda: calls.append(1) or "computed", 60) for _ in range(10)]
        self.assertEqual((values, len(calls)), (["computed"] * 10, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
