// The hold of `init --reconfigure` (protocol 11.5): a record may change only if no lock is held under the old one.
//
//   none --begin()--------------------------> taking
//   taking --all nodes have the hold---------> naming
//   naming --no lock has a holder------------> watching
//   watching --a lock was used meanwhile-----> naming
//   watching --locks from before have ended--> verdict over; the record is written
//
//   taking, naming, watching --a lock is held, or a node does not do what it must--> end() --> none
//
// taking: node after node. A node with the hold grants no lock of the prefix. Locks that are held are renewed as ever.
// naming: all nodes are asked for the locks that were used last, so that a holder is named at once.
// watching: all nodes are inspected until every lock from before has ended. A lock that was used meanwhile is held.
//
// end() must follow each verdict but ask and wait; after over, when the new record has ended the hold on each node. A
// hold that is left on a node ends by itself (protocol 11.6).
#pragma once

#include "core/setup_plan.hh"

#include <string>
#include <vector>

namespace redlock::core {

class Hold {
  public:
    enum class Verdict {
        ask,        // questions() come next
        wait,       // watch() comes next, and again until ends()
        over,       // no lock is held under the old record
        held,       // a lock is held, or was renewed; see lock() and holder()
        on_hold,    // a node has the hold of a different init
        changed,    // a node is not as it was
        unanswered, // a node did not answer
    };

    // Keeps a reference to `plan`.
    explicit Hold(const SetupPlan &plan) : plan_(plan) {}

    // `before`: per node. `guard`: the longest of the old and the new records. If the run must not wait, no node is
    // held up: the hold begins with naming.
    Verdict begin(Instant now, std::vector<NodeIndex> order, std::vector<NodeState> before, Duration guard);
    // A node that is asked for the hold may have it from now on.
    std::vector<Request> questions();
    Verdict take(Instant now, const Answers &answers);
    // What all nodes say while the hold is in force.
    Verdict watch(Instant now, const std::vector<NodeState> &states);
    // There is no hold any more. Returns requests that end it on the nodes that may have it.
    std::vector<Request> end();

    [[nodiscard]] bool active() const { return state_ != State::none; }
    [[nodiscard]] bool watching() const { return state_ == State::watching; }
    // Every lock from before the hold has ended by then.
    [[nodiscard]] Instant ends() const { return ends_; }
    // Per node, when it got the hold.
    [[nodiscard]] const std::vector<NodeState> &before() const { return before_; }
    // held: the key, and its holder's token; each empty if it is not known.
    [[nodiscard]] const std::string &lock() const { return lock_; }
    [[nodiscard]] const std::string &holder() const { return holder_; }

  private:
    enum class State { none, taking, naming, watching };

    Verdict taken(Instant now, const Reply &reply);
    Verdict named(const Answers &answers);
    Verdict name_next();
    void suspect(const std::string &lock);

    const SetupPlan &plan_;
    State state_ = State::none;
    Duration length_{}; // from the last node's hold until no lock of before is left
    Instant ends_{};
    std::vector<NodeIndex> order_;
    std::size_t turn_ = 0;
    std::vector<NodeState> before_;
    std::vector<NodeIndex> asked_;   // nodes that may have our hold
    std::vector<std::string> locks_; // keys of locks that may be held
    std::string lock_, holder_;
};

} // namespace redlock::core
