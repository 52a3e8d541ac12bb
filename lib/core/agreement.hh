// Clients that use the same nodes with another configuration (another N, Q or G). Pure functions of what the nodes say.
#pragma once

#include "core/message.hh"

#include <algorithm>

namespace redlock::core {

// Clients with `others` could hold the lock at the same time as clients with `ours`, if one of the two node lists
// contains the other (protocol 10.4). False for an agreement that is not readable.
constexpr bool could_both_hold(const Agreement &others, const Agreement &ours) {
    return others.nodes > 0 && std::max(ours.nodes, others.nodes) >= ours.quorum + others.quorum;
}

// The same N, Q and G, the latter as a node records it. False for an agreement that is not readable.
constexpr bool same_settings(const Agreement &a, const Agreement &b) {
    return a.nodes > 0 && a.nodes == b.nodes && a.quorum == b.quorum && to_ms_up(a.guard) == to_ms_up(b.guard);
}

// A lease of `ttl` on a node with the agreement `others` protects nothing: those clients could hold the lock at the
// same time, or the node could forget the lease before its end (protocol 7.7).
constexpr bool endangers(const Agreement &others, const Agreement &ours, Duration ttl) {
    return could_both_hold(others, ours) || ours.guard == Duration{} || others.guard < ttl;
}

// Enough nodes would vote for clients with `others`: the nodes that report this agreement, the nodes that are in their
// list alone and, if `doubtful`, every node of which nothing is known. A node that granted without reporting a
// different agreement will refuse those clients, if our guard is on (protocol 10.5).
bool could_hold_beside_us(const Answers &answers, const Agreement &others, const Agreement &ours, bool doubtful);

// An attempt with these votes must end: another configuration could hold the lock beside us, or so many nodes report
// one that the rest is no quorum (protocol 10.6). `doubtful`: as above.
bool disagree(const Answers &answers, std::size_t quorum, const Agreement &ours, bool doubtful);

// The first node before `node` that is the same server. nullopt: there is none, as far as is known (protocol 10.6).
std::optional<NodeIndex> same_server(const Answers &answers, NodeIndex node);

} // namespace redlock::core
