#include "cmd/forgotten.hh"

#include "config/duration.hh"
#include "core/round.hh"

#include <algorithm>
#include <fmt/format.h>

namespace redlock::cmd {

namespace {

using core::Answer;

std::size_t count(const core::Answers &answers, Answer wanted) {
    return static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(),
                                                  [&](const auto &reply) { return reply && reply->answer == wanted; }));
}

// What is left of the node's quarantine; zero: nothing, or it is not known.
Duration quarantine_left(const std::optional<core::Reply> &inspected, Duration guard) {
    if (!inspected || inspected->answer != Answer::granted || inspected->run_id.empty()) return {};
    if (!inspected->state.joined || !inspected->node_time) return {};
    const std::chrono::microseconds age{*inspected->node_time - *inspected->state.joined};
    return age < guard ? guard - age : Duration{};
}

} // namespace

core::Answers without_forgotten(core::Answers told, const core::Answers &inspected, Duration guard) {
    if (guard == Duration{}) return told;
    for (core::NodeIndex node = 0; node < told.size(); ++node) {
        auto &reply = told[node];
        if (!reply || reply->answer != Answer::refused || reply->refusal != core::Refusal::absent) continue;
        Duration left = reply->quarantine.value_or(Duration{});
        if (node < inspected.size()) left = std::max(left, quarantine_left(inspected[node], guard));
        if (left <= Duration{}) continue;
        reply->answer = Answer::error;
        reply->trouble = core::Trouble::quarantined;
        reply->quarantine = left;
        reply->text = fmt::format("it does not know: it is new or was restarted, and in quarantine for {} more",
                                  config::show_duration(left));
    }
    return told;
}

std::size_t heard(const core::Answers &answers) {
    return count(answers, Answer::granted) + count(answers, Answer::refused);
}

bool proves_loss(const core::Answers &answers, std::size_t quorum) {
    return core::tally(answers.size(), quorum, count(answers, Answer::granted), count(answers, Answer::refused)) ==
           core::Outcome::lost;
}

} // namespace redlock::cmd
