// The stream of a connection: dialled, written, read, lost. connection.cc handles what travels on it.
#include "redis/connection.hh"

#include "redis/verbs.hh"
#include "util/text.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <utility>

namespace redlock::redis {

namespace {

// Reads in one turn of the loop: a node that sends without end must not delay the other nodes.
constexpr int reads_per_turn = 4;
constexpr std::string_view tls_alert = "\x15\x03"; // a record of this type, then the version
using ReadBuffer = std::array<char, std::size_t{16} * 1024>;

} // namespace

void Connection::dial(Instant now) {
    if (waiting_.empty()) return dialer_.settle();
    Instant deadline = distant_future;
    for (const Exchange &asked : waiting_) deadline = std::min(deadline, asked.request.deadline);
    std::unique_ptr<Stream> stream = dialer_.dial(now, deadline);
    if (!stream) {
        if (!dialer_.resolving()) refuse_waiting({.text = dialer_.why()});
        return;
    }
    channel_ = Channel{.stream = std::move(stream)};
    if (url_.db != 0)
        waiting_.push_front({.kind = Exchange::Kind::select, .bytes = encode({"SELECT", std::to_string(url_.db)})});
    if (!url_.user.empty()) {
        waiting_.push_front({.kind = Exchange::Kind::auth, .bytes = encode({"AUTH", url_.user, url_.password})});
    } else if (!url_.password.empty()) {
        waiting_.push_front({.kind = Exchange::Kind::auth, .bytes = encode({"AUTH", url_.password})});
    }
    waiting_.push_back({.kind = Exchange::Kind::name, .bytes = encode({"CLIENT", "SETNAME", "redlock"})});
    if (const int error = flush(now); error != 0) give_up_address(error, now);
}

bool Connection::at_work() const {
    int kept = 0;
    for (const Exchange &asked : in_flight_) kept += asked.kept;
    const int left = owed() ? channel_->stream->unread() : 0;
    return 0 < left && left < kept;
}

// Writes all that may be written, in one go. Returns the errno value of a stream that failed; exchanges of which no
// byte was written stay in waiting_.
int Connection::flush(Instant now) {
    std::string batch = channel_->half;
    for (const Exchange &asked : waiting_) {
        if (asked.kind == Exchange::Kind::request && held_back()) break;
        batch += asked.bytes;
    }
    channel_->blocked = false;
    if (batch.empty()) return 0;

    Stream &stream = *channel_->stream;
    const bool was_opening = stream.opening();
    const int before = stream.unread();
    const Stream::Result result = stream.write(batch);
    channel_->blocked = result.error == EAGAIN;
    if (was_opening && !stream.opening()) dialer_.settle();
    if (result.bytes == 0) return channel_->blocked ? 0 : result.error;

    std::size_t begun = channel_->half.size(); // up to here the batch belongs to exchanges that are in flight
    while (begun < result.bytes) {
        Exchange &asked = in_flight_.emplace_back(std::move(waiting_.front()));
        waiting_.pop_front();
        asked.sent = now;
        if (asked.kind == Exchange::Kind::request && may_create(asked.request)) set_token_ = asked.request.token;
        begun += std::exchange(asked.bytes, {}).size();
    }
    // At least 1, because the node may have read all of it by now.
    if (!in_flight_.empty()) in_flight_.back().kept += std::max(stream.unread() - before, 1);
    channel_->half = batch.substr(result.bytes, begun - result.bytes);
    channel_->blocked = result.bytes < batch.size();
    return 0;
}

void Connection::read_in(Instant now) {
    ReadBuffer buffer;
    for (int turn = 0; turn < reads_per_turn; ++turn) {
        const Stream::Result got = channel_->stream->read(buffer);
        if (got.error == EAGAIN) break;
        if (got.error != 0) return lose(unheard(std::strerror(got.error)), now);
        if (got.bytes == 0) return lose(unheard("connection closed by the node"), now);
        const std::string_view bytes(buffer.data(), got.bytes);
        if (!channel_->heard && bytes.starts_with(tls_alert))
            return lose("the port speaks TLS, which this version of redlock does not: name one without TLS", now);
        channel_->heard = true;
        channel_->reader.feed(bytes);
        while (const auto value = channel_->reader.next()) {
            if (!take_value(*value)) return lose("unexpected reply" + excerpt(bytes), now);
            channel_->proven = channel_->proven || !value->error();
        }
        if (channel_->reader.broken())
            return lose("not a Redis reply" + excerpt(bytes) + "; is this the port of a Redis server?", now);
        if (!got.more) break;
    }
    // Write requests that the preamble held back, a cleanup, or bytes that an earlier flush() could not write.
    if (const int error = channel_->blocked ? 0 : flush(now); error != 0)
        return lose(unheard(std::strerror(error)), now);
    if (channel_->condemned && in_flight_.empty() && channel_->half.empty()) {
        drop_channel(false);
        dial(now);
    }
}

// The stream has ended: exchanges in flight get no answer any more.
void Connection::lose(std::string_view why, Instant now) {
    const bool proven = channel_->proven;
    const Fault fault = channel_->condemned.value_or(Fault{.text = std::string(why)});
    drop_channel(!in_flight_.empty());
    for (const Exchange &asked : in_flight_)
        if (asked.owes_reply() && !asked.reported)
            report(asked, core::Answer::error, asked.kind == Exchange::Kind::server ? asked.fault : fault);
    in_flight_.clear();
    // No byte of the waiting requests was written. They get a new stream if the node has answered anything on this one.
    if (!proven) refuse_waiting(fault);
    dial(now);
}

void Connection::give_up_address(int error, Instant now) {
    dialer_.reject(error);
    drop_channel(false);
    dial(now);
}

void Connection::drop_channel(bool abort) {
    if (abort) channel_->stream->abort();
    channel_.reset();
    std::erase_if(waiting_, [](const Exchange &asked) { return !asked.owes_reply(); });
}

// A node may repeat the password, in parts or changed: with a password there are no excerpts.
std::string Connection::excerpt(std::string_view text) const {
    return url_.password.empty() ? ": " + printable(text, 64) : std::string();
}

// Why the connection ended. A server that expects TLS closes it at our first bytes and says nothing.
std::string Connection::unheard(std::string_view why) const {
    const bool tls = !channel_->heard && url_.path.empty();
    return std::string(why) + (tls ? "; the port may speak TLS, which this version of redlock does not" : "");
}

void Connection::watch(event::PollSet &set) {
    dialer_.watch(set);
    if (!channel_) return;
    const Stream &stream = *channel_->stream;
    channel_->slot = set.add(stream.descriptor(), stream.wants(channel_->blocked));
}

void Connection::handle(const event::PollSet &set, Instant now) {
    const auto slot = channel_ ? channel_->slot : std::nullopt;
    handle(slot ? set.ready(*slot) : 0, now);
}

void Connection::handle(int events, Instant now) {
    if (dialer_.take_lookup()) dial(now);
    if (opening()) {
        // Writing tells whether the connect has succeeded.
        int error = events != 0 ? flush(now) : 0;
        if (opening() && error == 0 && dialer_.switch_at() && now >= *dialer_.switch_at()) error = ETIMEDOUT;
        if (error != 0) give_up_address(error, now);
    } else if (events != 0) {
        if ((events & POLLOUT) != 0) channel_->blocked = false;
        read_in(now); // and writes
    }
    expire(now);
}

void Connection::finish() {
    waiting_.clear();
    if (channel_ && !opening() && !in_flight_.empty()) {
        // Closing with unread replies would send a reset, and the kernel would drop what it still holds.
        ReadBuffer buffer;
        for (int turn = 0; turn < reads_per_turn; ++turn)
            if (channel_->stream->read(buffer).bytes == 0) break;
        channel_->stream->shut_down();
    }
    in_flight_.clear();
    if (channel_) drop_channel(false);
}

} // namespace redlock::redis
