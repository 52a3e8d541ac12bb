// Reads the words after the name of the command: options as typed and not validated, operands, and COMMAND with its
// arguments. Only this pair of files knows CLI11.
//
// Options end at `--` or at COMMAND, which is the second operand of exec and the first of lab. All later words belong
// to COMMAND, a later `--` included. A short splitter does this before CLI11, because CLI11's subcommands and
// prefix_command misread `NAME -- cmd`.
#pragma once

#include "cmd/options.hh"

#include <span>
#include <string>
#include <vector>

namespace redlock::cmd {

// The options as typed, in the order of the command line.
class Typed {
  public:
    struct Given {
        const Option *option;
        std::string value; // empty for a flag
    };

    void add(const Option &option, std::string value) { given_.push_back({&option, std::move(value)}); }
    [[nodiscard]] const std::vector<Given> &all() const { return given_; }
    // The last value, which is the one that counts. Null if the option was not typed. Lives as long as *this.
    [[nodiscard]] const std::string *last(const Option &option) const;
    [[nodiscard]] bool has(const Option &option) const { return last(option) != nullptr; }

  private:
    std::vector<Given> given_;
};

struct Arguments {
    Typed options;
    std::vector<std::string> operands; // NAME, and superfluous words
    std::vector<std::string> command;  // COMMAND [ARG...]
    // Added to an error that `-n 5` may have caused, which users of consul type; otherwise empty.
    std::string number_hint;
};

// Throws UsageError for an option that this command does not have, for a missing value, and for the value of a flag.
// Stops at -h, --help and --version: then `options` has only that one.
Arguments read_arguments(const CommandInfo &command, std::span<const std::string> words);

} // namespace redlock::cmd
