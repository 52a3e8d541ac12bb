#include "core/backoff.hh"

#include <algorithm>

namespace redlock::core {

Duration Backoff::next(Duration base, Duration cap) {
    const Duration least = std::min(base / 2, cap);
    Duration most = base;
    for (unsigned i = 0; i < tries_ && most < cap; ++i) most *= 2;
    most = std::min(most, cap);
    ++tries_;
    return least + std::chrono::duration_cast<Duration>((most - least) * unit());
}

double Backoff::unit() {
    // SplitMix64 (Steele, Lea, Flood 2014): small, and every seed is a good one.
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    z ^= z >> 31U;
    return static_cast<double>(z >> 11U) * 0x1.0p-53;
}

} // namespace redlock::core
