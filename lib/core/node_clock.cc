#include "core/node_clock.hh"

#include <algorithm>

namespace redlock::core {

Duration NodeClock::read(NodeTime time, Instant sent, Instant received) {
    const Duration theirs = std::chrono::microseconds{time};
    const Duration least = theirs - received.time_since_epoch();
    // The node tells whole microseconds.
    const Duration most = theirs + std::chrono::microseconds{1} - sent.time_since_epoch();
    Duration step{};
    if (latest_) {
        const auto elapsed = static_cast<double>(std::max(received - latest_->at, Duration{}).count());
        // While ours goes on by `elapsed`, theirs goes on by elapsed * (1 - drift) at least, elapsed / (1 - drift) at most.
        const Duration drifted{static_cast<Duration::rep>(elapsed * drift_ / (1 - drift_)) + 1};
        least_ -= drifted;
        most_ += drifted;
        if (least > most_) step = least - most_;
        if (most < least_) step = most - least_;
    }
    if (latest_ && step == Duration{}) {
        least_ = std::max(least_, least);
        most_ = std::min(most_, most);
    } else {
        least_ = least;
        most_ = most;
    }
    latest_ = {time, received};
    return step;
}

} // namespace redlock::core
