#include "redis/resolver.hh"

#include "util/fd.hh"

#include <arpa/inet.h>
#include <atomic>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <system_error>
#include <thread>

namespace redlock::redis {

namespace {

template <typename Specific> Address make_address(const Specific &specific) {
    Address address;
    std::memcpy(&address.storage, &specific, sizeof specific);
    address.length = sizeof specific;
    return address;
}

// `flags` as of getaddrinfo(3); returns its error code.
int look_up(const std::string &host, std::uint16_t port, int flags, std::vector<Address> &found) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo *list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (code != 0) return code;
    for (const addrinfo *each = list; each != nullptr; each = each->ai_next) {
        Address address;
        std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
        address.length = each->ai_addrlen;
        found.push_back(address);
    }
    ::freeaddrinfo(list);
    return 0;
}

} // namespace

std::vector<Address> resolve_at_once(const config::NodeUrl &url) {
    if (!url.path.empty()) {
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        // A path that does not fit stays cut and is refused by the dialer.
        url.path.copy(local.sun_path, sizeof local.sun_path - 1);
        return {make_address(local)};
    }
    sockaddr_in v4{};
    if (::inet_pton(AF_INET, url.host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(url.port);
        return {make_address(v4)};
    }
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, url.host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(url.port);
        return {make_address(v6)};
    }
    std::vector<Address> found; // the rarer forms, such as fe80::1%eth0
    look_up(url.host, url.port, AI_NUMERICHOST, found);
    return found;
}

struct Lookup::Shared {
    UniqueFd event{::eventfd(0, EFD_CLOEXEC)};
    std::vector<Address> addresses;
    std::string error;
    std::atomic<bool> done = false; // the thread writes the others before, the loop reads them after
};

Lookup::Lookup(const std::string &host, std::uint16_t port) : shared_(std::make_shared<Shared>()) {
    if (!shared_->event) {
        shared_->error = std::string("no descriptor for a look-up: ") + std::strerror(errno);
        shared_->done = true;
        return;
    }
    try {
        std::thread([shared = shared_, host, port] {
            const int code = look_up(host, port, 0, shared->addresses);
            if (code != 0) shared->error = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
            shared->done = true;
            ::eventfd_write(shared->event.get(), 1);
        }).detach();
    } catch (const std::system_error &error) {
        shared_->error = std::string("no thread for a look-up: ") + error.what();
        shared_->done = true;
        shared_->event.reset();
    }
}

int Lookup::fd() const { return shared_->event.get(); }

bool Lookup::done() const { return shared_->done; }

const std::vector<Address> &Lookup::addresses() const { return shared_->addresses; }

const std::string &Lookup::error() const { return shared_->error; }

} // namespace redlock::redis
