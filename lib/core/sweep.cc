#include "core/sweep.hh"

#include <algorithm>
#include <utility>

namespace redlock::core {

namespace {
// Once a quorum has answered, the others get a few times what it took, and never less than this.
constexpr int patience = 4;
constexpr Duration least_patience = milliseconds{20};
} // namespace

Sweep::Sweep(Instant now, Plan plan)
    : plan_(std::move(plan)), answers_(plan_.ask.size()), started_(now), deadline_(now + plan_.node_timeout) {
    for (NodeIndex node = 0; node < plan_.ask.size(); ++node) {
        if (plan_.ask[node])
            requests_.push_back({plan_.first + node, plan_.verb, node, plan_.key, plan_.token, Duration{}, deadline_});
    }
    settle(now);
}

void Sweep::on_reply(Instant now, const Reply &reply) {
    if (done_ || reply.node >= answers_.size() || reply.serial != plan_.first + reply.node) return;
    if (answers_[reply.node]) return;
    answers_[reply.node] = reply;
    if (reply.answer == Answer::granted) ++deleted_;
    if (reply.answer == Answer::refused) ++(reply.refusal == Refusal::absent ? absent_ : not_ours_);
    if (answered() == plan_.quorum)
        deadline_ = std::min(deadline_, now + std::max(patience * (now - started_), least_patience));
    settle(now);
}

void Sweep::tick(Instant now) { settle(now); }

void Sweep::settle(Instant now) {
    bool waiting = false;
    for (NodeIndex node = 0; node < answers_.size(); ++node)
        waiting = waiting || (plan_.ask[node] && plan_.await[node] && !answers_[node]);
    done_ = done_ || !waiting || now >= deadline_;
}

std::vector<Request> Sweep::take_requests() { return std::exchange(requests_, {}); }

std::optional<Instant> Sweep::deadline() const { return done_ ? std::nullopt : std::optional<Instant>(deadline_); }

} // namespace redlock::core
