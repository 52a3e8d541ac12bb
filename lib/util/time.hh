// The vocabulary of time: every moment is an Instant on CLOCK_BOOTTIME (the clock that goes on during
// suspend: a lease must age while the machine sleeps), every length a Duration. Neither is ever a bare
// integer. Only event/clock.hh reads the clock; everybody else is handed an Instant.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace redlock {

using Duration = std::chrono::nanoseconds;

struct BootClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};

using Instant = BootClock::time_point;

using std::chrono::milliseconds;
using std::chrono::seconds;

// Two moments that no real one reaches, near enough to zero that adding any accepted duration to them
// cannot overflow. `distant_past` is the "minus infinity" of protocol 5.3.
inline constexpr Duration longest_duration = std::chrono::hours{24 * 366 * 10};
inline constexpr Instant distant_past = Instant{} - std::chrono::hours{24 * 366 * 100};
inline constexpr Instant distant_future = Instant{} + std::chrono::hours{24 * 366 * 100};

// The earlier of two deadlines, where nullopt means none.
inline std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
    return a && b ? std::min(a, b) : a ? a : b;
}

// Whole milliseconds for the wire and for people, rounded towards zero or up.
constexpr std::int64_t to_ms(Duration d) { return std::chrono::duration_cast<milliseconds>(d).count(); }
constexpr std::int64_t to_ms_up(Duration d) { return std::chrono::ceil<milliseconds>(d).count(); }

} // namespace redlock
