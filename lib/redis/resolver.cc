#include "redis/resolver.hh"

#include "util/error.hh"

#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <sys/un.h>
#include <system_error>
#include <thread>

namespace redlock::redis {

namespace {

Address make_address(const void *specific, socklen_t length) {
    Address address;
    std::memcpy(&address.storage, specific, length);
    address.length = length;
    return address;
}

// `flags` as of getaddrinfo(3); returns its error code.
int resolve(const std::string &host, std::uint16_t port, int flags, std::vector<Address> &found) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo *list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (code != 0) return code;
    for (const addrinfo *each = list; each != nullptr; each = each->ai_next)
        found.push_back(make_address(each->ai_addr, each->ai_addrlen));
    ::freeaddrinfo(list);
    return 0;
}

} // namespace

std::vector<Address> resolve_at_once(const config::NodeUrl &url) {
    if (!url.path.empty()) {
        sockaddr_un local{};
        check(url.path.size() < sizeof local.sun_path, "a longer path was refused where it was read");
        local.sun_family = AF_UNIX;
        url.path.copy(local.sun_path, url.path.size());
        return {make_address(&local, sizeof local)};
    }
    std::vector<Address> found;
    resolve(url.host, url.port, AI_NUMERICHOST, found);
    return found;
}

std::shared_ptr<const Lookup> look_up(const std::string &host, std::uint16_t port) {
    auto lookup = std::make_shared<Lookup>();
    try {
        if (!lookup->event) throw std::system_error(errno, std::generic_category(), "no descriptor for a look-up");
        std::thread([lookup, host, port] {
            const int code = resolve(host, port, 0, lookup->addresses);
            if (code != 0) lookup->error = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
            lookup->done = true;
            ::eventfd_write(lookup->event.get(), 1);
        }).detach();
    } catch (const std::system_error &error) {
        lookup->error = error.what();
        lookup->done = true;
        lookup->event.reset();
    }
    return lookup;
}

} // namespace redlock::redis
