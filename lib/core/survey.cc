#include "core/survey.hh"

#include "core/round.hh"

#include <map>

namespace redlock::core {

Survey survey(const std::vector<std::optional<Reply>> &answers, std::size_t quorum) {
    Survey found;
    std::map<std::string, std::vector<Duration>> left; // per holder, what each node grants it
    std::size_t absent = 0, heard = 0;
    for (const auto &answer : answers) {
        if (!answer || answer->answer != Answer::refused) continue;
        ++heard;
        if (answer->refusal == Refusal::absent) ++absent;
        else left[answer->holder].push_back(answer->holder_ttl.value_or(longest_duration));
    }
    for (const auto &[holder, durations] : left) {
        if (durations.size() <= found.agreeing) continue;
        found.holder = holder;
        found.agreeing = durations.size();
        if (durations.size() < quorum) continue;
        const Duration granted = reached_by(quorum, durations);
        found.remaining = granted == longest_duration ? std::nullopt : std::optional(granted);
    }
    if (heard < quorum) return found;
    found.state = found.agreeing >= quorum ? LockState::held : absent >= quorum ? LockState::free : LockState::split;
    return found;
}

} // namespace redlock::core
