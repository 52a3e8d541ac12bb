#include "util/random.hh"

#include "util/error.hh"

#include <array>
#include <cerrno>
#include <span>
#include <sys/random.h>

namespace redlock {

namespace {
void fill(std::span<unsigned char> out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            throw_errno("get random bytes from the kernel");
        }
        out = out.subspan(static_cast<std::size_t>(got));
    }
}
} // namespace

std::string random_hex128() {
    std::array<unsigned char, 16> bytes{};
    fill(bytes);
    constexpr const char *digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(32);
    for (const unsigned char byte : bytes) {
        hex += digits[byte >> 4U];
        hex += digits[byte & 15U];
    }
    return hex;
}

std::uint64_t random_seed() {
    std::array<unsigned char, 8> bytes{};
    fill(bytes);
    std::uint64_t bits = 0;
    for (const unsigned char byte : bytes) bits = bits << 8U | byte;
    return bits;
}

} // namespace redlock
