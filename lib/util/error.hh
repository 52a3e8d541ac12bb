// Errors that end a run. Thrown where they are found, caught and printed in main alone, which maps the
// class to the exit code. What nodes say is never one of these: those are values (core/message.hh).
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

} // namespace redlock
