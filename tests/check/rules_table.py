#!/usr/bin/env python3
"""rules_table.py ROOT: does ARCHITECTURE.md still tell the truth?

Its table "rule of the protocol | file" must point at files that exist, and every product file of more than
350 lines must be named in it, with the reason. Judges a bad sample first, so that it is known to fail.
"""
import pathlib
import re
import sys

HEADER = re.compile(r"^\|\s*rule of the protocol\s*\|\s*file\s*\|", re.IGNORECASE)
LONGEST = 350


def table(text):
    """The rows below the header, as (rule, [paths])."""
    inside = False
    for line in text.splitlines():
        if HEADER.match(line):
            inside = True
        elif inside and not line.startswith("|"):
            return
        elif inside and not re.match(r"^\|[\s|:-]+$", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            yield cells[0], re.findall(r"`([^`]+)`", cells[-1])


def complaints(text, exists, lengths):
    """`exists` answers for a path; `lengths` maps product files to their number of lines."""
    rows = list(table(text))
    if not rows:
        yield 'no table with the header "| rule of the protocol | file |"'
    for rule, paths in rows:
        if not paths:
            yield f'"{rule}" names no file'
        for path in paths:
            if not exists(path):
                yield f'"{rule}" is said to be in {path}, which does not exist'
    for path, lines in sorted(lengths.items()):
        if lines > LONGEST and f"`{path}`" not in text:
            yield f"{path} has {lines} lines, and no reason is given for more than {LONGEST}"


def self_test():
    sample = "| Rule of the protocol | file |\n|---|---|\n| a | `there` |\n| b | `gone`, `there` |\n| c | none |\n\n| d | `x` |\n"
    found = list(complaints(sample, lambda path: path == "there", {"long": 401, "short": 350}))
    assert len(found) == 3 and "gone" in found[0] and '"c"' in found[1] and "long" in found[2], found
    assert list(complaints("no table here", lambda path: True, {}))


def main(root):
    self_test()
    lengths = {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines())
        for top in ("lib", "cmd")
        for path in (root / top).rglob("*")
        if path.suffix in (".cc", ".hh", ".lua")
    }
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    found = list(complaints(text, lambda path: (root / path).exists(), lengths))
    for sentence in found:
        print(f"ARCHITECTURE.md: {sentence}")
    print(f"{len(list(table(text)))} rules, {len(lengths)} files, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
