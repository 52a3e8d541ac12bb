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
    passed_.push_back(signal);
    if (state_ == State::running || state_ == State::ending) out_.push_back(signal);
}

void Supervisor::ended(Instant now) {
    if (now >= validity_) lost_ = true;
    state_ = State::ended;
}

void Supervisor::end_by(Instant kill_at) {
    state_ = State::ending;
    kill_at_ = kill_at;
    out_.push_back(grace_.first_signal);
    out_.push_back(SIGCONT); // a stopped command could not act on the first one
}

void Supervisor::tick(Instant now) {
    if (state_ == State::running && now >= validity_ - grace_.margin - grace_.grace) {
        lost_ = true;
        // Too late for words: a stopped command must not be woken to hear them.
        if (now >= validity_ - grace_.margin) {
            state_ = State::killed;
            out_.push_back(SIGKILL);
            return;
        }
        end_by(std::min(now + grace_.grace, validity_ - grace_.margin));
    }
    if (state_ == State::ending && now >= kill_at_) {
        state_ = State::killed;
        out_.push_back(SIGKILL);
    }
}

std::vector<int> Supervisor::take_signals() { return std::exchange(out_, {}); }

std::optional<Instant> Supervisor::deadline() const {
    switch (state_) {
    case State::running: return validity_ - grace_.margin - grace_.grace;
    case State::ending: return kill_at_;
    default: return std::nullopt;
    }
}

bool Supervisor::passed_on(int signal) const {
    return std::find(passed_.begin(), passed_.end(), signal) != passed_.end();
}

} // namespace redlock::process
