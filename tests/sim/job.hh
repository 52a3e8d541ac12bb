// The command that redlock runs: it lives until it ends by itself, dies of TERM or is killed.
// KILL takes effect within half of the kill margin; the other half belongs to a late redlock.
#pragma once

#include "checker.hh"

namespace redlock::sim {

struct Habits {
    Duration work{}; // until it ends by itself
    bool ignores_term = false;
    Duration after_term{}; // how long it takes to die of TERM
    Duration kill_takes{}; // at most
};

class Client;

class Job {
  public:
    Job(World &world, Checker &checker, Client &parent, std::size_t client)
        : world_(world), checker_(checker), parent_(parent), client_(client) {}
    Job(const Job &) = delete;
    Job &operator=(const Job &) = delete;

    void start(const std::string &token, const Habits &habits);
    void signal(int number);
    // It ends by itself, then and not as planned.
    void ends_at(Moment when) {
        ++life_;
        die_at(when);
    }
    // It and its parent stand still (a suspended machine); it goes on at `until`.
    void freeze(Moment until) { frozen_until_ = std::max(frozen_until_, until); }
    [[nodiscard]] bool alive() const { return alive_; }

  private:
    void die_at(Moment when);
    void die(int life);

    World &world_;
    Checker &checker_;
    Client &parent_;
    const std::size_t client_;
    Habits habits_;
    bool alive_ = false;
    int life_ = 0; // deaths planned in an earlier one mean nothing
    Moment frozen_until_{};
};

} // namespace redlock::sim
