// One lock, from the first attempt to the release. The only file pair that knows the transitions:
//
//   idle --acquire--> acquiring --won--> held --release--> releasing --> ended
//    ^                    |  \            |  \                ^
//    |                    |   \           |   V passed        |
//    |                  lost   last one   |    v              |
//    |                    |      \        |   lost --release--+
//    +---- pausing <------+       +---> cleaning --> ended
//
// acquiring (acquiring.cc): a round is open; or the quorum that it won is brought to agree on a fence; or it went to
//   nobody, and we are ahead and ask the others again. An attempt that cannot be won any more is abandoned on every
//   node that a command may have reached before anything sleeps; then comes another after a pause (pausing, then idle:
//   the caller brings a fresh token for each attempt), or, if it was the last, cleaning and the end.
// held: extend rounds keep V ahead. A failed round leaves the lease as it is and is tried again soon.
// lost: V has passed, or a quorum can no longer hold our key. Terminal: only release() is left.
// ended: ending() says how.
//
// Inputs: acquire, release, give_up, on_reply, tick. After each, take_requests() and deadline().
#pragma once

#include "core/backoff.hh"
#include "core/conversation.hh"
#include "core/former_tokens.hh"
#include "core/lease.hh"
#include "core/node_clock.hh"
#include "core/round.hh"
#include "core/sweep.hh"

#include <utility>

namespace redlock::core {

// What was agreed before the start; the same for the whole life.
struct Terms {
    std::string key;
    std::size_t nodes = 0;
    std::size_t quorum = 0; // at least a majority
    std::string prefix;     // of the key, and the guard time: see Agreement
    Duration guard{};
    Duration ttl{};
    ClockTrust trust;
    Duration node_timeout{};
    Duration needed{};            // won only if V is at least this far ahead
    std::optional<Duration> wait; // nullopt: as long as it takes; 0: until it is settled who gets a free lock
    bool renew = false;           // keep extending while held
    std::uint64_t seed = 0;       // of the jitter

    [[nodiscard]] Agreement agreement() const { return {prefix, nodes, quorum, guard}; }
};

enum class Phase { idle, acquiring, pausing, held, lost, cleaning, releasing, ended };

enum class Ending {
    none,
    busy,        // somebody else holds it
    unreachable, // no quorum of nodes answered
    denied,      // so many nodes refuse our credentials, or must not be nodes, that there is no point in waiting
    disagreed,   // a node is used by others with another list of nodes, or stands in ours twice
    interrupted, // give_up()
    lost,        // held, then lost
    released,
};

// A node's clock has stepped forward within one lease, in one step or in many, by more than half of the slack. By more
// than the slack: what it holds for us may end before we know, and does not count until the next renewal. Or, heard of
// when the lock was ours already: others use the node in another way, or it stands in our list under two names.
struct Notice {
    NodeIndex node = 0;
    Duration step{};
    bool too_far = false;
    std::optional<Agreement> others{};
    bool danger = false;                // those could hold the lock beside us
    std::optional<NodeIndex> same_as{}; // counts once
};

class Lock : public Conversation {
  public:
    explicit Lock(Terms terms);

    // Begins an attempt (phase idle only). `token`: fresh for every attempt, never used again. `proposal`: UTC in
    // microseconds, for the fence.
    void acquire(Instant now, std::string token, Fence proposal);
    // Gives a held or lost lock back (protocol 8.1). Renewal stops before.
    void release(Instant now);
    // The caller no longer wants it (phases before held): cleans up, ends as interrupted.
    void give_up(Instant now);

    void on_reply(Instant now, const Reply &reply) override;
    void tick(Instant now) override;
    [[nodiscard]] std::optional<Instant> deadline() const override;

    [[nodiscard]] Phase phase() const { return phase_; }
    [[nodiscard]] Ending ending() const { return ending_; }
    // V while held, distant_past otherwise.
    [[nodiscard]] Instant validity() const;
    [[nodiscard]] const std::string &token() const { return token_; }
    // Of what was won: higher than that of every grant of this key before.
    [[nodiscard]] Fence fence() const { return fence_; }
    // The nodes had drawn different ones, and a round more was needed to agree on it.
    [[nodiscard]] bool fence_was_confirmed() const { return confirmed_; }

    // The latest round of acquire or extend: what each node said.
    [[nodiscard]] const Round &last_round() const { return round_; }
    // What each node said last: in that round or, of renewals, in the one before.
    [[nodiscard]] Answers latest_answers() const;
    // The latest round has prolonged the lease. Not every answer counts for it: a clock may have been set, a server may
    // stand in the list twice.
    [[nodiscard]] bool renewed() const {
        return round_.outcome() == Outcome::won &&
               lease_.validity() >= asked_at_ + trusted_time(terms_.ttl, terms_.trust);
    }
    // The votes of the latest attempt would do, but somebody uses a node in another way, and it is not known of enough
    // of the others that they turn them away.
    [[nodiscard]] bool in_doubt() const;
    // The release or the cleaning; nullopt before it began.
    [[nodiscard]] const std::optional<Sweep> &sweep() const { return sweep_; }
    // Fewer than a quorum of nodes were heard in the latest attempt.
    [[nodiscard]] bool out_of_reach() const { return round_.heard() < terms_.quorum; }
    // A quorum would vote, but for nodes that are in quarantine: how long until enough of them are not. nullopt: that
    // is not what is missing.
    [[nodiscard]] std::optional<Duration> quarantine() const;
    // What the user should hear of, each once.
    [[nodiscard]] std::vector<Notice> take_notices() { return std::exchange(notices_, {}); }
    // The token that most of the refusing nodes named; empty when none did.
    [[nodiscard]] std::string blocker() const;

