// Our record on one node after the other (protocol 11.2), and the way back.
//
//   writing --a node granted: the next one--> writing
//      |  \--all nodes have our record-----> done
//      |
//      +--a node refused, or did not answer--> unanswered, differs, changed: take_back() should follow
//
// All clients use the same order. Of two clients with different records, the first common node takes that of one, and
// the other client takes back what it has written.
#pragma once

#include "core/setup_plan.hh"

#include <vector>

namespace redlock::core {

class Recording {
  public:
    enum class Verdict {
        open, // question() comes next
        done,
        unanswered, // an error or silence
        differs,    // the node has a different record, and it does not lapse
        changed,    // the node is not as it was
    };

    // Keeps a reference to `plan`.
    explicit Recording(const SetupPlan &plan) : plan_(plan) {}

    // Begins anew. `before`: per node, what take_back() restores. `on_hold`: the nodes have our hold, and take the
    // record only if no lock was used since (protocol 11.5).
    Verdict begin(const std::vector<NodeIndex> &order, std::vector<NodeState> before, bool on_hold);
    // What the next node is asked. From now on it may have our record.
    std::vector<Request> question();
    Verdict take(const Answers &answers);

    // What takes our record back from the nodes that may have it. Empty: no node may.
    std::vector<Request> take_back();
    void taken_back(const Answers &answers);
    // Nodes that did not answer when our record was taken back, and may still have it.
    [[nodiscard]] const std::vector<NodeIndex> &left_behind() const { return left_behind_; }

  private:
    Verdict next();

    const SetupPlan &plan_;
    bool on_hold_ = false;
    std::vector<NodeIndex> order_;
    std::size_t turn_ = 0;
    std::vector<NodeState> before_;  // per node
    std::vector<NodeIndex> written_; // nodes that may have our record since begin()
    std::vector<NodeIndex> left_behind_;
};

} // namespace redlock::core
