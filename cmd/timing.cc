#include "cmd/timing.hh"

#include "core/lease.hh"

#include <algorithm>

namespace redlock::cmd {

Timing complete(const TimingWish &wish) {
    Timing timing;
    timing.ttl = wish.ttl;
    timing.drift = wish.drift;
    timing.slack = wish.slack.value_or(std::min<Duration>(seconds{5}, wish.ttl / 6));
    timing.node_timeout =
        wish.node_timeout.value_or(std::clamp<Duration>(wish.ttl / 100, milliseconds{50}, seconds{1}));
    timing.kill_after = wish.kill_after.value_or(std::min<Duration>(seconds{5}, wish.ttl / 6));
    timing.margin = std::min<Duration>(milliseconds{250}, wish.ttl / 12);
    return timing;
}

Duration fresh_validity(const Timing &timing) { return core::trusted_time(timing.ttl, {timing.drift, timing.slack}); }

Duration renewal_period(const Timing &timing) { return (timing.ttl - timing.slack) / 3; }

Duration needed(const Timing &timing, Command command) {
    if (command != Command::exec) return timing.node_timeout;
    return timing.kill_after + 2 * timing.margin + renewal_period(timing);
}

bool fits(const Timing &timing, Command command) {
    const Duration validity = fresh_validity(timing);
    return timing.node_timeout < validity && needed(timing, command) < validity;
}

std::optional<Duration> smallest_ttl(TimingWish wish, Command command) {
    const auto fits_with = [&](Duration ttl) {
        wish.ttl = ttl;
        return fits(complete(wish), command);
    };
    // validity − needed is convex in the ttl, so that above one that does not fit there is one border.
    Duration low = wish.ttl;
    Duration high = std::max(wish.ttl, shortest_ttl);
    while (!fits_with(high)) {
        if (high >= longest_duration) return std::nullopt;
        low = high;
        high = std::min(high * 2, longest_duration);
    }
    while (high - low > milliseconds{1}) {
        const Duration middle = low + (high - low) / 2;
        (fits_with(middle) ? high : low) = middle;
    }
    using tenths = std::chrono::duration<Duration::rep, std::deci>;
    return high < seconds{10} ? Duration{std::chrono::ceil<tenths>(high)} : Duration{std::chrono::ceil<seconds>(high)};
}

} // namespace redlock::cmd
