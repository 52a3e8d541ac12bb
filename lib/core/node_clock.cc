#include "core/node_clock.hh"

namespace redlock::core {

Duration NodeClock::read(NodeTime time, Instant sent, Instant received) {
    // While ours goes on by `elapsed`, theirs goes on by elapsed * (1 - drift) at least, elapsed / (1 - drift) at most.
    const auto drift_within = [this](Duration elapsed) {
        const auto count = static_cast<double>(std::max(elapsed, Duration{}).count());
        return Duration{static_cast<Duration::rep>(count * drift_ / (1 - drift_)) + 1};
    };
    const Duration theirs = std::chrono::microseconds{time}, on_the_way = drift_within(received - sent);
    const Duration least = theirs - received.time_since_epoch() - on_the_way;
    // The node tells whole microseconds.
    const Duration most = theirs + std::chrono::microseconds{1} - sent.time_since_epoch() + on_the_way;
    Duration step{};
    if (latest_) {
        const Duration drifted = drift_within(received - latest_->at);
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
