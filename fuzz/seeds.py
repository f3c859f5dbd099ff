"""Writes the seeds of `restore_payload`: values of all types and forms, as servers dump them.

    python3 fuzz/seeds.py redpoll:6379 redis:6380 valkey:6381

Each argument names a running server and its port on this host; its databases are emptied. A seed is a
payload without its version and checksum, as the fuzz target takes it. Forms that no current server writes
(zipmaps, ziplists) are made by hand.
"""

import pathlib
import socket
import struct
import sys

CORPUS = pathlib.Path(__file__).parent / "corpus" / "restore_payload"
TRAILER_BYTES = 10
FAR = 4102444800000

# name, commands that make the value of the key `k`
VALUES = {
    "string": ["SET k text"],
    "string_integer_8": ["SET k 12"],
    "string_integer_16": ["SET k -1234"],
    "string_integer_32": ["SET k 123456789"],
    "string_compressed": ["SET k " + "ab" * 60],
    "hyperloglog": ["PFADD k a b c d e"],
    "list_packed": ["RPUSH k a 1 300 70000 -5 123456789012 " + "v" * 70],
    "list_nodes": ["CONFIG SET list-max-listpack-size 2", "RPUSH k a b c d e"],
    "list_large": ["CONFIG SET list-max-listpack-size 4", "RPUSH k a " + "x" * 5000 + " b"],
    "list_compressed": [
        "CONFIG SET list-max-listpack-size 8",
        "CONFIG SET list-compress-depth 1",
        "RPUSH k " + " ".join(["repeated-element"] * 40),
    ],
    "set_integers_16": ["SADD k 1 2 300"],
    "set_integers_32": ["SADD k 1 70000"],
    "set_integers_64": ["SADD k -5 9000000000"],
    "set_packed": ["SADD k a b 3 " + "m" * 60],
    "set_table": ["CONFIG SET set-max-listpack-entries 2", "SADD k a b c d"],
    "sorted_set_packed": ["ZADD k 1 a 2.5 b -inf c 1e300 d 3 3"],
    "sorted_set_tree": ["CONFIG SET zset-max-listpack-entries 2", "ZADD k 1 a 2 b inf c 0.1 d"],
    "hash_packed": ["HSET k f v 1 2 long " + "v" * 60],
    "hash_table": ["CONFIG SET hash-max-listpack-entries 2", "HSET k a 1 b 2 c 3"],
    "hash_packed_deadlines": ["HSET k a 1 b 2 c 3", f"HPEXPIREAT k {FAR} FIELDS 2 a b"],
    "hash_table_deadlines": [
        "CONFIG SET hash-max-listpack-entries 2",
        "HSET k a 1 b 2 c 3",
        f"HPEXPIREAT k {FAR} FIELDS 2 a b",
    ],
    "stream": ["XADD k 1-1 a 1 b 2", "XADD k 1-2 a 3 b 4", "XADD k 5-0 other x", "XDEL k 1-2"],
    "stream_groups": [
        "XADD k 1-1 a 1",
        "XADD k 2-1 a 1",
        "XADD k 3-1 a 1",
        "XGROUP CREATE k g 0",
        "XGROUP CREATECONSUMER k g idle",
        "XREADGROUP GROUP g me COUNT 2 STREAMS k >",
        "XACK k g 1-1",
        "XTRIM k MAXLEN 2",
    ],
    "stream_blocks": ["CONFIG SET stream-node-max-entries 2"]
    + [f"XADD k {n}-0 f {n}" for n in range(1, 8)],
    "stream_empty": ["XADD k 9-9 a b", "XTRIM k MAXLEN 0"],
}


class Client:
    """One connection that runs commands given as lines."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.stream = self.socket.makefile("rb")

    def call(self, line):
        """Returns the reply to one command; errors are replies."""
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def reply(self):
        line = self.stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return line[:-2]


def dumps(name, port):
    """Yields what a server makes of each value; it is left as it was configured."""
    client = Client(port)
    for form, commands in VALUES.items():
        client.call("FLUSHALL")
        settings = [command.split()[2] for command in commands if command.startswith("CONFIG")]
        before = {setting: client.call(f"CONFIG GET {setting}")[1].decode() for setting in settings}
        replies = [client.call(command) for command in commands]
        for setting, value in before.items():
            client.call(f"CONFIG SET {setting} {value}")
        refused = [reply for reply in replies if isinstance(reply, bytes) and reply[:1] == b"-"]
        if refused:
            print(f"{name} has no {form}: {refused[0].decode()}")
            continue
        yield f"{form}-{name}", client.call("DUMP k")[:-TRAILER_BYTES]


def text(value):
    """Returns a string as payloads hold short ones."""
    assert len(value) < 64
    return bytes([len(value)]) + value


def ziplist(*entries):
    """Returns a ziplist of short texts and of integers of 16 bits."""
    body, before, last = b"", 0, 10
    for entry in entries:
        last = 10 + len(body)
        content = (
            b"\xc0" + struct.pack("<h", entry)
            if isinstance(entry, int)
            else bytes([len(entry)]) + entry
        )
        item = bytes([before]) + content
        before = len(item)
        body += item
    return struct.pack("<IIH", 10 + len(body) + 1, last, len(entries)) + body + b"\xff"


def by_hand():
    """Returns the forms of old."""
    zipmap = b"\x02\x01f\x01\x00v\x02gg\x02\x00ww\xff"
    return {
        "set_table-old": b"\x02\x02" + text(b"a") + text(b"b"),
        "list_plain-old": b"\x01\x02" + text(b"a") + text(b"b"),
        "sorted_set_texts-old": b"\x03\x03" + text(b"a") + text(b"1.5") + text(b"b") + b"\xfe"
        + text(b"c") + b"\xff",
        "hash_zipmap-old": b"\x09" + text(zipmap),
        "list_ziplist-old": b"\x0a" + text(ziplist(b"a", 300, b"bcd")),
        "sorted_set_ziplist-old": b"\x0c" + text(ziplist(b"a", 1, b"b", b"2.5")),
        "hash_ziplist-old": b"\x0d" + text(ziplist(b"f", b"v", b"g", 7)),
        "list_ziplists-old": b"\x0e\x02" + text(ziplist(b"a", 1)) + text(ziplist(b"b")),
    }


def main():
    seeds = by_hand()
    for argument in sys.argv[1:]:
        name, port = argument.split(":")
        seeds.update(dumps(name, int(port)))
    CORPUS.mkdir(parents=True, exist_ok=True)
    written = set()
    for name, seed in seeds.items():
        if seed not in written:
            written.add(seed)
            (CORPUS / name).write_bytes(seed)
    print(f"{len(written)} seeds in {CORPUS}")


if __name__ == "__main__":
    main()
