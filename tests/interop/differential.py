#!/usr/bin/env python3
"""Sends the same random commands to two servers and shows the first reply that differs.

usage: differential.py [--reference PROGRAM] [--subject PROGRAM] [--commands N] [--seed N] [--all] [--documented]

Commands of all families with right and wrong arguments, also in transactions and called by scripts, go one by
one to a fresh server of each kind, in RESP2 and in RESP3. Commands and options that the reference does not have
are left out. Replies that depend on time are compared within a tolerance, those without an order
as sets; everything else byte for byte. At the end both keyspaces are compared key by key.

With --documented, commands are not those of the templates here but made of what the reference documents of itself.
"""
import argparse
import os
import random
import sys

import conversations
import documented
import streams
from resp import Connection, Server

KEYS = ["k%d" % i for i in range(12)] + ["", "bin\r\n\x00"]
NUMBERS = ["0", "1", "-1", "7", "10", "100", "-100", "9223372036854775807", "-9223372036854775808",
           "9223372036854775808", "00", "+1", " 1", "1.0", "007", "-0", "", "abc", "1e3"]
FLOATS = ["0.1", "1", "-1.5", "3.0e3", "1e17", "1e-10", "0", "-0", "nan", "inf", "1e400", "abc", "",
          "0.30000000000000004", "123456789.123456789", " 1", "5.0e3"]
VALUES = ["", "a", "abc", "hello world", "x" * 43, "y" * 44, "z" * 45, "w" * 200, "v" * 20000,
          "\x00\xff\r\n", "ohmytext", "mynewtext"] + NUMBERS + FLOATS
OFFSETS = ["0", "1", "-1", "3", "-3", "100", "-100", "5", "x", "1.5", "9223372036854775807",
           "-9223372036854775808", "536870912"]
# Far off or long gone, so that nothing expires while two servers answer one after the other.
SECONDS = ["100000", "200000", "0", "-1", "x", "1.5", "9223372036854775807", "", "-9223372036854775808"]
MILLIS = ["100000000", "200000000", "0", "-1", "x", "9223372036854775807", "9223372036854770000"]
AT_SECONDS = ["33177117420", "33177117000", "1", "0", "-1", "x", "9223372036854775807"]
AT_MILLIS = ["33177117420123", "33177117000000", "1", "0", "-5", "x"]
# SET takes a moment long gone too, but keeps the key until it is looked at: DBSIZE would be a race.
LATER = [at for at in AT_SECONDS if at != "1"]
LATER_MS = [at for at in AT_MILLIS if at != "1"]
PATTERNS = ["*", "k*", "k?", "k[1-3]", "k[^1-3]", "k1*", "", "\\k1", "[", "k[3-1]", "*1", "?", "K1", "**1*"]
DATABASES = ["0", "1", "2", "3", "15", "16", "-1", "x", "999999999999"]
CURSORS = ["0", "x", "abc", "18446744073709551616", "1.5"]
FIELDS = ["f%d" % i for i in range(10)] + ["", "12", "bin\r\n\x00", "F" * 70]
# Lists have keys of their own, so that most commands meet one; a few elements, so that they match.
LISTS = ["l0", "l1", "l2", "l3", "long", "k1"]
ELEMENTS = ["a", "b", "c", "d", "1", "-5", "300", "70000", "007", "", "x" * 63, "y" * 64, "z" * 5000, "w" * 9000]
INDICES = ["0", "1", "-1", "2", "-2", "3", "5", "-5", "40", "-40", "100", "-100"] + OFFSETS
ENDS = ["LEFT", "RIGHT"]
SET_MEMBERS = ["1", "2", "3", "-5", "300", "70000", "5000000000", "01", "a", "b", "member", "", "m" * 65, "\x00\xff\r\n"]
SETS = ["s0", "s1", "s2", "s3", "k1"]
BY = ["k*", "nosort", "#", "k*->f1", "*"]
# What replaces an argument by chance is never a small number: it could become a short time to live.
SPOILERS = [value for value in VALUES if not 0 < len(value.strip("+0 .")) < 4 or not value.strip()[0].isdigit()]
# Scores that all releases write alike; members of sets whose scores are all equal have keys of their own.
SCORES = ["0", "1", "2", "3", "-1", "1.5", "2.5", "10", "1000", "inf", "-inf", "+inf", "1e3", "nan", "abc", "", "1e400"]
MEMBERS = ["a", "b", "c", "d", "e", "f", "g", "10", "-5", "007", "", "member:1", "x" * 70, "\x00\xff"] + ["m%d" % i for i in range(40)]
LOWS = ["0", "1", "(1", "-inf", "2", "(2.5", "1.5", "x", "(x", "(", "nan", "-1", "5", "+inf"]
HIGHS = ["3", "(3", "+inf", "inf", "10", "(10", "2.5", "x", "(0", "-inf"]
NAMES = ["-", "+", "[a", "(a", "[c", "(d", "[m1", "(m2", "[", "(", "a", "", "[g", "[x"]
RANKS = ["0", "1", "2", "-1", "-2", "5", "100", "-100", "x", "1.5", "9223372036854775807", "-9223372036854775808"]
LIMITS = ["0", "1", "2", "5", "100", "x"]
COUNTS = ["0", "1", "2", "3", "10", "-1", "x"]
WEIGHTS = ["1", "2", "0.5", "0", "-1", "inf", "x"]
LONGITUDES = ["0", "13.361389", "15.087269", "-122.4", "179.9", "-179.9", "2.35", "x", "200", "2.36", "2.34", "13.5"]
LATITUDES = ["0", "38.115556", "37.502669", "37.7", "84", "-84", "48.85", "x", "90", "48.86", "48.84", "-33.8"]
RADII = ["0", "1", "100", "200.5", "1000", "x", "-1", "3"]
UNITS = ["m", "km", "mi", "ft", "KM", "xx"]
BITS = ["b0", "b1", "b2", "k2"]
BIT_OFFSETS = ["0", "1", "7", "8", "31", "63", "100", "1000", "-1", "x", "4294967296", "", "#1"]
FIELD_TYPES = ["u1", "u8", "i8", "u63", "i64", "i1", "i5", "u64", "i65", "u0", "x8", "u", "U8", "u08"]
FIELD_OFFSETS = ["0", "1", "5", "#0", "#1", "#3", "100", "-1", "#-1", "x", "#", "4294967296"]
AMOUNTS = ["0", "1", "-1", "10", "100", "255", "-128", "9223372036854775807", "-9223372036854775808", "x"]
SKETCHES = ["p0", "p1", "p2", "p3", "k3"]
CLASSES = {"z": ["z%d" % i for i in range(5)] + ["k1"], "l": ["l0", "l1"], "sc": SCORES, "m": MEMBERS, "lo": LOWS, "hi": HIGHS,
           "lex": NAMES, "rk": RANKS, "lim": LIMITS, "cnt": COUNTS, "w": WEIGHTS, "lon": LONGITUDES, "lat": LATITUDES,
           "rad": RADII, "un": UNITS,
           "cur": CURSORS, "key": KEYS, "val": VALUES, "num": NUMBERS, "flt": FLOATS, "off": OFFSETS, "sec": SECONDS,
           "ms": MILLIS, "at": AT_SECONDS, "atms": AT_MILLIS, "fld": FIELDS, "later": LATER, "list": LISTS, "elem": ELEMENTS,
           "idx": INDICES, "end": ENDS, "laterms": LATER_MS, "pat": PATTERNS, "db": DATABASES,
           "mem": SET_MEMBERS, "set": SETS, "by": BY, "bits": BITS, "boff": BIT_OFFSETS, "ft": FIELD_TYPES, "fo": FIELD_OFFSETS,
           "amt": AMOUNTS, "pf": SKETCHES}

