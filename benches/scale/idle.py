"""What connections cost: idle ones, and clients that send and never read.

    python3 benches/scale/idle.py [--servers redpoll,valkey] [--connections 10000] [--readers 300]

Phases of one server, with the memory after each: empty; 100,000 keys loaded; idle connections
opened (bytes of each); each has asked one PING; CPU over 10 s without traffic; `--readers` further
clients that each send GETs of 10-kB values and never read, up to `--sent` bytes of replies
(`maxmemory` is set just above the data with allkeys-lru: nothing may be evicted for them); all gone.

Needs `ulimit -n` above the number of connections, here and for the server.
"""

import resource
import selectors
import time

from servers import Client, Server, arguments, encode, load, settle_on, table

KEYS = 100_000
VALUE = b"v" * 64
LARGE_BYTES = 10_000


class Phases:
    """Collects one row for each phase."""

    def __init__(self, server):
        self.server, self.rows = server, []

    def note(self, label, remark=""):
        client = self.server.client
        rss, used = self.server.rss_bytes(), client.info("used_memory")
        evicted = int(client.info("evicted_keys"))
        clients = int(client.info("connected_clients"))
        row = (self.server.name, label, clients, f"{rss / 1e6:.1f}", f"{used / 1e6:.1f}", evicted)
        self.rows.append((*row, remark))
        return rss


def set_small(number):
    return b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$64\r\n%s\r\n" % (number, VALUE)


def open_all(port, count):
    clients = []
    while len(clients) < count:
        clients.append(Client(port))
        # Bounded bursts, so that no backlog runs over.
        if len(clients) % 100 == 0:
            clients[-1].call("PING")
    return clients


def send_unread(port, count, reply_bytes):
    """Opens clients that send GETs until the server takes no more or enough replies wait."""
    command = encode("GET", "large") * 100
    clients = [Client(port) for _ in range(count)]
    waiting, total = selectors.DefaultSelector(), 0
    for client in clients:
        client.socket.setblocking(False)
        waiting.register(client.socket, selectors.EVENT_WRITE, [0])
    wanted = reply_bytes // LARGE_BYTES // 100 * len(command)
    end = time.time() + 10
    while waiting.get_map() and time.time() < end:
        for key, _ in waiting.select(1):
            try:
                count = key.fileobj.send(command[key.data[0] % len(command) :])
            except BlockingIOError:
                continue
            except OSError:
                # The server has closed it.
                count = wanted
            key.data[0] += count
            total += count
            if key.data[0] >= wanted:
                waiting.unregister(key.fileobj)
    return clients, total


def close_all(clients):
    for client in clients:
        client.close()


def wait_until_alone(client):
    end = time.time() + 20
    while client.info("connected_clients") > 1 and time.time() < end:
        time.sleep(0.05)


def measure(name, options):
    """Returns the rows of one server."""
    more = f"--maxclients {options.connections + 2000} {options.more}"
    server = Server(name, more, options.server_cpus, nice=options.nice)
    phases = Phases(server)
    try:
        phases.note("empty")
        load(server.port, KEYS, set_small)
        server.client.call("SET", "large", "v" * LARGE_BYTES)
        time.sleep(1)
        before = phases.note("100,000 keys")
        idle = open_all(server.port, options.connections)
        rss = phases.note("connected")
        each = (rss - before) / options.connections
        phases.rows[-1] = (*phases.rows[-1][:-1], f"{each:.0f} B each")
        for client in idle:
            client.call("PING")
        time.sleep(4)
        rss = phases.note("each asked PING")
        each = (rss - before) / options.connections
        phases.rows[-1] = (*phases.rows[-1][:-1], f"{each:.0f} B each")
        cpu = server.cpu_seconds()
        time.sleep(10)
        cpu = server.cpu_seconds() - cpu
        phases.note("10 s idle", f"{cpu * 10:.2f} % CPU")
        limit = int(server.client.info("used_memory")) + 4_000_000
        if name == "redpoll":
            limit = int(server.client.info("used_memory_dataset")) + 4_000_000
        server.client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        server.client.call("CONFIG", "SET", "maxmemory", limit)
        unread, sent = send_unread(server.port, options.readers, options.sent)
        time.sleep(1)
        phases.note("never read", f"{sent / options.readers / 1e3:.0f} kB sent each")
        close_all(unread)
        close_all(idle)
        wait_until_alone(server.client)
        phases.note("all gone")
        for _ in range(3):
            time.sleep(options.settle / 3)
            phases.note("", f"{options.settle / 3:.0f} s later")
        return phases.rows
    finally:
        server.stop()


def main():
    parser = arguments(__doc__, "redpoll,valkey")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--readers", type=int, default=300)
    parser.add_argument("--sent", type=int, default=2_000_000, help="reply bytes asked for by each")
    parser.add_argument("--settle", type=float, default=15, help="seconds watched at the end")
    parser.add_argument("--more", default="", help="options for every server")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    settle_on(options.client_cpus, options.nice)
    rows = [("server", "phase", "clients", "RSS MB", "used MB", "evicted", "")]
    for name in options.servers.split(","):
        rows.extend(measure(name, options))
    table(rows)


if __name__ == "__main__":
    main()
