#!/usr/bin/env python3
"""man_page.py ROOT PROGRAM: do redlock(1) and the program's help say the same?

Compared both ways, for each command: synopsis, options (spellings, metavars, defaults, groups), environment
variables and what they stand for, exit codes; and the list of commands. The page says which commands an option or a
code belongs to with "Taken by ..." and "Given by ...". And is every word the argument of the right macro? In
".Pq but what Fl -json asks for" the last two words become options, and mandoc has no complaint. Where mandoc is
installed, its warnings count, too.
Judges a bad sample first, so that it is known to fail.
"""
import pathlib
import re
import shutil
import subprocess
import sys

PUNCTUATION = {",", ".", ";", ":", ")", "("}
ESCAPES = (("\\(dq", '"'), ("\\&", ""), ("\\e", "\\"))


# -- reading mdoc ----------------------------------------------------------------------------------------------------

def plain(line):
    """A line of mdoc as words: only what this page needs of the language."""
    for escape, text in ESCAPES:
        line = line.replace(escape, text)
    if not line.startswith("."):
        return line
    words, closing, macro = [], "", None
    for token in line[1:].split(" "):
        if token in ("Nm", "Cm", "Ar", "Fl", "Ev", "Op", "Pq", "Xr", "Pa", "Ql", "Va", "Em", "Ic", "Sx"):
            if token in ("Op", "Pq"):
                words.append("[" if token == "Op" else "(")
                closing = ("]" if token == "Op" else ")") + closing
            if token == "Nm":
                words.append("redlock")
            macro = token
        elif token in PUNCTUATION:
            words.append("\b" + token)
        elif macro == "Fl":
            words.append("-" + token)
        else:
            words.append(token)
    at_end = len(words) - 1 if words and words[-1].startswith("\b") else len(words)
    words[at_end:at_end] = ["\b" + closing]
    return " ".join(words).replace(" \b", "").replace("\b", "").replace("[ ", "[").replace("( ", "(")


def sections(text):
    """{section: {subsection ("" before the first): [lines]}}"""
    out, section, subsection = {}, "", ""
    for line in text.splitlines():
        if line.startswith('.\\"'):
            continue
        if line.startswith(".Sh "):
            section, subsection = line[4:], ""
        elif line.startswith(".Ss "):
            subsection = line[4:]
        else:
            out.setdefault(section, {}).setdefault(subsection, []).append(line)
            continue
        out.setdefault(section, {}).setdefault(subsection, [])
    return out


def items(lines):
    """[(rest of .It, [lines of its body])] of the outermost lists; what stands before the first has None."""
    out = [(None, [])]
    for line in lines:
        if line.startswith(".It"):
            out.append((line[4:], []))
        else:
            out[-1][1].append(line)
    return out


def who(lines, words):
    """The commands in the sentence that begins with `words`, or None where there is none."""
    if words not in lines:
        return None
    found = set()
    for line in lines[lines.index(words) + 1:]:
        if line.startswith(".Cm "):
            found |= {word for word in line[4:].split() if word not in PUNCTUATION}
            if line.endswith(" ."):
                return found
        elif line != "and":
            break
    return found


def default_in(lines):
    match = re.search(r"Default: (.*)\.(?: |$)", " ".join(plain(line) for line in lines if line[:3] not in (".El", ".Bl")))
    return match.group(1) if match else ""


def read_option(head):
    """`Fl n , Fl -nonblock Ar X` as ("-n, --nonblock", "X")."""
    flags, _, metavar = head.partition(" Ar ")
    spellings = ["-" + word for word in flags.split() if word not in ("Fl", ",")]
    return ", ".join(spellings), metavar


