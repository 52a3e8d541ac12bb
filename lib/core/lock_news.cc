// The part of Lock that tells what is known of its latest round, for messages.
#include "core/contest.hh"
#include "core/lock.hh"

#include <algorithm>

namespace redlock::core {

std::optional<Duration> Lock::quarantine() const {
    if (!out_of_reach()) return std::nullopt;
    std::vector<Duration> left(round_.heard());
    for (const auto &answer : round_.answers())
        if (answer && answer->answer == Answer::error && answer->quarantine) left.push_back(*answer->quarantine);
    if (left.size() < terms_.quorum) return std::nullopt;
    std::sort(left.begin(), left.end());
    return left[terms_.quorum - 1];
}

Answers Lock::latest_answers() const {
    Answers latest = round_.answers();
    for (NodeIndex node = 0; node < latest.size(); ++node)
        if (!latest[node]) latest[node] = before_[node];
    return latest;
}

std::string Lock::blocker() const {
    std::string named = most_named(round_.answers()).token;
    return named.empty() ? blocker_ : named;
}

} // namespace redlock::core
