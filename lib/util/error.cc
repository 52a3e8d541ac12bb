#include "util/error.hh"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace redlock {

SystemError::SystemError(std::string_view operation, std::string_view object, int code)
    : std::runtime_error("cannot " + std::string(operation) + (object.empty() ? "" : " ") + std::string(object) + ": " +
                         std::strerror(code)) {}

void throw_errno(std::string_view operation, std::string_view object) { throw SystemError(operation, object, errno); }

void check_failed(const char *what, const char *file, unsigned line) {
    std::fprintf(stderr, "redlock: internal error: not true that %s (%s:%u); please report this\n", what, file, line);
    std::abort();
}

} // namespace redlock
