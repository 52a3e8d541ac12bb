// Requests of one lock on their way out. Each gets the next serial, so serials follow the order of the requests.
#pragma once

#include "core/terms.hh"

#include <utility>
#include <vector>

namespace redlock::core {

class Outbox {
  public:
    // Keeps references to both arguments.
    Outbox(const Terms &terms, std::vector<Request> &requests) : terms_(terms), requests_(requests) {}

    // Adds a request; the reference is valid until the next one is added.
    Request &ask(NodeIndex node, Verb verb, std::string token, Fence fence, Instant deadline) {
        const Duration ttl = verb == Verb::abandon ? Duration{} : terms_.ttl;
        Request &request = requests_.emplace_back(
            Request{next_serial_++, verb, node, terms_.key, std::move(token), ttl, deadline, terms_.node_timeout});
        request.fence = fence;
        request.agreement = terms_.agreement();
        return request;
    }
    Request &abandon(NodeIndex node, std::string token, Instant now) {
        return ask(node, Verb::abandon, std::move(token), 0, now + terms_.node_timeout);
    }

    // The serial of the next request.
    [[nodiscard]] Serial next_serial() const { return next_serial_; }
    // One serial for each node, for requests that are numbered elsewhere. Returns the first.
    Serial reserve() { return std::exchange(next_serial_, next_serial_ + terms_.nodes); }

  private:
    const Terms &terms_;
    std::vector<Request> &requests_;
    Serial next_serial_ = 1;
};

} // namespace redlock::core
