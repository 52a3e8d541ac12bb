#include "redis/terms.hh"

#include "config/duration.hh"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

namespace redlock::redis {

std::string marker_text(const core::Agreement &agreement) {
    return fmt::format("{} {} {}", agreement.nodes, agreement.quorum, to_ms_up(agreement.guard));
}

core::Agreement parse_terms(std::string_view marker_text) {
    core::Agreement agreement;
    long long guard = 0;
    if (std::sscanf(std::string(marker_text).c_str(), "%zu %zu %lld", &agreement.nodes, &agreement.quorum, &guard) !=
            3 ||
        guard < 0 || agreement.quorum == 0 || agreement.quorum > agreement.nodes)
        return {};
    agreement.guard = milliseconds{std::min<long long>(guard, to_ms(longest_duration))};
    return agreement;
}

std::string in_words(const core::Agreement &agreement) {
    if (agreement.nodes == 0) return "terms that cannot be read";
    return fmt::format("{} nodes, a quorum of {} and {}", agreement.nodes, agreement.quorum,
                       agreement.guard == Duration{} ? std::string("no restart guard")
                                                     : "a restart guard of " + config::show_duration(agreement.guard));
}

} // namespace redlock::redis
