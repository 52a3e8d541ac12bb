// Drives Nodes from a test: a request in, turns of the loop until its answer is there.
#pragma once

#include "event/clock.hh"
#include "redis/nodes.hh"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace redlock::redis {

inline constexpr Duration generous = seconds{30};

class Client {
  public:
    explicit Client(std::vector<config::NodeUrl> urls, Duration patience = seconds{5})
        : nodes(std::move(urls), patience) {}
    explicit Client(config::NodeUrl url) : nodes({std::move(url)}) {}

    core::Serial send(core::Verb verb, const std::string &token, Duration ttl = seconds{60}, Duration within = generous,
                      core::NodeIndex node = 0) {
        core::Request request;
        request.serial = ++serial_;
        request.verb = verb;
        request.node = node;
        request.key = key;
        request.token = token;
        request.ttl = ttl;
        request.fence = fence;
        request.deadline = event::now() + within;
        nodes.send(std::move(request));
        collect();
        return serial_;
    }
    // Sends and waits for the first answer.
    core::Reply ask(core::Verb verb, const std::string &token, Duration ttl = seconds{60}, Duration within = generous) {
        return wait(send(verb, token, ttl, within));
    }
    // The next answer to `serial` that has not been handed out.
    core::Reply wait(core::Serial serial) {
        core::Reply found;
        turn_until("an answer to request " + std::to_string(serial), [&] {
            const auto its = [&](const core::Reply &reply) { return reply.serial == serial; };
            const auto at = std::find_if(replies.begin(), replies.end(), its);
            if (at == replies.end()) return false;
            found = *at;
            replies.erase(at);
            return true;
        });
        return found;
    }
    void turn_until(const std::string &what, const std::function<bool()> &done) {
        const Instant limit = event::now() + generous;
        while (!done()) {
            if (event::now() > limit) throw std::runtime_error("waited too long for " + what);
            turn(milliseconds{20});
        }
    }
    void turn_until(const std::function<bool()> &done) { turn_until("what this test is about", done); }
    void turn(Duration at_most) {
        set.clear();
        nodes.watch(set);
        set.wait(earlier(nodes.deadline(), event::now() + at_most));
        nodes.handle(set);
        collect();
    }
    void collect() {
        for (core::Reply &reply : nodes.take_replies()) replies.push_back(std::move(reply));
    }

    std::string key = "lock";
    core::Fence fence = 0; // goes with each request
    Nodes nodes;
    event::PollSet set;
    std::vector<core::Reply> replies; // not handed out yet

  private:
    core::Serial serial_ = 0;
};

} // namespace redlock::redis
