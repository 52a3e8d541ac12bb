// The only place that reads a clock.
#pragma once

#include "util/time.hh"

namespace redlock::event {

// Now on CLOCK_BOOTTIME.
Instant now();

// Milliseconds since 1970 by the wall clock: only for people ("held since"), never for a decision.
std::int64_t wall_clock_ms();

} // namespace redlock::event