# (weight, template). `{class}` draws from a class, `[a|b]` is an optional choice, `...` repeats the
# group before it up to three times more.
TEMPLATES = [
    (8, "SET {key} {val}"),
    (6, "SET {key} {val} [NX|XX] [GET] [EX {sec}|PX {ms}|EXAT {later}|PXAT {laterms}|KEEPTTL]"),
    (2, "SET {key} {val} [EX {sec}|PX {ms}] [NX|XX|GET|KEEPTTL] [GET|FOO|NX]"),
    (8, "GET {key}"),
    (2, "GETDEL {key}"),
    (4, "GETEX {key} [EX {sec}|PX {ms}|EXAT {at}|PXAT {atms}|PERSIST] [|FOO|PERSIST]"),
    (2, "GETSET {key} {val}"),
    (2, "SETNX {key} {val}"),
    (2, "SETEX {key} {sec} {val}"),
    (2, "PSETEX {key} {ms} {val}"),
    (4, "APPEND {key} {val}"),
    (2, "STRLEN {key}"),
    (3, "SETRANGE {key} {off} {val}"),
    (3, "GETRANGE {key} {off} {off}"),
    (1, "SUBSTR {key} {off} {off}"),
    (3, "INCR {key}"),
    (3, "DECR {key}"),
    (3, "INCRBY {key} {num}"),
    (3, "DECRBY {key} {num}"),
    (4, "INCRBYFLOAT {key} {flt}"),
    (3, "MGET {key} {key} {key}"),
    (3, "MSET {key} {val} {key} {val}"),
    (2, "MSETNX {key} {val} {key} {val}"),
    (2, "LCS {key} {key} [LEN|IDX] [MINMATCHLEN {off}] [WITHMATCHLEN]"),
    (1, "DELIFEQ {key} {val}"),
    (1, "MSETEX 2 {key} {val} {key} {val} [NX|XX] [EX {sec}|PX {ms}|EXAT {later}|KEEPTTL]"),
    (9, "LPUSH {list} {elem} [{elem}] [{elem}] [{elem}]"),
    (9, "RPUSH {list} {elem} [{elem}] [{elem}] [{elem}]"),
    (2, "RPUSH long" + " {elem}" * 30),
    (2, "LPUSHX {list} {elem} [{elem}]"),
    (2, "RPUSHX {list} {elem} [{elem}]"),
    (3, "LPOP {list} [0|1|2|5|-1|x|300]"),
    (3, "RPOP {list} [0|1|2|5|-1|x|300]"),
    (3, "LLEN {list}"),
    (4, "LINDEX {list} {idx}"),
    (4, "LRANGE {list} {idx} {idx}"),
    (4, "LSET {list} {idx} {elem}"),
    (3, "LINSERT {list} BEFORE {elem} {elem}"),
    (3, "LINSERT {list} AFTER {elem} {elem}"),
    (3, "LREM {list} {idx} {elem}"),
    (2, "LTRIM {list} {idx} {idx}"),
    (4, "LPOS {list} {elem} [RANK {idx}] [COUNT {idx}] [MAXLEN {idx}]"),
    (4, "LMOVE {list} {list} {end} {end}"),
    (3, "RPOPLPUSH {list} {list}"),
    (2, "LMPOP 2 {list} {list} {end} [COUNT {idx}]"),
    (2, "LMPOP [1|0|3|x] {list} [{list}] [LEFT|RIGHT|FOO] [COUNT] [{idx}]"),
    (1, "BLPOP {list} {list} 0.01"),
    (1, "BRPOP {list} {list} [0.01|x|-1]"),
    (1, "BLMPOP 0.01 2 {list} {list} {end} [COUNT {idx}]"),
    (1, "BLMOVE {list} {list} {end} {end} 0.01"),
    (1, "BRPOPLPUSH {list} {list} 0.01"),
    (4, "OBJECT ENCODING {list}"),
    (1, "CONFIG SET list-max-listpack-size [-2|-1|3|20|128]"),
    (1, "DEL {list}"),
    (4, "DEL {key} {key}"),
    (2, "UNLINK {key} {key}"),
    (3, "EXISTS {key} {key} {key}"),
    (2, "TOUCH {key} {key}"),
    (3, "TYPE {key}"),
    (3, "RENAME {key} {key}"),
    (3, "RENAMENX {key} {key}"),
    (4, "COPY {key} {key} [DB {db}] [REPLACE] [|REPLACE|FOO]"),
    (3, "MOVE {key} {db}"),
    (3, "EXPIRE {key} {sec} [NX|XX|GT|LT] [|GT|LT|XX|FOO]"),
    (3, "PEXPIRE {key} {ms} [NX|XX|GT|LT] [|GT|LT]"),
    (3, "EXPIREAT {key} {at} [NX|XX|GT|LT]"),
    (3, "PEXPIREAT {key} {atms} [NX|XX|GT|LT]"),
    (2, "PERSIST {key}"),
    (3, "TTL {key}"),
    (3, "PTTL {key}"),
    (2, "EXPIRETIME {key}"),
    (2, "PEXPIRETIME {key}"),
    (2, "KEYS {pat}"),
    (2, "SCAN 0 COUNT 1000 [MATCH {pat}] [TYPE string|TYPE hash|TYPE foo]"),
    (1, "SCAN {cur} [COUNT {num}|MATCH|FOO {num}|TYPE]"),
    (1, "RANDOMKEY"),
    (3, "OBJECT ENCODING {key}"),
    (1, "OBJECT REFCOUNT {key}"),
    (1, "OBJECT IDLETIME {key}"),
    (1, "OBJECT FREQ {key}"),
    (1, "OBJECT [FOO|ENCODING|HELP] [{key}] [{key}]"),
    (2, "SELECT {db}"),
    (1, "SWAPDB {db} {db}"),
    (2, "DBSIZE"),
    (1, "FLUSHDB [SYNC|ASYNC|FOO]"),
    (1, "PING [{val}] [{val}]"),
    (1, "ECHO {val}"),
    (1, "CLIENT SETNAME [name|a b|] [x]"),
    (1, "CLIENT GETNAME"),
    (1, "CLIENT NO-EVICT [ON|OFF|FOO]"),
    (1, "CLIENT NO-TOUCH [OFF|FOO]"),
    (1, "CLIENT SETINFO [lib-name|lib-ver|foo] [a|a b]"),
    (1, "CLIENT KILL [ID 99999999|ADDR 1.1.1.1:1|TYPE foo|FOO] [FOO|SKIPME yes|SKIPME foo]"),
    (1, "CLIENT LIST [TYPE foo|TYPE pubsub|FOO]"),
    (1, "CLIENT UNBLOCK {num} [TIMEOUT|ERROR|FOO]"),
    (1, "CLIENT REPLY [FOO|ON]"),
    (1, "CLIENT TRACKINGINFO"),
    (1, "CLIENT GETREDIR"),
    (1, "CLIENT CACHING [YES|NO|FOO]"),
    (1, "CLIENT TRACKING [OFF|FOO]"),
    (1, "CLIENT [FOO|PAUSE x|PAUSE -1|UNPAUSE]"),
    (1, "AUTH {val} [{val}] [x]"),
    (1, "HELLO [1|4|x] [FOO|AUTH a|SETNAME]"),
    (1, "RESET x"),
    (1, "COMMAND GETKEYS [GET {key}|SET {key} {val} EX 1|MSET {key} 1 {key} 2|MGET {key}|FOO|PING|DEL]"),
    (1, "COMMAND GETKEYSANDFLAGS [GET {key}|SET {key} {val} GET|RENAME {key} {key}|PING]"),
    (1, "COMMAND [FOO|COUNT x]"),
    (1, "CONFIG GET [maxmemory-policy|timeout|nothing|maxmemory-samples]"),
    (1, "CONFIG SET [tcp-keepalive|nothing|lfu-log-factor] {num}"),
    (1, "DEBUG DIGEST-VALUE {key} {key}"),
    (1, "DEBUG DIGEST"),
    (1, "DEBUG STRINGMATCH-LEN"),
    (1, "SLOWLOG [LEN x|FOO|GET x]"),
    (1, "MEMORY USAGE {key} [FOO|SAMPLES x|SAMPLES]"),
    (6, "SADD {set} {mem} [{mem}] [{mem}] [{mem}]"),
    (2, "SADD {set} 1 2 3 [4 5 6] [{mem}]"),
    (3, "SREM {set} {mem} [{mem}] [{mem}]"),
    (2, "SCARD {set}"),
    (2, "SISMEMBER {set} {mem}"),
    (2, "SMISMEMBER {set} {mem} [{mem}]"),
    (2, "SMEMBERS {set}"),
    (2, "SMOVE {set} {set} {mem}"),
    (2, "SPOP {set} [100000|0|-1|x] [x]"),
    (2, "SRANDMEMBER {set} [100000|0|x] [x]"),
    (2, "SINTER {set} [{set}] [{set}]"),
    (2, "SUNION {set} [{set}] [{set}]"),
    (2, "SDIFF {set} [{set}] [{set}]"),
    (2, "SINTERSTORE {set} {set} [{set}]"),
    (2, "SUNIONSTORE {set} {set} [{set}]"),
    (2, "SDIFFSTORE {set} {set} [{set}]"),
    (2, "SINTERCARD [1|2|0|x|-1] {set} [{set}] [LIMIT {num}] [|FOO|LIMIT]"),
    (2, "SSCAN {set} {cur} [COUNT {num}] [MATCH {pat}] [|TYPE set|FOO|NOVALUES|COUNT]"),
    (2, "OBJECT ENCODING {set}"),
    (2, "SORT {set} [BY {by}] [LIMIT {off} {off}] [GET {by}] [ALPHA] [DESC|ASC] [STORE {key}]"),
    (2, "SORT {list} [ALPHA] [LIMIT {off} {off}] [DESC] [STORE {list}] [|FOO|STORE|GET]"),
    (2, "SORT_RO {set} [ALPHA] [BY {by}] [GET {by}] [DESC] [|STORE {key}]"),
    (9, "ZADD {z} {sc} {m} [{sc} {m}] [{sc} {m}]"),
    (3, "ZADD {z} [NX|XX] [GT|LT] [CH] [INCR] {sc} {m} [{sc} {m}]"),
    (4, "ZADD {l} 0 {m} 0 {m} 0 {m}"),
    (2, "ZINCRBY {z} {sc} {m}"),
    (2, "ZREM {z} {m} [{m}] [{m}]"),
    (1, "ZCARD {z}"),
    (1, "ZCOUNT {z} {lo} {hi}"),
    (1, "ZLEXCOUNT {l} {lex} {lex}"),
    (1, "ZSCORE {z} {m}"),
    (1, "ZMSCORE {z} {m} [{m}]"),
    (1, "ZRANK {z} {m}"),
    (1, "ZREVRANK {z} {m}"),
    (2, "ZRANGE {z} {rk} {rk} [REV] [WITHSCORES] [LIMIT {lim} {lim}]"),
    (2, "ZRANGE {z} {lo} {hi} BYSCORE [WITHSCORES] [LIMIT {lim} {lim}]"),
    (2, "ZRANGE {z} {hi} {lo} BYSCORE REV [WITHSCORES] [LIMIT {lim} {lim}]"),
    (2, "ZRANGE {l} {lex} {lex} BYLEX [REV] [WITHSCORES|LIMIT {lim} {lim}]"),
    (1, "ZRANGESTORE {z} {z} {rk} {rk} [REV]"),
    (1, "ZRANGESTORE {z} {z} {lo} {hi} BYSCORE [LIMIT {lim} {lim}]"),
    (1, "ZRANGEBYSCORE {z} {lo} {hi} [WITHSCORES] [LIMIT {lim} {lim}]"),
    (1, "ZREVRANGEBYSCORE {z} {hi} {lo} [WITHSCORES] [LIMIT {lim} {lim}]"),
    (1, "ZRANGEBYLEX {l} {lex} {lex} [LIMIT {lim} {lim}]"),
    (1, "ZREVRANGEBYLEX {l} {lex} {lex} [LIMIT {lim} {lim}]"),
    (1, "ZREVRANGE {z} {rk} {rk} [WITHSCORES]"),
    (1, "ZREMRANGEBYRANK {z} {rk} {rk}"),
    (1, "ZREMRANGEBYSCORE {z} {lo} {hi}"),
    (1, "ZREMRANGEBYLEX {l} {lex} {lex}"),
    (1, "ZPOPMIN {z} [{cnt}]"),
    (1, "ZPOPMAX {z} [{cnt}]"),
    (1, "ZMPOP [1|2|0|x] {z} [{z}] [MIN|MAX] [COUNT {cnt}]"),
    (2, "ZUNION [1|2|3] {z} {z} [{z}] [WEIGHTS {w} {w}] [AGGREGATE SUM|AGGREGATE MIN|AGGREGATE MAX] [WITHSCORES]"),
    (2, "ZINTER [1|2] {z} {z} [WEIGHTS {w} {w}] [AGGREGATE SUM|AGGREGATE MIN|AGGREGATE MAX] [WITHSCORES]"),
    (1, "ZDIFF [1|2] {z} {z} [WITHSCORES]"),
    (1, "ZUNIONSTORE {z} 2 {z} {z} [AGGREGATE MIN|AGGREGATE MAX]"),
    (1, "ZINTERSTORE {z} 2 {z} {z} [AGGREGATE MIN|AGGREGATE MAX]"),
    (1, "ZDIFFSTORE {z} 2 {z} {z}"),
    (1, "ZINTERCARD 2 {z} {z} [LIMIT {lim}]"),
    (3, "GEOADD {z} [NX|XX] [CH] {lon} {lat} {m} [{lon} {lat} {m}]"),
    (1, "GEODIST {z} {m} {m} [{un}]"),
    (1, "GEOHASH {z} {m} [{m}]"),
    (2, "GEOSEARCH {z} FROMLONLAT {lon} {lat} BYRADIUS {rad} {un} [ASC|DESC] [COUNT {cnt}] [WITHDIST]"),
    (2, "GEOSEARCH {z} FROMLONLAT {lon} {lat} BYBOX {rad} {rad} km [WITHDIST]"),
    (1, "GEOSEARCHSTORE {z} {z} FROMLONLAT {lon} {lat} BYRADIUS {rad} km [COUNT {cnt}]"),
    (1, "GEORADIUSBYMEMBER {z} {m} {rad} {un} [COUNT {cnt}] [ASC|DESC] [STORE {z}]"),
    (6, "SETBIT {bits} {boff} [1|1|0|2|x]"),
    (2, "SET {bits} {val}"),
    (3, "GETBIT {bits} {boff}"),
    (4, "BITCOUNT {bits} {off} {off} [BYTE|BIT|FOO]"),
    (4, "BITPOS {bits} [0|1|1|2|x] [{off}] [{off}] [BYTE|BIT|FOO]"),
    (5, "BITOP [AND|OR|XOR|NOT|FOO] {bits} {bits} [{bits}] [{key}]"),
    (6, "BITFIELD {bits} [GET {ft} {fo}] [OVERFLOW WRAP|OVERFLOW SAT|OVERFLOW FAIL|OVERFLOW FOO] [SET {ft} {fo} {amt}] [INCRBY {ft} {fo} {amt}]"),
    (6, "BITFIELD {bits} OVERFLOW [WRAP|SAT|FAIL|fail] INCRBY {ft} {fo} {amt} [INCRBY {ft} {fo} {amt}]"),
    (2, "BITFIELD_RO {bits} GET {ft} {fo} [GET {ft} {fo}|SET u8 0 1|FOO]"),
    (6, "PFADD {pf} {mem} [{mem}] [{val}]"),
    (3, "PFADD {pf} [{fld}]" + " {elem} {num} {flt}" * 8),
    (4, "PFCOUNT {pf} [{pf}] [{pf}]"),
    (3, "PFMERGE {pf} {pf} [{pf}]"),
    (2, "GET {pf}"),
    (1, "SET {pf} [{val}|HYLL]"),
    (1, "DEL {pf} {bits}"),
    (1, "PFDEBUG [GETREG|ENCODING|DECODE|TODENSE|FOO] {pf}"),
    (1, "foo {val} {val}"),
    (1, "quit_ {val}"),
    (8, "HSET {key} {fld} {val} [{fld} {val}] [{fld} {val}] [{fld}]"),
    (2, "HMSET {key} {fld} {val} [{fld} {val}] [{fld}]"),
    (3, "HSETNX {key} {fld} {val}"),
    (4, "HGET {key} {fld}"),
    (3, "HMGET {key} {fld} {fld} {fld}"),
    (3, "HGETALL {key}"),
    (2, "HKEYS {key}"),
    (2, "HVALS {key}"),
    (2, "HLEN {key}"),
    (2, "HSTRLEN {key} {fld}"),
    (2, "HEXISTS {key} {fld}"),
    (4, "HDEL {key} {fld} [{fld}] [{fld}]"),
    (4, "HINCRBY {key} {fld} {num}"),
    (4, "HINCRBYFLOAT {key} {fld} {flt}"),
    (2, "HRANDFIELD {key} [0|1|3|100|-3|x] [WITHVALUES|FOO] [x]"),
    (2, "HSCAN {key} 0 COUNT 1000 [MATCH *|MATCH f*|MATCH f?] [COUNT {num}|FOO|TYPE hash]"),
    (1, "HSCAN {key} {cur} [COUNT {num}|MATCH|FOO {num}]"),
    (3, "HEXPIRE {key} {sec} [NX|XX|GT|LT] [FIELDS|FIELDS|FIELDS|FOO] [1|2|2|x] {fld} {fld}"),
    (3, "HPEXPIRE {key} {ms} [NX|XX] FIELDS 2 {fld} {fld}"),
    (2, "HEXPIREAT {key} {at} [NX|XX|GT|LT] FIELDS 2 {fld} {fld}"),
    (3, "HPEXPIREAT {key} {atms} [NX|XX|GT|LT] FIELDS [2|1|0] {fld} {fld}"),
    (2, "HPERSIST {key} FIELDS [2|2|1|x] {fld} {fld}"),
    (2, "HTTL {key} FIELDS [2|2|3] {fld} {fld}"),
    (2, "HPTTL {key} FIELDS 2 {fld} {fld}"),
    (2, "HEXPIRETIME {key} FIELDS 1 {fld}"),
    (2, "HPEXPIRETIME {key} [FIELDS|FOO] [1|0] {fld}"),
    (3, "HGETEX {key} [EX {sec}|PX {ms}|EXAT {at}|PXAT {atms}|PERSIST|FOO] FIELDS [2|2|2|1|x] {fld} {fld}"),
    (2, "HGETDEL {key} FIELDS [2|2|1|x] {fld} {fld}"),
    (3, "HSETEX {key} [FNX|FXX|FOO] [EX {sec}|PX {ms}|EXAT {at}|PXAT {atms}|KEEPTTL] FIELDS [2|2|1|x] {fld} {val} {fld} {val}"),
]
CLASSES.update(streams.CLASSES)
CLASSES.update(conversations.CLASSES)
TEMPLATES += streams.TEMPLATES + conversations.TEMPLATES
# Hashes and sets have no order, and who expires first is chance.
UNORDERED = ("KEYS", "SCAN", "HGETALL", "HKEYS", "HVALS", "HSCAN", "SMEMBERS", "SINTER", "SUNION", "SDIFF", "SPOP",
             "SRANDMEMBER", "SSCAN")
