"""What the applications in Python share: the server's address, waiting with an end, races, helper processes."""
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import redis

URL = os.environ["REDPOLL_URL"]
HERE = os.path.dirname(os.path.abspath(__file__))


def fresh_client(**options):
    """Returns a client of an emptied server."""
    client = redis.Redis.from_url(URL, decode_responses=True, **options)
    client.flushall()
    return client


def until(what, holds, seconds=30):
    """Waits until `holds()` is true and returns what it returned; fails, naming `what`, after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError("waited %d seconds in vain: %s" % (seconds, what))
        time.sleep(0.02)


def race_of_threads(count, work, seconds=60):
    """Runs `work(index)` in `count` threads at once; returns what each returned, and raises what one raised."""
    outcomes, start = [None] * count, threading.Barrier(count)

    def run(index):
        try:
            start.wait(seconds)
            outcomes[index] = (True, work(index))
        except BaseException as error:  # shown by the thread that waits
            outcomes[index] = (False, error)

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    for index, outcome in enumerate(outcomes):
        if outcome is None:
            raise AssertionError("thread %d is not done within %d seconds" % (index, seconds))
        if not outcome[0]:
            raise outcome[1]
    return [outcome[1] for outcome in outcomes]


def race_of_processes(count, work, seconds=60):
    """Runs `work(index)`, a function of a module, in `count` processes at once; returns what each returned."""
    with multiprocessing.get_context("fork").Pool(count) as pool:
        return pool.map_async(work, range(count), chunksize=1).get(seconds)


def worker(test_class, *command, **environment):
    """Runs `python -m COMMAND` beside the tests of a class and ends it after them."""
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=HERE, env=dict(os.environ, **environment),
                               stdin=subprocess.DEVNULL)
    test_class.addClassCleanup(end, process)


def end(process):
    """Asks a process to stop, and stops it if it does not."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
