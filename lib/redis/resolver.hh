// From a node's URL to socket addresses. Names are looked up in a thread of their own, because
// getaddrinfo() blocks for many seconds where DNS is dead. Nothing here throws for a bad name.
#pragma once

#include "config/node_url.hh"

#include <cstdint>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace redlock::redis {

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

// The address of a numeric host or of a unix socket, without looking anything up; empty for a name.
std::vector<Address> resolve_at_once(const config::NodeUrl &url);

// One look-up of a name under way. May be forgotten before it is done: the thread ends by itself.
class Lookup {
  public:
    Lookup(const std::string &host, std::uint16_t port);

    // Readable once it is done; borrowed. -1: nothing to wait for, it is done.
    [[nodiscard]] int fd() const;
    [[nodiscard]] bool done() const;

    // When done: the addresses, or why there are none.
    [[nodiscard]] const std::vector<Address> &addresses() const;
    [[nodiscard]] const std::string &error() const;

  private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

} // namespace redlock::redis
