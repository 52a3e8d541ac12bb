#include "util/random.hh"

#include "util/error.hh"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <unistd.h>

namespace redlock {

std::uint64_t random_seed() {
    std::uint64_t bits = 0;
    if (::getentropy(&bits, sizeof bits) < 0) throw_errno("get random bytes from the kernel");
    return bits;
}

std::string random_hex128() {
    std::array<char, 33> hex{};
    std::snprintf(hex.data(), hex.size(), "%016" PRIx64 "%016" PRIx64, random_seed(), random_seed());
    return hex.data();
}

} // namespace redlock
