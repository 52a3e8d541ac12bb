// How a child ended or stopped: waitpid's number as a value with named questions.
#pragma once

#include <sys/wait.h>

namespace redlock::process {

class Status {
  public:
    Status() = default;
    explicit Status(int raw) : raw_(raw) {}

    [[nodiscard]] bool exited() const { return WIFEXITED(raw_); }
    [[nodiscard]] bool killed() const { return WIFSIGNALED(raw_); }
    [[nodiscard]] bool stopped() const { return WIFSTOPPED(raw_); }
    [[nodiscard]] int exit_code() const { return WEXITSTATUS(raw_); } // exited() only
    [[nodiscard]] int term_signal() const { return WTERMSIG(raw_); }  // killed() only
    [[nodiscard]] int stop_signal() const { return WSTOPSIG(raw_); }  // stopped() only

  private:
    int raw_ = 0;
};

} // namespace redlock::process
