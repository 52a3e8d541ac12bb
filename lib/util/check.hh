// Assertions about our own code, on in every build: a lock tool that has lost its bearings must stop.
#pragma once

namespace redlock {

[[noreturn]] void check_failed(const char *what, const char *file, unsigned line);

// Aborts with file and line when `condition` is false. `what` says the rule that should have held.
// (The builtins are what std::source_location is made of; clang 14 has them, but not that.)
inline void check(bool condition, const char *what, const char *file = __builtin_FILE(),
                  unsigned line = __builtin_LINE()) {
    if (!condition) [[unlikely]]
        check_failed(what, file, line);
}

} // namespace redlock
