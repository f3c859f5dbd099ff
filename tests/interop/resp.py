"""A blocking RESP2/RESP3 client without dependencies, and servers on free loopback ports.

Replies keep what the wire tells apart: each is a tuple of its mark and its content, such as
("+", b"OK"), (":", 1), ("$", b"x"), ("$", None), ("*", (...)), ("%", ((key, value), ...)).
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class Connection:
    """One connection; `call` sends a command and returns its reply."""

    def __init__(self, port, timeout=20.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, *args):
        out = [b"*%d\r\n" % len(args)]
        for arg in args:
            arg = arg if isinstance(arg, bytes) else str(arg).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
        self.socket.sendall(b"".join(out))

    def call(self, *args):
        self.send(*args)
        return self.read()

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("closed by the server")
        mark, rest = chr(line[0]), line[1:-2]
        if mark in "+-,(#_":
            return mark, rest
        number = int(rest)
        if mark == ":":
            return mark, number
        if mark in "$=":
            return mark, None if number < 0 else self.file.read(number + 2)[:-2]
        if mark in "*~>":
            return mark, None if number < 0 else tuple(self.read() for _ in range(number))
        if mark in "%|":
            return mark, tuple((self.read(), self.read()) for _ in range(number))
        raise ConnectionError("not RESP: %r" % line[:80])

    def close(self):
        self.file.close()
        self.socket.close()


def free_port():
    """Returns a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process in a folder of its own; stopped with its context."""

    def __init__(self, program, *options, patience=30.0):
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="redpoll-interop-")
        self.log = open(os.path.join(self.folder, "log"), "wb")
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                   "--dir", self.folder, "--enable-debug-command", "yes", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, cwd=self.folder)
        deadline = time.monotonic() + patience
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.output()
                self.stop()
                raise RuntimeError("%s does not start:\n%s" % (" ".join(command), text))
            time.sleep(0.02)

    def _answers(self):
        try:
            connection = Connection(self.port, 5)
            answer = connection.call("INFO", "server")
            connection.close()
        except (OSError, ValueError):
            return False
        return b"process_id:%d" % self.process.pid in (answer[1] or b"")

    def output(self):
        with open(os.path.join(self.folder, "log"), "rb") as file:
            return file.read().decode(errors="replace")

    def stop(self):
        """Stops the server; returns its exit status and its output."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        output = self.output()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.process.returncode, output

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
