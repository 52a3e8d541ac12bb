// One attempt to win the lock, from its first request to its verdict (protocol 4.1).
//
//   voting ----quorum granted, but another configuration may beside us----> in doubt
//     |  \                                                                   |
//     |   \--quorum granted--> confirming --quorum has the fence--> won      +--> failed{split}, end{disagreed}
//     |                            \--> failed
//     +--no quorum--> contested --ahead: ask again--> voting
//                         \--behind, shut out--> failed{split}, failed
//
// voting: the votes are counted as they arrive.
// in doubt: a quorum granted, and it is not known of enough other nodes that they refuse clients with another
//   configuration.
// contested: several clients have met, and no client has a quorum. The client that is ahead asks the others' nodes
// again. confirming: the nodes drew different fences, and a quorum has to put the highest on record. In every state: a
// certain disagreement is end{disagreed}, no time left is failed.
//
// The state follows from the votes, so that a late answer needs no transition of its own. An attempt adds requests to
// the outbox and calls nobody.
#pragma once

#include "core/outbox.hh"
#include "core/possession.hh"
#include "core/round.hh"

namespace redlock::core {

class Attempt {
  public:
    struct Start {
        std::string token;                 // never used before
        Fence proposal = 0;                // UTC in µs
        bool first = false;                // of the process: no node is connected yet, which takes a round trip, too
        bool holder_known = false;         // the client that blocks us did not go away in earlier attempts
        std::optional<Instant> give_up_at; // see Terms::wait
    };
    enum class State { voting, in_doubt, contested, confirming };
    enum class Result { open, won, failed, disagreed };
    struct Verdict {
        Result result = Result::open;
        bool split = false;  // failed: no client had a quorum, or a later attempt may go well for another reason
        bool holder = false; // failed: the client that blocks us did not go away
    };

    // Asks all nodes. Keeps references to the first three; `possession` has begun anew.
    Attempt(const Terms &terms, Possession &possession, Outbox &outbox, Start start, Instant now);

    // Takes a reply as a vote. True if it told something new.
    bool take_vote(const Reply &reply) { return votes_.take(reply); }
    void take_confirmation(const Reply &reply);
    // Asks the node for its vote once more, behind a request that removes a former key of ours.
    void ask_again(NodeIndex node);
    // What the votes amount to. REQUIRES: no other verdict than open was returned before.
    Verdict step(Instant now, Duration round_trip);
    [[nodiscard]] std::optional<Instant> deadline() const;
    // Nodes that have not answered in time count as silent.
    void close_when_late(Instant now);

    [[nodiscard]] State state() const;
    [[nodiscard]] bool in_doubt() const { return votes_.outcome() == Outcome::won && disagrees(true); }
    [[nodiscard]] bool disagrees(bool doubtful = false) const;
    [[nodiscard]] const Round &votes() const { return votes_; }
    [[nodiscard]] const std::string &token() const { return start_.token; }
    [[nodiscard]] bool first() const { return start_.first; }
    [[nodiscard]] Serial begins() const { return begins_; } // smaller serials belong to former attempts
    [[nodiscard]] Instant asked_at() const { return asked_at_; }
    [[nodiscard]] Instant answers_due() const { return asked_at_ + round_time(); }
    // The highest fence of all grants; 0: there was no quorum yet.
    [[nodiscard]] Fence fence() const { return fence_; }
    // The nodes had drawn different ones, and a round more was needed.
    [[nodiscard]] bool fence_was_confirmed() const { return confirmed_; }
    // The token that most of the refusing nodes named; empty: none did.
    [[nodiscard]] std::string blocker() const;

  private:
    void ask(NodeIndex node, Verb verb, Instant deadline, Round &round);
    Verdict step_in_doubt(Instant now) const;
    Verdict step_contest(Instant now, Duration round_trip);
    Verdict step_fence(Instant now, Duration round_trip);
    void ask_others_again(Instant now);
    [[nodiscard]] bool contested() const;
    [[nodiscard]] bool awaits_responsive() const;
    [[nodiscard]] std::optional<NodeIndex> absurd_fence() const;
    void refuse_fence(NodeIndex node);
    void settle_fence(Instant now, Fence fence);
    void ask_to_confirm(Instant now);
    [[nodiscard]] bool out_of_time(Instant now) const { return start_.give_up_at && now >= *start_.give_up_at; }
    [[nodiscard]] Duration round_time() const { return (start_.first ? 2 : 1) * terms_.node_timeout; }

    const Terms &terms_;
    Possession &possession_;
    Outbox &outbox_;
    Start start_;
    Serial begins_;
    Round votes_;
    Instant asked_at_; // when the nodes, or the latest part of them, were asked

    Fence fence_ = 0;
    Round confirmation_; // which nodes have fence_ on record
    bool confirmed_ = false;

    // Contested:
    std::optional<Instant> decide_by_; // votes still under way are waited for until then
    std::optional<Instant> again_at_;  // we are ahead, and ask the others again
    int asked_again_ = 0;
    std::string blocker_; // before the others were asked again
};

} // namespace redlock::core