def read_page(text):
    page = sections(text)
    commands = [head.split()[1] for head, _ in items(page["COMMANDS"][""])[1:]]
    out = {"commands": set(commands), "synopsis": {}, "options": {}, "variables": {}, "codes": {}}
    for group, body in page["OPTIONS"].items():
        taken = who(body, "Taken by")
        for head, own in items(body)[1:]:
            option = read_option(head)
            for command in who(own, "Taken by") or taken or set():
                out["options"].setdefault(command, set()).add((group, *option, default_in(own)))
    for head, own in items(page["ENVIRONMENT"]["Read by redlock"])[1:]:
        match = re.fullmatch(r"As -+(\S+)\.", " ".join(plain(line) for line in own if line != ".El"))
        out["variables"][head.removeprefix("Ev ")] = match.group(1) if match else ""
    for head, own in items(page["EXIT STATUS"][""])[1:]:
        for command in who(own, "Given by") or set(commands) - {"help"}:
            out["codes"].setdefault(command, set()).add(int(head))
    usage = " ".join("\n" if line == ".Nm" else plain(line) for line in page["SYNOPSIS"][""])
    for line in usage.replace("] ]", "]]").splitlines():
        words = line.split()
        if words:
            out["synopsis"].setdefault(words[0], []).append(" ".join(words))
    return out


# -- reading the help ------------------------------------------------------------------------------------------------

def paragraphs(text):
    """{title: [lines]} for what stands below "Title:" at the beginning of a line."""
    out, title = {}, ""
    for line in text.splitlines():
        match = re.match(r"^([A-Z][^:]*):(?: |$)", line)
        if match and not line.startswith("Usage"):
            title = match.group(1)
        elif line.startswith("DUR is"):
            title = ""
        elif line:
            out.setdefault(title, []).append(line)
    return out


def rows(lines, column):
    """[(left, text)]: a row begins at one of the first six columns and goes on at `column`."""
    out = []
    for line in lines:
        if line[:column].strip():
            left, _, text = line.strip().partition("  ") if len(line.rstrip()) > column else (line.strip(), "", "")
            out.append([left, text.strip()])
        elif out:
            out[-1][1] = (out[-1][1] + " " + line.strip()).strip()
    return out


def read_help(overview, texts):
    out = {"synopsis": {}, "options": {}, "variables": {}, "codes": {}}
    out["commands"] = {left for left, _ in rows(paragraphs(overview)["Commands"], 13)}
    for command, text in texts.items():
        parts = paragraphs(text)
        out["synopsis"][command] = [
            " ".join(line.removeprefix("Usage:").split()).removeprefix("redlock ")
            for line in parts[""]
            if re.match(r"^(Usage:| {6}) redlock ", line)
        ]
        for group, lines in parts.items():
            for left, meaning in rows(lines, 31):
                if left.startswith("-"):
                    spellings, metavar = re.fullmatch(r"(-[^ ,]+(?:, -[^ ,]+)*)(?: (.*))?", left).groups()
                    default = re.search(r" \(default: ([^)]*)\)$", meaning)
                    entry = (group, spellings, metavar or "", default.group(1) if default else "")
                    out["options"].setdefault(command, set()).add(entry)
        for left, meaning in rows(next((v for k, v in parts.items() if k.startswith("Environment")), []), 25):
            match = re.fullmatch(r"as --?(\S+)", meaning)
            out["variables"][left] = match.group(1) if match else ""
        codes = {int(line[:5]) for line in parts["Exit codes"] if line[:5].strip().isdigit()}
        out["codes"][command] = codes
    return out


# -- comparing -------------------------------------------------------------------------------------------------------

def differences(page, text):
    for key in ("commands", "variables"):
        ours, theirs = page[key], text[key]
        if key == "variables":
            ours, theirs = set(ours.items()), set(theirs.items())
        yield from one_by_one(key, ours, theirs)
    for command in sorted(text["commands"] - {"help"}):
        for key in ("options", "codes", "synopsis"):
            yield from one_by_one(f"{command}: {key}", set(page[key].get(command, ())), set(text[key].get(command, ())))


def one_by_one(what, page, text):
    for entry in sorted(page - text, key=str):
        yield f"{what}: {entry} is in redlock(1) and not in the help"
    for entry in sorted(text - page, key=str):
        yield f"{what}: {entry} is in the help and not in redlock(1)"


