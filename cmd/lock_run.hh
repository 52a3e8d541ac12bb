// One lock on real nodes, with the words that go with it: what exec and acquire share. Borrows settings and signals.
#pragma once

#include "cmd/settings.hh"
#include "session/holder.hh"

#include <string>
#include <unistd.h>
#include <vector>

namespace redlock::cmd {

class LockRun {
  public:
    // `needed`: how far ahead V must be for the lock to count as won. For exec it is extended while held.
    LockRun(const Settings &settings, event::Signals &signals, Duration needed);

    // Tries until the lock is won (true) or cannot be had, and tells what it waits for. See session::Holder::acquire.
    bool acquire();
    void release(bool in_no_hurry = false);
    void reach_all();
    void let_go() { holder_.let_go(); }

    // See session::Pump. Warns of what the nodes report.
    std::vector<int> turn(std::optional<Instant> deadline = std::nullopt);

    // The signals that came while no command was there to receive them.
    [[nodiscard]] process::Interruption &interruption() { return interruption_; }
    [[nodiscard]] const core::Lock &lock() const { return holder_.lock(); }

    // REDLOCK_HELD for the command: "NAME:RANDOM" for each lock that it runs under, this one last, NAME
    // percent-encoded, RANDOM from the token. A command that is refused because of that very token waits for itself.
    [[nodiscard]] std::string held_for_command() const;

    // After acquire() returned false: says why, and returns the exit code, or ends this process by the signal that
    // came.
    int explain_failure() const;

    // What each node said in the latest round of attempts or renewals, a line each.
    [[nodiscard]] std::string node_table() const;

  private:
    void tell_wait(Duration waited);
    [[nodiscard]] std::string what_blocks(bool as_line) const;
    void warn_of_notices();
    void warn(const core::Notice &notice) const;
    [[nodiscard]] bool blocked_by_ourselves() const;

    const Settings &settings_;
    process::Interruption interruption_;
    session::Holder holder_;
    const bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
    Duration note_due_ = seconds{1}; // since the beginning
    bool quarantine_told_ = false;   // in full
};

} // namespace redlock::cmd
