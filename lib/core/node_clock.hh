// Has a node's wall clock been set? Nodes' clocks decide when keys end; a step forward ends one early. Each answer that
// tells the node's time bounds the difference to our own clock; what two answers allow must have something in common,
// once the drift is granted (protocol 5.5).
#pragma once

#include "core/message.hh"

#include <algorithm>
#include <optional>

namespace redlock::core {

class NodeClock {
  public:
    explicit NodeClock(double drift) : drift_(drift) {}

    // What the node's clock said between `sent` and `received`: how far it has stepped forward since the reading before
    // (negative: back), as far as that is certain; 0: it need not have.
    Duration read(NodeTime time, Instant sent, Instant received);

    // The latest reading, and when it was heard: the clock shows at least this since then.
    struct Reading {
        NodeTime time;
        Instant at;
    };
    [[nodiscard]] const std::optional<Reading> &latest() const { return latest_; }

  private:
    double drift_;
    Duration least_{}, most_{}; // node's time minus ours, at latest_->at
    std::optional<Reading> latest_;
};

// How far a node's clock has stepped forward, small steps together, in a time of the length of a lease.
class ClockGain {
  public:
    // Adds a step (steps back count as none) and returns the sum of the last `ttl`.
    Duration add(Instant now, Duration step, Duration ttl) {
        if (now - since_ > ttl) restart(now);
        return sum_ += std::max(step, Duration{});
    }
    void restart(Instant now) {
        since_ = now;
        sum_ = {};
    }

  private:
    Instant since_ = distant_past;
    Duration sum_{};
};

} // namespace redlock::core
