#!/usr/bin/env python3
"""model_test.py PROGRAM CLOCK_SHIM SCRIPTS [ROUNDS [SEED]]: does the model of a node say what a redis-server says?

Plays random sequences of the commands that the scripts use, and of the scripts, on both. The server's wall clock stands
still (clock_shim.cc, preloaded) and this test moves it, so that both have the same time to the microsecond, however
slow the machine is: every reply must be equal. Exit status 77 (skipped) where there is no redis-server.
"""
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

LONG, SHORT = 600_000, 20
KEYS = ["a", "b"]
NODE = "node"
OWN = "own"  # stands for the server's run_id
# As words: what a clock says so many microseconds from now.
AHEAD = ["+-5000000", "+0", "+5000000", "+15000000"]
TOKENS = ["x", "y", "1"]
# Microseconds that pass before a command: few mostly, and sometimes just about a short time to live.
STEPS = [0, 1, 300, 1000, 2000, 7000, SHORT * 1000 - 1000, SHORT * 1000, SHORT * 1000 + 1000]
LIMIT = 60  # seconds for one answer


class Clock:
    """A server's wall clock, which stands still until it is moved: see clock_shim.cc."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        self.begin = self.now = time.time_ns() // 1000
        self.move(0)

    def move(self, microseconds):
        self.now += microseconds
        os.pwrite(self.file, struct.pack("=3q", self.now - self.begin, -1_000_000, self.begin), 0)


class Server:
    """A real one, on a unix socket."""

    def __init__(self, folder, shim):
        path, clock_path = f"{folder}/redis", f"{folder}/clock"
        self.clock = Clock(clock_path)
        with open(f"{folder}/log", "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "redis-server", "--port", "0", "--unixsocket", path, "--save", ""],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                env={**os.environ, "LD_PRELOAD": shim, "CLOCK_FILE": clock_path})
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        end = time.monotonic() + LIMIT
        while self.socket.connect_ex(path) != 0:
            if time.monotonic() > end or self.process.poll() is not None:
                self.stop()
                with open(f"{folder}/log", encoding="utf-8", errors="replace") as log:
                    sys.exit(f"redis-server took no connection within {LIMIT} s, or ended:\n{log.read()}")
            time.sleep(0.02)
        self.stream = self.socket.makefile("rb")

    def stop(self):
        self.process.kill()
        self.process.wait(LIMIT)

    def call(self, *words):
        parts = [word.encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self.reply()

    def reply(self):
        """In the words of model_test.cc."""
        line = self.stream.readline()[:-2].decode()
        kind, rest = line[0], line[1:]
        if kind == "$":
            if rest == "-1":
                return "nil"
            return "text " + self.stream.read(int(rest) + 2)[:-2].decode()
        if kind == "*":
            return "nil" if rest == "-1" else "[" + "".join(self.reply() + "," for _ in range(int(rest))) + "]"
        if kind == "-":
            return "error " + rest.split(" ")[0]
        return {":": "int ", "+": "status "}[kind] + rest


def command(chance):
    key, ttl = chance.choice(KEYS), str(chance.choice([LONG, LONG, SHORT, 2 * LONG]))
    token = chance.choice(TOKENS)
    fence_key = f"{key}:fence"
    # One that is known already, mostly: a fence that has run ahead of all proposals hides what they do.
    fence = chance.choice(["0", "7", "1000", *AHEAD])
    until = chance.choice(["0", *AHEAD])
    guard = chance.choice(["0", "20", "600000"])
    terms = f"{chance.choice('3335')} 2 {guard} {chance.choice('01')}"
    at = chance.choice(["", key])
    run_id = chance.choice([OWN, OWN, OWN, "x"])
    records = chance.choice([["", terms[:-2]], [terms[:-2], terms[:-2]], [terms[:-2], ""], [terms[:-2], "9 9 0"]])
    return chance.choice([
        ["TYPE", key], ["GET", key], ["PTTL", key], ["DEL", key], ["PEXPIRE", key, ttl], ["PEXPIRE", key, "0"],
        ["PEXPIRE", key, "soon"], ["SET", key, token], ["SET", key, token, "PX", ttl], ["SET", key, token, "PX", "0"],
        ["SET", key, token, "NX", "PX", ttl], ["SET", key, token, "PX", "x"], ["LPUSH", key, token],
        ["SET", key, token, "EX", "600"], ["SET", key, token, "EX", "0"], ["TIME"], ["HGET", key, "floor"],
        ["HSET", key, "floor", token], ["TYPE", NODE], ["GET", NODE], ["HGET", NODE, "floor"],
        ["HSET", NODE, "floor", chance.choice(["1", *AHEAD])], *[["DEL", NODE]] * 2, ["GET", fence_key],
        ["HMGET", key, "floor", "run_id"], ["HMGET", NODE, "run_id", "id", "x"], ["HSETNX", key, "floor", token],
        ["HSET", NODE, "run_id", "x", "joined", chance.choice(["0", *AHEAD])], ["HSETNX", NODE, "id", token],
        ["HDEL", NODE, "used", "x"], ["HDEL", NODE, "run_id"], ["HDEL", key, "floor"],
        *[["HSET", NODE, f"hold:{at}", f"{chance.choice(AHEAD)} {chance.choice(['20000', '9000000'])} me"]] * 2,
        ["HSET", NODE, f"trial:{at}", chance.choice(["0", *AHEAD])], *[["EVAL", "inspect", "1", NODE, at]] * 4,
        *[["EVAL", "trust", "1", NODE, run_id, chance.choice(["0", *AHEAD])]] * 4,
        *[["EVAL", "record", "1", NODE, at, run_id, *records, chance.choice("01"), chance.choice(["", "me "])]] * 4,
        *[["EVAL", "hold", "1", NODE, at, run_id, records[0], chance.choice(["me", "you"]), chance.choice(["0", "20"])]
          ] * 3,
        ["HSET", NODE, "joined", chance.choice(["0", *AHEAD])], ["HSET", NODE, "checked", chance.choice(["0", *AHEAD])],
        *[["DEL", fence_key]] * 4, ["SET", fence_key, "9007199254740991"], ["SET", fence_key, "x"],
        *[["EVAL", "acquire", "3", key, fence_key, NODE, token, ttl, fence, terms]] * 8,
        *[["EVAL", "confirm", "2", key, fence_key, token, fence]] * 4,
        *[["EVAL", "extend", "3", key, fence_key, NODE, token, ttl, fence, f"{until} {terms}"]] * 8,
        *[["EVAL", "release", "2", key, fence_key, token, fence]] * 4, *[["EVAL", "status", "2", key, fence_key]] * 4,
        *[["SLEEP"]] * 2, ["FULL", "1"], *[["FULL", "0"]] * 3])


def absolute(word, now):
    """A moment from now on in the server's own time, and so in the model's, which is set to it."""
    return " ".join(str(now + int(part[1:])) if part.startswith("+") else part for part in word.split(" "))


def text_of(folder, name):
    with open(f"{folder}/{name}", encoding="utf-8") as script:
        text = script.read()
    return re.sub(r"^--include (\S+)$", lambda match: text_of(folder, match.group(1)), text, flags=re.MULTILINE)


def main():
    program, shim, scripts = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3000
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    if not shutil.which("redis-server"):
        print("there is no redis-server here")
        return 77
    names = ("acquire", "confirm", "extend", "release", "status", "inspect", "trust", "record", "hold")
    texts = {name: text_of(scripts, f"{name}.lua") for name in names}
    chance = random.Random(seed)
    played, expected = [], []
    # Not $TMPDIR: a socket's path must be short.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = Server(folder, os.path.abspath(shim))
        try:
            if server.call("TIME") != (first := server.call("TIME")) or str(server.clock.now // 1_000_000) not in first:
                sys.exit(f"the server's clock does not stand still at {server.clock.now} us: {first}")
            info = server.call("INFO", "server")
            run_id = re.search(r"run_id:(.*)", info).group(1).strip()
            played.append(f"SERVER {run_id}")
            for _ in range(rounds):
                words = command(chance)
                if words[0] == "SLEEP":
                    server.clock.move(SHORT * 2500)
                elif words[0] == "FULL":
                    server.call("CONFIG", "SET", "maxmemory", words[1])
                    played.append(" ".join(words))
                else:
                    server.clock.move(chance.choice(STEPS))
                    now = server.clock.now
                    played.append(f"CLOCK {now}")
                    real = words = [run_id if word == OWN else absolute(word, now) for word in words]
                    played.append(" ".join(word.replace(" ", "~") or "^" for word in words))
                    if words[0] == "EVAL":
                        real = ["EVAL", texts[words[1]], *words[2:]]
                    expected.append((len(played), " ".join(words), server.call(*real)))
        finally:
            server.stop()
    answers = subprocess.run([program], input="\n".join(played) + "\n", capture_output=True, text=True, check=True,
                             timeout=5 * LIMIT)
    differences = 0
    for (number, words, real), model in zip(expected, answers.stdout.splitlines(), strict=True):
        if real != model:
            differences += 1
            print(f"line {number}: {words}: the server says {real}, the model {model}")
    print(f"{len(expected)} commands compared, {differences} differences")
    return 1 if differences or not expected else 0


if __name__ == "__main__":
    sys.exit(main())
