"""How long keys outlive their time, and what clearing many of them away costs other clients.

    python3 benches/scale/expiry_lag.py [lag|storm] [--servers redis,valkey,redpoll] [--keys 1000000]

`lag`: keys with deadlines spread evenly over `--spread` seconds; the first `--seconds` of them are
watched. `storm`: all keys are due within the same second while a client reads and writes others.

Deadlines are absolute and known here; what the server has removed is told by DBSIZE, asked every
few milliseconds. The k-th removal is set against the k-th deadline. That is exact for a server that
removes in order, and flatters one that does not. Keys that are still there at the end count with
the time they have outlived so far (`>`).
"""

import bisect
import gc
import multiprocessing
import time

from servers import (
    Client,
    Server,
    arguments,
    encode,
    load,
    percentile,
    settle_on,
    table,
)

OTHER_KEYS = 100_000


def load_volatile(server, count, deadline_of):
    """Stores keys with the deadlines that `deadline_of(number)` gives in milliseconds."""
    head = b"*5\r\n$3\r\nSET\r\n$16\r\nttl:%012d\r\n$32\r\n" + b"v" * 32
    form = head + b"\r\n$4\r\nPXAT\r\n$13\r\n%d\r\n"
    load(server.port, count, lambda number: form % (number, deadline_of(number)))


def load_other(server):
    form = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n" + b"v" * 32 + b"\r\n"
    load(server.port, OTHER_KEYS, lambda number: form % number)


def watch(client, end, interval):
    """Returns (time, keys left) until `end`, or until none is left."""
    seen = []
    while time.time() < end:
        left = client.call("DBSIZE")
        seen.append((time.time(), left))
        if left == 0:
            break
        time.sleep(interval)
    return seen


def lags_ms(deadlines, total, seen):
    """Returns the lags of the deadlines before the last look, and how many keys were still there."""
    lags, removed = [], 0
    for moment, left in seen:
        # Another look may have found more keys than there were deadlines: none was early.
        while removed < min(total - left, len(deadlines)):
            lags.append(max(0.0, (moment - deadlines[removed]) * 1000))
            removed += 1
    end = seen[-1][0]
    due = bisect.bisect_right(deadlines, end)
    lags.extend((end - deadline) * 1000 for deadline in deadlines[removed:due])
    return sorted(lags), max(0, due - removed)


def milliseconds(value, is_open):
    text = f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"
    return f">{text}" if is_open else text


def measure_lag(name, options):
    """Returns a row of the table of lags."""
    server = Server(name, options.more, options.server_cpus, nice=options.nice)
    try:
        start = time.time() + 5 + options.keys / 60_000
        step = options.spread / options.keys
        # Numbers are scattered over the time, so that no order of keys helps anybody.
        place_of = scatter(options.keys)
        load_volatile(
            server, options.keys, lambda n: int((start + step * place_of(n)) * 1000)
        )
        if time.time() > start:
            raise SystemExit("loading took too long")
        deadlines = [int((start + step * n) * 1000) / 1000 for n in range(options.keys)]
        cpu = server.cpu_seconds()
        seen = watch(server.client, start + options.seconds, 0.002)
        cpu = server.cpu_seconds() - cpu
        lags, left = lags_ms(deadlines, options.keys, seen)
        parts = [(fraction, percentile(lags, fraction)) for fraction in (0.5, 0.99, 1.0)]
        open_from = 1 - left / len(lags)
        cells = [milliseconds(lag, fraction >= open_from and left) for fraction, lag in parts]
        share = 100 * cpu / (seen[-1][0] - start + 0.001)
        return (name, len(lags), *cells, left, f"{share:.1f} %")
    finally:
        server.stop()


def scatter(count):
    """Returns a permutation of the numbers below `count`."""
    factor = 7_368_787
    while count % factor == 0:
        factor += 2
    return lambda number: number * factor % count


