// The only place that reads a clock (protocol 3.6).
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

// Microseconds since 1970 by the wall clock: for people ("held since") and to propose a fence, never for a decision.
inline std::uint64_t wall_clock_us() {
    return static_cast<std::uint64_t>(read_clock(CLOCK_REALTIME) / std::chrono::microseconds{1});
}

} // namespace redlock::event
