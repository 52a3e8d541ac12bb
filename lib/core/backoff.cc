#include "core/backoff.hh"

#include <algorithm>

namespace redlock::core {

Duration Backoff::next(Duration base, Duration cap) {
    const Duration least = std::min(base / 2, cap);
    Duration most = base;
    for (unsigned i = 0; i < tries_ && most < cap; ++i) most *= 2;
    most = std::min(most, cap);
    ++tries_;
    return between(least, most);
}

Duration Backoff::between(Duration low, Duration high) {
    return Duration{std::uniform_int_distribution<Duration::rep>(low.count(), high.count())(random_)};
}

} // namespace redlock::core
