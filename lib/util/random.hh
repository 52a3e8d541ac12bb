// Random bytes from the kernel.
#pragma once

#include <cstdint>
#include <string>

namespace redlock {

// 128 random bits as 32 lower-case hexadecimal digits. Throws SystemError when the kernel gives none.
std::string random_hex128();

// A uniformly random number in [0, 1).
double random_unit();

} // namespace redlock
