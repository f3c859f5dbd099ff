"""The longest pauses of a server that grows to many keys.

    python3 benches/scale/growth.py --nice [--servers redpoll,valkey] [--keys 20000000]

One connection loads 16-byte keys with 8 to 64 bytes of value, pipelined, while another one asks
(PING or GET, by turns) every 200 us and measures how long the answer takes. The server has one CPU,
loader and prober share the other.

A pause of the machine is no pause of the server. So next to the time an answer took stands the
server's own part of it: the CPU time that all its threads together used meanwhile. Waiting for a CPU
that another program has, here or there, is not in it; clearing memory, moving tables and other
clients' commands are. An answer during which the prober itself waited for its CPU longer than 100 us
is left out and counted as `blind`. `control` is the same on a server that is not loaded, while the
loader loads another one on the same CPUs. What the kernel and a hypervisor need to find memory is the
server's own time, too; so before all servers a program that does nothing else touches as many pages as
a server grows by, each alone, on the server's CPU (`machine`); and then, while another one does that on
the other CPU, a program reads its own time again and again: what lies between is not its doing.
"""

import gc
import mmap
import multiprocessing
import os
import random
import time

from servers import Client, Server, arguments, percentile, settle_on, table

EDGES_US = [100, 200, 500, 1000, 2000, 5000]
INTERVAL_S = 200e-6
BLIND_NS = 100_000
PORTION = 500
BYTES_PER_KEY = 120
READ_S = 40


