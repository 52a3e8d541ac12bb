// A command on the user's behalf, on the terminal where there is one, and what its end makes of ours. The command
// leads a process group of its own and dies with redlock.
#pragma once

#include "cmd/settings.hh"
#include "event/signals.hh"
#include "process/child.hh"
#include "process/terminal.hh"

#include <bitset>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace redlock::cmd {

class Job {
  public:
    // Starts `what.words` with `environment` (NAME=VALUE) added to ours. Borrows `what`. Throws SystemError
    // where there can be no new process.
    Job(const JobSettings &what, std::vector<std::string> environment, const event::Signals &signals);

    // Of the command and of its group.
    [[nodiscard]] pid_t pid() const { return child_.pid(); }

    // To the whole group; after a CONT it has the foreground again if it had it before. False: we are not allowed to.
    bool send(int signal);

    // Has it ended? When it has stopped, so do we, where there is job control: returns when we were continued, the
    // command still stopped until a CONT is sent.
    bool has_ended();

    // After its end: how; nullopt when it could not be executed.
    [[nodiscard]] std::optional<process::Status> status() const {
        return child_.exec_error() ? std::nullopt : std::optional(status_);
    }

    // After its end: the exit code, the command's or 128+S, 126 or 127 when it could not be executed. Dies of S
    // instead when it was INT, QUIT or one that was sent: have everything in order before.
    [[nodiscard]] int result() const;

  private:
    const JobSettings &what_;
    process::Terminal terminal_;
    const int lent_ = terminal_.to_lend(); // -1: not from the start
    process::Child child_;
    process::Status status_;
    std::bitset<NSIG> deaths_to_share_;
    bool had_terminal_ = false; // the command had the foreground when it ended
};

// The signals that come before anything else happens, or none until the deadline.
std::vector<int> wait_for_signals(event::Signals &signals, std::optional<Instant> deadline = std::nullopt);

} // namespace redlock::cmd