MOMENTS = ("HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME")
# Replies that are moments: compared within this many units.
TOLERANCES = {"TTL": 2, "PTTL": 3000, "EXPIRETIME": 2, "PEXPIRETIME": 3000}


def bytes_of(text):
    return text.encode("latin-1")


def expand(template, chance):
    """Draws one command from a template."""
    out = []
    at = 0
    while at < len(template):
        if template[at] == "[":
            end = template.index("]", at)
            choices = template[at + 1:end].split("|")
            if chance.random() < 0.6:
                out += expand(chance.choice(choices), chance)
            at = end + 1
        elif template[at] == "{":
            end = template.index("}", at)
            out.append(bytes_of(chance.choice(CLASSES[template[at + 1:end]])))
            at = end + 1
        elif template[at] == " ":
            at += 1
        else:
            end = at
            while end < len(template) and template[end] not in " [{":
                end += 1
            out.append(bytes_of(template[at:end]))
            at = end
    return out


def spoil(command, chance):
    """Sometimes drops, adds, doubles or replaces an argument, or changes letter case."""
    draw = chance.random()
    if command[0].startswith((b"BL", b"BR", b"BZ", b"EVALSHA")):
        return command  # a spoiled timeout could be a long one; Redis 7.0 looks for a script first
    # Scores from anywhere would be written with 17 digits by older releases, and with the shortest by newer ones.
    takes_scores = command[0][:1] in b"Zz" or command[0][:3].upper() == b"GEO"
    if draw < 0.04 and len(command) > 1:
        del command[chance.randrange(1, len(command))]
    elif takes_scores and draw < 0.10:
        pass
    elif draw < 0.08:
        command.insert(chance.randrange(1, len(command) + 1), bytes_of(chance.choice(SPOILERS)))
    elif draw < 0.10 and len(command) > 1:
        command[chance.randrange(1, len(command))] = bytes_of(chance.choice(SPOILERS))
    elif draw < 0.14:
        at = chance.randrange(len(command))
        if len(command[at]) < 20 and (at == 0 or command[at].isupper()):
            command[at] = command[at].swapcase()
    return command


