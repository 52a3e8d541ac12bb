// One lock, from the first attempt to the release. The only file pair that knows the phases:
//
//   idle --acquire--> acquiring --won--> held --release--> releasing --> ended
//    ^                    |  \            |  \                ^
//    |                    |   \           |   V passed        |
//    |                failed   no more    |    v              |
//    |                    |      \        |   lost --release--+
//    +---- pausing <------+       +---> cleaning --> ended
//
// acquiring: an Attempt is under way. A failed attempt is abandoned on every node that a request may have reached,
//   before anything sleeps. The next one comes after a pause (pausing, then idle: the caller brings a new token for
//   each attempt). After the last one the nodes are cleaned up.
// held: extend rounds keep V ahead. A failed round leaves the lease as it is and is tried again soon.
// lost: V has passed, or a quorum can no longer hold our key. Only release() is left.
// ended: ending() says how.
//
// Inputs: acquire, release, give_up, on_reply, tick. After each, take_requests() and deadline().
#pragma once

#include "core/attempt.hh"
#include "core/conversation.hh"
#include "core/former_tokens.hh"
#include "core/pacing.hh"
#include "core/sweep.hh"

namespace redlock::core {

enum class Phase { idle, acquiring, pausing, held, lost, cleaning, releasing, ended };

enum class Ending {
    none,
    busy,        // another client holds it
    unreachable, // no quorum of nodes answered
    denied,      // so many nodes refuse our credentials, or must not be nodes, that waiting is useless
    disagreed,   // other clients use a node with another configuration, or a node is in our list twice
    interrupted, // give_up()
    lost,        // held, then lost
    released,
};

class Lock : public Conversation {
  public:
    explicit Lock(Terms terms);
    ~Lock() override = default;
    Lock(const Lock &) = delete;
    Lock &operator=(const Lock &) = delete;

    // Begins an attempt. REQUIRES: phase idle. `token`: new for every attempt, never used again. `proposal`: UTC in
    // microseconds, for the fence.
    void acquire(Instant now, std::string token, Fence proposal);
    // Gives a held or lost lock back (protocol 8.1). Renewal stops before.
    void release(Instant now);
    // The caller no longer wants the lock: cleans up, ends as interrupted. REQUIRES: a phase before held.
    void give_up(Instant now);

    void on_reply(Instant now, const Reply &reply) override;
    void tick(Instant now) override;
    [[nodiscard]] std::optional<Instant> deadline() const override;

    [[nodiscard]] const Terms &terms() const { return terms_; }
    [[nodiscard]] Phase phase() const { return phase_; }
    [[nodiscard]] Ending ending() const { return ending_; }
    // V while held, distant_past otherwise.
    [[nodiscard]] Instant validity() const;
    // Of the latest attempt; empty before the first.
    [[nodiscard]] const std::string &token() const;
    // Of the lock that was won: higher than that of every grant of this key before.
    [[nodiscard]] Fence fence() const { return attempt_ ? attempt_->fence() : 0; }
    [[nodiscard]] bool fence_was_confirmed() const { return attempt_ && attempt_->fence_was_confirmed(); }

    // The latest round of acquire or extend: what each node said.
    [[nodiscard]] const Round &last_round() const;
    // What each node said last: in that round or, of renewals, in the one before.
    [[nodiscard]] Answers latest_answers() const;
    // The latest round has prolonged the lease. Not every answer counts for it: a clock may have been set, a server may
    // be in the list twice.
    [[nodiscard]] bool renewed() const;
    // See Attempt::State.
    [[nodiscard]] bool in_doubt() const { return attempt_ && attempt_->in_doubt(); }
    // The release or the cleaning; nullopt before it began.
    [[nodiscard]] const std::optional<Sweep> &sweep() const { return sweep_; }
    // Fewer than a quorum of nodes answered in the latest attempt.
    [[nodiscard]] bool out_of_reach() const { return last_round().heard() < terms_.quorum; }
    // A quorum would vote, but for nodes in quarantine: how long until enough of them have left it. nullopt: this is
    // not what is missing.
    [[nodiscard]] std::optional<Duration> quarantine() const;
    // What the user should be told, each once.
    [[nodiscard]] std::vector<Notice> take_notices() { return possession_.take_notices(); }
    // The token that most of the refusing nodes named; empty: none did.
    [[nodiscard]] std::string blocker() const { return attempt_ ? attempt_->blocker() : ""; }

  private:
    // One extend of all nodes.
    struct Renewal {
        Round round;
        Instant sent;
        Answers before; // what each node said before
    };

    [[nodiscard]] Instant asked_at() const { return renewal_ ? renewal_->sent : attempt_->asked_at(); }
    [[nodiscard]] bool counts(const Reply &reply) const;
    void take(Instant now, const Reply &reply);
    bool ask_behind_former(Instant now, const Reply &reply);
    void note_others(const Reply &reply);
    void step_acquiring(Instant now);
    void step_pausing(Instant now);
    void step_held(Instant now);
    void renew(Instant now);
    void attempt_failed(Instant now, bool split, bool holder);
    void abandon_attempt(Instant now);
    [[nodiscard]] bool out_of_time(Instant now) const { return give_up_at_ && now >= *give_up_at_; }
    void clean_up(Instant now, Ending ending);
    void start_sweep(Instant now, Phase phase, Verb verb, Ending ending);
    void step_sweeping(Instant now);

    const Terms terms_;
    Phase phase_ = Phase::idle;
    Ending ending_ = Ending::none;
    Outbox outbox_;
    Possession possession_;
    std::optional<Attempt> attempt_; // the latest
    std::optional<Renewal> renewal_; // the latest of the present lease
    std::optional<Sweep> sweep_;
    FormerTokens former_;
    Pacing pacing_;
    std::optional<Instant> next_at_; // pausing: the next attempt; held: the next renewal, nullopt: it is under way
    std::optional<Instant> give_up_at_;
    std::optional<Instant> unreachable_since_; // no attempt since then has had answers of a quorum
};

} // namespace redlock::core
