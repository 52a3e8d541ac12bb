// The process's end of a link: compare with lib/redis/connection.cc and stream.cc, function by function.
#include "link.hh"

#include <algorithm>

namespace redlock::sim {

using core::Answer;
using core::Verb;

void Link::send(core::Request request, Instant now) {
    if (request.verb == Verb::abandon && take_back(request)) return;
    waiting_.push_back({.request = std::move(request), .sent = std::nullopt});
    if (state_ == State::none) dial();
    else if (state_ == State::open) flush(now);
}

bool Link::may_set(const core::Request &request) {
    return request.verb == Verb::acquire || (request.verb == Verb::extend && request.until > 0);
}

bool Link::take_back(const core::Request &abandon) {
    const auto taken = std::erase_if(waiting_, [&](const Ask &ask) {
        if (!may_set(ask.request) || ask.request.token != abandon.token) return false;
        report(ask, Answer::silent, "taken back before it was sent");
        return true;
    });
    if (taken == 0 || set_token_ == abandon.token) return false;
    report({.request = abandon, .sent = std::nullopt}, Answer::refused, "");
    replies.back().refusal = core::Refusal::absent;
    return true;
}

void Link::report(const Ask &ask, Answer answer, const char *text) {
    core::Reply &reply = replies.emplace_back();
    reply.serial = ask.request.serial;
    reply.verb = ask.request.verb;
    reply.node = ask.request.node;
    reply.answer = answer;
    reply.text = text;
    reply.sent = ask.sent;
}

void Link::refuse_waiting(const char *text) {
    for (const Ask &ask : waiting_) report(ask, Answer::error, text);
    waiting_.clear();
}

void Link::dial() {
    if (waiting_.empty()) return;
    state_ = State::connecting;
    const std::uint32_t socket = ++socket_;
    world_.after(travel(), [this, socket] { knock(socket); });
}

void Link::flush(Instant now) {
    while (!waiting_.empty()) {
        Ask &ask = in_flight_.emplace_back(std::move(waiting_.front()));
        waiting_.pop_front();
        ask.sent = now;
        if (may_set(ask.request)) set_token_ = ask.request.token;
        owner_.sending(ask.request);
        const Moment floor = there_.empty() ? world_.now() : there_.back().arrives;
        there_.push_back({.arrives = std::max(floor, world_.now() + travel()),
                          .socket = socket_,
                          .incarnation = node_.incarnation(),
                          .repeated = path_.repeats > 0 && world_.random.chance(path_.repeats),
                          .request = ask.request,
                          .sent = now});
    }
    pump_there();
}

void Link::handle(Instant now) {
    while (!arrived_.empty()) {
        const News news = std::move(arrived_.front());
        arrived_.pop_front();
        if (news.socket == socket_) take(news, now);
    }
    for (Ask &ask : in_flight_) {
        if (ask.reported || ask.due() > now) continue;
        ask.reported = true; // a late answer must find it
        report(ask, Answer::silent, "no answer in time");
    }
    std::erase_if(waiting_, [&](const Ask &ask) {
        if (ask.request.deadline > now) return false;
        report(ask, Answer::silent, "connection not established in time");
        return true;
    });
}

void Link::take(const News &news, Instant now) {
    switch (news.kind) {
    case News::Kind::connected: state_ = State::open; return flush(now);
    case News::Kind::refused: state_ = State::none; return refuse_waiting("connection refused");
    case News::Kind::reset: return lose("connection reset", now);
    case News::Kind::reply: break;
    }
    if (in_flight_.empty() || in_flight_.front().request.serial != news.reply.serial)
        throw Violation{"the simulator confused the replies of a connection"};
    core::Reply reply = news.reply;
    reply.sent = in_flight_.front().sent;
    in_flight_.pop_front();
    proven_ = true;
    replies.push_back(std::move(reply));
}

void Link::lose(const char *why, Instant) {
    const bool proven = proven_;
    abandon_socket();
    for (const Ask &ask : in_flight_)
        if (!ask.reported) report(ask, Answer::error, why);
    in_flight_.clear();
    if (!proven) refuse_waiting(why);
    dial();
}

// The socket is aborted: see Path for what becomes of the requests under way.
void Link::abandon_socket() {
    disturbed_ = disturbed_ || !in_flight_.empty();
    state_ = State::none;
    proven_ = false;
    ++socket_;
    arrived_.clear();
    std::deque<Packet> kept;
    for (Packet &packet : there_) {
        if (path_.strays > 0 && world_.random.chance(path_.strays)) {
            const std::size_t stray = strays_.size();
            strays_.push_back(std::move(packet));
            world_.after(world_.random.between(Duration{}, path_.stray_time), [this, stray] {
                const Packet &late = strays_[stray];
                if (node_.up() && late.incarnation == node_.incarnation()) node_.deliver(*this, late);
            });
        } else if (world_.random.chance(0.5)) {
            kept.push_back(std::move(packet));
        }
    }
    there_ = std::move(kept);
    if (world_.random.chance(0.5)) node_.forget_waiting(*this);
}

std::optional<Instant> Link::deadline() const {
    std::optional<Instant> first;
    for (const auto *asks : {&waiting_, &in_flight_})
        for (const Ask &ask : *asks)
            if (!ask.reported) first = earlier(first, ask.due());
    return first;
}

void Link::finish() {
    waiting_.clear();
    gone_ = true;
    check_drained();
}

void Link::die() {
    waiting_.clear();
    gone_ = true;
    disturbed_ = true;
    if (state_ == State::open && world_.random.chance(0.5)) abandon_socket();
}

} // namespace redlock::sim
