"""Random commands for differential.py out of what the reference itself documents: every data command, each of its options
by chance, in the order of COMMAND DOCS, with a wrong word, one too many or one too few now and then."""

GROUPS = {
    b"string": ["k0", "k1", "k2", "k3"], b"list": ["l0", "l1"], b"set": ["s0", "s1", "s2"], b"sorted-set": ["z0", "z1", "z2"],
    b"hash": ["h0", "h1"], b"stream": ["x0", "x1"], b"bitmap": ["b0", "b1"], b"hyperloglog": ["p0", "p1"], b"geo": ["g0", "g1"],
    b"generic": ["k0", "l0", "s0", "z0", "h0", "x0", "none"],
}
KEYS = sorted({key for keys in GROUPS.values() for key in keys})
# What answers by chance, is about the server, or takes bytes that only it makes.
LEFT_OUT = {b"spop", b"srandmember", b"hrandfield", b"zrandmember", b"randomkey", b"scan", b"keys", b"restore", b"dump", b"migrate",
            b"restore-asking", b"wait", b"waitaof", b"pfselftest", b"object|freq", b"object|idletime", b"object|refcount"}
TEXTS = ["a", "b", "c", "d", "1", "2", "3", "-1", "10", "0", "f1", "f2", "x" * 70, "", "3.5", "inf", "nan", "abc"]
INTEGERS = ["1", "2", "0", "3", "-1", "5", "10"]
ODD_INTEGERS = ["x", "", "9223372036854775808", "1.5", "9223372036854775807", "-9223372036854775808", "00"]
DOUBLES, ODD_DOUBLES = ["1", "2", "0.5", "-1.5", "1e3", "0", "3"], ["nan", "inf", "-inf", "x", "", "1e400"]
BOUNDS = ["-", "+", "[a", "(b", "(1", "1", "5", "-inf", "+inf", "0", "-1", "[", "x"]
IDS = ["-", "+", "0", "1-1", "2-0", "3", "5-*", "0-*", "$", ">", "(1-1", "0-0", "x", "7-7"]
# Far off, so that nothing expires while two servers answer one after the other.
TIMES = {b"seconds": ["100000", "200000"], b"milliseconds": ["100000000", "200000000"],
         b"unix-time-seconds": ["33177117420", "33177117000"], b"unix-time-milliseconds": ["33177117420123", "33177117000000"]}
BY_NAME = {
    b"group": ["g", "h"], b"consumer": ["c", "d"], b"encoding": ["u8", "i16", "u1", "i64", "u64", "x"], b"timeout": ["0.01"],
    b"destination-db": ["0", "0", "0", "1", "x", "99"], b"db": ["0", "0", "1", "x", "99"], b"min-idle-time": ["0"],
    b"cursor": ["0", "x"],
}


def plain(reply):
    mark, content = reply
    if mark == "%":
        return {plain(key): plain(value) for key, value in content}
    return [plain(item) for item in content] if isinstance(content, tuple) else content


def facts(words):
    """A map, whether it came as one or as an array."""
    return words if isinstance(words, dict) else dict(zip(words[::2], words[1::2]))


def arguments(words):
    """The arguments of a command as it documents them, those within others included."""
    found = [facts(one) for one in words or []]
    for one in found:
        one[b"arguments"] = arguments(one.get(b"arguments"))
        one[b"flags"] = set(one.get(b"flags", ()))
    return found


class Documented:
    """The data commands that two servers have."""

    def __init__(self, reference, subject):
        self.commands = []
        for name in plain(reference.call("COMMAND", "LIST")):
            about = facts(plain(reference.call("COMMAND", "DOCS", name)))[name]
            parts = [(name, facts(about))]
            parts += list(facts(facts(about).get(b"subcommands", [])).items())
            for full_name, one in parts:
                one = facts(one)
                is_there = plain(subject.call("COMMAND", "INFO", full_name))[0] is not None
                if one[b"group"] in GROUPS and b"subcommands" not in one and is_there and full_name not in LEFT_OUT \
                        and not full_name.endswith(b"|help"):
                    self.commands.append((full_name, one[b"group"], arguments(one.get(b"arguments"))))

    def draw(self, chance):
        """Returns one command."""
        name, group, wanted = chance.choice(self.commands)
        words = name.decode().split("|")
        count_at = None
        for one in wanted:
            drawn = self.argument(one, group, chance)
            if one[b"name"] == b"numkeys":
                count_at = len(words)
            elif one[b"type"] == b"key" and count_at is not None and drawn and chance.random() < 0.8:
                words[count_at] = str(len(drawn))
            words += drawn
        # The last word of those that wait is how long.
        if chance.random() < 0.07 and len(words) > 1 and words[-1:] != BY_NAME[b"timeout"]:
            if chance.random() < 0.5:
                del words[chance.randrange(1, len(words))]
            else:
                words.insert(chance.randrange(1, len(words) + 1), chance.choice(TEXTS))
        # Otherwise the identifier is the time.
        words = ["0-*" if name == b"xadd" and word == "*" else word for word in words]
        return [word.encode() for word in words]

    def argument(self, one, group, chance):
        """Returns the words of an argument, none if it is optional and left out."""
        if b"optional" in one[b"flags"] and chance.random() < 0.62:
            return []
        words = self.value(one, group, chance)
        while b"multiple" in one[b"flags"] and chance.random() < 0.45:
            more = self.value(one, group, chance)
            words += more if b"multiple_token" in one[b"flags"] or not one.get(b"token") else more[1:]
        return words

    def value(self, one, group, chance):
        kind, name = one[b"type"], one[b"name"].lower()
        words = [one[b"token"].decode()] if one.get(b"token") else []
        if words == ["BLOCK"]:
            return ["BLOCK", "1"]
        pick = lambda usual, odd=(): [chance.choice(odd if odd and chance.random() < 0.07 else usual)]
        if kind == b"pure-token":
            return words
        if kind == b"oneof":
            return words + self.argument(chance.choice(one[b"arguments"]), group, chance)
        if kind == b"block":
            return words + [word for part in one[b"arguments"] for word in self.argument(part, group, chance)]
        if kind == b"key":
            return words + pick(GROUPS[group], KEYS)
        if name in TIMES or name in BY_NAME:
            return words + pick(TIMES.get(name) or BY_NAME[name], ODD_INTEGERS if name in TIMES else ())
        if kind == b"integer" or kind == b"unix-time":
            return words + pick(INTEGERS, ODD_INTEGERS)
        if kind == b"double":
            return words + pick(DOUBLES, ODD_DOUBLES)
        if kind == b"pattern":
            return words + pick(["*", "a*", "f?", "[ab]", ""])
        if group == b"stream" and (b"id" in name or name in (b"start", b"end", b"threshold")):
            return words + pick(IDS)
        return words + pick(BOUNDS if name in (b"min", b"max", b"start", b"stop", b"end") else TEXTS)
