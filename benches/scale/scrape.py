"""What a scrape of the metrics costs while a server with many keys is busy.

    python3 benches/scale/scrape.py --nice [--keys 1000000] [--scrapes 30]

Keys are loaded, half of them with a deadline. One client loads the server with pipelines, another
one asks PING and GET in a closed loop; /metrics is read once a second. The table compares the
closed loop's latencies and rate during scrapes with those of equally long spans half a second
later.
"""

import gc
import multiprocessing
import time
import urllib.request

from servers import Client, Server, arguments, encode, load, percentile, settle_on, table


def keep_busy(port, keys, settings, counter):
    """Runs pipelines of GETs, counting them."""
    settle_on(*settings)
    client = Client(port)
    portions = []
    for start in range(0, 20):
        portions.append(
            b"".join(encode("GET", b"key:%012d" % (n * 7919 % keys)) for n in range(start, 2000, 20))
        )
    value = b"$32\r\n" + b"v" * 32 + b"\r\n"
    number = 0
    while True:
        portion = portions[number % len(portions)]
        client.socket.sendall(portion)
        client.stream.read(len(value) * 100)
        counter.value += 100
        number += 1


def probe(port, seconds, settings, channel):
    """Asks in a closed loop; sends [(began, us)]."""
    settle_on(*settings)
    client = Client(port)
    questions = [b"PING\r\n", encode("GET", b"key:%012d" % 7)]
    send, receive, clock = client.socket.sendall, client.socket.recv, time.perf_counter
    answers, number = [], 0
    gc.disable()
    end = clock() + seconds
    while (began := clock()) < end:
        number += 1
        send(questions[number & 1])
        receive(256)
        answers.append((began, (clock() - began) * 1e6))
    channel.send(answers)


def scrape(metrics_port):
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
        return len(answer.read())


def set_key(number):
    head = b"*%d\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n" % (3 + number % 2 * 2, number)
    return head + b"v" * 32 + b"\r\n" + (b"$2\r\nEX\r\n$4\r\n9999\r\n" if number % 2 else b"")


def measure(options):
    metrics_port = options.metrics_port
    more = f"--metrics-port {metrics_port} {options.more}"
    server = Server("redpoll", more, options.server_cpus, nice=options.nice)
    processes = []
    try:
        load(server.port, options.keys, set_key)
        ours, theirs = multiprocessing.Pipe()
        counter = multiprocessing.Value("L", 0)
        loader = (server.port, options.keys, (options.client_cpus, False), counter)
        prober = (server.port, options.scrapes + 2.0, (options.client_cpus, options.nice), theirs)
        if not options.quiet:
            processes.append(multiprocessing.Process(target=keep_busy, args=loader, daemon=True))
        processes.append(multiprocessing.Process(target=probe, args=prober, daemon=True))
        for process in processes:
            process.start()
        time.sleep(1)
        spans, size = [], 0
        for _ in range(options.scrapes):
            began = time.perf_counter()
            size = scrape(metrics_port)
            spans.append((began, time.perf_counter()))
            time.sleep(max(0.0, began + 1 - time.perf_counter()))
        return spans, size, ours.recv()
    finally:
        for process in processes:
            process.kill()
        server.stop()


def answers_in(answers, spans, shift):
    """Returns the sorted latencies of what was asked in spans of time, and how many a second."""
    found, position = [], 0
    for began, ended in spans:
        # What began shortly before a span waited in it.
        began, ended = began + shift - 0.001, ended + shift + 0.001
        while position < len(answers) and answers[position][0] < began:
            position += 1
        while position < len(answers) and answers[position][0] < ended:
            found.append(answers[position][1])
            position += 1
    length = sum(ended - began + 0.002 for began, ended in spans)
    return sorted(found), len(found) / length


def main():
    parser = arguments(__doc__, "redpoll")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--scrapes", type=int, default=30)
    parser.add_argument("--metrics-port", type=int, default=9199)
    parser.add_argument("--quiet", action="store_true", help="without the pipelines")
    parser.add_argument("--more", default="", help="options for the server")
    options = parser.parse_args()
    settle_on(options.client_cpus, options.nice)
    spans, size, answers = measure(options)
    times = sorted((ended - began) * 1000 for began, ended in spans)
    print(
        f"{options.keys} keys, {len(times)} scrapes of {size / 1000:.0f} kB: "
        f"median {percentile(times, 0.5):.1f} ms, longest {times[-1]:.1f} ms"
    )
    rows = [("closed loop", "asked", "per second", "p50 us", "p99", "p99.9", "longest")]
    for label, shift in (("during scrapes", 0.0), ("half a second later", 0.5)):
        latencies, rate = answers_in(answers, spans, shift)
        figures = [percentile(latencies, fraction) for fraction in (0.5, 0.99, 0.999, 1.0)]
        rows.append((label, len(latencies), f"{rate:.0f}", *(f"{us:.0f}" for us in figures)))
    table(rows)


if __name__ == "__main__":
    main()
