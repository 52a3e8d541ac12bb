#include "core/extension.hh"

#include "core/agreement.hh"

namespace redlock::core {

Extension count_extension(const Answers &told, std::size_t quorum, const Agreement &ours, Duration ttl,
                          const ClockTrust &trust, Instant now) {
    Extension found;
    Answers counted = told;
    std::size_t differing = 0;
    for (NodeIndex node = 0; node < told.size(); ++node) {
        auto &answer = counted[node];
        if (told[node] && told[node]->others) {
            ++differing;
            const Agreement &theirs = *told[node]->others;
            const bool endangered = endangers(theirs, ours, ttl);
            if (!found.others || (endangered && !found.danger)) found.others = theirs;
            found.danger = found.danger || could_hold_beside_us(told, *found.others, ours, true);
            if (endangered) answer.reset();
        }
        if (const auto same = same_server(told, node)) {
            answer.reset();
            found.repeated.push_back({node, *same});
        }
        found.extended += answer && answer->answer == Answer::granted ? 1 : 0;
        found.refused += answer && answer->answer == Answer::refused ? 1 : 0;
    }
    found.outcome = tally(told.size(), quorum, found.extended, found.refused);
    found.validity = validity_of(counted, quorum, ttl, trust);
    found.differs = found.validity <= now && differing > told.size() - quorum;
    return found;
}

} // namespace redlock::core
