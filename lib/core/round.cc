#include "core/round.hh"

#include <algorithm>

namespace redlock::core {

bool Round::take(const Reply &reply) {
    if (reply.node >= answers_.size() || reply.serial != first_ + reply.node) return false;
    std::optional<Reply> &answer = answers_[reply.node];
    if (answer && (answer->answer != Answer::silent || reply.answer == Answer::silent)) return false;
    answer = reply;
    return true;
}

void Round::close(const std::string &why) {
    for (NodeIndex node = 0; node < answers_.size(); ++node) {
        if (answers_[node]) continue;
        Reply &silence = answers_[node].emplace();
        silence.serial = first_ + node;
        silence.node = node;
        silence.text = why;
    }
}

Outcome Round::outcome() const {
    const std::size_t yes = count(Answer::granted);
    return tally(answers_.size(), quorum_, yes, answers_.size() - pending() - yes);
}

std::size_t Round::count(Answer answer) const {
    return static_cast<std::size_t>(
        std::count_if(answers_.begin(), answers_.end(), [&](const auto &a) { return a && a->answer == answer; }));
}

std::size_t Round::pending() const {
    return static_cast<std::size_t>(std::count(answers_.begin(), answers_.end(), std::nullopt));
}

} // namespace redlock::core
