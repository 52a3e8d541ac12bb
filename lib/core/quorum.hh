// Who decides: a pure function from votes to an outcome.
#pragma once

#include <cstddef>

namespace redlock::core {

enum class Outcome { pending, won, lost };

// The smallest number of nodes of which any two groups share one.
constexpr std::size_t majority(std::size_t nodes) { return nodes / 2 + 1; }

// Won as soon as `quorum` nodes said yes, lost as soon as they no longer can. With every vote in it is
// never pending, whatever the number of nodes: an even one cannot hang on a draw.
constexpr Outcome tally(std::size_t nodes, std::size_t quorum, std::size_t yes, std::size_t no) {
    if (yes >= quorum) return Outcome::won;
    return nodes - no < quorum ? Outcome::lost : Outcome::pending;
}

} // namespace redlock::core
