// What is asked of a node and what it answers; the socket is in stream.cc.
#include "redis/connection.hh"

#include "redis/verbs.hh"

#include <fmt/format.h>

namespace redlock::redis {

using core::Answer;
using core::Verb;

Connection::Connection(config::NodeUrl url, Duration patience, std::vector<core::Reply> &replies)
    : url_(std::move(url)), patience_(patience), replies_(replies), dialer_(url_, patience) {}

Connection::~Connection() {
    if (socket_) drop_socket(!in_flight_.empty());
}

void Connection::send(core::Request request, Instant now) {
    if (request.verb == Verb::abandon && take_back(request)) return;
    // A connection that owes an answer for so long is replaced, unless the answer has come by now (we may have been
    // stopped): behind a server that stands still, or a tunnel that acknowledges for one, requests would pile up
    // without end, and a connection that died without a word would cost the lease.
    const auto is_stuck = [&] { return !in_flight_.empty() && now - *in_flight_.front().sent > patience_; };
    if (is_stuck()) read_in(now);
    if (is_stuck()) lose("given up: the node owes an answer for too long", now);
    std::string bytes = encode(request);
    waiting_.push_back({.bytes = std::move(bytes), .request = std::move(request), .given = now});
    if (!socket_) {
        if (!dialer_.resolving()) dial(now);
    } else if (!connecting_ && flush(now) != 0) {
        read_in(now); // the node may have said why before it closed
    }
}

// Takes back what would create the key and was not written, and answers the abandon, if that settles it.
bool Connection::take_back(const core::Request &abandon) {
    const auto taken = std::erase_if(waiting_, [&](const Ask &ask) {
        if (ask.kind != Ask::Kind::request || !may_create(ask.request) || ask.request.token != abandon.token ||
            ask.request.key != abandon.key)
            return false;
        report(ask, Answer::silent, {.text = "not asked: there was no connection yet"});
        return true;
    });
    // The same token may have been asked for before, and written.
    if (taken == 0 || set_token_ == abandon.token) return false;
    core::Reply reply = reply_to({.request = abandon});
    reply.answer = Answer::refused;
    reply.refusal = core::Refusal::absent;
    replies_.push_back(std::move(reply));
    return true;
}

core::Reply Connection::reply_to(const Ask &ask) {
    core::Reply reply;
    reply.serial = ask.request.serial;
    reply.verb = ask.request.verb;
    reply.node = ask.request.node;
    reply.sent = ask.sent;
    return reply;
}

void Connection::report(const Ask &ask, Answer answer, Fault fault) {
    core::Reply reply = reply_to(ask);
    reply.answer = answer;
    reply.text = std::move(fault.text);
    reply.trouble = fault.trouble;
    replies_.push_back(std::move(reply));
}

void Connection::report_silent(const Ask &ask, std::string_view what) {
    const auto within = to_ms_up(ask.due() - ask.sent.value_or(ask.given));
    report(ask, Answer::silent, {.text = fmt::format("{} within {} ms", what, within)});
}

void Connection::refuse_waiting(const Fault &fault) {
    for (const Ask &ask : waiting_)
        if (ask.owes_reply()) report(ask, Answer::error, fault);
    waiting_.clear();
}

// One answer of the node, matched to the oldest ask: RESP answers in order. False: it is no answer to that.
bool Connection::take_value(const Value &value) {
    if (in_flight_.empty()) return false;
    const Ask &ask = in_flight_.front();
    const bool fits = ask.kind == Ask::Kind::cleanup   ? true
                      : ask.kind == Ask::Kind::name    ? value.is_ok() || value.error()
                      : ask.kind == Ask::Kind::request ? take_answer(ask, value)
                      : ask.kind == Ask::Kind::server  ? take_server(ask, value)
                                                       : take_preamble(ask.kind, value);
    if (fits) in_flight_.pop_front();
    return fits;
}

bool Connection::take_preamble(Ask::Kind kind, const Value &value) {
    const auto error = value.error();
    if (error) {
        const auto usual = kind == Ask::Kind::auth ? core::Trouble::access : core::Trouble::passing;
        if (!condemned_) condemned_ = explain(*error, url_.password, usual, url_.login_origin);
        refuse_waiting(*condemned_); // what is not yet written would only be told the same
        return true;
    }
    selected_ = kind == Ask::Kind::select && !condemned_;
    return value.is_ok();
}

// What the server is that does not know a command of ours. Whatever it says is an answer to this.
bool Connection::take_server(const Ask &ask, const Value &value) {
    const bool sentinel = value.text().value_or("").find("redis_mode:sentinel") != std::string_view::npos;
    if (!ask.reported) report(ask, Answer::error, sentinel ? explain("UNFIT sentinel", "") : ask.fault);
    return true;
}

bool Connection::take_answer(const Ask &ask, const Value &value) {
    core::Reply reply = reply_to(ask);
    const auto error = value.error();
    // A Sentinel knows as little of EVAL as a server that has it renamed; only INFO tells them apart.
    if (error && !condemned_ && !ask.reported && error->starts_with("ERR unknown command")) {
        waiting_.push_front({.kind = Ask::Kind::server,
                             .bytes = encode({"INFO", "server"}),
                             .request = ask.request,
                             .given = ask.given,
                             .sent = ask.sent,
                             .fault = explain(*error, url_.password)});
        return true;
    }
    if (!error && !decode(value, reply)) return false;
    const bool created = has_created(reply);
    if (error || condemned_) {
        report(ask, Answer::error,
               condemned_ ? *condemned_ : explain(*error, url_.password, core::Trouble::passing, url_.login_origin));
    } else {
        replies_.push_back(std::move(reply));
    }
    if (condemned_ && created) {
        // The default user needs no password, so the lock was set although AUTH failed. It does not count,
        // and must not stay in the way of others.
        Ask cleanup{.kind = Ask::Kind::cleanup, .request = ask.request};
        cleanup.request.verb = Verb::abandon;
        cleanup.request.fence = 0; // of an acquire it is a proposal, and never to be put on record as it is
        cleanup.bytes = encode(cleanup.request);
        waiting_.push_front(std::move(cleanup));
    }
    return true;
}

void Connection::expire(Instant now) {
    for (Ask &ask : in_flight_) {
        if (!ask.owes_reply() || ask.reported || ask.due() > now) continue;
        ask.reported = true; // stays in flight: a late answer must find it
        if (ask.kind == Ask::Kind::server) report(ask, Answer::error, ask.fault);
        else report_silent(ask, "no answer");
    }
    std::erase_if(waiting_, [&](const Ask &ask) {
        if (!ask.owes_reply() || ask.due() > now) return false;
        const bool connected = socket_ && !connecting_;
        report_silent(ask, dialer_.resolving() ? "host name not resolved"
                           : !connected        ? "connection not established"
                           : held_back()       ? "database not selected"
                                               : "the node took no request");
        return true;
    });
}

std::optional<Instant> Connection::deadline() const {
    std::optional<Instant> first = connecting_ ? dialer_.switch_at() : std::nullopt;
    for (const auto *asks : {&waiting_, &in_flight_})
        for (const Ask &ask : *asks)
            if (ask.owes_reply() && !ask.reported) first = earlier(first, ask.due());
    return first;
}

} // namespace redlock::redis
