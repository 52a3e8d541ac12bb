// Everything that a lock knows of one node.
#pragma once

#include "core/node_clock.hh"
#include "core/terms.hh"

namespace redlock::core {

// What the user should be told of a node while the lock is held. Either its clock has stepped forward within one lease,
// in one step or in many, by more than half of the slack; by more than the slack, our key there may end before we know,
// and the node does not count until the next renewal. Or other clients use the node with another configuration. Or the
// node is in our list under two names.
struct Notice {
    NodeIndex node = 0;
    Duration step{};
    bool too_far = false;
    std::optional<Agreement> others{};
    bool danger = false;                // those clients could hold the lock beside us
    std::optional<NodeIndex> same_as{}; // counts once
};

struct NodeRecord {
    explicit NodeRecord(double drift) : clock(drift) {}

    bool responsive = false;   // the node answered, and has not been silent since
    Serial latest = 0;         // the latest request whose outcome is known
    NodeClock clock;           // the node's wall clock beside ours
    ClockGain gain;            // its steps forward
    bool contradicted = false; // it reported another configuration, and the user was told

    // Of the present attempt, and the lease that it won:
    Serial touched = 0;  // the latest request that may have set the key; 0: none
    Fence on_record = 0; // highest fence since the key is ours
    std::string server;  // run_id of the server that granted; empty: not known
};

} // namespace redlock::core
