#!/usr/bin/env python3
"""citations.py ROOT: does each rule of the protocol that the tree cites exist?

docs/protocol.md defines sections ("**4.3 Title.** ..."). Comments cite one as "protocol 4.3", and the page itself as
"section 4.3". Each cited section must be defined, and none twice. A citation in any other form is refused, because
nobody would find it. Files that the page names must exist. Judges a bad sample first, so that it is known to fail.
"""
import pathlib
import re
import sys

PAGE = "docs/protocol.md"
CITING = ("lib", "cmd", "tests", "completions", "ARCHITECTURE.md", "CONTRIBUTING.md", "README.md")
SUFFIXES = {".cc", ".hh", ".lua", ".py", ".pml", ".build", ".bats", ".bash", ".sh", ".md", ".txt"}
DEFINED = re.compile(r"^\*\*(\d+\.\d+) ", re.MULTILINE)
CHAPTER = re.compile(r"^## (\d+)\. ", re.MULTILINE)
CITED = re.compile(r"\bprotocol (\d+\.\d+)\b")
WITHIN_PAGE = re.compile(r"\bsections? (\d+\.\d+)(?: (?:to|and) (\d+\.\d+))?|\bchapters? (\d+)\b")
# Comment signs at the beginning of a line may stand between the words of a citation.
OTHER_FORM = re.compile(r"\bprotocol(?:'s)?:? (?:sections? )?\d+(?!\.?\d)|\bprotocol sections? |\(protocol:|"
                        r"\bprotocol \d+\.\d+(?:,| and| to) \d|\bsections? [\d., and]+ of the protocol\b")
FILE = re.compile(r"`((?:lib|cmd|tests)/[\w./-]+)`")


def joined(text):
    """`text` with its comments on one line each: a citation may be broken between two lines."""
    return re.sub(r"\s*\n\s*(?://|--|#)?\s*", " ", text)


def complaints(page, citing, exists):
    """`page`: the text of docs/protocol.md. `citing`: (name, text) of other files. `exists` answers for a path."""
    defined = DEFINED.findall(page)
    chapters = set(CHAPTER.findall(page))
    if not defined:
        yield PAGE, "defines no section"
    for number in sorted({number for number in defined if defined.count(number) > 1}):
        yield PAGE, f"section {number} is defined twice"
    for number in defined:
        if number.split(".")[0] not in chapters:
            yield PAGE, f"section {number} is in no chapter"
    for first, last, chapter in WITHIN_PAGE.findall(joined(page)):
        for number in filter(None, (first, last)):
            if number not in defined:
                yield PAGE, f"section {number} is cited and does not exist"
        if chapter and chapter not in chapters:
            yield PAGE, f"chapter {chapter} is cited and does not exist"
    for path in FILE.findall(page):
        if not exists(path):
            yield PAGE, f"{path} does not exist"
    for name, text in citing:
        text = joined(text)
        for number in CITED.findall(text):
            if number not in defined:
                yield name, f'"protocol {number}": {PAGE} has no such section'
        for match in OTHER_FORM.finditer(text):
            yield name, f'"{match.group()}": write "protocol 4.3" for each section'


def self_test():
    page = "## 1. A\n\n**1.1 One.** See section 1.2 and\nsection 1.9, `lib/gone`.\n\n**1.2 Two.** x\n\n**1.2 Again.**\n"
    bad = "// protocol 1.1, protocol\n// 1.3, protocol: 7, (protocol 3), protocol section 10, protocol 1.1 and 1.2\n"
    found = [sentence for _, sentence in complaints(page, [("sample", bad)], lambda path: False)]
    assert len(found) == 8, found
    for part in ("1.2 is defined twice", "1.9 is cited", "lib/gone", "protocol 1.3", '"protocol: 7', '"protocol 3"',
                 '"protocol section 1', '"protocol 1.1 and 1'):
        assert any(part in sentence for sentence in found), (part, found)
    assert not list(complaints("## 1. A\n**1.1 One.** x\n", [("sample", "# protocol 1.1. A protocol.")], bool))


def files(root):
    for place in CITING:
        top = root / place
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.suffix in SUFFIXES and path.name != pathlib.Path(__file__).name:
                yield str(path.relative_to(root)), path.read_text(encoding="utf-8")


def main(root):
    self_test()
    page = (root / PAGE).read_text(encoding="utf-8")
    citing = list(files(root))
    found = list(complaints(page, citing, lambda path: (root / path).exists()))
    for name, sentence in found:
        print(f"{name}: {sentence}")
    citations = sum(len(CITED.findall(joined(text))) for _, text in citing)
    print(f"{len(DEFINED.findall(page))} sections, {citations} citations, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
