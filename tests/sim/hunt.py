#!/usr/bin/env python3
"""hunt.py BUILD [NAME...]: is the checker any good? Sows each bug of bugs/, alone, and plays until it is caught.

A bug is a patch against a copy of the sources; only the translation units that it touches are compiled, the other
objects are those of BUILD (a build folder in which tests/sim/sim has been built). What counts is a promise that the
checker saw broken: a crash, or an assertion inside the core, does not.

bugs/notes.txt says what is expected of the ones that no schedule can catch alone: "NAME with OTHER" must be caught as
a pair, "NAME equivalent: REASON" is known to change nothing. Anything else that survives is a failure.

  --schedules N   at most so many for each bug (300000)
  --seconds N     at most so long for each bug (120)
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LINE = re.compile(r"^(\d+) schedules from seed", re.MULTILINE)


class Build:
    """A finished build: the commands of its compiler, and which headers each translation unit reads."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder.resolve()
        self.commands = {}
        for entry in json.loads((folder / "compile_commands.json").read_text(encoding="utf-8")):
            entry["command"] = re.sub(r"^\S*ccache\s+", "", entry["command"])  # ours is changed in its first words
            source = (self.folder / entry["file"]).resolve()
            if source.is_relative_to(ROOT) and re.match(r"(tests/sim|lib)/", str(source.relative_to(ROOT))):
                self.commands[str(source.relative_to(ROOT))] = entry
        listing = subprocess.run(["ninja", "-C", folder, "-t", "deps"], capture_output=True, text=True, check=True)
        self.folders = {name: os.path.relpath(ROOT / name, self.folder) for name in ("lib", "tests/sim")}
        self.readers = {}
        for block in listing.stdout.split("\n\n"):
            head, *headers = block.splitlines() or [""]
            for header in headers:
                path = (self.folder / header.strip()).resolve()
                self.readers.setdefault(path, set()).add(head.split(":")[0])

    def units(self, changed):
        """Which sources must be compiled when these files have changed."""
        objects = set()
        for path in changed:
            read = self.folder / "lib/redis/scripts.hh" if path.endswith(".lua") else ROOT / path
            objects |= self.readers.get(read, set())
        wanted = {"tests/sim/sim.p", *(f"lib/{name}/libredlock-{name}.a.p" for name in ("core", "process", "redis"))}
        return [source for source, entry in self.commands.items()
                if entry["output"] in objects and str(pathlib.Path(entry["output"]).parent) in wanted]


def changed_files(patches):
    text = "".join(patch.read_text(encoding="utf-8") for patch in patches)
    return sorted(set(re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)))


def sow(build, patches, copy):
    """Builds the simulator with these bugs in it."""
    for folder in ("lib", "tests/sim"):
        shutil.copytree(ROOT / folder, copy / folder)
    for patch in patches:
        # Without fuzz: a bug that slips into other lines is another bug.
        subprocess.run(["patch", "-p1", "--fuzz=0", "--silent", "--no-backup-if-mismatch", "-i", patch], cwd=copy,
                       check=True)
    changed = changed_files(patches)
    generated = copy / "generated/redis"
    generated.mkdir(parents=True)
    if any(path.endswith(".lua") for path in changed):
        scripts = sorted((copy / "lib/redis/scripts").glob("*.lua"))
        subprocess.run(["python3", copy / "lib/redis/scripts/embed.py", generated / "scripts.hh", *scripts], check=True)
    objects = {path.name: path for path in (build.folder / "tests/sim/sim.p").glob("*.o")}
    for source in build.units(changed):
        entry = build.commands[source]
        command = shlex.split(entry["command"])
        for name, path in build.folders.items():
            command = [re.sub(rf"^(-I)?{re.escape(path)}(?=/|$)", rf"\g<1>{copy}/{name}", word) for word in command]
        target = copy / pathlib.Path(entry["output"]).name
        command[command.index("-o") + 1] = str(target)
        command[1:1] = [f"-I{copy}/generated", "-Wno-error", "-w"]
        subprocess.run(command, cwd=build.folder, check=True)
        objects[target.name] = target
    archives = [build.folder / f"lib/{name}/libredlock-{name}.a"
                for name in ("process", "redis", "config", "event", "core", "util")]
    subprocess.run([*shlex.split(command_of_linker(build)), "-o", copy / "sim", *sorted(objects.values()), *archives,
                    *libraries("luajit", "lua5.1", "lua-5.1"), *libraries("hiredis"), "-lpthread"], check=True)
    return copy / "sim"


def libraries(*names):
    """What the linker wants of the first of these that is here."""
    for name in names:
        found = subprocess.run(["pkg-config", "--libs", name], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return shlex.split(found.stdout)
    sys.exit(f"not here: {', '.join(names)}")


def command_of_linker(build):
    return shlex.split(next(iter(build.commands.values()))["command"])[0]


def play(program, model, options):
    """(how it ended, schedules played, what was broken)"""
    command = [program, "--jobs", "1", "--schedules", str(options.schedules), "--fault-model", model]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=options.seconds, check=False)
    except subprocess.TimeoutExpired:
        return "survives", 0, f"{options.seconds} s"
    played = int(found.group(1)) if (found := LINE.search(run.stdout)) else 0
    if run.returncode == 0:
        return "survives", played, ""
    violation = re.search(r"VIOLATION: (.*)", run.stdout)
    if run.returncode == 1 and violation:
        return "caught", played, violation.group(1)
    return "crashed", played, (run.stderr.strip().splitlines() or [f"exit status {run.returncode}"])[-1][:100]


def hunt(build, patches, options):
    with tempfile.TemporaryDirectory(prefix="redlock-bugs-") as folder:
        program = sow(build, patches, pathlib.Path(folder))
        result = play(program, "inside", options)
        if result[0] != "survives":
            return result
        # What holds always must hold beyond the model, too.
        end, played, what = play(program, "outside", options)
        return end, played, what + " (outside the model)" * (end == "caught")


def read_notes(path):
    pairs, equivalent = [], {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"(\S+) with (\S+)$", line):
            pairs.append(match.groups())
        elif match := re.match(r"(\S+) equivalent: (.+)$", line):
            equivalent[match.group(1)] = match.group(2)
    return pairs, equivalent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--schedules", type=int, default=300_000)
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_intermixed_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # which takes the copy of the sources away
    build = Build(options.build)
    pairs, equivalent = read_notes(HERE / "bugs/notes.txt")
    every = [(path.stem,) for path in sorted((HERE / "bugs").glob("*.patch"))] + pairs
    failures = caught = 0
    for names in every:
        if options.names and not set(names) & set(options.names):
            continue
        patches = [HERE / f"bugs/{name}.patch" for name in names]
        end, played, what = hunt(build, patches, options)
        known = len(names) == 1 and names[0] in equivalent
        wrong = end == "crashed" or (end == "caught") == known
        failures += wrong
        caught += end == "caught"
        print(f"{'+'.join(names):45} {end:9} {played:7}  {what}{'   UNEXPECTED' if wrong else ''}", flush=True)
    print(f"{caught} caught, {failures} not as expected")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
