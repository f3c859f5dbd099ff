"""Applications and libraries of others that live on the server: job queues, locks, caches, sessions, rate limits.

Each is a program below apps/ that asserts what comes of it: it ends with 0, or says what is wrong. It
stops what it starts; whatever is left of its session is ended here.
"""
import functools
import os
import signal
import subprocess

from needs import HERE, debian, node_with, python_with

FOLDER = os.path.join(HERE, "apps")
SECONDS_MAX = 150

# What is checked, by which program, and on how many threads.
PROGRAMS = [
    ("rq_runs_jobs", "python/rq_jobs.py", [2]),
    ("celery_runs_tasks", "python/celery_tasks.py", [2]),
    ("bullmq_runs_jobs", "node/bullmq.mjs", [2]),
    ("sidekiq_runs_jobs", "ruby/sidekiq_jobs.rb", [2]),
    ("a_reliable_queue_loses_nothing", "python/reliable_queue.py", [2, 4]),
    ("a_group_of_stream_workers_does_all", "python/stream_workers.py", [2, 4]),
    ("locks_of_redis_py_and_pottery_exclude", "python/locks.py", [2, 4]),
    ("redlock_of_node_excludes", "node/redlock.mjs", [2]),
    ("redis_py_locks_optimistically", "python/optimistic_locks.py", [2, 4]),
    ("ioredis_and_node_redis_make_transactions", "node/transactions.mjs", [2, 4]),
    ("rate_limiters_in_lua_let_no_more_through", "python/rate_limiter.py", [2, 4]),
    ("redis_py_caches_in_the_client", "python/client_cache.py", [2, 4]),
    ("redis_py_gets_messages", "python/messages.py", [2, 4]),
    ("django_caches_and_keeps_sessions", "python/django_site.py", [2]),
    ("express_keeps_sessions_and_node_redis_caches", "node/sessions.mjs", [2]),
]


@functools.cache
def python():
    return python_with("-r", os.path.join(FOLDER, "python", "requirements.txt"), name="python-apps")


@functools.cache
def node():
    return node_with(os.path.join(FOLDER, "node"), "node-apps")


def command_of(path):
    """Returns the command line of a program and the folder it runs in; brings what it needs."""
    language, name = os.path.split(path)
    if language == "python":
        return [python(), "-B", name], os.path.join(FOLDER, language)
    if language == "node":
        return ["node", "--test", name], node()
    debian("sidekiq", "ruby-sidekiq")
    return ["ruby", name], os.path.join(FOLDER, language)


def run(path, server):
    """Runs a program against a server; fails with what it has said."""
    command, folder = command_of(path)
    environment = dict(os.environ, REDPOLL_URL=server.url, REDIS_URL=server.url)
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=SECONDS_MAX)
        status = "ended with %d" % process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        status = "is not done within %d seconds" % SECONDS_MAX
    finally:
        end_session(process)
    if status != "ended with 0":
        raise AssertionError("%s %s:\n%s" % (path, status, output[-8000:]))


def end_session(process):
    """Ends what a program has left behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def check(name, path, threads):
    """Returns a check as tests/interop/run makes them."""
    def made(server):
        run(path, server)
    made.__name__ = "%s_on_%d_threads" % (name, threads)
    made.threads = threads
    return made


CHECKS = [check(name, path, threads) for name, path, counts in PROGRAMS for threads in counts]
