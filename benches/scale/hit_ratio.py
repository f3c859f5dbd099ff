"""Hit ratio of a cache that holds a tenth of its keys, on a Zipf 1.0 sequence.

    python3 benches/scale/hit_ratio.py [--servers redis,valkey,redpoll] [--keys 1000000]

Every server replays the same sequence of keys: GET, and SET after a miss. Overhead per key differs
between servers, so equal memory would mean unequal caches; instead `maxmemory` is chosen for each
server such that it holds a tenth of the keys (the column `held` shows the average while measured).
The time matters too, since stamps age by the clock: `--rate` sets one pace for all.

`exact` is what a list in exact order of use would reach, and for LFU the share of the accesses that
go to the most popular tenth.
"""

import itertools
import random
import time
from array import array
from collections import OrderedDict

from servers import Server, arguments, load, settle_on, table

BATCH = 200
VALUE = b"v" * 64


def sequence(keys, count, seed):
    """Returns `count` ranks, the probability of each in proportion to 1 / (rank + 1)."""
    source = random.Random(seed)
    weights = list(itertools.accumulate(1 / rank for rank in range(1, keys + 1)))
    result = array("I")
    while len(result) < count:
        step = min(100_000, count - len(result))
        result.extend(source.choices(range(keys), cum_weights=weights, k=step))
    return result


def key(number):
    return b"key:%012d" % number


def set_command(number):
    return b"*3\r\n$3\r\nSET\r\n$16\r\n%s\r\n$64\r\n%s\r\n" % (key(number), VALUE)


def get_command(number):
    return b"*2\r\n$3\r\nGET\r\n$16\r\n%s\r\n" % key(number)


def read_until(stream, count, mark):
    """Reads until `count` replies that start with `mark` are whole; values hold no mark."""
    data = b""
    while True:
        data += stream.read1(1 << 16)
        if data.count(mark) == count:
            pieces = data.split(mark)[1:]
            last = pieces[-1]
            if last == b"-1\r\n" or len(last) == 4 + len(VALUE) + 2:
                return pieces


class Replay:
    """Replays accesses on one server, holding a tenth of the keys there."""

    def __init__(self, server, wanted, rate):
        self.client, self.wanted, self.rate = server.client, wanted, rate
        before = self.client.info("used_memory")
        load(server.port, wanted, set_command)
        self.limit = int(self.client.info("used_memory"))
        self.per_key = (self.limit - before) / wanted
        self.client.call("CONFIG", "SET", "maxmemory", self.limit)

    def run(self, numbers):
        """Runs a part of the sequence; returns hits and the average number of keys held."""
        hits, held = 0, []
        started = time.time()
        for start in range(0, len(numbers), BATCH):
            hits += self.run_batch(numbers[start : start + BATCH])
            if start % (BATCH * 100) == 0:
                held.append(self.client.call("DBSIZE"))
                self.limit += int((self.wanted - held[-1]) * self.per_key / 2)
                self.client.call("CONFIG", "SET", "maxmemory", self.limit)
            if self.rate:
                time.sleep(max(0.0, started + start / self.rate - time.time()))
        return hits, sum(held) / len(held)

    def run_batch(self, batch):
        client = self.client
        client.socket.sendall(b"".join(map(get_command, batch)))
        replies = read_until(client.stream, len(batch), b"$")
        missed = [number for number, reply in zip(batch, replies) if reply[:2] == b"-1"]
        if missed:
            client.socket.sendall(b"".join(map(set_command, missed)))
            client.stream.read(5 * len(missed))
        return len(batch) - len(missed)


def measure(name, policy, numbers, options):
    """Returns hit ratio, keys held, bytes for each of them, and seconds of one server."""
    server = Server(
        name, f"--maxmemory-policy {policy} --maxmemory-samples 5", options.server_cpus,
        nice=options.nice,
    )
    try:
        replay = Replay(server, options.keys // 10, options.rate)
        warm_count = int(len(numbers) * options.warm)
        started = time.time()
        replay.run(numbers[:warm_count])
        hits, held = replay.run(numbers[warm_count:])
        ratio = hits / (len(numbers) - warm_count)
        return ratio, held, replay.limit / replay.wanted, time.time() - started
    finally:
        server.stop()


def exact_lru(numbers, options):
    """Returns the hit ratio of exact LRU over the measured part."""
    cache, hits, warm_count = OrderedDict(), 0, int(len(numbers) * options.warm)
    for position, number in enumerate(numbers):
        if number in cache:
            cache.move_to_end(number)
            hits += position >= warm_count
        else:
            cache[number] = None
            if len(cache) > options.keys // 10:
                cache.popitem(last=False)
    return hits / (len(numbers) - warm_count)


def popular(numbers, options):
    """Returns the share of the measured part that goes to the most popular tenth."""
    measured = numbers[int(len(numbers) * options.warm) :]
    return sum(number < options.keys // 10 for number in measured) / len(measured)


def main():
    parser = arguments(__doc__, "redis,valkey,redpoll")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--accesses", type=int, default=4_000_000)
    parser.add_argument("--warm", type=float, default=0.5, help="part that is not measured")
    parser.add_argument("--rate", type=int, default=0, help="accesses per second; 0: unlimited")
    parser.add_argument("--policies", default="allkeys-lru,allkeys-lfu")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    settle_on(options.client_cpus, options.nice)
    numbers = sequence(options.keys, options.accesses, options.seed)
    rows = [("policy", "server", "hit ratio", "to the first", "held", "bytes/key", "seconds")]
    for policy in options.policies.split(","):
        first = None
        for name in options.servers.split(","):
            ratio, held, size, seconds = measure(name, policy, numbers, options)
            first = first or ratio
            relation = f"{ratio / first:.4f}"
            figures = (f"{ratio:.4f}", relation, int(held), int(size), f"{seconds:.0f}")
            rows.append((policy, name, *figures))
            print(*rows[-1], flush=True)
        ideal = popular(numbers, options) if "lfu" in policy else exact_lru(numbers, options)
        rows.append((policy, "exact", f"{ideal:.4f}", f"{ideal / first:.4f}", "", "", ""))
    table(rows)


if __name__ == "__main__":
    main()
