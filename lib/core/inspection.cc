#include "core/inspection.hh"

#include "core/agreement.hh"
#include "core/forgotten.hh"

#include <algorithm>

namespace redlock::core {

namespace {

// Locks that are held under `old` would not protect their holders from clients with `ours` (protocol 11.5).
bool must_hold(const Agreement &old, const Agreement &ours) {
    const bool with_guard = ours.guard > Duration{};
    return old.nodes != ours.nodes || old.quorum != ours.quorum || (old.guard > Duration{}) != with_guard ||
           old.guard > ours.guard;
}

} // namespace

// Protocol 11.3. A use counts for the rest of this run: a restart takes a node's note of it away, and leaves the job
// running. A restart that is seen counts as well, as the node may have voted before it.
void Inspection::take(const Answers &answers) {
    seen_ = answers;
    for (const auto &reply : answers) {
        if (!reply || reply->answer != Answer::granted) continue;
        const NodeState &state = reply->state;
        auto &[run_id, joined] = runs_[reply->node];
        const bool restarted = !run_id.empty() && (run_id != reply->run_id || state.joined > joined);
        used_ = used_ || restarted || state.used || !state.prefix_used.empty() || !state.lock.empty();
        runs_[reply->node] = {reply->run_id, state.joined};
    }
}

bool Inspection::take_failure(const Answers &answers) {
    for (const auto &reply : answers) {
        if (!reply || reply->answer == Answer::granted) continue;
        if (reply->answer != Answer::refused) {
            seen_[reply->node] = reply;
            return true;
        }
        if (reply->refusal != Refusal::differs) continue;
        seen_[reply->node]->state.record = reply->state.record;
        seen_[reply->node]->state.terms = reply->state.terms;
    }
    return false;
}

void Inspection::address(Request &request) const {
    request.agreement = plan_.agreement;
    const auto &[run_id, joined] = runs_[request.node];
    request.change.run_id = run_id;
    request.change.joined = joined.value_or(0);
}

bool Inspection::all_fit() const {
    return std::all_of(seen_.begin(), seen_.end(), [&](const std::optional<Reply> &reply) {
        return reply && reply->answer == Answer::granted && reply->node_time &&
               (plan_.agreement.guard == Duration{} || reply->state.joined);
    });
}

bool Inspection::any_repeated() const {
    for (NodeIndex node = 0; node < seen_.size(); ++node)
        if (same_server(seen_, node)) return true;
    return false;
}

std::vector<NodeIndex> Inspection::in_order() const {
    std::vector<NodeIndex> order(seen_.size());
    for (NodeIndex node = 0; node < order.size(); ++node) order[node] = node;
    std::sort(order.begin(), order.end(),
              [&](NodeIndex a, NodeIndex b) { return seen_[a]->run_id < seen_[b]->run_id; });
    return order;
}

std::vector<NodeState> Inspection::states() const {
    std::vector<NodeState> states;
    for (const auto &reply : seen_) states.push_back(reply->state);
    return states;
}

Inspection::Records Inspection::records() const {
    Records found;
    found.guard = plan_.agreement.guard;
    for (const auto &reply : seen_) {
        const NodeState &state = reply->state;
        found.written = found.written && state.record == plan_.record && !state.lapses;
        if (state.record.empty() || state.record == plan_.record) continue;
        found.different = true;
        found.for_good = found.for_good || !state.lapses;
        found.needs_hold = found.needs_hold || must_hold(*state.terms, plan_.agreement);
        found.lapse = std::max(found.lapse, state.lapses.value_or(Duration{}));
        found.guard = std::max(found.guard, state.terms->guard);
    }
    return found;
}

Inspection::Quarantine Inspection::quarantine() const {
    Quarantine found;
    for (const auto &reply : seen_) {
        found.on_hold = std::max(found.on_hold, reply->state.hold_left);
        const Duration left = quarantine_left(reply, plan_.agreement.guard);
        if (left <= Duration{}) continue;
        found.nodes.push_back(reply->node);
        found.left = std::max(found.left, left);
    }
    return found;
}

} // namespace redlock::core
