// What one run of `redlock init` is to reach. Constant for its life.
#pragma once

#include "core/message.hh"

#include <string>

namespace redlock::core {

struct SetupPlan {
    std::size_t nodes = 0;
    Agreement agreement;
    std::string record;       // `agreement` in the marker's words; empty: end the quarantine and no more
    bool reconfigure = false; // a different record is replaced
    bool wait = true;         // false: end as `later` where a wait would begin
    Duration node_timeout{};
    double drift = 0;
    std::string id; // names our hold; fresh
};

// A node notes a use at most so often (protocol 9.7).
inline constexpr Duration use_granularity = seconds{1};

} // namespace redlock::core
