// Nodes for the tests of redlock init: what each remembers, and what its scripts answer.
#pragma once

#include "core/setup.hh"

#include "driver.hh"

#include <functional>

namespace redlock::core {

inline constexpr Duration guard = seconds{30};
inline constexpr auto ours = "3 2 30000";

struct Node {
    std::optional<Instant> joined{}; // nullopt: trusted
    std::string record{};
    std::optional<Instant> lapses{};
    std::string used{}, lock{}, holder{}, hold{};
    Instant hold_ends = distant_past;
    std::string unfit{}, run_id{};
    bool silent = false;
};

inline std::optional<Agreement> terms_of(const std::string &record) {
    Agreement terms;
    long long ms = 0;
    if (std::sscanf(record.c_str(), "%zu %zu %lld", &terms.nodes, &terms.quorum, &ms) != 3) return std::nullopt;
    terms.guard = milliseconds{ms};
    return terms;
}

inline NodeTime node_time(std::optional<Instant> at) {
    return at ? std::chrono::duration_cast<microseconds>(at->time_since_epoch()).count() : 0;
}

class Fleet {
  public:
    // The nodes' order by run_id is the reverse of that in the list.
    explicit Fleet(std::size_t count = 3, const Node &like = {}) : nodes(count, like) {
        for (std::size_t i = 0; i < count; ++i) nodes[i].run_id = std::string(1, static_cast<char>('z' - i));
    }

    SetupPlan plan(const std::string &record = ours, bool reconfigure = false) const {
        SetupPlan plan{.nodes = nodes.size(), .agreement = *terms_of(record), .record = record, .id = "me"};
        plan.reconfigure = reconfigure;
        plan.node_timeout = seconds{1};
        plan.drift = 0.01;
        return plan;
    }

    Reply answer(const Request &request) {
        Node &node = nodes[request.node];
        asked.push_back(request.verb);
        if (before_answer) before_answer(request);
        if (node.silent) return reply_to(request, Answer::silent, start);
        if (node.lapses && *node.lapses <= now) node.record.clear(), node.lapses.reset();
        const std::optional<Refusal> refusal = execute(node, request);
        Reply reply = reply_to(request, refusal ? Answer::refused : Answer::granted, start);
        reply.refusal = refusal.value_or(Refusal::held);
        reply.holder = node.holder;
        reply.run_id = node.run_id;
        reply.node_time = node_time(now);
        reply.state = state_of(node);
        return reply;
    }

    void drain(Setup &setup) {
        for (auto requests = setup.take_requests(); !requests.empty(); requests = setup.take_requests())
            for (const Request &request : requests) {
                const Reply reply = answer(request);
                if (!nodes[request.node].silent) setup.on_reply(now, reply);
            }
    }

    // Until it ends, for an hour at most. What each moment brings is up to `at_each`.
    SetupEnding run(Setup &setup) {
        for (const Instant end = now + std::chrono::hours{1}; !setup.ended() && now < end; setup.tick(now)) {
            drain(setup);
            if (at_each && !setup.ended()) at_each(setup);
            drain(setup);
            now = std::max(now, setup.deadline().value_or(now));
        }
        return setup.ending();
    }
    SetupEnding run(SetupPlan plan) {
        Setup setup(now, std::move(plan));
        return run(setup);
    }

    std::size_t count(Verb verb) const {
        return static_cast<std::size_t>(std::count(asked.begin(), asked.end(), verb));
    }
    std::vector<std::string> records() const {
        std::vector<std::string> records;
        for (const Node &node : nodes) records.push_back(node.record);
        return records;
    }

    Instant now = start;
    std::vector<Node> nodes;
    std::vector<Verb> asked;
    std::function<void(const Request &)> before_answer;
    std::function<void(Setup &)> at_each;

  private:
    NodeState state_of(const Node &node) const {
        NodeState state;
        state.unfit = node.unfit;
        state.record = node.record;
        state.terms = terms_of(node.record);
        if (node.unfit.empty()) state.joined = node_time(node.joined);
        if (node.lapses) state.lapses = *node.lapses - now;
        state.used = !node.used.empty();
        state.prefix_used = node.used;
        state.lock = node.lock;
        state.hold = node.hold;
        state.hold_left = std::max(node.hold_ends - now, Duration{});
        return state;
    }

    std::optional<Refusal> execute(Node &node, const Request &request) const {
        const MarkerChange &change = request.change;
        switch (request.verb) {
        case Verb::trust:
            if (change.run_id != node.run_id || change.joined != node_time(node.joined)) return Refusal::changed;
            if (!node.used.empty()) return Refusal::used;
            node.joined.reset();
            return std::nullopt;
        case Verb::record:
            if (change.run_id != node.run_id) return Refusal::changed;
            if (!change.hold.empty() && (change.hold != node.hold || change.used != node.used)) return Refusal::changed;
            if (node.record != change.expected && node.record != change.record) return Refusal::differs;
            node.record = change.record;
            node.lapses = change.provisional ? std::optional(now + guard) : std::nullopt;
            if (!change.hold.empty()) node.hold.clear();
            return std::nullopt;
        case Verb::hold:
            if (!node.hold.empty() && node.hold != change.hold) return Refusal::on_hold;
            node.hold = change.length > Duration{} ? change.hold : "";
            return std::nullopt;
        case Verb::status: return node.holder.empty() || request.key != node.lock ? Refusal::absent : Refusal::held;
        default: return std::nullopt;
        }
    }
};

} // namespace redlock::core
