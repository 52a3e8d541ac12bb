// A command, forked early and held at a gate: the child waits on a pipe and executes nothing until
// open(). So the fork costs no time (it happens while the nodes think), and no command can start that
// nobody let through. If the gate is never opened, or this process dies first, the child leaves.
//
// The child leads a process group of its own and dies with this process (parent-death signal). Failure
// to execute comes back through a close-on-exec pipe, never mixed up with a command's own 127.
// Fork on the main thread only: the kernel ties the parent-death signal to the forking thread.
#pragma once

#include "event/signals.hh"
#include "process/status.hh"
#include "util/fd.hh"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace redlock::process {

struct Command {
    std::vector<std::string> argv;        // at least one; found by PATH, executed directly
    std::vector<std::string> environment; // NAME=VALUE, added to or replacing what we were given
};

class Child {
  public:
    // Forks; the child waits at the gate. Throws SystemError (no processes, no descriptors).
    Child(const Command &command, const event::Signals &signals);
    // An unopened gate is closed and the child reaped; an open one must have been reaped before.
    ~Child();
    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;

    // Lets the command through, with more environment (NAME=VALUE; together at most 3 KiB). False when
    // the child is no longer there to take it.
    bool open(const std::vector<std::string> &more_environment);

    // The child's process and process group.
    [[nodiscard]] pid_t pid() const { return pid_; }

    // Sends a signal to the whole group. Harmless once everybody in it is gone.
    void signal_group(int signal) const;
    // Is anybody left in the group? Zombies count until reaped.
    [[nodiscard]] bool group_exists() const;

    // What happened since the last call, without waiting; nullopt: nothing new. A stop is reported and
    // is not an end. Before an end is reaped, `before_reaping` runs: the group's number is still ours.
    template <class BeforeReaping> std::optional<Status> poll(BeforeReaping before_reaping) {
        if (!reaped_ && has_ended()) before_reaping();
        return reap();
    }

    // After an end: the errno with which the command could not be executed, nullopt if it was.
    [[nodiscard]] std::optional<int> exec_error() const { return exec_error_; }

  private:
    [[nodiscard]] bool has_ended() const;
    std::optional<Status> reap();
    UniqueFd gate_;
    UniqueFd exec_report_;
    pid_t pid_ = -1;
    bool reaped_ = false;
    std::optional<int> exec_error_;
};

// Reaps children that are not ours: orphans handed to us as PID 1 or as subreaper. `keep` are left alone.
void reap_orphans(const std::vector<pid_t> &keep);

// From now on orphans below us become our children, so that we can tell when all of a group are dead.
void adopt_orphans();

// The environment of this process with `additions` (NAME=VALUE) put over it.
std::vector<std::string> environment_with(const std::vector<std::string> &additions);

} // namespace redlock::process
