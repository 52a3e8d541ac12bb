#include "core/forgotten.hh"

#include "core/round.hh"

#include <algorithm>

namespace redlock::core {

namespace {
std::size_t count(const Answers &answers, Answer wanted) {
    return static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(),
                                                  [&](const auto &reply) { return reply && reply->answer == wanted; }));
}
} // namespace

Duration quarantine_left(const std::optional<Reply> &inspected, Duration guard) {
    if (guard == Duration{}) return {}; // no client asks for it
    if (!inspected || inspected->answer != Answer::granted) return {};
    if (!inspected->state.joined || !inspected->node_time) return {};
    const std::chrono::microseconds age{*inspected->node_time - *inspected->state.joined};
    return age < guard ? guard - age : Duration{};
}

Answers without_forgotten(Answers told, const Answers &inspected, Duration guard) {
    if (guard == Duration{}) return told;
    for (NodeIndex node = 0; node < told.size(); ++node) {
        auto &reply = told[node];
        if (!reply || reply->answer != Answer::refused || reply->refusal != Refusal::absent) continue;
        Duration left = reply->quarantine.value_or(Duration{});
        if (node < inspected.size() && inspected[node] && !inspected[node]->run_id.empty())
            left = std::max(left, quarantine_left(inspected[node], guard));
        if (left <= Duration{}) continue;
        reply->answer = Answer::error;
        reply->trouble = Trouble::quarantined;
        reply->quarantine = left;
        reply->text.clear();
    }
    return told;
}

std::size_t heard(const Answers &answers) { return count(answers, Answer::granted) + count(answers, Answer::refused); }

bool proves_loss(const Answers &answers, std::size_t quorum) {
    return tally(answers.size(), quorum, count(answers, Answer::granted), count(answers, Answer::refused)) ==
           Outcome::lost;
}

} // namespace redlock::core