class Pair:
    """The same conversation with both servers."""

    def __init__(self, reference, subject, protocol):
        self.sides = [Connection(reference.port), Connection(subject.port)]
        if protocol == 3:
            for side in self.sides:
                side.call("HELLO", "3")

    def call(self, *args):
        return [side.call(*args) for side in self.sides]

    def close(self):
        for side in self.sides:
            side.close()


def text_of(reply):
    """One line of text for people."""
    mark, content = reply
    if isinstance(content, tuple):
        items = ["%s: %s" % (text_of(x[0]), text_of(x[1])) if mark in "%|" else text_of(x) for x in content]
        return ("%s[%s]" % (mark, ", ".join(items)))[:600]
    text = "nil" if content is None else content if isinstance(content, int) else repr(content)[1:]
    return "%s%s" % (mark, str(text)[:300])


def ordered(reply):
    """The reply with its innermost lists sorted."""
    mark, content = reply
    if isinstance(content, tuple):
        return mark, tuple(sorted((ordered(x) if mark not in "%|" else x for x in content), key=repr))
    return reply


def depends_on_the_server(command, theirs):
    """Says whether a reply is about the server itself, so that only its kind can be the same."""
    name, inner = command[0].upper(), command[1].upper() if len(command) > 1 else b""
    if name == b"COMMAND":
        # Redis 7.0 asks for one argument more than its successors do.
        short = theirs[0] == "-" and b"'command|getkeys" in theirs[1]
        return short or inner in (b"", b"COUNT", b"LIST", b"DOCS", b"INFO")
    if name == b"SCAN":
        # How odd a cursor may be written differs between releases, and in which order keys come.
        whole = [word.upper() for word in command[1:4]] == [b"0", b"COUNT", b"1000"]
        return not whole
    if name == b"OBJECT" and inner == b"ENCODING" and len(command) > 2 and len(command[2]) > 64:
        # Beside a long key the successors store short values apart; Redis calls them embstr all the same.
        return theirs[1] in (b"embstr", b"raw")
    if name == b"OBJECT":
        return inner in (b"IDLETIME", b"HELP", b"REFCOUNT")
    if name == b"CLIENT" and inner == b"KILL" and b"ID" in [word.upper() for word in command]:
        # Redis takes one id, Valkey several: they stumble over different arguments.
        return theirs[0] == "-"
    return name == b"CLIENT" and inner in (b"LIST", b"INFO", b"ID", b"HELP") or name in (b"HELLO", b"MEMORY")


