// A command as a child process, leading a process group of its own, that dies with this process
// (parent-death signal; protocol 13.6). Made with vfork: nothing of redlock is copied, which is half of what starting a
// command costs. Failure to execute comes back as an error, never mixed up with a command's own 127.
// Make it on the main thread only: the kernel ties the parent-death signal to the forking thread.
#pragma once

#include "event/signals.hh"

#include <optional>
#include <string>
#include <sys/wait.h>
#include <vector>

namespace redlock::process {

struct Program {
    std::vector<std::string> argv;        // at least one; found by PATH, executed directly
    std::vector<std::string> environment; // NAME=VALUE, added to or replacing what we were given
};

// How a child ended or stopped: waitpid's number as a value with named questions.
class Status {
  public:
    explicit Status(int raw = 0) : raw_(raw) {}

    [[nodiscard]] bool exited() const { return WIFEXITED(raw_); }
    [[nodiscard]] bool killed() const { return WIFSIGNALED(raw_); }
    [[nodiscard]] bool stopped() const { return WIFSTOPPED(raw_); }
    [[nodiscard]] int exit_code() const { return WEXITSTATUS(raw_); } // exited() only
    [[nodiscard]] int term_signal() const { return WTERMSIG(raw_); }  // killed() only
    [[nodiscard]] int stop_signal() const { return WSTOPSIG(raw_); }  // stopped() only

  private:
    int raw_;
};

class Child {
  public:
    // Starts the command; returns when it is being executed, or has failed to be: see exec_error().
    // `terminal`: a descriptor of the terminal whose foreground the command gets first, or -1.
    // Throws SystemError where there can be no new process.
    Child(const Program &program, const event::Signals &signals, int terminal);
    // Kills what has not been reaped: the way out of an internal error.
    ~Child();
    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;

    // The child's process and process group.
    [[nodiscard]] pid_t pid() const { return pid_; }

    // Sends a signal to the whole group. Harmless once everybody in it is gone.
    // False: we are not allowed to (the command runs as another user).
    bool signal_group(int signal) const;

    // What happened since the last call, without waiting; nullopt: nothing new. A stop is reported and
    // is not an end.
    std::optional<Status> poll();

    // The errno with which the command could not be executed, nullopt if it was. Its end follows.
    [[nodiscard]] std::optional<int> exec_error() const { return exec_error_; }

  private:
    pid_t pid_ = -1;
    bool reaped_ = false;
    std::optional<int> exec_error_;
};

} // namespace redlock::process
