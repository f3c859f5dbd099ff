"""Loads a server with what its profile is to be good for: the commands that caches are used for.

    python3 benches/profile/load.py PORT

Fifty clients send commands one by one, 16 and 64 at a time, each kind for about as long as any
other; values are small, keys are many. Replies are read and not looked at.
"""

import random
import socket
import sys

CLIENTS = 50
KEYS = 200_000
FEW_KEYS = 20_000
SCRIPT = (
    "local v = redis.call('GET', KEYS[1]) or 0 "
    "redis.call('SET', KEYS[1], v + 1) return v"
)


def encode(words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb", 1 << 16)

    def skip(self):
        """Reads a reply."""
        line = self.stream.readline()
        kind, count = line[:1], line[1:-2]
        if kind in b"$=" and count != b"-1":
            self.stream.read(int(count) + 2)
        elif kind in b"*>~" and count != b"-1":
            for _ in range(int(count)):
                self.skip()


class Load:
    """Sends commands by templates, in which K, E and V stand for a key, an element and a value."""

    def __init__(self, port):
        self.clients = [Client(port) for _ in range(CLIENTS)]
        self.random = random.Random(11)

    def command(self, template, keys):
        words = []
        for word in template.split(" "):
            head, mark, tail = word.partition("K")
            if mark and not tail:
                word = f"{head}{self.random.randrange(keys):012}"
            elif word == "E":
                word = f"element:{self.random.randrange(FEW_KEYS):012}"
            elif word == "V":
                word = "v" * 64
            elif word == "N":
                word = str(self.random.randrange(1_000_000))
            words.append(word)
        return encode(words)

    def run(self, templates, depth, count, keys=FEW_KEYS):
        """Sends `count` commands, `depth` at a time from each client."""
        if isinstance(templates, str):
            templates = [templates]
        for _ in range(max(1, count // (depth * CLIENTS))):
            for client in self.clients:
                chosen = [self.command(t, keys) for t in self.random.choices(templates, k=depth)]
                client.socket.sendall(b"".join(chosen))
            for client in self.clients:
                for _ in range(depth):
                    client.skip()

    def run_all(self):
        for depth, count in ((64, 300_000), (16, 150_000), (1, 40_000)):
            for template in ("SET key:K V", "GET key:K"):
                self.run(template, depth, count, KEYS)
        for template in (
            "INCR counter:K",
            "LPUSH mylist V",
            "RPUSH mylist V",
            "LPOP mylist",
            "RPOP mylist",
            "SADD myset E",
            "HSET myhash E V",
            "SPOP myset",
            "ZADD myzset N E",
            "ZPOPMIN myzset",
            "XADD mystream * myfield V",
            "MSET a:K V b:K V c:K V d:K V e:K V f:K V g:K V h:K V i:K V j:K V",
            "MGET a:K b:K c:K d:K e:K",
            "SET session:K V EX 1000",
            "GET session:K",
            "EXPIRE session:K 1000",
            "TTL session:K",
            "DEL session:K",
            "HSET h:K name V age N",
            "HGET h:K name",
            "HGETALL h:K",
            "HINCRBY h:K visits 1",
            "SADD s:K E",
            "SISMEMBER s:K E",
            "ZADD z:K N E",
            "ZINCRBY z:K 1 E",
            "ZRANGE z:K 0 9 WITHSCORES",
            "ZSCORE myzset E",
            "LPUSH l:K V",
            "LRANGE l:K 0 9",
            "EXISTS key:K",
            "PUBLISH channel V",
            "PING",
        ):
            self.run(template, 16, 50_000)
            self.run(template, 1, 4_000)
        self.run("RPUSH longlist V", 64, 600)
        self.run("LRANGE longlist 0 99", 16, 20_000)
        self.run("LRANGE longlist 0 599", 16, 3_000)
        mixed = ["GET key:K", "SET key:K V", "GET key:K", "HGET h:K name", "INCR counter:K"]
        self.run(mixed, 16, 60_000)
        self.run(mixed, 1, 20_000)
        self.transactions()
        self.scripts()

    def transactions(self):
        for _ in range(100):
            for client in self.clients:
                block = [encode(["MULTI"])]
                templates = ("GET key:K", "SET key:K V", "INCR counter:K")
                block += [self.command(template, FEW_KEYS) for template in templates]
                client.socket.sendall(b"".join(block) + encode(["EXEC"]))
            for client in self.clients:
                for _ in range(5):
                    client.skip()

    def scripts(self):
        for _ in range(200):
            for client in self.clients:
                key = f"counter:{self.random.randrange(FEW_KEYS):012}"
                client.socket.sendall(encode(["EVAL", SCRIPT, "1", key]))
            for client in self.clients:
                client.skip()


if __name__ == "__main__":
    Load(int(sys.argv[1])).run_all()
