// Several clients have met, and nobody has a quorum (protocol 4.6). The token with most of the nodes keeps
// them and asks the others again; everybody else goes at once, so that there is one round of this and not many. Pure
// functions of one round's votes: each of the contenders comes to the same verdict by itself, near enough.
#pragma once

#include "core/round.hh"

#include <string_view>

namespace redlock::core {

enum class Standing {
    undecided, // it depends on the votes still under way
    ahead,     // more nodes hold our key than anybody else's can; of equals, the smallest token is ahead
    behind,    // somebody else has, or may have, more; or there is nobody to wait for
    shut_out,  // somebody else holds a quorum
};

// After so many rounds of this, or attempts that ended so, in a row, whoever still blocks us counts as a holder.
inline constexpr int most_contests = 8;

// How `token` stands. `all_in`: votes still under way are not waited for.
Standing standing(const Round &round, std::size_t quorum, std::string_view token, bool all_in);

// The token that most of the refusing nodes name, and how many do; of equals the smallest. Empty: none is named.
struct Named {
    std::string token;
    std::size_t nodes = 0;
};
Named most_named(const Answers &answers);

} // namespace redlock::core
