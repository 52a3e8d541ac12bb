// The foreground of the terminal, lent to the command's process group and taken back, the way a shell
// does it, so that Ctrl-C, Ctrl-Z and reading from the terminal work as without redlock.
#pragma once

#include <sys/types.h>

namespace redlock::process {

class Terminal {
  public:
    // Looks for a controlling terminal among our standard streams. There may be none: then all does
    // nothing.
    Terminal();

    // Both ends of an interactive command are on the terminal: it should have the foreground from the
    // start. In a pipeline (`redlock exec a -- cmd | less`) the terminal stays with our own group, where
    // the other parts are, until the command asks for it (stops with TTIN or TTOU).
    [[nodiscard]] bool is_for_command() const { return fd_ >= 0 && both_ends_; }

    // Gives the foreground to `group` if our own group has it. True when `group` has it afterwards.
    bool give(pid_t group);
    // Back to our own group if we had lent it. True when we had, and it was still with that group.
    bool take_back();

  private:
    int fd_ = -1; // borrowed: a standard stream
    bool both_ends_ = false;
    pid_t lent_to_ = 0;
};

// Stops this process's group as Ctrl-Z would have done, returns when it was continued (at once where
// the kernel does not stop an orphaned group).
void stop_own_group();

} // namespace redlock::process
