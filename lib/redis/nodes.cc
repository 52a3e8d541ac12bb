#include "redis/nodes.hh"

#include "event/clock.hh"
#include "redis/connection.hh"

#include <algorithm>
#include <utility>

namespace redlock::redis {

Nodes::Nodes(std::vector<config::NodeUrl> urls, Duration patience) {
    connections_.reserve(urls.size());
    for (config::NodeUrl &url : urls)
        connections_.push_back(std::make_unique<Connection>(std::move(url), patience, replies_));
}

Nodes::~Nodes() = default;

std::size_t Nodes::size() const { return connections_.size(); }

void Nodes::send(core::Request request) {
    Connection &connection = *connections_[request.node];
    connection.send(std::move(request), event::now());
}

void Nodes::watch(event::PollSet &set) {
    for (const auto &connection : connections_) connection->watch(set);
}

void Nodes::handle(const event::PollSet &set) {
    const Instant now = event::now();
    for (const auto &connection : connections_) connection->handle(set, now);
}

std::optional<Instant> Nodes::deadline() const {
    std::optional<Instant> first;
    for (const auto &connection : connections_) first = earlier(first, connection->deadline());
    return first;
}

std::vector<core::Reply> Nodes::take_replies() { return std::exchange(replies_, {}); }

bool Nodes::waiting() const {
    return std::any_of(connections_.begin(), connections_.end(), [](const auto &each) { return each->waiting(); });
}

bool Nodes::owed() const {
    return waiting() ||
           std::any_of(connections_.begin(), connections_.end(), [](const auto &each) { return each->owed(); });
}

bool Nodes::at_work() const {
    return std::any_of(connections_.begin(), connections_.end(), [](const auto &each) { return each->at_work(); });
}

void Nodes::finish() {
    for (const auto &connection : connections_) connection->finish();
}

} // namespace redlock::redis
