#include "cmd/setting_readers.hh"

#include "config/duration.hh"

#include <algorithm>
#include <cstdlib>

namespace redlock::cmd {

namespace {

using config::show_duration;

// Digits and a point: from_chars for doubles would have libm loaded at every start.
std::optional<double> read_ratio(const std::string &text) {
    if (text.empty() || text.find_first_not_of("0123456789.") != text.npos) return std::nullopt;
    char *end = nullptr;
    const double value = std::strtod(text.c_str(), &end); // in the C locale: nobody sets another
    return end == text.c_str() + text.size() ? std::optional(value) : std::nullopt;
}

Value<double> read_drift(const Sources &sources) {
    const Value<std::string> found = sources.text(option("--drift"));
    if (!found.given()) return {core::default_drift};
    const auto value = read_ratio(found.value);
    if (value && *value >= 0 && *value < 0.5) return {*value, found.origin};
    refuse(found.origin, fmt::format("{} is not a ratio from 0 to below 0.5; the default is {}", in_quotes(found.value),
                                     core::default_drift));
}

} // namespace

std::string as_typed(Duration length) { return fmt::format("{}s", static_cast<double>(to_ms_up(length)) / 1000); }

std::string with_origin(std::string_view what, Duration length, const Origin &origin) {
    const std::string words = origin.in_words();
    return fmt::format("{} {}{}", what, show_duration(length), words.empty() ? "" : " (" + words + ")");
}

TimingWish read_timing_wish(const Sources &sources) {
    TimingWish wish{.ttl = sources.duration(option("--ttl"), default_ttl),
                    .slack = sources.duration(option("--slack")),
                    .node_timeout = sources.duration(option("--node-timeout")),
                    .kill_after = sources.duration(option("--kill-after")),
                    .drift = read_drift(sources)};
    if (wish.ttl.value < shortest_ttl)
        refuse(wish.ttl.origin, fmt::format("a ttl of {} is too short to hold a lock over a network; at least {}",
                                            show_duration(wish.ttl.value), show_duration(shortest_ttl)));
    if (wish.node_timeout.given() && wish.node_timeout.value < milliseconds{1})
        refuse(wish.node_timeout.origin,
               fmt::format("no node can answer within {}; at least 1 ms", show_duration(wish.node_timeout.value)));
    return wish;
}

void check_timing(const TimingWish &wish, const Timing &timing, Command command) {
    if (fits(timing, command)) return;
    const Duration validity = std::max(timing.fresh_validity(), Duration::zero());
    std::string needs = with_origin("a node timeout of", timing.node_timeout, wish.node_timeout.origin);
    if (needed(timing, command) > timing.node_timeout && command == Command::exec)
        needs = fmt::format("{} ({}, twice the kill margin of {}, and {} from one renewal to the next)",
                            show_duration(needed(timing, Command::exec)),
                            with_origin("kill-after", timing.kill_after, wish.kill_after.origin),
                            show_duration(timing.margin), show_duration(timing.renewal_period()));
    const auto better = sufficient_ttl(wish, command);
    const auto typed = [](const auto &...value) { return (value.origin.typed() || ...); };
    refuse(typed(wish.ttl, wish.slack, wish.node_timeout, wish.kill_after, wish.drift),
           fmt::format("{} is too short: a fresh lease is safe for {} ({} less a drift of {}, {} and 2 ms), which "
                       "must be more than {}; {}",
                       with_origin("a ttl of", timing.ttl, wish.ttl.origin), show_duration(validity),
                       show_duration(timing.ttl), timing.trust.drift,
                       with_origin("slack", timing.trust.slack, wish.slack.origin), needs,
                       better ? fmt::format("a ttl that would do is --ttl {}", as_typed(*better))
                              : "no ttl would do: shorten the others"));
}

} // namespace redlock::cmd
