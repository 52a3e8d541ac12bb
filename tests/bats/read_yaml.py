#!/usr/bin/env python3
"""read_yaml.py FILE: the YAML in FILE as JSON, on standard output.

The part of the language that examples/ci needs: mappings and lists by indentation, "[a, b]", plain and quoted
scalars, "|" blocks, comments. All scalars are strings. Anything else is an error, and so is what YAML would read in
another way than it looks. Where PyYAML is installed, it must agree.
"""
import json
import pathlib
import re
import sys

KEY = re.compile(r"([A-Za-z_][\w-]*):(?: +(.*))?$")


def scalar(text):
    """A value on one line."""
    if text.startswith("["):
        assert text.endswith("]"), f"a list over several lines: {text}"
        return [scalar(each.strip()) for each in text[1:-1].split(",")]
    if text[:1] in ("'", '"'):
        quote = text[0]
        assert len(text) > 1 and text.endswith(quote) and quote not in text[1:-1] and "\\" not in text, f"quoting: {text}"
        return text[1:-1]
    assert text[:1] not in tuple("{}&*!%@`>?#,") and ": " not in text and " #" not in text, f"not a plain scalar: {text}"
    assert text not in ("", "-", "~"), "an empty value"
    return text


class Reader:
    def __init__(self, text):
        assert "\t" not in text, "a tab"
        self.lines = [(len(line) - len(line.lstrip(" ")), line.strip()) for line in text.splitlines()]
        self.at = 0

    def peek(self):
        while self.at < len(self.lines) and (not self.lines[self.at][1] or self.lines[self.at][1].startswith("#")):
            self.at += 1
        return self.lines[self.at] if self.at < len(self.lines) else (-1, "")

    def block(self, indent):
        """What stands behind "|", below a key at `indent`."""
        lines = []
        inner = self.lines[self.at][0]
        assert inner > indent, "an empty block"
        while self.at < len(self.lines) and (not self.lines[self.at][1] or self.lines[self.at][0] >= inner):
            depth, text = self.lines[self.at]
            lines.append(" " * (depth - inner) + text if text else "")
            self.at += 1
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(lines) + "\n"

    def value(self, text, indent):
        if text == "|":
            return self.block(indent)
        if text:
            return scalar(text)
        depth, first = self.peek()
        assert depth > indent or (depth == indent and first.startswith("- ")), f"no value before: {first}"
        return self.node(depth)

    def node(self, indent):
        return self.items(indent) if self.peek()[1].startswith("- ") else self.mapping(indent)

    def items(self, indent):
        out = []
        while self.peek()[0] == indent and self.peek()[1].startswith("- "):
            rest = self.peek()[1][2:].strip()
            if KEY.match(rest):
                # A mapping that begins behind the dash.
                self.lines[self.at] = (indent + 2, rest)
                out.append(self.mapping(indent + 2))
            else:
                self.at += 1
                out.append(scalar(rest))
        assert self.peek()[0] <= indent, f"indentation: {self.peek()[1]}"
        return out

    def mapping(self, indent):
        out = {}
        while self.peek()[0] == indent and not self.peek()[1].startswith("- "):
            match = KEY.match(self.peek()[1])
            assert match and match.group(1) not in out, f"not a new key: {self.peek()[1]}"
            self.at += 1
            out[match.group(1)] = self.value(match.group(2), indent)
        assert self.peek()[0] <= indent, f"indentation: {self.peek()[1]}"
        return out

    def document(self):
        out = self.node(0)
        assert self.peek()[0] == -1, f"indentation: {self.peek()[1]}"
        return out


def as_strings(thing):
    """PyYAML's numbers and truths as they were written; its key True is the "on" of a workflow."""
    if isinstance(thing, dict):
        return {"on" if key is True else key: as_strings(value) for key, value in thing.items()}
    return [as_strings(each) for each in thing] if isinstance(thing, list) else str(thing)


def main(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    ours = Reader(text).document()
    try:
        import yaml  # pylint: disable=import-outside-toplevel
    except ImportError:
        pass
    else:
        theirs = as_strings(yaml.safe_load(text))
        assert ours == theirs, f"PyYAML reads\n{theirs}\nand not\n{ours}"
    json.dump(ours, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
