// Errors that end a run. Thrown where they are found, caught and printed in main alone, which maps the
// class to the exit code. What nodes say is never one of these: those are values (core/message.hh).
// And assertions about our own code, on in every build: a lock tool that has lost its bearings must stop.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace redlock {

// The command line is wrong (exit 64).
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A setting is wrong, wherever it came from (exit 78). The message names the place.
struct ConfigError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The system refused something that we need to do our work (exit 70). `operation` reads like "create
// the folder", `object` names its target (may be empty); `code` is an errno value.
struct SystemError : std::runtime_error {
    SystemError(std::string_view operation, std::string_view object, int code);
};

// Throws SystemError with the current errno.
[[noreturn]] void throw_errno(std::string_view operation, std::string_view object = {});

[[noreturn]] void check_failed(const char *what, const char *file, unsigned line);

// Aborts with file and line when `condition` is false. `what` says the rule that should have held.
// (The builtins are what std::source_location is made of; clang 14 has them, but not that.)
inline void check(bool condition, const char *what, const char *file = __builtin_FILE(),
                  unsigned line = __builtin_LINE()) {
    if (!condition) [[unlikely]]
        check_failed(what, file, line);
}

} // namespace redlock
