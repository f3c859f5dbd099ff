"""Starts the servers that the programs beside this file measure, and talks to them.

Redpoll is $REDPOLL, or target/release/redpoll of the current directory. Redis and Valkey run from
the tree in $PEERS_ROOT (default: ~/.cache/redpoll-peers) by chroot, or, where that is missing, from
the PATH. Every server listens on loopback only and is ended by its own process id.

Figures of a shared machine are noisy. `--nice` gives server and prober the highest ordinary
priority (it needs root), so that whatever else runs hardly takes their time.
"""

import argparse
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

PEERS_ROOT = os.environ.get("PEERS_ROOT", os.path.expanduser("~/.cache/redpoll-peers"))
REDPOLL = os.environ.get("REDPOLL", os.path.abspath("target/release/redpoll"))
PORT = int(os.environ.get("BENCH_PORT", "7791"))
COMMON = '--port {port} --bind 127.0.0.1 --save "" --appendonly no --dbfilename none-{port}.rdb'


def command_line(name, port, options):
    """Returns the arguments that start a server with more options appended."""
    if name == "redpoll":
        program = REDPOLL
        options = f"--threads 1 --metrics-port 0 {options}"
    else:
        program = f"{name}-server"
        if os.path.isdir(PEERS_ROOT):
            program = f"chroot {PEERS_ROOT} {program}"
        elif not shutil.which(program):
            raise SystemExit(f"{program} is neither in {PEERS_ROOT} nor on the PATH")
    return shlex.split(f"{program} {COMMON.format(port=port)} {options}")


class Client:
    """One connection with a small RESP2 reader."""

    def __init__(self, port=PORT, timeout=120):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb", 1 << 16)

    def call(self, *arguments):
        """Runs one command and returns its reply."""
        self.socket.sendall(encode(*arguments))
        return self.reply()

    def reply(self):
        line = self.stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            if rest == b"-1":
                return None
            return self.stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        raise RuntimeError(f"{line!r}")

    def info(self, field):
        """Returns a number of INFO."""
        text = self.call("INFO", "everything").decode()
        found = re.search(rf"^{field}:(-?[0-9.]+)", text, re.M)
        return float(found.group(1)) if found else 0.0

    def close(self):
        self.stream.close()
        self.socket.close()


def encode(*arguments):
    """Returns a command as the protocol writes it."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        if isinstance(argument, (int, float)):
            argument = str(argument)
        if isinstance(argument, str):
            argument = argument.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(argument), argument))
    return b"".join(parts)


class Server:
    """A running server."""

    def __init__(self, name, options="", cpus=None, port=PORT, nice=False):
        line = command_line(name, port, options)
        if cpus:
            line = ["taskset", "-c", cpus] + line
        self.name, self.port = name, port
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            line, stdout=self.log, stderr=self.log, cwd=tempfile.gettempdir()
        )
        self.pid = self.process.pid
        self.client = self.connect()
        if nice:
            raise_priority(self.pid)

    def connect(self):
        end = time.time() + 20
        while time.time() < end:
            if self.process.poll() is not None:
                break
            try:
                client = Client(self.port)
                if client.call("PING") == b"PONG":
                    return client
            except (OSError, RuntimeError):
                time.sleep(0.05)
        self.log.seek(0)
        raise SystemExit(f"{self.name} does not start: {self.log.read()[-500:]}")

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.client.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def raise_priority(pid):
    """Gives the threads of a process the highest ordinary priority, where that is permitted.

    Those that have given up some of theirs keep their place behind the others.
    """
    try:
        for thread in map(int, os.listdir(f"/proc/{pid}/task")):
            if os.getpriority(os.PRIO_PROCESS, thread) <= 0:
                os.setpriority(os.PRIO_PROCESS, thread, -20)
    except PermissionError:
        print("no permission to raise priorities: figures include other programs' time")


def arguments(description, servers):
    """Returns an argument parser with what all programs here understand."""
    parser = argparse.ArgumentParser(
        description=description.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--servers", default=servers, help="which ones, comma-separated")
    parser.add_argument("--nice", action="store_true", help="highest ordinary priority")
    parser.add_argument("--server-cpus", default="0")
    parser.add_argument("--client-cpus", default="1")
    return parser


def settle_on(cpus, nice):
    """Moves this process to its CPUs, with the highest ordinary priority or the usual one."""
    os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    if nice:
        raise_priority(os.getpid())
    elif os.getpriority(os.PRIO_PROCESS, 0) < 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def percentile(ordered, fraction):
    """Returns the value of a sorted list that `fraction` of its values do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] if ordered else 0


def load(port, count, command, batch=2000):
    """Sends `command(number)` for all numbers below `count`, pipelined; replies must be +OK."""
    client = Client(port)
    for start in range(0, count, batch):
        numbers = range(start, min(count, start + batch))
        client.socket.sendall(b"".join(map(command, numbers)))
        wanted = 5 * len(numbers)
        if client.stream.read(wanted) != b"+OK\r\n" * len(numbers):
            raise RuntimeError("a reply is not +OK")
    client.close()


def table(rows):
    """Prints rows as a Markdown table; the first one is its head."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for index, row in enumerate(rows):
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |", flush=True)
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
