// Assertions about our own code, on in every build: a lock tool that has lost its bearings must stop.
#pragma once

#include <source_location>

namespace redlock {

[[noreturn]] void check_failed(const char *what, const std::source_location &where);

// Aborts with file and line when `condition` is false. `what` says the rule that should have held.
inline void check(bool condition, const char *what,
                  const std::source_location &where = std::source_location::current()) {
    if (!condition) [[unlikely]]
        check_failed(what, where);
}

} // namespace redlock
