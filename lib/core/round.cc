#include "core/round.hh"

namespace redlock::core {

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
