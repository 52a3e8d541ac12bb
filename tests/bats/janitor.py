#!/usr/bin/env python3
"""janitor.py FILE_PID LIMIT: ends what a file of tests leaves behind. Started by helper.bash, once a file.

FILE_PID is the process of bats that runs the file's tests. Two duties:
- A test that runs longer than LIMIT seconds: kill what it waits for, and tell the test so in the file "overtime" of its
  folder. A test that goes on all the same gets TERM, then KILL.
- bats has ended, by any signal: ask the running test for its teardown (TERM), kill what is left of the run, and remove
  the run's folder.
Signals do not end the janitor, and it holds no descriptor of bats.
"""
import os
import select
import shutil
import signal
import sys
import time

RUN = os.environ["BATS_RUN_TMPDIR"]
SERVERS = ("redis-server", "valkey-server")
PATIENCE = 30  # seconds for a teardown


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # it has ended, or belongs to another user
        return b""


def words(pid):
    return read(f"/proc/{pid}/cmdline").decode(errors="replace").split("\0")[:-1]


def parents():
    """{process: its parent}, of all that have not ended"""
    found = {}
    for name in os.listdir("/proc"):
        state = read(f"/proc/{name}/stat").rpartition(b")")[2].split() if name.isdigit() else []
        if state and state[0] not in (b"Z", b"X"):
            found[int(name)] = int(state[1])
    return found


def below(pid):
    """Descendants of pid."""
    all_parents, found = parents(), {pid}
    while more := {each for each, parent in all_parents.items() if parent in found and each not in found}:
        found |= more
    return found - {pid}


def send(number, pids):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def alive(pid):
    return pid in parents()


def tests_of(file_pid):
    """{process of a test: its folder}"""
    found = {}
    for pid in (each for each, parent in parents().items() if parent == file_pid):
        line = words(pid)
        if any(word.endswith("bats-exec-test") for word in line[:2]):
            found[pid] = f"{RUN}/test/{line[-3]}"
    return found


def folders():
    """Where the run's processes work: its folder, and those that the_setup has put elsewhere."""
    yield RUN
    for folder in os.scandir(f"{RUN}/test") if os.path.isdir(f"{RUN}/test") else ():
        link = f"{folder.path}/elsewhere"
        if os.path.islink(link) and os.readlink(link).startswith("/tmp/redlock-bats."):
            yield os.readlink(link)


def of_this_run(places, where):
    """Processes with all of `where` in their environment, or that work in one of the places."""
    for pid in parents():
        if pid == os.getpid():
            continue
        environment = read(f"/proc/{pid}/environ").split(b"\0")
        try:
            folder = os.readlink(f"/proc/{pid}/cwd").removesuffix(" (deleted)")
        except OSError:
            folder = ""
        if all(each.encode() in environment for each in where) or any(f"{folder}/".startswith(f"{place}/") for place in places):
            yield pid


def tell(folder, sentence):
    try:
        with open(f"{folder}/overtime", "a", encoding="utf-8") as file:
            print(sentence, file=file)
    except FileNotFoundError:  # the test has just ended
        pass


def end_overtime(pid, folder, seconds, limit):
    """Of a test that has run for so many seconds."""
    late = seconds - limit
    if late < 0:
        return
    waited_for = {each for each in below(pid) if (words(each) or [""])[0].split(" ")[0].rpartition("/")[2] not in SERVERS}
    for each in sorted(waited_for):
        tell(folder, f"after {limit:.0f} s still running, and killed: {each} {' '.join(words(each))}")
    send(signal.SIGKILL, waited_for)
    if late > PATIENCE:
        send(signal.SIGTERM if late < 2 * PATIENCE else signal.SIGKILL, [pid])


def end_all(file_pid, bats):
    tests = tests_of(file_pid)
    places = list(folders())
    gone = not alive(bats)
    if gone:
        for folder in tests.values():
            tell(folder, "bats has ended")
        # TERM makes bash go through its EXIT trap, which is the teardown.
        send(signal.SIGTERM, [file_pid, *tests])
    end = time.monotonic() + PATIENCE
    while gone and any(alive(pid) for pid in tests) and time.monotonic() < end:
        time.sleep(0.05)
    where = [f"BATS_RUN_TMPDIR={RUN}"] + ([] if gone else [f"BATS_TEST_FILENAME={os.environ['BATS_TEST_FILENAME']}"])
    end = time.monotonic() + PATIENCE
    while (left := set(of_this_run(places if gone else [], where))) and time.monotonic() < end:
        send(signal.SIGKILL, left)
        time.sleep(0.05)
    if gone and os.path.basename(RUN).startswith("bats-run-"):
        for place in reversed(places):
            shutil.rmtree(place, ignore_errors=True)


def main(file_pid, limit):
    if RUN.count("/") < 2 or not os.path.isabs(RUN):
        sys.exit(f"not a folder of bats: {RUN}")
    os.setsid()
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(3, 1024)
    os.chdir("/")
    bats = int(os.environ["BATS_ROOT_PID"])
    try:
        watched = [os.pidfd_open(pid) for pid in (bats, file_pid)]
    except ProcessLookupError:
        watched = []
    begun = {}
    while watched and not select.select(watched, [], [], 2)[0]:
        running = tests_of(file_pid)
        begun = {pid: begun.get(pid, time.monotonic()) for pid in running}
        for pid, folder in running.items():
            end_overtime(pid, folder, time.monotonic() - begun[pid], limit)
    time.sleep(0.2)  # one signal may have ended them all, one after the other
    end_all(file_pid, bats)


if __name__ == "__main__":
    if os.fork() == 0:
        main(int(sys.argv[1]), float(sys.argv[2]))
