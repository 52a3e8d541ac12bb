#!/usr/bin/env python3
"""model_test.py PROGRAM SCRIPTS [ROUNDS [SEED]]: does the model of a node say what a real redis-server says?

Plays random sequences of the commands that the scripts use, and of the scripts, on both. Time is real on the server,
and the model's clock is set to it before each command: what follows from it is compared roughly. A time to live is
either long, or short, and then a sleep follows that is much longer. Exit status 77 (skipped)
where there is no redis-server.
"""
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

LONG, SHORT = 600_000, 20
KEYS = ["a", "b"]
NODE = "node"
# As words: what a clock says so many microseconds from now.
AHEAD = ["+-5000000", "+0", "+5000000", "+15000000"]
TOKENS = ["x", "y", "1"]


class Server:
    """A real one, on a unix socket."""

    def __init__(self, folder):
        path = f"{folder}/redis"
        self.process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", ""],
                                        stdout=subprocess.DEVNULL)
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(500):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.02)
        self.stream = self.socket.makefile("rb")

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
    return chance.choice([
        ["TYPE", key], ["GET", key], ["PTTL", key], ["DEL", key], ["PEXPIRE", key, ttl], ["PEXPIRE", key, "0"],
        ["PEXPIRE", key, "soon"], ["SET", key, token], ["SET", key, token, "PX", ttl], ["SET", key, token, "PX", "0"],
        ["SET", key, token, "NX", "PX", ttl], ["SET", key, token, "PX", "x"], ["LPUSH", key, token],
        ["SET", key, token, "EX", "600"], ["SET", key, token, "EX", "0"], ["TIME"], ["HGET", key, "floor"],
        ["HSET", key, "floor", token], ["TYPE", NODE], ["GET", NODE], ["HGET", NODE, "floor"],
        ["HSET", NODE, "floor", chance.choice(["1", *AHEAD])], *[["DEL", NODE]] * 2, ["GET", fence_key],
        ["HMGET", key, "floor", "run_id"], ["HMGET", NODE, "run_id", "id", "x"], ["HSETNX", key, "floor", token],
        ["HSET", NODE, "run_id", "x", "joined", chance.choice(["0", *AHEAD])], ["HSETNX", NODE, "id", token],
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


def rough(reply):
    """(what does not depend on the moment, numbers that may differ by what the round took)"""
    moments = [int(number) for number in re.findall(r"\d{6,}", reply)]
    reply = re.sub(r"(extended,int \d+,int )[1-9]\d{0,4},", r"\1N,", reply)  # milliseconds, few
    reply = re.sub(r"(quarantined,\w+ )\d{1,6},", r"\1N,", reply)
    reply = re.sub(r"(contradiction,text [^,]*,int )[1-9]\d{0,5},", r"\1N,", reply)  # it lapses in so many
    return re.sub(r"\d{6,}|text \d{1,6},\]", "N", reply), moments


def alike(one, other):
    (words, moments), (other_words, other_moments) = rough(one), rough(other)
    # A time to live is in milliseconds, a moment in microseconds.
    near = [abs(a - b) < (100_000_000_000_000 < a and 2_000_000 or 100_000)
            for a, b in zip(moments, other_moments)]
    return words == other_words and all(near)


def text_of(folder, name):
    with open(f"{folder}/{name}", encoding="utf-8") as script:
        text = script.read()
    return re.sub(r"^--include (\S+)$", lambda match: text_of(folder, match.group(1)), text, flags=re.MULTILINE)


def main():
    program, scripts = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    if not shutil.which("redis-server"):
        print("there is no redis-server here")
        return 77
    texts = {name: text_of(scripts, f"{name}.lua") for name in ("acquire", "confirm", "extend", "release", "status")}
    chance = random.Random(seed)
    played, expected = [], []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)

        def tell_time():
            """The server's time, and now the model's."""
            whole, part = re.findall(r"\d+", server.call("TIME"))
            played.append(f"CLOCK {int(whole) * 1_000_000 + int(part)}")
            return int(whole) * 1_000_000 + int(part)

        try:
            info = server.call("INFO", "server")
            played.append(f"SERVER {re.search(r'run_id:(.*)', info).group(1).strip()}")
            for _ in range(rounds):
                words = command(chance)
                if words[0] == "SLEEP":
                    time.sleep(2.5 * SHORT / 1000)
                elif words[0] == "FULL":
                    server.call("CONFIG", "SET", "maxmemory", words[1])
                    played.append(" ".join(words))
                else:
                    now = tell_time()
                    real = words = [absolute(word, now) for word in words]
                    played.append(" ".join(word.replace(" ", "~") for word in words))
                    if words[0] == "EVAL":
                        real = ["EVAL", texts[words[1]], *words[2:]]
                    expected.append((len(played), " ".join(words), server.call(*real)))
                    # Nothing short may end by itself between two commands, except in a sleep.
                    if str(SHORT) in words:
                        time.sleep(2.5 * SHORT / 1000)
        finally:
            server.process.terminate()
            server.process.wait()
    answers = subprocess.run([program], input="\n".join(played) + "\n", capture_output=True, text=True, check=True)
    differences = 0
    for (number, words, real), model in zip(expected, answers.stdout.splitlines(), strict=True):
        if not alike(real, model):
            differences += 1
            print(f"line {number}: {words}: the server says {real}, the model {model}")
    print(f"{len(expected)} commands compared, {differences} differences")
    return 1 if differences or not expected else 0


if __name__ == "__main__":
    sys.exit(main())
