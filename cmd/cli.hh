// Reads the command line: the command, the options as typed, and the operands. cmd/settings.hh validates what depends
// on the environment or on other options.
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
    std::vector<std::string> names; // names of the locks, as typed: status has one or more, init, doctor and lab none
    std::vector<std::string> words; // COMMAND [ARG...]; empty for -c and for the default of lab
    std::string not_found_hint;     // added to the message if COMMAND does not exist; usually empty
};

// REQUIRES: `arguments` is argv without argv[0]. Throws UsageError for every mistake.
Invocation parse_command_line(std::span<const std::string> arguments);

} // namespace redlock::cmd
