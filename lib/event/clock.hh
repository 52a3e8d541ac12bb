// The only place that reads a clock.
#pragma once

#include "util/time.hh"

#include <ctime>

namespace redlock::event {

inline Duration read_clock(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return seconds{t.tv_sec} + Duration{t.tv_nsec};
}

// Now on CLOCK_BOOTTIME.
inline Instant now() { return Instant{read_clock(CLOCK_BOOTTIME)}; }

// Milliseconds since 1970 by the wall clock: only for people ("held since"), never for a decision.
inline std::int64_t wall_clock_ms() { return to_ms(read_clock(CLOCK_REALTIME)); }

} // namespace redlock::event