def load_keys(port, count, settings):
    """Loads the keys with values of random lengths."""
    settle_on(*settings)
    client = Client(port)
    source = random.Random(7)
    forms = []
    for size in range(8, 65):
        value = b"v" * size
        forms.append(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%%012d\r\n$%d\r\n%s\r\n" % (size, value))
    for start in range(0, count, PORTION):
        numbers = range(start, min(count, start + PORTION))
        chosen = source.choices(forms, k=len(numbers))
        client.socket.sendall(b"".join([form % n for form, n in zip(chosen, numbers)]))
        if client.stream.read(5 * len(numbers)) != b"+OK\r\n" * len(numbers):
            raise RuntimeError("a reply is not +OK")
    client.close()


class OwnWaits:
    """Tells how long this thread has waited for a CPU, in nanoseconds."""

    def __init__(self):
        self.file = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

    def read(self):
        return int(os.pread(self.file, 64, 0).split()[1])


def cpu_clock(pid):
    """Returns the number of the clock that shows a process's CPU time (clock_getcpuclockid)."""
    return (~pid << 3) | 2


def probe(server, loader, options):
    """Asks until the loader has ended; returns [(own us, keys, us)], blind ones, keys, seconds."""
    client = Client(server.port)
    raise_and_warm(client)
    waits, cpu = OwnWaits(), cpu_clock(server.pid)
    questions = [b"PING\r\n", b"GET key:000000000001\r\n"]
    answers, blind, turn = [], 0, 0
    send, receive, clock = client.socket.sendall, client.socket.recv, time.perf_counter_ns
    cpu_time, keys, started = time.clock_gettime_ns, 0, time.time()
    gc.disable()
    next_look = 0
    while loader.is_alive() and time.time() - started < options.seconds_max:
        time.sleep(INTERVAL_S)
        turn += 1
        waited, used = waits.read(), cpu_time(cpu)
        before = clock()
        send(questions[turn & 1])
        receive(256)
        took = clock() - before
        used = cpu_time(cpu) - used
        if waits.read() - waited > BLIND_NS:
            blind += 1
        else:
            answers.append((min(took, used) // 1000, keys, took // 1000))
        if time.time() > next_look:
            keys = client.call("DBSIZE")
            next_look = time.time() + 0.1
    gc.enable()
    return answers, blind, keys, time.time() - started


def touch_pages(size, settings):
    """Touches new memory page by page, and prints how long a touch takes of the thread's own time."""
    settle_on(*settings)
    memory, clock = mmap.mmap(-1, size), time.thread_time_ns
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    times = []
    gc.disable()
    for at in range(0, size, mmap.PAGESIZE):
        began = clock()
        memory[at] = 1
        times.append(clock() - began)
    slow, longest = sum(took > 1_000_000 for took in times), max(times) / 1e6
    print(
        f"machine: {len(times)} pages touched, mean {sum(times) / len(times) / 1000:.1f} us, "
        f"{slow} above 1 ms, longest {longest:.1f} ms",
        flush=True,
    )


def read_own_time(settings, seconds):
    """Does nothing but read how much CPU time this thread has had, and prints the gaps."""
    settle_on(*settings)
    clock, gaps = time.thread_time_ns, []
    gc.disable()
    end = time.time() + seconds
    while time.time() < end:
        before = clock()
        for _ in range(1000):
            now = clock()
            if now - before > 500_000:
                gaps.append(now - before)
            before = now
    slow = sum(gap > 1_000_000 for gap in gaps)
    print(
        f"machine: own time read for {seconds} s, {len(gaps)} gaps above 0.5 ms, {slow} above 1 ms, "
        f"longest {max(gaps, default=0) / 1e6:.1f} ms",
        flush=True,
    )


def measure_machine(options):
    """Prints what the machine does to programs that do next to nothing."""
    size = options.keys * BYTES_PER_KEY
    server, client = (options.server_cpus, options.nice), (options.client_cpus, options.nice)
    toucher = multiprocessing.Process(target=touch_pages, args=(size, server))
    toucher.start()
    toucher.join()
    reader = multiprocessing.Process(target=read_own_time, args=(server, READ_S))
    reader.start()
    while reader.is_alive():
        toucher = multiprocessing.Process(target=touch_pages, args=(size, client))
        toucher.start()
        toucher.join()
    reader.join()


def raise_and_warm(client):
    for _ in range(1000):
        client.call("PING")


def run(name, loads_itself, options):
    """Probes one server while it, or another one beside it, is loaded; returns rows of tables."""
    # A hypervisor takes back what the last server has freed, but not at once.
    time.sleep(4)
    server = Server(name, options.more, options.server_cpus, nice=options.nice)
    other = None
    if not loads_itself:
        other = Server(name, options.more, options.server_cpus, port=server.port + 1)
    settings = (options.client_cpus, False)
    port = server.port if loads_itself else other.port
    count = options.keys if loads_itself else options.keys // 4
    loader = multiprocessing.Process(target=load_keys, args=(port, count, settings))
    try:
        loader.start()
        answers, blind, keys, seconds = probe(server, loader, options)
        loader.join()
        rss = server.rss_bytes() / 1e9
    finally:
        if loader.is_alive():
            loader.terminate()
        server.stop()
        if other:
            other.stop()
    label = name if loads_itself else f"{name} (control)"
    worst = [f"{own} of {us} us at {at / 1e6:.1f} M" for own, at, us in sorted(answers)[-8:]]
    print(label, "longest:", ", ".join(reversed(worst)), flush=True)
    million = f"{max(keys, count if loads_itself else 0) / 1e6:.1f} M"
    rows = []
    for kind, column in (("own", 0), ("in all", 2)):
        times = sorted(answer[column] for answer in answers)
        counts, low = [], 0
        for edge in [*EDGES_US, 10**9]:
            counts.append(sum(low <= us < edge for us in times))
            low = edge
        shown = [percentile(times, 0.5), percentile(times, 0.999), times[-1]]
        rows.append((label, million, f"{seconds:.0f}", f"{rss:.2f}", kind, *shown, *counts, blind))
    return rows


def main():
    parser = arguments(__doc__, "redpoll")
    parser.add_argument("--keys", type=int, default=20_000_000)
    parser.add_argument("--seconds-max", type=float, default=900)
    parser.add_argument("--no-control", action="store_true")
    parser.add_argument("--more", default="", help="options for every server")
    options = parser.parse_args()
    settle_on(options.client_cpus, options.nice)
    ranges = [f"<{edge}" for edge in EDGES_US] + [f">={EDGES_US[-1]}"]
    head = ("server", "keys", "s", "GB", "time", "p50 us", "p99.9", "max", *ranges, "blind")
    rows = [head]
    measure_machine(options)
    for name in options.servers.split(","):
        if not options.no_control:
            rows.extend(run(name, False, options))
        rows.extend(run(name, True, options))
    table(rows)


if __name__ == "__main__":
    main()
