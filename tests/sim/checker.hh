// The judge. Sees the true state of every node and every command, and shares no code with lib/core. Throws
// Violation. Each promise (protocol 2.1) says under which fault model (protocol 2.2) it holds:
//
//   inside   the rates of any two clocks differ by no more than the drift bound; no node's clock steps forward
//            by more than the slack within a TTL; fewer than 2Q-N nodes lose data; a command is dead within the
//            kill margin of the moment at which KILL was due, whatever delayed redlock or the kernel.
//   always   whatever happens.
//
// 1 inside: the lifetimes of two commands under one name never overlap.
// 2 inside: V is not later than the true Q-th expiry, at any moment at which a client relies on V.
// 3 inside: while a command lives, Q nodes hold its key (those that lost data are given as holding).
// 4 always: a lock counts as won only with as much of the lease ahead as was asked for.
// 5 always: a lease whose V has passed never comes back; nor does a token, prolonged by hand, that was held by
//           nobody or by others meanwhile. A node whose clock is set back may have keys again that had ended there and
//           that nobody had looked at: those were never anybody else's.
// 6 always: a process that ended in good order leaves no key behind where nothing that it sent was lost, unless the
//            node has got it with the data of another.
// 7 always: after quiet time beyond the TTL there is no key at all.
// 8 always: a command is dead within the kill margin of the moment at which redlock read from so many nodes that they
//           do not hold its key that the others are no quorum.
// 9 always: a lease is not lost for nothing: some fault was at work shortly before, or the quorum's keys are gone.
// 10 always: when faults have stopped, who waits is served within the bound (scenario.hh); unless a node's clock
//            is faster than the drift bound, for its vote does not count then.
//
// 11 always: no two won attempts share a fence, nor does one change until the lock is given back; and
// 12 always: who begins after another has won gets a higher one; inside: so does whoever wins later. Whatever clocks,
// expiries and pauses do, as long as
//            fewer than 2Q-N nodes lose what they know of fences; when all nodes lose it at one moment, if all
//            clocks agree within seconds (Scenario::clocks_agree), and nothing else is lost; and whatever they lose
//            when the guard is on, if all nodes' clocks agree within it (Scenario::fences_outlive_data). Else it
//            counts as degradation.
// 13 always: no extend sets a key anew when V has passed, unless that node's clock was set back. (That what was set
// anew
//            is taken away after a loss is part of 6 and 7.)
// 14 always: V rests on Q nodes that have granted, and have not said since that the key is not ours, that it was set
//            anew (unless the node was in quarantine, and our grant had not ended), or what time it is by a clock that
//            must have been set forward by more than the slack; 8 says the same of what the command may rely on.
// 15 always: with no faults but a silent minority, one of the clients that begin within one round trip has won within
//            Scenario::contest_bound(), whether they wait for the lock or not.
// 16 always: only a grant draws a fence, and not for a token that was granted already: a higher one than before, and no
//            further ahead of the node's clock than ten seconds if it can be helped. All else raises it at most to what
//            it was told, and nothing lowers it.
//
// 17 always: a job survives when all nodes lose their data at one moment and are back soon, if the guard is on
//            (Scenario::first_survives).
//
// When all nodes that have any trace of a lock lose their data, and init looks at them before the holder has come back
// to one of them, that is beyond the model (see set_up()).
//
// After a fault outside the model the promises marked "inside" are not asked for any more: what would have
// broken them is counted as degradation.
#pragma once

#include "node.hh"

#include <array>
#include <memory>
#include <vector>

namespace redlock::sim {

inline constexpr std::size_t most_nodes = 8;

struct Promise {
    std::string key;
    std::size_t quorum = 0;
    std::size_t clients = 0;
    Duration margin{}, ttl{}, slack{};
    double drift = 0;
    bool data_may_be_lost = false;    // and that is no excuse
    bool fences_outlive_data = false; // nor is it for their order
    bool first_survives = false;      // client 0 keeps its lease
};

// What a run of init has seen on its latest look at each node, in truth.
struct SetupView {
    struct Look {
        bool used = false; // the marker said so
        bool held = false; // somebody had the lock, or was about to
    };
    std::array<std::optional<Look>, most_nodes> looks{};
};

class Checker {
  public:
    Checker(World &world, const std::vector<std::unique_ptr<Node>> &nodes, Promise promise);