def traffic(port, quiet_end, channel, nice_cpus):
    """Reads and writes in a closed loop; sends what it saw: quiet and stormy latencies, removals."""
    settle_on(*nice_cpus)
    client = Client(port)
    form = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n" + b"w" * 32 + b"\r\n"
    commands = []
    for number in range(0, 20_000):
        key = b"key:%012d" % (number * 7919 % OTHER_KEYS)
        commands.append(encode("GET", key) if number % 2 else form % (number * 31 % OTHER_KEYS))
    dbsize, call, read = encode("DBSIZE"), client.socket.sendall, client.socket.recv
    gc.disable()
    clock, quiet, storm, seen = time.perf_counter_ns, [], [], []
    latencies, next_look, number = quiet, 0, 0
    quiet_start = quiet_end - 5
    channel.send("ready")
    while True:
        now = time.time()
        if now >= next_look and now >= quiet_end:
            latencies = storm
            call(dbsize)
            seen.append((time.time(), int(read(64)[1:]) - OTHER_KEYS))
            next_look = now + 0.005
            if seen[-1][1] <= 0 or now > quiet_end + 60:
                break
        number = (number + 1) % len(commands)
        before = clock()
        call(commands[number])
        read(256)
        if now > quiet_start:
            latencies.append(clock() - before)
    channel.send((quiet, storm, seen))


def measure_storm(name, options):
    """Returns a row of the table of storms."""
    server = Server(name, options.more, options.server_cpus, nice=options.nice)
    try:
        load_other(server)
        start = time.time() + 10 + options.keys / 60_000
        step = 1 / options.keys
        place_of = scatter(options.keys)
        load_volatile(
            server, options.keys, lambda n: int((start + step * place_of(n)) * 1000)
        )
        if time.time() > start - 6:
            raise SystemExit("loading took too long")
        ours, theirs = multiprocessing.Pipe()
        settings = (options.client_cpus, options.nice)
        prober = multiprocessing.Process(
            target=traffic, args=(server.port, start, theirs, settings)
        )
        prober.start()
        assert ours.recv() == "ready"
        quiet, storm, seen = ours.recv()
        prober.join()
        quiet.sort()
        storm.sort()
        deadlines = [int((start + step * n) * 1000) / 1000 for n in range(options.keys)]
        lags, left = lags_ms(deadlines, options.keys, seen)
        gone = milliseconds((seen[-1][0] - start) * 1000, left)
        p99 = milliseconds(percentile(lags, 0.99), left > len(lags) * 0.01)
        return name, gone, p99, quiet, storm
    finally:
        server.stop()


def lag(options):
    rows = [("server", "due", "lag p50", "p99", "max", "left", "server CPU")]
    for name in options.servers.split(","):
        rows.append(measure_lag(name, options))
    print(f"{options.keys} keys due over {options.spread} s, {options.seconds} s watched")
    table(rows)


def storm(options):
    rows = [
        ("server", "gone after", "lag p99", "quiet p50", "p99.9", "storm p50", "p99.9", "ratio")
    ]
    for _ in range(options.rounds):
        for name in options.servers.split(","):
            name, gone, p99, quiet, stormy = measure_storm(name, options)
            cells = []
            for latencies in (quiet, stormy):
                for fraction in (0.5, 0.999):
                    cells.append(f"{percentile(latencies, fraction) / 1000:.0f} us")
            ratio = percentile(stormy, 0.999) / percentile(quiet, 0.999)
            rows.append((name, gone, p99, *cells, f"{ratio:.2f}"))
    print(f"{options.keys} keys due within one second, latency of another client's GET and SET")
    table(rows)


def main():
    parser = arguments(__doc__, "redis,valkey,redpoll")
    parser.add_argument("question", choices=["lag", "storm"], nargs="?", default="lag")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--spread", type=float, default=60.0, help="seconds")
    parser.add_argument("--seconds", type=float, default=30.0, help="watched")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--more", default="", help="options for every server")
    options = parser.parse_args()
    settle_on(options.client_cpus, options.nice)
    {"lag": lag, "storm": storm}[options.question](options)


if __name__ == "__main__":
    main()
