#!/usr/bin/env python3
"""model_test.py PROGRAM SCRIPTS [ROUNDS [SEED]]: does the model of a node say what a real redis-server says?

Plays random sequences of the commands that the scripts use, and of the scripts, on both. Time is real on the server:
a time to live is either long, and then what is left is compared roughly, or short, and then a sleep follows that is
much longer. Exit status 77 (skipped) where there is no redis-server.
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
    return chance.choice([
        ["TYPE", key], ["GET", key], ["PTTL", key], ["DEL", key], ["PEXPIRE", key, ttl], ["PEXPIRE", key, "0"],
        ["PEXPIRE", key, "soon"], ["SET", key, token], ["SET", key, token, "PX", ttl], ["SET", key, token, "PX", "0"],
        ["SET", key, token, "NX", "PX", ttl], ["SET", key, token, "PX", "x"], ["LPUSH", key, token],
        *[["EVAL", "acquire", key, token, ttl]] * 4, *[["EVAL", "extend", key, token, ttl]] * 4,
        *[["EVAL", "release", key, token]] * 2, *[["EVAL", "status", key]] * 3,
        *[["SLEEP"]] * 2, ["FULL", "1"], *[["FULL", "0"]] * 3])


def rough(reply):
    """What is left of a long time to live differs by what the round took."""
    return re.sub(r"int (\d{6,})", lambda match: f"int {round(int(match[1]) / 100_000) * 100_000}", reply)


def main():
    program, scripts = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    if not shutil.which("redis-server"):
        print("there is no redis-server here")
        return 77
    texts = {name: open(f"{scripts}/{name}.lua", encoding="utf-8").read()
             for name in ("acquire", "extend", "release", "status")}
    chance = random.Random(seed)
    played, expected = [], []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        begin = time.monotonic()
        try:
            for _ in range(rounds):
                words = command(chance)
                if words[0] == "SLEEP":
                    time.sleep(2.5 * SHORT / 1000)
                    played.append(f"CLOCK {int((time.monotonic() - begin) * 1000)}")
                elif words[0] == "FULL":
                    server.call("CONFIG", "SET", "maxmemory", words[1])
                    played.append(" ".join(words))
                else:
                    played.append(" ".join(words))
                    real = words
                    if words[0] == "EVAL":
                        real = ["EVAL", texts[words[1]], "1", *words[2:]]
                    expected.append((len(played), " ".join(words), server.call(*real)))
                    # Nothing short may end by itself between two commands, except in a sleep.
                    if str(SHORT) in words:
                        time.sleep(2.5 * SHORT / 1000)
                        played.append(f"CLOCK {int((time.monotonic() - begin) * 1000)}")
        finally:
            server.process.terminate()
            server.process.wait()
    answers = subprocess.run([program], input="\n".join(played) + "\n", capture_output=True, text=True, check=True)
    differences = 0
    for (number, words, real), model in zip(expected, answers.stdout.splitlines(), strict=True):
        if rough(real) != rough(model):
            differences += 1
            print(f"line {number}: {words}: the server says {real}, the model {model}")
    print(f"{len(expected)} commands compared, {differences} differences")
    return 1 if differences or not expected else 0


if __name__ == "__main__":
    sys.exit(main())
