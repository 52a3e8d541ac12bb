// A hostile node: a thread that accepts on a loopback port and does with each connection what the test says.
#pragma once

#include "config/node_url.hh"
#include "util/fd.hh"

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>

namespace redlock::redis {

// The server's end of one connection. Ends of stream and errors are "" and false.
class Peer {
  public:
    explicit Peer(int socket) : socket_(socket) {}

    std::string read() const {
        std::array<char, 8192> buffer{};
        const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
        return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
    }
    [[nodiscard]] bool write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t put = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (put <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
        return true;
    }
    // Until the other side closes.
    void wait() const {
        while (!read().empty()) {
        }
    }
    // Closing will send a reset.
    void reset() const {
        const linger at_once{1, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

  private:
    int socket_;
};

class FakeServer {
  public:
    using Conduct = std::function<void(const Peer &)>;

    explicit FakeServer(Conduct conduct) : conduct_(std::move(conduct)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto *generic = reinterpret_cast<sockaddr *>(&address);
        if (::bind(listener_.get(), generic, length) < 0 || ::listen(listener_.get(), 16) < 0 ||
            ::getsockname(listener_.get(), generic, &length) < 0)
            throw std::runtime_error("no fake server");
        url_.host = "127.0.0.1";
        url_.port = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    // The client must have closed its connections: each conduct is waited for.
    ~FakeServer() {
        ending_ = true;
        const UniqueFd knock{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(url_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(knock.get(), reinterpret_cast<sockaddr *>(&address), sizeof address);
        thread_.join();
    }
    FakeServer(const FakeServer &) = delete;
    FakeServer &operator=(const FakeServer &) = delete;

    [[nodiscard]] const config::NodeUrl &url() const { return url_; }

  private:
    void serve() {
        for (;;) {
            const UniqueFd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
            if (ending_) return;
            if (!socket) continue;
            // A client that has failed need not close: the destructor waits for this thread.
            const timeval limit{60, 0};
            ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
            conduct_(Peer(socket.get()));
        }
    }

    Conduct conduct_;
    config::NodeUrl url_;
    UniqueFd listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

} // namespace redlock::redis
