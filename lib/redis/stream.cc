// The socket of a connection: dialled, written, read, lost. What travels on it is in connection.cc.
#include "redis/connection.hh"

#include "redis/verbs.hh"
#include "util/text.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <utility>

namespace redlock::redis {

namespace {

// Reads in one turn of the loop: a node that never stops talking must not keep the others waiting.
constexpr int reads_per_turn = 4;
constexpr std::string_view tls_alert = "\x15\x03"; // a record of this type, then the version
using ReadBuffer = std::array<char, std::size_t{16} * 1024>;

// What is still under way to the node must not arrive after what the next connection brings.
void abort_on_close(int socket) {
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

} // namespace

void Connection::dial(Instant now) {
    if (waiting_.empty()) return dialer_.settle();
    Instant deadline = distant_future;
    for (const Ask &ask : waiting_) deadline = std::min(deadline, ask.request.deadline);
    socket_ = dialer_.dial(now, deadline);
    if (!socket_) {
        if (!dialer_.resolving()) refuse_waiting({.text = dialer_.why()});
        return;
    }
    connecting_ = true;
    reader_ = std::make_unique<Reader>();
    if (url_.db != 0)
        waiting_.push_front({.kind = Ask::Kind::select, .bytes = encode({"SELECT", std::to_string(url_.db)})});
    if (!url_.user.empty()) {
        waiting_.push_front({.kind = Ask::Kind::auth, .bytes = encode({"AUTH", url_.user, url_.password})});
    } else if (!url_.password.empty()) {
        waiting_.push_front({.kind = Ask::Kind::auth, .bytes = encode({"AUTH", url_.password})});
    }
    waiting_.push_back({.kind = Ask::Kind::name, .bytes = encode({"CLIENT", "SETNAME", "redlock"})});
    if (const int error = flush(now); error != 0) give_up_address(error, now);
}

// What the kernel keeps for the node to read; 0: that cannot be known.
int Connection::unread() const {
    int kept = 0;
    return !url_.path.empty() && ::ioctl(socket_.get(), SIOCOUTQ, &kept) == 0 ? kept : 0;
}

bool Connection::at_work() const {
    int kept = 0;
    for (const Ask &ask : in_flight_) kept += ask.kept;
    const int left = owed() ? unread() : 0;
    return 0 < left && left < kept;
}

// Writes all that may be written, in one go. Returns the errno value of a socket that is no good; what was
// not begun is still waiting.
int Connection::flush(Instant now) {
    std::string batch = half_;
    for (const Ask &ask : waiting_) {
        if (ask.kind == Ask::Kind::request && held_back()) break;
        batch += ask.bytes;
    }
    blocked_ = false;
    if (batch.empty()) return 0;

    const int before = unread();
    const ssize_t result = ::send(socket_.get(), batch.data(), batch.size(), MSG_NOSIGNAL);
    if (result < 0) {
        // ENOTCONN: some systems say so while they connect.
        blocked_ = errno == EAGAIN || errno == EINTR || (connecting_ && errno == ENOTCONN);
        if (blocked_) return 0;
        // Connected, and closed by the node already: read what it said.
        if (!connecting_ || errno != EPIPE) return errno;
    }
    if (connecting_) {
        connecting_ = false;
        dialer_.settle();
    }
    if (result < 0) return 0;
    const auto written = static_cast<std::size_t>(result);
    std::size_t begun = half_.size(); // up to here the batch belongs to asks that are in flight
    while (begun < written) {
        Ask &ask = in_flight_.emplace_back(std::move(waiting_.front()));
        waiting_.pop_front();
        ask.sent = now;
        if (ask.kind == Ask::Kind::request && may_create(ask.request)) set_token_ = ask.request.token;
        begun += std::exchange(ask.bytes, {}).size();
    }
    // At least something, for it may have been read by now.
    if (!in_flight_.empty() && !url_.path.empty()) in_flight_.back().kept += std::max(unread() - before, 1);
    half_ = batch.substr(written, begun - written);
    blocked_ = written < batch.size();
    return 0;
}

void Connection::read_in(Instant now) {
    ReadBuffer buffer;
    for (int turn = 0; turn < reads_per_turn; ++turn) {
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got < 0) return lose(unheard(std::strerror(errno)), now);
        if (got == 0) return lose(unheard("connection closed by the node"), now);
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
        if (!heard_ && bytes.starts_with(tls_alert))
            return lose("the port speaks TLS, which this version of redlock does not: name one without TLS", now);
        heard_ = true;
        reader_->feed(bytes);
        while (const auto value = reader_->next()) {
            if (!take_value(*value)) return lose("unexpected reply" + excerpt(bytes), now);
            proven_ = proven_ || !value->error();
        }
        if (reader_->broken())
            return lose("not a Redis reply" + excerpt(bytes) + "; is this the port of a Redis server?", now);
        if (bytes.size() < buffer.size()) break;
    }
    // Requests that the preamble held back, a cleanup, or what a flush() before could not write.
    if (const int error = blocked_ ? 0 : flush(now); error != 0) return lose(unheard(std::strerror(error)), now);
    if (condemned_ && in_flight_.empty() && half_.empty()) {
        drop_socket(false);
        dial(now);
    }
}

// The connection has ended. Whoever is in flight on it will not be answered any more.
void Connection::lose(std::string_view why, Instant now) {
    const bool proven = proven_;
    const Fault fault = condemned_.value_or(Fault{.text = std::string(why)});
    drop_socket(!in_flight_.empty());
    for (const Ask &ask : in_flight_)
        if (ask.owes_reply() && !ask.reported)
            report(ask, core::Answer::error, ask.kind == Ask::Kind::server ? ask.fault : fault);
    in_flight_.clear();
    // Not a byte of the others was written. They get a new connection, if this one has ever been good for
    // anything.
    if (!proven) refuse_waiting(fault);
    dial(now);
}

void Connection::give_up_address(int error, Instant now) {
    dialer_.reject(error);
    drop_socket(false);
    dial(now);
}

void Connection::drop_socket(bool abort) {
    if (abort) abort_on_close(socket_.get());
    socket_.reset();
    slot_.reset();
    half_.clear();
    connecting_ = blocked_ = proven_ = heard_ = selected_ = false;
    condemned_.reset();
    std::erase_if(waiting_, [](const Ask &ask) { return !ask.owes_reply(); });
}

// Nothing that a node says may repeat the password, in parts or changed: no excerpts where there is one.
std::string Connection::excerpt(std::string_view text) const {
    return url_.password.empty() ? ": " + printable(text, 64) : std::string();
}

// Why the connection ended. A server that expects TLS closes it at our first bytes and says nothing.
std::string Connection::unheard(std::string_view why) const {
    const bool tls = !heard_ && url_.path.empty();
    return std::string(why) + (tls ? "; the port may speak TLS, which this version of redlock does not" : "");
}

void Connection::watch(event::PollSet &set) {
    dialer_.watch(set);
    slot_.reset();
    if (!socket_) return;
    const int events = (connecting_ ? 0 : POLLIN) | (blocked_ ? POLLOUT : 0);
    slot_ = set.add(socket_.get(), static_cast<short>(events));
}

void Connection::handle(const event::PollSet &set, Instant now) {
    if (dialer_.take_lookup()) dial(now);
    const int events = slot_ ? set.ready(*slot_) : 0;
    if (connecting_) {
        // Writing tells whether the connect has succeeded.
        int error = events != 0 ? flush(now) : 0;
        if (connecting_ && error == 0 && dialer_.switch_at() && now >= *dialer_.switch_at()) error = ETIMEDOUT;
        if (error != 0) give_up_address(error, now);
    } else if (events != 0) {
        if ((events & POLLOUT) != 0) blocked_ = false;
        read_in(now); // and writes
    }
    expire(now);
}

void Connection::finish() {
    waiting_.clear();
    if (socket_ && !connecting_ && !in_flight_.empty()) {
        // Closing with unread replies would send a reset, which drops what the kernel still holds.
        ReadBuffer buffer;
        for (int turn = 0; turn < reads_per_turn; ++turn)
            if (::recv(socket_.get(), buffer.data(), buffer.size(), 0) <= 0) break;
        ::shutdown(socket_.get(), SHUT_WR);
    }
    in_flight_.clear();
    if (socket_) drop_socket(false);
}

} // namespace redlock::redis
