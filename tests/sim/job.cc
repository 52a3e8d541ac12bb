#include "client.hh"

#include <algorithm>
#include <csignal>

namespace redlock::sim {

void Job::start(const std::string &token, const Habits &habits) {
    habits_ = habits;
    alive_ = true;
    ++life_;
    checker_.command_started(client_, token);
    die_at(world_.now() + habits_.work);
}

void Job::signal(int number) {
    if (!alive_) return;
    world_.note([&] { return text("client ", client_, ": command is sent signal ", number); });
    if (number == SIGKILL) die_at(world_.now() + world_.random.between(habits_.kill_takes / 2, habits_.kill_takes));
    else if (number != SIGCONT && !habits_.ignores_term) die_at(world_.now() + habits_.after_term);
}

void Job::die_at(Moment when) {
    const int life = life_;
    world_.at(when, [this, life] { die(life); });
}

void Job::die(int life) {
    if (!alive_ || life != life_) return;
    if (world_.now() < frozen_until_) return die_at(frozen_until_);
    alive_ = false;
    checker_.command_ended(client_);
    parent_.wake();
}

} // namespace redlock::sim
