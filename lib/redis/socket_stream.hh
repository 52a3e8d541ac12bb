// Streams that are plain sockets, TCP or unix.
#pragma once

#include "redis/resolver.hh"
#include "redis/stream.hh"
#include "util/time.hh"

#include <memory>

namespace redlock::redis {

// Begins to connect; try to write. Empty: that failed at once, and errno says why. A TCP socket ends by itself when
// nothing was acknowledged for the time of `patience`: the peer may be gone without a word.
std::unique_ptr<Stream> open_socket(const Address &address, Duration patience);

} // namespace redlock::redis
