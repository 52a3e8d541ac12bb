// Random bytes from the kernel.
#pragma once

#include <cstdint>
#include <string>

namespace redlock {

// 128 random bits as 32 lower-case hexadecimal digits. Throws SystemError when the kernel gives none.
std::string random_hex128();

// 64 random bits, to seed what must be repeatable.
std::uint64_t random_seed();

} // namespace redlock
