#include "core/sweep.hh"

namespace redlock::core {

namespace {
// Once a quorum has answered, and what it says is clear, the others get a few times what it took, and never less than
// this (protocol 8.3).
constexpr int patience = 4;
constexpr Duration least_patience = milliseconds{20};
} // namespace

Sweep::Sweep(Instant now, Plan plan)
    : plan_(std::move(plan)), round_(plan_.ask.size(), plan_.quorum, plan_.first, now),
      deadline_(now + (plan_.connected ? 1 : 2) * plan_.node_timeout) {
    for (NodeIndex node = 0; node < plan_.ask.size(); ++node) {
        if (!plan_.ask[node]) continue;
        requests_.push_back(
            {plan_.first + node, plan_.verb, node, plan_.key, plan_.token, plan_.ttl, deadline_, plan_.node_timeout});
        requests_.back().fence = plan_.fence;
        requests_.back().agreement = plan_.agreement;
    }
    tick(now);
}

void Sweep::on_reply(Instant now, const Reply &reply) {
    if (done_ || !round_.take(reply)) return;
    const bool clear = plan_.verb == Verb::abandon || proven() != Outcome::pending;
    const bool of_each_node = !is_about_token(plan_.verb); // a person wants to know what every node says
    const bool doubt = round_.count_if([](const Reply &each) { return each.others.has_value(); }) > 0;
    if (answered() >= plan_.quorum && clear && !of_each_node && !doubt)
        deadline_ = std::min(deadline_, now + std::max(patience * (now - round_.started()), least_patience));
    tick(now);
}

void Sweep::tick(Instant now) {
    bool waiting = false;
    for (NodeIndex node = 0; node < answers().size(); ++node)
        waiting = waiting || (plan_.ask[node] && plan_.await[node] && !answers()[node]);
    done_ = done_ || !waiting || now >= deadline_;
}

std::size_t Sweep::not_ours() const {
    return round_.count_if(
        [](const Reply &reply) { return reply.answer == Answer::refused && reply.refusal == Refusal::not_ours; });
}

std::optional<Instant> Sweep::deadline() const { return done_ ? std::nullopt : std::optional<Instant>(deadline_); }

} // namespace redlock::core
