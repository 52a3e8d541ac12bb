#include "redis/agreement_text.hh"

#include "config/duration.hh"
#include "util/text.hh"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

namespace redlock::redis {

namespace {
constexpr long long most_nodes = 1'000'000; // that anybody could mean
} // namespace

std::string marker_text(const core::Agreement &agreement) {
    return fmt::format("{} {} {}", agreement.nodes, agreement.quorum, to_ms_up(agreement.guard));
}

core::Agreement parse_marker_text(std::string_view marker_text) {
    long long nodes = 0, quorum = 0, guard = 0;
    if (std::sscanf(std::string(marker_text).c_str(), "%lld %lld %lld", &nodes, &quorum, &guard) != 3) return {};
    if (quorum < 1 || quorum > nodes || nodes > most_nodes || guard < 0) return {};
    core::Agreement found{"", static_cast<std::size_t>(nodes), static_cast<std::size_t>(quorum),
                          milliseconds{std::min<long long>(guard, to_ms(longest_duration))}};
    // What differs in a blank is another text to the scripts.
    if (redis::marker_text(found) != marker_text) return {};
    return found;
}

std::string in_words(const core::Agreement &agreement) {
    if (agreement.nodes == 0) return "terms that cannot be read";
    return fmt::format("{}, a quorum of {} and {}", counted(agreement.nodes, "node"), agreement.quorum,
                       agreement.guard == Duration{} ? std::string("no restart guard")
                                                     : "a restart guard of " + config::show_duration(agreement.guard));
}

} // namespace redlock::redis
