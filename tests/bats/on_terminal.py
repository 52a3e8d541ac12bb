#!/usr/bin/env python3
"""on_terminal.py SCRIPT COMMAND...: runs COMMAND in a session of its own on a new terminal, like a person.

SCRIPT is a line of steps, separated by spaces: "wait:TEXT" until the terminal has shown TEXT since the last
wait, "key:c" for Ctrl-C (any letter), "type:TEXT" for TEXT and Enter (write _ for a space), "hangup" to take
the terminal away. Then it reads to the end and prints all that was shown, and last "signal N" or "exit N".
Gives up after two minutes, killing COMMAND.
"""
import os
import pty
import select
import signal
import sys
import time

LIMIT = 120


def main(script, command):
    pid, terminal = pty.fork()
    if pid == 0:
        for blocked in range(1, signal.NSIG):  # as a login shell would have it
            try:
                signal.signal(blocked, signal.SIG_DFL)
            except (OSError, ValueError):
                pass
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvp(command[0], command)
    shown = b""
    seen = 0
    step = "the first step"
    end = time.monotonic() + LIMIT

    def read_some():
        nonlocal shown
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            sys.stdout.write(shown.decode(errors="replace"))
            sys.exit(f"on_terminal.py: {step} takes longer than {LIMIT} s")
        if not select.select([terminal], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(terminal, 4096)
        except OSError:  # nobody has the terminal open any more
            return False
        shown += data
        return bool(data)

    for step in script.split():
        kind, _, text = step.partition(":")
        text = text.replace("_", " ").encode()
        if kind == "wait":
            while text not in shown[seen:]:
                if not read_some():
                    break
            seen = max(seen, shown.find(text, seen) + len(text))
        elif kind == "key":
            os.write(terminal, bytes([text[0] & 0x1F]))
        elif kind == "type":
            os.write(terminal, text + b"\n")
        elif kind == "hangup":
            os.close(terminal)
            terminal = -1
    step = "the end of the command"
    while terminal >= 0 and read_some():
        pass
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            sys.exit(f"on_terminal.py: {step} takes longer than {LIMIT} s")
        time.sleep(0.01)
    status = ended[1]
    print(shown.decode(errors="replace").replace("\r\n", "\n"))
    print(f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
