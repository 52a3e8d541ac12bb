#include "core/recording.hh"

#include "core/questions.hh"

#include <utility>

namespace redlock::core {

Recording::Verdict Recording::begin(const std::vector<NodeIndex> &order, std::vector<NodeState> before, bool on_hold) {
    before_ = std::move(before);
    on_hold_ = on_hold;
    order_.clear();
    for (const NodeIndex node : order)
        if (on_hold_ || before_[node].record != plan_.record || before_[node].lapses) order_.push_back(node);
    written_.clear();
    turn_ = 0;
    return next();
}

Recording::Verdict Recording::next() {
    if (turn_ < order_.size()) return Verdict::open;
    written_.clear();
    return Verdict::done;
}

std::vector<Request> Recording::question() {
    const NodeIndex node = order_[turn_];
    written_.push_back(node);
    std::vector<Request> question = Questions::to({node}, Verb::record);
    MarkerChange &change = question[0].change;
    change.expected = before_[node].record;
    change.record = plan_.record;
    if (!on_hold_) return question;
    change.hold = plan_.id;
    change.used = before_[node].prefix_used;
    return question;
}

Recording::Verdict Recording::take(const Answers &answers) {
    const Reply &reply = *answers[order_[turn_++]];
    if (reply.answer == Answer::granted) return next();
    if (reply.answer != Answer::refused) return Verdict::unanswered;
    written_.pop_back();
    // A provisional record is waited for.
    const bool again = reply.refusal != Refusal::differs || reply.state.lapses || on_hold_;
    return again ? Verdict::changed : Verdict::differs;
}

std::vector<Request> Recording::take_back() {
    std::vector<Request> questions = Questions::to(written_, Verb::record);
    for (Request &question : questions) {
        const NodeState &before = before_[question.node];
        question.change.expected = plan_.record;
        question.change.record = before.record;
        question.change.provisional = before.lapses.has_value();
    }
    return questions;
}

void Recording::taken_back(const Answers &answers) {
    for (const NodeIndex node : std::exchange(written_, {})) {
        const Reply &reply = *answers[node];
        if (reply.answer != Answer::granted && reply.answer != Answer::refused) left_behind_.push_back(node);
    }
}

} // namespace redlock::core
