"""What applications do beyond plain keys: the server's CPU time per operation, servers side by side.

    python3 benches/scale/applications.py [--servers valkey,redpoll] [--only eval] [--threads 1]

`eval`: a script reads, adds and writes one key. `multi`: a transaction of five commands. Both over
100,000 keys. `publish`: messages to 100 subscribers, per delivered message. The load is
valkey-benchmark's (in $PEERS_ROOT, see servers.py), which counts a transaction's seven commands one by
one, but pipelines whole transactions.
"""

import multiprocessing
import os
import re
import selectors
import shlex
import socket
import statistics
import subprocess

from servers import PEERS_ROOT, Server, arguments, encode, settle_on, table

SCRIPT = (
    "local v = redis.call('GET', KEYS[1]) or 0; v = v + ARGV[1]; "
    "redis.call('SET', KEYS[1], v); return v"
)
KEY = "key:__rand_int__"
EVAL = ["EVAL", SCRIPT, "1", KEY, "1"]
MULTI = shlex.split(
    "MULTI ; SET key:__rand_1st__ v ; GET key:__rand_1st__ ; INCR n:__rand_1st__ ; "
    "LPUSH list:__rand_1st__ v ; LTRIM list:__rand_1st__ 0 9 ; EXEC"
)
PUBLISH = ["PUBLISH", "news", "x" * 64]
SUBSCRIBER_COUNT = 100
WORKLOADS = [
    # name, command line, pipeline, commands at full length, deliveries of each
    ("eval P1", EVAL, 1, 200_000, 1),
    ("eval P16", EVAL, 16, 600_000, 1),
    ("multi P1", MULTI, 1, 700_000, 1),
    ("multi P16", MULTI, 16, 1_500_000, 1),
    ("publish P1", PUBLISH, 1, 15_000, SUBSCRIBER_COUNT),
    ("publish P16", PUBLISH, 16, 30_000, SUBSCRIBER_COUNT),
]


def drain(port, cpus, count, channel):
    """Subscribes many connections, reads so many messages on each, and says so."""
    settle_on(cpus, False)
    waiting = selectors.DefaultSelector()
    left = {}
    bytes_each = count * len(encode("message", *PUBLISH[1:]))
    for _ in range(SUBSCRIBER_COUNT):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(encode("SUBSCRIBE", "news"))
        client.recv(4096)
        waiting.register(client, selectors.EVENT_READ)
        left[client] = bytes_each
    channel.send("ready")
    while left:
        for key, _ in waiting.select():
            client = key.fileobj
            got = len(client.recv(1 << 20))
            left[client] -= got
            if not got:
                raise SystemExit(f"a subscriber misses {left[client]} bytes")
            if left[client] == 0:
                del left[client]
                waiting.unregister(client)
    channel.send("done")


def load(port, command, pipeline, count, options):
    """Sends the load; one client per connection publishes, fifty do the rest."""
    clients = 4 if command is PUBLISH else 50
    line = ["taskset", "-c", options.client_cpus, "chroot", PEERS_ROOT, "valkey-benchmark"]
    line += ["-h", "127.0.0.1", "-p", str(port), "--csv", "-r", "100000"]
    line += ["-c", str(clients), "-P", str(pipeline), "-n", str(count), "--", *command]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600, check=True)
    found = re.search(r'","([0-9.]+)"', done.stdout)
    if not found:
        raise SystemExit(f"valkey-benchmark says: {done.stdout[-300:]}{done.stderr[-300:]}")
    return float(found.group(1))


def measure(name, command, pipeline, count, deliveries, options):
    """Returns microseconds of server CPU per operation (or delivery) and operations per second."""
    threads = "" if name == "redpoll" else f"--io-threads {options.threads}"
    if name == "redpoll" and options.threads != 1:
        threads = f"--threads {options.threads}"
    server = Server(name, threads, options.server_cpus)
    drainer = None
    try:
        if command is PUBLISH:
            ours, theirs = multiprocessing.Pipe()
            drainer = multiprocessing.Process(
                target=drain, args=(server.port, options.client_cpus, count, theirs)
            )
            drainer.start()
            theirs.close()
            ours.recv()
        before = server.cpu_seconds()
        rate = load(server.port, command, pipeline, count, options)
        if drainer:
            ours.recv()
        used = server.cpu_seconds() - before
        return used * 1e6 / count / deliveries, rate
    finally:
        if drainer and drainer.is_alive():
            drainer.terminate()
        server.stop()


def main():
    parser = arguments(__doc__, "valkey,redpoll")
    parser.add_argument("--only", default="", help="a pattern of names")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of operations")
    options = parser.parse_args()
    if not os.path.isdir(PEERS_ROOT):
        raise SystemExit(f"{PEERS_ROOT} is missing: valkey-benchmark comes from there")
    names = options.servers.split(",")
    rows = [("workload", "server", "CPU us", "ratio", "operations/s")]
    for name, command, pipeline, count, deliveries in WORKLOADS:
        if not re.search(options.only, name):
            continue
        seen = {server: [] for server in names}
        for _ in range(options.rounds):
            for server in names:
                scaled = int(count / pipeline * options.scale) * pipeline
                seen[server].append(
                    measure(server, command, pipeline, scaled, deliveries, options)
                )
        for server in names:
            pairs = zip(seen[server], seen[names[0]])
            ratio = statistics.median(own[0] / first[0] for own, first in pairs)
            cpu, rate = (statistics.median(column) for column in zip(*seen[server]))
            rows.append((name, server, f"{cpu:.3f}", f"{ratio:.2f}", f"{rate:.0f}"))
    table(rows)


if __name__ == "__main__":
    main()
