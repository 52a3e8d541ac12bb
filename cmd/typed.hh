// The options as typed: text and presence, nothing validated. The only file pair that knows CLI11.
#pragma once

#include "cmd/options.hh"

#include <string>
#include <utility>
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

// Reads option words as the splitter (cmd/split.hh) hands them over: known to `command`, each value a word
// of its own. Throws UsageError, should CLI11 see a mistake where the splitter saw none.
Typed read_options(const CommandInfo &command, std::vector<std::string> words);

} // namespace redlock::cmd
