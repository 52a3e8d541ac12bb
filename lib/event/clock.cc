#include "event/clock.hh"

#include <ctime>

namespace redlock::event {

namespace {
Duration read(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return seconds{t.tv_sec} + Duration{t.tv_nsec};
}
} // namespace

Instant now() { return Instant{read(CLOCK_BOOTTIME)}; }

std::int64_t wall_clock_ms() { return to_ms(read(CLOCK_REALTIME)); }

} // namespace redlock::event
