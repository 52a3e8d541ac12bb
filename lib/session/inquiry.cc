#include "session/inquiry.hh"

#include "event/clock.hh"
#include "session/pump.hh"

namespace redlock::session {

Inquiry::Inquiry(InquiryPlan plan, event::Signals &signals, process::Interruption &interruption)
    : plan_(std::move(plan)), signals_(signals), interruption_(interruption),
      nodes_(std::move(plan_.nodes), plan_.patience), await_(nodes_.size(), true) {}

core::Sweep Inquiry::ask(core::Verb verb, const std::string &key, const std::string &token) {
    const Instant begin = event::now();
    core::Sweep sweep(begin, {.verb = verb,
                              .key = key,
                              .token = token,
                              .ttl = plan_.ttl,
                              .agreement = plan_.agreement,
                              .ask = std::vector<bool>(nodes_.size(), true),
                              .await = await_,
                              .quorum = plan_.quorum,
                              .node_timeout = plan_.node_timeout,
                              .connected = next_ > 1,
                              .first = next_});
    next_ += nodes_.size();
    Pump pump(sweep, nodes_, signals_);
    pump.send();
    // A node that is still being connected to has not been handed its request yet.
    const Instant patience = begin + plan_.node_timeout;
    while (!sweep.done() || (nodes_.waiting() && event::now() < patience))
        interruption_.note(pump.turn(sweep.done() ? std::optional(patience) : std::nullopt));
    for (core::NodeIndex node = 0; node < nodes_.size(); ++node) {
        const auto &answer = sweep.answers()[node];
        await_[node] = answer && answer->answer != core::Answer::silent;
    }
    return sweep;
}

} // namespace redlock::session