  private:
    void start_round(Instant now, Verb verb);
    // The reply as it counts for the round.
    Reply apply(Instant now, Reply reply);
    bool apply_in_quarantine(Instant now, const Reply &reply);
    bool ask_behind_former(Instant now, const Reply &reply);
    void note_server(const Reply &reply);
    [[nodiscard]] bool repeated(NodeIndex node) const; // the same server as one before it
    [[nodiscard]] bool in_time(const Reply &reply, Instant now);
    [[nodiscard]] bool disagreement(bool doubtful) const;
    void note_others(const Reply &reply);
    void step_acquiring(Instant now);
    [[nodiscard]] bool contested() const;
    [[nodiscard]] bool awaits_responsive() const;
    void step_contest(Instant now);
    void step_fence(Instant now);
    [[nodiscard]] std::optional<NodeIndex> absurd_fence() const;
    void refuse_fence(Instant now, NodeIndex node);
    void settle_fence(Instant now, Fence fence);
    void ask_to_confirm(Instant now);
    void ask_again(Instant now);
    [[nodiscard]] bool out_of_time(Instant now) const;
    [[nodiscard]] std::optional<Instant> acquiring_deadline() const;
    void step_held(Instant now);
    void attempt_failed(Instant now, bool split = false);
    void clean_up(Instant now, Ending ending);
    void start_sweep(Instant now, Phase phase, Verb verb, Ending ending);
    void step_sweeping(Instant now);
    Duration next_pause(bool split);
    Duration renewal_pause();
    void close_when_late(Instant now);
    [[nodiscard]] NodeTime until_for(NodeIndex node) const;
    Request &ask(NodeIndex node, Verb verb, Instant deadline);
    Request &abandon(NodeIndex node, const std::string &token, Instant now);
    [[nodiscard]] bool first_attempt() const {
        return attempt_begins_ == 1 && (phase_ == Phase::acquiring || phase_ == Phase::cleaning);
    }
    // In the first attempt no node is connected yet, and a connection takes a round trip, too.
    [[nodiscard]] Duration round_time() const {
        return first_attempt() ? 2 * terms_.node_timeout : terms_.node_timeout;
    }
    [[nodiscard]] Instant round_deadline() const { return asked_at_ + round_time(); }
    [[nodiscard]] bool no_wait() const { return terms_.wait == Duration{}; }
    [[nodiscard]] Duration renewal_period() const { return (terms_.ttl - terms_.trust.slack) / 3; }

    Terms terms_;
    Phase phase_ = Phase::idle;
    Ending ending_ = Ending::none;
    std::string token_;
    Serial next_serial_ = 1;
    Serial attempt_begins_ = 1; // replies below belong to attempts that were abandoned

    Round round_;
    Answers before_;     // what was said before that round, of renewals
    Instant asked_at_{}; // when the round, or the latest part of it, was sent
    Lease lease_;
    std::optional<Sweep> sweep_;
    std::vector<Serial> touched_;  // the latest request of this attempt that may have set the key there; 0: none
    std::vector<bool> responsive_; // the node answered, and has not been silent since
    std::vector<Serial> latest_;   // the latest request to the node whose outcome is known
    FormerTokens former_;

    std::vector<NodeClock> clocks_;
    // How far a clock has stepped forward, small steps together, in a time of the length of a lease.
    struct Gain {
        Instant since = distant_past;
        Duration sum{};
    };
    std::vector<Gain> gains_;
    std::vector<std::string> servers_; // per node, the run_id of who granted this attempt; empty: not known
    std::vector<Notice> notices_;
    std::vector<bool> contradicted_; // and that was said

    Fence proposal_ = 0;
    Fence fence_ = 0;              // of this attempt; 0: there is no quorum yet
    std::vector<Fence> on_record_; // per node, since the key there is ours
    Round confirmation_;           // who has fence_ on record
    bool confirmed_ = false;

    // Nobody has a quorum:
    std::optional<Instant> decide_by_; // votes still under way are waited for until then
    std::optional<Instant> again_at_;  // we are ahead, and ask the others again
    int asked_again_ = 0;              // in this attempt
    int splits_ = 0;                   // attempts in a row that ended so; at most_contests: with a holder
    std::string blocker_;              // before the others were asked again

    Backoff backoff_;
    Duration round_trip_;            // of the slowest node that had a say in the latest round
    std::optional<Instant> next_at_; // pausing: the next attempt; held: the next renewal, nullopt: it is under way
    std::optional<Instant> give_up_at_;
    std::optional<Instant> unreachable_since_; // no attempt since then has heard a quorum
};

} // namespace redlock::core
