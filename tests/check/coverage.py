#!/usr/bin/env python3
"""coverage.py [FOLDER]: which lines and branches of the core and the supervisor does no test take?

Builds into FOLDER (build-coverage), runs the unit tests, the conversations and the simulator, and prints what is left,
with a table of all. For the eye and not for CI: what is taken is not yet checked.

Not counted, because no input can take them: branches that the compiler made for exceptions and destructors, and the way
out of a switch over every value of an enum. Nor a check() that fails: who sees that, dies with its counts
(LockDeathTest).
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = re.compile(r"lib/core/.*\.(cc|hh)|lib/process/supervisor\.(cc|hh)")
PROGRAMS = ["tests/unit/core_test", "tests/unit/process_test", "tests/core/conversation_test", "tests/sim/sim"]
# Lines whose branches are not looked at: the cases of a switch are lines of their own, the rest is as above.
NO_BRANCHES = re.compile(r"\s*(switch \(.*|check\(.*)")
NO_WORDS = re.compile(r"[{};,()\s]*(//.*)?")


def runs():
    yield ["tests/unit/core_test"]
    yield ["tests/unit/process_test"]
    yield ["tests/core/conversation_test", *map(str, sorted((ROOT / "tests/core").glob("*.txt")))]
    yield ["tests/sim/sim", "--schedules", "3000"]
    yield ["tests/sim/sim", "--fault-model", "outside", "--schedules", "1000"]
    for story in ("clock-jumps", "wakes-late", "restarts-empty"):
        yield ["tests/sim/sim", "--story", story]


def build(folder):
    if not (folder / "build.ninja").exists():
        # The simulator has threads: without "atomic" their counts would be guesses.
        options = ["-Db_coverage=true", "-Doptimization=0", "-Db_lto=false", "-Dtests=true"]
        subprocess.run(["meson", "setup", folder, *options, "-Dcpp_args=-fprofile-update=atomic"], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder, *PROGRAMS], check=True, stdout=subprocess.DEVNULL)


def take(folder):
    for counts in folder.rglob("*.gcda"):
        counts.unlink()
    for program, *arguments in runs():
        done = subprocess.run([folder / program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(f"{' '.join([program, *arguments[:4]])}: exit code {done.returncode}", flush=True)
        if done.returncode != 0 and "restarts-empty" not in arguments:  # which is expected to fail
            sys.exit(done.stdout)


def pairs(branches):
    """What each condition did, as counts of its two ways. A call that may throw is written as such a pair, too."""
    ways = [tuple(branches[i : i + 2]) for i in range(0, len(branches), 2)]
    return [tuple(way["count"] for way in both) for both in ways if not any(way["throw"] for way in both)]


def counted(folder):
    """{file: {line: {function: (count, [pairs])}}}, over all objects: one inline function may be in many."""
    found = collections.defaultdict(lambda: collections.defaultdict(dict))
    objects = sorted(map(str, folder.rglob("*.gcda")))
    text = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", *objects], cwd=folder, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    for document in text.splitlines():
        for file in json.loads(document)["files"]:
            path = (folder / file["file"]).resolve()
            if not path.is_relative_to(ROOT) or not PRODUCT.fullmatch(str(path.relative_to(ROOT))):
                continue
            for line in file["lines"]:
                functions = found[path][line["line_number"]]
                branches = pairs(line["branches"])
                name = line.get("function_name", "")
                before, taken = functions.get(name, (0, []))
                functions[name] = (before + line["count"], added([taken, branches]) if taken else branches)
    return found


def added(lists):
    return [tuple(map(sum, zip(*column))) for column in zip(*lists)]


def merged(functions):
    """One line's instances of a template are one; what looks different is a function of its own, say a lambda."""
    alike = collections.defaultdict(list)
    for _, branches in functions.values():
        alike[len(branches)].append(branches)
    return sum(count for count, _ in functions.values()), [both for lists in alike.values() for both in added(lists)]


def main(folder):
    build(folder)
    take(folder)
    print(f"\n{'':28}{'lines':>12}{'branches':>16}")
    left = []
    for path, lines in sorted(counted(folder).items()):
        source = path.read_text(encoding="utf-8").splitlines()
        sums = collections.Counter()
        name = path.relative_to(ROOT)
        for number, functions in sorted(lines.items()):
            code = source[number - 1]
            if NO_WORDS.fullmatch(code):
                continue
            count, branches = merged(functions)
            sums["lines"] += 1
            sums["taken"] += count > 0
            if NO_BRANCHES.fullmatch(code):
                branches = []
            # Neither way: something before it is never true (and is told), or it is an exception's.
            branches = [way for both in branches if any(both) or count == 0 for way in both]
            sums["branches"] += len(branches)
            sums["branches taken"] += sum(way > 0 for way in branches)
            if count == 0:
                left.append(f"{name}:{number}: never: {code.strip()}")
            elif 0 in branches:
                taken = "".join("+" if way else "-" for way in branches)
                left.append(f"{name}:{number}: branches {taken}: {code.strip()}")
        print(f"{str(name):28}{sums['taken']:6} of {sums['lines']:3}{sums['branches taken']:9} of {sums['branches']:4}")
    print("", *left, f"{len(left)} left", sep="\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build-coverage").absolute())
