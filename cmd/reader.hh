// Finds values by precedence (option, then environment) and turns text into them. For what makes Settings alone.
#pragma once

#include "cmd/cli.hh"
#include "cmd/diagnose.hh"
#include "cmd/settings.hh"
#include "config/duration.hh"
#include "util/error.hh"
#include "util/text.hh"

#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>

namespace redlock::cmd {

// Of an origin as Found has it.
inline bool is_typed(std::string_view origin) { return origin.starts_with('-'); }

// UsageError for what was typed, otherwise ConfigError.
[[noreturn]] inline void refuse(bool typed, const std::string &message) {
    if (typed) throw UsageError(message);
    throw ConfigError(message);
}

// A value that was given, and where: "--ttl" or "environment variable REDLOCK_TTL". Defaults are no Found.
template <class T> struct Found {
    T value{};
    std::string origin;
};

// Finds values by precedence and turns text into them.
class Reader {
  public:
    Reader(const Invocation &invocation, const Environment &environment)
        : invocation_(invocation), environment_(environment) {}

    // An empty variable counts as unset.
    [[nodiscard]] std::optional<std::string> variable(std::string_view name) const {
        const char *value = environment_(std::string(name).c_str());
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
    }

    [[nodiscard]] std::optional<Found<std::string>> text(const Option &option) const {
        if (const std::string *value = invocation_.typed.last(option))
            return Found<std::string>{*value, std::string(name_of(option))};
        if (!takes(info(invocation_.command), option) || option.environment.empty()) return std::nullopt;
        std::optional<std::string> value = variable(option.environment);
        if (!value) return std::nullopt;
        return Found<std::string>{*std::move(value), fmt::format("environment variable {}", option.environment)};
    }

    [[nodiscard]] std::optional<Found<Duration>> duration(const Option &option) const {
        const auto found = text(option);
        if (!found) return std::nullopt;
        try {
            return Found<Duration>{config::parse_duration(found->value), found->origin};
        } catch (const ConfigError &error) {
            refuse(is_typed(found->origin), fmt::format("{}: {}", found->origin, error.what()));
        }
    }

    // `why`: to be added to the message.
    [[nodiscard]] std::optional<Found<std::size_t>> integer(const Option &option, std::size_t low, std::size_t high,
                                                            std::string_view why = "") const {
        const auto found = text(option);
        if (!found) return std::nullopt;
        const auto value = parse_number<std::size_t>(found->value);
        if (!value || *value < low || *value > high)
            refuse(
                is_typed(found->origin),
                fmt::format("{}: {} is not {}{}", found->origin, in_quotes(found->value),
                            low == high ? fmt::to_string(low) : fmt::format("a whole number from {} to {}", low, high),
                            why));
        return Found<std::size_t>{*value, found->origin};
    }

  private:
    const Invocation &invocation_;
    const Environment &environment_;
};

} // namespace redlock::cmd
