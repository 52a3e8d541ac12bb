// What the answers of all nodes to `status` say about a lock (protocol 15.5). A pure function.
#pragma once

#include "core/message.hh"

#include <optional>
#include <vector>

namespace redlock::core {

enum class LockState {
    free,    // a quorum of nodes has no such key
    held,    // a quorum of nodes names the same holder
    split,   // neither: an attempt is under way, or one has left something behind
    unknown, // fewer than a quorum spoke
};

struct Survey {
    LockState state = LockState::unknown;
    std::string holder;                // the token that most nodes name; empty: none does
    std::size_t agreeing = 0;          // how many nodes name it
    Fence fence = 0;                   // held: what a quorum has on record at least; 0: none
    std::optional<Duration> remaining; // held: a quorum grants it so long at least; nullopt: without end
};

Survey survey(const Answers &answers, std::size_t quorum);

} // namespace redlock::core
