// The only source of chance in a schedule: everything that is drawn comes from its seed.
#pragma once

#include "util/time.hh"

#include <cstdint>
#include <initializer_list>

namespace redlock::sim {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    // splitmix64
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    // Both ends included.
    std::int64_t between(std::int64_t low, std::int64_t high) {
        if (high <= low) return low;
        return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }
    Duration between(Duration low, Duration high) { return Duration{between(low.count(), high.count())}; }
    std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
    bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1p-53 < probability; }
    template <class Item> Item pick(std::initializer_list<Item> items) { return items.begin()[below(items.size())]; }

  private:
    std::uint64_t state_;
};

} // namespace redlock::sim
