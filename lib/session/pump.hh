// Moves values between a conversation of the core and the nodes, and decides nothing. One turn of the
// loop: watch(), PollSet::wait() until deadline(), handle(). After giving the core an input of your own,
// call send().
#pragma once

#include "core/conversation.hh"
#include "event/poll_set.hh"
#include "redis/nodes.hh"

namespace redlock::session {

class Pump {
  public:
    // Borrows both.
    Pump(core::Conversation &core, redis::Nodes &nodes) : core_(core), nodes_(nodes) {}

    // Gives the nodes what the core has to say, and the core what is known of it at once.
    void send();
    void watch(event::PollSet &set) { nodes_.watch(set); }
    // Replies first, then the time: what has arrived in time counts.
    void handle(const event::PollSet &set);
    [[nodiscard]] std::optional<Instant> deadline() const;

  private:
    core::Conversation &core_;
    redis::Nodes &nodes_;
};

} // namespace redlock::session
