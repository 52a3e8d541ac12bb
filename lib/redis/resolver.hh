// From a node's URL to socket addresses. Names are looked up in a thread of their own, because
// getaddrinfo() blocks for many seconds where DNS is dead. Nothing here throws for a bad name.
#pragma once

#include "config/node_url.hh"
#include "util/fd.hh"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <vector>

namespace redlock::redis {

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

// The address of a numeric host or of a unix socket, without looking anything up; empty for a name.
std::vector<Address> resolve_at_once(const config::NodeUrl &url);

// One look-up of a name: when it is done, the addresses, or why there are none.
struct Lookup {
    UniqueFd event{::eventfd(0, EFD_CLOEXEC)}; // readable once it is done, if there is one
    std::vector<Address> addresses;
    std::string error;
    std::atomic<bool> done = false; // the thread writes the others before, the loop reads them after
};

// Begins a look-up. It may be forgotten before it is done: the thread ends by itself.
std::shared_ptr<const Lookup> look_up(const std::string &host, std::uint16_t port);

} // namespace redlock::redis
