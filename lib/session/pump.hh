// Moves values between a conversation of the core and the nodes, and decides nothing. After giving the core an
// input of your own, call send(); whether it has come to its end must be asked before each turn().
#pragma once

#include "core/conversation.hh"
#include "event/poll_set.hh"
#include "event/signals.hh"
#include "redis/nodes.hh"

#include <vector>

namespace redlock::session {

class Pump {
  public:
    // Borrows all three.
    Pump(core::Conversation &core, redis::Nodes &nodes, event::Signals &signals)
        : core_(core), nodes_(nodes), signals_(signals) {}

    // Gives the nodes what the core has to say, and the core what is known of it at once.
    void send();

    // One turn of the loop, until something happens or `deadline` has come: nodes and core are fed, and the
    // signals that came are returned for the caller to act on.
    std::vector<int> turn(std::optional<Instant> deadline = std::nullopt);

  private:
    core::Conversation &core_;
    redis::Nodes &nodes_;
    event::Signals &signals_;
    event::PollSet poll_;
};

} // namespace redlock::session
