// What the client holds after a won round: one expiry per node, and V, the end of validity, as the Q-th
// largest of them (protocol 5.1). At every moment before V at least Q nodes hold our key, so rounds
// that succeed in part combine safely. Once lost, a lease stays lost: no late reply revives it.
#pragma once

#include "core/message.hh"

#include <vector>

namespace redlock::core {

inline constexpr double default_drift = 0.01;

// What the clocks of client and nodes are trusted with.
struct ClockTrust {
    double drift = default_drift; // largest difference in rate
    Duration slack{};             // largest step of a node's clock within a lease
};

// Redis keeps whole milliseconds: one for the rounding of its clock, one for that of the expiry.
inline constexpr Duration node_rounding = milliseconds{2};

// How long a key set with `ttl` may be relied upon, from just before its request was sent: the drift
// allowance, the slack, and 2 ms for the node's millisecond arithmetic are taken off (protocol 5.2).
Duration trusted_time(Duration ttl, const ClockTrust &trust);

// The time between two renewals (protocol 7.6).
constexpr Duration renewal_period(Duration ttl, Duration slack) { return (ttl - slack) / 3; }

class Lease {
  public:
    // No node holds anything yet.
    Lease(std::size_t nodes, std::size_t quorum) : expiry_(nodes, distant_past), quorum_(quorum) {}

    // The node confirmed the key until `expiry` at least. Never shortens. Ignored when lost.
    void confirm(NodeIndex node, Instant expiry);
    // The node does not hold our key.
    void drop(NodeIndex node) { expiry_[node] = distant_past; }
    // The node holds our key until `expiry` at most. Never prolongs.
    void limit(NodeIndex node, Instant expiry) { expiry_[node] = std::min(expiry_[node], expiry); }
    // When the node's part of the lease ends.
    [[nodiscard]] Instant expiry(NodeIndex node) const { return expiry_[node]; }

    // V; distant_past while fewer than a quorum hold the key, and for ever once lost (protocol 5.4).
    [[nodiscard]] Instant validity() const;

    // True when the lease is lost at `now`: its validity has passed. Stays true. To be asked while somebody
    // relies on it, and then before anything that could raise V is fed in.
    bool lost(Instant now);

  private:
    std::vector<Instant> expiry_;
    std::size_t quorum_;
    bool lost_ = false;
};

// V of a lease that was never held here, from one round of answers: each grant counts from the moment before its
// request was sent. distant_past: fewer than a quorum granted.
Instant validity_of(const Answers &answers, std::size_t quorum, Duration ttl, const ClockTrust &trust);

} // namespace redlock::core