    // A client goes for the lock with this token.
    void attempt(std::size_t client, const std::string &token);
    // The client relies on holding the lock until `validity`; the first time, `needed_until` must be within.
    void claim(std::size_t client, const std::string &token, Moment validity, Moment needed_until);
    // It does not, or not any more.
    void unclaim(std::size_t client);
    // This token may be prolonged by hand: look after it when its holder does not rely on it any more.
    void watch(const std::string &token) { tokens_[index_of(token)].watched = true; }
    // It has won it.
    void won(std::size_t client, const std::string &token, core::Fence fence);
    // A client asks a node, and has read a node's answer to what left at `sent`.
    void asked(std::size_t client, const core::Request &request);
    void heard(std::size_t client, const core::Reply &reply, Moment sent);
    // A client ends its command because of the lease. Every fault was over at `calm_since`, and what came of it must
    // have been over `patience` later.
    void gave_up_lease(std::size_t client, Moment calm_since, Duration patience);
    // A lease was prolonged by hand, after its holder had stopped to rely on it.
    void prolonged_late(std::size_t client, const std::string &token);

    // Its machine sleeps, command and all.
    void stands_still(std::size_t client) { claims_[client].dead_by = never; }

    void command_started(std::size_t client, const std::string &token);
    void command_ended(std::size_t client);

    // Something changed at a node.
    void executed(const Node &node, const core::Request &request, const core::Reply &reply);
    // What an init asked for. It may end a quarantine although somebody holds the lock, if no node could tell it.
    void set_up(SetupView &view, const Node &node, const core::Request &request, const core::Reply &reply);
    void node_changed();
    void clock_set_back();
    void lost_data(const Node &node, bool fences);
    void took_data(const Node &node) { took_data_[node.index()] = true; }
    void wiped() { wiped_ = true; }
    void clocks_disagree() { clocks_agree_ = false; }
    void stepped_back(const Node &node) { stepped_back_[node.index()] = true; }
    // By now somebody must have won.
    void contest_is_over() const;
    // Nothing of this client's attempts from `first` to `last` may be there, except `kept`.
    void nothing_left(std::size_t client, int first, int last, const std::string &kept, const Node &node) const;
    // Everything is over and quiet; the last key must be gone at `bound`.
    void all_quiet(Moment bound) const;

    void beyond_model(const char *what);
    [[nodiscard]] int degradations() const { return degradations_; }

  private:
    struct Claim {
        std::string token{};
        std::size_t index = 0; // into tokens_
        bool live = false;     // relied upon
        Moment validity{};
        bool command = false;
        Moment guarded_until = never; // of the command: when its quorum ends
        Moment dead_by = never;       // and when it must be dead by what its redlock knows
        std::array<bool, most_nodes> refused{};
        core::Serial begins = 0;               // first request of the attempt
        std::array<Moment, most_nodes> ends{}; // of the keys that the nodes have granted, at the latest
        // What each node's clock last showed, and when it was asked.
        std::array<std::optional<std::pair<core::NodeTime, Moment>>, most_nodes> shown{};
    };
    struct Token {
        std::string text{};
        Moment first{};
        Moment last_set{};     // a node last granted an acquire
        core::Fence fence = 0; // that it has won with
        core::Fence after = 0; // the highest that was won before
        Moment validity{};     // the latest V
        bool watched = false;
        bool lapsed = false;
        Moment lapse{};
    };

    void broken(const std::string &what);
    void fence_broken(const std::string &what);
    void judge_fence(const Node &node, const core::Request &request, const core::Reply &reply) const;
    [[nodiscard]] bool set_forward(Claim &claim, const core::Reply &reply, Moment sent) const;
    void look_for_dead(std::size_t client) const;
    void judge(Claim &claim, std::size_t client);
    [[nodiscard]] Moment quorum_ends(const Token &token) const;
    [[nodiscard]] bool somebody_holds() const;
    std::size_t index_of(const std::string &token);

    World &world_;
    const std::vector<std::unique_ptr<Node>> &nodes_;
    const Promise promise_;
    std::vector<Claim> claims_;
    std::vector<Token> tokens_;
    std::array<std::optional<Moment>, most_nodes> lost_data_at_{};
    std::vector<core::Fence> won_;
    core::Fence highest_won_ = 0;
    std::array<bool, most_nodes> forgot_fences_{}, stepped_back_{}, took_data_{};
    bool wiped_ = false, clocks_agree_ = true;
    const char *beyond_ = nullptr;
    int degradations_ = 0;
};

} // namespace redlock::sim
