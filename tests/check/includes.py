#!/usr/bin/env python3
"""includes.py ROOT: do all arrows between folders run one way?

Reads the #includes of lib/ and cmd/ and reports each that runs against ARCHITECTURE.md, each library header
outside the one folder that may know it, and each clock read outside lib/event. Before it judges the tree it
judges a bad sample, so that a check that has gone blind fails, too.
"""
import pathlib
import re
import sys

BELOW = {
    "util": set(),
    "core": {"util"},
    "event": {"util"},
    "config": {"util"},
    "redis": {"util", "core", "event", "config"},
    "process": {"util", "core", "event", "config"},
    "session": {"util", "core", "event", "config", "redis", "process"},
    "cmd": {"util", "core", "event", "config", "redis", "process", "session"},
}
ONLY_IN = {"CLI": "cmd", "hiredis": "redis", "hiredis.h": "redis", "read.h": "redis"}  # first part of a header
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
CLOCK = re.compile(r"\b(clock_gettime|gettimeofday|system_clock|steady_clock|high_resolution_clock)\b|(?:::|std::)time\(")


def complaints(folder, text):
    """What is wrong with a file of `folder`, as (line number, sentence)."""
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        if CLOCK.search(code) and folder != "event":
            yield number, "reads a clock: only lib/event may (event/clock.hh)"
        match = INCLUDE.match(code)
        if not match:
            continue
        ours, system = match.groups()
        if ours:
            target = ours.split("/")[0]
            if target not in BELOW or "/" not in ours or ".." in ours:
                yield number, f'"{ours}" does not name a folder of lib/ (or cmd/) first'
            elif target != folder and target not in BELOW[folder]:
                yield number, f'"{ours}": {folder} must not know {target}'
            continue
        owner = ONLY_IN.get(system.split("/")[0])
        if owner and owner != folder:
            yield number, f"<{system}>: only {owner} may know this library"
        if folder == "core" and ("/" in system or system.endswith(".h")):
            yield number, f"<{system}>: core uses the standard library and nothing else"


def self_test():
    sample = '''#include "util/time.hh"
#include "session/pump.hh"
# include "event/clock.hh"
#include "time.hh"
#include <hiredis/hiredis.h>
#include <CLI/CLI.hpp>
#include <unistd.h>
auto a = std::chrono::steady_clock::now(); // steady_clock
auto b = ::time(nullptr);
// clock_gettime in a comment is fine
#include <vector>
'''
    lines = [number for number, _ in complaints("core", sample)]
    assert lines == [2, 3, 4, 5, 5, 6, 6, 7, 8, 9], f"the check itself is broken: {lines}"
    assert not list(complaints("event", "auto t = clock_gettime(CLOCK_BOOTTIME, &s);"))
    assert list(complaints("redis", '#include "process/child.hh"'))
    assert list(complaints("util", '#include "core/message.hh"'))
    assert not list(complaints("cmd", '#include <CLI/CLI.hpp>\n#include "session/pump.hh"\n#include "cmd/lab.hh"'))


def main(root):
    self_test()
    files = found = 0
    for folder in BELOW:
        for path in sorted((root / ("cmd" if folder == "cmd" else f"lib/{folder}")).rglob("*")):
            if path.suffix not in (".cc", ".hh"):
                continue
            files += 1
            for number, sentence in complaints(folder, path.read_text(encoding="utf-8")):
                found += 1
                print(f"{path.relative_to(root)}:{number}: {sentence}")
    unknown = {p.name for p in (root / "lib").iterdir() if p.is_dir()} - set(BELOW)
    for name in sorted(unknown):
        found += 1
        print(f"lib/{name}: a folder that tests/check/includes.py and ARCHITECTURE.md do not know")
    print(f"{files} files, {found} complaints")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
