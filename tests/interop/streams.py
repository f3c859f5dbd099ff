"""Stream commands for differential.py: their arguments, their templates, and what of their replies is a moment."""

STREAMS = ["x0", "x1", "x2"]
IDS = ["0-%d" % number for number in range(1, 40)] + ["0", "0-0", "5-3", "7", "99-0", "18446744073709551615-18446744073709551615"]
BOUNDS = ["-", "+", "-", "+", "(0-3", "(0-9", "(0-0", "(5", "x", "(", "(18446744073709551615-18446744073709551615"] + IDS
ODD_IDS = ["x", "-", "+", "$", ">", "1-2-3", "0-*", "5-*", "007-+1", "-1", "18446744073709551616", ""]
CLASSES = {
    "stream": STREAMS, "id": IDS, "bound": BOUNDS, "oddid": ODD_IDS,
    "group": ["g", "h"], "consumer": ["a", "b", "c"], "field": ["f", "g", "longer", "12"],
    "item": ["v", "1", "-5", "300000", "99999999999", "3.14", "", "w" * 70, "y" * 300, "\x00\xff"],
    "small": ["0", "1", "2", "3", "7", "12"], "few": ["1", "2", "3"], "count": ["1", "2", "5", "0", "-1", "x"],
    # Nothing pending is as old as the larger one, everything as old as the smaller ones.
    "idle": ["0", "0", "-1", "100000000"],
}
PREFIX = "[NOMKSTREAM] [MAXLEN {small}|MAXLEN = {small}|MAXLEN ~ {small}|MINID {id}|MINID ~ {id}|MAXLEN ~ {small} LIMIT {small}]"
TEMPLATES = [
    (16, "XADD {stream} 0-* f {item} g {item}"),
    (8, "XADD {stream} 0-* {field} {item} [{field} {item}]"),
    (4, "XADD {stream} %s 0-* f {item}" % PREFIX),
    (1, "XADD {stream} {id} f {item}"),
    (1, "XADD {stream} {oddid} f {item}"),
    (3, "XTRIM {stream} [MAXLEN|MAXLEN =|MAXLEN ~] {small} [LIMIT {small}|MINID {id}]"),
    (2, "XTRIM {stream} [MINID|MINID =|MINID ~] {id}"),
    (3, "XLEN {stream}"),
    (8, "XRANGE {stream} {bound} {bound} [COUNT {count}]"),
    (8, "XREVRANGE {stream} {bound} {bound} [COUNT {count}]"),
    (6, "XREAD [COUNT {count}] STREAMS {stream} {stream} {id} {id}"),
    (2, "XREAD [COUNT {count}] STREAMS {stream} {key} {oddid} {id}"),
    (5, "XDEL {stream} {id} {id} {id}"),
    (1, "XSETID {stream} {id} [ENTRIESADDED {small}] [MAXDELETEDID {id}]"),
    (5, "XGROUP CREATE {stream} {group} [0|$] [MKSTREAM] [ENTRIESREAD {count}]"),
    (2, "XGROUP CREATE {stream} {group} [{id}|{oddid}]"),
    (2, "XGROUP SETID {stream} {group} [0|$|{id}] [ENTRIESREAD {count}]"),
    (1, "XGROUP DESTROY {stream} {group}"),
    (2, "XGROUP [CREATECONSUMER|DELCONSUMER|FOO] {stream} {group} {consumer}"),
    (16, "XREADGROUP GROUP {group} {consumer} COUNT {few} [NOACK] STREAMS {stream} >"),
    (6, "XREADGROUP GROUP {group} {consumer} [COUNT {count}] STREAMS {stream} {stream} > [>|0]"),
    (6, "XREADGROUP GROUP {group} {consumer} [COUNT {count}] STREAMS {stream} [{id}|{oddid}]"),
    (6, "XACK {stream} {group} {id} {id} {id}"),
    (4, "XPENDING {stream} {group}"),
    (6, "XPENDING {stream} {group} [IDLE {idle}] {bound} {bound} {small} [{consumer}]"),
    (6, "XCLAIM {stream} {group} {consumer} {idle} {id} {id} [FORCE] [JUSTID] [RETRYCOUNT {count}] [LASTID {id}]"),
    (2, "XCLAIM {stream} {group} {consumer} {idle} {id} {oddid} [TIME 5] [FOO|IDLE 200000000|FORCE]"),
    (6, "XAUTOCLAIM {stream} {group} {consumer} {idle} {bound} [COUNT {count}] [JUSTID|FOO]"),
    (8, "XINFO STREAM {stream}"),
    (5, "XINFO STREAM {stream} FULL [COUNT {count}]"),
    (5, "XINFO GROUPS {stream}"),
    (4, "XINFO CONSUMERS {stream} {group}"),
    (2, "DEL {stream}"),
    (1, "COPY {stream} {stream} REPLACE"),
    (1, "TYPE {stream}"),
    (1, "OBJECT ENCODING {stream}"),
]
# Numbers from here on are moments in milliseconds; below it, but from the other on, they are long times.
MOMENT = 10**12
LONG = 10**8
IDLE_NAMES = (b"idle", b"inactive", b"seen-time", b"active-time")
# What XINFO tells since Redis 8.6 and 8.8.
NEWER_NAMES = (b"idmp-duration", b"idmp-maxsize", b"pids-tracked", b"iids-tracked", b"iids-added", b"iids-duplicates",
               b"nacked-count")


def without_moments(command, reply):
    """The reply with moments and spans of time replaced by what kind of time they are."""
    name = command[0].upper()
    if name == b"XPENDING" and reply[0] == "*" and reply[1]:
        return reply[0], tuple(pending_without_idle(entry) for entry in reply[1])
    return coarse(reply) if name == b"XINFO" else reply


def pending_without_idle(entry):
    if entry[0] != "*" or entry[1] is None or len(entry[1]) != 4 or entry[1][2][0] != ":":
        return entry
    id, consumer, idle, count = entry[1]
    return entry[0], (id, consumer, "long" if idle[1] >= LONG else "short", count)


def coarse(reply):
    mark, content = reply
    if mark == ":" and content >= MOMENT:
        return "a moment"
    if not isinstance(content, tuple):
        return reply
    if mark == "%":
        return mark, tuple((key, time_of(key, coarse(value))) for key, value in content if key[1] not in NEWER_NAMES)
    names = {at for at, item in enumerate(content) if item[1] in NEWER_NAMES}
    items = [coarse(item) for at, item in enumerate(content) if not {at, at - 1} & names]
    return mark, tuple(time_of(items[at - 1], item) if at else item for at, item in enumerate(items))


def time_of(name, value):
    """The value behind a name, coarse if it is a span of time."""
    is_span = name[1] in IDLE_NAMES and value[0] == ":"
    return (":", min(value[1], 0)) if is_span else value
