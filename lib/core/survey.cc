#include "core/survey.hh"

#include "core/contest.hh"
#include "core/round.hh"

namespace redlock::core {

Survey survey(const Answers &answers, std::size_t quorum) {
    Survey found;
    const Named named = most_named(answers);
    found.holder = named.token;
    found.agreeing = named.nodes;
    std::vector<Duration> left; // what each node grants that holder
    std::vector<Fence> fences;
    std::size_t absent = 0, heard = 0;
    for (const auto &answer : answers) {
        if (!answer || answer->answer != Answer::refused) continue;
        ++heard;
        if (answer->refusal == Refusal::absent) ++absent;
        if (!answer->names_holder() || answer->holder != named.token) continue;
        left.push_back(answer->holder_ttl.value_or(longest_duration));
        fences.push_back(answer->fence);
    }
    if (heard < quorum) return found;
    found.state = found.agreeing >= quorum ? LockState::held : absent >= quorum ? LockState::free : LockState::split;
    if (found.state != LockState::held) return found;
    const Duration granted = reached_by(quorum, left);
    if (granted != longest_duration) found.remaining = granted;
    found.fence = reached_by(quorum, fences);
    return found;
}

} // namespace redlock::core
