#include "util/check.hh"

#include <cstdio>
#include <cstdlib>

namespace redlock {

void check_failed(const char *what, const std::source_location &where) {
    std::fprintf(stderr, "redlock: internal error: not true that %s (%s:%u); please report this\n", what,
                 where.file_name(), static_cast<unsigned>(where.line()));
    std::abort();
}

} // namespace redlock
