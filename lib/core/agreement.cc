#include "core/agreement.hh"

namespace redlock::core {

bool could_hold_beside_us(const Answers &answers, const Agreement &others, const Agreement &ours, bool doubtful) {
    if (!could_both_hold(others, ours)) return false;
    std::size_t theirs = others.nodes - std::min(ours.nodes, others.nodes);
    for (const auto &answer : answers) {
        if (answer && answer->others) theirs += *answer->others == others ? 1 : 0;
        else if (!answer || answer->answer != Answer::granted || ours.guard == Duration{}) theirs += doubtful ? 1 : 0;
    }
    return theirs >= others.quorum;
}

bool disagree(const Answers &answers, std::size_t quorum, const Agreement &ours, bool doubtful) {
    std::size_t others = 0;
    for (const auto &answer : answers) {
        if (!answer || !answer->others) continue;
        if (could_hold_beside_us(answers, *answer->others, ours, doubtful)) return true;
        ++others;
    }
    return others > answers.size() - quorum;
}

std::optional<NodeIndex> same_server(const Answers &answers, NodeIndex node) {
    const auto &reply = answers[node];
    if (!reply || reply->run_id.empty()) return std::nullopt;
    for (NodeIndex before = 0; before < node; ++before)
        if (answers[before] && answers[before]->run_id == reply->run_id) return before;
    return std::nullopt;
}

} // namespace redlock::core