# What may follow a macro; the words after the one it is meant for are its arguments, too.
FITTING = {
    "Ev": re.compile(r"[A-Z][A-Z_]*"),
    "Va": re.compile(r"[a-z][a-z_]*:?"),
    "Ar": re.compile(r"[A-Z][A-Z_.]*|token\|env\|json|DUR\|off|'SHELL|LINE'"),
    "Pa": re.compile(r"[a-z./*-]+"),
    "Ic": re.compile(r"[a-z]+"),
    "Xr": re.compile(r"[a-z.-]+|[1-8]"),
}
MACROS = {"Nm", "Cm", "Ar", "Fl", "Ev", "Op", "Pq", "Xr", "Pa", "Ql", "Va", "Em", "Ic", "Sx", "No", "Ns", "It", "Dl", "Sh", "Ss"}
OTHERS = {"-d"}  # options of other programs


def misread(text, options, commands):
    """Words that are set as an option, a variable ... and are none."""
    fitting = dict(FITTING)
    fitting["Fl"] = re.compile("|".join(re.escape(option[1:]) for option in options | OTHERS | {"--"}))
    fitting["Cm"] = re.compile("|".join(commands | {"help", "off", "json"}))
    literal = False
    for number, line in enumerate(text.splitlines(), 1):
        literal = (literal or line.startswith(".Bd -literal")) and line != ".Ed"
        if literal or not line.startswith(".") or line.startswith('.\\"'):
            continue
        macro = None
        for token in line[1:].split():
            if token in MACROS:
                macro = token
            elif macro in fitting and token not in PUNCTUATION and not fitting[macro].fullmatch(token):
                yield f"line {number}: {token!r} is set by {macro}: {line}"


def self_test(text, options, commands):
    """A page of which one thing is changed must be found different, each time."""
    for old, new in (
        (".Pq but what Fl -json No asks for :", ".Pq but what Fl -json asks for :"),
        ("\n.Fl -slack\n", "\n.Fl -slack within\n"),
        (".Pq Pa /dev/stdout No is one ,", ".Pq Pa /dev/stdout IS one ,"),
        ("\n.Cm exec\nrenews", "\n.Cm exec renews\n"),
    ):
        assert old in text, f"the check's own sample is out of date: {old!r}"
        assert list(misread(text.replace(old, new), options, commands)), f"the check is blind: {old!r} became {new!r}"
    good = read_page(text)
    assert not list(differences(good, good))
    changes = (
        (".It Fl n , Fl -nonblock , Fl -nb", ".It Fl n , Fl -nonblock , Fl -bn"),
        (".It Fl -why Ar TEXT", ".It Fl -why Ar WORDS"),
        (".It Ev REDLOCK_WAIT\n", ".It Ev REDLOCK_WEIGHT\n"),
        (".Fl -wait .\n.It Ev", ".Fl -weight .\n.It Ev"),
        (".It 79\n", ".It 80\n"),
        (".It Cm status\n", ".It Cm state\n"),
        ("Default: 30s.", "Default: 31s."),
        ("Taken by\n.Cm exec , acquire\nand\n.Cm extend .\n", ""),
        ("Given by\n.Cm exec , extend\nand\n.Cm release .\n", "Given by\n.Cm exec .\n"),
        (".Ss Lab\n", ".Ss Laboratory\n"),
        (".Op Ar COMMAND Op Ar ARG...\n", ".Op Ar COMMAND\n"),
    )
    for old, new in changes:
        assert old in text, f"the check's own sample is out of date: {old!r}"
        bad = list(differences(read_page(text.replace(old, new)), good))
        assert bad, f"the check is blind: {old!r} became {new!r}"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def main(root, program):
    path = root / "man/redlock.1"
    text = path.read_text(encoding="utf-8")
    overview = run(program, "--help")
    commands = {left for left, _ in rows(paragraphs(overview)["Commands"], 13)} - {"help"}
    shown = read_help(overview, {c: run(program, c, "--help") for c in commands})
    options = {word for of in shown["options"].values() for option in of for word in option[1].split(", ")}
    self_test(text, options, commands)
    found = list(differences(read_page(text), shown)) + list(misread(text, options, commands))
    if shutil.which("mandoc"):
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(path)], capture_output=True, text=True,
                              check=False, timeout=60)
        found += lint.stdout.splitlines()
    else:
        print("mandoc is not installed: the page's own form was not looked at")
    for sentence in found:
        print(f"man/redlock.1: {sentence}")
    print(f"{len(commands)} commands, {len(found)} complaints")
    return 1 if found or not commands else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
