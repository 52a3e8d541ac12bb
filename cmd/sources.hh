// Finds the values of options, and turns their text into numbers and durations. Precedence: the command line, then the
// environment, then the default. Only the readers of settings use it (cmd/setting_readers.hh).
#pragma once

#include "cmd/cli.hh"
#include "cmd/origin.hh"
#include "util/time.hh"

#include <functional>
#include <string>
#include <string_view>

namespace redlock::cmd {

// Null if the variable is not set; otherwise valid until the next call.
using Environment = std::function<const char *(const char *name)>;

class Sources {
  public:
    // Borrows both.
    Sources(const Invocation &line, const Environment &environment) : line_(line), environment_(environment) {}

    [[nodiscard]] const Invocation &line() const { return line_; }
    [[nodiscard]] bool takes(const Option &option) const { return cmd::takes(info(line_.command), option); }

    // An empty variable counts as not set.
    [[nodiscard]] Value<std::string> variable(std::string_view name) const;

    // The values of an option. Without `otherwise`, the default is empty or zero. Each throws UsageError or ConfigError
    // if the text is not a value of its kind.
    [[nodiscard]] Value<std::string> text(const Option &option) const;
    [[nodiscard]] Value<Duration> duration(const Option &option, Duration otherwise = {}) const;
    // `why` is added to the message.
    [[nodiscard]] Value<std::size_t> integer(const Option &option, std::size_t low, std::size_t high,
                                             std::size_t otherwise, std::string_view why = "") const;

  private:
    const Invocation &line_;
    const Environment &environment_;
};

} // namespace redlock::cmd