def same(command, ours, theirs):
    """Says whether two replies to a command are the same but for time and order."""
    if depends_on_the_server(command, theirs):
        return ours[0] == theirs[0] or command[0].upper() in (b"COMMAND", b"SCAN")
    name = command[0].upper().decode("latin-1")
    if name.startswith("X"):
        return streams.without_moments(command, ours) == streams.without_moments(command, theirs)
    both_numbers = ours[0] == theirs[0] == ":"
    if name in TOLERANCES and both_numbers:
        known = min(ours[1], theirs[1]) < 0
        return ours == theirs if known else abs(ours[1] - theirs[1]) <= TOLERANCES[name]
    if name in ("EXPIRE", "PEXPIRE") and both_numbers and {b"GT", b"LT"} & {word.upper() for word in command}:
        return True
    if name in MOMENTS and ours[0] == theirs[0] == "*" and len(ours[1]) == len(theirs[1]):
        return all(x == y if min(x[1], y[1]) < 0 else abs(x[1] - y[1]) <= 3000 for x, y in zip(ours[1], theirs[1]))
    if name in ("HEXPIRE", "HPEXPIRE") and ours[0] == theirs[0] == "*" and {b"GT", b"LT"} & {word.upper() for word in command}:
        return len(ours[1]) == len(theirs[1])
    if name == "HRANDFIELD" and ours[0] == theirs[0] and ours[0] in "$*_":
        return isinstance(ours[1], tuple) == isinstance(theirs[1], tuple) and (
            not isinstance(ours[1], tuple) or len(ours[1]) == len(theirs[1]))
    if name in ("SSCAN", "HSCAN") and ours[0] == theirs[0] == "*" and {ours[1][0][1], theirs[1][0][1]} != {b"0"}:
        return True  # how far one call comes in a table is the server's own business
    if name == "BITCOUNT" and theirs[0] == "-" and theirs[1] == b"ERR syntax error" and len(command) == 3:
        return True  # Valkey takes a start without an end, Redis does not
    if name.startswith("GEO") and b"COUNT" in [word.upper() for word in command]:
        return ordered(ours) == ordered(theirs)  # who of those equally far comes first is chance in a partial sort
    if name in UNORDERED:
        return ordered(ours) == ordered(theirs)
    if name in ("SORT", "SORT_RO") and theirs[0] == "-" and theirs[1].startswith(b"ERR One or more scores"):
        return True  # so it is with empty weights
    if name in ("SORT", "SORT_RO") and b"BY" in [word.upper() for word in command]:
        # Equal weights leave the order open, and a LIMIT then which elements come.
        return ours[0] == theirs[0] and (ours[0] != "*" or len(ours[1]) == len(theirs[1]))
    if name == "RANDOMKEY":
        return (ours[1] is None) == (theirs[1] is None)
    return ours == theirs


