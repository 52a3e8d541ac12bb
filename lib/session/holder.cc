#include "session/holder.hh"

#include "event/clock.hh"
#include "util/random.hh"

#include <algorithm>
#include <array>
#include <climits>
#include <unistd.h>

namespace redlock::session {

namespace {
constexpr Duration lingering = milliseconds{20};
} // namespace

Holder::Holder(HolderPlan plan, event::Signals &signals, process::Interruption &interruption)
    : nodes_(std::move(plan.nodes), plan.patience), lock_(std::move(plan.terms)), pump_(lock_, nodes_, signals),
      interruption_(interruption), node_timeout_(lock_.terms().node_timeout) {}

bool Holder::won() const { return lock_.phase() == core::Phase::held || lock_.phase() == core::Phase::lost; }

Holder::Step Holder::acquire() {
    while (!won() && lock_.phase() != core::Phase::ended) {
        if (lock_.phase() == core::Phase::idle && interruption_.signal() == 0) return Step::attempt_due;
        if (lock_.phase() != core::Phase::idle) interruption_.note(turn());
        if (interruption_.signal() != 0 && !won()) lock_.give_up(event::now());
        pump_.send();
    }
    took_ = event::now() - lock_.last_round().started();
    return won() ? Step::won : Step::over;
}

void Holder::attempt(const core::HolderInfo &info) {
    lock_.acquire(event::now(), core::make_token(random_hex128(), info), event::wall_clock_us());
    pump_.send();
}

void Holder::give_up() {
    lock_.give_up(event::now());
    pump_.send();
}

void Holder::leave() {
    settle(event::now() + lingering);
    nodes_.finish();
}

void Holder::release(bool in_no_hurry) {
    lock_.release(event::now());
    pump_.send();
    while (lock_.phase() != core::Phase::ended) interruption_.note(turn());
    // A node that has been asked only just is not slow yet.
    const Duration usual = std::max<Duration>(4 * took_, milliseconds{2});
    settle(in_no_hurry ? event::now() + lingering : lock_.last_round().started() + usual);
    nodes_.finish();
}

void Holder::reach_all() {
    const Instant begin = event::now();
    const Instant patience = begin + std::max<Duration>(4 * (begin - lock_.last_round().started()), lingering);
    const auto awaited = [&] { return lock_.last_round().pending() > 0 && event::now() < patience; };
    // A node that is not connected by then is off.
    const Instant connected = std::max(begin, lock_.last_round().started() + node_timeout_);
    const auto waiting = [&] { return nodes_.waiting() && event::now() < connected; };
    while ((waiting() || awaited()) && interruption_.signal() == 0)
        interruption_.note(turn(awaited() ? std::max(patience, connected) : connected));
}

// Protocol 8.4. Gives nodes that still owe an answer a little time. A server that cannot deliver its answer, because
// this process has ended, reads no further request: a key that it has just granted would stay for a TTL. A server that
// is known to be at work gets the node timeout.
void Holder::settle(Instant patience) {
    while (nodes_.owed() && event::now() < patience) interruption_.note(turn(patience));
    const Instant limit = event::now() + node_timeout_;
    process::Interruption meanwhile; // ends this wait, although one that came before does not
    // No event tells that a server reads on.
    while (meanwhile.signal() == 0 && nodes_.at_work() && event::now() < limit) {
        const std::vector<int> signals = turn(std::min(limit, event::now() + milliseconds{5}));
        meanwhile.note(signals);
        interruption_.keep(meanwhile.signal());
    }
}

core::HolderInfo this_process(std::string owner, std::string why) {
    std::array<char, HOST_NAME_MAX + 1> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    return {static_cast<std::int64_t>(event::wall_clock_us() / 1000), std::move(owner), host.data(), ::getpid(),
            std::move(why)};
}

} // namespace redlock::session
