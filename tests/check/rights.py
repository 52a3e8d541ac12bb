#!/usr/bin/env python3
"""rights.py ROOT: is there one list of the commands that a user of redlock may need, and is it true?

What the scripts call must be what lib/redis/rights.hh lists, what doctor tries (probe.lua), and what the advice in
lib/redis/fault.cc and redlock-nodes(7) name. Judges a bad sample first, so that it is known to fail.
"""
import pathlib
import re
import sys

COMMAND = r"[A-Z]{3,}"


def called(script):
    """The commands that a script calls, in code and not in comments."""
    code = re.sub(r"--.*", "", script)
    return set(re.findall(rf"redis\.p?call\(\s*'({COMMAND})'", code))


def tried(script):
    return set(re.findall(rf"\btry\('({COMMAND})'", re.sub(r"--.*", "", script)))


def listed(text, begin, end):
    """The commands between two phrases of a text; its line breaks and C++ quotes do not matter."""
    text = re.sub(r'"\s*\n\s*"', "", text)
    found = re.search(re.escape(begin) + r"(.{0,200}?)" + re.escape(end), re.sub(r"\s+", " ", text))
    return set(re.findall(COMMAND, found.group(1))) if found else set()


def complaints(needed, lists):
    for name, commands in lists.items():
        if missing := sorted(needed - commands):
            yield f"{name} lacks {', '.join(missing)}"
        if needless := sorted(commands - needed):
            yield f"{name} has {', '.join(needless)}, which no script needs"


def self_test():
    sample = "-- redis.call('APPEND')\nredis.call('GET', key)\nlocal x = redis.pcall('HSET', key)"
    assert called(sample) == {"GET", "HSET"}, called(sample)
    assert listed('a "\n  "commands EVAL, TIME and DEL, and more"', "commands ", ", and") == {"EVAL", "TIME", "DEL"}
    assert list(complaints({"GET", "SET"}, {"one": {"GET", "DEL"}, "two": {"GET", "SET"}})) == [
        "one lacks SET", "one has DEL, which no script needs"]


def main(root):
    self_test()
    scripts = {path.name: path.read_text(encoding="utf-8") for path in (root / "lib/redis/scripts").glob("*.lua")}
    probe = scripts.pop("probe.lua")
    needed = {"EVAL"}.union(*map(called, scripts.values()))

    def text(path):
        return (root / path).read_text(encoding="utf-8")

    lists = {
        "lib/redis/rights.hh": set(re.findall(rf'"({COMMAND})"', text("lib/redis/rights.hh"))),
        "lib/redis/scripts/probe.lua": tried(probe) | {"EVAL"},
        "lib/redis/fault.cc": listed(text("lib/redis/fault.cc"), "the commands ", ", and SELECT"),
        "man/redlock-nodes.7": listed(text("man/redlock-nodes.7"), "the commands ", "; SELECT"),
    }
    found = list(complaints(needed, lists))
    for sentence in found:
        print(sentence)
    print(f"{len(needed)} commands, {len(scripts)} scripts, {len(lists)} lists, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
