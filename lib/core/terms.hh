// What a client and its lock are configured with. Constant for the life of a Lock.
#pragma once

#include "core/lease.hh"

#include <optional>
#include <string>

namespace redlock::core {

struct Terms {
    std::string key;
    std::size_t nodes = 0;
    std::size_t quorum = 0; // at least a majority
    std::string prefix;     // of the key, and the guard time: see Agreement
    Duration guard{};
    Duration ttl{};
    ClockTrust trust;
    Duration node_timeout{};
    Duration needed{};            // an attempt is won only if V is at least this far ahead
    std::optional<Duration> wait; // nullopt: forever; 0: until it is settled which client gets a free lock
    bool renew = false;           // keep extending while held
    std::uint64_t seed = 0;       // of the jitter

    [[nodiscard]] Agreement agreement() const { return {prefix, nodes, quorum, guard}; }
    [[nodiscard]] bool no_wait() const { return wait == Duration{}; }
    [[nodiscard]] Duration renewal_period() const { return core::renewal_period(ttl, trust.slack); }
    // V - `sent` after a grant of a request sent at `sent`.
    [[nodiscard]] Duration trusted() const { return trusted_time(ttl, trust); }
};

} // namespace redlock::core
