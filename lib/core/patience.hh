// How much trouble one run of `redlock init` bears before it ends (protocol 11.4).
#pragma once

#include "core/setup_plan.hh"

#include <optional>

namespace redlock::core {

class Patience {
  public:
    // The nodes are looked at once more, because something has changed. False: that was too often.
    bool bears_repetition() { return ++repetitions_ <= most_repetitions; }

    // A node does not answer, or is not fit. False: that has lasted too long.
    bool bears_outage(Instant now) {
        if (!outage_since_) outage_since_ = now;
        return now < *outage_since_ + longest_outage;
    }
    void outage_over() { outage_since_.reset(); }

    // A different provisional record lapses in `left`. False: it should have lapsed by now, so clients use it
    // (protocol 11.2).
    bool bears_record(Instant now, Duration left) {
        if (!lapsed_by_) lapsed_by_ = now + left + 2 * use_granularity;
        return now <= *lapsed_by_;
    }

  private:
    static constexpr int most_repetitions = 20;
    static constexpr Duration longest_outage = seconds{10};

    int repetitions_ = 0;
    std::optional<Instant> outage_since_;
    std::optional<Instant> lapsed_by_;
};

} // namespace redlock::core
