#include "core/pacing.hh"

#include "core/contest.hh"

#include <algorithm>

namespace redlock::core {

namespace {

constexpr int pause_round_trips = 4;
constexpr Duration least_pause = milliseconds{4};
constexpr Duration most_pause_when_busy = milliseconds{200};
constexpr Duration most_pause_when_out_of_reach = seconds{1};
// A near network takes less, but a process woken earlier finds nothing new.
constexpr Duration least_round_trip = std::chrono::microseconds{500};
constexpr Duration least_renewal_pause = milliseconds{20};

// When a quorum of nodes is free at the latest, even if no client releases: by the times to live and the quarantines
// that the nodes reported. nullopt: not known, or the votes were won.
std::optional<Duration> free_in(const Round &votes, std::size_t quorum) {
    std::vector<Duration> waits(votes.count(Answer::granted));
    for (const auto &answer : votes.answers()) {
        if (answer && answer->answer == Answer::refused && answer->holder_ttl)
            waits.push_back(*answer->holder_ttl + milliseconds{1});
        if (answer && answer->quarantine) waits.push_back(*answer->quarantine + milliseconds{1});
    }
    if (votes.outcome() == Outcome::won || waits.size() < quorum) return std::nullopt;
    std::sort(waits.begin(), waits.end());
    return waits[quorum - 1];
}

} // namespace

Pacing::Pacing(const Terms &terms) : terms_(terms), backoff_(terms.seed), round_trip_(least_round_trip) {}

void Pacing::measured(Duration trip) { round_trip_ = std::max(least_round_trip, std::min(trip, terms_.node_timeout)); }

void Pacing::failed(bool split, bool holder) { splits_ = split ? (holder ? most_contests : splits_) + 1 : 0; }

void Pacing::attempt_won() {
    backoff_.reset();
    splits_ = 0;
}

Duration Pacing::after_attempt(const Round &votes, bool split, std::optional<Instant> give_up_at) {
    const Duration trip = std::max<Duration>(round_trip_, milliseconds{1});
    // A client that does not wait for the lock returns only to see whether any client has it, and stays out of the way
    // of the clients that are ahead.
    if (terms_.no_wait()) return backoff_.next(16 * trip, *give_up_at - votes.started());
    // A client that has lost a split vote returns when it should be settled.
    if (split && splits_ <= most_contests) return backoff_.between(2 * trip, 3 * trip);
    const bool out_of_reach = votes.heard() < terms_.quorum;
    const Duration pause = backoff_.next(std::max(pause_round_trips * round_trip_, least_pause),
                                         out_of_reach ? most_pause_when_out_of_reach : most_pause_when_busy);
    return std::min(pause, free_in(votes, terms_.quorum).value_or(pause));
}

Duration Pacing::after_failed_renewal() {
    return backoff_.next(std::max(pause_round_trips * round_trip_, least_renewal_pause), terms_.renewal_period() / 4);
}

} // namespace redlock::core
