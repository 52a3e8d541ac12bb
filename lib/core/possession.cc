#include "core/possession.hh"

#include <algorithm>

namespace redlock::core {

Possession::Possession(const Terms &terms)
    : terms_(terms), lease_(terms.nodes, terms.quorum), records_(terms.nodes, NodeRecord(terms.trust.drift)) {}

void Possession::begin() {
    lease_ = Lease(terms_.nodes, terms_.quorum);
    for (NodeRecord &node : records_) {
        node.on_record = 0;
        node.server.clear();
    }
}

void Possession::note_server(const Reply &reply, bool held) {
    NodeRecord &record = records_[reply.node];
    if (reply.verb == Verb::acquire && reply.answer != Answer::granted && !reply.sent && reply.serial == record.touched)
        record.touched = 0;
    if (reply.run_id.empty() || record.server == reply.run_id) return;
    record.server = reply.run_id;
    for (NodeIndex other = 0; other < terms_.nodes; ++other) {
        if (other == reply.node || records_[other].server != reply.run_id) continue;
        const auto [first, again] = std::minmax(other, reply.node);
        lease_.drop(again);
        // Before the lock is won, this is a disagreement and ends the attempt.
        if (held) notify({.node = again, .same_as = first});
    }
}

bool Possession::apply(Instant now, const Reply &reply) {
    if (reply.verb != Verb::acquire && reply.verb != Verb::confirm && reply.verb != Verb::extend) return false;
    // Silence and errors prove nothing: the expiry stays as it was. What a quarantined node says of its time is news.
    const bool in_quarantine = reply.verb == Verb::extend && reply.quarantine;
    if (reply.answer != Answer::granted && reply.answer != Answer::refused && !in_quarantine) return false;
    // A node executes our requests in order: a grant that arrives after a later refusal is out of
    // date (protocol 4.8).
    NodeRecord &record = records_[reply.node];
    if (reply.serial < record.latest) return false;
    record.latest = reply.serial;
    if (reply.answer == Answer::granted) record.on_record = std::max(record.on_record, reply.fence);
    const bool sound = in_time(now, reply) && !repeated(reply.node);
    if (in_quarantine && reply.sent && sound && !reply.others) return apply_in_quarantine(now, reply);
    if (reply.answer == Answer::error) {
        if (!sound) lease_.drop(reply.node);
    } else if (reply.answer == Answer::refused || !sound) {
        // Also when the key was set anew: another client may have held it in between.
        lease_.drop(reply.node);
    } else if (reply.sent && reply.verb != Verb::confirm) {
        lease_.confirm(reply.node, *reply.sent + terms_.trusted());
    }
    return false;
}

// Protocol 7.4. A node in quarantine votes for nobody. As long as our part of the lease there has not ended, no other
// client has had the node's vote since we had it, although the node has lost the key: a key that is there again counts
// as a grant. Once our part has ended, the node may have voted for others before it lost its data, and counts after its
// quarantine only.
bool Possession::apply_in_quarantine(Instant now, const Reply &reply) {
    if (reply.answer == Answer::refused)
        lease_.limit(reply.node, *reply.sent + trusted_time(*reply.quarantine, terms_.trust));
    const bool set = reply.answer == Answer::error || reply.refusal == Refusal::set_anew;
    if (!set || lease_.expiry(reply.node) <= now) return false;
    lease_.confirm(reply.node, *reply.sent + terms_.trusted());
    return true;
}

// False: the node's clock has stepped forward by more than the slack, so that our key there may end early
// (protocol 5.5).
bool Possession::in_time(Instant now, const Reply &reply) {
    if (!reply.node_time || !reply.sent) return true;
    NodeRecord &record = records_[reply.node];
    const Duration step = record.clock.read(*reply.node_time, *reply.sent, now);
    const bool sound = step <= terms_.trust.slack + node_rounding;
    const Duration gained = record.gain.add(now, step, terms_.ttl);
    if (gained <= terms_.trust.slack / 2 + node_rounding) return sound;
    notify({.node = reply.node, .step = gained, .too_far = !sound});
    record.gain.restart(now);
    return sound;
}

bool Possession::repeated(NodeIndex node) const {
    const std::string &server = records_[node].server;
    const auto here = records_.begin() + static_cast<std::ptrdiff_t>(node);
    return !server.empty() &&
           std::any_of(records_.begin(), here, [&](const NodeRecord &before) { return before.server == server; });
}

bool Possession::any_repeated() const {
    for (NodeIndex node = 0; node < terms_.nodes; ++node)
        if (repeated(node)) return true;
    return false;
}

// The end of validity in the node's own time, at the earliest: its clock was read before we heard of it, and may be
// slower than ours.
NodeTime Possession::until(NodeIndex node) const {
    const auto &reading = records_[node].clock.latest();
    if (!reading) return 0;
    const double ahead = static_cast<double>((lease_.validity() - reading->at).count()) * (1 - terms_.trust.drift);
    return reading->time + static_cast<NodeTime>(ahead / 1000) - 1;
}

} // namespace redlock::core
