// What a caller may do with any part of the core: feed one input, then send what it asks for and come
// back at its deadline. No implementation reads a clock, opens a socket or draws a random number.
#pragma once

#include "core/message.hh"

#include <utility>
#include <vector>

namespace redlock::core {

class Conversation {
  public:
    virtual ~Conversation() = default;

    // A node's reply, or the wire's word on its silence. Never throws for what a reply says.
    virtual void on_reply(Instant now, const Reply &reply) = 0;
    // Time went by. Idempotent; due at deadline() at the latest.
    virtual void tick(Instant now) = 0;
    [[nodiscard]] virtual std::optional<Instant> deadline() const = 0;

    // Requests to be sent, in order; emptied by the call. Ask after every input.
    std::vector<Request> take_requests() { return std::exchange(requests_, {}); }

  protected:
    std::vector<Request> requests_;
};

} // namespace redlock::core
