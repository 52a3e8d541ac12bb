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
    // Takes back what is still lent.
    ~Terminal() { take_back(); }
    Terminal(const Terminal &) = delete;
    Terminal &operator=(const Terminal &) = delete;

    // The terminal, if a command that starts now should have the foreground from the start, else -1: our
    // own group has it, and both ends of an interactive command are on the terminal. In a pipeline
    // (`redlock exec a -- cmd | less`) it stays with our group, where the other parts are, until the
    // command asks for it (stops with TTIN or TTOU).
    [[nodiscard]] int to_lend() const;
    // The foreground has been given to `group`, which did not even exist before.
    void lent_to(pid_t group) { lent_to_ = group; }

    // Gives the foreground to `group` if our own group has it. True when `group` has it afterwards.
    bool give(pid_t group);
    // Back to our own group if we had lent it. True when we had, and it was still with that group.
    bool take_back();

    // The command's group has stopped by `stop_signal`. If it only wanted the terminal and can have it, it
    // goes on. Else, where there is job control, all of the group stops and so does our own, for the
    // shell around us to see; returns when we were continued, the command still stopped: look after the
    // lease, then call continued() and send CONT.
    void follow_stop(pid_t group, int stop_signal);
    // We were continued: the command gets back the foreground that it had, if it is ours to give (fg, not bg).
    void continued(pid_t group);

  private:
    int fd_ = -1; // borrowed: a standard stream
    bool both_ends_ = false;
    pid_t lent_to_ = 0;
    bool had_it_before_stop_ = false;
};

// Stops this process as TSTP does by default; returns when it was continued, or at once where the kernel
// does not stop us (an orphaned group, which nobody could continue).
void stop_self();

} // namespace redlock::process
