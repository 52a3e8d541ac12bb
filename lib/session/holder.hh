// One lock on real nodes: takes it, keeps it, gives it back. The words about it are the caller's.
#pragma once

#include "core/lock.hh"
#include "core/token.hh"
#include "event/signals.hh"
#include "process/interruption.hh"
#include "redis/nodes.hh"
#include "session/pump.hh"

#include <string>
#include <vector>

namespace redlock::session {

struct HolderPlan {
    std::vector<config::NodeUrl> nodes;
    Duration patience{}; // see redis::Nodes
    core::Terms terms;
};

class Holder {
  public:
    // Owns the nodes and the core's lock; borrows signals and interruption.
    Holder(HolderPlan plan, event::Signals &signals, process::Interruption &interruption);

    enum class Step { attempt_due, won, over };
    // Works until the next attempt is due (call attempt() or give_up()), or the lock is won, or it cannot be had. In
    // the last case everything has been cleaned up; call leave(). After a long sleep a lock that was won may already be
    // lost again: look at the lease. A signal that would end this process ends the attempts: see the interruption.
    Step acquire();
    // REQUIRES: acquire() returned attempt_due. `info`: tells other clients who takes the lock.
    void attempt(const core::HolderInfo &info);
    void give_up();
    // After Step::over: gives nodes that still owe an answer a little time, and closes the connections in good order.
    void leave();

    // Gives back what was won. Returns when every node expected to answer has, and a little later when others have not:
    // `in_no_hurry` always, else when they were asked only just.
    void release(bool in_no_hurry = false);
    // Waits for what has not been handed to every node yet, each node's time at most, and a little for nodes that have
    // not answered. A lock that is left to itself should be on all of them, and a node that is left while it answers
    // does not read on.
    void reach_all();
    // Leaves the lock held and closes the connections in good order.
    void let_go() { nodes_.finish(); }

    // See Pump.
    std::vector<int> turn(std::optional<Instant> deadline = std::nullopt) { return pump_.turn(deadline); }

    [[nodiscard]] core::Lock &lock() { return lock_; }
    [[nodiscard]] const core::Lock &lock() const { return lock_; }

  private:
    [[nodiscard]] bool won() const;
    void settle(Instant patience);

    redis::Nodes nodes_;
    core::Lock lock_;
    Pump pump_;
    process::Interruption &interruption_;
    Duration node_timeout_;
    Duration took_{}; // the round that won
};

// This process, as other clients see it in the token.
core::HolderInfo this_process(std::string owner, std::string why);

} // namespace redlock::session
