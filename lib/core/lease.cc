#include "core/lease.hh"

#include "core/round.hh"

#include <algorithm>

namespace redlock::core {

Duration trusted_time(Duration ttl, const ClockTrust &trust) {
    // Rounded up by hand: for ceil alone libm would have to be loaded at every start.
    const double exact = static_cast<double>(ttl.count()) * trust.drift;
    auto drift = static_cast<Duration::rep>(exact);
    if (static_cast<double>(drift) < exact) ++drift;
    return ttl - Duration{drift} - trust.slack - node_rounding;
}

void Lease::confirm(NodeIndex node, Instant expiry) {
    if (!lost_) expiry_[node] = std::max(expiry_[node], expiry);
}

Instant Lease::validity() const {
    if (lost_) return distant_past;
    return reached_by(quorum_, expiry_);
}

bool Lease::lost(Instant now) {
    if (now >= validity()) lost_ = true;
    return lost_;
}

Instant validity_of(const Answers &answers, std::size_t quorum, Duration ttl, const ClockTrust &trust) {
    Lease lease(answers.size(), quorum);
    for (NodeIndex node = 0; node < answers.size(); ++node)
        if (answers[node] && answers[node]->answer == Answer::granted && answers[node]->sent)
            lease.confirm(node, *answers[node]->sent + trusted_time(ttl, trust));
    return lease.validity();
}

} // namespace redlock::core
