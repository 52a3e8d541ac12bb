// contest ROUNDS CLIENTS NODE...: that many clients, connected before, want one lock at the same instant; how long
// until the first has it. Prints median, 90th and 99th percentile, and how many winners had to agree on the fence.
#include "config/node_url.hh"
#include "core/lock.hh"
#include "core/sweep.hh"
#include "event/clock.hh"
#include "redis/nodes.hh"
#include "session/pump.hh"
#include "util/random.hh"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <fmt/format.h>
#include <thread>

namespace redlock {
namespace {

constexpr milliseconds ms{1};

struct Contest {
    struct Begin {
        Contest *contest;
        void operator()() noexcept { contest->begun = event::now(); }
    };
    Contest(const std::vector<config::NodeUrl> &nodes, std::string name, int clients)
        : urls(nodes), key(std::move(name)), start(clients, Begin{this}), end(clients) {}

    const std::vector<config::NodeUrl> &urls;
    std::string key;
    Instant begun{};
    std::barrier<Begin> start;
    std::barrier<> end; // the winner holds the lock until all others have gone
    std::atomic<int> winners{0};
    Duration took{};
    bool confirmed = false;
};

// Everybody's connections are made by a look at the lock.
void connect(redis::Nodes &nodes, const core::Terms &terms, event::Signals &signals) {
    core::Sweep::Plan plan;
    plan.verb = core::Verb::status;
    plan.key = terms.key;
    plan.ask = plan.await = std::vector<bool>(terms.nodes, true);
    plan.quorum = terms.quorum;
    plan.node_timeout = seconds{5};
    plan.first = 1'000'000;
    core::Sweep sweep(event::now(), plan);
    session::Pump pump(sweep, nodes, signals);
    for (pump.send(); !sweep.done();) pump.turn();
}

void take_part(Contest &contest) {
    event::Signals signals;
    redis::Nodes nodes(contest.urls);
    core::Terms terms;
    terms.key = contest.key;
    terms.nodes = nodes.size();
    terms.quorum = core::majority(nodes.size());
    terms.ttl = seconds{10};
    terms.trust.slack = terms.ttl / 6;
    terms.node_timeout = 300 * ms;
    terms.needed = seconds{1};
    terms.seed = random_seed();
    connect(nodes, terms, signals);
    core::Lock lock(terms);
    session::Pump pump(lock, nodes, signals);
    contest.start.arrive_and_wait();
    while (lock.phase() != core::Phase::held && contest.winners == 0) {
        if (lock.phase() == core::Phase::idle) lock.acquire(event::now(), random_hex128(), event::wall_clock_us());
        pump.send();
        pump.turn(event::now() + 5 * ms);
    }
    const bool won = lock.phase() == core::Phase::held;
    if (won && ++contest.winners == 1) {
        contest.took = event::now() - contest.begun;
        contest.confirmed = lock.fence_was_confirmed();
    }
    if (!won) lock.give_up(event::now());
    for (pump.send(); !won && lock.phase() != core::Phase::ended;) pump.turn();
    contest.end.arrive_and_wait();
    if (won) lock.release(event::now());
    for (pump.send(); lock.phase() != core::Phase::ended;) pump.turn();
    nodes.finish();
}

} // namespace
} // namespace redlock

int main(int count, char **arguments) {
    using namespace redlock;
    if (count < 4) return 64;
    const int rounds = std::stoi(arguments[1]), clients = std::stoi(arguments[2]);
    std::vector<double> took;
    int confirmed = 0, overlaps = 0;
    std::vector<config::NodeUrl> urls;
    for (int i = 3; i < count; ++i) urls.push_back(config::parse_node_url(arguments[i]));
    for (int round = 0; round < rounds; ++round) {
        Contest contest(urls, fmt::format("contest-{}", round), clients);
        std::vector<std::jthread> threads;
        for (int i = 0; i < clients; ++i) threads.emplace_back([&] { take_part(contest); });
        threads.clear();
        took.push_back(std::chrono::duration<double, std::milli>(contest.took).count());
        confirmed += contest.confirmed ? 1 : 0;
        overlaps += contest.winners - 1;
    }
    std::sort(took.begin(), took.end());
    const auto at = [&](double share) {
        return took[static_cast<std::size_t>(share * static_cast<double>(rounds - 1))];
    };
    std::fputs(
        fmt::format("{} clients, {} times: first holder after {:.2f} ms (median), {:.2f} ms (p90), {:.2f} ms (p99); "
                    "{} agreed on the fence in a second round; {} overlapped\n",
                    clients, rounds, at(0.5), at(0.9), at(0.99), confirmed, overlaps)
            .c_str(),
        stdout);
    return overlaps > 0 ? 1 : 0;
}
