// Pauses between tries: full jitter over a window that doubles, so that clients that collided once do
// not collide again (protocol 12.2). Deterministic: the randomness is a seed handed in.
#pragma once

#include "util/time.hh"

#include <cstdint>
#include <random>

namespace redlock::core {

class Backoff {
  public:
    explicit Backoff(std::uint64_t seed) : random_(seed) {}

    // A pause between `base` / 2 and min(base × 2^tries, cap), evenly spread.
    Duration next(Duration base, Duration cap);
    // Somewhere from `low` to `high`; does not count as a try.
    Duration between(Duration low, Duration high);
    // The next try is the first again.
    void reset() { tries_ = 0; }

  private:
    std::mt19937_64 random_;
    unsigned tries_ = 0;
};

} // namespace redlock::core
