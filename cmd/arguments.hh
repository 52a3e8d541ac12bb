// The words after the command's name: options as typed (text and presence, nothing validated), operands, and
// COMMAND with its arguments. The only file pair that knows CLI11.
//
// Options are read until `--` or until the second operand of exec (the first of lab), which is COMMAND: from
// there on every word is COMMAND's own, a later `--` included. A short splitter sees to that in front of
// CLI11, whose subcommands and prefix_command misread `NAME -- cmd`.
#pragma once

#include "cmd/options.hh"

#include <span>
#include <string>
#include <vector>

namespace redlock::cmd {

// The options as typed, in the order of the line.
class Typed {
  public:
    struct Given {
        const Option *option;
        std::string value; // empty for a flag
    };

    void add(const Option &option, std::string value) { given_.push_back({&option, std::move(value)}); }
    [[nodiscard]] const std::vector<Given> &all() const { return given_; }
    // The value that counts: the last one. Null when it was not typed. Lives as long as *this.
    [[nodiscard]] const std::string *last(const Option &option) const;
    [[nodiscard]] bool has(const Option &option) const { return last(option) != nullptr; }

  private:
    std::vector<Given> given_;
};

struct Arguments {
    Typed options;
    std::vector<std::string> operands; // NAME, and what should not be there
    std::vector<std::string> command;  // COMMAND [ARG...]
    // What to add to an error that may come from `-n 5`, which consul's users type; empty otherwise.
    std::string number_hint;
};

// Throws UsageError for an option that this command does not have, for a missing value and for a value
// that a flag does not take. Stops at -h, --help and --version: then `options` has only that one.
Arguments read_arguments(const CommandInfo &command, std::span<const std::string> words);

} // namespace redlock::cmd
