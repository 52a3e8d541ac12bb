#!/usr/bin/env python3
"""default_signals.py COMMAND...: executes COMMAND with no signal ignored and none blocked.

Both are inherited: nohup(1) ignores HUP, and a shell without job control ignores INT and QUIT in what it starts with &.
A test that sends such a signal would wait forever. A shell cannot change what was ignored when it started.
"""
import os
import signal
import sys


def main(command):
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):  # KILL, STOP and those that the C library keeps for itself
            pass
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"default_signals.py: cannot execute {command[0]}: {error.strerror}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: default_signals.py COMMAND [ARG...]")
    main(sys.argv[1:])
