#!/usr/bin/env python3
"""check.py [MODEL...]: does Spin say of fence.pml and exclusion.pml what is expected of them?

The protocol as it is must keep its promise in every state that can be reached, and nothing of a model may be left
unreached. With an assumption dropped, or a bug sown, the promise must break: otherwise the model is blind. Needs spin
and a C compiler (CC, or cc).

A counterexample is shown, step by step, by hand:
  spin -a -DCONFIRM_SKIPPED fence.pml && cc -DSAFETY -DREACH -o pan pan.c && ./pan -i -m100
  spin -t -T -DCONFIRM_SKIPPED fence.pml
"""
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MEMORY = 2 << 30
DEPTH = 2_000_000
HOLDS, BREAKS = "holds", "breaks"
PLAIN = "the protocol"
FIGURES = (r"(\d+) states, stored", r"(\d+) transitions", r"depth reached (\d+)", r"([\d.]+)\s+total actual memory")

# What is defined, and the verdict.
EXPECTED = {
    "fence": [
        ("", HOLDS),
        ("IN_TIME", HOLDS),
        ("N=4 TOP=2", HOLDS),
        ("Q=3 TOP=2 NODE_FORGETS=2", HOLDS),
        ("Q=3 TOP=2 NODE_FORGETS=3", BREAKS),
        ("TOP=2 NODE_FORGETS=1", BREAKS),
        ("CONFIRM_SKIPPED", BREAKS),
        ("CONFIRM_WITHOUT_OWNERSHIP", BREAKS),
        ("CONFIRM_AT_LEAST", BREAKS),
        ("CONFIRM_AT_LEAST IN_TIME", HOLDS),
        ("MAJORITY_OF_WON N=4 TOP=2", BREAKS),
        ("LATE_GRANT_IGNORED IN_TIME", BREAKS),
        ("LATE_GRANT_IGNORED", HOLDS),
        ("QUORUM_MINUS_ONE", BREAKS),
    ],
    "exclusion": [
        ("", HOLDS),
        ("TTL=4 SLACK=2", HOLDS),
        ("TTL=3 KEYS_OUTLIVE_LEASES", HOLDS),
        ("TTL=3 KEYS_OUTLIVE_LEASES EXPIRY_EARLY", BREAKS),
        ("TTL=2 RESTART_GUARD NODE_FORGETS=2", HOLDS),
        ("TTL=2 RESTART_GUARD NODE_FORGETS=2 SET_ANEW", HOLDS),
        ("TTL=3 RESTART_GUARD NODE_FORGETS=1 SET_ANEW QUARANTINE_RENEWS", BREAKS),
        ("TTL=2 Q=3 NODE_FORGETS=2", HOLDS),
        ("TTL=2 Q=3 NODE_FORGETS=3", BREAKS),
        ("TTL=2 NODE_FORGETS=1", BREAKS),
        ("EXPIRY_EARLY", BREAKS),
        ("NO_SLACK", BREAKS),
        ("V_AT_REPLY", BREAKS),
        ("QUORUM_MINUS_ONE", BREAKS),
    ],
}


class Unusable(Exception):
    """No verdict: the message says why."""


def run(command, folder):
    """What it prints. Whatever it started ends with it, also when we are interrupted."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise Unusable(f"{shlex.join(command)}: exit status {process.returncode}\n{output}")
    return output


def search(model, defined, folder):
    """The output of an exhaustive search."""
    macros = [f"-D{macro}" for macro in defined.split()]
    run(["spin", "-a", *macros, str(HERE / f"{model}.pml")], folder)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    run([*compiler, "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"], folder)
    return run(["./pan", f"-m{DEPTH}"], folder)


def number(pattern, output):
    if not (found := re.search(pattern, output)):
        raise Unusable(f"Spin did not say {pattern!r}\n{output}")
    return float(found.group(1))


def judge(output):
    """(verdict, the promise that broke or the lines never reached)"""
    if "Full statespace search" not in output or "too small" in output or "out of memory" in output:
        raise Unusable(f"the search was not exhaustive\n{output}")
    if number(r"errors: (\d+)", output) > 0:
        if not (found := re.search(r"assertion violated (.*) \(at depth", output)):
            raise Unusable(f"an error that is no broken promise\n{output}")
        return BREAKS, found.group(1).strip()
    unreached = re.findall(r"^\t\S+:(\d+), state \d+, (?!\"-end-\")", output, re.MULTILINE)
    return HOLDS, "never reached: line " + ", ".join(unreached) if unreached else ""


def check(model, defined, expected):
    """Prints a line; whether it says what is expected."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="redlock-model-") as folder:
        output = search(model, defined, folder)
    verdict, detail = judge(output)
    as_expected = verdict == expected and not (verdict == HOLDS and detail)
    figures = [number(pattern, output) for pattern in FIGURES]
    print("{:9} {:38} {:6} {:9.0f} {:11.0f} {:8.0f} {:7.0f} {:6.1f}  {}{}".format(
        model, defined or PLAIN, verdict, *figures, time.monotonic() - begun, detail,
        "" if as_expected else "   UNEXPECTED").rstrip(), flush=True)
    return as_expected


def main():
    # Which ends what was started and takes the folder away.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    models = sys.argv[1:] or list(EXPECTED)
    if unknown := set(models) - set(EXPECTED):
        sys.exit(f"check.py: no such model: {', '.join(sorted(unknown))} (there are: {', '.join(EXPECTED)})")
    print(f"{'model':9} {'with':38} {'':6} {'states':>9} {'transitions':>11} {'depth':>8} {'MB':>7} {'s':>6}")
    failures = 0
    for model in models:
        for defined, expected in EXPECTED[model]:
            try:
                failures += not check(model, defined, expected)
            except Unusable as reason:
                failures += 1
                print(f"{model:9} {defined or PLAIN:38} UNEXPECTED: {reason}", flush=True)
    print("all as expected" if failures == 0 else f"{failures} not as expected")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
