#include "core/setup.hh"

#include "core/lease.hh"
#include "core/round.hh"
#include "util/error.hh"

#include <algorithm>

namespace redlock::core {

namespace {

constexpr Duration one_look = milliseconds{500}; // between two looks at nodes that are waited for
constexpr Duration granularity = seconds{1};     // of what a node notes of a use
constexpr Duration time_to_write = seconds{10};  // a hold lasts so much longer than it is needed
constexpr Duration outage = seconds{10};         // of a node, while it is waited for
constexpr int most_restarts = 20;

} // namespace

bool looks_new(const Answers &answers) {
    std::size_t unused = 0;
    for (const auto &answer : answers) {
        if (!answer || answer->answer == Answer::silent) continue;
        if (answer->answer != Answer::error || (answer->quarantine && !answer->unused)) return false;
        unused += answer->unused ? 1 : 0;
    }
    return unused > 0;
}

Setup::Setup(Instant now, Plan plan)
    : plan_(std::move(plan)), awaited_(plan_.nodes), said_(plan_.nodes), seen_(plan_.nodes), runs_(plan_.nodes),
      before_(plan_.nodes) {
    check(plan_.nodes > 0, "there is something to set up");
    inspect(now);
}

void Setup::begin(Instant now, Step step, Verb verb, const std::vector<NodeIndex> &nodes) {
    step_ = step;
    deadline_ = now + plan_.node_timeout;
    said_.assign(plan_.nodes, std::nullopt);
    awaited_.assign(plan_.nodes, 0);
    for (const NodeIndex node : nodes) {
        awaited_[node] = next_serial_;
        Request &request = requests_.emplace_back();
        request.serial = next_serial_++;
        request.verb = verb;
        request.node = node;
        request.deadline = deadline_;
        request.agreement = plan_.agreement;
        const auto &[run_id, joined] = runs_[node]; // not seen_: the latest answer may be a silence
        request.change.run_id = run_id;
        request.change.joined = joined.value_or(0);
    }
}

void Setup::inspect(Instant now) {
    std::vector<NodeIndex> all;
    for (NodeIndex node = 0; node < plan_.nodes; ++node) all.push_back(node);
    begin(now, Step::inspecting, Verb::inspect, all);
}

void Setup::on_reply(Instant now, const Reply &reply) {
    if (reply.node >= plan_.nodes || reply.serial == 0 || awaited_[reply.node] != reply.serial) return;
    awaited_[reply.node] = 0;
    said_[reply.node] = reply;
    tick(now);
}

void Setup::tick(Instant now) {
    if (step_ == Step::ended) return;
    if (step_ == Step::waiting) {
        if (now >= again_at_) inspect(now);
        return;
    }
    if (now < deadline_ && std::any_of(awaited_.begin(), awaited_.end(), [](Serial serial) { return serial != 0; }))
        return;
    for (NodeIndex node = 0; node < plan_.nodes; ++node) {
        if (awaited_[node] == 0) continue;
        Reply &silence = said_[node].emplace();
        silence.node = node;
        silence.text = "no answer within " + std::to_string(to_ms_up(plan_.node_timeout)) + " ms";
        awaited_[node] = 0;
    }
    switch (step_) {
    case Step::inspecting: return decide(now);
    case Step::recording: return recorded(now);
    case Step::trusting: return trusted(now);
    case Step::holding: return on_hold(now);
    case Step::naming: return named(now);
    case Step::taking_back:
        for (const NodeIndex node : written_) {
            const Reply &reply = *said_[node];
            if (reply.answer != Answer::granted && reply.answer != Answer::refused) left_behind_.push_back(node);
        }
        written_.clear();
        return give_free(now);
    case Step::giving_free: // what is left of a hold ends by itself
        held_.clear();
        if (after_ != SetupEnding::none) return end(after_);
        return inspect(now);
    case Step::waiting:
    case Step::ended: return;
    }
}

std::optional<Instant> Setup::deadline() const {
    if (step_ == Step::ended) return std::nullopt;
    return step_ == Step::waiting ? again_at_ : deadline_;
}

void Setup::give_up(Instant now) {
    if (step_ == Step::ended) return;
    if (step_ == Step::taking_back || step_ == Step::giving_free) after_ = SetupEnding::interrupted;
    else take_back(now, SetupEnding::interrupted);
}

void Setup::end(SetupEnding ending) {
    step_ = Step::ended;
    ending_ = ending;
}

// Something is not as it was inspected.
void Setup::again(Instant now) {
    take_back(now, ++restarts_ > most_restarts ? SetupEnding::unsettled : SetupEnding::none);
}

void Setup::wait_for(Instant now, Duration left) {
    wait_until_ = now + left;
    if (!plan_.wait) return end(SetupEnding::later);
    changed_ = true;
    step_ = Step::waiting;
    again_at_ = now + std::clamp(left, Duration{milliseconds{1}}, one_look);
}

Duration Setup::quarantine_of(NodeIndex node) const {
    const Reply &reply = *seen_[node];
    if (!reply.state.joined) return {}; // nobody asks: the guard is off
    return plan_.agreement.guard - std::chrono::microseconds{*reply.node_time - *reply.state.joined};
}

// A use counts for the rest of this run: a restart takes a node's note of it away, and leaves the job running. A
// restart that is seen counts as well, as the node may have voted before it.
void Setup::note_uses() {
    for (const auto &reply : said_) {
        if (!reply || reply->answer != Answer::granted) continue;
        const NodeState &state = reply->state;
        auto &[run_id, joined] = runs_[reply->node];
        const bool restarted = !run_id.empty() && (run_id != reply->run_id || state.joined > joined);
        used_ = used_ || restarted || state.used || !state.prefix_used.empty() || !state.lock.empty();
        runs_[reply->node] = {reply->run_id, state.joined};
    }
}

void Setup::decide(Instant now) {
    seen_ = said_;
    note_uses();
    const auto fit = [&](const std::optional<Reply> &reply) {
        return reply && reply->answer == Answer::granted && reply->node_time &&
               (plan_.agreement.guard == Duration{} || reply->state.joined);
    };
    if (!std::all_of(seen_.begin(), seen_.end(), fit)) {
        if (!unanswered_since_) unanswered_since_ = now;
        if (changed_ && plan_.wait && now < *unanswered_since_ + outage)
            return wait_for(now, std::max(wait_until_ - now, one_look));
        return take_back(now, SetupEnding::unanswered);
    }
    unanswered_since_.reset();
    for (NodeIndex node = 0; node < plan_.nodes; ++node)
        if (same_server(seen_, node)) return take_back(now, SetupEnding::twice);
    if (holding_) return watch(now);
    if (plan_.record.empty()) return look_at_quarantine(now);
    look_at_records(now);
}

bool Setup::must_hold(const Agreement &old) const {
    const Agreement &ours = plan_.agreement;
    const bool with_guard = ours.guard > Duration{};
    return old.nodes != ours.nodes || old.quorum != ours.quorum || (old.guard > Duration{}) != with_guard ||
           old.guard > ours.guard;
}

void Setup::look_at_records(Instant now) {
    bool unwritten = false, different = false, for_good = false, hold = false;
    Duration lapse{}, old_guard = plan_.agreement.guard;
    for (const auto &reply : seen_) {
        const NodeState &state = reply->state;
        unwritten = unwritten || state.record != plan_.record || state.lapses;
        if (state.record.empty() || state.record == plan_.record) continue;
        different = true;
        for_good = for_good || !state.lapses;
        lapse = std::max(lapse, state.lapses.value_or(Duration{}));
        hold = hold || must_hold(*state.terms);
        old_guard = std::max(old_guard, state.terms->guard);
    }
    on_record_ = !unwritten;
    if (on_record_) return look_at_quarantine(now);
    if (!different || (plan_.reconfigure && !hold)) return start_recording(now);
    if (!plan_.reconfigure && (for_good || (lapse_limit_ && now > *lapse_limit_))) return end(SetupEnding::differs);
    if (!plan_.reconfigure) {
        if (!lapse_limit_) lapse_limit_ = now + lapse + 2 * granularity;
        return wait_for(now, lapse);
    }
    // Two clocks: the node's may be slower.
    const Duration all_ended = old_guard + granularity + node_rounding;
    hold_for_ = all_ended + std::chrono::duration_cast<Duration>(all_ended * plan_.drift);
    wait_until_ = now + hold_for_;
    changing_ = true;
    order_ = in_order();
    turn_ = 0;
    if (!plan_.wait) { // nothing is held up for an answer that can be had at once: who holds a lock?
        hold_ends_ = wait_until_;
        for (const auto &reply : seen_)
            if (!reply->state.lock.empty() && std::find(keys_.begin(), keys_.end(), reply->state.lock) == keys_.end())
                keys_.push_back(reply->state.lock);
        return name_next(now);
    }
    hold_next(now);
}

void Setup::look_at_quarantine(Instant now) {
    std::vector<NodeIndex> waiting;
    Duration left{}, held_up{};
    for (NodeIndex node = 0; node < plan_.nodes; ++node) {
        held_up = std::max(held_up, seen_[node]->state.hold_left);
        if (plan_.agreement.guard == Duration{} || quarantine_of(node) <= Duration{}) continue;
        waiting.push_back(node);
        left = std::max(left, quarantine_of(node));
    }
    if (held_up > Duration{}) return wait_for(now, std::max(left, held_up)); // somebody else's hold
    if (waiting.empty()) return end(changed_ ? SetupEnding::done : SetupEnding::already);
    if (used_) return wait_for(now, left);
    recorded_ = true;
    begin(now, Step::trusting, Verb::trust, waiting);
}

// Whatever the answers, the nodes are looked at again: a node that has been used or has restarted meanwhile is waited
// for then.
void Setup::trusted(Instant now) {
    changed_ = true;
    if (++restarts_ > most_restarts) return end(SetupEnding::unsettled);
    for (const auto &reply : said_) {
        used_ = used_ || (reply && reply->answer == Answer::refused && reply->refusal == Refusal::used);
        if (!reply || reply->answer == Answer::granted || reply->answer == Answer::refused) continue;
        seen_[reply->node] = reply;
        return end(SetupEnding::unanswered);
    }
    inspect(now);
}

std::vector<NodeIndex> Setup::in_order() const {
    std::vector<NodeIndex> order;
    for (NodeIndex node = 0; node < plan_.nodes; ++node) order.push_back(node);
    std::sort(order.begin(), order.end(),
              [&](NodeIndex a, NodeIndex b) { return seen_[a]->run_id < seen_[b]->run_id; });
    return order;
}

void Setup::start_recording(Instant now) {
    order_.clear();
    for (const NodeIndex node : in_order()) {
        if (!holding_) before_[node] = seen_[node]->state;
        if (holding_ || before_[node].record != plan_.record || before_[node].lapses) order_.push_back(node);
    }
    written_.clear();
    turn_ = 0;
    record_next(now);
}

void Setup::record_next(Instant now) {
    if (turn_ == order_.size()) {
        changed_ = recorded_ = on_record_ = true;
        holding_ = changing_ = false; // each hold went with the record that was written
        held_.clear();
        written_.clear();
        return inspect(now);
    }
    const NodeIndex node = order_[turn_];
    begin(now, Step::recording, Verb::record, {node});
    MarkerChange &change = requests_.back().change;
    change.expected = before_[node].record;
    change.record = plan_.record;
    if (!holding_) return;
    change.hold = plan_.id;
    change.used = before_[node].prefix_used;
}

void Setup::recorded(Instant now) {
    const NodeIndex node = order_[turn_++];
    const Reply &reply = *said_[node];
    if (reply.answer == Answer::granted || reply.answer == Answer::silent || reply.answer == Answer::error)
        written_.push_back(node);
    if (reply.answer == Answer::granted) return record_next(now);
    if (reply.answer != Answer::refused) {
        seen_[node] = reply;
        return take_back(now, SetupEnding::unanswered);
    }
    if (reply.refusal != Refusal::differs || reply.state.lapses || holding_) return again(now);
    seen_[node]->state.record = reply.state.record;
    seen_[node]->state.terms = reply.state.terms;
    take_back(now, SetupEnding::differs);
}

void Setup::hold_next(Instant now) {
    if (turn_ == order_.size()) {
        holding_ = true;
        hold_ends_ = now + hold_for_; // from the last node on
        return name_next(now);
    }
    const NodeIndex node = order_[turn_];
    begin(now, Step::holding, Verb::hold, {node});
    before_[node] = seen_[node]->state;
    MarkerChange &change = requests_.back().change;
    change.expected = before_[node].record;
    change.hold = plan_.id;
    change.length = hold_for_ + hold_for_ / 10 + time_to_write + 2 * static_cast<int>(plan_.nodes) * plan_.node_timeout;
}

void Setup::on_hold(Instant now) {
    const NodeIndex node = order_[turn_++];
    const Reply &reply = *said_[node];
    held_.push_back(node);
    if (reply.answer == Answer::granted) {
        before_[node].prefix_used = reply.state.prefix_used;
        if (!reply.state.lock.empty() && std::find(keys_.begin(), keys_.end(), reply.state.lock) == keys_.end())
            keys_.push_back(reply.state.lock);
        return hold_next(now);
    }
    if (reply.answer == Answer::refused)
        return reply.refusal == Refusal::on_hold ? take_back(now, SetupEnding::on_hold) : again(now);
    seen_[node] = reply;
    take_back(now, SetupEnding::unanswered);
}

// The locks that were used last are the likeliest to be held: asked for at once, so that their holders are named.
void Setup::name_next(Instant now) {
    if (keys_.empty()) {
        if (!lock_.empty()) return take_back(now, SetupEnding::held);
        return wait_for(now, hold_ends_ - now);
    }
    std::vector<NodeIndex> all = in_order();
    begin(now, Step::naming, Verb::status, all);
    for (std::size_t i = requests_.size() - all.size(); i < requests_.size(); ++i) requests_[i].key = keys_.back();
}

void Setup::named(Instant now) {
    const std::string key = keys_.back();
    keys_.pop_back();
    for (const auto &reply : said_) {
        if (!reply || !reply->names_holder()) continue;
        lock_ = key;
        holder_ = reply->holder;
        return take_back(now, SetupEnding::held);
    }
    name_next(now);
}

// A renewed lock is one that is held.
void Setup::watch(Instant now) {
    for (NodeIndex node = 0; node < plan_.nodes; ++node) {
        const NodeState &state = seen_[node]->state;
        if (state.hold != plan_.id) return again(now);
        if (state.prefix_used == before_[node].prefix_used) continue;
        lock_ = state.lock;
        keys_ = {state.lock};
        return name_next(now);
    }
    if (now < hold_ends_) return wait_for(now, hold_ends_ - now);
    start_recording(now);
}

// Whatever a node may have of ours it loses again: the record first, then the hold.
void Setup::take_back(Instant now, SetupEnding ending) {
    after_ = ending;
    holding_ = changing_ = false;
    keys_.clear();
    if (step_ == Step::recording && turn_ < order_.size() && awaited_[order_[turn_]] != 0)
        written_.push_back(order_[turn_]);
    if (step_ == Step::holding && turn_ < order_.size() && awaited_[order_[turn_]] != 0) held_.push_back(order_[turn_]);
    if (written_.empty()) return give_free(now);
    const std::size_t first = requests_.size();
    begin(now, Step::taking_back, Verb::record, written_);
    for (std::size_t i = first; i < requests_.size(); ++i) {
        MarkerChange &change = requests_[i].change;
        const NodeState &before = before_[requests_[i].node];
        change.expected = plan_.record;
        change.record = before.record;
        change.provisional = before.lapses.has_value();
    }
}

void Setup::give_free(Instant now) {
    const std::size_t first = requests_.size();
    begin(now, Step::giving_free, Verb::hold, held_);
    for (std::size_t i = first; i < requests_.size(); ++i) requests_[i].change.hold = plan_.id;
    if (held_.empty()) tick(now);
}

} // namespace redlock::core
