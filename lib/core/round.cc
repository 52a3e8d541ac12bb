#include "core/round.hh"

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

std::optional<NodeIndex> same_server(const Answers &answers, NodeIndex node) {
    const auto &reply = answers[node];
    if (!reply || reply->run_id.empty()) return std::nullopt;
    for (NodeIndex before = 0; before < node; ++before)
        if (answers[before] && answers[before]->run_id == reply->run_id) return before;
    return std::nullopt;
}

bool Round::take(const Reply &reply) {
    if (reply.node >= answers_.size() || reply.serial != serials_[reply.node]) return false;
    std::optional<Reply> &answer = answers_[reply.node];
    if (answer && (answer->answer != Answer::silent || reply.answer == Answer::silent)) return false;
    answer = reply;
    return true;
}

void Round::close(const std::string &why) {
    for (NodeIndex node = 0; node < answers_.size(); ++node) {
        if (answers_[node]) continue;
        Reply &silence = answers_[node].emplace();
        silence.serial = serials_[node];
        silence.node = node;
        silence.text = why;
    }
}

Outcome Round::outcome() const {
    const std::size_t yes = count(Answer::granted);
    return tally(answers_.size(), quorum_, yes, answers_.size() - pending() - yes);
}

std::size_t Round::count(Answer answer) const {
    return count_if([&](const Reply &reply) { return reply.answer == answer; });
}

std::size_t Round::pending() const {
    return answers_.size() - count_if([](const Reply &) { return true; });
}

bool Round::denied() const {
    const auto hopeless = [](const Reply &reply) {
        return reply.answer == Answer::error && (reply.trouble == Trouble::access || reply.trouble == Trouble::unfit);
    };
    return count_if(hopeless) > answers_.size() - quorum_;
}

bool Round::unfit() const {
    const auto access = [](const Reply &reply) {
        return reply.answer == Answer::error && reply.trouble == Trouble::access;
    };
    return denied() && count_if(access) == 0;
}

} // namespace redlock::core
