// The bytes of one connection to one node. A socket is the usual one (redis/socket_stream.hh). Entirely passive: it
// never blocks and never calls back. Its owner waits with poll(2) for wants(), then writes and reads. It knows nothing
// of what travels on it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace redlock::redis {

class Stream {
  public:
    struct Result {
        std::size_t bytes = 0;
        int error = 0; // an errno value; EAGAIN: nothing is possible at present. The stream is of no use after others
        bool more = false; // read: there may be more already
    };

    virtual ~Stream() = default; // closes

    // No byte was taken yet, and the node may turn out to be unreachable: then write() returns the error.
    [[nodiscard]] virtual bool opening() const = 0;
    // Takes as many bytes as it can, from the beginning. Neither bytes nor an error: it is open, but the node has
    // closed it already.
    virtual Result write(std::string_view bytes) = 0;
    // REQUIRES: !opening(). Neither bytes nor an error: the node has closed the stream.
    virtual Result read(std::span<char> buffer) = 0;

    // The owner waits for these bits of poll(2) on this borrowed descriptor before the next read(), and before the next
    // write() if it is `writing`.
    [[nodiscard]] virtual int descriptor() const = 0;
    [[nodiscard]] virtual short wants(bool writing) const = 0;

    // Memory that the kernel needs for what was written and not yet read by the node; 0: that cannot be known.
    [[nodiscard]] virtual int unread() const = 0;
    // Ends the writing: the node reads what was written so far, and then the end of the stream.
    virtual void shut_down() = 0;
    // To be called before the stream is closed if the node may not have read all: what is still under way is dropped.
    // It could otherwise arrive after what the next stream brings.
    virtual void abort() = 0;
};

} // namespace redlock::redis
