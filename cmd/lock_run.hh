// One lock on real nodes, driven for a command: what exec and acquire share. Owns the nodes and the core's
// lock; borrows settings and signals.
#pragma once

#include "cmd/job.hh"
#include "cmd/settings.hh"
#include "core/lock.hh"
#include "event/signals.hh"
#include "redis/nodes.hh"
#include "session/pump.hh"

#include <string>
#include <unistd.h>
#include <vector>

namespace redlock::cmd {

class LockRun {
  public:
    // `needed`: how far ahead V must be for the lock to count as won. For exec it is extended while held.
    LockRun(const Settings &settings, event::Signals &signals, Duration needed);

    // Tries until the lock is held or cannot be had, and has cleaned up in the latter case. True when
    // it was won (and may, after a long sleep, already be lost again: look at the lease). A signal that would end this
    // process ends the attempts: see signal().
    bool acquire();

    // Gives back what acquire() won; returns when every node expected to answer has, and a little later when others
    // have not: in no hurry always, else when they were asked only just (see settle()). Signals are noted.
    void release(bool in_no_hurry = false);

    // Waits for what has not been handed to every node yet, each node's time at most, and a little for those that have
    // not answered: a lock that is left to itself had better be on all of them, and a node that is left while it
    // answers does not read on. Signals are noted.
    void reach_all();

    // Leaves the lock held and closes the connections in good order.
    void let_go() { nodes_.finish(); }

    // See session::Pump.
    std::vector<int> turn(std::optional<Instant> deadline = std::nullopt);

    // The first signal that asked this process to end while no command was there to have it; 0: none.
    [[nodiscard]] int signal() const { return signal_; }
    void note(const std::vector<int> &signals) { note_signals(signals, signal_); }

    [[nodiscard]] const core::Lock &lock() const { return lock_; }

    // REDLOCK_HELD for the command: "NAME:RANDOM" for each lock that it runs under, this one last, NAME
    // percent-encoded, RANDOM from the token. Whoever is refused because of that very token waits for itself.
    [[nodiscard]] std::string held_for_command() const;

    // Why it was not acquired (after acquire() returned false): says it and returns the exit code, or dies of the
    // signal that it was.
    int explain_failure() const;

    // What each node said in the latest round of attempts or renewals, a line each.
    [[nodiscard]] std::string node_table() const;

  private:
    void settle(Instant patience);
    void tell_who_waits(Duration waited);
    void warn(const core::Notice &notice) const;
    [[nodiscard]] bool blocked_by_ourselves() const;

    const Settings &settings_;
    redis::Nodes nodes_;
    core::Lock lock_;
    session::Pump pump_;
    Duration took_{}; // the round that won
    int signal_ = 0;
    const bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
    Duration note_due_ = seconds{1}; // since the beginning
    bool quarantine_told_ = false;   // in full
};

} // namespace redlock::cmd
