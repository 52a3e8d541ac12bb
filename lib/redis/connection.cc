// Requests and answers of one node; connection_life.cc handles the stream below.
#include "redis/connection.hh"

#include "redis/verbs.hh"

#include <fmt/format.h>

namespace redlock::redis {

using core::Answer;
using core::Verb;

Connection::Connection(config::NodeUrl url, Duration patience, std::vector<core::Reply> &replies, OpenStream open)
    : url_(std::move(url)), patience_(patience), replies_(replies), dialer_(url_, patience, {}, std::move(open)) {}

Connection::~Connection() {
    if (channel_) drop_channel(!in_flight_.empty());
}

void Connection::send(core::Request request, Instant now) {
    if (request.verb == Verb::abandon && take_back(request)) return;
    // Replace a stream that has owed an answer for too long: behind a stopped server, or a tunnel that acknowledges in
    // its place, requests would pile up without end, and a connection that died unnoticed would cost the lease. This
    // process may have been stopped, so look first whether the answer has arrived.
    const auto is_stuck = [&] { return !in_flight_.empty() && now - *in_flight_.front().sent > patience_; };
    if (is_stuck()) read_in(now);
    if (is_stuck()) lose("given up: the node owes an answer for too long", now);
    std::string bytes = encode(request);
    waiting_.push_back({.bytes = std::move(bytes), .request = std::move(request), .given = now});
    if (!channel_) {
        if (!dialer_.resolving()) dial(now);
    } else if (!opening() && flush(now) != 0) {
        read_in(now); // the node may have said why before it closed
    }
}

// Removes unwritten requests that would create the key. True: nothing of this token was ever written, and the abandon
// is answered.
bool Connection::take_back(const core::Request &abandon) {
    const auto taken = std::erase_if(waiting_, [&](const Exchange &asked) {
        if (asked.kind != Exchange::Kind::request || !may_create(asked.request) ||
            asked.request.token != abandon.token || asked.request.key != abandon.key)
            return false;
        report(asked, Answer::silent, {.text = "not asked: there was no connection yet"});
        return true;
    });
    // An earlier request with the same token may have been written.
    if (taken == 0 || set_token_ == abandon.token) return false;
    core::Reply reply = reply_to({.request = abandon});
    reply.answer = Answer::refused;
    reply.refusal = core::Refusal::absent;
    replies_.push_back(std::move(reply));
    return true;
}

core::Reply Connection::reply_to(const Exchange &asked) {
    core::Reply reply;
    reply.serial = asked.request.serial;
    reply.verb = asked.request.verb;
    reply.node = asked.request.node;
    reply.sent = asked.sent;
    return reply;
}

void Connection::report(const Exchange &asked, Answer answer, Fault fault) {
    core::Reply reply = reply_to(asked);
    reply.answer = answer;
    reply.text = std::move(fault.text);
    reply.trouble = fault.trouble;
    replies_.push_back(std::move(reply));
}

void Connection::report_silent(const Exchange &asked, std::string_view what) {
    const auto within = to_ms_up(asked.due() - asked.sent.value_or(asked.given));
    report(asked, Answer::silent, {.text = fmt::format("{} within {} ms", what, within)});
}

void Connection::refuse_waiting(const Fault &fault) {
    for (const Exchange &asked : waiting_)
        if (asked.owes_reply()) report(asked, Answer::error, fault);
    waiting_.clear();
}

// Takes one answer of the node; it belongs to the oldest exchange, because RESP answers in order. False: it does not
// fit.
bool Connection::take_value(const Value &value) {
    if (in_flight_.empty()) return false;
    const Exchange &asked = in_flight_.front();
    const bool fits = asked.kind == Exchange::Kind::cleanup   ? true
                      : asked.kind == Exchange::Kind::name    ? value.is_ok() || value.error()
                      : asked.kind == Exchange::Kind::request ? take_answer(asked, value)
                      : asked.kind == Exchange::Kind::server  ? take_server(asked, value)
                                                              : take_preamble(asked.kind, value);
    if (fits) in_flight_.pop_front();
    return fits;
}

bool Connection::take_preamble(Exchange::Kind kind, const Value &value) {
    const auto error = value.error();
    if (error) {
        const auto usual = kind == Exchange::Kind::auth ? core::Trouble::access : core::Trouble::passing;
        auto &condemned = channel_->condemned;
        if (!condemned) condemned = explain(*error, url_.password, usual, url_.login_origin);
        refuse_waiting(*condemned); // the node would give unwritten requests the same answer
        return true;
    }
    channel_->selected = kind == Exchange::Kind::select && !channel_->condemned;
    return value.is_ok();
}

// Takes the answer to INFO of a server that does not know EVAL. Every value fits.
bool Connection::take_server(const Exchange &asked, const Value &value) {
    const bool sentinel = value.text().value_or("").find("redis_mode:sentinel") != std::string_view::npos;
    if (!asked.reported) report(asked, Answer::error, sentinel ? explain("UNFIT sentinel", "") : asked.fault);
    return true;
}

bool Connection::take_answer(const Exchange &asked, const Value &value) {
    core::Reply reply = reply_to(asked);
    const auto error = value.error();
    const auto &condemned = channel_->condemned;
    // A Sentinel and a server with a renamed EVAL give the same error; only INFO tells them apart.
    if (error && !condemned && !asked.reported && error->starts_with("ERR unknown command")) {
        waiting_.push_front({.kind = Exchange::Kind::server,
                             .bytes = encode({"INFO", "server"}),
                             .request = asked.request,
                             .given = asked.given,
                             .sent = asked.sent,
                             .fault = explain(*error, url_.password)});
        return true;
    }
    if (!error && !decode(value, reply)) return false;
    const bool created = has_created(reply);
    if (error || condemned) {
        report(asked, Answer::error,
               condemned ? *condemned : explain(*error, url_.password, core::Trouble::passing, url_.login_origin));
    } else {
        replies_.push_back(std::move(reply));
    }
    if (condemned && created) {
        // The default user needs no password, so the node set the lock although AUTH failed. It does not count; remove
        // it, or it blocks others.
        Exchange cleanup{.kind = Exchange::Kind::cleanup, .request = asked.request};
        cleanup.request.verb = Verb::abandon;
        cleanup.request.fence = 0; // the fence of an acquire is a proposal; the node must not record it
        cleanup.bytes = encode(cleanup.request);
        waiting_.push_front(std::move(cleanup));
    }
    return true;
}

void Connection::expire(Instant now) {
    for (Exchange &asked : in_flight_) {
        if (!asked.owes_reply() || asked.reported || asked.due() > now) continue;
        asked.reported = true; // stays in flight: a late answer must find it
        if (asked.kind == Exchange::Kind::server) report(asked, Answer::error, asked.fault);
        else report_silent(asked, "no answer");
    }
    std::erase_if(waiting_, [&](const Exchange &asked) {
        if (!asked.owes_reply() || asked.due() > now) return false;
        const bool connected = channel_ && !opening();
        report_silent(asked, dialer_.resolving() ? "host name not resolved"
                             : !connected        ? "connection not established"
                             : held_back()       ? "database not selected"
                                                 : "the node took no request");
        return true;
    });
}

std::optional<Instant> Connection::deadline() const {
    std::optional<Instant> first = opening() ? dialer_.switch_at() : std::nullopt;
    for (const auto *exchanges : {&waiting_, &in_flight_})
        for (const Exchange &asked : *exchanges)
            if (asked.owes_reply() && !asked.reported) first = earlier(first, asked.due());
    return first;
}

} // namespace redlock::redis
