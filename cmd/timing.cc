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

Duration connection_patience(const Timing &timing) {
    const Duration usual = std::max(4 * timing.node_timeout, timing.ttl / 6);
    // With a long node timeout: so that there is still time for a renewal over the new connection.
    const Duration latest = std::max(timing.node_timeout, (fresh_validity(timing) - renewal_period(timing)) / 2);
    return std::min({Duration{seconds{5}}, usual, latest});
}

Duration renewal_period(const Timing &timing) { return core::renewal_period(timing.ttl, timing.slack); }

Duration needed(const Timing &timing, Command command) {
    if (command != Command::exec) return timing.node_timeout;
    return timing.kill_after + 2 * timing.margin + renewal_period(timing);
}

bool fits(const Timing &timing, Command command) {
    const Duration validity = fresh_validity(timing);
    return timing.node_timeout < validity && needed(timing, command) < validity;
}

std::optional<Duration> sufficient_ttl(TimingWish wish, Command command) {
    using tenths = std::chrono::duration<Duration::rep, std::deci>;
    wish.ttl = std::max(wish.ttl, shortest_ttl);
    // In steps of a person's rounding; validity less what is needed is convex in the ttl, so none is jumped over.
    while (!fits(complete(wish), command)) {
        wish.ttl += std::max<Duration>(wish.ttl / 50, milliseconds{100});
        if (wish.ttl > longest_duration) return std::nullopt;
        wish.ttl = wish.ttl < seconds{10} ? Duration{std::chrono::floor<tenths>(wish.ttl)}
                                          : Duration{std::chrono::ceil<seconds>(wish.ttl)};
    }
    return wish.ttl;
}

} // namespace redlock::cmd
