// When the command must hear which signal: the deadlines of protocol 13.1 as a pure state machine.
// Events in (the lease's end of validity, signals, exits, the time), actions out; no system call, so that
// the simulator runs the same object.
//
// Going backwards from V: kill_at = V - margin, term_at = kill_at - grace. At term_at the command is
// told to end, and from then on the lock counts as lost, even if a renewal succeeds: the grace is under
// way and nobody could tell the command to stay after all. KILL follows when the grace is over, at
// kill_at at the latest; a V that shrinks meanwhile pulls KILL forward, a V that grows does not defer it.
#pragma once

#include "util/time.hh"

#include <optional>
#include <vector>

namespace redlock::process {

struct Grace {
    Duration grace{};      // between the first signal and KILL
    Duration margin{};     // from KILL to V: how long the kernel may take to end the command
    int first_signal = 15; // TERM, unless the user chose another

    // How far ahead V must be before the command may start (protocol 13.2).
    [[nodiscard]] Duration needed_validity() const { return grace + 2 * margin; }
};

class Supervisor {
  public:
    enum class State { waiting, running, ending, killed, ended };

    explicit Supervisor(Grace grace) : grace_(grace) {}

    [[nodiscard]] Duration needed_validity() const { return grace_.needed_validity(); }

    // The command was started under a lease that is valid until `validity`.
    void started(Instant now, Instant validity);
    // The lease changed: renewed, or (distant_past) lost at once.
    void validity_is(Instant now, Instant validity);
    // A signal that redlock got and the command should have, too.
    void pass_on(int signal);
    // The command ended by itself or by a signal. Seen only after V, it may have outlived the lock.
    void ended(Instant now);
    // Time went by. Idempotent.
    void tick(Instant now);

    // Signals for the command's group, in order; emptied by the call.
    std::vector<int> take_signals();
    // When tick() is needed next.
    [[nodiscard]] std::optional<Instant> deadline() const;

    [[nodiscard]] State state() const { return state_; }
    // The command was made to end because the lease was running out (exit 79, whatever it returned).
    [[nodiscard]] bool lost() const { return lost_; }

  private:
    Grace grace_;
    State state_ = State::waiting;
    Instant validity_ = distant_past;
    Instant kill_at_ = distant_future;
    bool lost_ = false;
    std::vector<int> out_;
};

} // namespace redlock::process
