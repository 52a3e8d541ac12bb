// Signals as values: blocked at the start, read from a signalfd by the loop.
//
// A signal that was ignored when we were started (nohup) stays ignored and is never reported. SIGCHLD is
// always reported. Faults of our own (SEGV, ABRT, ...) and the unblockable ones are left alone.
// Made once, in main, before any thread or child exists; lives as long as the process.
#pragma once

#include "event/poll_set.hh"
#include "util/fd.hh"

#include <csignal>
#include <vector>

namespace redlock::event {

class Signals {
  public:
    // Throws SystemError.
    Signals();

    void watch(PollSet &set) { slot_ = set.add(fd_.get(), POLLIN); }
    // The signals that have come since, in the order the kernel gives them.
    std::vector<int> take(const PollSet &set);

    // For a child, between fork and exec: the mask and SIGCHLD's disposition as we found them.
    // Async-signal-safe.
    void restore_in_child() const;

  private:
    UniqueFd fd_;
    std::size_t slot_ = 0;
    sigset_t original_mask_{};
    struct sigaction original_child_ {};
};

// What a signal does to a process that does not catch it.
enum class DefaultAction { none, stop, terminate };
DefaultAction default_action(int signal);

// Ends this process by `signal` in its default way, without a core file; where that cannot be (PID 1 has
// no default actions), exits with 128+signal. Nothing is flushed.
[[noreturn]] void die_of(int signal);

} // namespace redlock::event
