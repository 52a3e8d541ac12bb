// The socket of a connection: dialled, written, read, lost. What travels on it is in connection.cc.
#include "redis/connection.hh"

#include "util/text.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace redlock::redis {

namespace {

// A connection that has owed us something for so long is replaced by the next request: the peer may be
// gone without a word, and TCP would go on trying for a quarter of an hour.
constexpr Duration patience = seconds{5};

// Reads in one turn of the loop: a node that never stops talking must not keep the others waiting.
constexpr int reads_per_turn = 4;
using ReadBuffer = std::array<char, std::size_t{16} * 1024>;

// What is still under way to the node must not arrive after what the next connection brings.
void abort_on_close(int socket) {
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

} // namespace

void Connection::dial(Instant now) {
    Instant deadline = distant_future;
    for (const Ask &ask : waiting_) deadline = std::min(deadline, ask.request.deadline);
    while (has_requests()) {
        socket_ = dialer_.dial(now, deadline);
        if (!socket_) {
            if (dialer_.resolving()) return;
            for (const Ask &ask : waiting_) report(ask, core::Answer::error, {.text = dialer_.why()});
            waiting_.clear();
            return;
        }
        connecting_ = true;
        dialled_ = now;
        reader_ = std::make_unique<Reader>();
        push_preamble();
        if (flush(now)) return;
        dialer_.reject(error_);
        drop_socket(false);
    }
}

void Connection::push_preamble() {
    const bool must_auth = !url_.user.empty() || !url_.password.empty();
    waiting_.push_front({.kind = Ask::Kind::name});
    if (url_.db != 0) waiting_.push_front({.kind = Ask::Kind::select});
    if (must_auth) waiting_.push_front({.kind = Ask::Kind::auth});
    held_by_ = url_.db == 0 ? 0 : must_auth ? 2 : 1;
}

std::string Connection::encode_ask(const Ask &ask) const {
    switch (ask.kind) {
    case Ask::Kind::auth:
        if (url_.user.empty()) return encode({"AUTH", url_.password});
        return encode({"AUTH", url_.user, url_.password});
    case Ask::Kind::select: return encode({"SELECT", fmt::format_int(url_.db).str()});
    case Ask::Kind::name: return encode({"CLIENT", "SETNAME", "redlock"});
    case Ask::Kind::request:
    case Ask::Kind::cleanup: break;
    }
    return encode(ask.request);
}

// Writes all that may be written, in one go. False: the socket is no good, see error_; what was not begun
// is still waiting.
bool Connection::flush(Instant now) {
    std::string batch = half_;
    std::vector<std::size_t> ends; // in batch, of each ask
    for (const Ask &ask : waiting_) {
        if (ask.kind == Ask::Kind::request && held_by_ > 0) break;
        batch += encode_ask(ask);
        ends.push_back(batch.size());
    }
    blocked_ = false;
    if (batch.empty()) return true;

    const ssize_t result = ::send(socket_.get(), batch.data(), batch.size(), MSG_NOSIGNAL);
    if (result < 0) {
        // ENOTCONN: some systems say so while they connect.
        blocked_ = errno == EAGAIN || errno == EINTR || (connecting_ && errno == ENOTCONN);
        error_ = errno;
        return blocked_;
    }
    if (connecting_) {
        connecting_ = false;
        dialer_.settle();
    }
    const auto written = static_cast<std::size_t>(result);
    std::size_t begun = half_.size(); // up to here the batch belongs to asks that are in flight
    for (const std::size_t end : ends) {
        if (begun >= written) break;
        Ask &ask = in_flight_.emplace_back(std::move(waiting_.front()));
        waiting_.pop_front();
        ask.sent = now;
        if (ask.kind == Ask::Kind::request && ask.request.verb == core::Verb::acquire)
            acquired_token_ = ask.request.token;
        begun = end;
    }
    half_ = written < begun ? batch.substr(written, begun - written) : std::string();
    blocked_ = written < batch.size();
    return true;
}

void Connection::read_in(Instant now) {
    ReadBuffer buffer;
    for (int turn = 0; turn < reads_per_turn; ++turn) {
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got < 0) return lose(std::strerror(errno), now);
        if (got == 0) return lose("connection closed by the node", now);
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
        reader_->feed(bytes);
        while (const auto value = reader_->next()) {
            if (!take_value(*value)) return lose("unexpected reply" + excerpt(value->describe()), now);
            proven_ = proven_ || !value->error();
        }
        if (reader_->broken())
            return lose("not a Redis reply" + excerpt(bytes) + "; is this the port of a Redis server?", now);
        if (bytes.size() < buffer.size()) break;
    }
    // Requests that the preamble held back, a cleanup, or what a flush() before could not write.
    if (!blocked_ && !flush(now)) return lose(std::strerror(error_), now);
    if (condemned_ && in_flight_.empty() && half_.empty()) {
        drop_socket(false);
        dial(now);
    }
}

