#include "redis/dialer.hh"

#include "util/text.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace redlock::redis {

namespace {

std::string describe(int error, const config::NodeUrl &url) {
    if (error == EMFILE) return "no file descriptor is left for a connection: raise the limit (ulimit -n)";
    if (!url.path.empty()) {
        const std::string path = url.show_path();
        if (error == ENOENT) return fmt::format("no such socket {}", path);
        if (error == ECONNREFUSED) return fmt::format("nobody listens on the socket {}", path);
        if (error == EAGAIN) return fmt::format("the server does not take connections on the socket {}", path);
        return fmt::format("{}: {}", path, std::strerror(error));
    }
    if (error == ECONNREFUSED) return "connection refused";
    return fmt::format("cannot connect: {}", std::strerror(error));
}

} // namespace

std::unique_ptr<Stream> Dialer::dial(Instant now, Instant deadline) {
    if (addresses_.empty() && !lookup_ && !unresolved_) {
        addresses_ = resolve_at_once(url_);
        if (addresses_.empty()) lookup_ = look_up(url_.host, url_.port);
        (void)take_lookup(); // where it could not even begin
    }
    if (resolving()) return {};
    while (tried_ < addresses_.size()) {
        const auto left = static_cast<int>(addresses_.size() - tried_);
        switch_at_ = left > 1 ? std::optional(now + (deadline - now) / left) : std::nullopt;
        if (auto stream = open_(addresses_.front(), patience_)) return stream;
        reject(errno);
    }
    // Perhaps the node has moved. This round is lost; a later one finds the new addresses.
    if (!lookup_ && !unresolved_ && resolve_at_once(url_).empty()) lookup_ = look_up(url_.host, url_.port);
    settle();
    return {};
}

void Dialer::reject(int error) {
    why_ = describe(error, url_);
    std::rotate(addresses_.begin(), addresses_.begin() + 1, addresses_.end());
    ++tried_;
}

void Dialer::settle() {
    tried_ = 0;
    unresolved_ = false;
    switch_at_.reset();
}

bool Dialer::take_lookup() {
    if (!lookup_ || !lookup_->done) return false;
    const bool awaited = resolving();
    if (lookup_->addresses.empty()) {
        if (awaited) why_ = fmt::format("host name cannot be resolved: {}", printable(lookup_->error));
        unresolved_ = awaited;
    } else if (tried_ == 0) {
        addresses_ = lookup_->addresses;
    }
    lookup_.reset();
    return awaited;
}

void Dialer::watch(event::PollSet &set) const {
    if (lookup_) set.add(lookup_->event.get(), POLLIN);
}

} // namespace redlock::redis
