// What all tests of the lock share: terms with round numbers, replies to requests, and a Lock with a hand
// on its clock. With these terms a key may be trusted for 24.698 s and is renewed every 8.333… s.
#pragma once

#include "core/lock.hh"

#include <gtest/gtest.h>

namespace redlock::core {

using std::chrono::microseconds;

inline constexpr Instant start = Instant{seconds{1000}};
inline constexpr Duration trusted = milliseconds{24'698};
inline constexpr Duration period = Duration{seconds{25}} / 3;

inline Terms terms_for(std::size_t nodes) {
    Terms terms;
    terms.key = "backup";
    terms.nodes = nodes;
    terms.quorum = majority(nodes);
    terms.ttl = seconds{30};
    terms.trust = {0.01, seconds{5}};
    terms.node_timeout = milliseconds{300};
    terms.needed = seconds{1};
    terms.seed = 7;
    return terms;
}

inline Reply reply_to(const Request &request, Answer answer, std::optional<Instant> sent) {
    Reply reply;
    reply.serial = request.serial;
    reply.verb = request.verb;
    reply.node = request.node;
    reply.answer = answer;
    reply.refusal = request.verb == Verb::acquire ? Refusal::held : Refusal::absent;
    if (reply.answer == Answer::refused && reply.refusal == Refusal::held) reply.holder = "somebody";
    reply.sent = sent;
    reply.fence = 1;
    return reply;
}

inline Reply denied(const Request &request) {
    Reply reply = reply_to(request, Answer::error, start);
    reply.trouble = Trouble::access;
    return reply;
}

// The nodes that were asked, in the order of asking; fails unless each request has this verb.
inline std::vector<NodeIndex> nodes_of(const std::vector<Request> &requests, Verb verb) {
    std::vector<NodeIndex> nodes;
    for (const Request &request : requests) {
        EXPECT_EQ(request.verb, verb);
        nodes.push_back(request.node);
    }
    return nodes;
}

using Nodes = std::vector<NodeIndex>;

// `asked` holds what the latest input made the lock ask for.
struct Driver {
    explicit Driver(Terms terms) : lock(std::move(terms)) {}

    void acquire(Duration at, const std::string &token = "token") {
        now = start + at;
        lock.acquire(now, token, 0);
        asked = lock.take_requests();
        round = asked;
    }
    void tick(Duration at) {
        now = start + at;
        lock.tick(now);
        collect();
    }
    void hear(Duration at, const Reply &reply) {
        now = start + at;
        lock.on_reply(now, reply);
        collect();
    }
    // To the request of the round in progress; `sent` as long after the start as it says.
    void hear(Duration at, NodeIndex node, Answer answer, std::optional<Duration> sent = std::nullopt) {
        hear(at, reply_to(round[node], answer, sent ? std::optional(start + *sent) : std::nullopt));
    }
    void release(Duration at) {
        now = start + at;
        lock.release(now);
        collect();
    }
    void give_up(Duration at) {
        now = start + at;
        lock.give_up(now);
        collect();
    }
    // Won at `at`, by every node, sent at `at`.
    void win(Duration at = Duration{}) {
        acquire(at);
        for (NodeIndex node = 0; node < round.size(); ++node) hear(at, node, Answer::granted, at);
        ASSERT_EQ(lock.phase(), Phase::held);
    }
    // Goes to the deadline, and says how long after the start it was.
    Duration to_deadline() {
        if (!lock.deadline()) {
            ADD_FAILURE() << "there is no deadline";
            return {};
        }
        const Duration at = *lock.deadline() - start;
        tick(at);
        return at;
    }
    [[nodiscard]] Duration validity() const { return lock.validity() - start; }

    Lock lock;
    Instant now = start;
    std::vector<Request> asked, round;

  private:
    void collect() {
        asked = lock.take_requests();
        if (!asked.empty() && (asked[0].verb == Verb::acquire || asked[0].verb == Verb::extend)) round = asked;
    }
};

} // namespace redlock::core