// The connection has ended. Whoever is in flight on it will not be answered any more.
void Connection::lose(std::string_view why, Instant now) {
    const bool proven = proven_;
    Fault fault = condemned_ ? *condemned_ : parting_words_ ? *parting_words_ : Fault{.text = std::string(why)};
    drop_socket(!in_flight_.empty());
    for (const Ask &ask : in_flight_)
        if (ask.kind == Ask::Kind::request && !ask.reported) report(ask, core::Answer::error, fault);
    in_flight_.clear();
    // Not a byte of the others was written. They get a new connection, if this one has ever been good for
    // anything.
    if (!proven) {
        for (const Ask &ask : waiting_) report(ask, core::Answer::error, fault);
        waiting_.clear();
    }
    dial(now);
}

void Connection::give_up_address(int error, Instant now) {
    dialer_.reject(error);
    drop_socket(false);
    if (has_requests()) dial(now);
    else dialer_.settle();
}

void Connection::drop_socket(bool abort) {
    if (abort) abort_on_close(socket_.get());
    socket_.reset();
    slot_.reset();
    half_.clear();
    connecting_ = blocked_ = proven_ = false;
    held_by_ = 0;
    condemned_.reset();
    parting_words_.reset();
    std::erase_if(waiting_, [](const Ask &ask) { return ask.kind != Ask::Kind::request; });
}

// Nothing that a node says may repeat the password, in parts or changed: no excerpts where there is one.
std::string Connection::excerpt(std::string_view text) const {
    return url_.password.empty() ? ": " + printable(text, 64) : std::string();
}

// Replaces a connection that seems dead, unless the answers have come by now (we may have been stopped).
void Connection::replace_if_stuck(Instant now) {
    const auto is_stuck = [&] {
        return socket_ && !connecting_ && !in_flight_.empty() && now - *in_flight_.front().sent > patience;
    };
    if (socket_ && connecting_ && now - dialled_ > patience) give_up_address(ETIMEDOUT, now);
    if (is_stuck()) read_in(now);
    if (is_stuck()) lose("given up: no answer for some seconds", now);
}

void Connection::watch(event::PollSet &set) {
    dialer_.watch(set);
    slot_.reset();
    if (!socket_) return;
    const int events = (connecting_ ? 0 : POLLIN) | (blocked_ ? POLLOUT : 0);
    slot_ = set.add(socket_.get(), static_cast<short>(events));
}

void Connection::handle(const event::PollSet &set, Instant now) {
    if (dialer_.take_lookup()) {
        if (has_requests()) dial(now);
        else dialer_.settle();
    }
    const int events = slot_ ? set.ready(*slot_) : 0;
    if (connecting_) {
        // Writing tells whether the connect has succeeded.
        if (events != 0 && !flush(now)) give_up_address(error_, now);
        else if (connecting_ && dialer_.switch_at() && now >= *dialer_.switch_at()) give_up_address(ETIMEDOUT, now);
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
