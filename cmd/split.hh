// Cuts the words after the command's name into options, operands and COMMAND, which is why neither
// CLI11's subcommands nor its prefix_command are used: they misread `NAME -- cmd`. Options are read until
// `--` or until the second operand of exec (the first of lab), which is COMMAND: from there on every word
// is COMMAND's own, a later `--` included.
#pragma once

#include "cmd/command.hh"

#include <span>
#include <string>
#include <vector>

namespace redlock::cmd {

struct Split {
    std::vector<std::string> options;  // for the option parser; known ones only, each with its value
    std::vector<std::string> operands; // NAME, and what should not be there
    std::vector<std::string> command;  // COMMAND [ARG...]
    // What to add to an error that may come from `-n 5`, which consul's users type; empty otherwise.
    std::string number_hint;
};

// Throws UsageError for an option that this command does not have, for a missing value and for a value
// that a flag does not take. Stops at --help and --version: then only that one is in `options`.
Split split_words(const CommandInfo &command, std::span<const std::string> words);

} // namespace redlock::cmd
