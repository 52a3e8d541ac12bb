#include "util/check.hh"

#include <cstdio>
#include <cstdlib>

namespace redlock {

void check_failed(const char *what, const char *file, unsigned line) {
    std::fprintf(stderr, "redlock: internal error: not true that %s (%s:%u); please report this\n", what, file, line);
    std::abort();
}

} // namespace redlock
