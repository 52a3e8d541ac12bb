// The network of a link, and the node's end.
#include "link.hh"
#include "redis/verbs.hh"

#include <algorithm>

namespace redlock::sim {

namespace {
// A packet that found the way blocked is sent again some time after it is free.
constexpr Duration longest_retransmission = milliseconds{20};
constexpr Duration between_knocks = milliseconds{50};
} // namespace

Duration Link::travel() {
    Duration time = path_.delay + world_.random.between(Duration{}, path_.spread);
    if (path_.stragglers > 0 && world_.now() < path_.straggle_until && world_.random.chance(path_.stragglers))
        time += world_.random.between(Duration{}, path_.straggling);
    return time;
}

// A connect reaches the node's machine, or tries to.
void Link::knock(std::uint32_t socket) {
    if (gone_ || socket != socket_) return;
    const Moment free = std::max(path_.there_blocked_until, path_.back_blocked_until);
    if (node_.quiet() || free > world_.now()) {
        const Moment again = node_.quiet() ? world_.now() + between_knocks : free;
        if (again == never) return;
        return world_.at(again + world_.random.between(Duration{}, longest_retransmission),
                         [this, socket] { knock(socket); });
    }
    if (node_.up()) {
        accepted_ = socket;
        accepted_by_ = node_.incarnation();
    }
    tell(node_.up() ? News::Kind::connected : News::Kind::refused, socket);
}

void Link::pump_there() {
    while (!there_.empty()) {
        if (path_.there_blocked_until > world_.now()) {
            there_.front().arrives =
                path_.there_blocked_until + world_.random.between(Duration{}, longest_retransmission);
            for (Packet &packet : there_) packet.arrives = std::max(packet.arrives, there_.front().arrives);
        }
        const Moment arrives = there_.front().arrives;
        if (arrives > world_.now()) {
            if (!there_planned_ && arrives < never) {
                there_planned_ = true;
                world_.at(arrives, [this] {
                    there_planned_ = false;
                    pump_there();
                });
            }
            return;
        }
        const Packet packet = std::move(there_.front());
        there_.pop_front();
        const bool aborted = packet.socket != socket_;
        const bool known = aborted || (packet.socket == accepted_ && accepted_by_ == node_.incarnation());
        if (!node_.up() || packet.incarnation != node_.incarnation() || !known) {
            disturbed_ = true;
            if (!node_.quiet()) tell(News::Kind::reset, packet.socket);
        } else {
            node_.deliver(*this, packet);
        }
    }
    check_drained();
}

// Reads a node's answer to a request with the codec of the product.
core::Reply Link::reply_in(std::string_view answer, const core::Request &request) {
    reader_.feed(answer);
    const auto value = reader_.next();
    core::Reply reply;
    reply.serial = request.serial;
    reply.verb = request.verb;
    reply.node = request.node;
    if (value && value->error()) {
        reply.answer = core::Answer::error;
        reply.text = *value->error();
    } else if (!value || !redis::decode(*value, reply)) {
        throw Violation{text("the codec does not understand a script: ", answer)};
    }
    while (reader_.next()) continue; // to what travelled with it
    return reply;
}

void Link::serve(const Packet &packet) {
    std::string answer;
    core::Reply reply;
    for (int time = 0; time < (packet.repeated ? 2 : 1); ++time) {
        answer = node_.execute(packet.bytes);
        reply = reply_in(answer, packet.request);
        owner_.executed(node_, packet.request, reply);
    }
    if (reply.answer == core::Answer::error) disturbed_ = true;
    world_.note([&] {
        static constexpr const char *words[] = {"granted", "refused", "error", "silent"};
        return text("  node ", node_.index(), " answers #", packet.request.serial, ": ",
                    words[static_cast<int>(reply.answer)], " ", reply.holder, reply.text);
    });
    if (packet.socket == accepted_) tell(News::Kind::reply, packet.socket, std::move(answer));
    check_drained();
}

void Link::tell(News::Kind kind, std::uint32_t socket, std::string bytes) {
    if (gone_) return;
    const Moment floor = back_.empty() ? world_.now() : back_.back().arrives;
    back_.push_back({kind, std::max(floor, world_.now() + travel()), socket, std::move(bytes)});
    pump_back();
}

void Link::pump_back() {
    bool news = false;
    while (!back_.empty()) {
        if (path_.back_blocked_until > world_.now()) {
            back_.front().arrives =
                path_.back_blocked_until + world_.random.between(Duration{}, longest_retransmission);
            for (News &later : back_) later.arrives = std::max(later.arrives, back_.front().arrives);
        }
        const Moment arrives = back_.front().arrives;
        if (arrives > world_.now()) {
            if (!back_planned_ && arrives < never) {
                back_planned_ = true;
                world_.at(arrives, [this] {
                    back_planned_ = false;
                    pump_back();
                });
            }
            break;
        }
        if (back_.front().socket == socket_ && !gone_) {
            arrived_.push_back(std::move(back_.front()));
            news = true;
        }
        back_.pop_front();
    }
    if (news) owner_.wake();
}

void Link::cut(bool quiet) {
    if (state_ != State::open || gone_) return;
    world_.note([&] { return text("  link to node ", node_.index(), " is cut", quiet ? ", and nobody says so" : ""); });
    disturbed_ = true;
    back_.clear();
    accepted_ = 0; // whatever still arrives on it is not answered
    if (quiet) return;
    arrived_.push_back({.kind = News::Kind::reset, .socket = socket_});
    owner_.wake();
}

void Link::reset_by_node() {
    disturbed_ = true;
    if (state_ != State::open || gone_) return;
    tell(News::Kind::reset, socket_);
}

void Link::check_drained() {
    if (!gone_ || disturbed_ || incarnation_ != node_.incarnation() || !strays_.empty()) return;
    if (there_.empty() && !node_.has_waiting(*this)) owner_.drained(node_);
}

} // namespace redlock::sim
