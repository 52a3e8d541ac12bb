#include "redis/socket_stream.hh"

#include <algorithm>
#include <cerrno>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <utility>

namespace redlock::redis {

namespace {

bool connects(int socket, const Address &address, Duration patience) {
    const int on = 1;
    // The kernel ends a connection, and a connect, when nothing is acknowledged for so long; without this it would try
    // for a quarter of an hour. At least as long as it takes to send a lost packet again.
    const auto patience_ms = static_cast<unsigned>(to_ms_up(std::max<Duration>(patience, seconds{1})));
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // a unix socket knows neither
    ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
    const auto *generic = reinterpret_cast<const sockaddr *>(&address.storage); // the cast the sockets API asks for
    return ::connect(socket, generic, address.length) == 0 || errno == EINPROGRESS;
}

class SocketStream : public Stream {
  public:
    SocketStream(UniqueFd socket, bool is_unix) : socket_(std::move(socket)), is_unix_(is_unix) {}

    [[nodiscard]] bool opening() const override { return opening_; }

    Result write(std::string_view bytes) override {
        const ssize_t put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        const int error = put < 0 ? errno : 0;
        // ENOTCONN: some systems say so while they connect.
        if (error == EINTR || (opening_ && error == ENOTCONN)) return {.error = EAGAIN};
        const bool closed = opening_ && error == EPIPE; // read what the node said
        if (error != 0 && !closed) return {.error = error};
        opening_ = false;
        return {.bytes = closed ? 0 : static_cast<std::size_t>(put)};
    }

    Result read(std::span<char> buffer) override {
        ssize_t got = 0;
        do got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        while (got < 0 && errno == EINTR);
        if (got < 0) return {.error = errno};
        const auto bytes = static_cast<std::size_t>(got);
        return {.bytes = bytes, .more = bytes == buffer.size()};
    }

    [[nodiscard]] int descriptor() const override { return socket_.get(); }
    // Writing tells whether the connect has succeeded.
    [[nodiscard]] short wants(bool writing) const override {
        return static_cast<short>((opening_ ? 0 : POLLIN) | (writing ? POLLOUT : 0));
    }

    // Unix sockets alone: over TCP the kernel counts what has not been acknowledged, by the node's kernel.
    [[nodiscard]] int unread() const override {
        int kept = 0;
        return is_unix_ && ::ioctl(socket_.get(), SIOCOUTQ, &kept) == 0 ? kept : 0;
    }

    void shut_down() override { ::shutdown(socket_.get(), SHUT_WR); }
    void abort() override {
        const linger at_once{1, 0}; // close() sends a reset
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

  private:
    const UniqueFd socket_;
    const bool is_unix_;
    bool opening_ = true;
};

} // namespace

std::unique_ptr<Stream> open_socket(const Address &address, Duration patience) {
    const int family = address.storage.ss_family;
    UniqueFd socket{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket || !connects(socket.get(), address, patience)) return nullptr;
    return std::make_unique<SocketStream>(std::move(socket), family == AF_UNIX);
}

} // namespace redlock::redis
