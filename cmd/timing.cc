#include "cmd/timing.hh"

#include "process/supervisor.hh"

#include <algorithm>

namespace redlock::cmd {

Timing complete(const TimingWish &wish) {
    const Duration ttl = wish.ttl.value;
    const Duration sixth = std::min<Duration>(seconds{5}, ttl / 6);
    return {.ttl = ttl,
            .trust = {wish.drift.value, wish.slack.value_or(sixth)},
            .node_timeout = wish.node_timeout.value_or(std::clamp<Duration>(ttl / 100, milliseconds{50}, seconds{1})),
            .kill_after = wish.kill_after.value_or(sixth),
            .margin = std::min<Duration>(milliseconds{250}, ttl / 12)};
}

Duration connection_patience(const Timing &timing) {
    const Duration usual = std::max(4 * timing.node_timeout, timing.ttl / 6);
    // With a long node timeout: so that there is still time for a renewal over the new connection.
    const Duration latest = std::max(timing.node_timeout, (timing.fresh_validity() - timing.renewal_period()) / 2);
    return std::min({Duration{seconds{5}}, usual, latest});
}

Duration needed(const Timing &timing, Command command) {
    if (command != Command::exec) return timing.node_timeout;
    return process::Grace{timing.kill_after, timing.margin}.needed_validity() + timing.renewal_period();
}

bool fits(const Timing &timing, Command command) {
    const Duration validity = timing.fresh_validity();
    return timing.node_timeout < validity && needed(timing, command) < validity;
}

std::optional<Duration> sufficient_ttl(TimingWish wish, Command command) {
    using tenths = std::chrono::duration<Duration::rep, std::deci>;
    Duration &ttl = wish.ttl.value;
    ttl = std::max(ttl, shortest_ttl);
    // In steps of a person's rounding; validity less what is needed is convex in the ttl, so none is jumped over.
    while (!fits(complete(wish), command)) {
        ttl += std::max<Duration>(ttl / 50, milliseconds{100});
        if (ttl > longest_duration) return std::nullopt;
        ttl = ttl < seconds{10} ? Duration{std::chrono::floor<tenths>(ttl)} : Duration{std::chrono::ceil<seconds>(ttl)};
    }
    return ttl;
}

} // namespace redlock::cmd