def known_to(server, templates):
    """Returns the templates whose command (and subcommand) this server has."""
    connection = Connection(server.port)
    kept = []
    for weight, template in templates:
        words = template.replace("[", " ").split()
        name = words[0]
        if name.startswith(("foo", "quit_")):
            kept.append((weight, template))
            continue
        info = connection.call("COMMAND", "INFO", name)[1][0]
        has = info[1] is not None
        if has and name in ("CLIENT", "COMMAND", "DEBUG") and words[1].replace("-", "").isupper() and "|" not in words[1]:
            sub = connection.call("COMMAND", "INFO", "%s|%s" % (name, words[1]))[1][0]
            has = sub[1] is not None or name == "DEBUG"
        if has:
            kept.append((weight, template))
    connection.close()
    return kept


def is_sorted_by_chance(pair, command):
    """Says whether the originals sort otherwise from time to time: they end texts at a zero byte, read the
    error number of something before when a text is empty, and make a skip list of a sorted set for good."""
    kind = pair.call("TYPE", *command[1:2])[0][1]
    if kind == b"zset" or {b"BY", b"STORE"} <= {word.upper() for word in command}:
        return True
    if kind not in (b"set", b"list"):
        return False
    elements = ("SMEMBERS", command[1]) if kind == b"set" else ("LRANGE", command[1], "0", "-1")
    return any(element[1] == b"" or b"\0" in element[1] for element in pair.call(*elements)[0][1])


