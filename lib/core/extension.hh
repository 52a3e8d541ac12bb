// Which answers to a one-shot extend count, and what they amount to (protocol 7.7). A pure function.
#pragma once

#include "core/lease.hh"
#include "core/round.hh"

#include <vector>

namespace redlock::core {

struct Extension {
    std::size_t extended = 0, refused = 0; // nodes that count
    Outcome outcome = Outcome::pending;    // of these
    Instant validity = distant_past;       // of the lease that they make

    // Nodes that other clients use with another configuration:
    std::optional<Agreement> others; // the most dangerous one; nullopt: none differs
    bool danger = false;             // those clients could hold the lock, too, whatever these nodes answered
    bool differs = false;            // not extended, and so many differ that the rest is no quorum
    struct Repeated {
        NodeIndex node, same_as;
    };
    std::vector<Repeated> repeated; // servers that are listed twice count once
};

// `told`: as without_forgotten() returns it.
Extension count_extension(const Answers &told, std::size_t quorum, const Agreement &ours, Duration ttl,
                          const ClockTrust &trust, Instant now);

} // namespace redlock::core
