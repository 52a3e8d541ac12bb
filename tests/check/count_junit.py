#!/usr/bin/env python3
"""count_junit.py FILE STATUS: prints "passed failed skipped" of a JUnit report.

STATUS is what the runner returned. A runner that failed although no case did, or that left no report
(it crashed), counts as one failure: nothing that went wrong may disappear from the sum.
"""
import sys
import xml.etree.ElementTree as ElementTree


def count(path, status):
    passed = failed = skipped = 0
    try:
        for case in ElementTree.parse(path).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                skipped += 1
            else:
                passed += 1
    except (OSError, ElementTree.ParseError):
        failed += 1
    if status != 0 and failed == 0:
        failed = 1
    return passed, failed, skipped


if __name__ == "__main__":
    print(*count(sys.argv[1], int(sys.argv[2])))
