#include "core/hold.hh"

#include "core/lease.hh"
#include "core/questions.hh"

#include <algorithm>
#include <utility>

namespace redlock::core {

namespace {

constexpr Duration time_to_write = seconds{10}; // a hold lasts so much longer than it is needed

} // namespace

// Two clocks measure the time: the node's may be slower. A use that is not noted yet is up to the granularity old.
Hold::Verdict Hold::begin(Instant now, std::vector<NodeIndex> order, std::vector<NodeState> before, Duration guard) {
    const Duration all_ended = guard + use_granularity + node_rounding;
    length_ = all_ended + std::chrono::duration_cast<Duration>(all_ended * plan_.drift);
    ends_ = now + length_;
    order_ = std::move(order);
    before_ = std::move(before);
    turn_ = 0;
    state_ = State::taking;
    if (plan_.wait) return Verdict::ask;
    for (const NodeState &state : before_) suspect(state.lock);
    return name_next();
}

std::vector<Request> Hold::questions() {
    if (state_ == State::naming) {
        std::vector<Request> questions = Questions::to(order_, Verb::status);
        for (Request &question : questions) question.key = locks_.back();
        return questions;
    }
    const NodeIndex node = order_[turn_];
    asked_.push_back(node);
    std::vector<Request> question = Questions::to({node}, Verb::hold);
    MarkerChange &change = question[0].change;
    change.expected = before_[node].record;
    change.hold = plan_.id;
    change.length = length_ + length_ / 10 + time_to_write + 2 * static_cast<int>(plan_.nodes) * plan_.node_timeout;
    return question;
}

Hold::Verdict Hold::take(Instant now, const Answers &answers) {
    return state_ == State::naming ? named(answers) : taken(now, *answers[order_[turn_++]]);
}

Hold::Verdict Hold::taken(Instant now, const Reply &reply) {
    if (reply.answer == Answer::refused) return reply.refusal == Refusal::on_hold ? Verdict::on_hold : Verdict::changed;
    if (reply.answer != Answer::granted) return Verdict::unanswered;
    before_[reply.node].prefix_used = reply.state.prefix_used;
    suspect(reply.state.lock);
    if (turn_ < order_.size()) return Verdict::ask;
    ends_ = now + length_;
    return name_next();
}

void Hold::suspect(const std::string &lock) {
    if (!lock.empty() && std::find(locks_.begin(), locks_.end(), lock) == locks_.end()) locks_.push_back(lock);
}

// The locks that were used last are the likeliest to be held.
Hold::Verdict Hold::name_next() {
    state_ = locks_.empty() ? State::watching : State::naming;
    if (!locks_.empty()) return Verdict::ask;
    return lock_.empty() ? Verdict::wait : Verdict::held;
}

Hold::Verdict Hold::named(const Answers &answers) {
    const std::string lock = locks_.back();
    locks_.pop_back();
    for (const auto &reply : answers) {
        if (!reply || !reply->names_holder()) continue;
        lock_ = lock;
        holder_ = reply->holder;
        return Verdict::held;
    }
    return name_next();
}

Hold::Verdict Hold::watch(Instant now, const std::vector<NodeState> &states) {
    for (NodeIndex node = 0; node < states.size(); ++node) {
        if (states[node].hold != plan_.id) return Verdict::changed;
        if (states[node].prefix_used == before_[node].prefix_used) continue;
        lock_ = states[node].lock;
        locks_ = {lock_};
        return name_next();
    }
    return now < ends_ ? Verdict::wait : Verdict::over;
}

std::vector<Request> Hold::end() {
    state_ = State::none;
    locks_.clear();
    std::vector<Request> questions = Questions::to(std::exchange(asked_, {}), Verb::hold);
    for (Request &question : questions) question.change.hold = plan_.id;
    return questions;
}

} // namespace redlock::core
