// Where the value of a setting came from. Messages about a value name its origin, and the origin decides the exit code
// of a mistake.
#pragma once

#include "cmd/diagnose.hh"
#include "util/error.hh"

#include <fmt/format.h>
#include <string>

namespace redlock::cmd {

struct Origin {
    enum class Kind { by_default, file, environment, typed }; // a later kind takes precedence
    Kind kind = Kind::by_default;
    std::string name{};     // of the file, of the variable, or of the option ("--ttl")
    unsigned line = 0;      // file: counted from 1
    std::string contents{}; // the value was read from this file, which is what the origin gave; else empty

    [[nodiscard]] bool typed() const { return kind == Kind::typed; }

    // "--ttl", "environment variable REDLOCK_TTL", "/etc/redlock.toml:3", "--token-file 'token'". Empty for a default.
    [[nodiscard]] std::string in_words() const {
        std::string words = kind == Kind::environment ? "environment variable " + name : name;
        if (kind == Kind::file) words += fmt::format(":{}", line);
        return contents.empty() ? words : fmt::format("{} {}", words, in_quotes(contents));
    }
};

// A value and its origin. `by_default`: it was given nowhere, and `value` is the default if there is a fixed one.
template <class T> struct Value {
    T value{};
    Origin origin{};

    [[nodiscard]] bool given() const { return origin.kind != Origin::Kind::by_default; }
    [[nodiscard]] T value_or(T other) const { return given() ? value : other; }
};

// Throws UsageError for a mistake that a typed value takes part in, otherwise ConfigError.
[[noreturn]] inline void refuse(bool typed, const std::string &message) {
    if (typed) throw UsageError(message);
    throw ConfigError(message);
}

// The same, for a mistake in one value. `what` follows the words of the origin.
[[noreturn]] inline void refuse(const Origin &origin, const std::string &what) {
    refuse(origin.typed(), fmt::format("{}: {}", origin.in_words(), what));
}

} // namespace redlock::cmd
