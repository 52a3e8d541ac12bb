// The lengths of time of a lock, and whether they fit into each other (protocol 13.7). Pure arithmetic: the messages
// about it are in cmd/timing_settings.cc.
#pragma once

#include "cmd/command.hh"
#include "cmd/origin.hh"
#include "core/lease.hh"
#include "util/time.hh"

#include <optional>

namespace redlock::cmd {

inline constexpr Duration shortest_ttl = milliseconds{100};
inline constexpr Duration default_ttl = seconds{30};

// The times that were asked for, with the defaults of ttl and drift. The other defaults follow from the ttl.
struct TimingWish {
    Value<Duration> ttl{default_ttl};
    Value<Duration> slack{}, node_timeout{}, kill_after{};
    Value<double> drift{core::default_drift}; // 0 <= drift < 0.5
};

struct Timing {
    Duration ttl{};
    core::ClockTrust trust{};
    Duration node_timeout{};
    Duration kill_after{};
    Duration margin{}; // KILL comes this long before the end of validity

    // How long a fresh lease is safe (protocol 5.2). May be negative.
    [[nodiscard]] Duration fresh_validity() const { return core::trusted_time(ttl, trust); }
    // The time between two renewals (protocol 7.6).
    [[nodiscard]] Duration renewal_period() const { return core::renewal_period(ttl, trust.slack); }
};

Timing complete(const TimingWish &wish);

// A connection that has owed an answer for so long is replaced: early enough to renew the lease over another one
// (protocol 14.3).
Duration connection_patience(const Timing &timing);
// A fresh validity must be longer than this (protocol 13.7). For exec: kill_after + 2 margins + one renewal period. The
// other commands kill nobody: one node timeout.
Duration needed(const Timing &timing, Command command);
bool fits(const Timing &timing, Command command);

// A ttl as a person would type it that is long enough, all else as wished. It is not much longer than the shortest one.
// nullopt if ten years are too short.
std::optional<Duration> sufficient_ttl(TimingWish wish, Command command);

} // namespace redlock::cmd
