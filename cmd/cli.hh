// The command line, read: which command, which options as typed, which operands. Nothing is validated here
// that needs the environment or another option's value; cmd/settings.hh does that.
#pragma once

#include "cmd/arguments.hh"

#include <span>
#include <string>
#include <vector>

namespace redlock::cmd {

struct Invocation {
    // Not empty for -h, --help, --version and `redlock help`: print it to stdout, exit with 0, ignore the rest.
    std::string text;
    Command command = Command::exec;
    Typed typed;
    std::vector<std::string> names; // of the locks, as typed: one, but for status one or more, none for lab
    std::vector<std::string> words; // COMMAND [ARG...]; empty with -c, and for lab's default
    // To be added to the message when COMMAND turns out not to exist; mostly empty.
    std::string not_found_hint;
};

// `arguments` is argv without argv[0]. Throws UsageError for every mistake.
Invocation parse_command_line(std::span<const std::string> arguments);

} // namespace redlock::cmd
