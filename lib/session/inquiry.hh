// Questions to all nodes, one after the other, without a lease: release by hand, extend, status, doctor.
#pragma once

#include "core/sweep.hh"
#include "event/signals.hh"
#include "process/interruption.hh"
#include "redis/nodes.hh"

#include <string>
#include <vector>

namespace redlock::session {

struct InquiryPlan {
    std::vector<config::NodeUrl> nodes;
    Duration patience{}; // see redis::Nodes
    std::size_t quorum = 0;
    core::Agreement agreement;
    Duration ttl{}; // extend
    Duration node_timeout{};
};

class Inquiry {
  public:
    // Owns the nodes; borrows signals and interruption.
    Inquiry(InquiryPlan plan, event::Signals &signals, process::Interruption &interruption);

    // Returns when every node that is expected to answer has, its time at most. A signal does not end it: the wait is
    // bounded, and half an answer is none.
    core::Sweep ask(core::Verb verb, const std::string &key, const std::string &token);
    // Closes the connections in good order.
    void finish() { nodes_.finish(); }

  private:
    InquiryPlan plan_;
    event::Signals &signals_;
    process::Interruption &interruption_;
    redis::Nodes nodes_;
    std::vector<bool> await_; // nodes that have not been silent so far
    core::Serial next_ = 1;
};

} // namespace redlock::session
