#!/usr/bin/env python3
"""man_page.py ROOT PROGRAM MAN: are the manual pages complete and sound?

OPTIONS, ENVIRONMENT and EXIT STATUS of redlock(1) are generated. What can still drift is checked here: the page has
every command, synopsis, option, variable and exit code that the program's help has; each word is the argument of the
right macro (in ".Pq but what Fl -json asks for" the last two words become options); mandoc and man do not complain;
pages that refer to each other exist; redlock(1) and the README are short. MAN is the generated
redlock(1). Judges bad samples first, so that it is known to fail.
"""
import pathlib
import re
import shutil
import subprocess
import sys

LONGEST = {"redlock.1": 350, "README.md": 200}
PUNCTUATION = set(",.;:()|")
MACROS = set("Nm Cm Ar Fl Ev Op Pq Xr Pa Ql Va Em Ic Sx No Ns It Dl Sh Ss".split())
OTHERS = {"-n", "--", "-"}  # of other programs
FITTING = {
    "Ev": re.compile(r"[A-Z][A-Z_]*"),
    "Va": re.compile(r"[a-z][a-z_]*:?"),
    "Ar": re.compile(r"[A-Z][A-Z_.]*|token\|env\|json|env|DUR\|off|'SHELL|LINE'"),
    "Pa": re.compile(r"[a-z./*-]+"),
    "Xr": re.compile(r"[a-z.-]+|[1-8]"),
}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def words_of(text):
    """The page as a reader sees it, in one line."""
    rendered = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200"], input=text, capture_output=True, text=True,
                              check=True, timeout=60).stdout
    return " ".join(re.sub(".\b", "", rendered).split())


def missing(page, overview, helps):
    """What the help has and the page has not."""
    text = words_of(page)
    for command in helps:
        if f"\n.It Cm {command}\n" not in page:
            yield f"COMMANDS lacks {command}"
    for command, shown in helps.items():
        for usage in re.findall(r"^(?:Usage:|      ) (redlock .*)", shown, re.MULTILINE):
            if usage not in text.replace("’", "'"):
                yield f"SYNOPSIS lacks {usage!r}"
        heads = re.findall(r"^ {2,6}(-[^\s,]+(?:, -[^\s,]+)*(?: [A-Za-z|]+)?)(?:  |$)", shown, re.MULTILINE)
        variables = re.findall(r"^  ([A-Z_]{5,}) ", shown, re.MULTILINE)
        codes = re.findall(r"^ {2,4}(\d+)  ", shown, re.MULTILINE)
        if len(heads) < 4 or not variables or len(codes) < 4:
            yield f"the help on {command} cannot be read"
        for option in heads:
            if option not in text:
                yield f"OPTIONS lacks {option}"
        for variable in variables:
            if f"\n.It Ev {variable}\n" not in page:
                yield f"ENVIRONMENT lacks {variable}"
        for code in codes:
            if f"\n.It {code}\n" not in page:
                yield f"EXIT STATUS lacks {code}"
    if len(helps) < 8:
        yield f"the list of commands cannot be read: {overview}"


def misread(text, options, commands):
    """Words that are set as an option, a variable ... and are none."""
    fitting = dict(FITTING)
    fitting["Fl"] = re.compile("|".join(re.escape(option[1:]) for option in options | OTHERS))
    fitting["Cm"] = re.compile("|".join(commands | {"help", "json"}))
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


def self_test(page, overview, helps, options):
    for old, new in (
        ("\n.Fl -slack\n", "\n.Fl -slack within\n"),
        ("\n.Ar COMMAND\n", "\n.Ar COMMAND and\n"),
        ("\n.Cm exec\nrenews", "\n.Cm exec renews\n"),
    ):
        assert old in page, f"the sample is out of date: {old!r}"
        assert list(misread(page.replace(old, new), options, set(helps))), f"the check is blind: {old!r}, {new!r}"
    for old, new in (
        (".It Cm status\n", ".It Cm state\n"),
        (".It Fl n , Fl -nonblock , Fl -nb", ".It Fl n , Fl -nonblock , Fl -bn"),
        (".It Ev REDLOCK_WAIT\n", ".It Ev REDLOCK_WEIGHT\n"),
        (".It 79\n", ".It 80\n"),
        (".Op Ar COMMAND Op Ar ARG...\n", ".Op Ar COMMAND\n"),
    ):
        assert old in page, f"the sample is out of date: {old!r}"
        assert list(missing(page.replace(old, new), overview, helps)), f"the check is blind: {old!r}, {new!r}"


def form(path, others):
    """What the tools for manual pages say, and references to pages of ours that do not exist."""
    for line in run("mandoc", "-T", "lint", "-W", "warning", str(path)).stdout.splitlines():
        if "sections out of conventional order" not in line:  # EXAMPLES and EXIT STATUS come early on purpose
            yield line
    if shutil.which("man"):
        yield from run("man", "--warnings", "-E", "UTF-8", "-l", str(path)).stderr.splitlines()
    for name, section in re.findall(r"^\.Xr (redlock[a-z-]*) (\d)", path.read_text(encoding="utf-8"), re.MULTILINE):
        if f"{name}.{section}" not in others:
            yield f"{path.name} refers to {name}({section})"


def main(root, program, generated):
    if not shutil.which("mandoc"):
        print("mandoc is not installed")
        return 77
    pages = [pathlib.Path(generated), root / "man/redlock-json.5", root / "man/redlock-nodes.7"]
    page = pages[0].read_text(encoding="utf-8")
    overview = run(program, "--help").stdout
    commands = re.findall(r"^  ([a-z]+)  ", overview.partition("Commands:")[2], re.MULTILINE)
    helps = {each: run(program, each, "--help").stdout for each in commands if each not in ("help", "redlock")}
    options = {word for text in helps.values() for word in re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", text)}
    self_test(page, overview, helps, options)
    found = list(missing(page, overview, helps))
    for path in pages:
        found += form(path, {each.name for each in pages})
        found += [f"{path.name}: {each}" for each in misread(path.read_text(encoding="utf-8"), options, set(helps))]
    lengths = {"redlock.1": run("mandoc", "-T", "utf8", "-O", "width=78", str(pages[0])).stdout,
               "README.md": (root / "README.md").read_text(encoding="utf-8")}
    for name, text in lengths.items():
        if text.count("\n") > LONGEST[name]:
            found.append(f"{name} has {text.count(chr(10))} lines, and may have {LONGEST[name]}")
    for sentence in found:
        print(sentence)
    print(f"{len(helps)} commands, {len(pages)} pages, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