def is_of_redis_8(template):
    """Says whether Redis 8 answers a template's command otherwise than Redis 7.0."""
    name = template.replace("[", " ").split()[0].upper()
    others = ("SETNX", "SETEX", "SETRANGE", "SETBIT", "SET", "STRLEN", "SUBSTR", "SELECT", "SWAPDB", "SCAN", "SLOWLOG", "SHUTDOWN")
    lists = ("BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "RPOP", "RPOPLPUSH", "RPUSH", "RPUSHX", "BZMPOP", "BZPOPMIN", "BZPOPMAX")
    if name in lists or name in ("HSCAN", "BITCOUNT", "BITPOS"):
        return True
    first = name[0]
    if first == "L":
        return name not in ("LCS", "LOLWUT", "LATENCY", "LASTSAVE")
    return first in "XZ" or name.startswith("GEO") or first == "S" and name not in others


def compare_keyspaces(pair):
    """Returns what differs between the keys of both servers."""
    differences = []
    for database in range(4):
        pair.call("SELECT", str(database))
        left, right = (sorted(key[1] for key in reply[1]) for reply in pair.call("KEYS", "*"))
        if left != right:
            differences.append("database %d: keys %r against %r" % (database, left, right))
            continue
        for key in left:
            for question in (["TYPE", key], ["GET", key], ["HGETALL", key], ["LRANGE", key, "0", "-1"], ["PTTL", key], ["OBJECT", "ENCODING", key]):
                a, b = pair.call(*question)
                if not same([bytes_of(question[0]), *map(lambda x: x if isinstance(x, bytes) else bytes_of(x), question[1:])], a, b):
                    differences.append("database %d: %r: %s against %s" % (database, question, text_of(a), text_of(b)))
    return differences


def run(reference, subject, protocol, count, seed, show_all, is_documented=False):
    """Holds one conversation; returns how many replies were the same and what differed."""
    chance = random.Random("%d/%d" % (seed, protocol))
    templates = known_to(reference, TEMPLATES)
    if not known_to(reference, [(1, "HEXPIRE")]):
        # Streams, lists, sets and sorted sets answer as Redis 8 does: other encodings, texts and fields
        # than Redis 7.0's. They are compared with a reference that has HEXPIRE.
        templates = [template for template in templates if not is_of_redis_8(template[1])]
        conversations.leave_out_what_is_new()
    weights = [weight for weight, _ in templates]
    pair = Pair(reference, subject, protocol)
    pair.call("FLUSHALL")
    # Thresholds are crossed often.
    pair.call("CONFIG", "SET", "stream-node-max-entries", "8")
    # Which command was slow is chance.
    pair.call("CONFIG", "SET", "slowlog-log-slower-than", "-1")
    pair.call("SLOWLOG", "RESET")
    commands = documented.Documented(*pair.sides) if is_documented else None
    history, differences, seen, transaction = [], [], set(), conversations.Transaction(same)
    for step in range(count):
        if commands:
            command = commands.draw(chance)
        else:
            command = spoil(expand(chance.choices(templates, weights)[0][1], chance), chance)
        if transaction.queued is not None and chance.random() < conversations.ENDED:
            command = [b"EXEC"]
        if not conversations.suits(command, transaction.queued is not None):
            continue
        if command[0].upper() == b"CLIENT" and any(b"\0" in word for word in command):
            continue  # Redis 8 looks at a client's name only up to a zero byte
        if command[0].upper() in (b"SPOP", b"SRANDMEMBER") and command[2:3] not in ([b"100000"], [b"0"], [b"-1"], [b"x"]):
            continue  # which members come is chance
        if command[0].upper() in (b"SORT", b"SORT_RO") and is_sorted_by_chance(pair, command):
            continue
        if command[0].upper() == b"LSET" and any(b"9223372036854775" in word for word in command[2:3]):
            continue  # the originals drop all but 32 bits of this index
        inner = command
        if conversations.calls(inner, chance):
            command = conversations.wrap(inner, chance)
        a, b = pair.call(*command)
        history.append("%s -> %s" % (repr(command)[:300], text_of(a)))
        if transaction.same(command, inner, b, a):
            continue
        line = "step %d, seed %d, RESP%d: %s\n  reference: %s\n  subject:   %s" % (
            step, seed, protocol, repr(command)[:400], text_of(a), text_of(b))
        kind = (command[0].upper(), a[0], b[0], a[1] if a[0] == "-" else None, b[1] if b[0] == "-" else None)
        if kind not in seen:
            seen.add(kind)
            if not show_all:
                line += "\n  before it:\n    " + "\n    ".join(history[-12:-1])
            differences.append(line)
        if not show_all:
            break
    if transaction.queued is not None:
        pair.call("DISCARD")
    if not differences:
        differences = compare_keyspaces(pair)
    pair.close()
    return step + 1 - len(differences), differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", default=os.environ.get("REDPOLL_REFERENCE", "redis-server"))
    parser.add_argument("--subject", default=os.environ.get("REDPOLL_BIN", "target/debug/redpoll"))
    parser.add_argument("--commands", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only templates that begin with one of these, e.g. X,ZADD")
    parser.add_argument("--all", action="store_true", help="go on after a difference, show one of each kind")
    parser.add_argument("--documented", action="store_true", help="make commands of what the reference documents")
    parser.add_argument("--option", action="append", default=[], help="an option of the subject, e.g. threads=4")
    args = parser.parse_args()
    TEMPLATES[:] = [template for template in TEMPLATES if template[1].startswith(tuple(args.only.split(",")))]
    options = [word for option in args.option for word in ("--" + option.split("=")[0], option.split("=")[1])]
    failed = False
    with Server(args.reference) as reference, Server(args.subject, *options) as subject:
        for protocol in (2, 3):
            same_count, differences = run(reference, subject, protocol, args.commands, args.seed, args.all, args.documented)
            print("RESP%d: %d replies agree, %d differ" % (protocol, same_count, len(differences)))
            for difference in differences:
                print(difference)
            failed = failed or bool(differences)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
