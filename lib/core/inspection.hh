// What one run of `redlock init` has seen of the nodes, and what follows from it: judgements about their records and
// their quarantine.
#pragma once

#include "core/setup_plan.hh"

#include <utility>
#include <vector>

namespace redlock::core {

class Inspection {
  public:
    // Keeps a reference to `plan`.
    explicit Inspection(const SetupPlan &plan) : plan_(plan), seen_(plan.nodes), runs_(plan.nodes) {}

    // Takes what all nodes said to `inspect`.
    void take(const Answers &answers);
    // Takes from the answers to other requests what the user should see: a different record, and the first answer that
    // is an error or silence. True if there is such an answer.
    bool take_failure(const Answers &answers);
    // Some client has used a node. No quarantine is cut short any more.
    void note_use() { used_ = true; }
    // Completes a request for the server that was inspected.
    void address(Request &request) const;

    // What each node said last.
    [[nodiscard]] const Answers &seen() const { return seen_; }
    [[nodiscard]] bool used() const { return used_; }
    // All nodes have answered and are fit (protocol 11.1).
    [[nodiscard]] bool all_fit() const;
    // One server is listed twice (protocol 11.1).
    [[nodiscard]] bool any_repeated() const;

    // REQUIRES for all that follow: all_fit().

    // All nodes in the order of their run_ids, which all clients share (protocol 11.2).
    [[nodiscard]] std::vector<NodeIndex> in_order() const;
    // Per node.
    [[nodiscard]] std::vector<NodeState> states() const;

    struct Records {
        bool written = true;     // all nodes have ours, and it does not lapse
        bool different = false;  // a node has a different one
        bool for_good = false;   // that one does not lapse
        bool needs_hold = false; // it may be replaced only while no lock is held under it (protocol 11.5)
        Duration lapse{};        // the last of the different ones lapses in
        Duration guard{};        // the longest of all, ours included
    };
    [[nodiscard]] Records records() const;

    struct Quarantine {
        std::vector<NodeIndex> nodes;
        Duration left{};    // of the longest
        Duration on_hold{}; // the hold of a different init lasts so long
    };
    [[nodiscard]] Quarantine quarantine() const;

  private:
    const SetupPlan &plan_;
    Answers seen_;
    bool used_ = false;
    std::vector<std::pair<std::string, std::optional<NodeTime>>> runs_; // per node: run_id and joined, as seen last
};

} // namespace redlock::core
