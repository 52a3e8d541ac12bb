#include "process/supervisor.hh"

#include <algorithm>
#include <csignal>
#include <utility>

namespace redlock::process {

void Supervisor::started(Instant now, Instant validity) {
    state_ = State::running;
    validity_ = validity;
    tick(now);
}

void Supervisor::validity_is(Instant now, Instant validity) {
    validity_ = validity;
    if (state_ == State::ending) kill_at_ = std::min(kill_at_, validity_ - grace_.margin);
    tick(now);
}

void Supervisor::pass_on(int signal) {
    if (state_ == State::running || state_ == State::ending) out_.push_back(signal);
}

void Supervisor::ended(Instant now) {
    if (now >= validity_) lost_ = true;
    state_ = State::ended;
}

void Supervisor::tick(Instant now) {
    const Instant latest_kill = validity_ - grace_.margin;
    if (state_ == State::running && now >= latest_kill - grace_.grace) {
        state_ = State::ending;
        lost_ = true;
        kill_at_ = std::min(now + grace_.grace, latest_kill);
        // With CONT: a stopped command could not act on the first signal. But where it is too late for words,
        // it must not be woken to hear them.
        if (now < kill_at_) out_.insert(out_.end(), {grace_.first_signal, SIGCONT});
    }
    if (state_ == State::ending && now >= kill_at_) {
        state_ = State::killed;
        out_.push_back(SIGKILL);
    }
}

std::vector<int> Supervisor::take_signals() { return std::exchange(out_, {}); }

std::optional<Instant> Supervisor::deadline() const {
    if (state_ == State::running) return validity_ - grace_.margin - grace_.grace;
    return state_ == State::ending ? std::optional(kill_at_) : std::nullopt;
}

} // namespace redlock::process
