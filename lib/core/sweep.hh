// One bounded pass over the nodes: a release, the abandoning of an attempt that was not won (protocol 4.7
// and protocol 8.1), an extend by hand, a look at a lock. Every node is asked; only those expected to answer are
// waited for, so that a dead node costs nothing: its request is in the kernel's hands.
#pragma once

#include "core/conversation.hh"
#include "core/round.hh"

namespace redlock::core {

class Sweep : public Conversation {
  public:
    struct Plan {
        Verb verb = Verb::release; // or abandon, extend, status
        std::string key, token;
        Duration ttl{};          // extend
        Agreement agreement;     // extend, inspect
        Fence fence = 0;         // release: the one that we hold; 0: not known
        std::vector<bool> ask;   // per node: may the key be there?
        std::vector<bool> await; // per node: is an answer expected soon?
        std::size_t quorum = 0;
        Duration node_timeout{};
        bool connected = true; // false: no connection has been made yet, which takes a round trip, too
        Serial first = 0;      // node i is asked with serial first + i
    };
    Sweep(Instant now, Plan plan);

    void on_reply(Instant now, const Reply &reply) override;
    void tick(Instant now) override;
    [[nodiscard]] std::optional<Instant> deadline() const override;

    [[nodiscard]] bool done() const { return done_; }
    // How many nodes said what; the rest did not answer, or not well.
    [[nodiscard]] std::size_t granted() const { return round_.count(Answer::granted); } // deleted, extended
    [[nodiscard]] Outcome proven() const { return round_.proven(); }
    [[nodiscard]] std::size_t not_ours() const;
    [[nodiscard]] std::size_t answered() const { return round_.heard(); }
    [[nodiscard]] bool denied() const { return round_.denied(); }
    [[nodiscard]] bool unfit() const { return round_.unfit(); }
    // Per node, nullopt: nothing was heard.
    [[nodiscard]] const Answers &answers() const { return round_.answers(); }

  private:
    Plan plan_;
    Round round_;
    Instant deadline_;
    bool done_ = false;
};

} // namespace redlock::core
