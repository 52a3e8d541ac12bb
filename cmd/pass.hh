// One question to all nodes, once or for several locks one after the other: what extend, release and status have
// in common. Owns the nodes; borrows settings and signals.
#pragma once

#include "cmd/report.hh"
#include "cmd/settings.hh"
#include "core/sweep.hh"
#include "event/signals.hh"
#include "redis/nodes.hh"

#include <string>
#include <string_view>
#include <vector>

namespace redlock::cmd {

class Pass {
  public:
    Pass(const Settings &settings, event::Signals &signals);

    // Returns when every node that may be expected to has answered, its time at most. A signal meanwhile is
    // kept for finish(): the pass is bounded, and half of it helps nobody.
    core::Sweep ask(core::Verb verb, const std::string &key);

    // Closes the connections in good order; dies of the signal that came, if one did.
    void finish();

  private:
    const Settings &settings_;
    event::Signals &signals_;
    redis::Nodes nodes_;
    std::vector<bool> await_; // who has not been silent so far
    core::Serial next_ = 1;
    int death_ = 0;
};

// Of a `sweep` that was denied.
int code_when_denied(const core::Sweep &sweep);

// For a `sweep` that too few nodes answered, only so many of them `well`: says so ("NAME `trouble`"), puts the word for
// it into `report` and returns the exit code.
int complain(const Settings &settings, const core::Sweep &sweep, std::size_t well, std::string_view trouble,
             Report &report);

} // namespace redlock::cmd
