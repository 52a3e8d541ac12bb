// How long to wait before the next attempt and the next renewal. Pauses scale with the round trip (protocol
// 12.2).
#pragma once

#include "core/backoff.hh"
#include "core/round.hh"
#include "core/terms.hh"

namespace redlock::core {

class Pacing {
  public:
    // Keeps a reference to `terms`.
    explicit Pacing(const Terms &terms);

    // The round trip of the slowest node whose answer decided something in the latest round.
    void measured(Duration trip);
    [[nodiscard]] Duration round_trip() const { return round_trip_; }

    // An attempt failed. `split`: no client had a quorum. `holder`: the client that blocks us did not go away, and
    // counts as a holder from now on.
    void failed(bool split, bool holder);
    // Attempts in a row that ended in a split; above most_contests: the client that blocks us is a holder.
    [[nodiscard]] int splits() const { return splits_; }
    // An attempt was won, or a renewal.
    void attempt_won();
    void renewed() { backoff_.reset(); }

    // The pause after a failed attempt with these votes. `give_up_at`: see Lock.
    Duration after_attempt(const Round &votes, bool split, std::optional<Instant> give_up_at);
    Duration after_failed_renewal();

  private:
    const Terms &terms_;
    Backoff backoff_;
    Duration round_trip_;
    int splits_ = 0;
};

} // namespace redlock::core
