"""Makes a C++ header of the Lua scripts, without comments and indentation: they travel with every request. A line
"--include NAME" is replaced by that file.

    embed.py OUTPUT SCRIPT.lua...
"""
import pathlib
import sys


def shrink(source: pathlib.Path) -> str:
    lines = []
    for number, line in enumerate(source.read_text(encoding="ascii").splitlines(), 1):
        if line.startswith("--include "):
            lines.append(shrink(source.parent / line.split()[1]))
            continue
        code, dashes, _ = line.partition("--")
        if dashes and (code.count("'") % 2 or code.count('"') % 2):
            sys.exit(f"{source}:{number}: '--' inside a string: write it in another way")
        if code.strip():
            lines.append(code.strip())
    return "\n".join(lines)


def main() -> None:
    output, sources = sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]]
    parts = ["// Made by embed.py from the .lua files beside it.", "#pragma once", "",
             "#include <string_view>", "", "namespace redlock::redis {"]
    for source in sources:
        text = shrink(source)
        parts.append(f'\ninline constexpr std::string_view {source.stem}_script = R"lua({text})lua";')
    parts.append("\n} // namespace redlock::redis")
    pathlib.Path(output).write_text("\n".join(parts) + "\n", encoding="ascii")


main()
