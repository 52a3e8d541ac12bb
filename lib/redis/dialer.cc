#include "redis/dialer.hh"

#include "util/text.hh"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

namespace redlock::redis {

namespace {

const sockaddr *as_sockaddr(const Address &address) {
    return reinterpret_cast<const sockaddr *>(&address.storage); // the cast that the sockets API asks for
}

std::string describe(int error, const config::NodeUrl &url) {
    if (!url.path.empty()) {
        const std::string path = printable(url.path);
        if (error == ENOENT) return fmt::format("no such socket {}", path);
        if (error == ECONNREFUSED) return fmt::format("nobody listens on the socket {}", path);
        if (error == EAGAIN) return fmt::format("the server does not take connections on the socket {}", path);
        if (error == ENAMETOOLONG)
            return fmt::format("the path of the socket is longer than {} bytes", sizeof(sockaddr_un::sun_path) - 1);
        return fmt::format("{}: {}", path, std::strerror(error));
    }
    if (error == ECONNREFUSED) return "connection refused";
    return fmt::format("cannot connect: {}", std::strerror(error));
}

} // namespace

UniqueFd Dialer::dial(Instant now, Instant deadline) {
    if (addresses_.empty() && !lookup_ && !unresolved_) {
        addresses_ = resolve_at_once(url_);
        if (addresses_.empty()) lookup_.emplace(url_.host, url_.port);
        if (lookup_) (void)take_lookup(); // where it could not even begin
    }
    if (resolving()) return {};
    while (tried_ < addresses_.size()) {
        const Address &address = addresses_[current_];
        const auto left = static_cast<int>(addresses_.size() - tried_);
        switch_at_.reset();
        if (left > 1) switch_at_ = now + (deadline - now) / left;
        if (url_.path.size() >= sizeof(sockaddr_un::sun_path)) {
            reject(ENAMETOOLONG);
            continue;
        }
        UniqueFd socket{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
        if (!socket) {
            reject(errno);
            continue;
        }
        const int on = 1;
        if (url_.path.empty()) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(socket.get(), as_sockaddr(address), address.length) == 0 || errno == EINPROGRESS) return socket;
        reject(errno);
    }
    // Perhaps the node has moved. This round is lost; a later one finds the new addresses.
    if (!lookup_ && !unresolved_ && resolve_at_once(url_).empty()) lookup_.emplace(url_.host, url_.port);
    settle();
    return {};
}

void Dialer::reject(int error) {
    why_ = describe(error, url_);
    current_ = (current_ + 1) % addresses_.size();
    ++tried_;
}

void Dialer::settle() {
    tried_ = 0;
    unresolved_ = false;
    switch_at_.reset();
}

bool Dialer::take_lookup() {
    if (!lookup_ || !lookup_->done()) return false;
    const bool awaited = resolving();
    if (lookup_->addresses().empty()) {
        if (awaited) why_ = fmt::format("host name cannot be resolved: {}", printable(lookup_->error()));
        unresolved_ = awaited;
    } else if (tried_ == 0) {
        addresses_ = lookup_->addresses();
        current_ = 0;
    }
    lookup_.reset();
    return awaited;
}

void Dialer::watch(event::PollSet &set) const {
    if (lookup_) set.add(lookup_->fd(), POLLIN);
}

} // namespace redlock::redis
