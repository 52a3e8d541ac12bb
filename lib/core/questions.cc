#include "core/questions.hh"

#include <algorithm>
#include <utility>

namespace redlock::core {

std::vector<Request> Questions::to(const std::vector<NodeIndex> &nodes, Verb verb) {
    std::vector<Request> requests(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        requests[i].verb = verb;
        requests[i].node = nodes[i];
    }
    return requests;
}

void Questions::begin(Instant now, std::vector<Request> &requests) {
    deadline_ = now + node_timeout_;
    awaited_.assign(awaited_.size(), 0);
    answers_.assign(answers_.size(), std::nullopt);
    for (Request &request : requests) {
        awaited_[request.node] = request.serial = next_serial_++;
        request.deadline = deadline_;
    }
}

bool Questions::take(const Reply &reply) {
    if (reply.node >= awaited_.size() || reply.serial == 0 || awaited_[reply.node] != reply.serial) return false;
    awaited_[reply.node] = 0;
    answers_[reply.node] = reply;
    return true;
}

bool Questions::complete(Instant now) {
    if (now < deadline_ && std::any_of(awaited_.begin(), awaited_.end(), [](Serial serial) { return serial != 0; }))
        return false;
    for (NodeIndex node = 0; node < awaited_.size(); ++node) {
        if (std::exchange(awaited_[node], 0) == 0) continue;
        Reply &silence = answers_[node].emplace();
        silence.node = node;
        silence.text = "no answer within " + std::to_string(to_ms_up(node_timeout_)) + " ms";
    }
    return true;
}

} // namespace redlock::core
