#include "core/diagnosis.hh"

#include "core/agreement.hh"
#include "core/forgotten.hh"

#include <algorithm>

namespace redlock::core {

namespace {
template <class Predicate> bool any(const Diagnoses &nodes, Predicate predicate) {
    return std::any_of(nodes.begin(), nodes.end(), [&](const auto &node) { return node && predicate(*node); });
}
} // namespace

Diagnoses diagnose(const Answers &inspected, const Agreement &ours) {
    Diagnoses nodes(inspected.size());
    for (NodeIndex node = 0; node < inspected.size(); ++node) {
        const auto &reply = inspected[node];
        if (!reply || reply->answer != Answer::granted) continue;
        const NodeState &state = reply->state;
        Diagnosis &found = nodes[node].emplace();
        found.contradicts = state.terms && !same_settings(*state.terms, ours);
        found.both_could_hold = state.terms && could_both_hold(*state.terms, ours);
        found.lapses = state.lapses.has_value();
        found.used = state.used;
        found.quarantine = quarantine_left(reply, ours.guard);
        found.hold_left = std::max(state.hold_left, Duration{});
        found.same_as = same_server(inspected, node);
    }
    return nodes;
}

Settlement settlement(const Diagnoses &nodes) {
    if (!any(nodes, [](const Diagnosis &node) { return node.contradicts; })) return Settlement::none_needed;
    const bool recorded = any(nodes, [](const Diagnosis &node) { return node.contradicts && !node.lapses; });
    return recorded ? Settlement::correct_or_reconfigure : Settlement::wait_for_lapse;
}

Opening opening(const Diagnoses &nodes) {
    if (!any(nodes, [](const Diagnosis &node) { return node.closed() > Duration{}; })) return Opening::none_needed;
    if (any(nodes, [](const Diagnosis &node) { return node.hold_left > Duration{}; })) return Opening::when_init_ends;
    const bool all = std::all_of(nodes.begin(), nodes.end(), [](const auto &node) { return node.has_value(); });
    const bool used = any(nodes, [](const Diagnosis &node) { return node.used || node.contradicts; });
    return all && !used ? Opening::by_init : Opening::by_itself;
}

} // namespace redlock::core
